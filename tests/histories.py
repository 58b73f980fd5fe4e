"""The history of one booking, what is told of it and when, beside the model of what must become of it."""

import asyncio
import contextlib
import json
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any

from aiohttp.test_utils import TestClient

from service.store.database import Pool
from tests.booking_model import HOUR, Model, Shown, State, Told, World
from tests.house import LONDON
from tests.sandboxes import ALEX, APPOINTMENTS, DANA, KIM, LOCATION, Sandbox
from workers.jobs import Drainer
from workers.workplace import Workplace

RULES = """
  - {name: given, mode: live, when: [appointment.created, appointment.rescheduled],
     then: [{do: assign, to: kim, replace: anybody}]}
  - {name: later, mode: live, when: appointment.created, if: {starts: {before: "09:30"}}, limit: 9999 per hour,
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
    SELECT 'step ' || state FROM steps WHERE appointment_id = $1 AND state NOT IN ('done', 'unchanged')
    UNION ALL
    SELECT 'delivery ' || state FROM deliveries WHERE appointment_id = $1 AND state NOT IN ('done', 'ignored')
"""
"""What ended badly."""

LEASES_END = "UPDATE lanes SET lease_until = now() - interval '1 second' WHERE worker IS NOT NULL"
"""What time does to what a dead worker held."""


Letter = tuple[bytes, dict[str, str]]
"""A webhook: its body and its headers."""


@dataclass
class Place:
    """One sandbox, one receiver and one worker for all examples, each of which has a booking of its own."""

    sandbox: Sandbox
    door: TestClient[Any, Any]
    pool: Pool
    work: Workplace
    days: int = 0

    async def mail(self) -> list[Letter]:
        """The webhooks that were sent since; none has reached the receiver."""
        async with asyncio.timeout(10):
            while (await self.sandbox.call("GET", "/_sandbox/webhooks"))["waiting"]:
                await asyncio.sleep(0.001)
        came = [(body, headers) for body, headers, _ in self.sandbox.receiver.arrived]
        self.sandbox.receiver.arrived.clear()
        return came

    async def tell(self, letter: Letter) -> None:
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

    async def kill(self, after: float) -> None:
        """A worker is dead in the middle of its work: it gives nothing back, and its leases end."""
        async with self._working() as tasks:
            await asyncio.sleep(after)
            for task in tasks():
                task.cancel()
            await asyncio.gather(*tasks(), return_exceptions=True)
        # What it had asked for before is carried out or never.
        await asyncio.sleep(0.01)
        async with self.pool.acquire() as connection:
            await connection.execute(LEASES_END)

    @contextlib.asynccontextmanager
    async def _working(self) -> AsyncIterator[Callable[[], list["asyncio.Task[Any]"]]]:
        """A worker, of which all tasks can be told."""
        drainer = Drainer(self.work)
        if not await self.open():
            yield list
            return
        sweeping = asyncio.create_task(drainer.sweep())

        def tasks() -> list["asyncio.Task[Any]"]:
            named = [(task, getattr(task.get_coro(), "__qualname__", "")) for task in asyncio.all_tasks()]
            return [task for task, name in named if name.partition(".")[0] in ("Drainer", "Commits")]

        try:
            yield tasks
        finally:
            await drainer.stop()
            with contextlib.suppress(asyncio.CancelledError):
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
    """One booking; what people made of it, and what must have become of it."""

    place: Place
    id: str
    day: datetime
    model: Model
    letters: list[Letter] = field(default_factory=list)
    """Sent, and not told yet."""
    told: list[Letter] = field(default_factory=list)

    @classmethod
    async def begin(cls, place: Place, id_: str, day: datetime) -> "History":
        one = cls(place, id_, day, Model(frozenset()), await place.mail())
        booking, updated = await one.shown()
        one.model = Model(frozenset({State(World(booking, updated))}))
        return one

    @property
    def path(self) -> str:
        return f"{APPOINTMENTS}/{self.id}"

    async def shown(self) -> tuple[Shown, datetime]:
        found = (await self.place.sandbox.call("GET", self.path))["appointment"]
        return _shown(found), datetime.fromisoformat(found["dateUpdated"])

    async def world(self) -> World:
        """All of HighLevel that is about the booking."""
        booking, updated = await self.shown()
        notes = f"/calendars/appointments/{self.id}/notes"
        answer = await self.place.sandbox.call("GET", notes, limit=20, offset=0)
        blocks = list((await self.place.blocks()).values())
        assert len(blocks) <= 1, "one block beside it, if any"
        assert all(until - begin == timedelta(minutes=15) for _, begin, until in blocks)
        block = (blocks[0][0], blocks[0][1].astimezone(LONDON)) if blocks else None
        return World(booking, updated, tuple(note["body"] for note in answer["notes"]), block)

    async def people_do(self, what: str, number: int) -> None:
        now, _ = await self.shown()
        if now.deleted:
            return
        match what:
            case "move":
                starts = at(self.day, CLOCKS[number % len(CLOCKS)])
                if starts != now.starts:
                    await self._edit(now, startTime=starts.isoformat(), endTime=(starts + HOUR).isoformat())
            case "reassign":
                person = PEOPLE[number % len(PEOPLE)]
                if person != now.assignee:
                    await self._edit(now, assignedUserId=person)
            case "cancel" if now.status != "cancelled":
                await self._edit(now, appointmentStatus="cancelled")
            case "confirm" if now.status != "confirmed":
                await self._edit(now, appointmentStatus="confirmed")
            case "retitle":
                await self._edit(now, title=f"title {number}")
            case "delete":
                await self.place.sandbox.call("DELETE", f"/calendars/events/{self.id}", {})
        self.model.people_made(*await self.shown())
        self.letters += await self.place.mail()

    async def _edit(self, now: Shown, **fields: Any) -> None:
        body = {"appointmentStatus": now.status, "ignoreFreeSlotValidation": True, **fields}
        await self.place.sandbox.call("PUT", self.path, body)

    async def tell(self, number: int, *, again: bool = False) -> None:
        """What is told again is known for that, and changes nothing."""
        letters = self.told if again else self.letters
        if letters:
            letter = letters[number % len(letters)] if again else letters.pop(number % len(letters))
            await self.place.tell(letter)
            if not again:
                self.told.append(letter)
                self.model.told(_told(letter))

    async def work(self) -> None:
        await self.place.work_off()
        await self._worked(stopped=False)

    async def restart(self, after: float) -> None:
        await self.place.restart(after)
        await self._worked(stopped=True)

    async def kill(self, after: float) -> None:
        await self.place.kill(after)
        await self._worked(stopped=True)

    async def _worked(self, *, stopped: bool) -> None:
        self.model.worked(await self.world(), stopped=stopped)
        self.letters += await self.place.mail()

    async def end(self, random: Random) -> None:
        """Everything is told and worked off, also what that brings back."""
        while self.letters:
            random.shuffle(self.letters)
            while self.letters:
                await self.tell(0)
            await self.work()
        await self.work()

    async def check(self) -> None:
        """Nothing is left over, and nothing went wrong but what had to."""
        async with self.place.pool.acquire() as connection:
            bad = Counter([row[0] for row in await connection.fetch(BAD, self.id)])
        allowed = [
            Counter({"delivery failed": each.undone, "step unknown": each.unknown}) for each in self.model.states
        ]
        assert bad in allowed

    async def forget(self) -> None:
        """Leave no trace in anybody's day."""
        sandbox = self.place.sandbox
        if not (await self.shown())[0].deleted:
            await sandbox.call("DELETE", f"/calendars/events/{self.id}", {})
        for block in await self.place.blocks():
            await sandbox.call("DELETE", f"/calendars/events/{block}", {})
        await self.place.mail()
        await sandbox.call("DELETE", "/_sandbox/calls", status=204)


def at(day: datetime, clock: str) -> datetime:
    hour, minute = clock.split(":")
    return day.replace(hour=int(hour), minute=int(minute))


def _shown(told: dict[str, Any]) -> Shown:
    return Shown(
        datetime.fromisoformat(told["startTime"]).astimezone(LONDON),
        told["assignedUserId"],
        told["appointmentStatus"],
        told.get("title") or "",
        bool(told.get("deleted")),
    )


def _told(letter: Letter) -> Told:
    body = json.loads(letter[0])
    told, type_ = body["appointment"], body["type"]
    booking = None if type_ == "AppointmentDelete" else _shown(told)
    return Told(type_ == "AppointmentCreate", booking, datetime.fromisoformat(told["dateUpdated"]))
