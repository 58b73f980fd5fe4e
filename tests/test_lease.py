"""A lease held too long: whoever lost its lane writes nothing more, neither here nor at HighLevel."""

import asyncio
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from service.highlevel.errors import HighLevelError
from service.highlevel.notes import CreateNote
from service.highlevel.operation import Operation
from service.outgoing.posting import Posting
from service.store import calls, steps
from service.store.database import Pool
from service.store.identifiers import new_id
from service.store.lanes import LEASE, LeaseLost
from service.store.steps import Step
from service.store.work import Work
from service.telemetry import Outage
from tests.claims import claimed, next_in
from tests.house import now, pool_of
from workers.lease import RENEW_EVERY, Lease, Leases, elapsed
from workers.record import Record
from workers.settle import Settler

SOON = 4.0


class Counts:
    """An Api that counts what would have been sent."""

    def __init__(self) -> None:
        self.sent: list[str] = []

    async def __call__(self, operation: Operation[Any], /) -> Any:
        self.sent.append(type(operation).__name__)
        raise HighLevelError("Counted", "nothing is behind this Api")


async def nobody_posts(posting: Posting) -> None:
    pytest.fail("nothing is to be posted")


async def test_leases_are_renewed_together_while_they_are_held_and_not_longer(pool: Pool) -> None:
    long_ago = elapsed() - LEASE.total_seconds()
    given_back, lost, kept = [await _lease(pool, name, claimed_at=long_ago) for name in ("given back", "lost", "kept")]
    leases = Leases(pool, Outage("away", "back"))
    with leases.held(kept), leases.held(lost):
        with leases.held(given_back):
            pass
        await _taken_over(pool, "lost")
        before = await _until(pool)
        renewing = asyncio.create_task(leases.run())
        await asyncio.sleep(RENEW_EVERY * 1.5)
        after = await _until(pool)
    assert {name: after[name] > before[name] for name in after} == {"given back": False, "lost": False, "kept": True}
    await kept.lasts(SOON / 2)
    await asyncio.sleep(RENEW_EVERY)
    assert await _until(pool) == after, "it need not be renewed again for a write"
    with pytest.raises(LeaseLost):
        await lost.lasts(SOON / 2)
    renewing.cancel()
    await asyncio.gather(renewing, return_exceptions=True)


async def test_a_lane_taken_up_again_by_its_own_worker_is_lost_to_what_it_did_before(
    pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lease that ended is not renewed with the other, and nothing is sent under it."""
    monkeypatch.setattr("workers.lease.RENEW_EVERY", 0.01)
    before = await _lease(pool, claimed_at=elapsed() - LEASE.total_seconds())
    async with pool.acquire() as connection:
        await connection.execute("UPDATE lanes SET lease_until = now() - interval '1 second'")
        again = Lease(pool, await claimed(connection, "first"), elapsed() - LEASE.total_seconds())
    leases = Leases(pool, Outage("away", "back"))
    with leases.held(before), leases.held(again):
        renewing = asyncio.create_task(leases.run())
        await asyncio.sleep(0.1)
        renewing.cancel()
        await asyncio.gather(renewing, return_exceptions=True)
    await again.lasts(SOON)
    with pytest.raises(LeaseLost):
        await before.lasts(0.0)


async def test_waiting_for_a_connection_is_no_part_of_a_lease(pool: Pool, database_url: str) -> None:
    """It counts from when the database was asked, or a busy worker would lose lanes that are its own."""
    lane = (await _lease(pool)).lane
    async with pool_of(database_url, size=1) as small:
        lease = Lease(small, lane, elapsed() - LEASE.total_seconds())
        async with small.acquire():
            lasting = asyncio.create_task(lease.lasts(LEASE.total_seconds() - 0.1))
            await asyncio.sleep(0.15)
        await lasting


async def test_a_write_is_never_begun_under_a_lease_that_could_end_before_it(pool: Pool) -> None:
    lease = await _lease(pool, claimed_at=elapsed() - LEASE.total_seconds() + 1)
    await lease.lasts(0.5)
    before = await _until(pool)
    await lease.lasts(SOON)
    assert (await _until(pool))["one"] > before["one"], "it was renewed first"


async def test_who_lost_the_lane_learns_it_at_every_door(pool: Pool) -> None:
    lease = await _lease(pool)
    await _taken_over(pool)
    with pytest.raises(LeaseLost):
        await lease.renew()
    with pytest.raises(LeaseLost):
        async with lease.transaction():
            pytest.fail("the body of a transaction that is not ours must not run")
    with pytest.raises(LeaseLost):
        await lease.give_back()
    lease.note(steps.kept(_step()))
    with pytest.raises(LeaseLost):
        await lease.commit()
    assert await _stored(pool) == []
    slow = Lease(pool, lease.lane, elapsed() - LEASE.total_seconds())
    with pytest.raises(LeaseLost):
        await slow.lasts(SOON)


async def test_who_lost_the_lane_sends_nothing(pool: Pool) -> None:
    record = await _record(pool, await _lease(pool))
    step = _step(record.delivery.delivery_id)
    record.keep([step])
    await record.commit()
    await _taken_over(pool)
    api = Counts()
    settler = Settler(pool, record, api, SOON, timedelta(seconds=SOON), now, nobody_posts)
    with pytest.raises(LeaseLost):
        await settler.settle(step)
    assert api.sent == []
    [kept] = await _stored(pool)
    assert (kept.step_id, kept.state, kept.attempts) == (step.step_id, "planned", 0)


async def test_who_cannot_be_sure_of_the_lane_for_long_enough_leaves_no_doubt_behind(pool: Pool) -> None:
    record = await _record(pool, await _lease(pool))
    step = _step(record.delivery.delivery_id)
    record.keep([step])
    await record.commit()
    api, longer = Counts(), LEASE.total_seconds() + 1
    with pytest.raises(LeaseLost):
        await Settler(pool, record, api, longer, timedelta(seconds=longer), now, nobody_posts).settle(step)
    assert [kept.state for kept in await _stored(pool)] == ["planned"]
    assert api.sent == []


async def test_a_write_is_kept_before_it_is_sent(pool: Pool) -> None:
    """And with it all that was noted: whoever takes over must know of both."""
    record = await _record(pool, await _lease(pool))
    step = _step(record.delivery.delivery_id)
    record.change(state="judged")
    record.keep([step])
    found: list[tuple[str, int]] = []

    async def api(operation: Operation[Any], /) -> Any:
        found.extend((each.state, each.attempts) for each in await _stored(pool))
        async with pool.acquire() as connection:
            assert await connection.fetchval("SELECT state FROM deliveries") == "judged"
        raise HighLevelError("Counted", "nothing is behind this Api")

    await Settler(pool, record, api, SOON, timedelta(seconds=SOON), now, nobody_posts).settle(step)
    assert found == [("sent", 1)]


async def test_what_is_noted_is_not_there_until_it_is_committed_and_then_as_it_was_noted_last(pool: Pool) -> None:
    lease = await _lease(pool)
    first = _step((await _record(pool, lease)).delivery.delivery_id)
    lease.note(steps.kept(first))
    assert await _stored(pool) == []
    lease.discard(but=calls.INSERT)
    await lease.commit()
    assert await _stored(pool) == [], "it was forgotten"
    lease.note(steps.kept(first), steps.kept(first.sent()))
    lease.note(steps.kept(first.ended("done", written_id="note")))
    await lease.commit()
    [kept] = await _stored(pool)
    assert (kept.state, kept.written_id, kept.attempts) == ("done", "note", 0)
    lease.note(steps.kept(first.ended("failed", "why")))
    async with lease.transaction() as connection:
        [seen] = await steps.of_deliveries(connection, [first.delivery_id])
        assert (seen.state, seen.reason) == ("failed", "why"), "written before what the body does"


async def test_a_lane_is_given_back_with_what_was_noted_or_not_at_all(pool: Pool) -> None:
    lease = await _lease(pool)
    delivery_id = (await _record(pool, lease)).delivery.delivery_id
    lease.note(steps.kept(_step(delivery_id, state="no such state")))
    with pytest.raises(asyncpg.CheckViolationError):
        await lease.give_back()
    assert await _rows(pool, "SELECT worker FROM lanes") == [("first",)]
    lease.note(steps.kept(_step(delivery_id)))
    await lease.give_back(timedelta(minutes=1))
    given_back = "SELECT worker, lease_until, ready_at > now() + interval '50 seconds' FROM lanes"
    assert await _rows(pool, given_back) == [(None, None, True)]
    assert len(await _stored(pool)) == 1


async def _lease(pool: Pool, subject: str = "one", *, claimed_at: float | None = None) -> Lease:
    async with pool.acquire() as connection:
        await connection.execute(
            "INSERT INTO lanes (lane_id, location_id, subject, ready_at) VALUES ($1, 'here', $2, now())",
            new_id(),
            subject,
        )
        lane = await claimed(connection, "first")
    return Lease(pool, lane, elapsed() if claimed_at is None else claimed_at)


async def _taken_over(pool: Pool, subject: str = "one") -> None:
    async with pool.acquire() as connection:
        await connection.execute(
            "UPDATE lanes SET lease_until = now() - interval '1 second' WHERE subject = $1", subject
        )
        taken = await claimed(connection, "second")
    assert (taken.subject, taken.taken_over) == (subject, True)


async def _until(pool: Pool) -> dict[str, datetime]:
    return dict(await _rows(pool, "SELECT subject, lease_until FROM lanes"))


async def _rows(pool: Pool, query: str) -> list[tuple[Any, ...]]:
    async with pool.acquire() as connection:
        return [tuple(row) for row in await connection.fetch(query)]


async def _stored(pool: Pool) -> list[Step]:
    async with pool.acquire() as connection:
        ids = await connection.fetch("SELECT DISTINCT delivery_id FROM steps")
        return await steps.of_deliveries(connection, [row["delivery_id"] for row in ids])


async def _record(pool: Pool, lease: Lease) -> Record:
    """Of a delivery in the lane."""
    async with pool.acquire() as connection:
        await connection.execute(
            "INSERT INTO deliveries (delivery_id, source, received_at, state, body, lane_id) "
            "VALUES ($1, 'highlevel', now(), 'waiting', '', $2)",
            new_id(),
            lease.lane.lane_id,
        )
        delivery = await next_in(connection, lease.lane)
    return Record(lease, Work(lease.lane, delivery))


def _step(delivery_id: UUID | None = None, state: str = "planned") -> Step:
    return Step(
        step_id=new_id(),
        delivery_id=delivery_id or new_id(),
        rule="note",
        place=0,
        part=0,
        action="add_note",
        state=state,
        sentence="write a note",
        location_id="here",
        appointment_id="one",
        contact_id=None,
        operation=CreateNote(appointment_id="one", body="words").stored(),
    )
