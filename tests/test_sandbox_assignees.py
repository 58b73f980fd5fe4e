"""Whom an appointment of the sandbox is assigned to, and who else is on it, when it moves to another calendar."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.sandboxes import APPOINTMENTS, Sandbox, at, running

PLACE, EVE = "lFk3vTj0cQxW8mPzR2bN", "cEveQ4kVt7mYp1Wz6Sxd"
ANA, BEN, CLEO = "uAnaQ8rTz5LmXw2KvN4c", "uBenD3pFk9RsYh7JqT1g", "uCleF6gHj2KlMn4PqR8s"
TURNS, TOGETHER, ALONE, ROOM = (
    "kTurNs8rTz5LmXw2KvN4",
    "kToGet3pFk9RsYh7JqT1",
    "kAloNe6gHj2KlMn4PqR8",
    "kRooMx5vBn7MkLp2QwEr",
)
HOURS = "open_hours: [{days: [Mon], opens: 09:00, closes: 12:00}]"
SEED = f"""
locations:
  - id: {PLACE}
    timezone: Europe/London
    tokens: [pit-sandbox-demo]
    users: [{{id: {ANA}, name: Ana}}, {{id: {BEN}, name: Ben}}, {{id: {CLEO}, name: Cleo}}]
    contacts: [{{id: {EVE}, name: Eve Example}}]
    calendars:
      - {{id: {TURNS}, name: Turns, type: round_robin, team: [{ANA}, {BEN}], {HOURS}}}
      - {{id: {TOGETHER}, name: Together, type: collective, team: [{ANA}, {BEN}], {HOURS}}}
      - {{id: {ALONE}, name: Alone, type: personal, team: [{CLEO}], {HOURS}}}
      - {{id: {ROOM}, name: Room, type: event, {HOURS}}}
"""


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with running(told=False, seed=SEED) as started:
        yield started


async def book(sandbox: Sandbox, calendar: str, clock: str = "09:00", **fields: Any) -> str:
    body = {"calendarId": calendar, "locationId": PLACE, "contactId": EVE, "startTime": at(clock), **fields}
    return str((await sandbox.call("POST", APPOINTMENTS, body))["id"])


async def edit(sandbox: Sandbox, appointment_id: str, *, status: int = 200, **fields: Any) -> Any:
    body = {"appointmentStatus": "confirmed", **fields}
    return await sandbox.call("PUT", f"{APPOINTMENTS}/{appointment_id}", body, status=status)


async def people(sandbox: Sandbox, appointment_id: str) -> tuple[Any, Any]:
    shown = await sandbox.read(appointment_id)
    return shown.get("assignedUserId"), shown.get("users", [])


async def test_who_has_it_keeps_it_where_they_are_on_the_team(sandbox: Sandbox) -> None:
    booked = await book(sandbox, TURNS, assignedUserId=BEN)
    await edit(sandbox, booked, calendarId=TOGETHER)
    assert await people(sandbox, booked) == (BEN, [ANA])
    await edit(sandbox, booked, calendarId=TURNS)
    assert await people(sandbox, booked) == (BEN, [])


async def test_somebody_of_the_new_team_gets_it_where_nobody_of_it_had_it(sandbox: Sandbox) -> None:
    booked = await book(sandbox, ROOM)
    assert await people(sandbox, booked) == (None, [])
    await edit(sandbox, booked, calendarId=TURNS)
    assert await people(sandbox, booked) == (ANA, [])
    await edit(sandbox, booked, calendarId=ALONE)
    assert await people(sandbox, booked) == (CLEO, [])
    await edit(sandbox, booked, calendarId=ROOM)
    assert await people(sandbox, booked) == (None, [])


async def test_a_move_without_a_check_of_the_slot_chooses_nobody(sandbox: Sandbox) -> None:
    booked = await book(sandbox, ROOM)
    refused = await edit(sandbox, booked, calendarId=TURNS, ignoreFreeSlotValidation=True, status=400)
    assert refused["message"] == "assignedUserId is required when ignoreFreeSlotValidation is set."
    elsewhere = await book(sandbox, ALONE)
    refused = await edit(sandbox, elsewhere, calendarId=TURNS, ignoreFreeSlotValidation=True, status=400)
    assert refused["message"] == "The user id not part of calendar team."
    assert await people(sandbox, elsewhere) == (CLEO, [])


async def test_on_a_collective_calendar_everybody_stays_on_it_whoever_has_it(sandbox: Sandbox) -> None:
    booked = await book(sandbox, TOGETHER)
    assert await people(sandbox, booked) == (ANA, [BEN])
    await edit(sandbox, booked, assignedUserId=BEN)
    assert await people(sandbox, booked) == (BEN, [ANA])
    await edit(sandbox, booked, startTime=at("10:00"), endTime=at("10:30"))
    assert await people(sandbox, booked) == (BEN, [ANA])
    refused = await book_refused(sandbox, TURNS, "10:00", ANA)
    assert refused["message"] == "The slot you have selected is no longer available."


async def test_a_named_person_of_a_collective_calendar_is_not_there_alone(sandbox: Sandbox) -> None:
    booked = await book(sandbox, TOGETHER, assignedUserId=BEN, ignoreFreeSlotValidation=True, endTime=at("09:30"))
    assert await people(sandbox, booked) == (BEN, [ANA])


async def book_refused(sandbox: Sandbox, calendar: str, clock: str, person: str) -> Any:
    body = {"calendarId": calendar, "locationId": PLACE, "contactId": EVE, "startTime": at(clock)}
    return await sandbox.call("POST", APPOINTMENTS, {**body, "assignedUserId": person}, status=400)
