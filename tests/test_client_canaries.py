"""A token is in no log, error, traceback, event, metric, record of a call or repr, whatever goes wrong with a call."""

import asyncio
import json
import logging
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import asdict, dataclass, field
from types import FrameType
from typing import Any

import pytest
import sentry_sdk
import structlog
from prometheus_client import generate_latest
from pydantic import SecretStr
from sentry_sdk.envelope import Envelope
from sentry_sdk.integrations.aiohttp import AioHttpIntegration
from sentry_sdk.integrations.logging import LoggingIntegration
from sentry_sdk.scrubber import EventScrubber
from sentry_sdk.transport import Transport

from service.highlevel.appointments import DeleteEvent
from service.highlevel.calendars import GetCalendar
from service.highlevel.call import Call
from service.highlevel.client import HighLevel, Patience
from service.highlevel.connection import open_session
from service.highlevel.errors import HighLevelError, TokenRefused
from service.highlevel.oauth import OAuth
from service.highlevel.operation import Operation
from service.highlevel.rate_limit import Unlimited
from service.highlevel.tokens import Bearer, StaticToken, Tokens
from tests.canaries import SECRETS, SEED, echo, found_in
from tests.clients import order
from tests.processes import free_port
from tests.sandboxes import CUTS, LOCATION, Sandbox, running

READ = GetCalendar(calendar_id=CUTS)
WRITE = DeleteEvent(event_id="none")
QUICK = Patience(tries=2, pause=0, read=0.03)

OUTCOMES = (
    *("400", "expired_token", "missing_scope", "timed_out", "403", "404", "408", "422", "429", "429,retry_after=900"),
    *("500", "502", "503", "502,html", "302,html", "empty", "blocked", "drop", "drop_after", "truncated", "invalid"),
    *("delay=60", "hold=60", "slow=60"),
)


class Sentry(Transport):
    """Keeps what would have been sent."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[str] = []

    def capture_envelope(self, envelope: Envelope) -> None:
        self.sent.append(envelope.serialize().decode())


@dataclass(repr=False)
class Told:
    """All that was told, by where."""

    api: HighLevel
    sentry: Sentry
    calls: list[Call] = field(default_factory=list)
    errors: list[BaseException] = field(default_factory=list)
    texts: dict[str, str] = field(default_factory=dict)

    def tell(self, where: str, *words: object) -> None:
        self.texts[where] = "\n".join([self.texts.get(where, ""), *map(str, words)])

    async def fail(self, operation: Operation[Any], within: float | None = None) -> None:
        await self.hear(lambda: self.api(operation), within)

    async def hear(self, call: Callable[[], Awaitable[object]], within: float | None = None) -> None:
        """It goes wrong, and everybody says so as loudly as can be."""
        try:
            async with asyncio.timeout(within):
                await call()
        except Exception as error:
            self.errors.append(error)
            sentry_sdk.capture_exception(error)
            logging.getLogger("somebody").exception("failed: %r", error, exc_info=error)
            self.tell("errors", error, repr(error), error.args, vars(error), getattr(error, "__notes__", ()))
            self.tell("tracebacks", *traceback.format_exception(error))
            self.tell("frames", *traceback.TracebackException.from_exception(error, capture_locals=True).format())
            self.tell("frames", *map(_shown, _frames(error)))
            told = structlog.processors.dict_tracebacks(None, "error", {"exc_info": error, "api": self.api})
            self.tell("structlog", json.dumps(told, default=repr))
        else:
            pytest.fail("it did not go wrong")

    async def record(self, call: Call) -> None:
        self.calls.append(call)


def _frames(error: BaseException | None) -> Iterator[FrameType]:
    """Of an error and of all before it, also where they are not meant to be shown."""
    while error is not None:
        yield from (frame for frame, _ in traceback.walk_tb(error.__traceback__))
        error = error.__cause__ or error.__context__


def _shown(frame: FrameType) -> str:
    return f"{frame.f_code.co_name}: {frame.f_locals!r}"


@contextmanager
def listening(sentry: Sentry) -> Iterator[None]:
    """With nothing held back: Sentry keeps the values of frames and scrubs nothing."""
    client = sentry_sdk.Client(
        dsn="http://key@127.0.0.1/1",
        transport=sentry,
        default_integrations=False,
        auto_enabling_integrations=False,
        integrations=[AioHttpIntegration(), LoggingIntegration(level=logging.DEBUG)],
        include_local_variables=True,
        event_scrubber=EventScrubber(denylist=[], pii_denylist=[]),
        traces_sample_rate=1,
    )
    with sentry_sdk.isolation_scope() as scope:
        scope.set_client(client)
        yield


@asynccontextmanager
async def told(url: str, token: str | Tokens = SECRETS["token"]) -> AsyncIterator[Told]:
    sentry = Sentry()
    with listening(sentry):
        async with open_session() as session:
            kept: list[Told] = []

            async def record(call: Call) -> None:
                await kept[0].record(call)

            api = HighLevel(
                url, token, session=session, rate_limit=Unlimited(), reads=QUICK, writes=QUICK, record=record
            )
            kept.append(Told(api, sentry))
            yield kept[0]
            kept[0].tell("reprs", repr(api), repr(session), session, session.headers, session.connector, api.__call__)


def assert_silent(told: Told, logs: pytest.LogCaptureFixture) -> None:
    told.tell("sentry", *told.sentry.sent)
    told.tell("calls", *told.calls, *(json.dumps(asdict(call)) for call in told.calls))
    told.tell("metrics", generate_latest().decode())
    told.tell("logs", logs.text, *(vars(line) for line in logs.records))
    assert len([text for text in told.sentry.sent if '"exception"' in text]) >= len(told.errors)
    assert all(told.texts[where].strip() for where in ("errors", "frames", "structlog", "logs", "reprs", "sentry"))
    giving_away = {where: found_in(text) & {"token", "wrong token"} for where, text in told.texts.items()}
    assert not any(giving_away.values()), {where: found for where, found in giving_away.items() if found}


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with running(told=False, seed=SEED) as opened:
        yield opened


@pytest.fixture(autouse=True)
def loud(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)


async def test_no_failure_gives_the_token_away(sandbox: Sandbox, caplog: pytest.LogCaptureFixture) -> None:
    loop = asyncio.get_running_loop()
    loop.set_debug(True)
    loop.slow_callback_duration = 0
    async with told(str(sandbox.client.make_url(""))) as everything:
        for operation in (READ, WRITE):
            for outcome in OUTCOMES:
                await order(sandbox, f"{type(operation).__name__}:{outcome}*2")
                await everything.fail(operation)
                await sandbox.call("DELETE", "/_sandbox/faults", status=204)
            # The caller does not wait, and leaves the call in the middle of what aiohttp does.
            await order(sandbox, f"{type(operation).__name__}:delay=60")
            await everything.fail(operation, within=0.02)
    await everything.fail(READ)
    loop.set_debug(False)
    assert len({type(error) for error in everything.errors}) > 10
    assert_silent(everything, caplog)


async def test_an_answer_that_quotes_the_token_gives_nothing_away(
    sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    statuses = [400, 401, 403, 404, 408, 422, 429, 429, 500, 502, 502, 200]
    async with echo(str(sandbox.client.make_url("")).rstrip("/")) as quoting, told(quoting.url) as everything:
        quoting.orders = {("GET", CUTS): statuses}
        while statuses:
            await everything.fail(READ)
        assert quoting.quoted == len(everything.calls) == 12
    assert "Bearer …" in everything.texts["errors"]
    assert_silent(everything, caplog)


async def test_what_nobody_foresaw_gives_no_token_away(sandbox: Sandbox, caplog: pytest.LogCaptureFixture) -> None:
    class Odd:
        """Gives a token that no header can carry."""

        def __repr__(self) -> str:
            return "Odd()"

        async def token(self) -> str:
            return SECRETS["wrong token"] + "\n"

        async def refused(self, token: str) -> bool:
            return False

    async with told(str(sandbox.client.make_url("")), Odd()) as everything:
        await everything.fail(READ)
    assert isinstance(everything.errors[0], ValueError)
    assert_silent(everything, caplog)
    async with told(f"http://127.0.0.1:{free_port()}") as everything:
        await everything.fail(WRITE)
    assert isinstance(everything.errors[0], HighLevelError)
    assert_silent(everything, caplog)


async def test_no_failure_of_oauth_gives_a_secret_away(sandbox: Sandbox, caplog: pytest.LogCaptureFixture) -> None:
    token, secret = SecretStr(SECRETS["wrong token"]), SecretStr(SECRETS["token"])
    async with told(str(sandbox.client.make_url(""))) as everything, open_session() as session:
        oauth = OAuth(str(sandbox.client.make_url("")), "5a1db0c5510751077e57ab1e-sandbox", secret, session)
        nowhere = OAuth(f"http://127.0.0.1:{free_port()}", "nobody", secret, session)
        calls: dict[str, Callable[[], Awaitable[object]]] = {
            "AccessToken": lambda: oauth.exchange(SecretStr("code"), "http://127.0.0.1/", "Location"),
            "LocationToken": lambda: oauth.location_token(token, "company", LOCATION),
        }
        for name, call in calls.items():
            for outcome in ("400", "500", "drop", "200,html"):
                await order(sandbox, f"{name}:{outcome}")
                await everything.hear(call)
        for fault, within in (("AccessToken:400", None), ("AccessToken:delay=60", 0.02)):
            await order(sandbox, fault)
            await everything.hear(lambda: oauth.refresh(token, "Location"), within)
        await everything.hear(lambda: nowhere.location_token(token, "company", LOCATION))
        everything.tell("reprs", repr(oauth))
        await everything.fail(GetCalendar(calendar_id="none"))
    assert_silent(everything, caplog)


async def test_nothing_that_holds_a_token_shows_it() -> None:
    holders = (StaticToken(SECRETS["token"]), Bearer(SECRETS["token"]), HighLevel("http://x", SECRETS["token"]))
    assert found_in(" ".join(f"{holder} {holder!r}" for holder in holders)) == set()
    api = HighLevel("http://x", SECRETS["token"] + "\n")
    async with api:
        with pytest.raises(TokenRefused, match="in one line") as caught:
            await api(GetCalendar(calendar_id="none"))
    frames = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    assert found_in("".join(frames.format())) == set()
