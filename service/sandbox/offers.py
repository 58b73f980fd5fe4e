"""Slots on offer: the calendar's hours less what its people and the calendar itself have on."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from service.availability.hours import openings
from service.availability.intervals import Interval
from service.availability.slots import slots
from service.sandbox.records import Calendar, Location
from service.sandbox.world import World

INSTANT = timedelta(microseconds=1)


@dataclass(frozen=True)
class Offer:
    start: datetime
    people: tuple[str, ...]
    """Who of the team is free, in the team's order; nobody where there is no team."""


def offers(
    world: World,
    location: Location,
    calendar: Calendar,
    window: Interval,
    *,
    person: str | None = None,
    but: str | None = None,
    past: bool = False,
) -> list[Offer]:
    """Slots that start in the window, earliest first: one is on offer while anybody of the team is free.

    `person` asks about that member only; `but` is an appointment whose own time counts as free; `past` offers what is
    over, too.
    """
    open_times = openings(calendar.week, location.timezone, window) if calendar.is_active else []
    if not open_times:
        return []
    extent = Interval(open_times[0].starts, max(opening.ends for opening in open_times))
    duration, step = timedelta(minutes=calendar.slot_minutes), timedelta(minutes=calendar.interval_minutes)
    blocked = [block.interval for block in world.blocks(("calendar", calendar.id), extent)]
    free: dict[datetime, tuple[str, ...]] = {}
    if calendar.team:
        for member in calendar.team if person is None else (person,):
            busy = [*blocked, *world.taken(("person", member), extent, but=but)]
            for start in slots(open_times, busy, duration, step):
                free[start] = (*free.get(start, ()), member)
    else:
        busy = world.taken(("calendar", calendar.id), extent, but=but)
        free = dict.fromkeys(slots(open_times, busy, duration, step), ())
    earliest = window.starts if past else max(window.starts, world.now())
    return [Offer(start, people) for start, people in sorted(free.items()) if earliest <= start < window.ends]


def offer_at(
    world: World,
    location: Location,
    calendar: Calendar,
    start: datetime,
    *,
    person: str | None = None,
    but: str | None = None,
    past: bool = False,
) -> Offer | None:
    """The slot that starts at this very instant."""
    found = offers(world, location, calendar, Interval(start, start + INSTANT), person=person, but=but, past=past)
    return found[0] if found else None
