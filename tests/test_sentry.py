"""What Sentry is told: kinds, places and ids of unexpected errors, and nothing of a booking, however it got in."""

import asyncio
import json
import logging
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any, cast

import aiohttp
import pytest
import sentry_sdk
import structlog
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from pydantic import SecretStr
from sentry_sdk.envelope import Envelope
from sentry_sdk.transport import Transport

from service.embedded import Servers
from service.highlevel.connection import open_session
from service.queue import Bell
from service.receiver.app import errors_are_problems
from service.settings import Settings
from service.store.alerts import raised
from service.store.database import Pool
from service.store.identifiers import new_id
from service.store.ledger import write_down
from service.telemetry import Outage, Tally, release, report, sentry, working_on
from tests.house import House, in_days, settings_for
from tests.house import now as clock
from tests.sandboxes import LOCATION
from workers.actions.add_note import AddNote
from workers.alerting.channels import channels
from workers.alerting.sending import Sender
from workers.cli.roles import ended
from workers.jobs import Drainer, listen
from workers.settle import Settler
from workers.workplace import Workplace

CANARIES = ("Ada", "Lovelace", "+44 20 7946 0123", "79460123", "ada@example.com", "pit-canary-token", "no peanuts")
WORDS = " ".join(CANARIES)

ALLOWED = {
    "event_id",
    "timestamp",
    "level",
    "platform",
    "logger",
    "environment",
    "release",
    "tags",
    "sdk",
    "contexts",
    "exception",
}

OF_ALERT = ALLOWED - {"exception", "contexts", "logger"} | {"message", "fingerprint"}


class Captured(Transport):
    """Keeps what would have been sent."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[bytes] = []
        self.events: list[Mapping[str, Any]] = []

    def capture_envelope(self, envelope: Envelope) -> None:
        self.sent.append(envelope.serialize())
        self.events += [json.loads(item.get_bytes()) for item in envelope.items if item.type == "event"]
        assert {item.type for item in envelope.items} == {"event"}, "no sessions, no transactions, no logs"

    async def first(self) -> Mapping[str, Any]:
        async with asyncio.timeout(15):
            while not self.events:
                await asyncio.sleep(0.01)
        return self.events[0]


def configured(**more: Any) -> Settings:
    return Settings(sentry_dsn=SecretStr("https://key@sentry.example.com/1"), environment="staging", **more)


@pytest.fixture
def captured() -> Iterator[Captured]:
    """Sentry set up as in production, but that nothing leaves this process. Whatever it was, no canary was sent."""
    hooks, handlers = (sentry_sdk.get_client(), list(logging.getLogger().handlers))
    settings = configured()
    sentry.set_up(settings, "work", release(settings))
    transport = Captured()
    sentry_sdk.get_client().transport = transport
    sentry_sdk.set_user({"email": "ada@example.com", "username": "Ada"})
    sentry_sdk.set_extra("booking", WORDS)
    sentry_sdk.set_context("booking", {"title": WORDS})
    sentry_sdk.set_tag("contact", WORDS)
    sentry_sdk.set_tag("location", "ada@example.com")
    sentry_sdk.add_breadcrumb(message=WORDS)
    try:
        yield transport
    finally:
        sentry_sdk.get_global_scope().clear()
        sentry_sdk.get_isolation_scope().clear()
        sentry_sdk.get_current_scope().clear()
        sentry_sdk.get_global_scope().set_client(hooks)
        logging.getLogger().handlers[:] = handlers
    for sent in transport.sent:
        assert [canary for canary in CANARIES if canary in sent.decode()] == []
    for event in transport.events:
        is_alert = "message" in event
        assert set(event) <= (OF_ALERT if is_alert else ALLOWED)
        assert set(event["tags"]) <= set(sentry.OF_ALERTS if is_alert else sentry.TAGS)
        assert set(event.get("contexts", ())) <= {"runtime", "trace"}
        assert (event["environment"], event["release"]) == ("staging", f"slotwright@{version('slotwright')}")
        assert event["tags"]["role"] == "work"
        assert is_alert or event["exception"]["values"], "an event is an alert or an error"


def fail() -> None:
    """As bad as it gets: words, notes, a cause, a group, a name in a variable."""
    title = WORDS
    try:
        try:
            raise KeyError(title)
        except KeyError as error:
            error.add_note(f"for {title}")
            raise RuntimeError(f"a row with {title}") from error
    except RuntimeError as error:
        raise ExceptionGroup(f"several of {title}", [error, ValueError(title)]) from None


async def test_an_error_in_a_handler(captured: Captured) -> None:
    async def handler(request: web.Request) -> web.Response:
        await request.read()
        logging.getLogger("other").error("said before: %s", WORDS)
        fail()
        raise AssertionError

    tally = Tally()
    app = web.Application(middlewares=[errors_are_problems(tally)])
    app.router.add_post("/hooks/{source}", handler)
    bare = web.Application()
    bare.router.add_post("/hooks/{source}", handler)
    headers = {
        "Authorization": "Bearer pit-canary-token",
        "Cookie": "name=Ada",
        "sentry-trace": "771a43a4192642f0b136d5159a501700-7c51afd529da4a2a-1",
        "baggage": "sentry-trace_id=771a43a4192642f0b136d5159a501700,sentry-user=Ada,sentry-transaction=Lovelace",
        "X-Forwarded-For": "203.0.113.9",
    }
    for each in (app, bare):
        async with TestClient(TestServer(each)) as client:
            query = {"phone": "+44 20 7946 0123"}
            async with client.post("/hooks/Ada", params=query, headers=headers, json={"title": WORDS}) as answer:
                assert answer.status == 500
    assert len(captured.events) == 2
    for event in captured.events:
        kinds = [value["type"] for value in event["exception"]["values"]]
        assert sorted(kinds) == ["ExceptionGroup", "KeyError", "RuntimeError", "ValueError"]
        frames = [frame for value in event["exception"]["values"] for frame in value["stacktrace"]["frames"]]
        assert "fail" in {frame["function"] for frame in frames}
        assert {key for frame in frames for key in frame} == {"function", "module", "filename", "lineno", "in_app"}
    assert "203.0.113.9" not in str(captured.sent)


@pytest.mark.filterwarnings("ignore:Call to deprecated close")  # arq's own
async def test_an_error_in_a_job(captured: Captured, pool: Pool, database_url: str, servers: Servers) -> None:
    """As rings start them: Sentry sees it only because the worker is made where Sentry has put its own."""

    class Failing(Drainer):
        def ring(self) -> None:
            fail()

    settings = settings_for(database_url, servers.redis_url)
    async with open_session(1) as session:
        work = Workplace(settings, pool, session, clock)
        listening = asyncio.create_task(listen(Failing(work), work))
        bell = Bell(servers.redis_url)
        ringing = asyncio.create_task(bell.run())
        bell.ring(1)
        event = await captured.first()
        await ended(listening)
        await ended(ringing)
        await bell.close()
    assert "arq" in {value["mechanism"]["type"] for value in event["exception"]["values"]}


RULE = """
  - {name: evening cuts, mode: live, when: appointment.created, then: [{do: add_note, text: seen}]}
"""


@pytest.mark.parametrize("where", ["planned", "settled"])
async def test_an_error_in_an_action_carries_what_was_worked_on(
    captured: Captured, house: House, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    async def broken(*_: Any) -> None:
        fail()

    def broken_too(*_: Any, **__: Any) -> None:
        fail()

    if where == "planned":
        monkeypatch.setattr(AddNote, "plan", broken)
    else:
        monkeypatch.setattr(Settler, "_done", broken_too)
    await house.rules(RULE)
    with structlog.testing.capture_logs([structlog.contextvars.merge_contextvars]) as lines:
        appointment_id = await house.book(in_days(30, "18:00"))
        event = await captured.first()
    [delivery] = await house.deliveries(appointment_id)
    steps = {str(step["step_id"]) for step in delivery["steps"]}
    tags = dict(event["tags"])
    lane = tags.pop("lane")
    assert tags.pop("step", None) in (steps if where == "settled" else {None})
    assert tags == {
        "delivery": str(delivery["delivery_id"]),
        "rule": "evening cuts",
        "location": LOCATION,
        "role": "work",
    }
    [line] = [line for line in lines if line["event"] == "unexpected error"]
    assert (line["delivery"], line["lane"]) == (tags["delivery"], lane)


async def test_an_alert_is_told_by_kind_rule_and_ids_and_not_in_its_words(
    captured: Captured, pool: Pool, database_url: str, servers: Servers
) -> None:
    settings = settings_for(database_url, servers.redis_url, sentry_dsn=configured().sentry_dsn)
    work = Workplace(settings, pool, cast("aiohttp.ClientSession", None), clock)
    [channel] = channels(work)
    sender, delivery = Sender(work, channel, new_id()), new_id()
    await sender.look()
    about: Any = {"rule": "evening", "location_id": LOCATION, "delivery_id": delivery}
    async with pool.acquire() as connection, connection.transaction():
        await write_down(connection, [raised("urgent", WORDS, **about), raised("urgent", WORDS, **about)])
        await write_down(connection, [raised("late", "too late", rule="ada@example.com")])
    await sender.look()
    await sender.look()
    urgent, late = captured.events
    assert (urgent["message"], urgent["level"]) == ("alert: urgent: evening", "error")
    assert urgent["fingerprint"] == ["alert", "urgent", LOCATION, "evening"]
    assert urgent["tags"] == {
        "kind": "urgent",
        "rule": "evening",
        "location": LOCATION,
        "delivery": str(delivery),
        "times": "2",
        "role": "work",
    }
    assert (late["message"], late["level"]) == ("alert: late", "warning")


async def test_a_tag_that_is_not_of_its_shape_is_left_out(captured: Captured) -> None:
    step = str(new_id())
    with working_on(delivery="Ada Lovelace", step=step, rule="call 79460123", lane=WORDS):
        report(ValueError(WORDS))
    assert captured.events[0]["tags"] == {"step": step, "role": "work"}


async def test_an_outage_is_told_once_however_many_meet_it(captured: Captured) -> None:
    outage = Outage("away", "back")
    with structlog.testing.capture_logs() as lines:
        for _ in range(50):
            outage.met(ConnectionRefusedError("at Ada's"), "reading")
            outage.met(ConnectionResetError("at Ada's"), "writing")
        outage.over("reading")
        assert outage
        outage.over("writing")
        outage.over("writing")
    assert [(line["event"], line.get("error")) for line in lines] == [
        ("away", "ConnectionRefusedError"),
        ("back", None),
    ]
    assert len(captured.events) == 1


async def test_what_is_asked_of_others_names_nothing_of_sentry(captured: Captured) -> None:
    """The SDK would add headers to each call to HighLevel, and a crumb that quotes its address."""
    seen: list[Mapping[str, str]] = []

    async def handler(request: web.Request) -> web.Response:
        seen.append(request.headers)
        return web.Response()

    app = web.Application()
    app.router.add_get("/{tail:.*}", handler)
    async with TestServer(app) as server, aiohttp.ClientSession() as session:
        await (await session.get(server.make_url("/contacts/Ada"))).read()
    assert not {"sentry-trace", "baggage", "traceparent"} & {name.lower() for name in seen[0]}
    report(ValueError(f"{datetime.now(UTC)}"))
    assert "breadcrumbs" not in captured.events[0]


def test_a_release_may_be_given_another_name() -> None:
    assert release(configured(release="shop@7")) == "shop@7"
