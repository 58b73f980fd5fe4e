"""Moments that were missed, wherever that comes to light: each is told once, and found in the history."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import structlog

from service.console.explanation import Line, explain
from service.store import history, holds, interventions, overrides
from service.store.identifiers import new_id
from tests.house import House, in_days
from tests.reconciling import hold, worked
from tests.sandboxes import DANA, LOCATION
from tests.test_apply import rule
from tests.test_deliveries import rows
from tests.test_timekeeper import DUE, EARLY, HOUR, QUARTER, REMIND, STANDING, START, at, fire, states, visit
from tests.workshop import alerts, booking, fault, tell, until
from workers import timekeeper

MISSED = "missed: remind was due 2h before start; 30m late, and it may come 15m late at most"
OPENS = rule("open", "every day at 07:00", "do: call, url: 'https://desk.example.com/hook', body: {a: b}")


@asynccontextmanager
async def paused(house: House, scope: holds.Scope = "location", name: str = "") -> AsyncIterator[None]:
    """Whatever comes meanwhile waits."""
    async with house.pool.acquire() as connection:
        await holds.shut(connection, scope, "paused", location_id=LOCATION, rule=name, reason="paused", who="mo")
    yield
    async with house.pool.acquire() as connection:
        await holds.lift(connection, scope, ["paused"], location_id=LOCATION, rule=name)


async def shown(house: House, name: str) -> list[Any]:
    """What the history shows of a rule, oldest first."""
    async with house.pool.acquire() as connection:
        listed = await history.listed(connection, rule=name, source="moment")
        return [await history.shown(connection, each["delivery_id"]) for each in reversed(listed)]


def now_is(house: House, moment: datetime) -> None:
    house.clock.ahead = moment - datetime.now(UTC)


async def test_the_history_names_the_rule_and_each_booking_whose_moment_was_missed(house: House) -> None:
    await house.rules(REMIND + EARLY)
    visits = [await visit(house), await visit(house, in_days(3, "12:30"))]
    await fire(house, DUE + 2 * HOUR)
    missed = await shown(house, "remind")
    assert [(each["appointment_id"], each["state"], each["steps"]) for each in missed] == [
        (booked, "done", []) for booked in visits
    ]
    assert missed[0]["reason"] == "missed: remind was due 2h before start; 2h late, and it may come 15m late at most"
    [judged] = explain(missed[0]).rules
    [line] = judged.checks
    assert isinstance(line, Line)
    told = judged.rule, line.meaning, line.words, line.actual
    late = "2h late, and it may come 15m late at most"
    assert told == ("remind", "does not hold", "moment in time 2h before start", late)
    assert len(await shown(house, "early")) == 2, "in shadow as well"
    assert await alerts(house) == {("late", "remind"): 2}


@pytest.mark.parametrize("mode", ["off", "shadow"])
async def test_nobody_is_called_for_what_a_rule_missed_that_is_overridden(house: House, mode: overrides.Mode) -> None:
    await house.rules(REMIND)
    await visit(house)
    async with house.pool.acquire() as connection:
        await overrides.put(connection, "remind", mode, reason="", who="ada")
    await fire(house, DUE + 2 * HOUR)
    assert await alerts(house) == {}
    modes = [row["mode"] for row in await house.pool.fetch("SELECT mode FROM verdicts WHERE rule = 'remind'")]
    assert modes == ([] if mode == "off" else ["shadow"])


async def test_each_time_of_the_clock_that_was_missed_is_named(house: House) -> None:
    await house.rules(OPENS)
    await timekeeper.lay(house.work)
    [(*_, due, _, _)] = await rows(house.pool, STANDING)
    await timekeeper.fire(at(house, due + timedelta(days=2, hours=1)))
    assert [each["reason"].partition(";")[2] for each in await shown(house, "open")] == [
        " 2d1h late, and it may come 15m late at most",
        " 1d1h late, and it may come 15m late at most",
        " 1h late, and it may come 15m late at most",
    ]
    assert [row[2:4] for row in await rows(house.pool, STANDING)] == [(due + timedelta(days=3), "waiting")]


async def test_one_that_waited_too_long_to_be_judged_is_told_and_waits_for_no_timer(house: House) -> None:
    await house.rules(REMIND)
    booked = await visit(house)
    with structlog.testing.capture_logs() as lines:
        async with paused(house):
            await timekeeper.fire(at(house, DUE))
            now_is(house, DUE + 2 * QUARTER)
        async with house.pool.acquire() as beside, beside.transaction():
            # As somebody does who fires what is due next.
            await beside.execute("SELECT FROM timers FOR UPDATE")
            await worked(house)
    *_, missed = await house.deliveries(booked)
    assert (missed["state"], missed["steps"]) == ("done", [])
    assert missed["reason"].startswith("missed: remind was due 2h before start; 30m late")
    assert [verdict["held"] for verdict in missed["verdicts"]] == [False]
    assert [line["rule"] for line in lines if line["event"] == "a moment was missed"] == ["remind"]
    assert await alerts(house) == {("late", "remind"): 1}
    assert house.work.tally.take().values["moments_missed", ()] == 1


async def test_a_moment_of_a_booking_that_was_moved_meanwhile_is_not_missed(house: House) -> None:
    await house.rules(REMIND)
    booked = await visit(house)
    async with paused(house):
        await house.edit(booked, startTime=in_days(3, "15:00"), endTime=in_days(3, "16:00"))
        await until(lambda: rows(house.pool, "SELECT FROM deliveries WHERE state = 'waiting'"))
        await timekeeper.fire(at(house, DUE))
        now_is(house, DUE + HOUR)
    await house.settled()
    *_, moment = await house.deliveries(booked)
    assert moment["reason"] == "the booking or the rules have changed: the moment holds no more"
    assert await alerts(house) == {}


async def test_a_rule_that_was_held_back_over_its_moment_has_missed_it(house: House) -> None:
    await house.rules(REMIND)
    booked = await visit(house)
    now_is(house, DUE + timedelta(seconds=1))
    async with paused(house, "rule", "remind"):
        await timekeeper.fire(house.work)
        await worked(house)
    now_is(house, DUE + 2 * QUARTER)
    async with house.pool.acquire() as connection, connection.transaction():
        kept_from = await interventions.held_back(connection, "remind", LOCATION, 10)
        await interventions.carry_out(connection, "retry", kept_from, "mo")
    await worked(house)
    assert await house.notes(booked) == []
    *_, missed = await house.deliveries(booked)
    assert (missed["state"], missed["reason"]) == ("done", MISSED)
    assert [(step["state"], step["reason"]) for step in missed["steps"]] == [("unchanged", MISSED)]
    assert await alerts(house) == {("parked", "remind"): 1, ("late", "remind"): 1}


async def test_a_timer_that_nobody_can_end_holds_up_no_other(house: House) -> None:
    await house.rules(REMIND)
    booked = await visit(house)
    async with house.pool.acquire() as connection:
        await connection.execute("INSERT INTO locations (location_id, time_zone, token) VALUES ('zz', 'No/Where', '')")
        await connection.execute(
            """
            INSERT INTO timers (timer_id, location_id, rule, moment, due_at, until_at, state)
            VALUES ($1, 'zz', 'open', 'every day at 07:00', $2, $2, 'waiting')
            """,
            new_id(),
            DUE - HOUR,
        )
    await fire(house)
    assert await house.notes(booked) == ["Soon at 10:00"]
    assert sorted(await states(house)) == [("open", "missed"), ("remind", "fired")]


@pytest.mark.parametrize("waits", [False, True])
async def test_what_we_move_takes_its_moments_along_though_no_webhook_tells_of_it(house: House, waits: bool) -> None:
    move = "do: reschedule, to: next_free, within: {hours: '16:00-18:00'}, notify: false"
    await house.rules(REMIND + rule("move", "appointment.created", f"{move}}}, {{do: add_note, text: moved"))
    await hold(house)
    if waits:
        await fault(house, "CreateNote:429*1000000")
    told = booking(1, datetime.fromisoformat(START), assignedUserId=DANA)
    await tell(house, told)
    if waits:
        await until(lambda: rows(house.pool, "SELECT FROM deliveries WHERE waits_for IS NOT NULL"))
    else:
        await worked(house)
    starts = datetime.fromisoformat((await house.appointment(told["id"]))["startTime"])
    assert starts > DUE + 5 * HOUR
    assert await rows(house.pool, STANDING) == [("remind", "2h before start", starts - 2 * HOUR, "waiting", None)]


async def test_a_moment_that_the_old_rules_took_away_comes_when_they_are_laid_once_more(house: House) -> None:
    booked = await visit(house)
    await house.rules(REMIND)
    await timekeeper.lay(house.work)
    async with house.pool.acquire() as connection:
        # What a delivery did that was taken up before the rules were put in force.
        await connection.execute("DELETE FROM timers")
        await connection.execute("UPDATE laid SET again_at = now() - interval '1 second'")
    late = at(house, DUE + timedelta(seconds=30))
    await timekeeper.lay(replace(late))
    assert await states(house) == [("remind", "waiting")]
    await fire(house, DUE + timedelta(seconds=31))
    assert await house.notes(booked) == ["Soon at 10:00"]
