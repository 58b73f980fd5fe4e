"""What can be booked, moved, blocked and noted in the sandbox, and what cannot."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from service.highlevel.blocked_slots import BlockedSlot, BlockedSlotsReply
from service.highlevel.free_slots import FreeSlotsReply
from service.highlevel.notes import NoteReply, NotesReply
from tests.sandboxes import (
    ADA,
    ALEX,
    APPOINTMENTS,
    CONSULTATIONS,
    CUTS,
    DANA,
    FOREVER,
    HEADERS,
    KIM,
    LOCATION,
    MONDAY,
    ROOM,
    Sandbox,
    at,
    running,
)


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with running(told=False) as running_sandbox:
        yield running_sandbox


async def test_free_slots_are_the_hours_in_which_somebody_of_the_team_is_free(sandbox: Sandbox) -> None:
    slots = await sandbox.free(MONDAY)
    assert (slots[0], slots[1], slots[-1], len(slots)) == (at("09:00"), at("09:30"), at("19:00"), 21)
    for member in (DANA, KIM):
        await sandbox.book(at("10:00"), assignedUserId=member)
    assert at("10:30") in await sandbox.free(MONDAY)
    await sandbox.book(at("10:00"))
    assert (await sandbox.read((await sandbox.book(at("11:00")))["id"]))["assignedUserId"] == DANA
    assert not {at("09:30"), at("10:00"), at("10:30")} & set(await sandbox.free(MONDAY))
    assert at("11:00") not in await sandbox.free(MONDAY, userId=DANA)
    # Dana's cuts take her time on every calendar.
    assert at("10:30") not in await sandbox.free(MONDAY, CONSULTATIONS)
    await sandbox.call("GET", f"/calendars/{CONSULTATIONS}/free-slots", startDate=0, endDate=1, userId=KIM, status=400)


async def test_free_slots_follow_the_clocks_and_the_zone_asked_for(sandbox: Sandbox) -> None:
    monday_after = datetime(2026, 3, 30, tzinfo=UTC)
    assert (await sandbox.free(monday_after))[0] == "2026-03-30T09:00:00+01:00"
    assert (await sandbox.free(monday_after, timezone="Asia/Tokyo"))[0] == "2026-03-30T17:00:00+09:00"
    answer = await sandbox.call(
        "GET", f"/calendars/{CUTS}/free-slots", startDate=1774652400000, endDate=1774911600000, timezone="Asia/Tokyo"
    )
    assert answer.keys() == {"2026-03-28", "2026-03-29", "2026-03-30", "2026-03-31"} | {"traceId"}
    FreeSlotsReply.model_validate(answer)
    for zone in ("Mars/Olympus", "Europe", "../etc"):
        await sandbox.call("GET", f"/calendars/{CUTS}/free-slots", startDate=0, endDate=1, timezone=zone, status=422)


async def test_what_is_over_is_not_offered_unless_dates_are_ignored(sandbox: Sandbox) -> None:
    sandbox.clock.now = MONDAY + timedelta(hours=4, minutes=1)
    assert (await sandbox.free(MONDAY))[0] == at("12:30")
    await sandbox.book(at("09:00"), status=400)
    await sandbox.book(at("09:00"), ignoreDateRange=True)


async def test_a_slot_has_to_be_one_that_is_offered(sandbox: Sandbox) -> None:
    for start in (at("08:00"), at("09:10"), at("19:30"), "2026-03-29T10:00:00+01:00"):
        answer = await sandbox.book(start, status=400)
        assert answer == {
            "message": "The slot you have selected is no longer available.",
            "error": "Bad Request",
            "statusCode": 400,
            "traceId": answer["traceId"],
        }
    answer = await sandbox.book(at("09:00"), endTime=at("09:30"), status=400)
    assert answer["message"] == "Selected slot duration is not a valid duration option for this calendar"
    answer = await sandbox.book(at("09:00"), assignedUserId="somebody", status=400)
    assert answer["message"] == "The user id not part of calendar team."
    await sandbox.book(at("09:00"), calendarId=CONSULTATIONS, assignedUserId=KIM, status=400)
    await sandbox.book(at("09:00"), contactId="nobody", status=400)
    await sandbox.book("2026-03-23T04:00:00-05:00")


async def test_ignoring_slots_books_twice_but_wants_somebody_of_a_team(sandbox: Sandbox) -> None:
    for _ in range(2):
        await sandbox.book(at("03:10"), endTime=at("03:20"), assignedUserId=KIM, ignoreFreeSlotValidation=True)
    await sandbox.book(at("03:10"), ignoreFreeSlotValidation=True, status=400)
    await sandbox.book(at("03:10"), calendarId=ROOM, ignoreFreeSlotValidation=True)


async def test_of_four_who_want_the_last_slot_one_gets_it(sandbox: Sandbox) -> None:
    body = {"calendarId": CONSULTATIONS, "locationId": LOCATION, "contactId": ADA, "startTime": at("10:00")}

    async def book() -> int:
        async with sandbox.client.post(APPOINTMENTS, json=body, headers=HEADERS) as response:
            return response.status

    assert sorted(await asyncio.gather(*(book() for _ in range(4)))) == [200, 400, 400, 400]


async def test_the_round_gives_to_whoever_has_fewest(sandbox: Sandbox) -> None:
    booked = [await sandbox.book(at(f"{hour:02}:00")) for hour in range(9, 15)]
    assignees = [(await sandbox.read(each["id"]))["assignedUserId"] for each in booked]
    assert assignees == [DANA, KIM, ALEX] * 2


async def test_a_cancelled_no_show_invalid_or_deleted_booking_takes_no_time(sandbox: Sandbox) -> None:
    for status in ("cancelled", "noshow", "invalid", "deleted"):
        booked = await sandbox.book(at("10:00"), calendarId=CONSULTATIONS)
        assert at("10:00") not in await sandbox.free(MONDAY, CONSULTATIONS)
        if status == "deleted":
            await sandbox.call("DELETE", f"/calendars/events/{booked['id']}")
        else:
            await sandbox.call("PUT", f"{APPOINTMENTS}/{booked['id']}", {"appointmentStatus": status})
        assert at("10:00") in await sandbox.free(MONDAY, CONSULTATIONS)


async def test_a_put_without_status_confirms(sandbox: Sandbox) -> None:
    booked = await sandbox.book(at("10:00"), appointmentStatus="new")
    path = f"{APPOINTMENTS}/{booked['id']}"
    assert booked["appointmentStatus"] == "new"
    for written, stored in [("cancelled", "cancelled"), ("completed", "showed"), ("noshow", "noshow")]:
        answer = await sandbox.call("PUT", path, {"appointmentStatus": written})
        assert answer["appointmentStatus"] == stored
    before = await sandbox.read(booked["id"])
    await sandbox.call("PUT", path, {"title": "Other"})
    after = await sandbox.read(booked["id"])
    changed = {key for key in before if before[key] != after[key]}
    assert changed == {"title", "dateUpdated", "appointmentStatus", "appoinmentStatus"}
    assert after["appointmentStatus"] == "confirmed"
    assert after["dateUpdated"] == "2026-03-23T08:00:00.004Z"


async def test_moving_and_reassigning_are_checked(sandbox: Sandbox) -> None:
    booked = await sandbox.book(at("10:00"), assignedUserId=DANA)
    await sandbox.book(at("12:00"), assignedUserId=DANA)
    path = f"{APPOINTMENTS}/{booked['id']}"

    async def put(status: int = 200, **fields: Any) -> Any:
        return await sandbox.call("PUT", path, {"appointmentStatus": "confirmed", **fields}, status=status)

    await put(startTime=at("10:30"))  # its own hour does not stand in its way
    assert (await sandbox.read(booked["id"]))["endTime"] == at("11:30")
    await put(startTime=at("11:30"), status=400)
    await put(startTime=at("11:30"), assignedUserId=KIM)
    await put(assignedUserId="somebody", status=400)
    await put(calendarId=CONSULTATIONS, status=400)
    await put(startTime=at("11:00"), endTime=at("11:00"), status=422)
    await put(startTime=at("03:00"), endTime=at("03:10"), ignoreFreeSlotValidation=True)
    read = await sandbox.read(booked["id"])
    assert (read["startTime"], read["endTime"], read["assignedUserId"]) == (at("03:00"), at("03:10"), KIM)
    await sandbox.call("DELETE", f"/calendars/events/{booked['id']}")
    await put(title="Other", status=400)
    await sandbox.call("DELETE", f"/calendars/events/{booked['id']}")


async def test_a_block_takes_a_person_everywhere_or_an_event_calendar(sandbox: Sandbox) -> None:
    times = {"locationId": LOCATION, "startTime": at("10:00"), "endTime": at("11:00")}
    path = "/calendars/events/block-slots"
    answer = await sandbox.call("POST", path, {**times, "calendarId": CUTS}, status=400)
    assert answer == {"message": "The calendar is not an event calendar.", "statusCode": 400}
    await sandbox.call("POST", path, {**times, "calendarId": ROOM, "assignedUserId": DANA}, status=422)
    await sandbox.call("POST", path, times, status=422)
    await sandbox.call("POST", path, {**times, "assignedUserId": "nobody"}, status=400)
    await sandbox.call("POST", path, {**times, "assignedUserId": DANA, "endTime": at("10:00")}, status=422)

    block = await sandbox.call("POST", path, {**times, "assignedUserId": DANA, "title": "Rest"}, status=201)
    assert BlockedSlot.model_validate(block).assigned_user_id == DANA
    room = await sandbox.call("POST", path, {**times, "calendarId": ROOM}, status=201)
    assert at("10:30") not in await sandbox.free(MONDAY, CONSULTATIONS)
    assert at("10:30") not in await sandbox.free(MONDAY, userId=DANA)
    assert at("10:00") not in await sandbox.free(MONDAY, ROOM)
    await sandbox.call("GET", "/calendars/blocked-slots", **FOREVER, status=422)
    for query, expected in [({"userId": DANA}, block), ({"calendarId": ROOM}, room)]:
        listed = await sandbox.call("GET", "/calendars/blocked-slots", **{**FOREVER, **query})
        assert [event.id for event in BlockedSlotsReply.model_validate(listed).events] == [expected["id"]]
    assert (await sandbox.call("GET", "/calendars/events", userId=DANA, **FOREVER))["events"] == []

    moved = {**times, "startTime": at("12:00"), "endTime": at("12:15"), "assignedUserId": KIM}
    await sandbox.call("PUT", f"{path}/{block['id']}", moved, status=201)
    await sandbox.call("PUT", f"{path}/unknown", moved, status=404)
    assert at("10:30") in await sandbox.free(MONDAY, CONSULTATIONS)
    (event,) = (await sandbox.call("GET", "/calendars/blocked-slots", userId=KIM, **FOREVER))["events"]
    assert (event["startTime"], event["title"]) == (at("12:00"), "Rest")
    await sandbox.call("DELETE", f"/calendars/events/{block['id']}", {})
    assert (await sandbox.call("GET", "/calendars/blocked-slots", userId=KIM, **FOREVER))["events"] == []


async def test_a_listed_block_has_all_that_the_document_requires_and_what_it_has_not_is_empty(sandbox: Sandbox) -> None:
    times = {"locationId": LOCATION, "startTime": at("10:00"), "endTime": at("11:00")}
    group = {"locationId": LOCATION, "name": "Rooms", "slug": "rooms", "description": ""}
    group_id = (await sandbox.call("POST", "/calendars/groups", group, status=201))["group"]["id"]
    await sandbox.call("PUT", f"/calendars/{ROOM}", {"groupId": group_id})
    path = "/calendars/events/block-slots"
    made = await sandbox.call("POST", path, {**times, "assignedUserId": DANA, "title": "Rest"}, status=201)
    room = await sandbox.call("POST", path, {**times, "calendarId": ROOM}, status=201)
    del made["traceId"], room["traceId"]
    (block,) = (await sandbox.call("GET", "/calendars/blocked-slots", userId=DANA, **FOREVER))["events"]
    empty = {"contactId": "", "groupId": "", "calendarId": "", "users": [], "address": "", "assignedResources": []}
    dates = {"dateAdded": "2026-03-23T08:00:00.000Z", "dateUpdated": "2026-03-23T08:00:00.000Z"}
    usual = {"appointmentStatus": "confirmed", "isRecurring": False, "deleted": False}
    assert block == {**made, **empty, **dates, **usual}
    (listed,) = (await sandbox.call("GET", "/calendars/blocked-slots", groupId=group_id, **FOREVER))["events"]
    assert listed == {**room, **empty, **dates, **usual, "calendarId": ROOM, "groupId": group_id, "assignedUserId": ""}
    [read, of_nobody] = BlockedSlotsReply.model_validate({"events": [block, listed]}).events
    assert (read.calendar_id, read.contact_id, of_nobody.assigned_user_id) == (None, None, None)
    sandbox.clock.now += timedelta(minutes=5)
    await sandbox.call("PUT", f"{path}/{made['id']}", {"locationId": LOCATION, "title": "Sleep"}, status=201)
    (block,) = (await sandbox.call("GET", "/calendars/blocked-slots", userId=DANA, **FOREVER))["events"]
    assert (block["dateAdded"], block["dateUpdated"]) == (dates["dateAdded"], "2026-03-23T08:05:00.000Z")


async def test_notes_come_in_pages_newest_last(sandbox: Sandbox) -> None:
    booked = await sandbox.book(at("10:00"))
    path = f"/calendars/appointments/{booked['id']}/notes"
    for number in range(23):
        sandbox.clock.now += timedelta(milliseconds=1)
        NoteReply.model_validate(await sandbox.call("POST", path, {"body": str(number)}, status=201))
    first = NotesReply.model_validate(await sandbox.call("GET", path, limit=20, offset=0))
    rest = NotesReply.model_validate(await sandbox.call("GET", path, limit=20, offset=20))
    assert [note.body for note in (*first.notes, *rest.notes)] == [str(number) for number in range(23)]
    assert (first.has_more, rest.has_more) == (True, False)
    signed = await sandbox.call("POST", path, {"body": "by Kim", "userId": KIM}, status=201)
    assert signed["note"]["createdBy"] == {"id": KIM, "name": "Kim"}
    await sandbox.call("POST", path, {"body": "x" * 5001}, status=422)
    await sandbox.call("POST", path, {"body": ""}, status=422)
    await sandbox.call("GET", path, status=422)
    await sandbox.call("GET", path, limit=21, offset=0, status=422)
    await sandbox.call("DELETE", f"/calendars/events/{booked['id']}")
    await sandbox.call("POST", path, {"body": "late"}, status=201)
