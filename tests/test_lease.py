"""A lease held too long: whoever lost its lane writes nothing more, neither here nor at HighLevel."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from service.highlevel.errors import HighLevelError
from service.highlevel.notes import CreateNote
from service.highlevel.operation import Operation
from service.store import lanes, steps
from service.store.database import Pool
from service.store.identifiers import new_id
from service.store.lanes import LEASE, LeaseLost
from service.store.steps import Step
from workers.lease import RENEW_EVERY, Lease, elapsed
from workers.settle import Settler

SOON = 4.0


class Counts:
    """An Api that counts what would have been sent."""

    def __init__(self) -> None:
        self.sent: list[str] = []

    async def __call__(self, operation: Operation[Any], /) -> Any:
        self.sent.append(type(operation).__name__)
        raise HighLevelError("Counted", "nothing is behind this Api")


async def test_a_lease_is_renewed_while_its_body_runs_and_not_longer(pool: Pool) -> None:
    lease = await _lease(pool)
    before = await _until(pool)
    async with lease.renewed():
        await asyncio.sleep(RENEW_EVERY * 1.5)
        renewed = await _until(pool)
        assert renewed > before
    await asyncio.sleep(RENEW_EVERY * 1.5)
    assert await _until(pool) == renewed


async def test_a_write_is_never_begun_under_a_lease_that_could_end_before_it(pool: Pool) -> None:
    lease = await _lease(pool, claimed_at=elapsed() - LEASE.total_seconds() + 1)
    await lease.lasts(0.5)
    before = await _until(pool)
    await lease.lasts(SOON)
    assert await _until(pool) > before, "it was renewed first"


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
    slow = Lease(pool, lease.lane, elapsed() - LEASE.total_seconds())
    with pytest.raises(LeaseLost):
        await slow.lasts(SOON)


async def test_who_lost_the_lane_sends_nothing(pool: Pool) -> None:
    lease = await _lease(pool)
    step = await _planned(pool, lease)
    await _taken_over(pool)
    api = Counts()
    settler = Settler(pool, lease, api, SOON, timedelta(seconds=SOON))
    with pytest.raises(LeaseLost):
        await settler.settle(step)
    assert api.sent == []
    async with pool.acquire() as connection:
        [kept] = await steps.of_delivery(connection, step.delivery_id)
    assert (kept.state, kept.attempts) == ("planned", 0)


async def _lease(pool: Pool, *, claimed_at: float | None = None) -> Lease:
    async with pool.acquire() as connection:
        await connection.execute(
            "INSERT INTO lanes (lane_id, location_id, subject, ready_at) VALUES ($1, 'here', 'one', now())", new_id()
        )
        lane = await lanes.claim(connection, "first")
    assert lane is not None
    return Lease(pool, lane, elapsed() if claimed_at is None else claimed_at)


async def _taken_over(pool: Pool) -> None:
    async with pool.acquire() as connection:
        await connection.execute("UPDATE lanes SET lease_until = now() - interval '1 second'")
        taken = await lanes.claim(connection, "second")
    assert taken is not None
    assert taken.taken_over


async def _until(pool: Pool) -> Any:
    async with pool.acquire() as connection:
        return await connection.fetchval("SELECT lease_until FROM lanes")


async def _planned(pool: Pool, lease: Lease) -> Step:
    step = Step(
        step_id=new_id(),
        delivery_id=new_id(),
        rule="note",
        place=0,
        part=0,
        action="add_note",
        state="planned",
        sentence="write a note",
        location_id="here",
        appointment_id="one",
        contact_id=None,
        operation=CreateNote(appointment_id="one", body="words").stored(),
    )
    async with lease.transaction() as connection:
        await connection.execute(
            "INSERT INTO deliveries (delivery_id, source, received_at, state, body) "
            "VALUES ($1, 'highlevel', now(), 'judged', '')",
            step.delivery_id,
        )
        await steps.plan(connection, [step])
        [kept] = await steps.of_delivery(connection, step.delivery_id)
    return kept
