"""What the sandbox says of requests that are wrong in several ways, are no text, or name a time that cannot be."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.sandboxes import (
    ADA,
    ALEX,
    APPOINTMENTS,
    CUTS,
    DANA,
    FOREVER,
    HEADERS,
    KIM,
    LOCATION,
    ROOM,
    Sandbox,
    at,
    running,
)

BLOCKS = "/calendars/events/block-slots"
BOOKING: dict[str, Any] = {"calendarId": CUTS, "locationId": LOCATION, "contactId": ADA, "startTime": at("10:00")}
BLOCK = {"locationId": LOCATION, "assignedUserId": DANA, "startTime": at("10:00"), "endTime": at("11:00")}
OUT_OF_RANGE = "is a date out of range: years are 1900 to 9990"
HALF = "half of a surrogate pair is no text"


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with running(told=False) as running_sandbox:
        yield running_sandbox


async def complaints(sandbox: Sandbox, method: str, path: str, body: Any = None, **query: Any) -> Any:
    return (await sandbox.call(method, path, body, status=422, **query))["message"]


async def kept(sandbox: Sandbox) -> list[Any]:
    """Everything that stands in the diary."""
    found = []
    everybody: list[dict[str, Any]] = [{"userId": person} for person in (DANA, KIM, ALEX)]
    for whose in (*everybody, {"calendarId": CUTS}, {"calendarId": ROOM}):
        for path in ("/calendars/events", "/calendars/blocked-slots"):
            window = FOREVER | {"endTime": 10**15}
            found += (await sandbox.call("GET", path, **window, **whose))["events"]
    return found


async def test_what_should_not_be_there_is_said_first_and_hides_nothing(sandbox: Sandbox) -> None:
    assert await complaints(sandbox, "POST", APPOINTMENTS, {"colour": 1, "appointmentStatus": "x", "big": 2}) == [
        "property big should not exist",
        "property colour should not exist",
        "calendarId should not be empty",
        "locationId should not be empty",
        "contactId should not be empty",
        "startTime should not be empty",
        "appointmentStatus must be a valid enum value",
    ]
    assert await complaints(sandbox, "POST", BLOCKS, {**BLOCK, "calendarId": ROOM, "colour": 1}) == [
        "property colour should not exist",
        "Either calendarId or assignedUserId is required, not both",
    ]
    member = {"userId": 1, "colour": "red"}
    new = {"locationId": LOCATION, "teamMembers": [member]}
    assert await complaints(sandbox, "POST", "/calendars/", new) == [
        "property teamMembers.0.colour should not exist",
        "teamMembers.0.userId must be a string",
        "name should not be empty",
    ]


async def test_a_field_in_the_wrong_place_does_not_stand_in_for_the_right_one(sandbox: Sandbox) -> None:
    body = {name: value for name, value in BOOKING.items() if name != "contactId"}
    assert await complaints(sandbox, "POST", APPOINTMENTS, body, contactId=ADA) == [
        "property contactId should not exist",
        "contactId should not be empty",
    ]
    assert await complaints(sandbox, "POST", APPOINTMENTS, BOOKING, contactId=ADA) == [
        "property contactId should not exist"
    ]


async def test_each_fault_of_a_whole_is_said_in_its_own_words(sandbox: Sandbox) -> None:
    backwards = {"startTime": 2, "endTime": 1}
    for path in ("/calendars/events", "/calendars/blocked-slots"):
        assert await complaints(sandbox, "GET", path, **FOREVER) == [
            "Either of userId, calendarId or groupId is required"
        ]
        assert await complaints(sandbox, "GET", path, locationId=LOCATION, userId=DANA, **backwards) == [
            "endTime must not be before startTime"
        ]
    for path, body in ((BLOCKS, BLOCK), (APPOINTMENTS, BOOKING)):
        assert await complaints(sandbox, "POST", path, {**body, "endTime": at("09:00")}) == [
            "endTime must be after startTime"
        ]
    no_subject = {name: value for name, value in BLOCK.items() if name != "assignedUserId"}
    for wrong in ({**BLOCK, "calendarId": ROOM}, no_subject, {**no_subject, "calendarId": ""}):
        assert await complaints(sandbox, "POST", BLOCKS, wrong) == [
            "Either calendarId or assignedUserId is required, not both"
        ]
    both = {"locationId": LOCATION, "pageLimit": 1, "page": 1, "searchAfter": ["x"]}
    assert await complaints(sandbox, "POST", "/contacts/search", both) == ["Either page or searchAfter, not both"]


@pytest.mark.parametrize("time", ["2026-03-23T10:00:00", "2026-03-23", "20260323T100000Z"])
async def test_a_time_without_its_offset_is_told_so(sandbox: Sandbox, time: str) -> None:
    assert await complaints(sandbox, "POST", APPOINTMENTS, {**BOOKING, "startTime": time}) == [
        "startTime is written as in 2026-03-26T18:00:00+01:00, with its offset: which instant it is depends on it"
    ]


@pytest.mark.parametrize("time", ["soon", "", "2026-02-30T10:00:00Z", "2026-03-23T25:00:00+00:00"])
async def test_what_is_no_date_is_refused_in_highlevels_words(sandbox: Sandbox, time: str) -> None:
    assert await complaints(sandbox, "POST", APPOINTMENTS, {**BOOKING, "startTime": time}) == [
        "startTime must be a valid ISO 8601 date string"
    ]


@pytest.mark.parametrize(
    "body",
    [
        {**BOOKING, "title": "\ud800"},
        {**BOOKING, "calendarId": "\udfff"},
        {**BOOKING, "\ud912": 1},
        {**BOOKING, "rrule": "\ud800"},
        {**BOOKING, "colour": [{"deep": "a\udc00b"}]},
    ],
)
async def test_half_a_surrogate_pair_is_refused_and_breaks_nothing(sandbox: Sandbox, body: Any) -> None:
    assert await complaints(sandbox, "POST", APPOINTMENTS, body) == [HALF]
    for path in (f"{APPOINTMENTS}/x", f"{BLOCKS}/x", "/calendars/appointments/x/notes/y"):
        assert await complaints(sandbox, "PUT", path, body) == [HALF]
    raw = json.dumps(BOOKING | {"title": "\ud800"}, ensure_ascii=False).encode("utf-8", "surrogatepass")
    async with sandbox.client.post(APPOINTMENTS, data=raw, headers=HEADERS) as answer:
        assert (answer.status, (await answer.json())["message"]) == (422, [HALF])
    assert await kept(sandbox) == []
    await sandbox.book(at("10:00"), title="😀")


@pytest.mark.parametrize(
    "time",
    [
        "0001-01-01T00:00:00+23:00",
        "0001-01-01T00:00:00Z",
        "1899-12-31T23:59:59Z",
        "1900-01-01T00:30:00+01:00",
        "9990-12-31T23:30:00-01:00",
        "9999-12-31T23:59:59-12:00",
    ],
)
async def test_a_time_at_the_edge_of_the_calendar_is_refused_before_anything_is_written(
    sandbox: Sandbox, time: str
) -> None:
    refused = [f"startTime {OUT_OF_RANGE}"]
    booked = await sandbox.book(at("12:00"), assignedUserId=DANA)
    block = await sandbox.call("POST", BLOCKS, BLOCK, status=201)
    before = await kept(sandbox)
    unchecked = {"ignoreFreeSlotValidation": True, "ignoreDateRange": True, "assignedUserId": DANA}
    recurring = unchecked | {"rrule": "RRULE:FREQ=DAILY;COUNT=3"}
    for more in ({}, unchecked, recurring):
        assert await complaints(sandbox, "POST", APPOINTMENTS, {**BOOKING, **more, "startTime": time}) == refused
    status = {"appointmentStatus": "confirmed"}
    for more in ({}, unchecked, recurring):
        path = f"{APPOINTMENTS}/{booked['id']}"
        assert await complaints(sandbox, "PUT", path, {**status, **more, "startTime": time}) == refused
    both = {**BLOCK, "startTime": time, "endTime": time}
    both_refused = [*refused, f"endTime {OUT_OF_RANGE}"]
    assert await complaints(sandbox, "POST", BLOCKS, both) == both_refused
    assert await complaints(sandbox, "PUT", f"{BLOCKS}/{block['id']}", both) == both_refused
    task = {"title": "Call", "dueDate": time, "completed": False}
    assert await complaints(sandbox, "POST", f"/contacts/{ADA}/tasks", task) == [f"dueDate {OUT_OF_RANGE}"]
    workflow = {"eventStartTime": time}
    path = f"/contacts/{ADA}/workflow/w"
    assert await complaints(sandbox, "POST", path, workflow) == [f"eventStartTime {OUT_OF_RANGE}"]
    assert await kept(sandbox) == before


async def test_a_time_out_of_range_is_one_of_all_faults(sandbox: Sandbox) -> None:
    assert await complaints(sandbox, "POST", APPOINTMENTS, {"startTime": "0001-01-01T00:00:00Z", "colour": 1}) == [
        "property colour should not exist",
        f"startTime {OUT_OF_RANGE}",
        "calendarId should not be empty",
        "locationId should not be empty",
        "contactId should not be empty",
    ]


@pytest.mark.parametrize("year", [1900, 9990])
async def test_the_first_and_the_last_year_can_be_booked_and_read(sandbox: Sandbox, year: int) -> None:
    unchecked: dict[str, Any] = {"ignoreFreeSlotValidation": True, "assignedUserId": DANA}
    booked = await sandbox.book(f"{year}-06-30T10:00:00+00:00", rrule="RRULE:FREQ=YEARLY", **unchecked)
    assert (await sandbox.read(booked["id"]))["startTime"].startswith(f"{year}-06-30T")
    await sandbox.call("PUT", f"{APPOINTMENTS}/{booked['id']}", {"appointmentStatus": "confirmed", "title": "Again"})


@pytest.mark.parametrize("end", [253370764800000, 253402214400000, 10**15, 10**30])
async def test_a_window_at_the_end_of_all_calendars_has_no_slots(sandbox: Sandbox, end: int) -> None:
    start = end - 30 * 86_400_000
    answer = await sandbox.call("GET", f"/calendars/{CUTS}/free-slots", startDate=start, endDate=end)
    assert answer.keys() == {"traceId"}
    window: dict[str, Any] = {"locationId": LOCATION, "startTime": start, "endTime": end}
    assert (await sandbox.call("GET", "/calendars/events", calendarId=CUTS, **window))["events"] == []
    assert (await sandbox.call("GET", "/calendars/services/bookings", **window))["bookings"] == []
