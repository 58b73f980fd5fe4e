"""Bookings that arrive at the same moment, each over a connection of its own: a slot is never given away twice."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import aiohttp
import pytest

from tests.sandboxes import ADA, ALEX, APPOINTMENTS, CONSULTATIONS, CUTS, DANA, HEADERS, KIM, LOCATION, running

ROUNDS = 100
CROWD = 4
CLASS, SEATS = "cLs5QnTb8VrJ2fMz7XwD", 3


def calendar(calendar_id: str, kind: str, team: str, seats: int = 1) -> str:
    hours = "open_hours: [{days: [Mon], opens: 09:00, closes: 20:00}]"
    return f"{{id: {calendar_id}, name: Visits, type: {kind}, team: [{team}], per_slot: {seats}, {hours}}}"


SEED = f"""
locations:
  - id: {LOCATION}
    timezone: Europe/London
    tokens: [pit-sandbox-demo]
    users: [{{id: {DANA}, name: Dana}}, {{id: {KIM}, name: Kim}}, {{id: {ALEX}, name: Alex}}]
    contacts: [{{id: {ADA}, name: Ada Example}}]
    calendars:
      - {calendar(CONSULTATIONS, "personal", DANA)}
      - {calendar(CUTS, "round_robin", f"{DANA}, {KIM}, {ALEX}")}
      - {calendar(CLASS, "class_booking", DANA, SEATS)}
"""
START = "2026-03-23T10:00:00+00:00"
TAKEN = (400, "The slot you have selected is no longer available.")


class Crowd:
    """Clients with a connection each, open already, so that all they send is underway at once."""

    def __init__(self, sessions: list[aiohttp.ClientSession]) -> None:
        self._sessions = sessions

    async def book(self, calendar_id: str) -> list[tuple[int, Any]]:
        """All of them the same: status, and the id of what was booked or why it was not."""
        body = {"calendarId": calendar_id, "locationId": LOCATION, "contactId": ADA, "startTime": START}

        async def ask(session: aiohttp.ClientSession) -> tuple[int, Any]:
            async with session.post(APPOINTMENTS, json=body) as answer:
                said = await answer.json()
                return answer.status, said["id"] if answer.status == 200 else said["message"]

        return await asyncio.gather(*map(ask, self._sessions))

    async def read(self, appointment_id: str) -> Any:
        async with self._sessions[0].get(f"{APPOINTMENTS}/{appointment_id}") as answer:
            return (await answer.json())["appointment"]

    async def delete(self, appointment_id: str) -> None:
        async with self._sessions[0].delete(f"/calendars/events/{appointment_id}", json={}) as answer:
            assert answer.status == 200


@pytest.fixture
async def crowd() -> AsyncIterator[Crowd]:
    async with running(told=False, seed=SEED) as sandbox, AsyncExitStack() as stack:
        address = sandbox.client.make_url("/")
        sessions = [
            await stack.enter_async_context(aiohttp.ClientSession(address, headers=HEADERS)) for _ in range(CROWD)
        ]
        for session in sessions:
            async with session.get(f"/calendars/{CUTS}") as answer:
                assert answer.status == 200
        yield Crowd(sessions)


@pytest.mark.parametrize(
    ("calendar_id", "room", "people"),
    [(CONSULTATIONS, 1, {DANA}), (CUTS, 3, {DANA, KIM, ALEX}), (CLASS, SEATS, {DANA})],
    ids=["one person", "a team of three", "a class of three seats"],
)
async def test_of_four_at_once_as_many_are_booked_as_there_is_room_a_hundred_times_out_of_a_hundred(
    crowd: Crowd, calendar_id: str, room: int, people: set[str]
) -> None:
    for _ in range(ROUNDS):
        answers = await crowd.book(calendar_id)
        booked = [said for status, said in answers if status == 200]
        assert len(set(booked)) == len(booked) == room
        assert Counter(answers)[TAKEN] == CROWD - room
        assert {(await crowd.read(appointment_id))["assignedUserId"] for appointment_id in booked} == people
        for appointment_id in booked:
            await crowd.delete(appointment_id)
