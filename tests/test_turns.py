"""Turns: who waits for leave to call is served in order, urgent ones first, and only the first of them asks."""

import asyncio
from dataclasses import dataclass, field

import pytest

from service.highlevel.rate_limit import Grant, Wait
from service.highlevel.turns import Turns

MOMENT = Wait(0.002)
LONG = Wait(60.0)


@dataclass
class Desk:
    """Gives leave while it has some; keeps count of who asks at the same time."""

    leaves: int = 0
    wait: Wait = MOMENT
    kept: int = 0
    """Leaves for urgent ones, besides."""
    asked: list[str] = field(default_factory=list)
    asking: int = 0
    most_asking: int = 0

    async def ask(self, location: str, urgent: bool) -> Grant | Wait:
        self.asked.append(location)
        self.asking += 1
        self.most_asking = max(self.most_asking, self.asking)
        await asyncio.sleep(0)
        self.asking -= 1
        if self.leaves:
            self.leaves -= 1
            return Grant(location)
        if urgent and self.kept:
            self.kept -= 1
            return Grant(location)
        return self.wait


@dataclass
class Queue:
    turns: Turns
    served: list[str] = field(default_factory=list)

    async def join(self, name: str, *, urgent: bool = False, within: float = 30.0) -> "asyncio.Task[Grant | Wait]":
        """Return once it stands there."""

        async def stand() -> Grant | Wait:
            leave = await self.turns.take("here", urgent=urgent, within=within)
            if isinstance(leave, Grant):
                self.served.append(name)
            return leave

        task = asyncio.create_task(stand())
        await asyncio.sleep(0)
        return task


async def test_who_came_first_is_served_first_and_nobody_else_asks() -> None:
    desk = Desk()
    queue = Queue(Turns(desk.ask, 0.001))
    tasks = [await queue.join(str(number)) for number in range(20)]
    await asyncio.sleep(0.01)
    desk.leaves = 20
    await asyncio.gather(*tasks)
    assert queue.served == [str(number) for number in range(20)]
    assert desk.most_asking == 1


async def test_urgent_ones_go_before_all_others_and_need_not_wait_for_them() -> None:
    desk = Desk(wait=LONG, kept=1)
    queue = Queue(Turns(desk.ask, 0.001))
    first = await queue.join("first", within=100)
    second = await queue.join("second", within=100)
    await asyncio.sleep(0.005)
    await (await queue.join("urgent", urgent=True, within=100))
    await asyncio.sleep(0.005)
    assert queue.served == ["urgent"], "the others still wait"
    desk.leaves = 2
    await asyncio.wait_for(asyncio.gather(await queue.join("late", urgent=True, within=100), first), 5)
    assert queue.served == ["urgent", "late", "first"]
    second.cancel()


async def test_who_will_not_wait_so_long_is_told_at_once_how_long_it_would_be() -> None:
    desk = Desk(wait=LONG)
    queue = Queue(Turns(desk.ask, 0.5))
    impatient = await (await queue.join("impatient", within=0))
    assert isinstance(impatient, Wait)
    assert 59 < impatient.seconds <= 60
    patient = await queue.join("patient", within=100)
    await asyncio.sleep(0.005)
    asked = len(desk.asked)
    told = await (await queue.join("behind", within=59))
    assert isinstance(told, Wait)
    assert 60 < told.seconds <= 60.5, "a little more, for the one before it"
    assert len(desk.asked) == asked, "known without asking"
    patient.cancel()


async def test_there_is_leave_for_who_will_not_wait_where_nobody_waits() -> None:
    assert await Turns(Desk(leaves=1).ask, 0.1).take("here", urgent=False, within=0) == Grant("here")


async def test_many_who_will_not_wait_all_get_leave_where_there_is_some_and_are_told_once_there_is_none() -> None:
    desk = Desk(leaves=30, wait=LONG)
    queue = Queue(Turns(desk.ask, 0.5))
    leaves = [await task for task in [await queue.join(str(number), within=0) for number in range(50)]]
    assert queue.served == [str(number) for number in range(30)]
    assert all(isinstance(leave, Wait) and leave.seconds > 59 for leave in leaves[30:])
    assert len(desk.asked) <= 30 + 20


async def test_who_stands_behind_and_is_not_served_in_time_is_told() -> None:
    desk = Desk()
    queue = Queue(Turns(desk.ask, 0.001))
    patient = await queue.join("patient", within=100)
    await asyncio.sleep(0.005)
    assert isinstance(await (await queue.join("behind", within=0.02)), Wait)
    desk.leaves = 1
    await patient
    assert queue.served == ["patient"]


async def test_who_goes_away_holds_up_nobody() -> None:
    desk = Desk(wait=LONG)
    queue = Queue(Turns(desk.ask, 0.001))
    tasks = [await queue.join(str(number), within=100) for number in range(4)]
    await asyncio.sleep(0.005)
    desk.leaves = 2
    tasks[0].cancel()
    tasks[2].cancel()
    await asyncio.wait_for(asyncio.gather(tasks[1], tasks[3]), 5)
    assert queue.served == ["1", "3"]


async def test_locations_do_not_wait_for_each_other() -> None:
    async def ask(location: str, urgent: bool) -> Grant | Wait:
        return Grant(location) if location == "free" else LONG

    turns = Turns(ask, 0.001)
    waiting = asyncio.create_task(turns.take("full", urgent=False, within=100))
    await asyncio.sleep(0.005)
    assert await turns.take("free", urgent=False, within=0) == Grant("free")
    assert not waiting.done()
    waiting.cancel()


async def test_nothing_is_kept_of_a_line_that_is_empty() -> None:
    turns = Turns(Desk(leaves=1).ask, 0.001)
    await turns.take("here", urgent=False, within=0)
    await turns.take("there", urgent=False, within=0)
    assert not turns._lines


async def test_who_will_not_wait_is_not_kept_by_those_who_ask_slowly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.highlevel.turns.WHILE_ANOTHER_ASKS", 0.05)
    asked = 0

    async def slowly(location: str, urgent: bool) -> Grant | Wait:
        nonlocal asked
        asked += 1
        await asyncio.sleep(0.04)
        return Grant(location)

    turns = Turns(slowly, 0.1)
    came = await asyncio.gather(*(turns.take("here", urgent=False, within=0.0) for _ in range(50)))
    assert asked < 10
    assert sum(isinstance(one, Wait) for one in came) == 50 - asked
