"""The timekeeper in the house: moments laid, moved and removed with their bookings, asked about once and in time."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest
import structlog

from service.embedded import Servers
from service.store import deliveries, lanes, locations, timers
from service.store.identifiers import new_id
from service.store.sealing import Keys
from service.store.timers import Outcome, Timer
from service.store.work import Work
from service.telemetry import Outage
from tests.house import NAMES, SECRET, House, in_days, open_house, pool_of
from tests.sandboxes import LOCATION
from tests.test_apply import rule
from tests.test_deliveries import rows
from workers import timekeeper
from workers.judge import Meaning, heard, meaning
from workers.lease import Lease, elapsed
from workers.record import Record
from workers.rounds import rounds
from workers.rulebook import read
from workers.workplace import Workplace

STANDING = "SELECT rule, moment, due_at, state, reason FROM timers ORDER BY rule, moment, due_at"
REMIND = rule("remind", "2h before start", "do: add_note, text: 'Soon at {{ now | time }}'")
EARLY = rule("early", "2h before start", "do: add_note, text: early", more="if: {status: cancelled},", mode="shadow")
QUARTER, HOUR = timedelta(minutes=15), timedelta(hours=1)
START = in_days(3, "12:00")
DUE = datetime.fromisoformat(START) - 2 * HOUR


def at(house: House, now: datetime) -> Workplace:
    """The house at another time, for the timekeeper alone."""
    return replace(house.work, clock=lambda: now)


async def fire(house: House, now: datetime = DUE) -> None:
    await timekeeper.fire(at(house, now))
    await house.settled()


async def visit(house: House, start: str = START) -> str:
    booked = await house.book(start)
    await house.settled()
    return booked


async def triggers(house: House, appointment_id: str) -> list[Any]:
    return [delivery["triggers"] for delivery in await house.deliveries(appointment_id)]


async def states(house: House) -> list[Any]:
    return [(row[0], row[3]) for row in await rows(house.pool, STANDING)]


async def test_a_rule_is_asked_when_its_moment_comes_and_once(house: House) -> None:
    await house.rules(REMIND + EARLY)
    booked = await visit(house)
    assert await rows(house.pool, STANDING) == [
        ("early", "2h before start", DUE, "waiting", None),
        ("remind", "2h before start", DUE, "waiting", None),
    ]
    await fire(house, DUE - timedelta(seconds=1))
    assert await house.notes(booked) == []
    for _ in range(2):
        await fire(house)
        assert await house.notes(booked) == ["Soon at 10:00"], "`now` is when it was due"
    _, *asked = await house.deliveries(booked)
    assert [delivery["triggers"] for delivery in asked] == [["2h before start"]] * 2
    by_rule = {verdict["rule"]: verdict["held"] for delivery in asked for verdict in delivery["verdicts"]}
    assert by_rule == {"early": False, "remind": True}
    assert sum(len(delivery["verdicts"]) for delivery in asked) == 2, "each asks the one rule that it is for"


async def test_a_moved_booking_moves_its_moment(house: House) -> None:
    await house.rules(REMIND)
    booked = await visit(house)
    await house.edit(booked, startTime=in_days(3, "15:00"), endTime=in_days(3, "16:00"))
    await house.settled()
    await fire(house)
    assert await house.notes(booked) == []
    await fire(house, DUE + 3 * HOUR)
    assert await house.notes(booked) == ["Soon at 13:00"]


async def test_a_booking_that_is_cancelled_or_deleted_loses_its_moments(house: House) -> None:
    await house.rules(REMIND + EARLY)
    booked = await visit(house)
    await house.edit(booked, appointmentStatus="cancelled")
    await house.settled()
    assert await states(house) == [("early", "waiting")], "which asks about the status itself"
    await house.edit(booked)
    await house.settled()
    assert await states(house) == [("early", "waiting"), ("remind", "waiting")]
    await house.call("DELETE", f"/calendars/events/{booked}", {})
    await house.settled()
    assert await states(house) == []


async def test_a_moment_that_had_passed_when_the_booking_was_made_is_not_run_and_says_so(house: House) -> None:
    await house.rules(rule("late", "52w before start", "do: add_note, text: late"))
    booked = await visit(house)
    [(*_, state, reason)] = await rows(house.pool, STANDING)
    assert (state, reason) == ("past", "it had passed already when it was laid")
    await fire(house)
    assert await house.notes(booked) == []


async def test_a_rule_that_goes_live_lays_moments_for_bookings_ahead(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(timekeeper, "LAID_AT_ONCE", 1)
    first = await visit(house)
    await visit(house, in_days(3, "15:00"))
    await timekeeper.lay(house.work)
    assert await states(house) == []
    await house.rules(REMIND)
    await timekeeper.lay(house.work)
    assert await states(house) == [("remind", "waiting")] * 2
    await fire(house)
    assert await house.notes(first) == ["Soon at 10:00"]
    await house.rules(rule("other", "1h before start", "do: add_note, text: x"))
    await timekeeper.lay(house.work)
    assert await states(house) == [("other", "waiting")] * 2 + [("remind", "fired")], "what was done stands"
    await house.rules(rule("other", "1h before start", "do: add_note, text: x", mode="off"))
    await timekeeper.lay(house.work)
    assert await states(house) == [("remind", "fired")]


@pytest.mark.parametrize(("minutes", "notes"), [(14, ["Soon at 10:00"]), (16, [])])
async def test_after_an_outage_a_moment_is_asked_about_once_or_missed(
    house: House, minutes: int, notes: list[str]
) -> None:
    await house.rules(REMIND + EARLY)
    booked = await visit(house)
    with structlog.testing.capture_logs() as lines:
        for _ in range(2):
            await fire(house, DUE + timedelta(minutes=minutes))
    assert await house.notes(booked) == notes
    told = [line for line in lines if line["event"] == "a moment was missed"]
    counted = house.work.tally.take().values.get(("moments_missed", ()), 0)
    if notes:
        assert (told, counted) == ([], 0)
        return
    reason = "16m late, and it may come 15m late at most"
    assert [row[3:] for row in await rows(house.pool, STANDING)] == [("missed", reason)] * 2
    assert [(line["rule"], line["times"]) for line in told] == [("remind", 1)], "the other is in shadow"
    assert counted == 1


async def test_news_that_no_webhook_told_is_not_lost_and_the_moment_goes_with_it(house: House) -> None:
    await house.rules(REMIND + rule("moved", "appointment.rescheduled", "do: add_note, text: moved"))
    booked = await visit(house)
    earlier = {"starts": in_days(3, "09:00"), "ends": in_days(3, "10:00")}
    async with house.pool.acquire() as connection:
        # As if it had been at nine, and nobody had told that it was moved to noon.
        await connection.execute("UPDATE appointments SET booking = booking || $1::jsonb", earlier)
        await connection.execute(
            "UPDATE timers SET due_at = due_at - interval '3h', until_at = until_at - interval '3h'"
        )
    await fire(house, DUE - 3 * HOUR)
    assert await house.notes(booked) == ["moved"], "it is not two hours before its start"
    assert (await triggers(house, booked))[1:] == [
        ["2h before start", "appointment.rescheduled", "appointment.updated"],
    ]
    assert [row[2:4] for row in await rows(house.pool, STANDING)] == [(DUE, "waiting")]
    await fire(house)
    assert sorted(await house.notes(booked)) == ["Soon at 10:00", "moved"]


async def test_a_rule_that_is_gone_by_then_is_not_asked(house: House) -> None:
    await house.rules(REMIND)
    booked = await visit(house)
    await house.rules(rule("remind", "3h before start", "do: add_note, text: x"))
    await fire(house)
    *_, delivery = await house.deliveries(booked)
    assert (delivery["state"], delivery["verdicts"]) == ("done", [])
    assert delivery["reason"] == "the booking or the rules have changed: the moment holds no more"


async def test_what_the_clock_tells_asks_its_rule_without_a_booking(house: House) -> None:
    await house.rules(rule("open", "every day at 07:00, appointment.deleted", "do: add_note, text: x") + REMIND)
    await timekeeper.lay(house.work)
    [(*_, due, state, _)] = await rows(house.pool, STANDING)
    assert (due > datetime.now(UTC), state) == (True, "waiting")
    await fire(house, due)
    [(again, delivery_id)] = await rows(house.pool, "SELECT due_at, delivery_id FROM timers")
    assert timedelta(hours=22) < again - due < timedelta(hours=26)
    shown = await house.shown(str(delivery_id))
    assert (shown["state"], shown["triggers"]) == ("done", ["every day at 07:00"])
    assert [(verdict["rule"], verdict["held"]) for verdict in shown["verdicts"]] == [("open", True)]


async def test_two_timekeepers_at_once_fire_each_once(house: House, database_url: str) -> None:
    await house.rules(rule("remind", "2h before start", "do: add_note, text: soon", more="late: 2h,"))
    visits = [await house.book(in_days(3, clock)) for clock in ("11:00", "11:30", "12:00", "12:30")]
    await house.settled()
    async with pool_of(database_url) as pool:
        later = at(house, DUE + timedelta(minutes=30))
        everywhere = [replace(later, pool=each) for each in (house.pool, pool) for _ in range(3)]
        await asyncio.gather(*(timekeeper.fire(work) for work in everywhere))
    await house.settled()
    assert [await house.notes(booked) for booked in visits] == [["soon"]] * 4


@pytest.fixture
async def idle(database_url: str, servers: Servers) -> AsyncIterator[House]:
    """Nobody works here."""
    async with open_house(database_url, servers.redis_url, working=False) as opened:
        yield opened


@pytest.mark.parametrize(("minutes", "asked"), [(15, True), (16, False)])
async def test_a_delivery_that_waited_too_long_asks_nobody_and_changes_are_news_still(
    idle: House, minutes: int, asked: bool
) -> None:
    booked = await idle.book(START)
    async with asyncio.timeout(10):
        while not await rows(idle.pool, "SELECT FROM deliveries"):
            await asyncio.sleep(0.01)  # the webhook's own
    async with idle.pool.acquire() as connection:
        location = await locations.find(connection, Keys(SECRET), LOCATION)
    assert location is not None
    timer = Timer(new_id(), LOCATION, booked, None, "remind", "2h before start", DUE, DUE + QUARTER, location.time_zone)
    now = DUE + timedelta(minutes=minutes)
    async with idle.pool.acquire() as connection:
        await timers.end(connection, [Outcome(timer)], now, ignored_kept=0)
        lane_id = await connection.fetchval("SELECT lane_id FROM deliveries WHERE event = 'moment'")
        await connection.execute("DELETE FROM deliveries WHERE event <> 'moment'")
        [lane] = await lanes.claim(connection, "a worker")
        [delivery] = (await deliveries.next_open(connection, [lane_id])).values()
    record = Record(Lease(idle.pool, lane, elapsed()), Work(lane, delivery))
    found = await meaning(idle.work.client(location, record), delivery, None, location, now)
    assert isinstance(found, Meaning)
    assert found.triggers == {"appointment.created"} | ({"2h before start"} if asked else set())
    assert (found.missed is None) is asked
    [entry] = read({"rules.yaml": NAMES + REMIND})
    assert bool(heard(found, entry.rule, location)) is asked


async def test_whatever_goes_wrong_it_goes_on_and_says_so_once() -> None:
    errors: list[Exception] = [asyncpg.ConnectionDoesNotExistError("away"), ValueError("unthought of")]
    went_on = asyncio.Event()

    async def act() -> None:
        if errors:
            raise errors.pop()
        went_on.set()

    with structlog.testing.capture_logs() as lines:
        task = asyncio.create_task(rounds(act, 0.001, Outage("gone", "back")))
        async with asyncio.timeout(5):
            await went_on.wait()
            while len(lines) < 2:
                await asyncio.sleep(0.001)
        task.cancel()
    assert [line["event"] for line in lines] == ["gone", "back"]


async def test_it_lays_and_fires_until_it_is_told_to_stop(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timekeeper, "FIRE_EVERY", 0.01)
    monkeypatch.setattr(timekeeper, "LAY_EVERY", 0.01)
    booked = await visit(house)
    await house.rules(REMIND)
    ahead = asyncio.create_task(timekeeper.run(at(house, DUE - HOUR)))
    async with asyncio.timeout(10):
        while not await rows(house.pool, STANDING):
            await asyncio.sleep(0.02)
        due = asyncio.create_task(timekeeper.run(at(house, DUE)))
        while not await house.notes(booked):
            await asyncio.sleep(0.02)
    for task in (ahead, due):
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
