"""One run of the crash matrix: bookings, a worker that is struck or gets no answer, one that goes on, a finding."""

import asyncio
import contextlib
import itertools
import signal
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from service.sandbox.door.fault_notation import read_fault
from service.settings import Settings
from service.standard_webhooks import new_secret
from service.trigger import lane_subject
from tests.crash_desk import POST, Desk, open_desk
from tests.crash_effects import in_the_room, singles
from tests.crash_findings import Before, Cut, Finding, Kind, judged, stored
from tests.crash_scenarios import Scenario
from tests.crash_statements import BACK, BEGUN, CLAIMS, OPEN, OWED, SESSIONS
from tests.crash_worker import Kill, Raised, Worker, begin_worker
from tests.house import LONDON, House, open_house
from tests.sandboxes import ALEX, LOCATION

SECRET = new_secret()

WITHIN = 60.0
"""Seconds until everything is quiet again, or it is called unknown."""

SETTLE_AFTER = 7.0
"""Seconds, for the workers here: more than a lease lasts and more than any answer is delayed."""

SETTLE_SOON = 2.0
"""Where nothing is delayed, and nobody takes over from anybody; a write waits half as long."""


@dataclass
class Stand:
    """A house of its own, in which one run follows another."""

    house: House
    folder: Path
    """Where what workers say is kept."""
    settings: Settings
    desk: Desk
    _days: "itertools.count[int]" = field(default_factory=itertools.count)
    _workers: list[Worker] = field(default_factory=list)

    async def run(self, scenario: Scenario, kind: Kind) -> Finding:
        """What became of it. What goes wrong with the run itself is unknown, and so a fault."""
        try:
            return await self._run(scenario, kind)
        except Exception as error:
            return Finding(scenario.action, kind, True, "unknown", f"the run broke off: {error!r}")
        finally:
            await asyncio.gather(*(worker.kill() for worker in self._workers))
            self._workers.clear()

    def _worker(self, settings: Settings, strike: Kill | Raised | None = None) -> Worker:
        allowed = {"CALL_SECRET": SECRET, "CALL_ALLOWED": self.desk.place}
        self._workers.append(worker := begin_worker(settings, self.folder, strike, **allowed))
        return worker

    async def _run(self, scenario: Scenario, kind: Kind) -> Finding:
        """The rule has another name each time: what the store counts of it is of this run."""
        number = next(self._days)
        day, rule = _day(number), f"run-{number}"
        before = await self._before(scenario, day, rule)
        first, struck, died = await self._first(kind)
        owed = await self._which(OWED, before.booked)
        before = replace(
            before, begun=await self._which(BEGUN, before.booked), stored=await stored(self.house, before.booked)
        )
        if isinstance(kind, Kill) and not struck:
            await first.kill()
            asked = await self._asked()
            finding = await self._judged(scenario, kind, before, struck=False)
            return finding if kind.at else replace(finding, awaits=int(first.words), asked=asked)
        await self.house.rules(scenario.rule(rule, scenario.otherwise, self.desk.url))
        second = first if isinstance(kind, Raised) else self._worker(self.settings)
        quiet = await self._quiet()
        if isinstance(kind, Cut) and kind.end == "sleeps":
            first.send(signal.SIGCONT)
            await asyncio.sleep(1)
            quiet = quiet and await self._quiet()
        outlived = not second.ended.done()
        await asyncio.gather(first.kill(), second.kill())
        finding = await self._judged(scenario, kind, before, struck=struck)
        if not (quiet and outlived) and not finding.fault:
            words = "it never became quiet" if outlived else "the worker ended"
            return replace(finding, fault="unknown", words=words)
        if died is None or not owed or finding.fault:
            return finding
        async with self.house.pool.acquire() as connection:
            claimed = [await connection.fetchval(BACK, lane_subject(id_), died) for id_ in owed]
        return replace(finding, back=max(claimed) - died)

    async def _before(self, scenario: Scenario, day: datetime, rule: str) -> Before:
        """All is ready for the worker that is struck."""
        house = self.house
        await self._clear()
        scenario.begins(house)
        await house.rules(scenario.rule(rule, scenario.then, self.desk.url))
        counted = Counter[str]() if scenario.counted is None else await scenario.counted(house, rule)
        booked = [
            await house.book(_at(day, clock), ignoreFreeSlotValidation=True, **fields)
            for clock, fields in scenario.bookings()
        ]
        if scenario.single:
            booked = [(await singles(house, id_))[0]["id"] for id_ in booked]
            for id_ in booked:
                await house.edit(id_, address="Room 2")
        if scenario.change:
            await self._carried_out_in_peace()
            change = {k: _at(day, v) if k.endswith("Time") else v for k, v in scenario.change.items()}
            for id_ in booked:
                await house.edit(id_, ignoreFreeSlotValidation=True, **change)
        await self._told()
        await house.call("DELETE", "/_sandbox/calls", status=204)
        return Before(booked, rule, counted)

    async def _first(self, kind: Kind) -> tuple[Worker, bool, float | None]:
        """The worker that is struck, whether it was, and when it died or fell asleep."""
        named = {"database_url": f"{self.settings.database_url}&application_name=first"}
        settings = self.settings.model_copy(update=named)
        if isinstance(kind, Raised):
            soon = settings.model_copy(update={"settle_after": SETTLE_SOON, "write_timeout": SETTLE_SOON / 2})
            worker = self._worker(soon, kind)
            return worker, await self._surprised(worker), None
        if isinstance(kind, Kill):
            worker = self._worker(settings, kind)
            over = asyncio.create_task(self._quiet())
            either: set[asyncio.Future[Any]] = {over, worker.ended}
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            over.cancel()
            if not worker.ended.done():
                return worker, False, None
            await self._forgotten()
            return worker, True, float(worker.words)
        if kind.operation == POST:
            self.desk.order(kind.what)
        else:
            await self.house.call("POST", "/_sandbox/faults", _fault(kind), status=201)
        worker = self._worker(settings)
        struck = await self._struck()
        if kind.end == "lives":
            return worker, struck, None
        if kind.end == "sleeps":
            return worker, struck, worker.send(signal.SIGSTOP)
        died = await worker.kill()
        await self._forgotten()
        return worker, struck, died

    async def _judged(self, scenario: Scenario, kind: Kind, before: Before, *, struck: bool) -> Finding:
        await self.house.call("DELETE", "/_sandbox/faults", status=204)
        finding = await judged(self.house, self.desk, scenario, kind, before, struck=struck)
        for id_ in before.booked:
            await self._forget(id_)
        return finding

    async def _clear(self) -> None:
        self.desk.clear()
        await self.house.call("DELETE", "/_sandbox/faults", status=204)
        span: dict[str, Any] = {"locationId": LOCATION, "userId": ALEX, "startTime": 0, "endTime": 4102444800000}
        for block in (await self.house.call("GET", "/calendars/blocked-slots", **span))["events"]:
            await self.house.call("DELETE", f"/calendars/events/{block['id']}", {})

        for event in await in_the_room(self.house):
            await self._forget(event["id"])

    async def _forget(self, booked: str) -> None:
        """Its time is free again, and nobody is told."""
        shown = {**await self.house.appointment(booked), "appointmentStatus": "cancelled"}
        await self.house.call("PUT", f"/_sandbox/appointments/{booked}", shown)

    async def _carried_out_in_peace(self) -> None:
        worker = self._worker(self.settings)
        await self._told()
        await self._quiet()
        await worker.kill()

    async def _told(self) -> None:
        """The sandbox has told the receiver of everything."""
        async with asyncio.timeout(WITHIN):
            while (await self.house.call("GET", "/_sandbox/webhooks"))["waiting"]:
                await asyncio.sleep(0.02)

    async def _surprised(self, worker: Worker) -> bool:
        """Return once it is, or never will be."""
        over = asyncio.create_task(self._quiet())
        while not (worker.words or over.done() or worker.ended.done()):
            await asyncio.sleep(0.02)
        over.cancel()
        return bool(worker.words)

    async def _struck(self) -> bool:
        """Return once the fault has, or never will."""
        over = asyncio.create_task(self._quiet())
        try:
            while self.desk.ordered or await self.house.call("GET", "/_sandbox/faults"):
                if over.done():
                    return False
                await asyncio.sleep(0.02)
            return True
        finally:
            over.cancel()

    async def _asked(self) -> tuple[str, ...]:
        """The operations that were asked for, each once."""
        calls = await self.house.call("GET", "/_sandbox/calls")
        return (*dict.fromkeys(call["operation"] for call in calls), *([POST] if self.desk.posts else []))

    async def _quiet(self) -> bool:
        """Nothing is on its way and nothing is owed; False when that does not come."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(WITHIN):
                quiet = 0
                while quiet < 2:
                    await asyncio.sleep(0.1)
                    busy = self.desk.busy or await self._count(OPEN)
                    busy = busy or (await self.house.call("GET", "/_sandbox/webhooks"))["waiting"]
                    quiet = 0 if busy else quiet + 1
                return True
        return False

    async def _forgotten(self) -> None:
        """The sessions of the dead worker are over: none of their statements comes true after all."""
        async with asyncio.timeout(WITHIN):
            while await self._count(SESSIONS):
                await asyncio.sleep(0.02)

    async def _count(self, statement: str) -> int:
        async with self.house.pool.acquire() as connection:
            return int(await connection.fetchval(statement))

    async def _which(self, statement: str, booked: Sequence[str]) -> frozenset[str]:
        async with self.house.pool.acquire() as connection:
            return frozenset(row["appointment_id"] for row in await connection.fetch(statement, booked))


def _day(number: int) -> datetime:
    """Another working day for each run, so that none finds another's booking in its way."""
    day = datetime.now(LONDON).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=7)
    day += timedelta(days=-day.weekday() % 7)
    return day + timedelta(days=number % 35 // 5 * 7 + number % 5)


def _at(day: datetime, clock: str) -> str:
    hour, minute = clock.split(":")
    return day.replace(hour=int(hour), minute=int(minute)).isoformat()


def _fault(cut: Cut) -> dict[str, Any]:
    return read_fault(f"{cut.operation}:{cut.what}").model_dump(mode="json", exclude_defaults=True)


@contextlib.asynccontextmanager
async def open_stand(database_url: str, redis_url: str, folder: Path) -> AsyncIterator[Stand]:
    """`redis_url` is where the receiver rings; the workers listen elsewhere, and find their work themselves."""
    async with open_house(database_url, redis_url, working=False) as house, open_desk() as desk:
        async with house.pool.acquire() as connection:
            for statement in CLAIMS:
                await connection.execute(statement)
        told = {"settle_after": SETTLE_AFTER, "redis_url": f"{redis_url}?db=1"}
        yield Stand(house, folder, house.settings.model_copy(update=told), desk)
