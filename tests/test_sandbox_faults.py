"""Faults on order, as a client meets them."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from service.sandbox.door.fault_notation import read_fault
from service.sandbox.door.faults import Fault, Faults
from service.sandbox.limits import Limits
from tests.sandboxes import CUTS, HEADERS, KIM, MONDAY, Sandbox, at, running

PATH = f"/calendars/{CUTS}"


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with running(told=False, limits=Limits()) as running_sandbox:
        yield running_sandbox


async def order(sandbox: Sandbox, fault: str | dict[str, Any], *, status: int = 201) -> Any:
    text = fault if isinstance(fault, str) else json.dumps(fault)
    async with sandbox.client.post("/_sandbox/faults", data=text) as answer:
        told = await answer.json()
        assert answer.status == status, told
        return told


async def get(sandbox: Sandbox) -> tuple[int, str, dict[str, str]]:
    async with sandbox.client.get(PATH, headers=HEADERS) as response:
        return response.status, await response.text(), dict(response.headers)


async def calls(sandbox: Sandbox) -> list[tuple[int | None, bool]]:
    return [(call["status"], call["carried_out"]) for call in await sandbox.call("GET", "/_sandbox/calls")]


async def booked(sandbox: Sandbox) -> int:
    return sum(
        call["operation"] == "CreateAppointment" and call["carried_out"]
        for call in await sandbox.call("GET", "/_sandbox/calls")
    )


@pytest.mark.parametrize(("fault", "written"), [("drop", 0), ("drop_after", 1)])
async def test_a_dropped_connection_is_cut_before_or_after_the_write(
    sandbox: Sandbox, fault: str, written: int
) -> None:
    await order(sandbox, f"CreateAppointment:{fault}")
    # A POST: what it takes for safe to repeat, PUT and DELETE among it, aiohttp sends again by itself.
    with pytest.raises(aiohttp.ClientError):
        await sandbox.book(at("10:00"))
    assert await calls(sandbox) == [(None, bool(written))]
    await sandbox.book(at("12:00"))
    assert await booked(sandbox) == written + 1


@pytest.mark.parametrize(
    ("fault", "status", "kind", "says"),
    [
        ("html", 502, "text/html", "<html>"),
        ("200,html", 200, "text/html", "<html>"),
        ("empty", 502, "", ""),
        ("504,empty", 504, "", ""),
        ("blocked", 403, "text/plain", "error code: 1010"),
        ("503", 503, "application/json", "Fault on order"),
        ("500", 500, "application/json", "Internal Server Error"),
        ("429", 429, "application/json", "Too Many Requests"),
        ("404", 404, "application/json", "Fault on order"),
        ("expired_token", 401, "application/json", "Invalid token: access token is invalid"),
        ("missing_scope", 401, "application/json", "The token is not authorized for this scope."),
        ("timed_out", 401, "application/json", "Command timed out"),
    ],
)
async def test_an_answer_on_order_stands_in_for_the_calls_own(
    sandbox: Sandbox, fault: str, status: int, kind: str, says: str
) -> None:
    await order(sandbox, f"GetCalendar:{fault}")
    got, text, headers = await get(sandbox)
    assert (got, headers.get("Content-Type", "").partition(";")[0]) == (status, kind)
    assert says in text
    if kind == "application/json":
        assert json.loads(text)["statusCode"] == status
    assert await calls(sandbox) == [(status, False)]
    assert (await get(sandbox))[0] == 200


async def test_what_the_api_never_saw_is_not_counted_and_what_it_answered_tells_what_is_left(sandbox: Sandbox) -> None:
    await order(sandbox, "CreateAppointment:drop")
    with pytest.raises(aiohttp.ClientError):
        await sandbox.book(at("10:00"))
    left = []
    for fault in ("html", "503", "429", "404", "timed_out", "503,after", "hold=0.001"):
        await order(sandbox, f"GetCalendar:{fault}")
        left.append((await get(sandbox))[2].get("X-RateLimit-Remaining"))
    assert left == [None, None, "100", "99", "98", None, "96"]


async def test_a_call_refused_by_the_limits_uses_no_fault_up(sandbox: Sandbox) -> None:
    await sandbox.call("PUT", "/_sandbox/limits", {"burst": 1, "interval": 60})
    await get(sandbox)
    await order(sandbox, "GetCalendar:503")
    assert (await get(sandbox))[0] == 429
    await sandbox.call("PUT", "/_sandbox/limits", {})
    assert [(await get(sandbox))[0] for _ in range(2)] == [503, 200]


@pytest.mark.parametrize("slow", ["", ",slow=0.002"])
async def test_an_answer_may_be_no_json_or_break_off(sandbox: Sandbox, slow: str) -> None:
    _, whole, _ = await get(sandbox)
    await order(sandbox, f"GetCalendar:invalid{slow}")
    status, text, headers = await get(sandbox)
    assert (status, text[:100], headers["X-RateLimit-Remaining"]) == (200, whole[:100], "98")
    with pytest.raises(ValueError):
        json.loads(text)
    await order(sandbox, f"GetCalendar:truncated{slow}")
    async with sandbox.client.get(PATH, headers=HEADERS) as response:
        assert response.status == 200
        with pytest.raises(aiohttp.ClientPayloadError):
            await asyncio.wait_for(response.read(), 5)
    assert await calls(sandbox) == [(200, True)] * 3
    assert (await get(sandbox))[0] == 200


async def test_a_slow_body_comes_whole_in_pieces(sandbox: Sandbox) -> None:
    await order(sandbox, "GetCalendar:slow=0.01")
    async with sandbox.client.get(PATH, headers=HEADERS) as response:
        pieces = [piece async for piece in response.content.iter_any()]
    assert len(pieces) > 1
    assert json.loads(b"".join(pieces))["calendar"]["id"] == CUTS
    await order(sandbox, "GetCalendar:slow=30,502,html")
    slow = asyncio.create_task(get(sandbox))
    while len(await calls(sandbox)) < 2:
        await asyncio.sleep(0)
    for _ in range(10):  # one piece at a time is waited for
        await sandbox.call("DELETE", "/_sandbox/faults", status=204)
        await asyncio.sleep(0.001)
    async with asyncio.timeout(5):
        assert (await slow)[0] == 502


async def test_a_call_may_be_late_before_it_is_handled(sandbox: Sandbox) -> None:
    await order(sandbox, "CreateAppointment:delay=30")
    late = asyncio.create_task(sandbox.book(at("10:00")))
    async with asyncio.timeout(5):
        while await sandbox.call("GET", "/_sandbox/faults"):
            await asyncio.sleep(0.001)
        assert await calls(sandbox) == []
        assert await sandbox.free(MONDAY) != []
        await sandbox.book(at("10:00"), assignedUserId=KIM)
        await sandbox.call("DELETE", "/_sandbox/faults", status=204)
        assert (await late)["status"] == "booked"
    bookings = [call for call in await sandbox.call("GET", "/_sandbox/calls") if call["method"] == "POST"]
    assert [call["carried_out"] for call in bookings] == [True, True]


async def test_faults_strike_in_their_order_so_often_as_was_said(sandbox: Sandbox) -> None:
    for fault in ("*:504*2", "GetCalendar:503", f"GET {PATH.replace(CUTS, '{id}')}:502", "CreateNote:500*7"):
        await order(sandbox, fault)
    assert [(await get(sandbox))[0] for _ in range(5)] == [504, 504, 503, 502, 200]
    assert await sandbox.call("GET", "/_sandbox/faults") == [
        {"operation": "CreateNote", "times": 7, "status": 500, "left": 7}
    ]
    await sandbox.call("DELETE", "/_sandbox/faults", status=204)
    assert await sandbox.call("GET", "/_sandbox/faults") == []
    assert (await order(sandbox, {"operation": "*", "status": 503, "times": None}))["times"] is None
    assert [(await get(sandbox))[0] for _ in range(5)] == [503] * 5


def test_chance_hits_the_same_calls_for_the_same_seed() -> None:
    def struck(text: str) -> list[bool]:
        faults = Faults([("GetCalendar", "GET", "/calendars/{id}")])
        faults.order(read_fault(text))
        return [faults.take("GetCalendar") is not None for _ in range(1000)]

    once = struck("*:503%20#7")
    assert once == struck("GetCalendar:503%20#7")
    assert once != struck("*:503%20#8")
    assert 150 < sum(once) < 250
    assert sum(struck("*:503*3%20")) == 3
    assert struck("*:503") == [True] + [False] * 999
    assert struck("*:503%100") == [True] * 1000
    assert sum(struck("*:503*3%100")) == 3


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("CreateNote:drop_after*3", Fault(operation="CreateNote", drop=True, after_write=True, times=3)),
        ("*:503%5#7", Fault(operation="*", status=503, probability=0.05, seed=7)),
        ("*:timed_out*2%50", Fault(operation="*", answer="timed_out", times=2, probability=0.5)),
        (
            "CreateNote:429,retry_after=2,delay=0.5",
            Fault(operation="CreateNote", status=429, retry_after=2, delay=0.5),
        ),
        (
            "put /calendars/{id}:502,html,after",
            Fault(method="put", path="/calendars/{id}", status=502, answer="html", after_write=True),
        ),
        ("GetCalendar:slow=2,hold=1", Fault(operation="GetCalendar", slow=2, hold=1)),
    ],
)
def test_a_fault_fits_in_a_line(text: str, fault: Fault) -> None:
    assert read_fault(text) == fault


@pytest.mark.parametrize(
    "wrong",
    [
        "CreateNote",
        "CreateNote:",
        "CreateNote:explode",
        "CreateNote:after",
        "CreateNote:retry_after=1",
        "CreateNote:drop,503",
        "CreateNote:200",
        "CreateNote:700",
        "CreateNote:invalid,503",
        "CreateNote:drop,drop_after",
        "CreateNote:503,404",
        "CreateNote:html,empty",
        "CreateNote:204,html",
        "CreateNote:200,blocked",
        "CreateNote:503,expired_token",
        "CreateNote:drop,retry_after=1",
        "CreateNote:delay=1,retry_after=1",
        "CreateNote:delay=1,delay=2",
        "CreateNote:hold=1,after",
        "CreateNote:empty,slow=1",
        "CreateNote:hold=nan",
        "CreateNote:503*0",
        "CreateNote:503%0",
        "CreateNote:503%101",
        "CreateNote:503%..",
        "CreateNote:delay=soon",
        "CreateNote:delay=-1",
        "Nowhere:503",
        "GET /nowhere:503",
        '{"operation": "CreateNote", "method": "POST", "path": "/x", "status": 503}',
        '{"status": 503}',
        '{"operation": "CreateNote", "method": "POST", "status": 503}',
        '{"operation": "*", "status": 503, "colour": 1}',
        '{"operation": "*", "answer": "html", "message": "never said"}',
        '{"operation": "EditNothing", "status": 503}',
        '{"operation": "*"',
        "",
    ],
)
async def test_a_fault_that_cannot_be_is_refused(sandbox: Sandbox, wrong: str) -> None:
    message = (await order(sandbox, wrong, status=422))["message"]
    assert message
    assert not re.search(r"Value error|Input|instance of|codec|http:|convert|parse", message), message
    assert await sandbox.call("GET", "/_sandbox/faults") == []


async def test_a_message_and_a_wait_may_be_ordered(sandbox: Sandbox) -> None:
    await order(sandbox, {"operation": "*", "status": 400, "message": "Location is not active", "retry_after": 7})
    _, text, headers = await get(sandbox)
    assert (json.loads(text)["message"], headers["Retry-After"]) == ("Location is not active", "7")


async def test_calls_are_forgotten_when_told() -> None:
    async with running(told=False, faults=[read_fault("*:503")]) as sandbox:
        assert (await get(sandbox))[0] == 503
        assert await calls(sandbox) == [(503, False)]
        await sandbox.call("DELETE", "/_sandbox/calls", status=204)
        assert await calls(sandbox) == []


async def test_a_fault_that_is_no_text_is_refused_in_plain_words(sandbox: Sandbox) -> None:
    async with sandbox.client.post("/_sandbox/faults", data=b"*:503\xff") as answer:
        assert await answer.json() == {"statusCode": 422, "message": "the body is not UTF-8"}


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("CreatNote:503", "the sandbox does not serve CreatNote; the nearest that it serves is CreateNote"),
        ("Wxyz:503", "the sandbox does not serve Wxyz; the nearest that it serves is ListNotes"),
        (
            "put /notes/{id}:503",
            "the sandbox does not serve PUT /notes/{id}; the nearest that it serves is POST /notes",
        ),
    ],
)
def test_a_fault_of_what_is_not_served_is_told_the_nearest_that_is(line: str, complaint: str) -> None:
    faults = Faults(iter([("ListNotes", "GET", "/notes"), ("CreateNote", "POST", "/notes")]))
    with pytest.raises(LookupError) as refusal:
        faults.order(read_fault(line))
    assert refusal.value.args == (complaint,)
