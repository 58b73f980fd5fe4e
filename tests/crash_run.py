"""One run of the crash matrix: a booking, a worker that dies or gets no answer, another that goes on, a finding."""

import asyncio
import contextlib
import itertools
import signal
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Literal

from aiohttp import web
from aiohttp.test_utils import TestServer

from service.sandbox.door.fault_notation import read_fault
from service.settings import Settings
from service.standard_webhooks import new_secret
from tests.crash_nursery import Forked, Kill, Nursery
from tests.crash_scenarios import Posts, Scenario
from tests.crash_statements import BACK, BEGUN, CLAIMS, ENDED, GIVEN_UP, OPEN, OWED, SESSIONS, STORED
from tests.house import LONDON, House, open_house
from tests.sandboxes import ALEX, LOCATION

SECRET = new_secret()

WITHIN = 60.0
"""Seconds until everything is quiet again, or it is called unknown."""

SETTLE_AFTER = 7.0
"""Seconds, for the workers here: more than a lease lasts and more than any answer is delayed."""

Fault = Literal["", "lost", "doubled", "wrong", "unknown"]


@dataclass(frozen=True)
class Cut:
    """A call that is not answered as it should be, in the sandbox's notation of faults; and what befalls the worker
    then: it goes on, is killed, or sleeps until another has taken over."""

    operation: str
    what: str
    end: Literal["lives", "killed", "sleeps"]


@dataclass(frozen=True)
class Finding:
    """What became of a run. `back`: seconds from the worker's death until its lane was claimed again."""

    action: str
    kind: Kill | Cut
    struck: bool
    """Whether the worker died, or the fault struck, at all."""
    fault: Fault = ""
    words: str = ""
    back: float | None = None
    awaits: int = 0
    """Of the longest lane, where the worker was only watched; and what it asked HighLevel."""
    asked: tuple[str, ...] = ()


@dataclass
class Stand:
    """A house of its own, in which one run follows another."""

    house: House
    nursery: Nursery
    settings: Settings
    url: str
    """Of another system, which `posts` has the posts of."""
    posts: Posts
    _days: "itertools.count[int]" = field(default_factory=itertools.count)
    _workers: list[Forked] = field(default_factory=list)

    async def run(self, scenario: Scenario, kind: Kill | Cut) -> Finding:
        """What became of it. What goes wrong with the run itself is unknown, and so a fault."""
        try:
            return await self._run(scenario, kind)
        except Exception as error:
            return Finding(scenario.action, kind, True, "unknown", f"the run broke off: {error!r}")
        finally:
            await asyncio.gather(*(worker.kill() for worker in self._workers))
            self._workers.clear()

    async def _worker(self, settings: Settings, kill: Kill | None = None) -> Forked:
        allowed = {"CALL_SECRET": SECRET, "CALL_ALLOWED": self.url.split("/")[2]}
        self._workers.append(worker := await self.nursery.worker(settings, kill, **allowed))
        return worker

    async def _run(self, scenario: Scenario, kind: Kill | Cut) -> Finding:
        house = self.house
        await self._clear()
        await house.rules(scenario.rule(scenario.then, self.url))
        day = self._day()
        booked = await house.book(_at(day, scenario.clock), ignoreFreeSlotValidation=True, **scenario.booking)
        if scenario.change:
            await self._carried_out_in_peace()
            change = {k: _at(day, v) if k.endswith("Time") else v for k, v in scenario.change.items()}
            await house.edit(booked, ignoreFreeSlotValidation=True, **change)
        await self._told()
        await house.call("DELETE", "/_sandbox/calls", status=204)
        first, struck, died = await self._first(kind)
        owed = await self._count(OWED, booked)
        begun, stored = await self._count(BEGUN, booked), await self._stored(booked)
        if isinstance(kind, Kill) and not struck:
            await first.kill()
            asked = await self._asked()
            finding = await self._judged(scenario, kind, booked, stored, bool(begun), struck=False)
            return finding if kind.at else replace(finding, awaits=int(first.words), asked=asked)
        await house.rules(scenario.rule(scenario.otherwise, self.url))
        second = await self._worker(self.settings)
        quiet = await self._quiet()
        if isinstance(kind, Cut) and kind.end == "sleeps":
            first.send(signal.SIGCONT)
            await asyncio.sleep(1)
            quiet = quiet and await self._quiet()
        await asyncio.gather(first.kill(), second.kill())
        finding = await self._judged(scenario, kind, booked, stored, bool(begun), struck=struck)
        if not quiet and not finding.fault:
            return Finding(scenario.action, kind, struck, "unknown", "it never became quiet")
        if died is None or not owed or finding.fault:
            return finding
        async with house.pool.acquire() as connection:
            claimed = await connection.fetchval(BACK, booked, died)
        return Finding(scenario.action, kind, struck, back=claimed - died)

    async def _first(self, kind: Kill | Cut) -> tuple[Forked, bool, float | None]:
        """The worker that is struck, whether it was, and when it died or fell asleep."""
        named = {"database_url": f"{self.settings.database_url}&application_name=first"}
        settings = self.settings.model_copy(update=named)
        if isinstance(kind, Kill):
            worker = await self._worker(settings, kind)
            over = asyncio.create_task(self._quiet())
            either: set[asyncio.Future[Any]] = {over, worker.ended}
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            over.cancel()
            if not worker.ended.done():
                return worker, False, None
            await self._forgotten()
            return worker, True, float(worker.words)
        await self.house.call("POST", "/_sandbox/faults", _fault(kind), status=201)
        worker = await self._worker(settings)
        struck = await self._struck()
        if kind.end == "lives":
            return worker, struck, None
        if kind.end == "sleeps":
            return worker, struck, worker.send(signal.SIGSTOP)
        died = await worker.kill()
        await self._forgotten()
        return worker, struck, died

    async def _judged(
        self,
        scenario: Scenario,
        kind: Kill | Cut,
        booked: str,
        stored: dict[Any, Any],
        begun: bool,
        *,
        struck: bool,
    ) -> Finding:
        """`begun`: the rules had been asked when the worker died, so that what they said then holds."""
        await self.house.call("DELETE", "/_sandbox/faults", status=204)
        seen = tuple(await scenario.seen(self.house, booked, self.posts))
        now = await self._stored(booked)
        async with self.house.pool.acquire() as connection:
            bad = [*await connection.fetch(ENDED, booked), *await connection.fetch(GIVEN_UP, booked)]
        allowed = {scenario.first} if begun else {scenario.first, scenario.anew}
        await self._forget(booked)
        fault: Fault = ""
        words = ""
        if len(seen) != len(scenario.first):
            fault = "lost" if len(seen) < len(scenario.first) else "doubled"
            words = str(seen)
        elif seen not in allowed:
            fault, words = "wrong", f"{seen}, not {scenario.first}"
        elif any(now.get(step) != operation for step, operation in stored.items()):
            fault, words = "wrong", "a stored decision was changed"
        elif bad:
            fault, words = "unknown", "; ".join(f"{row['state']}: {row['reason']}" for row in bad)
        return Finding(scenario.action, kind, struck, fault, words)

    async def _clear(self) -> None:
        self.posts.clear()
        await self.house.call("DELETE", "/_sandbox/faults", status=204)
        span: dict[str, Any] = {"locationId": LOCATION, "userId": ALEX, "startTime": 0, "endTime": 4102444800000}
        for block in (await self.house.call("GET", "/calendars/blocked-slots", **span))["events"]:
            await self.house.call("DELETE", f"/calendars/events/{block['id']}", {})

    async def _forget(self, booked: str) -> None:
        """Its time is free again, and nobody is told."""
        shown = {**await self.house.appointment(booked), "appointmentStatus": "cancelled"}
        await self.house.call("PUT", f"/_sandbox/appointments/{booked}", shown)

    def _day(self) -> datetime:
        """Another working day for each run, so that none finds another's booking in its way."""
        day = datetime.now(LONDON).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=7)
        number = next(self._days) % 35
        day += timedelta(days=-day.weekday() % 7)
        return day + timedelta(days=number // 5 * 7 + number % 5)

    async def _carried_out_in_peace(self) -> None:
        worker = await self._worker(self.settings)
        await self._told()
        await self._quiet()
        await worker.kill()

    async def _told(self) -> None:
        """The sandbox has told the receiver of everything."""
        async with asyncio.timeout(WITHIN):
            while (await self.house.call("GET", "/_sandbox/webhooks"))["waiting"]:
                await asyncio.sleep(0.02)

    async def _struck(self) -> bool:
        """Return once the fault has, or never will."""
        over = asyncio.create_task(self._quiet())
        try:
            while await self.house.call("GET", "/_sandbox/faults"):
                if over.done():
                    return False
                await asyncio.sleep(0.02)
            return True
        finally:
            over.cancel()

    async def _asked(self) -> tuple[str, ...]:
        """The operations that were asked for, each once."""
        calls = await self.house.call("GET", "/_sandbox/calls")
        return tuple(dict.fromkeys(call["operation"] for call in calls))

    async def _quiet(self) -> bool:
        """Nothing is on its way and nothing is owed; False when that does not come."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(WITHIN):
                quiet = 0
                while quiet < 2:
                    await asyncio.sleep(0.1)
                    busy = await self._count(OPEN)
                    busy = busy or (await self.house.call("GET", "/_sandbox/webhooks"))["waiting"]
                    quiet = 0 if busy else quiet + 1
                return True
        return False

    async def _forgotten(self) -> None:
        """The sessions of the dead worker are over: none of their statements comes true after all."""
        async with asyncio.timeout(WITHIN):
            while await self._count(SESSIONS):
                await asyncio.sleep(0.02)

    async def _count(self, statement: str, *values: Any) -> int:
        async with self.house.pool.acquire() as connection:
            return int(await connection.fetchval(statement, *values))

    async def _stored(self, booked: str) -> dict[Any, Any]:
        async with self.house.pool.acquire() as connection:
            return {row["step_id"]: row["operation"] for row in await connection.fetch(STORED, booked)}


def _at(day: datetime, clock: str) -> str:
    hour, minute = clock.split(":")
    return day.replace(hour=int(hour), minute=int(minute)).isoformat()


def _fault(cut: Cut) -> dict[str, Any]:
    return read_fault(f"{cut.operation}:{cut.what}").model_dump(mode="json", exclude_defaults=True)


@contextlib.asynccontextmanager
async def open_stand(database_url: str, redis_url: str, nursery: Nursery) -> AsyncIterator[Stand]:
    """`redis_url` is where the receiver rings; the workers listen elsewhere, and find their work themselves."""
    posts: Posts = []

    async def take(request: web.Request) -> web.Response:
        posts.append((request.headers["webhook-id"], (await request.json())["text"]))
        return web.Response(status=204)

    other = web.Application()
    other.router.add_post("/posts", take)
    async with open_house(database_url, redis_url, working=False) as house, TestServer(other) as server:
        async with house.pool.acquire() as connection:
            for statement in CLAIMS:
                await connection.execute(statement)
        told = {"settle_after": SETTLE_AFTER, "redis_url": f"{redis_url}?db=1"}
        yield Stand(house, nursery, house.settings.model_copy(update=told), str(server.make_url("/posts")), posts)
