"""Layings: when the moments of a location are laid anew, and by whom."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest

from service.store import appointments, layings, locations, rulebooks
from service.store.appointments import LastSeen
from service.store.database import Pool
from tests.house import House, pool_of, register
from tests.sandboxes import LOCATION
from tests.test_apply import rule
from tests.test_deliveries import rows
from tests.test_timekeeper import REMIND, STANDING, states, visit
from tests.test_timers import VISIT
from workers import timekeeper


@pytest.fixture
async def located(pool: Pool) -> Pool:
    await register(pool)
    return pool


@pytest.fixture
async def other(database_url: str) -> AsyncIterator[Pool]:
    """The pool of another process."""
    async with pool_of(database_url) as opened:
        yield opened


async def due(pool: Pool) -> list[tuple[bool, bool]]:
    """Of each location whose moments are to be laid: whether a rulebook is in force, and for the first time."""
    async with pool.acquire() as connection:
        return [(each.rulebook_id is not None, each.changed) for each in await layings.wanted(connection, 10)]


async def lay(pool: Pool, *, again: bool = False) -> None:
    async with pool.acquire() as connection:
        [laying] = await layings.wanted(connection, 10)
        begun = await layings.begin(connection, laying)
        assert begun is not None
        await layings.finish(connection, laying, begun, again=again)


async def test_moments_are_laid_for_the_rules_the_clock_and_the_mode_in_force(located: Pool) -> None:
    assert await due(located) == [(False, True)]
    await lay(located)
    assert await due(located) == []

    async def apply(location: str | None, digest: str) -> None:
        async with located.acquire() as connection, connection.transaction():
            await rulebooks.apply(connection, location, {}, digest, "")

    for location in (None, LOCATION):
        await apply(location, "a")
        assert await due(located) == [(True, True)]
        await lay(located)
        assert await due(located) == []
    await apply(None, "b")
    assert await due(located) == [], "its own go before the shared ones"
    for change in ("time_zone = 'Europe/Paris'", "mode = 'shadow'"):
        async with located.acquire() as connection:
            await connection.execute(f"UPDATE locations SET {change}")
        assert await due(located) == [(True, True)], change
        await lay(located)
        assert await due(located) == []


async def test_a_laying_belongs_to_one_until_its_claim_ends(located: Pool, other: Pool) -> None:
    async with located.acquire() as mine, other.acquire() as yours:
        [laying] = await layings.wanted(mine, 10)
        assert await layings.begin(mine, laying)
        assert not await layings.begin(yours, laying)
        assert await layings.wanted(yours, 10) == []
        await layings.go_on(mine, laying)
        await mine.execute("UPDATE laid SET claimed_until = now() - interval '1 second'")
        assert [each.changed for each in await layings.wanted(yours, 10)] == [False], "nobody finished it"
        assert await layings.begin(yours, laying)


async def test_they_are_laid_once_more_a_while_after_a_change(located: Pool) -> None:
    await lay(located, again=True)
    assert await due(located) == []
    async with located.acquire() as connection:
        await connection.execute("UPDATE laid SET again_at = now() - interval '1 second'")
    assert await due(located) == [(False, False)]
    await lay(located)
    assert await due(located) == []


async def test_what_is_asked_for_while_they_are_laid_is_not_forgotten(located: Pool) -> None:
    async with located.acquire() as connection:
        [laying] = await layings.wanted(connection, 10)
        begun = await layings.begin(connection, laying)
        assert begun is not None
        await layings.again(connection, LOCATION)
        await layings.finish(connection, laying, begun, again=False)
    assert await due(located) == [(False, False)]


async def test_bookings_ahead_are_read_in_batches_and_held(located: Pool, other: Pool) -> None:
    ids = [f"tRg00000000000000{number:03}" for number in range(5)]
    async with located.acquire() as connection:
        for place, id_ in enumerate(ids):
            ends = VISIT.ends + timedelta(days=place)
            await appointments.keep(connection, LastSeen.first(VISIT.changed(id=id_, ends=ends)))
        async with connection.transaction():
            first = await layings.bookings(connection, LOCATION, "", VISIT.ends, 3)
            assert [booking.id for booking, _ in first] == ids[1:4]
            rest = await layings.bookings(connection, LOCATION, ids[3], VISIT.ends, 3)
            assert [booking.id for booking, _ in rest] == ids[4:]
            moved = asyncio.create_task(_move(other, ids[1]))
            await asyncio.sleep(0.05)
            assert not moved.done(), "who moves one meanwhile comes after"
        await moved


async def _move(pool: Pool, appointment_id: str) -> None:
    async with pool.acquire() as connection:
        await appointments.keep(connection, LastSeen.first(VISIT.changed(id=appointment_id, starts=VISIT.ends)))


# In the house


async def test_moments_of_another_zone_are_laid_anew(house: House) -> None:
    await house.rules(rule("eve", "1 day before start at 16:00, every day at 07:00", "do: add_note, text: x"))
    await visit(house)
    await timekeeper.lay(house.work)
    london = {row[1]: row[2] for row in await rows(house.pool, STANDING)}
    async with house.pool.acquire() as connection:
        await locations.set_time_zone(connection, LOCATION, "America/New_York", chosen=True, read=None)
    await timekeeper.lay(house.work)
    new_york = {row[1]: row[2] for row in await rows(house.pool, STANDING)}
    for words, due in new_york.items():
        assert due.utcoffset() == timedelta()
        assert due != london[words]
    assert london.keys() == new_york.keys() == {"1 day before start at 16:00", "every day at 07:00"}


async def test_rules_that_only_another_release_reads_hold_up_nobody_elses_moments(house: House) -> None:
    await house.rules(REMIND)
    await visit(house)
    async with house.pool.acquire() as connection:
        await connection.execute('UPDATE rulebooks SET files = \'{"r.yaml": "rules: [{name: x}]"}\'')
        await connection.execute("INSERT INTO locations (location_id, time_zone, token) VALUES ('zz', 'UTC', '')")
        await connection.execute("INSERT INTO rulebooks SELECT gen_random_uuid(), 'zz', 1, '', '{}', '', now()")
    await timekeeper.lay(replace(house.work))
    assert await rows(house.pool, "SELECT location_id FROM laid WHERE claimed_until IS NULL") == [("zz",)]
    assert await states(house) == [("remind", "waiting")], "what was laid stands"
