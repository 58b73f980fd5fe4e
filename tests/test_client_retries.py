"""What the client tries again and what it does not, against a sandbox whose answers go wrong as ordered."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from service.highlevel.appointments import CreateAppointment
from service.highlevel.calendars import CalendarsReply, ListCalendars
from service.highlevel.call import Call
from service.highlevel.client import HighLevel, Patience, pause_after
from service.highlevel.errors import (
    AnswerLost,
    CommandTimedOut,
    Forbidden,
    HighLevelError,
    NotFound,
    NotSent,
    RateLimited,
    Refused,
    ScopeMissing,
    ServerError,
    TokenRefused,
    Unauthorized,
    Unreadable,
    VersionRefused,
)
from service.highlevel.operation import Operation
from tests.clients import QUICK, TOKEN, Renewable, called, order, received
from tests.processes import free_port
from tests.sandboxes import ADA, CUTS, DANA, LOCATION, Sandbox, at, running

READ = ListCalendars(location_id=LOCATION)
BOOK = CreateAppointment(calendar_id=CUTS, location_id=LOCATION, contact_id=ADA, start_time=at("10:00"))


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with running(told=False) as opened:
        yield opened


@pytest.mark.parametrize(
    "fault", ["502", "503", "504", "502,html", "empty", "429", "timed_out", "drop", "drop_after", "truncated", "408"]
)
async def test_a_read_is_tried_again_when_the_way_there_failed(sandbox: Sandbox, fault: str) -> None:
    await order(sandbox, f"ListCalendars:{fault}*2")
    assert isinstance(await called(sandbox, READ), CalendarsReply)
    assert len(await received(sandbox)) == 3


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ("500", ServerError),
        ("501", ServerError),
        ("400", Refused),
        ("404", NotFound),
        ("422", Refused),
        ("blocked", Forbidden),
        ("expired_token", TokenRefused),
        ("missing_scope", ScopeMissing),
        ("invalid", Unreadable),
        ("200,html", Unreadable),
        ("200,empty", Unreadable),
    ],
)
async def test_a_read_is_not_tried_again_when_it_was_understood(
    sandbox: Sandbox, fault: str, kind: type[HighLevelError]
) -> None:
    await order(sandbox, f"ListCalendars:{fault}*2")
    assert type(await called(sandbox, READ)) is kind
    assert len(await received(sandbox)) == 1


async def test_a_call_is_tried_as_often_as_patience_says(sandbox: Sandbox) -> None:
    await order(sandbox, "ListCalendars:503*9", "CreateAppointment:429*9")
    assert isinstance(await called(sandbox, READ, Patience(tries=4, pause=0)), ServerError)
    assert await received(sandbox) == [(503, False)] * 4
    assert isinstance(await called(sandbox, BOOK, Patience(tries=2, pause=0)), RateLimited)
    assert await received(sandbox) == [(503, False)] * 4 + [(429, False)] * 2


def test_pauses_double_and_are_spread() -> None:
    for tries in (1, 2, 3, 4):
        pauses = {pause_after(NotSent("x", "y"), Patience(pause=1), tries) for _ in range(100)}
        assert len(pauses) > 90
        assert all(0.5 <= pause / 2 ** (tries - 1) < 1.5 for pause in pauses)


async def test_nobody_waits_for_a_try_that_would_come_after_the_deadline(sandbox: Sandbox) -> None:
    await order(sandbox, "ListCalendars:503")
    assert isinstance(await called(sandbox, READ, Patience(total=60, pause=1_000)), ServerError)
    await order(sandbox, "ListCalendars:429,retry_after=7")
    error = await called(sandbox, READ, Patience(rate_limit=5))
    assert isinstance(error, RateLimited)
    assert error.retry_after == 7
    assert await received(sandbox) == [(503, False), (429, False)]


async def test_an_answer_that_says_when_to_come_again_is_heeded(sandbox: Sandbox) -> None:
    await order(sandbox, "CreateAppointment:429,retry_after=0")
    reply = await called(sandbox, BOOK, Patience(total=60, pause=1_000))
    assert reply.contact_id == ADA
    assert await received(sandbox) == [(429, False), (200, True)]


@pytest.mark.parametrize(
    ("fault", "patience", "tries"),
    [
        ("delay=60", Patience(total=0.03, pause=0), 1),
        ("hold=60", Patience(read=0.01, tries=3, pause=0), 3),
        ("slow=60", Patience(read=0.01, tries=2, pause=0), 2),
        ("slow=2", Patience(read=1.5, total=0.3), 1),
    ],
    ids=["no answer in all", "no answer at a time", "a body that stalls", "a body that dribbles"],
)
async def test_an_answer_that_does_not_come_is_not_waited_for(
    sandbox: Sandbox, fault: str, patience: Patience, tries: int
) -> None:
    await order(sandbox, f"ListCalendars:{fault}*9")
    calls: list[Call] = []

    async def record(call: Call) -> None:
        calls.append(call)

    error = await called(sandbox, READ, patience, record=record)
    assert isinstance(error, AnswerLost)
    assert [call.error for call in calls] == [str(error)] * tries


async def test_a_slow_body_is_read_to_its_end(sandbox: Sandbox) -> None:
    await order(sandbox, "ListCalendars:slow=0.02")
    assert len((await called(sandbox, READ)).calendars) == 6


@pytest.mark.parametrize("operation", [READ, BOOK], ids=["a read", "a write"])
async def test_what_never_left_is_tried_again(sandbox: Sandbox, operation: Operation[Any]) -> None:
    calls: list[Call] = []

    async def record(call: Call) -> None:
        calls.append(call)

    async with HighLevel(f"http://127.0.0.1:{free_port()}", TOKEN, reads=QUICK, writes=QUICK, record=record) as api:
        with pytest.raises(NotSent):
            await api(operation)
    assert [call.status for call in calls] == [None] * QUICK.tries


@pytest.mark.parametrize(
    "fault",
    [
        *("500", "502", "503", "504", "502,html", "empty", "timed_out", "408"),
        *("drop", "truncated", "invalid", "drop_after", "500,after", "200,html"),
    ],
)
async def test_a_write_that_may_have_happened_is_left_to_whoever_can_look(sandbox: Sandbox, fault: str) -> None:
    await order(sandbox, f"CreateAppointment:{fault}")
    error = await called(sandbox, BOOK)
    assert error.retry
    assert error.may_have_happened
    assert len(await received(sandbox)) == 1


@pytest.mark.parametrize("fault", ["429", "429,retry_after=0"])
async def test_a_write_that_was_not_taken_is_sent_again(sandbox: Sandbox, fault: str) -> None:
    await order(sandbox, f"CreateAppointment:{fault}*3")
    assert (await called(sandbox, BOOK)).contact_id == ADA
    assert await received(sandbox) == [(429, False)] * 3 + [(200, True)]


async def test_the_reasons_of_a_401_are_told_apart(sandbox: Sandbox) -> None:
    words = "This token's user type is not yet supported!"
    await order(
        sandbox,
        "ListCalendars:expired_token",
        "ListCalendars:missing_scope",
        "ListCalendars:timed_out*5",
        {"operation": "ListCalendars", "status": 401, "message": words},
    )
    kinds = [type(await called(sandbox, READ)) for _ in range(4)]
    assert kinds == [TokenRefused, ScopeMissing, CommandTimedOut, Unauthorized]
    assert type(await called(sandbox, READ, version="1999-01-01")) is VersionRefused
    assert type(await called(sandbox, READ, token="pit-unknown")) is TokenRefused


async def test_a_refused_token_is_renewed_once(sandbox: Sandbox) -> None:
    tokens = Renewable("pit-old", TOKEN)
    assert (await called(sandbox, BOOK, token=tokens)).contact_id == ADA
    assert tokens.told == ["pit-old"]
    assert await received(sandbox) == [(401, False), (200, True)]
    for stale in (Renewable("pit-old", "pit-older", TOKEN), Renewable("pit-old")):
        assert isinstance(await called(sandbox, READ, token=stale), TokenRefused)
        assert stale.told == ["pit-old"]
    assert [status for status, _ in await received(sandbox)] == [401, 200, 401, 401, 401]


async def test_an_error_says_what_was_asked_and_what_was_answered(sandbox: Sandbox) -> None:
    taken = "The slot you have selected is no longer available."
    await called(sandbox, BOOK.model_copy(update={"assigned_user_id": DANA}))
    error = await called(sandbox, BOOK.model_copy(update={"assigned_user_id": DANA}))
    assert (error.operation, error.status, error.message) == ("CreateAppointment", 400, taken)
    assert str(error) == f"CreateAppointment answered 400: {taken}"
    assert len(error.trace_id) == 36
    await order(sandbox, "ListCalendars:500,html", "ListCalendars:500,empty", "ListCalendars:invalid")
    page, nothing, half = [await called(sandbox, READ) for _ in range(3)]
    assert (page.status, page.message[:6], page.trace_id) == (500, "<html>", None)
    assert str(nothing) == "ListCalendars answered 500: no message"
    assert str(half) == "ListCalendars answered 200: the answer is not what was expected at: the whole"
