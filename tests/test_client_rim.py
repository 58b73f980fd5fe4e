"""The client at its rim: what it is given to work with, what it is told, and when nothing has left this machine."""

import asyncio

import aiohttp
import pytest

from service.highlevel.appointments import DeleteEvent
from service.highlevel.calendars import GetCalendar
from service.highlevel.client import HighLevel, Patience, pause_after
from service.highlevel.connection import open_session
from service.highlevel.errors import AnswerLost, HighLevelError, NotSent, RateLimited, Refused, ServerError, Unreadable
from service.highlevel.limits import Limits
from service.highlevel.rate_limit import Grant, Unlimited
from tests.clients import QUICK, TOKEN, called, order, received
from tests.sandboxes import running
from tests.test_client import EDIT, answering

READ = GetCalendar(calendar_id="one")


async def error_of(api: HighLevel, operation: DeleteEvent | GetCalendar) -> HighLevelError:
    with pytest.raises(HighLevelError) as caught:
        await api(operation)
    return caught.value


@pytest.mark.parametrize("base", ["services.example.com", "", "ftp://example.com", "http://", "https:///x", "http://["])
def test_a_base_that_is_no_address_is_refused_at_once(base: str) -> None:
    with pytest.raises(ValueError, match="an address such as https://"):
        HighLevel(base, TOKEN)


async def test_a_session_that_would_send_a_write_again_is_refused() -> None:
    async with aiohttp.ClientSession() as session:
        with pytest.raises(ValueError, match="open_session"):
            HighLevel("http://x", TOKEN, session=session)


async def test_a_client_is_opened_once() -> None:
    async with HighLevel("http://x", TOKEN) as api:
        with pytest.raises(RuntimeError, match="open already"):
            await api.__aenter__()


async def test_a_write_that_got_no_connection_of_the_session_was_not_sent() -> None:
    async with running(told=False) as sandbox, open_session(1) as session:
        await order(sandbox, "GetCalendar:hold=60")
        url = str(sandbox.client.make_url(""))
        api = HighLevel(url, TOKEN, session=session, reads=Patience(total=5), writes=Patience(total=0.05))
        holds = asyncio.create_task(api(READ))
        while not await received(sandbox):
            await asyncio.sleep(0.001)
        error = await error_of(api, DeleteEvent(event_id="one"))
        holds.cancel()
        assert isinstance(error, NotSent)
        assert [status for status, _ in await received(sandbox)] == [404]


async def test_a_write_that_hangs_on_its_connection_may_have_happened() -> None:
    async with running(told=False) as sandbox:
        await order(sandbox, "DeleteEvent:hold=60")
        error = await called(sandbox, DeleteEvent(event_id="one"), Patience(total=0.2))
    assert isinstance(error, AnswerLost)


class Slow:
    """Somebody who takes a minute to find the token, or another."""

    def __init__(self, *, first: bool) -> None:
        self.first = first

    async def token(self) -> str:
        await asyncio.sleep(60 if self.first else 0)
        return "pit-expired"

    async def refused(self, token: str) -> bool:
        await asyncio.sleep(60)
        return True


@pytest.mark.parametrize("first", [True, False])
async def test_the_deadline_holds_for_whoever_finds_the_token(first: bool) -> None:
    async with running(told=False) as sandbox:
        async with asyncio.timeout(10):
            error = await called(sandbox, DeleteEvent(event_id="one"), Patience(total=0.1), Slow(first=first))
    assert isinstance(error, NotSent)
    assert "no token came in time" in str(error)


async def test_what_bounds_the_wait_for_the_rate_limit_bounds_no_other_pause() -> None:
    async with running(told=False) as sandbox:
        await order(sandbox, "GetCalendar:503*2")
        error = await called(sandbox, READ, Patience(pause=0.001, rate_limit=0))
        assert isinstance(error, Refused), "the third try was answered"
        assert len(await received(sandbox)) == 3
        await order(sandbox, "GetCalendar:429,retry_after=1")
        assert isinstance(await called(sandbox, READ, Patience(rate_limit=0.5)), RateLimited)


@pytest.mark.parametrize("told", ["inf", "1e305", "1e400", "nan", "-inf", "soon", "Wed, 21 Oct 2026 07:28:00 GMT"])
async def test_a_retry_after_that_is_no_number_is_none(told: str) -> None:
    head = f"HTTP/1.1 429 No\r\nRetry-After: {told}\r\nContent-Length: 0\r\n\r\n"
    async with answering(head.encode()) as server, HighLevel(server.url, TOKEN, reads=Patience(tries=1)) as api:
        error = await error_of(api, READ)
    assert isinstance(error, RateLimited)
    assert error.retry_after is None or told == "1e305"


@pytest.mark.parametrize("status", [301, 303, 304])
async def test_a_redirect_says_neither_yes_nor_no(status: int) -> None:
    head = f"HTTP/1.1 {status} Over there\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n"
    async with answering(head.encode()) as server, HighLevel(server.url, TOKEN) as api:
        with pytest.raises(Unreadable) as caught:
            await api(EDIT)
    assert caught.value.may_have_happened
    assert server.requests == ["PUT"], "it is not followed, nor sent again"


async def test_words_without_end_are_cut() -> None:
    body = b'{"message": "%s", "traceId": {"a": 1}}' % (b"x" * 100_000)
    head = b"HTTP/1.1 400 No\r\nContent-Length: %d\r\n\r\n" % len(body)
    async with answering(head + body) as server, HighLevel(server.url, TOKEN) as api:
        error = await error_of(api, READ)
    assert len(error.message) < 2_000
    assert error.trace_id is None


def test_who_is_told_when_to_come_comes_then_and_not_all_at_once() -> None:
    told = ServerError("x", "y", retry_after=3)
    pauses = {pause_after(told, Patience(), 4) for _ in range(50)}
    assert len(pauses) > 40
    assert 3 <= min(pauses) <= max(pauses) <= 3.25
    assert pause_after(told, QUICK, 4) < 3.002


class Watched(Unlimited):
    told = 0

    async def answered(self, location: str, grant: Grant, limits: Limits | None) -> None:
        assert limits is None
        self.told += 1


async def test_a_call_that_its_caller_gives_up_is_told_to_the_rate_limit() -> None:
    limit = Watched()
    async with running(told=False) as sandbox:
        url = str(sandbox.client.make_url(""))
        await order(sandbox, "GetCalendar:hold=60")
        async with HighLevel(url, TOKEN, rate_limit=limit) as api:
            calls = asyncio.create_task(api(READ))
            while not await received(sandbox):
                await asyncio.sleep(0.001)
            calls.cancel()
            await asyncio.wait([calls])
    assert calls.cancelled()
    assert limit.told == 1
