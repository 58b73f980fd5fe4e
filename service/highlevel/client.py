"""Carries out operations over HTTP, for one location."""

import asyncio
import random
import time
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self, assert_never, overload

import aiohttp
from pydantic import ValidationError
from yarl import URL

from service.highlevel.answer import Answer, refusal, seconds, unreadable
from service.highlevel.call import Recorder, call_of
from service.highlevel.connection import begin, open_session, proxy_for, require_sends_once, unanswered
from service.highlevel.errors import (
    CommandTimedOut,
    HighLevelError,
    NotSent,
    RateLimited,
    ServerError,
    TokenRefused,
    Unreadable,
)
from service.highlevel.limits import Limits
from service.highlevel.local_rate_limit import LocalRateLimit
from service.highlevel.operation import Operation, ReplyT, Wire
from service.highlevel.rate_limit import Grant, RateLimit, Wait
from service.highlevel.tokens import Bearer, StaticToken, Tokens

VERSION = "2021-04-15"

PASSES = frozenset({502, 503, 504})
"""Failures of the way there, which a read may hope to be over at the next try."""


SPREAD = 0.25
"""Seconds, at most, by which those who were all told to come again at once come apart."""


@dataclass(frozen=True)
class Patience:
    """How long a call may take, in seconds, and how often it is tried."""

    connect: float = 3.0
    """Until a connection stands, once the address is looked up."""
    read: float = 10.0
    """Without a byte of the answer."""
    total: float = 30.0
    """From first to last: getting a token, waiting for the rate limit, tries, pauses between them."""
    rate_limit: float = 30.0
    """At one time for the rate limit, be it kept here or told by a 429; where it would be longer the call ends as
    RateLimited, which says how long."""
    tries: int = 5
    pause: float = 0.25
    """After the first try; twice as long after each more. What HighLevel asks for goes before."""

    def __post_init__(self) -> None:
        if min(self.connect, self.read, self.total) <= 0 or self.tries < 1 or min(self.rate_limit, self.pause) < 0:
            raise ValueError("patience is some seconds and at least one try")


class HighLevel:
    """An Api for one location. Raises HighLevelError.

    A read is tried again when the way there failed or the rate limit was met; a write only when it surely did not
    happen: nothing was sent, or the answer was that it was not taken. `token` is the location's, or knows it. Without
    a `session` one is opened and closed with the client (`async with`).
    """

    def __init__(
        self,
        base: str,
        token: str | Tokens,
        *,
        location: str = "",
        version: str = VERSION,
        versions: Mapping[type[Operation[Any]], str] | None = None,
        session: aiohttp.ClientSession | None = None,
        rate_limit: RateLimit | None = None,
        urgent: bool = False,
        reads: Patience | None = None,
        writes: Patience | None = None,
        record: Recorder | None = None,
    ) -> None:
        """`location` is whose calls `rate_limit` counts; by default the client counts its own. `version` is for
        operations that declare none, `versions` for single ones. `urgent` calls may use what the rate limit keeps for
        them. What `record` raises ends the call, whatever became of it."""
        if not _is_address(base):
            raise ValueError(f"base is {base[:200]!r}; an address such as https://api.example.com is expected")
        if session is not None:
            require_sends_once(session)
        self._base = base.rstrip("/")
        self._tokens = StaticToken(token) if isinstance(token, str) else token
        self._location = location
        self._version = version
        self._versions = versions or {}
        self._session = session
        self._opened: aiohttp.ClientSession | None = None
        self._rate_limit = rate_limit or LocalRateLimit()
        self._urgent = urgent
        self._reads = reads or Patience()
        self._writes = writes or Patience()
        self._record = record

    def __repr__(self) -> str:
        return f"HighLevel({self._base})"

    async def __aenter__(self) -> Self:
        if self._opened is not None:
            raise RuntimeError("the client is open already")
        if self._session is None:
            self._session = self._opened = open_session(proxy=proxy_for(self._base))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._opened is not None:
            await self._opened.close()
            self._session = self._opened = None

    async def __call__(self, operation: Operation[ReplyT], /) -> ReplyT:
        patience = self._writes if operation.changes else self._reads
        wire = operation.wire()
        ends = time.monotonic() + patience.total
        name = type(operation).__name__
        bearer = await self._bearer(name, ends)
        renewed, tries = False, 0
        while True:
            tries += 1
            grant = await self._leave(name, patience, ends)
            try:
                return await self._try(operation, wire, bearer, patience, ends, grant)
            except TokenRefused:
                another = None if renewed else await self._bearer(name, ends, refused=bearer)
                if another is None:
                    raise
                bearer, renewed = another, True
            except HighLevelError as error:
                pause = pause_after(error, patience, tries)
                late = time.monotonic() + pause >= ends
                if isinstance(error, RateLimited):
                    late = late or (error.retry_after or 0.0) > patience.rate_limit
                if late or tries >= patience.tries or not may_try_again(operation, error):
                    raise
                await asyncio.sleep(pause)

    async def _try(
        self, operation: Operation[ReplyT], wire: Wire, bearer: Bearer, patience: Patience, ends: float, grant: Grant
    ) -> ReplyT:
        """Send it once, and keep what became of it."""
        name = type(operation).__name__
        version = self._versions.get(type(operation)) or operation.version or self._version
        started = time.perf_counter()
        try:
            sent = await self._send(name, wire, bearer, version, patience, ends)
        except BaseException:
            # Given up by the caller, or not foreseen: it may have been counted.
            await self._rate_limit.answered(self._location, grant, None)
            raise
        answer, came = (sent, _read(operation, sent)) if isinstance(sent, Answer) else (None, sent)
        error = came if isinstance(came, HighLevelError) else None
        await self._tell(grant, answer, error)
        if self._record is not None:
            milliseconds = (time.perf_counter() - started) * 1000
            await self._record(call_of(name, wire, answer, error, milliseconds))
        if isinstance(came, HighLevelError):
            raise came
        return came

    @overload
    async def _bearer(self, name: str, ends: float) -> Bearer: ...
    @overload
    async def _bearer(self, name: str, ends: float, *, refused: Bearer) -> Bearer | None: ...
    async def _bearer(self, name: str, ends: float, *, refused: Bearer | None = None) -> Bearer | None:
        """The token to use now; after one that was `refused`, another, or None where there is none."""
        try:
            async with asyncio.timeout(max(0.0, ends - time.monotonic())):
                if refused is not None and not await self._tokens.refused(refused.token):
                    return None
                return Bearer(await self._tokens.token())
        except TimeoutError:
            raise NotSent(name, "no token came in time") from None

    async def _leave(self, name: str, patience: Patience, ends: float) -> Grant:
        """To send one call. Raises RateLimited where that would take longer than the caller waits."""
        within = min(ends - time.monotonic(), patience.rate_limit)
        leave = await self._rate_limit.take(self._location, urgent=self._urgent, within=within)
        match leave:
            case Grant():
                return leave
            case Wait(seconds):
                raise RateLimited(name, "held back: no call is known to be left to the location", retry_after=seconds)
            case _:
                assert_never(leave)

    async def _tell(self, grant: Grant, answer: Answer | None, error: HighLevelError | None) -> None:
        """The rate limit what became of its grant."""
        if isinstance(error, NotSent):
            await self._rate_limit.unsent(self._location, grant)
        elif answer is not None and isinstance(error, RateLimited):
            await self._rate_limit.refused(self._location, grant, answer.limits, answer.retry_after)
        else:
            await self._rate_limit.answered(self._location, grant, answer.limits if answer else None)

    async def _send(
        self, name: str, wire: Wire, bearer: Bearer, version: str, patience: Patience, ends: float
    ) -> Answer | HighLevelError:
        if self._session is None:
            raise RuntimeError("the client is not open: async with HighLevel(...) as api")
        left = ends - time.monotonic()
        if left <= 0:
            return NotSent(name, "no time was left to send it")
        way = begin()
        try:
            async with self._session.request(
                wire.method,
                URL(self._base + wire.target, encoded=True),
                json=wire.body,
                headers={"Authorization": bearer.header, "Version": version, "Accept": "application/json"},
                timeout=aiohttp.ClientTimeout(
                    total=left, sock_connect=min(patience.connect, left), sock_read=patience.read
                ),
                allow_redirects=False,
                raise_for_status=False,
            ) as response:
                body = bearer.left_out_of(await response.read())
                headers = response.headers
                return Answer(response.status, Limits.read(headers), seconds(headers.get("Retry-After")), body)
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            return unanswered(name, error, way, min(left, patience.read))
        except BaseException as error:
            # Cancelled, or not foreseen. The frames it passed hold the headers, and some reports show what frames hold.
            error.__context__ = None
            raise error.with_traceback(None) from None


def _is_address(base: str) -> bool:
    try:
        url = URL(base)
    except ValueError:
        return False
    return url.scheme in ("http", "https") and bool(url.host)


def _read(operation: Operation[ReplyT], answer: Answer) -> ReplyT | HighLevelError:
    name = type(operation).__name__
    if not 200 <= answer.status < 300:
        return refusal(name, answer)
    try:
        return operation.read_reply(answer.body)
    except ValidationError as faults:
        return unreadable(name, faults, answer.status)


def may_try_again(operation: Operation[Any], error: HighLevelError) -> bool:
    """Whether the same call may be sent again at once, by whoever did not look what became of it."""
    if not error.retry or (operation.changes and error.may_have_happened):
        return False
    match error:
        case CommandTimedOut():
            return True
        case ServerError():
            return error.status in PASSES
        case Unreadable():
            return False
        case _:
            return True


def pause_after(error: HighLevelError, patience: Patience, tries: int) -> float:
    """Seconds: what HighLevel asks for, else twice as long after each try; spread, so that not all who failed together
    come again together."""
    if error.retry_after is not None:
        return error.retry_after + min(patience.pause, SPREAD) * random.random()  # noqa: S311
    return patience.pause * (1 << (tries - 1)) * (0.5 + random.random())  # noqa: S311
