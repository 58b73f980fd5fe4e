"""Lanes: who may work on what, and until when. Leases end by the database's clock, so tests move the lease."""

import asyncio
import time
from datetime import timedelta
from uuid import RFC_4122

import asyncpg
import pytest

from service.store import arrivals, lanes
from service.store.database import IDLE, Connection, Pool
from service.store.identifiers import new_id
from service.store.lanes import LEASE, Lane
from tests.claims import AT_ONCE, any_ready, claimed, end, expire, next_in, release
from tests.house import register
from tests.sandboxes import LOCATION
from tests.test_deliveries import arrival, record, rows


@pytest.fixture
async def store(pool: Pool) -> Pool:
    await register(pool)
    return pool


async def fill(pool: Pool, subjects: int) -> None:
    """Lanes s0, s1, … each due a second before the one before, ready a second after it, and each with an open
    delivery."""
    await record(pool, *(arrival(f"s{number}") for number in range(subjects)))
    await rows(
        pool,
        """UPDATE lanes SET due_at = now() - interval '1 hour' - substr(subject, 2)::int * interval '1 second',
        ready_at = now() - interval '1 hour' + substr(subject, 2)::int * interval '1 second'""",
    )


async def test_the_lane_that_was_due_first_is_claimed_first_however_long_another_has_been_ready(store: Pool) -> None:
    await fill(store, 3)
    async with store.acquire() as connection:
        assert await any_ready(connection)
        assert [(await claimed(connection)).subject for _ in range(3)] == ["s2", "s1", "s0"]
        assert await lanes.claim(connection, "a worker") == []
        assert not await any_ready(connection)


async def test_a_claim_says_what_it_took(store: Pool) -> None:
    await fill(store, 1)
    async with store.acquire() as connection:
        lane = await claimed(connection)
    assert (lane.location_id, lane.subject, lane.fence, lane.taken_over) == (LOCATION, "s0", 1, False)
    assert await rows(store, "SELECT worker, lease_until > clock_timestamp() FROM lanes") == [("a worker", True)]


async def test_what_is_not_ready_yet_is_not_claimed(store: Pool) -> None:
    await fill(store, 1)
    await rows(store, "UPDATE lanes SET ready_at = now() + interval '1 minute'")
    async with store.acquire() as connection:
        assert not await any_ready(connection)
        assert await lanes.claim(connection, "a worker") == []


async def lost(connection: Connection, lane: Lane) -> None:
    """It can neither be renewed nor held nor given back, and nothing of it changes."""
    before = await connection.fetch("SELECT * FROM lanes")
    assert await lanes.renew(connection, [lane]) == set()
    assert await lanes.hold(connection, [lane]) == set()
    assert not await release(connection, lane)
    assert await connection.fetch("SELECT * FROM lanes") == before


async def test_a_lane_whose_lease_ended_goes_to_another_with_a_higher_fence(store: Pool) -> None:
    await fill(store, 1)
    async with store.acquire() as connection:
        first = await claimed(connection, "the first")
        await expire(connection, first)
        assert await any_ready(connection)
        second = await claimed(connection, "the second")
        assert second.lane_id == first.lane_id
        assert second.fence > first.fence
        assert second.taken_over
        await lost(connection, first)
        assert await rows(store, "SELECT worker, fence FROM lanes") == [("the second", second.fence)]
        assert await lanes.hold(connection, [second]) == {second}


async def test_a_lane_that_its_own_worker_takes_up_again_was_not_taken_over(store: Pool) -> None:
    """As after an outage, in which it could neither be renewed nor given back."""
    await fill(store, 1)
    async with store.acquire() as connection:
        first = await claimed(connection)
        await expire(connection, first)
        again = await claimed(connection)
        assert (again.fence, again.taken_over) == (first.fence + 1, False)
        await lost(connection, first)


async def test_a_lane_that_was_given_back_is_nobodys(store: Pool) -> None:
    await fill(store, 1)
    async with store.acquire() as connection:
        lane = await claimed(connection)
        await release(connection, lane)
        await lost(connection, lane)
        again = await claimed(connection)
        assert (again.fence, again.taken_over) == (lane.fence + 1, False)


async def test_a_lease_is_held_for_as_long_as_it_is_renewed(store: Pool) -> None:
    await fill(store, 1)
    async with store.acquire() as connection:
        lane = await claimed(connection)
        await expire(connection, lane)
        assert await lanes.renew(connection, [lane]) == {lane}
        assert await lanes.claim(connection, "another") == []
        [(left,)] = await rows(store, "SELECT lease_until - clock_timestamp() FROM lanes")
        assert LEASE - timedelta(seconds=1) < left <= LEASE


async def test_nobody_takes_a_lane_over_while_a_transaction_holds_it(store: Pool) -> None:
    """The write and the right to it stand or fall together."""
    await fill(store, 1)
    async with store.acquire() as ours, store.acquire() as theirs:
        lane = await claimed(ours)
        await expire(ours, lane)
        async with ours.transaction():
            assert await lanes.hold(ours, [lane]) == {lane}
            assert await lanes.claim(theirs, "another") == []
        assert (await claimed(theirs, "another")).taken_over


async def test_a_lane_whose_row_somebody_has_keeps_no_other_from_being_renewed(store: Pool) -> None:
    """A receiver that was stopped in the middle: until that is over nobody can claim the lane either."""
    await fill(store, 2)
    async with store.acquire() as ours, store.acquire() as theirs:
        free, rung = await lanes.claim(ours, "a worker", 2)
        async with theirs.transaction():
            await theirs.execute("SELECT FROM lanes WHERE lane_id = $1 FOR UPDATE", rung.lane_id)
            async with asyncio.timeout(0.5):
                assert await lanes.renew(ours, [free, rung], wait=False) == {free}
            for impatient in (statement.replace("'2s'", "'20ms'") for statement in (lanes.HOLD, lanes.RENEW)):
                assert impatient not in (lanes.HOLD, lanes.RENEW)
                more = [LEASE] if "$3" in impatient else []
                with pytest.raises(asyncpg.LockNotAvailableError):
                    await ours.execute(impatient, [rung.lane_id], [rung.fence], *more)
        assert await lanes.renew(ours, [free, rung], wait=False) == {free, rung}
    assert timedelta(seconds=float(IDLE.removesuffix("s"))) + timedelta(seconds=1) < LEASE, "it is over in time"


async def test_a_lane_given_back_rests_only_when_nothing_in_it_is_open(store: Pool) -> None:
    await fill(store, 1)
    async with store.acquire() as connection:
        lane = await claimed(connection)
        await release(connection, lane, timedelta(minutes=1))
        assert await lanes.claim(connection, "a worker") == []
        assert await rows(store, "SELECT ready_at > now() + interval '50 seconds' FROM lanes") == [(True,)]
        await record(store, arrival("s0"))
        lane = await claimed(connection)
        while delivery := await next_in(connection, lane):
            await end(connection, delivery)
        await release(connection, lane)
        assert await rows(store, "SELECT ready_at, worker, lease_until FROM lanes") == [(None, None, None)]


async def test_a_delivery_for_a_lane_at_work_is_no_second_lane(store: Pool) -> None:
    await fill(store, 1)
    async with store.acquire() as connection:
        lane = await claimed(connection)
        await record(store, arrival("s0"))
        assert await lanes.claim(connection, "another") == []
        await release(connection, lane)
        assert (await claimed(connection, "another")).lane_id == lane.lane_id


async def finished(connection: Connection) -> Lane:
    """A claimed lane whose one delivery has ended."""
    lane = await claimed(connection)
    delivery = await next_in(connection, lane)
    assert delivery is not None
    await end(connection, delivery)
    assert await next_in(connection, lane) is None
    return lane


async def test_a_delivery_that_comes_before_the_release_commits_is_not_lost(store: Pool) -> None:
    """The worker is first at the row: what is kept meanwhile waits for it, and wakes the lane again."""
    await fill(store, 1)
    async with store.acquire() as worker:
        lane = await finished(worker)
        transaction = worker.transaction()
        await transaction.start()
        assert await lanes.hold(worker, [lane]) == {lane}
        await lanes.release(worker, [lane], AT_ONCE)
        coming = asyncio.create_task(record(store, arrival("s0")))
        await asyncio.sleep(0.05)
        assert not coming.done(), "it waits for the worker's transaction"
        await transaction.commit()
        await coming
        assert (await claimed(worker)).lane_id == lane.lane_id
        assert await next_in(worker, lane) is not None


async def test_a_delivery_whose_commit_the_release_waits_for_is_not_lost(store: Pool) -> None:
    """The receiver is first at the row: the release must see what it did not see when it was asked for."""
    await fill(store, 1)
    async with store.acquire() as worker, store.acquire() as receiver:
        lane = await finished(worker)
        transaction = receiver.transaction()
        await transaction.start()
        await arrivals.record(receiver, [arrival("s0")], ignored_kept=0)
        giving_back = asyncio.create_task(release(worker, lane))
        await asyncio.sleep(0.05)
        assert not giving_back.done(), "it waits for the receiver's transaction"
        await transaction.commit()
        await giving_back
        assert (await claimed(worker)).lane_id == lane.lane_id
        assert await next_in(worker, lane) is not None


async def test_ten_claimers_of_fifty_lanes_never_have_one_in_common(store: Pool) -> None:
    await fill(store, 50)

    async def claim_all(worker: str, number: int) -> list[Lane]:
        took = []
        async with store.acquire() as connection:
            while await any_ready(connection):
                took += await lanes.claim(connection, worker, number)
        return took

    async with asyncio.timeout(20):
        found = await asyncio.gather(*(claim_all(f"worker {number}", 1 + number % 3) for number in range(10)))
    took = [lane for lanes_of_one in found for lane in lanes_of_one]
    assert len(took) == 50
    assert len({lane.lane_id for lane in took}) == 50
    assert {lane.fence for lane in took} == {1}


async def test_lanes_at_work_keep_one_worker_each_while_they_are_given_back_and_claimed(store: Pool) -> None:
    """Five lanes of ten deliveries, ten workers: no delivery is taken up twice and none out of turn."""
    order = [(f"s{lane}", turn) for turn in range(10) for lane in range(5)]
    await record(store, *(arrival(subject, turn=turn) for subject, turn in order))
    taken: list[tuple[str, int]] = []

    async def work(worker: str) -> None:
        async with store.acquire() as connection:
            for lane in await lanes.claim(connection, worker, 2):
                delivery = await next_in(connection, lane)
                assert delivery is not None
                await asyncio.sleep(0)
                async with connection.transaction():
                    assert await lanes.hold(connection, [lane])
                    await end(connection, delivery)
                    taken.append((lane.subject, int(delivery.body.split(b'"turn": ')[1].rstrip(b"}"))))
                assert await release(connection, lane)

    async with asyncio.timeout(20):
        while await rows(store, "SELECT FROM lanes WHERE ready_at IS NOT NULL"):
            await asyncio.gather(*(work(f"worker {number}") for number in range(10)))
    assert sorted(taken) == sorted(order)
    for subject in {subject for subject, _ in order}:
        assert [turn for name, turn in taken if name == subject] == list(range(10))


async def test_a_claim_takes_no_more_than_asked_for_even_where_the_planner_thinks_there_is_only_one(
    store: Pool,
) -> None:
    """With such statistics a plain subquery is run once for each row it is joined to, and takes another each time."""
    await fill(store, 1)
    await rows(store, "VACUUM ANALYZE lanes")
    await rows(
        store,
        """INSERT INTO lanes (lane_id, location_id, subject, ready_at)
        SELECT gen_random_uuid(), $1, 't' || number, now() - interval '1 minute' + number * interval '1 second'
        FROM generate_series(1, 40) AS number""",
        LOCATION,
    )
    async with store.acquire() as connection:
        for number in range(5):
            await claimed(connection, f"worker {number}")
        assert len(await lanes.claim(connection, "worker 5", 7)) == 7
    assert await rows(store, "SELECT count(*), count(DISTINCT worker) FROM lanes WHERE worker <> ''") == [(12, 6)]


async def test_lanes_of_many_locations_are_apart(store: Pool) -> None:
    await register(store, "eLsewhere000000000001")
    await record(store, arrival("same"), arrival("same", locationId="eLsewhere000000000001"))
    async with store.acquire() as connection:
        took = [await claimed(connection) for _ in range(2)]
    assert {lane.location_id for lane in took} == {LOCATION, "eLsewhere000000000001"}
    assert lanes.describe(took[0]) == {"lane": str(took[0].lane_id), "location": took[0].location_id}


def test_ids_sort_in_the_order_they_were_made_in() -> None:
    made = [new_id() for _ in range(5000)]
    assert len(set(made)) == 5000
    assert {(id_.version, id_.variant) for id_ in made} == {(7, RFC_4122)}
    assert made == sorted(made)
    seconds = (made[0].int >> 80) / 1000
    assert abs(seconds - time.time()) < 60, "the first 48 bits are the time in milliseconds"
