"""Many bookings at once: each person gets their share, nobody more than a day takes, nobody two at a time."""

import asyncio
import os
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest

from service.embedded import Servers
from service.highlevel.rate_limit import Unlimited
from service.sandbox.seeds.seed import packaged_seed
from tests.house import LONDON, House, now, open_house, pool_of
from tests.processes import kill, worker, working
from tests.sandboxes import ALEX, CUTS, DANA, KIM
from tests.test_reservations import in_force
from workers.jobs import Drainer
from workers.workplace import Workplace

MANY = int(os.environ.get("SLOTWRIGHT_SHARES", "20"))
"""Bookings at once; 200 are asked for on demand."""

SHARED = "{weighted: {dana: 50, kim: 30, alex: 20}, over: month}"
WEIGHTS = {DANA: 0.5, KIM: 0.3, ALEX: 0.2}


DESK = "uDesk4mT8qLw5ZrK1vNp"
"""Who has every booking at first, and keeps none."""


@pytest.fixture
async def idle(database_url: str, servers: Servers, tmp_path: Path) -> AsyncIterator[House]:
    """A house in which nobody works yet, of a salon with a front desk."""
    text = packaged_seed("demo").replace(
        "    custom_fields:", f"      - {{id: {DESK}, name: Desk}}\n    custom_fields:", 1
    )
    seed = tmp_path / "seed.yaml"
    seed.write_text(text.replace("team: [Dana, Kim, Alex]", "team: [Dana, Kim, Alex, Desk]"))
    async with open_house(database_url, servers.redis_url, working=False, seed=seed) as opened:
        yield opened


async def share_out(house: House, per_day: int = 200) -> None:
    """Put a rule in force by which cuts are shared out."""
    ids = {"dana": DANA, "kim": KIM, "alex": ALEX}
    people = ", ".join(f"{name}: {{id: {id_}, per_day: {per_day}}}" for name, id_ in ids.items())
    give = f"do: assign, to: {SHARED}, replace: anybody"
    text = f"""
people: {{{people}}}
calendars: {{cuts: {CUTS}}}
rules:
  - {{name: share, mode: live, when: appointment.created, if: {{calendar: cuts}}, then: [{{{give}}}]}}
"""
    await in_force(house, text)


def hours(number: int, a_day: int = 11) -> list[str]:
    """So many full hours of the month to come, the first `a_day` of each day on which the salon is open."""
    today = datetime.now(LONDON).replace(hour=9, minute=0, second=0, microsecond=0)
    first = (today.replace(day=1) + timedelta(days=32)).replace(day=1)
    days = [day for each in range(28) if (day := first + timedelta(days=each)).weekday() < 6]
    return [(day + timedelta(hours=hour)).isoformat() for day in days for hour in range(a_day)][:number]


async def book_all(house: House, starts: Sequence[str]) -> list[str]:
    """Bookings at the desk, of which several may be at the same time."""
    return [await house.book(start, assignedUserId=DESK, ignoreFreeSlotValidation=True) for start in starts]


@asynccontextmanager
async def two_workers(house: House) -> AsyncIterator[None]:
    """Both of this process, with nothing in common but the database."""
    async with AsyncExitStack() as stack:
        drainers = []
        for _ in range(2):
            pool = await stack.enter_async_context(pool_of(house.settings.database_url))
            work = Workplace(house.settings, pool, house.work.session, now, rate_limit=Unlimited())
            drainers.append(Drainer(work))
        sweeps = [asyncio.create_task(drainer.sweep()) for drainer in drainers]
        try:
            yield
        finally:
            for drainer, sweep in zip(drainers, sweeps, strict=True):
                await drainer.stop()
                await sweep


async def settles(house: House) -> bool:
    """Whether it does within the time that most houses take."""
    try:
        await house.settled()
    except TimeoutError:
        return False
    return True


async def given(house: House, booked: Sequence[str]) -> list[dict[str, Any]]:
    """The bookings as the sandbox has them in the end."""
    async with asyncio.timeout(60 + MANY):
        while not await settles(house):
            pass
    return [await house.appointment(id_) for id_ in booked]


async def account(house: House) -> tuple[Counter[str], dict[str, float], int]:
    """Bookings given and due by the account of the one month, and how many decisions the location made."""
    async with house.pool.acquire() as connection:
        [kept] = await connection.fetch("SELECT last_turn FROM turns WHERE team LIKE 'weighted %'")
        decided = await connection.fetchval("SELECT version FROM turns WHERE team = ''")
    return Counter(kept["last_turn"]["given"]), kept["last_turn"]["due"], decided


async def test_bookings_at_once_are_shared_out_by_weight_to_the_booking(idle: House) -> None:
    await share_out(idle)
    booked = await book_all(idle, hours(MANY))
    async with two_workers(idle):
        whose = Counter(each["assignedUserId"] for each in await given(idle, booked))
    assert all(abs(whose[person] - weight * MANY) <= 1 for person, weight in WEIGHTS.items()), whose
    counted, due, decided = await account(idle)
    assert (counted, decided) == (whose, MANY)
    assert due == pytest.approx({who: MANY * weight for who, weight in WEIGHTS.items()})
    assert await idle.writes("EditAppointment") == MANY


async def test_nobody_is_given_more_than_a_day_takes_nor_two_at_a_time(idle: House) -> None:
    """Two bookings each hour, ten a day: by weight five of them were Dana's, of whom a day takes four."""
    await share_out(idle, per_day=4)
    starts = [start for start in hours(MANY // 2, a_day=5) for _ in range(2)]
    Random(6).shuffle(starts)
    booked = await book_all(idle, starts)
    async with two_workers(idle):
        appointments = await given(idle, booked)
    mine = [(each["assignedUserId"], each["startTime"]) for each in appointments if each["assignedUserId"] != DESK]
    assert len(set(mine)) == len(mine)
    a_day = Counter((person, datetime.fromisoformat(start).astimezone(LONDON).date()) for person, start in mine)
    assert max(a_day.values()) == 4
    counted, due, _ = await account(idle)
    assert counted == Counter(person for person, _ in mine)
    assert all(abs(counted[person] - due[person]) < 1 for person in WEIGHTS), (counted, due)
    for id_, appointment in zip(booked, appointments, strict=True):
        [step] = await idle.steps(id_)
        assert (appointment["assignedUserId"] != DESK) == (step["state"] == "done"), step
        assert step["state"] == "done" or step["reason"].startswith("nobody can take it: "), step


@pytest.mark.processes
async def test_a_worker_killed_in_the_middle_changes_nobodys_share(idle: House, tmp_path: Path) -> None:
    number = MANY // 2
    await share_out(idle)
    house = replace(idle, settings=idle.settings.model_copy(update={"settle_after": 2}))
    logs = tmp_path / "first.log", tmp_path / "second.log"
    with worker(house.settings, logs[0]) as first, worker(house.settings, logs[1]) as second:
        await working(first, logs[0])
        await working(second, logs[1])
        booking = asyncio.create_task(book_all(house, hours(number)))
        async with asyncio.timeout(30):
            while await house.writes("EditAppointment") < number // 4:
                await asyncio.sleep(0.01)
        kill(first)
        whose = Counter(each["assignedUserId"] for each in await given(house, await booking))
    assert all(abs(whose[person] - weight * number) <= 1 for person, weight in WEIGHTS.items()), whose
    counted, _, decided = await account(house)
    assert (counted, decided) == (whose, number)
