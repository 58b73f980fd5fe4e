"""The ledger: what several lanes write at once, each of them whole or not at all."""

import asyncio
from datetime import timedelta
from uuid import UUID

import asyncpg
import pytest

from service.store import alerts, arrivals, erasing, follows, lanes, ledger
from service.store.arrivals import Arrival
from service.store.database import Connection, Pool
from service.store.follows import Follow
from service.store.identifiers import new_id
from service.store.lanes import Lane
from service.store.ledger import Entry, released
from tests.claims import AT_ONCE, claimed, expire, page, release
from tests.house import register
from tests.test_deliveries import MANY, arrival, record, rows

KEPT = "SELECT appointment_id, title FROM follows ORDER BY appointment_id"


@pytest.fixture
async def store(pool: Pool) -> Pool:
    await register(pool)
    return pool


def kept(name: str, title: str = "", *, side: str = "after", id_: UUID | None = None) -> Entry:
    """Some row that a lane may write; a `side` that is none breaks a constraint."""
    follow = Follow(id_ or new_id(), "loc", name, "rule", "after", timedelta(minutes=15), title, None, None)
    entry = follows.kept(follow)
    return Entry(entry.sheet, entry.key, tuple(side if value == "after" else value for value in entry.row))


async def three(connection: Connection) -> list[Lane]:
    """Claimed, by their subjects."""
    found = await lanes.claim(connection, "a worker", 3)
    assert len(found) == 3
    return sorted(found, key=lambda lane: lane.subject)


def to_three() -> list[Arrival]:
    return [arrival(subject) for subject in "abc"]


async def test_pages_of_several_lanes_are_written_in_one_transaction(store: Pool) -> None:
    await record(store, *to_three())
    async with store.acquire() as connection:
        a, b, c = await three(connection)
        async with connection.transaction():
            pages = [page(a, kept("1"), kept("2")), page(b), page(c, kept("3"), released(c, AT_ONCE))]
            assert await ledger.write(connection, pages) == [True] * 3
            assert await rows(store, KEPT) == [], "not there before the commit"
    assert await rows(store, KEPT) == [("1", ""), ("2", ""), ("3", "")]
    assert await rows(store, "SELECT count(DISTINCT xmin::text) FROM follows") == [(1,)]
    assert await rows(store, "SELECT subject FROM lanes WHERE worker IS NULL") == [("c",)]


async def test_a_lane_that_was_lost_writes_nothing_and_takes_no_other_with_it(store: Pool) -> None:
    await record(store, *to_three())
    async with store.acquire() as connection:
        a, lost, c = await three(connection)
        await expire(connection, lost)
        again = await claimed(connection, "another")
        assert again.lane_id == lost.lane_id
        async with connection.transaction():
            pages = [page(lane, kept(lane.subject), released(lane, AT_ONCE)) for lane in (a, lost, c)]
            assert await ledger.write(connection, pages) == [True, False, True]
        assert await release(connection, again)
        async with connection.transaction():
            assert await ledger.write(connection, [page(again, kept("given back"))]) == [False]
    assert await rows(store, KEPT) == [("a", ""), ("c", "")]


async def test_of_one_lane_under_two_fences_only_what_was_claimed_last_is_written(store: Pool) -> None:
    """Its worker could not renew it, took it up again itself, and what it did before goes on."""
    await record(store, arrival("a"))
    async with store.acquire() as connection:
        lost = await claimed(connection)
        await expire(connection, lost)
        again = await claimed(connection)
        async with connection.transaction():
            pages = [page(lost, kept("lost"), released(lost, AT_ONCE)), page(again, kept("again"))]
            assert await ledger.write(connection, pages) == [False, True]
        assert await lanes.renew(connection, [lost, again]) == {again}
        await lanes.release(connection, [lost], AT_ONCE)
    assert await rows(store, KEPT) == [("again", "")]
    assert await rows(store, "SELECT fence FROM lanes WHERE worker IS NOT NULL") == [(again.fence,)]


async def test_of_several_entries_with_one_key_the_last_is_written(store: Pool) -> None:
    await record(store, *to_three())
    id_ = new_id()
    async with store.acquire() as connection:
        a, b, _ = await three(connection)
        async with connection.transaction():
            pages = [page(a, kept("a", "first", id_=id_), kept("a", "second", id_=id_)), page(b, kept("b"))]
            assert await ledger.write(connection, pages) == [True, True]
    assert await rows(store, KEPT) == [("a", "second"), ("b", "")]


async def test_sheets_are_written_in_the_order_of_their_places_whatever_was_noted_first(store: Pool) -> None:
    """What is given back last is given back with what was finished before it."""
    await record(store, *to_three())
    id_ = new_id()
    async with store.acquire() as connection:
        a, *_ = await three(connection)
        async with connection.transaction():
            entries = [released(a, AT_ONCE), follows.forgotten(id_), kept("a", id_=id_)]
            assert await ledger.write(connection, [page(a, *entries)]) == [True]
    assert await rows(store, KEPT) == [], "kept first, then forgotten"
    assert follows.KEEP.place < follows.FORGET.place < ledger.RELEASED.place


async def test_a_page_that_breaks_a_constraint_leaves_nothing_of_its_transaction(store: Pool) -> None:
    await record(store, *to_three())
    async with store.acquire() as connection:
        a, b, _ = await three(connection)
        with pytest.raises(asyncpg.CheckViolationError):
            async with connection.transaction():
                await ledger.write(connection, [page(a, kept("a")), page(b, kept("b", side="beside"))])
    assert await rows(store, KEPT) == []


async def test_lanes_stay_held_until_what_was_written_is_committed(store: Pool) -> None:
    """The write and the right to it stand or fall together."""
    await record(store, *to_three())
    async with store.acquire() as ours, store.acquire() as theirs:
        held = await three(ours)
        for lane in held:
            await expire(ours, lane)
        async with ours.transaction():
            assert await ledger.write(ours, [page(lane) for lane in held]) == [True] * 3
            assert await lanes.claim(theirs, "another", 3) == []
        assert len(await lanes.claim(theirs, "another", 3)) == 3


async def ring(connection: Connection, *subjects: str) -> None:
    await arrivals.record(connection, [arrival(subject) for subject in subjects], ignored_kept=MANY)


async def write(connection: Connection, *held: Lane) -> None:
    await ledger.write(connection, [page(lane, released(lane, AT_ONCE)) for lane in held])


@pytest.mark.parametrize("first", ["receiver", "worker"])
async def test_a_worker_and_a_receiver_at_the_same_lanes_never_lock_each_other_out(store: Pool, first: str) -> None:
    """Both take them in the same order, whatever order they were asked for in: who has the first waits for none."""
    for one in reversed(to_three()):
        await record(store, one)  # and not the order in which they lie in the table either
    async with store.acquire() as worker, store.acquire() as receiver:
        a, b, c = await three(worker)
        ours, theirs = worker.transaction(), receiver.transaction()
        await ours.start()
        await theirs.start()
        if first == "receiver":
            await ring(receiver, "a")
            second = asyncio.create_task(write(worker, c, b, a))
            await asyncio.sleep(0.05)
            async with asyncio.timeout(0.5):
                await ring(receiver, "c", "b")
            await theirs.commit()
            await second
            await ours.commit()
        else:
            await write(worker, a)
            second = asyncio.create_task(ring(receiver, "c", "b", "a"))
            await asyncio.sleep(0.05)
            async with asyncio.timeout(0.5):
                await write(worker, c, b)
            await ours.commit()
            await second
            await theirs.commit()
    assert await rows(store, "SELECT count(*) FROM deliveries") == [(6,)]
    assert await rows(store, "SELECT count(*) FROM lanes WHERE worker IS NULL AND ready_at IS NOT NULL") == [(3,)]


async def test_a_worker_that_renews_its_leases_and_a_receiver_never_lock_each_other_out(store: Pool) -> None:
    for one in reversed(to_three()):
        await record(store, one)
    async with store.acquire() as worker, store.acquire() as receiver:
        a, b, c = await three(worker)
        async with receiver.transaction():
            await ring(receiver, "a")
            renewing = asyncio.create_task(lanes.renew(worker, [c, b, a]))
            await asyncio.sleep(0.05)
            async with asyncio.timeout(0.5):
                await ring(receiver, "c", "b")
        assert await renewing == {a, b, c}


async def test_an_alert_that_is_raised_again_is_counted_but_not_in_one_that_was_erased(store: Pool) -> None:
    async with store.acquire() as connection:
        for texts in (("first",), ("second", "third")):
            for text in texts:
                await ledger.write_down(connection, [alerts.raised("late", text, rule="note")])
            ids = await connection.fetch("SELECT alert_id::text FROM alerts WHERE text = 'first'")
            await connection.execute(erasing.ALERTS, [row["alert_id"] for row in ids])
        assert {(row["text"], row["times"]) for row in await connection.fetch("SELECT text, times FROM alerts")} == {
            ("erased", 1),
            ("second", 2),
        }
