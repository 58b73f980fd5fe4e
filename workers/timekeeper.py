"""The timekeeper: fires the timers that are due, and lays those of bookings ahead when what is in force has changed."""

import asyncio
from collections import Counter
from collections.abc import Iterable

import structlog

from service.store import layings, locations, timers
from service.store.layings import Laying
from service.store.locations import Location
from service.store.timers import Outcome
from service.telemetry import Outage
from workers.faults import RulebookFaults
from workers.judge import mode_of
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
    """Turn all that is due into deliveries, each in the transaction that says so; what is too late is missed."""
    while True:
        async with work.pool.acquire(timeout=PATIENCE) as connection, connection.transaction():
            now = work.clock()
            taken = await timers.due(connection, now, FIRED_AT_ONCE)
            if not taken:
                return
            outcomes = [outcome(timer, now) for timer in taken]
            await timers.end(connection, outcomes, now, ignored_kept=work.settings.ignored_kept)
        await _tell(work, [each for each in outcomes if each.missed])


async def _tell(work: Workplace, missed: Iterable[Outcome]) -> None:
    """One line for each rule that is live and missed its moment, however many bookings it was for."""
    count = Counter((each.timer.location_id, each.timer.rule, each.timer.moment) for each in missed)
    for (location_id, rule, moment), times in count.items():
        if await _live(work, location_id, rule):
            log.warning("a moment was missed", location=location_id, rule=rule, moment=moment, times=times)
            work.tally.add("moments_missed", times)


async def _live(work: Workplace, location_id: str, rule: str) -> bool:
    async with work.pool.acquire(timeout=PATIENCE) as connection:
        location = await locations.look_up(connection, location_id)
    if location is None:
        return False
    try:
        rulebook = await work.rulebook_in_force(location_id)
    except RulebookFaults:
        return True  # as far as is known
    return any(entry.rule.name == rule and mode_of(entry, location) == "live" for entry in rulebook)


async def lay(work: Workplace) -> None:
    """Lay the moments of every location whose rules, clock or mode are not those that it has them for."""
    async with work.pool.acquire(timeout=PATIENCE) as connection:
        due = await layings.wanted(connection, LAID_AT_ONCE)
    for laying in due:
        async with work.pool.acquire(timeout=PATIENCE) as connection:
            ours = await layings.begin(connection, laying)
            location = await locations.look_up(connection, laying.location_id) if ours else None
        if location is None or (location.time_zone, location.mode) != (laying.time_zone, laying.mode):
            continue
        try:
            rulebook = await work.rulebook(laying.rulebook_id)
        except RulebookFaults:
            continue  # It is tried again when the claim has ended. That nobody can read them the deliveries say.
        await _lay(work, laying, location, waiting(rulebook, location))


async def _lay(work: Workplace, laying: Laying, location: Location, rules: tuple[Rule, ...]) -> None:
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
        await layings.finish(connection, laying, again=laying.changed and bool(rules))


async def _lay_some(
    work: Workplace, laying: Laying, location: Location, rules: tuple[Rule, ...], after: str
) -> str | None:
    """Those of some bookings ahead; the last one's id, None when there are no more."""
    now = work.clock()
    async with work.pool.acquire(timeout=PATIENCE) as connection, connection.transaction():
        found = await layings.bookings(connection, location.location_id, after, now - reach(rules), LAID_AT_ONCE)
        for booking in found:
            await timers.relay(connection, booking, laid_newly(rules, location, booking, now))
    async with work.pool.acquire(timeout=PATIENCE) as connection:
        await layings.go_on(connection, laying)
    return found[-1].id if len(found) == LAID_AT_ONCE else None
