"""A worker killed with -9 where it hurts: each effect is there once, and it is the one first decided."""

import asyncio
import signal
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from service.embedded import Servers
from tests.house import House, in_days, open_house
from tests.processes import held_at, kill, worker
from tests.sandboxes import ALEX, CONSULTATIONS, DANA, KIM

pytestmark = pytest.mark.processes

FIRST = """
  - name: assigned
    mode: live
    when: appointment.created
    if: {calendar: cuts, starts: {before: "12:00"}}
    then: [{do: assign, to: kim, replace: anybody}]
  - name: moved
    mode: live
    when: appointment.created
    if: {calendar: consultations}
    then: [{do: reschedule, to: next_free, within: {hours: "11:00-16:00"}, notify: false}]
  - name: blocked
    mode: live
    when: appointment.created
    if: {calendar: cuts, starts: {between: ["12:00", "15:00"]}}
    then: [{do: block_slot, after: 15m, follow: true}]
  - name: noted
    mode: live
    when: appointment.created
    if: {calendar: cuts, starts: {after: "15:00"}}
    then: [{do: add_note, text: "as first decided"}]
"""

OTHERWISE = (
    FIRST.replace("to: kim", "to: alex")
    .replace("11:00-16:00", "13:00-16:00")
    .replace("15m", "45m")
    .replace("as first decided", "as decided anew")
)
"""What a worker that decided again would decide."""


@pytest.fixture
async def idle(database_url: str, servers: Servers) -> AsyncIterator[House]:
    """A house whose workers are processes of their own."""
    async with open_house(database_url, servers.redis_url, working=False) as opened:
        await opened.rules(FIRST)
        yield opened


class Four:
    """One booking for each of the four actions, and what must have become of them."""

    def __init__(self, house: House) -> None:
        self.house = house

    async def book(self) -> None:
        house = self.house
        self.assigned = await house.book(in_days(3, "10:00"), assignedUserId=DANA)
        self.moved = await house.book(in_days(3, "09:30"), calendarId=CONSULTATIONS)
        self.blocked = await house.book(in_days(3, "13:00"), assignedUserId=ALEX)
        self.noted = await house.book(in_days(3, "16:00"), assignedUserId=ALEX)

    async def writes(self) -> int:
        """How many of the four writes have reached the sandbox."""
        counts = [await self.house.writes(name) for name in ("EditAppointment", "CreateBlockSlot", "CreateNote")]
        return sum(counts)

    async def all_written(self) -> None:
        async with asyncio.timeout(20):
            while await self.writes() < 4:
                await asyncio.sleep(0.02)

    async def states(self) -> list[str]:
        """Of the steps that are stored."""
        async with self.house.pool.acquire() as connection:
            return [row["state"] for row in await connection.fetch("SELECT state FROM steps")]

    async def end_as_first_decided(self) -> None:
        await self._end(KIM, "T11:00:00", timedelta(minutes=15), "as first decided")

    async def end_as_decided_anew(self) -> None:
        await self._end(ALEX, "T13:00:00", timedelta(minutes=45), "as decided anew")

    async def _end(self, assignee: str, clock: str, length: timedelta, note: str) -> None:
        house = self.house
        await house.settled()
        assert (await house.appointment(self.assigned))["assignedUserId"] == assignee
        assert clock in (await house.appointment(self.moved))["startTime"], "on the location's clock"
        ends = datetime.fromisoformat((await house.appointment(self.blocked))["endTime"])
        assert await house.blocks(ALEX) == [(ends, ends + length)]
        assert await house.notes(self.noted) == [note]
        steps = [
            step for id_ in (self.assigned, self.moved, self.blocked, self.noted) for step in await house.steps(id_)
        ]
        assert [(step["action"], step["state"]) for step in steps] == [
            ("assign", "done"),
            ("reschedule", "done"),
            ("block_slot", "done"),
            ("add_note", "done"),
        ]
        assert await house.writes("EditAppointment") == 2
        assert await house.writes("CreateBlockSlot") == 1
        assert await house.writes("CreateNote") == 1


async def befall(house: House, **fault: float) -> None:
    """Each of the four writes, once."""
    for method, path, times in (
        ("PUT", "/calendars/events/appointments/{event_id}", 2),
        ("POST", "/calendars/events/block-slots", 1),
        ("POST", "/calendars/appointments/{appointment_id}/notes", 1),
    ):
        await house.call(
            "POST", "/_sandbox/faults", {"method": method, "path": path, "times": times, **fault}, status=201
        )


async def hold_answers(house: House) -> None:
    """Each of the four writes is done, and not answered."""
    await befall(house, hold=60)


async def test_killed_before_what_was_decided_is_kept(idle: House, tmp_path: Path) -> None:
    """Nothing of it was sent, so that it may be decided anew."""
    four = Four(idle)
    async with held_at(idle.settings.database_url, "planned", "sent") as point:
        with worker(idle.settings, tmp_path / "first.log") as first:
            await four.book()
            await point.reached_by(1)
            kill(first)
        await point.end_those_held()
    assert (await four.writes(), await four.states()) == (0, [])
    await idle.rules(OTHERWISE)
    with worker(idle.settings, tmp_path / "second.log"):
        await four.end_as_decided_anew()


async def test_killed_between_plan_and_write(idle: House, tmp_path: Path) -> None:
    four = Four(idle)
    await befall(idle, delay=60)
    with worker(idle.settings, tmp_path / "first.log") as first:
        await four.book()
        async with asyncio.timeout(20):
            while await four.states() != ["sent"] * 4:
                await asyncio.sleep(0.02)
        kill(first)
    assert await four.writes() == 0
    await idle.rules(OTHERWISE)
    with worker(idle.settings, tmp_path / "second.log"):
        await four.end_as_first_decided()


async def test_killed_between_answer_and_close(idle: House, tmp_path: Path) -> None:
    four = Four(idle)
    await hold_answers(idle)
    async with held_at(idle.settings.database_url, "done") as point:
        with worker(idle.settings, tmp_path / "first.log") as first:
            await four.book()
            await four.all_written()
            await idle.call("DELETE", "/_sandbox/faults", status=204)
            await point.reached_by(1)
            kill(first)
        await point.end_those_held()
    assert await four.states() == ["sent"] * 4
    await idle.rules(OTHERWISE)
    with worker(idle.settings, tmp_path / "second.log"):
        await four.end_as_first_decided()


async def test_killed_between_the_write_and_its_answer(idle: House, tmp_path: Path) -> None:
    four = Four(idle)
    await hold_answers(idle)
    with worker(idle.settings, tmp_path / "first.log") as first:
        await four.book()
        await four.all_written()
        kill(first)
    await idle.rules(OTHERWISE)
    with worker(idle.settings, tmp_path / "second.log"):
        await four.end_as_first_decided()


async def test_a_worker_that_slept_through_its_lease_changes_nothing_when_it_wakes(idle: House, tmp_path: Path) -> None:
    four = Four(idle)
    await hold_answers(idle)
    with worker(idle.settings, tmp_path / "sleeper.log") as sleeper:
        await four.book()
        await four.all_written()
        sleeper.send_signal(signal.SIGSTOP)
        with worker(idle.settings, tmp_path / "second.log"):
            await four.end_as_first_decided()
            # Its answers never come; it would put its steps in doubt, were they still its own.
            sleeper.send_signal(signal.SIGCONT)
            async with asyncio.timeout(10):
                while (tmp_path / "sleeper.log").read_text().count("lost a lane") < 4:
                    await asyncio.sleep(0.05)
            await four.end_as_first_decided()


async def test_sigterm_repeats_nothing_and_leaves_nothing_half_done(idle: House, tmp_path: Path) -> None:
    four = Four(idle)
    await idle.call(
        "POST",
        "/_sandbox/faults",
        {"method": "POST", "path": "/calendars/appointments/{appointment_id}/notes", "hold": 1.5, "times": 1},
        status=201,
    )
    with worker(idle.settings, tmp_path / "first.log") as first:
        await four.book()
        async with asyncio.timeout(20):
            while not await idle.writes("CreateNote"):
                await asyncio.sleep(0.02)
        first.terminate()
        assert await asyncio.to_thread(first.wait, 15) == 0
    async with idle.pool.acquire() as connection:
        assert not await connection.fetchval("SELECT count(*) FROM steps WHERE state = 'sent'")
        assert not await connection.fetchval("SELECT count(*) FROM lanes WHERE worker IS NOT NULL")
    with worker(idle.settings, tmp_path / "second.log"):
        await four.end_as_first_decided()
