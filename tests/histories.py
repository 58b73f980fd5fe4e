"""The history of one booking, what is told of it and when, beside a small model of what must become of it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any

from aiohttp.test_utils import TestClient

from service.store.database import Pool
from tests.sandboxes import ALEX, APPOINTMENTS, DANA, KIM, LOCATION, Sandbox
from workers.jobs import Drainer
from workers.workplace import Workplace

RULES = """
  - {name: given, mode: live, when: [appointment.created, appointment.rescheduled],
     then: [{do: assign, to: kim, replace: anybody}]}
  - {name: later, mode: live, when: appointment.created, if: {starts: {before: "09:30"}},
     then: [{do: reschedule, to: next_free, within: {hours: "11:00-20:00"}, notify: false}]}
  - {name: after, mode: live, when: appointment.created, then: [{do: block_slot, after: 15m, follow: true}]}
  - {name: born, mode: live, when: appointment.created, if: {status: {is: confirmed}},
     then: [{do: add_note, text: born}]}
  - {name: gone, mode: live, when: appointment.cancelled, then: [{do: add_note, text: cancelled}]}
  - {name: moved, mode: live, when: appointment.rescheduled, then: [{do: add_note, text: moved}]}
"""

CLOCKS = ("09:00", "10:00", "14:00", "17:00")
PEOPLE = (DANA, ALEX, KIM)

OPEN = "SELECT count(*) FROM deliveries WHERE state IN ('waiting', 'judged')"
BAD = """
    SELECT state, reason FROM steps WHERE appointment_id = $1 AND state NOT IN ('done', 'unchanged')
    UNION ALL
    SELECT state, reason FROM deliveries
    WHERE appointment_id = $1 AND state NOT IN ('done', 'ignored')
"""
"""What ended badly. A change that came late, from before a write of ours, and that is not there any more is rightly put
before people: whether they took it back or we did cannot be told from here."""


@dataclass
class Place:
    """One sandbox, one receiver and one worker for all examples, each of which has a booking of its own."""

    sandbox: Sandbox
    door: TestClient[Any, Any]
    pool: Pool
    work: Workplace
    days: int = 0

    async def mail(self) -> list[tuple[bytes, dict[str, str]]]:
        """The webhooks that were sent since; none has reached the receiver."""
        async with asyncio.timeout(10):
            while (await self.sandbox.call("GET", "/_sandbox/webhooks"))["waiting"]:
                await asyncio.sleep(0.001)
        came = [(body, headers) for body, headers, _ in self.sandbox.receiver.arrived]
        self.sandbox.receiver.arrived.clear()
        return came

    async def tell(self, letter: tuple[bytes, dict[str, str]]) -> None:
        body, headers = letter
        signature = {name: value for name, value in headers.items() if name.startswith("X-")}
        async with self.door.post("/hooks/highlevel", data=body, headers=signature) as response:
            assert response.status in (200, 202), await response.text()

    async def work_off(self) -> None:
        """A worker is started, and stopped once there is nothing more to do."""
        async with self._working(), asyncio.timeout(20):
            while await self.open():
                await asyncio.sleep(0.003)

    async def restart(self, after: float) -> None:
        """A worker is told to stop in the middle of its work."""
        async with self._working():
            await asyncio.sleep(after)

    @contextlib.asynccontextmanager
    async def _working(self) -> AsyncIterator[None]:
        if not await self.open():
            yield
            return
        drainer = Drainer(self.work)
        sweeping = asyncio.create_task(drainer.sweep())
        try:
            yield
        finally:
            await drainer.stop()
            await sweeping

    async def blocks(self) -> dict[str, tuple[Any, ...]]:
        """Of everybody, by their ids: whose, from and until."""
        span: dict[str, Any] = {"locationId": LOCATION, "startTime": 0, "endTime": 4102444800000}
        found = {}
        for user in PEOPLE:
            answer = await self.sandbox.call("GET", "/calendars/blocked-slots", userId=user, **span)
            for block in answer["events"]:
                times = (datetime.fromisoformat(block[name]) for name in ("startTime", "endTime"))
                found[block["id"]] = (user, *times)
        return found

    async def open(self) -> int:
        async with self.pool.acquire() as connection:
            return int(await connection.fetchval(OPEN))


@dataclass
class History:
    """One booking; what people made of it, and what we may have."""

    place: Place
    id: str
    day: datetime
    people: dict[str, Any]
    """As people last left it: `starts`, `assignee`, `status`, `deleted`."""

    letters: list[tuple[bytes, dict[str, str]]] = field(default_factory=list)
    """Sent, and not told yet."""
    told: list[tuple[bytes, dict[str, str]]] = field(default_factory=list)
    changes: int = 0
    """What people did, of any kind; of which so many:"""
    moves: int = 0
    cancels: int = 0
    met: bool | None = None
    """Whether the worker came to know the booking, and did all there was to do, before anybody had changed it."""
    ours: dict[str, Any] = field(default_factory=dict)
    """Fields that we wrote, and what people have not changed since."""
    lost: set[str] = field(default_factory=set)
    """Fields that people changed after we wrote them."""

    @property
    def path(self) -> str:
        return f"{APPOINTMENTS}/{self.id}"

    async def shown(self) -> dict[str, Any]:
        found = (await self.place.sandbox.call("GET", self.path))["appointment"]
        return {
            "starts": datetime.fromisoformat(found["startTime"]),
            "assignee": found["assignedUserId"],
            "status": found["appointmentStatus"],
            "deleted": bool(found.get("deleted")),
        }

    async def people_do(self, what: str, number: int) -> None:
        if self.people["deleted"]:
            return
        self.changes += 1
        match what:
            case "move":
                starts = at(self.day, CLOCKS[number % len(CLOCKS)])
                if starts != (await self.shown())["starts"]:
                    self.moves += 1
                    self._by_people("starts", starts)
                    ends = starts + timedelta(hours=1)
                    await self._edit(startTime=starts.isoformat(), endTime=ends.isoformat())
            case "reassign":
                person = PEOPLE[number % len(PEOPLE)]
                if person != (await self.shown())["assignee"]:
                    self._by_people("assignee", person)
                    await self._edit(assignedUserId=person)
            case "cancel" if self.people["status"] != "cancelled":
                self.cancels += 1
                self.people["status"] = "cancelled"
                await self._edit()
            case "confirm" if self.people["status"] != "confirmed":
                self.people["status"] = "confirmed"
                await self._edit()
            case "retitle":
                await self._edit(title=f"title {number}")
            case "delete":
                self.people["deleted"] = True
                await self.place.sandbox.call("DELETE", f"/calendars/events/{self.id}", {})
        self.letters += await self.place.mail()

    def _by_people(self, name: str, value: Any) -> None:
        if name in self.ours:
            self.lost.add(name)
            del self.ours[name]
        self.people[name] = value

    async def _edit(self, **fields: Any) -> None:
        body = {"appointmentStatus": self.people["status"], "ignoreFreeSlotValidation": True, **fields}
        await self.place.sandbox.call("PUT", self.path, body)

    async def tell(self, number: int, *, again: bool = False) -> None:
        letters = self.told if again else self.letters
        if letters:
            letter = letters[number % len(letters)] if again else letters.pop(number % len(letters))
            self.told.append(letter)
            await self.place.tell(letter)

    async def worked(self, after: float | None = None) -> None:
        """The worker works, and whatever it changes is allowed."""
        was = await self.shown()
        await (self.place.work_off() if after is None else self.place.restart(after))
        now = await self.shown()
        changed = {name for name in now if now[name] != was[name]}
        assert changed <= {"starts", "assignee"}, "what no rule writes is left alone"
        assert not changed or (was["status"] == "confirmed" and not was["deleted"]), "what is over stays alone"
        assert not changed & self.lost, "people win"
        assert "assignee" not in changed or now["assignee"] == KIM
        if "starts" in changed:
            assert was["starts"] == at(self.day, "09:00")
            assert "starts" not in self.ours, "moved once"
        if self.met is None and self.told:
            self.met = not self.changes and after is None
            if self.met:
                assert now["assignee"] == KIM
                early = was["starts"] == at(self.day, "09:00")
                assert now["starts"] >= at(self.day, "11:00") if early else "starts" not in changed
        self.ours |= {name: now[name] for name in changed}
        self.letters += await self.place.mail()

    async def end(self, random: Random) -> None:
        """Everything is told and worked off, also what that brings back."""
        while self.letters:
            random.shuffle(self.letters)
            while self.letters:
                await self.tell(0)
            await self.worked()
        await self.worked()

    async def check(self, *, prompt: bool) -> None:
        """`prompt`: each change was told and worked off before the next, so that each is answered."""
        place, now = self.place, await self.shown()
        assert now == {**self.people, **self.ours}, "what people chose, but for what we chose after them"
        async with place.pool.acquire() as connection:
            bad = [tuple(row) for row in await connection.fetch(BAD, self.id)]
        if not now["deleted"]:
            assert bad == [], "nothing is left over, and nothing went wrong"
            answer = await place.sandbox.call("GET", f"/calendars/appointments/{self.id}/notes", limit=20, offset=0)
            notes = [note["body"] for note in answer["notes"]]
            assert (self.met or False) <= notes.count("born") <= 1
            assert (self.moves if prompt else 0) <= notes.count("moved") <= self.moves
            assert (self.cancels if prompt else 0) <= notes.count("cancelled") <= self.cancels
        ends = now["starts"] + timedelta(hours=1)
        beside = [(now["assignee"], ends, ends + timedelta(minutes=15))]
        blocks = list((await place.blocks()).values())
        if now["deleted"] or now["status"] == "cancelled":
            assert blocks == []
        else:
            assert blocks == beside or (blocks == [] and not self.met)

    async def forget(self) -> None:
        """Leave no trace in anybody's day."""
        sandbox = self.place.sandbox
        if not (await self.shown())["deleted"]:
            await sandbox.call("DELETE", f"/calendars/events/{self.id}", {})
        for block in await self.place.blocks():
            await sandbox.call("DELETE", f"/calendars/events/{block}", {})
        await self.place.mail()
        await sandbox.call("DELETE", "/_sandbox/calls", status=204)


def at(day: datetime, clock: str) -> datetime:
    hour, minute = clock.split(":")
    return day.replace(hour=int(hour), minute=int(minute))
