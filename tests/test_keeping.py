"""Keeping: what is dropped when, what is counted before it goes, and what stays however old."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from service.store import arrivals, keeping
from service.store.database import Connection, Pool
from service.store.identifiers import new_id
from service.store.keeping import Ages
from tests.house import now, register
from tests.sandboxes import LOCATION
from tests.test_deliveries import arrival, record, rows
from workers.keeping import TASKS

DAYS = {"acted": 400, "dull": 14, "ignored": 7, "keys": 30}
STATES = "SELECT state, count(*) FROM deliveries GROUP BY 1 ORDER BY 1"


def in_days(days: float) -> Ages:
    """What may go by the defaults, so many days from now."""
    ages = {name: now() + timedelta(days=days - kept) for name, kept in DAYS.items()}
    return Ages(**ages)


async def keep(pool: Pool, days: float) -> dict[str, int]:
    """Everything that is due so many days from now; what was dropped."""
    dropped: dict[str, int] = {}
    for task in TASKS:
        more = True
        while more:
            async with pool.acquire() as connection, connection.transaction():
                batch = await task(connection, in_days(days))
            more = batch.more
            for name, number in batch.dropped.items():
                dropped[name] = dropped.get(name, 0) + number
    return {name: number for name, number in dropped.items() if number}


async def kept(pool: Pool, appointment_id: str, state: str = "done", *, reason: str | None = None) -> UUID:
    """A delivery that came, was called once about, and ended so."""
    [recorded] = await record(pool, arrival(appointment_id))
    assert recorded.delivery_id is not None
    await rows(
        pool,
        "UPDATE deliveries SET state = $2, reason = $3, finished_at = now() WHERE delivery_id = $1",
        recorded.delivery_id,
        state,
        reason,
    )
    await rows(pool, "UPDATE lanes SET ready_at = NULL")
    await rows(
        pool,
        "INSERT INTO calls (call_id, delivery_id, location_id, operation, milliseconds, request) "
        "VALUES ($1, $2, $3, 'GetAppointment', 1, '{}')",
        new_id(),
        recorded.delivery_id,
        LOCATION,
    )
    return recorded.delivery_id


async def judged(pool: Pool, delivery_id: UUID, *held: bool | None) -> None:
    for place, each in enumerate(held):
        await rows(
            pool, "INSERT INTO verdicts VALUES ($1, $2, $3, 'live', $4, '[]')", delivery_id, place, f"r{place}", each
        )


async def stepped(pool: Pool, delivery_id: UUID, state: str) -> None:
    await rows(
        pool,
        "INSERT INTO steps (step_id, delivery_id, rule, place, part, action, state, sentence, location_id) "
        "VALUES ($1, $2, 'r0', 0, 0, 'add_note', $3, 'write', 'loc')",
        new_id(),
        delivery_id,
        state,
    )


@pytest.fixture
async def store(pool: Pool) -> Pool:
    await register(pool)
    return pool


async def test_what_no_rule_held_for_becomes_numbers_of_its_day(store: Pool) -> None:
    for number, reason in enumerate((None, "an echo: nothing has changed", "an echo: nothing has changed", None)):
        await judged(store, await kept(store, f"dLv{number:017}", reason=reason), False, None)
    assert await keep(store, 13) == {}
    dropped = await keep(store, 15)
    assert dropped == {"deliveries": 4, "dull": 4, "calls": 4, "lanes": 4}
    for table in ("deliveries", "verdicts", "calls", "lanes"):
        assert await rows(store, f"SELECT count(*) FROM {table}") == [(0,)]
    today = now().date()
    assert await rows(store, "SELECT * FROM dull_counts ORDER BY rule, outcome") == [
        (today, LOCATION, "", "AppointmentCreate", "an echo", 2),
        (today, LOCATION, "", "AppointmentCreate", "no rule held", 2),
        (today, LOCATION, "r0", "AppointmentCreate", "did not hold", 4),
        (today, LOCATION, "r1", "AppointmentCreate", "a fact was missing", 4),
    ]
    await judged(store, await kept(store, "dLv9"), False)
    await keep(store, 15)
    again = "SELECT times FROM dull_counts WHERE rule = '' AND outcome = 'no rule held'"
    assert await rows(store, again) == [(3,)], "a number grows"


@pytest.mark.parametrize("state", ["done", "unchanged", "failed", "skipped", "shadow"])
async def test_what_a_rule_held_for_is_kept_long(state: str, store: Pool) -> None:
    delivery = await kept(store, "dLv1")
    await judged(store, delivery, True)
    await stepped(store, delivery, state)
    assert await keep(store, 399) == {}
    assert await keep(store, 401) == {"deliveries": 1, "calls": 1, "keys": 1, "lanes": 1}
    assert await rows(store, "SELECT count(*) FROM steps") == [(0,)]
    assert await rows(store, "SELECT count(*) FROM dull_counts") == [(0,)]


async def test_what_failed_told_of_our_app_was_taken_up_by_hand_or_held_is_kept_long(
    store: Pool,
) -> None:
    await kept(store, "dLv1", "failed")
    [installed] = await record(store, arrival(type="INSTALL"))
    await rows(store, "UPDATE deliveries SET state = 'done' WHERE delivery_id = $1", installed.delivery_id)
    by_hand = await kept(store, "dLv3")
    await rows(store, "INSERT INTO interventions VALUES ($1, $2, 'retried', 'mo', now())", new_id(), by_hand)
    await judged(store, await kept(store, "dLv4"), False, True)
    assert await keep(store, 399) == {}
    assert (await keep(store, 401))["deliveries"] == 4


@pytest.mark.parametrize("step", ["unknown", "parked", "planned", "sent", "waiting"])
async def test_what_has_a_step_that_is_not_over_is_never_dropped(step: str, store: Pool) -> None:
    for state in ("done", "failed"):
        await stepped(store, await kept(store, f"dLv{state}", state), step)
    assert await keep(store, 40_000) == {}
    assert await rows(store, STATES) == [("done", 1), ("failed", 1)]
    await rows(store, "UPDATE steps SET state = 'skipped'")
    assert (await keep(store, 40_000))["deliveries"] == 2, "somebody has seen to it"


async def test_what_somebody_takes_up_at_that_moment_is_not_waited_for_and_stays(store: Pool) -> None:
    delivery = await kept(store, "dLv1")
    async with store.acquire() as person, store.acquire() as keeper, asyncio.timeout(5), person.transaction():
        await person.execute("UPDATE deliveries SET state = 'judged' WHERE delivery_id = $1", delivery)
        assert await in_one(keeper, keeping.TASKS["dull"]) == {}
    assert await rows(store, STATES) == [("judged", 1)]


@pytest.mark.parametrize("state", ["waiting", "judged", "parked"])
async def test_what_is_open_or_parked_is_never_dropped(state: str, store: Pool) -> None:
    await kept(store, "dLv1", state)
    assert await keep(store, 40_000) == {}
    assert await rows(store, STATES) == [(state, 1)]


async def test_what_was_open_when_the_dull_went_is_counted_all_the_same_when_it_goes(store: Pool) -> None:
    late = await kept(store, "dLv1", "waiting")
    await kept(store, "dLv2")
    assert (await keep(store, 15))["dull"] == 1
    await rows(store, "UPDATE deliveries SET state = 'done' WHERE delivery_id = $1", late)
    assert await keep(store, 16) == {}
    async with store.acquire() as connection:
        assert (await keeping.TASKS["done"](connection, in_days(401))).dropped["dull"] == 1
    assert await rows(store, "SELECT times FROM dull_counts") == [(2,)]


async def test_a_delivery_that_was_dropped_is_still_known_when_it_comes_again(store: Pool) -> None:
    came = arrival()
    [first] = await record(store, came)
    await rows(store, "UPDATE deliveries SET state = 'done'")
    await rows(store, "UPDATE lanes SET ready_at = NULL")
    assert (await keep(store, 15))["deliveries"] == 1
    [again] = await record(store, came)
    assert (again.delivery_id, again.known) == (first.delivery_id, True)
    assert await keep(store, 29) == {}
    assert await keep(store, 31) == {"keys": 1}
    [anew] = await record(store, came)
    assert (anew.known, anew.delivery_id == first.delivery_id) == (False, False)


async def test_the_key_of_a_delivery_that_is_kept_stays_with_it(store: Pool) -> None:
    came = arrival()
    [first] = await record(store, came)
    await rows(store, "UPDATE deliveries SET state = 'failed'")
    assert await keep(store, 399) == {}
    [again] = await record(store, came)
    assert (again.delivery_id, again.known) == (first.delivery_id, True)


async def test_what_was_ignored_goes_with_its_key_and_is_looked_at_anew(store: Pool) -> None:
    came = arrival(ignored="the event is another app's")
    await record(store, came)
    assert await keep(store, 6) == {}
    assert await keep(store, 8) == {"deliveries": 1, "dull": 1, "keys": 1}
    [heeded] = await record(store, replace(came, ignored=None))
    assert (heeded.known, heeded.ignored) == (False, None)


async def test_a_lane_stays_while_anything_is_in_it_or_anybody_has_it(store: Pool) -> None:
    for appointment in ("dLv1", "dLv1", "dLv2", "dLv3", "dLv4"):
        last = await kept(store, appointment)
    await stepped(store, last, "done")
    await rows(store, "UPDATE lanes SET ready_at = now() WHERE subject = 'dLv2'")
    await rows(store, "UPDATE lanes SET worker = 'w' WHERE subject = 'dLv3'")
    await keep(store, 15)
    assert await rows(store, "SELECT subject FROM lanes ORDER BY 1") == [("dLv2",), ("dLv3",), ("dLv4",)]


async def test_a_lane_that_is_rung_at_the_moment_it_would_go_is_there_for_what_comes(store: Pool) -> None:
    """Whichever of the two is first."""
    await kept(store, "dLv1")
    async with store.acquire() as receiver, store.acquire() as keeper:
        ringing = receiver.transaction()
        await ringing.start()
        await arrivals.record(receiver, [arrival("dLv1")], ignored_kept=1)
        assert (await in_one(keeper, keeping.TASKS["dull"])) == {"deliveries": 1, "calls": 1, "dull": 1}
        await ringing.commit()
    assert await rows(store, "SELECT count(*) FROM lanes JOIN deliveries USING (lane_id)") == [(1,)]
    await kept(store, "dLv2")
    async with store.acquire() as receiver, store.acquire() as keeper:
        dropping = keeper.transaction()
        await dropping.start()
        assert (await keeping.TASKS["dull"](keeper, in_days(15))).dropped["lanes"] == 1
        ringing_too = asyncio.create_task(in_one(receiver, came("dLv2")))
        await waiting(store)
        await dropping.commit()
        await ringing_too
    rung = "SELECT subject FROM lanes JOIN deliveries USING (lane_id) WHERE ready_at <= now()"
    assert await rows(store, rung) == [("dLv2",)]


def came(appointment_id: str) -> Callable[[Connection, Ages], Any]:
    async def receive(connection: Connection, _: Ages) -> keeping.Batch:
        await arrivals.record(connection, [arrival(appointment_id)], ignored_kept=1)
        return keeping.Batch(False)

    return receive


async def in_one(connection: Connection, task: Callable[[Connection, Ages], Any]) -> dict[str, int]:
    async with connection.transaction():
        return {name: number for name, number in (await task(connection, in_days(15))).dropped.items() if number}


async def waiting(pool: Pool) -> None:
    """Until somebody waits for a lock."""
    async with asyncio.timeout(5):
        while await rows(pool, "SELECT count(*) FROM pg_locks WHERE NOT granted") == [(0,)]:
            await asyncio.sleep(0.01)


async def test_killed_in_the_middle_it_has_counted_what_is_gone_and_nothing_else(
    store: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeping, "BATCH", 3)
    for number in range(8):
        await judged(store, await kept(store, f"dLv{number}"), False)
    drop = keeping.DROP_LANES
    async with store.acquire() as connection:
        async with connection.transaction():
            assert (await keeping.TASKS["dull"](connection, in_days(15))).more
        # What comes last in a batch goes wrong, once everything before it was done.
        monkeypatch.setattr(keeping, "DROP_LANES", "SELECT 1/0 WHERE $1::uuid[] IS NOT NULL")
        with pytest.raises(asyncpg.DivisionByZeroError):
            async with connection.transaction():
                await keeping.TASKS["dull"](connection, in_days(15))
    counted = "SELECT times FROM dull_counts WHERE rule = 'r0'"
    assert await rows(store, "SELECT count(*) FROM deliveries") == [(5,)]
    assert await rows(store, counted) == [(3,)]
    monkeypatch.setattr(keeping, "DROP_LANES", drop)
    assert (await keep(store, 15))["deliveries"] == 5
    assert await rows(store, counted) == [(8,)]
