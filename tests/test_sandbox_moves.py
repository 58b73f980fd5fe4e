"""What stands in the way of a booking of the sandbox that is made or moved, and what does not."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.sandboxes import APPOINTMENTS, FOREVER, Sandbox, at, running
from tests.test_sandbox_assignees import ANA, BEN, EVE, PLACE, SEED, TURNS, book, edit, people

TAKEN = "The slot you have selected is no longer available."


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with running(told=False, seed=SEED) as started:
        yield started


async def settle(sandbox: Sandbox, **settings: Any) -> None:
    await sandbox.call("PUT", f"/calendars/{TURNS}", settings)


async def refused(sandbox: Sandbox, start: str, **fields: Any) -> str:
    body = {"calendarId": TURNS, "locationId": PLACE, "contactId": EVE, "startTime": start, **fields}
    return str((await sandbox.call("POST", APPOINTMENTS, body, status=400))["message"])


async def test_a_full_day_is_full_at_its_other_end_too(sandbox: Sandbox) -> None:
    await settle(sandbox, appoinmentPerDay=1)
    await book(sandbox, TURNS, "09:00")
    assert await refused(sandbox, at("11:30")) == TAKEN


async def test_on_a_full_day_what_is_booked_can_still_move(sandbox: Sandbox) -> None:
    await settle(sandbox, appoinmentPerDay=1)
    booked = await book(sandbox, TURNS, "09:00")
    await edit(sandbox, booked, startTime=at("11:00"))
    assert (await sandbox.read(booked))["startTime"] == at("11:00")


async def test_a_days_notice_is_until_the_same_time_tomorrow_whatever_the_clocks_do(sandbox: Sandbox) -> None:
    sandbox.clock.now = datetime(2026, 3, 28, 10, 15, tzinfo=UTC)  # Saturday; on Sunday the clocks go forward
    every_day = {"daysOfTheWeek": [0, 1, 2, 3, 4, 5, 6]}
    hours = {"openHour": 9, "openMinute": 0, "closeHour": 12, "closeMinute": 0}
    settings = {"allowBookingAfter": 1, "allowBookingAfterUnit": "days", "openHours": [{**every_day, "hours": [hours]}]}
    await settle(sandbox, **settings)
    free = await sandbox.free(datetime(2026, 3, 29, tzinfo=UTC), TURNS)
    assert [slot[11:] for slot in free] == ["10:30:00+01:00", "11:00:00+01:00", "11:30:00+01:00"]


async def test_a_block_of_an_event_calendar_stands_in_the_way_of_its_whole_team(sandbox: Sandbox) -> None:
    team = [{"userId": ANA}, {"userId": BEN}]
    hours = {"openHour": 9, "openMinute": 0, "closeHour": 10, "closeMinute": 0}
    said = {
        "locationId": PLACE,
        "name": "Fair",
        "calendarType": "event",
        "teamMembers": team,
        "openHours": [{"daysOfTheWeek": [1], "hours": [hours]}],
    }
    fair = (await sandbox.call("POST", "/calendars/", said))["calendar"]["id"]
    block = {"locationId": PLACE, "calendarId": fair, "startTime": at("09:00"), "endTime": at("09:30")}
    await sandbox.call("POST", "/calendars/events/block-slots", block, status=201)
    monday = datetime(2026, 3, 23, tzinfo=UTC)
    assert [slot[11:16] for slot in await sandbox.free(monday, fair)] == ["09:30"]
    assert "09:00" in {slot[11:16] for slot in await sandbox.free(monday, TURNS)}


async def test_of_those_with_the_same_priority_who_has_fewer_is_next(sandbox: Sandbox) -> None:
    await settle(sandbox, eventType="RoundRobin_OptimizeForAvailability")
    had = [await people(sandbox, await book(sandbox, TURNS, clock)) for clock in ("09:00", "09:30", "10:00")]
    assert [assignee for assignee, _ in had] == [ANA, BEN, ANA]


async def test_a_booking_elsewhere_at_the_same_time_is_not_one_of_the_same_slot(sandbox: Sandbox) -> None:
    await settle(sandbox, appoinmentPerSlot=2, teamMembers=[{"userId": ANA}])
    other = {"locationId": PLACE, "name": "Other", "calendarType": "personal", "teamMembers": [{"userId": ANA}]}
    elsewhere = (await sandbox.call("POST", "/calendars/", other))["calendar"]["id"]
    await book(sandbox, elsewhere, assignedUserId=ANA, ignoreFreeSlotValidation=True, endTime=at("09:30"))
    assert await refused(sandbox, at("09:00")) == TAKEN
    await book(sandbox, TURNS, "09:30")
    await book(sandbox, TURNS, "09:30")
    assert await refused(sandbox, at("09:30")) == TAKEN


async def test_a_list_of_a_calendar_and_a_person_has_what_is_of_both(sandbox: Sandbox) -> None:
    mine, _ = await book(sandbox, TURNS, assignedUserId=ANA), await book(sandbox, TURNS, assignedUserId=BEN)
    query = {**FOREVER, "calendarId": TURNS, "userId": ANA}
    assert [event["id"] for event in (await sandbox.call("GET", "/calendars/events", **query))["events"]] == [mine]


async def test_a_contact_without_an_owner_gets_one_though_owners_are_kept(sandbox: Sandbox) -> None:
    await settle(sandbox, shouldAssignContactToTeamMember=True, shouldSkipAssigningContactForExisting=True)
    await book(sandbox, TURNS, "09:00", assignedUserId=BEN)
    await book(sandbox, TURNS, "09:30", assignedUserId=ANA)
    assert (await sandbox.call("GET", f"/contacts/{EVE}"))["contact"]["assignedTo"] == BEN


async def test_an_appointment_that_is_placed_elsewhere_is_not_where_it_was(sandbox: Sandbox) -> None:
    booked = await book(sandbox, TURNS, assignedUserId=ANA)
    shown = await sandbox.read(booked)
    await sandbox.call(
        "PUT", f"/_sandbox/appointments/{booked}", {**shown, "startTime": at("11:00"), "endTime": at("11:30")}
    )
    assert "09:00" in {slot[11:16] for slot in await sandbox.free(datetime(2026, 3, 23, tzinfo=UTC), TURNS, userId=ANA)}


async def test_an_appointment_that_is_placed_at_another_location_is_not_at_the_first_any_more() -> None:
    other = "  - {id: oTh3rPlac3F0rTheTests, timezone: Europe/London, tokens: [pit-other]}\n"
    async with running(told=False, seed=SEED + other) as sandbox:
        booked = await book(sandbox, TURNS, assignedUserId=ANA)
        shown = await sandbox.read(booked) | {"locationId": "oTh3rPlac3F0rTheTests"}
        await sandbox.call("PUT", f"/_sandbox/appointments/{booked}", shown)
        await sandbox.call("GET", f"{APPOINTMENTS}/{booked}", status=404)
        assert "09:00" in {
            slot[11:16] for slot in await sandbox.free(datetime(2026, 3, 23, tzinfo=UTC), TURNS, userId=ANA)
        }
