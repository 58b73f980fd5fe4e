"""Deliveries: kept once, in order, or kept as ignored; many in one commit."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from service.embedded import Servers
from service.event import read_event
from service.queue import Bell
from service.receiver.intake import LARGEST_BATCH, CannotKeep, Intake
from service.store import arrivals, deliveries, ledger
from service.store.arrivals import Arrival, Recorded
from service.store.database import Connection, Pool
from service.store.lanes import Lane
from service.trigger import Booking
from tests.claims import claimed, end, next_in
from tests.house import event, now, register
from tests.test_receiver import APPOINTMENT, Door, open_door, raw

MANY = 1000


def arrival(
    appointment_id: str = "dLv0000000000000001a", *, source: str = "highlevel", ignored: str | None = None, **body: Any
) -> Arrival:
    text = raw(event({**APPOINTMENT, "id": appointment_id}, **body))
    return Arrival(source, read_event(text), text, now(), ignored)


@pytest.fixture
async def store(pool: Pool) -> Pool:
    """With the demo location registered."""
    await register(pool)
    return pool


async def record(pool: Pool, *came: Arrival, kept: int = MANY) -> list[Recorded]:
    async with pool.acquire() as connection, connection.transaction():
        return await arrivals.record(connection, came, ignored_kept=kept)


async def rows(pool: Pool, query: str, *values: Any) -> list[tuple[Any, ...]]:
    async with pool.acquire() as connection:
        return [tuple(row) for row in await connection.fetch(query, *values)]


async def in_turn(connection: Connection, lane: Lane) -> list[bytes]:
    """The bodies of a lane in the order they are taken up in, each finished before the next."""
    bodies = []
    while delivery := await next_in(connection, lane):
        bodies.append(delivery.body)
        await end(connection, delivery)
    return bodies


async def test_a_lanes_deliveries_are_taken_up_in_the_order_they_came(store: Pool) -> None:
    came = [arrival() for _ in range(6)]
    await record(store, *came[:4])
    await record(store, came[4], arrival("dLv0000000000000002b"), came[5])
    async with store.acquire() as connection:
        lane = await claimed(connection)
        assert await in_turn(connection, lane) == [one.body for one in came]


async def test_instances_of_a_series_share_its_lane_and_others_do_not(store: Pool) -> None:
    master = "dLv0000000000000001a"
    await record(store, arrival(master), arrival(f"{master}_1729821600000_3600"), arrival("dLv0000000000000002b"))
    found = await rows(
        store, "SELECT subject, count(*) FROM deliveries JOIN lanes USING (lane_id) GROUP BY 1 ORDER BY 1"
    )
    assert found == [(master, 2), ("dLv0000000000000002b", 1)]
    assert (await rows(store, "SELECT series_id FROM deliveries ORDER BY arrival")) == [(None,), (master,), (None,)]


async def test_a_delivery_that_was_judged_keeps_its_turn_and_what_was_judged(store: Pool) -> None:
    first, second = await record(store, arrival(), arrival())
    booking = read_event(arrival().body).booking()
    assert isinstance(booking, Booking)
    async with store.acquire() as connection:
        lane = await claimed(connection)
        waiting = await next_in(connection, lane)
        assert waiting is not None
        judged = replace(
            waiting,
            state="judged",
            triggers=("b", "a"),
            booking=booking,
            reason="why",
            attempts=1,
            surprises=2,
            waits_for="a step waits",
            wait=timedelta(minutes=1),
        )
        await ledger.write_down(connection, [deliveries.changed(judged)])
        taken = await next_in(connection, lane)
        assert taken is not None
        assert (taken.delivery_id, taken.state) == (first.delivery_id, "judged")
        assert timedelta(seconds=50) < taken.wait <= timedelta(minutes=1)
        assert taken == replace(judged, wait=taken.wait)
        await end(connection, replace(taken, waits_for=None))
        after = await next_in(connection, lane)
    assert after is not None
    assert after.delivery_id == second.delivery_id
    [row] = await rows(store, "SELECT state, reason, waits_for, triggers, next_at FROM deliveries WHERE state = 'done'")
    assert row == ("done", "why", None, ["b", "a"], None)
    ended = "SELECT state, finished_at IS NOT NULL FROM deliveries ORDER BY arrival"
    assert await rows(store, ended) == [("done", True), ("waiting", False)]


async def test_a_delivery_never_goes_backwards_whatever_a_worker_writes_of_it(store: Pool) -> None:
    await record(store, arrival())
    async with store.acquire() as connection:
        waiting = await next_in(connection, await claimed(connection))
        assert waiting is not None
        judged, done = (replace(waiting, state=state, reason=state) for state in ("judged", "done"))
        for written, stands in ((judged, "judged"), (waiting, "judged"), (done, "done"), (judged, "done")):
            await ledger.write_down(connection, [deliveries.changed(written)])
            await ledger.write_down(connection, [deliveries.put_off(written, timedelta(), "a surprise")])
            assert await rows(store, "SELECT state, reason FROM deliveries") == [(stands, stands)]
        assert await rows(store, "SELECT waits_for, next_at FROM deliveries") == [(None, None)]


async def test_a_key_is_known_only_to_its_own_source(store: Pool) -> None:
    one = arrival()
    again = await record(store, one, replace(one, source="elsewhere"))
    assert [recorded.known for recorded in again] == [False, False]
    assert again[0].delivery_id != again[1].delivery_id
    assert [recorded.known for recorded in await record(store, one)] == [True]


async def test_what_has_no_key_is_always_new(store: Pool) -> None:
    one = arrival(webhookId="")
    assert [recorded.known for _ in range(2) for recorded in await record(store, one, one)] == [False] * 4
    assert len(set(await rows(store, "SELECT delivery_id FROM deliveries"))) == 4


async def test_twins_in_one_batch_are_answered_with_the_first_id(store: Pool) -> None:
    a, b = arrival(), arrival("dLv0000000000000002b")
    first, twin, other, third = await record(store, a, a, b, a)
    assert (first.known, twin.known, other.known, third.known) == (False, True, False, True)
    assert first.delivery_id == twin.delivery_id == third.delivery_id != other.delivery_id
    assert await record(store, b, a) == [replace(other, known=True), replace(first, known=True)]
    assert await rows(store, "SELECT count(*) FROM deliveries") == [(2,)]


@pytest.mark.parametrize("commits", [True, False])
async def test_a_twin_waits_until_the_first_is_kept_or_given_up(store: Pool, commits: bool) -> None:
    one = arrival()
    async with store.acquire() as connection:
        transaction = connection.transaction()
        await transaction.start()
        [first] = await arrivals.record(connection, [one], ignored_kept=MANY)
        twin = asyncio.create_task(record(store, one))
        await asyncio.sleep(0.05)
        assert not twin.done()
        await (transaction.commit() if commits else transaction.rollback())
    [second] = await twin
    assert second.known is commits
    assert (second.delivery_id == first.delivery_id) is commits
    assert await rows(store, "SELECT delivery_id FROM deliveries") == [(second.delivery_id,)]


async def test_receivers_that_keep_the_same_deliveries_never_lock_each_other_out(store: Pool) -> None:
    came = [replace(arrival(f"dLv{n:016}a"), ignored=f"reason {n}" if n % 2 else None) for n in range(100)]
    answers = await asyncio.gather(*(record(store, *batch) for batch in (came, came[::-1]) for _ in range(4)))
    assert sum(not recorded.known for answer in answers for recorded in answer) == 100
    assert await rows(store, "SELECT count(*) FROM deliveries") == [(100,)]


async def test_keys_are_claimed_in_their_order_whatever_the_batchs(store: Pool) -> None:
    """Or the second would have the later key and wait for the earlier one, and the first the other way round."""
    early, late = sorted((arrival("a"), arrival("b")), key=lambda one: str(one.event.key))
    async with store.acquire() as first, first.transaction():
        await arrivals.record(first, [early], ignored_kept=MANY)
        second = asyncio.create_task(record(store, late, early))
        await asyncio.sleep(0.05)
        async with asyncio.timeout(0.5):
            await arrivals.record(first, [late], ignored_kept=MANY)
    assert [recorded.known for recorded in await second] == [True, True]


@contextlib.asynccontextmanager
async def kept_together(pool: Pool, arrivals: Sequence[Arrival], rung: list[int]) -> AsyncIterator[list[Any]]:
    """What the intake answers when all of them are waiting before it looks."""
    intake = Intake(pool, rung.append, ignored_kept=MANY)
    asked = [asyncio.create_task(intake.keep(one)) for one in arrivals]
    await asyncio.sleep(0)
    task = asyncio.create_task(intake.run())
    yield await asyncio.gather(*asked, return_exceptions=True)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def test_those_that_come_together_share_a_commit_and_one_ring(store: Pool) -> None:
    rung: list[int] = []
    came = [arrival(f"dLv000000000000{number:04}a") for number in range(LARGEST_BATCH + 5)]
    twice, ignored = came[7], replace(arrival(), ignored="for a reason")
    async with kept_together(store, [*came[:100], twice, ignored, *came[100:]], rung) as answers:
        assert [answer.known for answer in answers].index(True) == 100
        assert sum(answer.known for answer in answers) == 1
    assert rung == [LARGEST_BATCH - 2, 7], "known and ignored ones give the workers nothing to do"
    assert await rows(store, "SELECT count(DISTINCT xmin::text) FROM deliveries") == [(2,)]


async def test_one_that_cannot_be_kept_does_not_take_the_others_with_it(store: Pool) -> None:
    good = [arrival(f"dLv000000000000{number:04}a") for number in range(6)]
    poison = replace(good[0], event=replace(arrival().event, contact_id="a\0b"))
    async with kept_together(store, [*good[:3], poison, *good[3:]], []) as answers:
        failed = [answer for answer in answers if isinstance(answer, Exception)]
        assert len(failed) == 1
        assert answers.index(failed[0]) == 3
        assert not isinstance(failed[0], CannotKeep), "it would be asked to come again for ever"
    kept = await rows(store, "SELECT body FROM deliveries ORDER BY arrival")
    assert kept == [(one.body,) for one in good]
    assert await rows(store, "SELECT count(*) FROM delivery_keys") == [(6,)]


async def test_a_lane_that_somebody_holds_keeps_back_its_own_deliveries_only(store: Pool) -> None:
    """A worker that was stopped in the middle of a transaction: the others must not wait for it."""
    held, again, *free = (arrival(subject) for subject in ("held", "held", "a", "b", "c"))
    await record(store, held)
    async with store.acquire() as worker, worker.transaction():
        await worker.execute("SELECT FROM lanes FOR UPDATE")
        async with kept_together(store, [free[0], again, *free[1:]], []) as answers:
            assert [type(answer) for answer in answers] == [Recorded, CannotKeep, Recorded, Recorded]
    async with kept_together(store, [again], []) as answers:
        assert [answer.known for answer in answers] == [False], "it was to come again, and is kept then"


async def test_the_bell_stops_whenever_it_is_told_to(servers: Servers) -> None:
    """redis-py loses a cancellation that comes while it connects."""
    for ticks in range(30):
        bell = Bell(servers.redis_url)
        ringing = asyncio.create_task(bell.run())
        bell.ring(1)
        for _ in range(ticks):
            await asyncio.sleep(0)
        ringing.cancel()
        ended, _ = await asyncio.wait([ringing], timeout=2)
        assert ended
        await bell.close()


async def test_a_twin_of_an_ignored_one_is_not_counted_either(store: Pool) -> None:
    a, b = (replace(arrival(), ignored="for a reason") for _ in range(2))
    first, twin, over, over_too = await record(store, a, a, b, b, kept=1)
    assert (first.delivery_id, True) == (twin.delivery_id, twin.known)
    assert over == over_too == Recorded(None, False, "for a reason")
    assert await rows(store, "SELECT times FROM ignored_counts") == [(2,)]


@pytest.fixture
async def door(database_url: str, servers: Servers) -> AsyncIterator[Door]:
    async with open_door(database_url, servers.redis_url) as opened:
        yield opened


async def test_a_database_that_may_not_write_counts_as_away(door: Door) -> None:
    """As after a failover to a standby: no sender may be told that it is at fault, or that all is well."""
    [name] = await door.rows("SELECT current_database()")
    await door.rows(f"ALTER DATABASE {name[0]} SET default_transaction_read_only = on")
    await door.pool.expire_connections()
    body = json.dumps(event(APPOINTMENT)).encode()
    status, _ = await door.post(body)
    assert status == 429
    async with door.pool.acquire() as connection, connection.transaction():
        await connection.execute("SET TRANSACTION READ WRITE")
        await connection.execute(f"ALTER DATABASE {name[0]} SET default_transaction_read_only = off")
    await door.pool.expire_connections()
    assert (await door.post(body))[0] == 202
