"""Timers: laid once, moved and removed with their booking, taken once, and turned into one delivery each."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from service.event import read_kept
from service.store import appointments, timers
from service.store.appointments import LastSeen
from service.store.database import Pool
from service.store.timers import PASSED, Outcome, Wanted
from service.trigger import Booking
from tests.house import pool_of, register
from tests.sandboxes import LOCATION
from tests.test_deliveries import rows
from tests.test_trigger import BOOKING

QUARTER = timedelta(minutes=15)
VISIT = BOOKING.changed(location_id=LOCATION)
DUE = VISIT.starts - timedelta(hours=2)
STANDING = "SELECT rule, moment, due_at, state, reason FROM timers ORDER BY rule, moment"
CONTACT = "SELECT location_id, appointment_id, series_id, contact_id FROM timers"
OPEN = """
    SELECT source, event, subject, deliveries.state, appointment_id, contact_id
    FROM deliveries LEFT JOIN lanes USING (lane_id) ORDER BY arrival
"""


@pytest.fixture
async def located(pool: Pool) -> Pool:
    await register(pool)
    return pool


def wanted(due: datetime = DUE, rule: str = "remind", never: str | None = None, ahead: bool = True) -> Wanted:
    return Wanted(rule, "2h before start", due, due + QUARTER, ahead, never)


async def relay(pool: Pool, *found: Wanted, booking: Booking = VISIT) -> list[Any]:
    """What stands then."""
    async with pool.acquire() as connection, connection.transaction():
        await timers.relay(connection, booking, found)
    return await rows(pool, STANDING)


async def fire(pool: Pool, now: datetime = DUE, **outcome: Any) -> int:
    """Take all that is due and end it; how many were."""
    async with pool.acquire() as connection, connection.transaction():
        taken = await timers.due(connection, now, 10)
        if taken:
            await timers.end(connection, [Outcome(each, **outcome) for each in taken], now, ignored_kept=0)
        return len(taken)


async def test_a_moment_is_laid_once_with_whom_it_is_about(located: Pool) -> None:
    once = await relay(located, wanted())
    assert once == [("remind", "2h before start", DUE, "waiting", None)]
    assert await relay(located, wanted()) == once
    assert await rows(located, CONTACT) == [(LOCATION, VISIT.id, None, "con")]


async def test_an_instance_of_a_series_says_which(located: Pool) -> None:
    await relay(located, wanted(), booking=VISIT.changed(id="mAster_1830000000000_3600"))
    assert await rows(located, "SELECT series_id FROM timers") == [("mAster",)]


async def test_a_moment_moves_with_its_booking_and_goes_with_it(located: Pool) -> None:
    await relay(located, wanted(), wanted(rule="other"))
    later = DUE + timedelta(days=1)
    assert await relay(located, wanted(later)) == [("remind", "2h before start", later, "waiting", None)]
    assert await relay(located) == []


async def test_without_rules_that_wait_nothing_is_asked(located: Pool) -> None:
    standing = await relay(located, wanted())
    async with located.acquire() as connection:
        await connection.execute("ALTER TABLE timers RENAME TO elsewhere")
        await timers.relay(connection, VISIT, None)
        await connection.execute("ALTER TABLE elsewhere RENAME TO timers")
    assert await rows(located, STANDING) == standing


async def test_what_had_passed_says_so_and_comes_again_when_the_booking_moves(located: Pool) -> None:
    passed = wanted(never=PASSED, ahead=False)
    assert await relay(located, passed) == [("remind", "2h before start", DUE, "past", PASSED)]
    assert await fire(located) == 0
    unsaid = wanted(ahead=False)
    assert [row[3] for row in await relay(located, unsaid)] == ["past"], "whoever tells of it later"
    later = DUE + timedelta(days=1)
    assert await relay(located, wanted(later)) == [("remind", "2h before start", later, "waiting", None)]


async def test_what_waits_to_be_fired_has_not_passed(located: Pool) -> None:
    await relay(located, wanted())
    assert [row[3] for row in await relay(located, wanted(never=PASSED, ahead=False))] == ["waiting"]
    assert [row[3:] for row in await relay(located, wanted(never="it cannot be"))] == [("past", "it cannot be")]
    assert [row[3:] for row in await relay(located, wanted())] == [("waiting", None)]


async def test_one_that_may_come_later_than_it_was_laid_for_is_told(located: Pool) -> None:
    await relay(located, wanted())
    await relay(located, Wanted("remind", "2h before start", DUE, DUE + 2 * QUARTER, ahead=True))
    assert await rows(located, "SELECT state, until_at FROM timers") == [("waiting", DUE + 2 * QUARTER)]


async def test_a_due_moment_becomes_a_delivery_in_the_lane_of_its_appointment(located: Pool) -> None:
    await relay(located, wanted())
    assert await fire(located, DUE - timedelta(seconds=1)) == 0
    assert await fire(located) == 1
    assert await fire(located) == 0
    assert await rows(located, OPEN) == [("moment", "moment", VISIT.id, "waiting", VISIT.id, "con")]
    [(body, delivery)] = await rows(located, "SELECT body, delivery_id FROM deliveries")
    event = read_kept("moment", body)
    assert (event.rule, sorted(event.news), event.said_at) == ("remind", ["2h before start"], DUE)
    assert (event.location_id, event.appointment_id, event.contact_id) == (LOCATION, VISIT.id, "con")
    assert (event.until, event.booking(), event.external) == (DUE + QUARTER, None, False)
    assert await rows(located, "SELECT state, delivery_id FROM timers") == [("fired", delivery)]


async def test_a_moment_of_a_series_comes_in_the_lane_of_the_series(located: Pool) -> None:
    await relay(located, wanted(), booking=VISIT.changed(id="mAster_1830000000000_3600"))
    await fire(located)
    assert await rows(located, "SELECT subject FROM lanes") == [("mAster",)]


async def test_what_has_fired_fires_again_for_another_instant_only(located: Pool) -> None:
    await relay(located, wanted())
    await fire(located)
    assert [row[3] for row in await relay(located, wanted())] == ["fired"]
    assert [row[3] for row in await relay(located)] == ["fired"], "and what it did stands"
    later = DUE + timedelta(days=1)
    await relay(located, wanted(later))
    assert await fire(located, later) == 1
    assert len(await rows(located, OPEN)) == 2


async def test_even_a_timer_laid_anew_for_the_same_instant_is_delivered_once(located: Pool) -> None:
    await relay(located, wanted())
    await fire(located)
    async with located.acquire() as connection:
        await connection.execute("DELETE FROM timers")
    await relay(located, wanted())
    assert await fire(located) == 1
    assert len(await rows(located, OPEN)) == 1


async def test_those_that_are_missed_are_deliveries_that_have_ended_and_ring_no_lane(located: Pool) -> None:
    other = VISIT.changed(id="mAster_1830000000000_3600", contact_id=None)
    await relay(located, wanted())
    await relay(located, wanted(), booking=other)
    assert await fire(located, missed="1h late") == 2
    assert [row[3:] for row in await rows(located, STANDING)] == [("missed", "1h late")] * 2
    assert sorted(await rows(located, OPEN)) == [
        ("moment", "moment", None, "done", other.id, None),
        ("moment", "moment", None, "done", VISIT.id, "con"),
    ]
    reasons = await rows(located, "SELECT DISTINCT reason, received_at, finished_at IS NULL FROM deliveries")
    assert reasons == [("missed: remind was due 2h before start; 1h late", DUE, False)]
    assert sorted(await rows(located, "SELECT series_id FROM deliveries"), key=str) == [("mAster",), (None,)]
    timed = "SELECT count(*) FROM timers JOIN deliveries USING (delivery_id, appointment_id)"
    assert await rows(located, timed) == [(2,)]


async def test_what_was_delivered_before_is_not_missed_as_well(located: Pool) -> None:
    await relay(located, wanted())
    await fire(located)
    async with located.acquire() as connection:
        await connection.execute("DELETE FROM timers")
    await relay(located, wanted())
    async with located.acquire() as connection, connection.transaction():
        taken = await timers.due(connection, DUE, 10)
        assert await timers.end(connection, [Outcome(taken[0], "late")], DUE, ignored_kept=0) == [None]
    assert [row[3] for row in await rows(located, OPEN)] == ["waiting"]


async def test_a_moment_says_when_its_booking_starts_so_that_it_goes_in_time(located: Pool) -> None:
    async with located.acquire() as connection:
        await appointments.keep(connection, LastSeen.first(VISIT))
    await relay(located, wanted(VISIT.starts - QUARTER))
    await fire(located, VISIT.starts - QUARTER)
    assert await rows(located, "SELECT starts_at FROM lanes") == [(VISIT.starts,)]


async def test_what_the_clock_tells_is_one_row_that_goes_on(located: Pool) -> None:
    daily = Wanted("open", "every day at 07:00", DUE, DUE + QUARTER, ahead=True)
    async with located.acquire() as connection:
        await timers.relay_clock(connection, LOCATION, [daily])
        assert await timers.of_clock(connection, LOCATION) == {("open", "every day at 07:00"): DUE}
    tomorrow = DUE + timedelta(days=1)
    await fire(located, again=(tomorrow, tomorrow + QUARTER))
    assert await rows(located, STANDING) == [("open", "every day at 07:00", tomorrow, "waiting", None)]
    [(source, event, subject, state, *nobody)] = await rows(located, OPEN)
    assert (source, event, subject, state, nobody) == ("moment", "moment", "moment:", "waiting", [None, None])
    await fire(located, tomorrow, missed="late", again=(DUE + timedelta(days=2), DUE + timedelta(days=2) + QUARTER))
    assert [row[3:] for row in await rows(located, STANDING)] == [("waiting", "late")]
    assert [row[3] for row in await rows(located, OPEN)] == ["waiting", "done"]


async def test_what_the_clock_tells_is_due_no_more_where_nobody_could_read_it(located: Pool) -> None:
    daily = Wanted("open", "every day at 07:00", DUE, DUE + QUARTER, ahead=True)
    async with located.acquire() as connection:
        await timers.relay_clock(connection, LOCATION, [daily])
    await fire(located, missed="it cannot be read")
    async with located.acquire() as connection:
        assert await timers.of_clock(connection, LOCATION) == {}, "so that it is laid for its next time"


async def test_rules_that_are_gone_leave_what_they_did(located: Pool) -> None:
    await relay(located, wanted(), wanted(rule="gone"), wanted(rule="done"))
    async with located.acquire() as connection:
        await connection.execute("UPDATE timers SET state = 'fired' WHERE rule = 'done'")
        await timers.prune(connection, LOCATION, [("remind", "2h before start"), ("gone", "1h before start")])
    assert [(row[0], row[3]) for row in await rows(located, STANDING)] == [("done", "fired"), ("remind", "waiting")]
    async with located.acquire() as connection:
        await timers.prune(connection, LOCATION, [])
    assert [row[0] for row in await rows(located, STANDING)] == ["done"]


@pytest.fixture
async def other(database_url: str) -> AsyncIterator[Pool]:
    """The pool of another process."""
    async with pool_of(database_url) as opened:
        yield opened


async def test_two_that_take_at_once_take_each_once(located: Pool, other: Pool) -> None:
    many = [VISIT.changed(id=f"tRg00000000000000{number:03}") for number in range(40)]
    for booking in many:
        await relay(located, wanted(), booking=booking)
    taken = await asyncio.gather(*(fire(pool) for _ in range(8) for pool in (located, other)))
    assert sum(taken) == 40
    assert sorted(row[4] for row in await rows(located, OPEN)) == [booking.id for booking in many]


async def test_who_relays_while_a_moment_fires_waits_for_nobody(located: Pool, other: Pool) -> None:
    """Else one that holds its lane and one that rings it could lock each other out."""
    await relay(located, wanted())
    async with other.acquire() as connection, connection.transaction():
        [timer] = await timers.due(connection, DUE, 10)
        async with asyncio.timeout(2):
            moved = DUE + timedelta(days=1)
            assert [row[2] for row in await relay(located, wanted(moved))] == [DUE]
            async with located.acquire() as beside:
                await timers.prune(beside, LOCATION, [])
        await timers.end(connection, [Outcome(timer)], DUE, ignored_kept=0)
    assert [row[2:4] for row in await relay(located, wanted(moved))] == [(moved, "waiting")], "its delivery relays"


async def test_a_location_that_is_removed_takes_its_timers_along(located: Pool) -> None:
    await relay(located, wanted())
    async with located.acquire() as connection:
        await connection.execute("DELETE FROM locations")
    assert await rows(located, STANDING) == []


async def test_the_body_of_a_moment_holds_ids_and_no_personal_data(located: Pool) -> None:
    await relay(located, wanted(), booking=VISIT.changed(title="Mr Jones"))
    await fire(located)
    [(body,)] = await rows(located, "SELECT body FROM deliveries")
    said = json.loads(body)
    assert said.keys() == {
        "key",
        "location_id",
        "appointment_id",
        "contact_id",
        "rule",
        "moment",
        "due",
        "until",
        "starts",
        "since",
    }


async def test_what_is_asked_often_uses_its_index(located: Pool) -> None:
    fill = """
    INSERT INTO timers (timer_id, location_id, appointment_id, rule, moment, due_at, until_at, state)
        SELECT gen_random_uuid(), location_id, 'a' || n, 'r', 'm', now() + n * interval '1h', now(),
            CASE WHEN n % 10 = 0 THEN 'waiting' ELSE 'fired' END
        FROM locations, generate_series(1, 20000) AS n;
    ANALYZE timers;
    """
    hot: list[tuple[str, list[Any], str]] = [
        (timers.DUE, [DUE - timedelta(days=400), 100], "timers_due"),
        (timers.OF_APPOINTMENT, [LOCATION, "a7"], "timers_location_id_appointment_id_rule_moment_key"),
    ]
    async with located.acquire() as connection:
        await connection.execute(fill)
        for statement, values, index in hot:
            plan = "\n".join(row[0] for row in await connection.fetch(f"EXPLAIN {statement}", *values))
            assert index in plan, plan
            assert "Seq Scan on timers" not in plan, plan
