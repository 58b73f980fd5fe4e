"""The timekeeper: fires the timers that are due, and lays those of bookings ahead when what is in force has changed."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

import structlog

from service import telemetry
from service.store import alerts, bursts, layings, ledger, locations, overrides, timers, verdicts
from service.store.layings import Laying
from service.store.locations import Location
from service.store.timers import Outcome, Timer
from service.telemetry import Outage
from workers.faults import RulebookFaults
from workers.judge import mode_of, unasked
from workers.rounds import rounds
from workers.rule import Rule
from workers.timetable import laid_by_clock, laid_newly, outcome, reach, waiting
from workers.workplace import Workplace

log = structlog.get_logger()

FIRE_EVERY = 0.5
"""Seconds. With the sweep it bounds how long after its time a moment is asked about."""

LAY_EVERY = 2.0
PATIENCE = 5.0
FIRED_AT_ONCE = 100
LAID_AT_ONCE = 200


async def run(work: Workplace) -> None:
    """Until cancelled; survives whatever happens."""
    fires = Outage("cannot fire the moments that are due", "fires moments again")
    lays = Outage("cannot lay the moments of bookings", "lays moments again")
    async with asyncio.TaskGroup() as group:
        group.create_task(rounds(lambda: fire(work), FIRE_EVERY, fires))
        group.create_task(rounds(lambda: lay(work), LAY_EVERY, lays))


async def fire(work: Workplace) -> None:
    """Turn all that is due into deliveries, each in the transaction that says so; what is too late ends with that."""
    await _fire_moments(work)
    fired = FIRED_AT_ONCE
    while fired == FIRED_AT_ONCE:
        async with work.pool.acquire(timeout=PATIENCE) as connection, connection.transaction():
            kept = work.settings.ignored_kept
            fired = await bursts.fire(connection, work.clock(), FIRED_AT_ONCE, ignored_kept=kept)


async def _fire_moments(work: Workplace) -> None:
    while True:
        async with work.pool.acquire(timeout=PATIENCE) as connection, connection.transaction():
            now = work.clock()
            taken = await timers.due(connection, now, FIRED_AT_ONCE)
            if not taken:
                return
            outcomes = [_outcome(timer, now) for timer in taken]
            ids = await timers.end(connection, outcomes, now, ignored_kept=work.settings.ignored_kept)
        await _tell(work, zip(outcomes, ids, strict=True))


def _outcome(timer: Timer, now: datetime) -> Outcome:
    """One of which nobody can say what becomes of it is missed, and holds up no other."""
    try:
        return outcome(timer, now)
    except Exception as error:
        log.error("unexpected error", error=type(error).__name__, timer=str(timer.timer_id), exc_info=error)
        telemetry.report(error)
        return Outcome(timer, f"an unexpected {type(error).__name__}; the log has more")


async def _tell(work: Workplace, ended: Iterable[tuple[Outcome, UUID | None]]) -> None:
    """What was missed is found by its rule, which was not asked; of each rule that is live one line and one alert say
    so, however many bookings it was for."""
    missed: dict[tuple[str, str, str], dict[UUID, str]] = defaultdict(dict)
    for each, delivery_id in ended:
        if each.missed and delivery_id:
            missed[each.timer.location_id, each.timer.rule, each.timer.moment][delivery_id] = each.missed
    for (location_id, rule, moment), whys in missed.items():
        place, mode = await _standing(work, location_id, rule)
        async with work.pool.acquire(timeout=PATIENCE) as connection, connection.transaction():
            if place is not None:
                given = [verdicts.given(each, unasked(place, rule, mode, moment, why)) for each, why in whys.items()]
                await ledger.write_down(connection, given)
            if mode == "live":
                await ledger.write_down(connection, [alerts.missed(moment, location_id, rule, each) for each in whys])
        if mode == "live":
            log.warning("a moment was missed", location=location_id, rule=rule, moment=moment, times=len(whys))
            work.tally.add("moments_missed", len(whys))


async def _standing(work: Workplace, location_id: str, rule: str) -> tuple[int | None, str]:
    """At which place a rule stands among those in force, and its mode: live where that is not known; none, and off,
    where it is gone or not to be asked."""
    async with work.pool.acquire(timeout=PATIENCE) as connection:
        location = await locations.look_up(connection, location_id)
        _, modes = await overrides.of_rules(connection, [location_id])
    if location is None:
        return None, "off"
    try:
        rulebook = await work.rulebook_in_force(location_id)
    except RulebookFaults:
        return None, "live"
    place = rulebook.places.get(rule)
    mode = "off" if place is None else mode_of(rulebook.entries[place], location, modes)
    return None if mode == "off" else place, mode


async def lay(work: Workplace) -> None:
    """Lay the moments of every location whose rules, clock or mode are not those that it has them for."""
    async with work.pool.acquire(timeout=PATIENCE) as connection:
        due = await layings.wanted(connection, LAID_AT_ONCE)
    for laying in due:
        async with work.pool.acquire(timeout=PATIENCE) as connection:
            begun = await layings.begin(connection, laying)
            location = await locations.look_up(connection, laying.location_id) if begun else None
        if begun is None or location is None or (location.time_zone, location.mode) != (laying.time_zone, laying.mode):
            continue
        try:
            rulebook = await work.rulebook(laying.rulebook_id)
            rules = waiting(rulebook, location)
        except RulebookFaults:
            continue  # It is tried again when the claim has ended. That nobody can read them the deliveries say.
        await _lay(work, laying, begun, location, rules)


async def _lay(work: Workplace, laying: Laying, begun: datetime, location: Location, rules: tuple[Rule, ...]) -> None:
    async with work.pool.acquire(timeout=PATIENCE) as connection, connection.transaction():
        kept = [(rule.name, moment.words) for rule in rules for moment in rule.moments]
        await timers.prune(connection, location.location_id, kept)
        standing = await timers.of_clock(connection, location.location_id)
        wanted = tuple(laid_by_clock(rules, location, work.clock(), standing))
        await timers.relay_clock(connection, location.location_id, wanted)
    after: str | None = "" if rules else None
    while after is not None:
        after = await _lay_some(work, laying, location, rules, after)
    async with work.pool.acquire(timeout=PATIENCE) as connection:
        await layings.finish(connection, laying, begun, again=laying.changed and bool(rules))


async def _lay_some(
    work: Workplace, laying: Laying, location: Location, rules: tuple[Rule, ...], after: str
) -> str | None:
    """Those of some bookings ahead; the last one's id, None when there are no more."""
    now = work.clock()
    async with work.pool.acquire(timeout=PATIENCE) as connection, connection.transaction():
        found = await layings.bookings(connection, location.location_id, after, now - reach(rules), LAID_AT_ONCE)
        for booking, made_by_us in found:
            wanted = laid_newly(rules, location, booking, now, laying.since, made_by_us=made_by_us)
            await timers.relay(connection, booking, wanted)
    async with work.pool.acquire(timeout=PATIENCE) as connection:
        await layings.go_on(connection, laying)
    return found[-1][0].id if len(found) == LAID_AT_ONCE else None
