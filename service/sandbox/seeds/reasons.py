"""Why a calendar has no slot at some time, for who wrote a seed."""

from datetime import datetime, timedelta

from service.availability.hours import ONE_DAY, first_instant
from service.availability.intervals import Interval
from service.availability.slots import Terms
from service.highlevel.calendars import Calendar
from service.sandbox.booking.offers import Offers
from service.sandbox.world.records import Location
from service.sandbox.world.world import World

MOST = 4
"""So many openings of a day are told of."""


def why_not(world: World, location: Location, calendar: Calendar, starts: datetime, whom: str | None) -> str:
    """As in `Cuts is closed on Wed 25 Mar at 08:00; it is open from 09:00 to 17:00`."""
    local = starts.astimezone(location.timezone)
    when = f"{calendar.name}, {local:%a %d %b %H:%M}"
    if not calendar.is_active:
        return f"{when}: the calendar is not active"
    terms = Terms.of(calendar)
    slot = Interval(starts, starts + terms.duration)
    day = Interval(
        first_instant(local.date(), 0, location.timezone), first_instant(local.date() + ONE_DAY, 0, location.timezone)
    )
    opened = sorted(set(Offers(world, location, calendar).openings(day, person=whom)))
    around = [opening for opening in opened if opening.contains(slot)]
    if not around:
        minutes = terms.duration // timedelta(minutes=1)
        return f"{when}: closed; {_hours(opened, location)}, and a slot takes {minutes} minutes"
    if all((starts - opening.starts) % terms.interval for opening in around):
        step = terms.interval // timedelta(minutes=1)
        return f"{when}: no slot begins then; they begin every {step} minutes from {_clock(around[0].starts, location)}"
    if any(each.overlaps(slot) for each in _blocks(world, location, calendar, whom, slot)):
        return f"{when}: taken by a block"
    return f"{when}: taken by another booking, or the calendar takes no more that day"


def _hours(opened: list[Interval], location: Location) -> str:
    hours = [f"from {_clock(each.starts, location)} to {_clock(each.ends, location)}" for each in opened[:MOST]]
    return f"that day it is open {' and '.join(hours)}" if hours else "that day it is not open"


def _blocks(world: World, location: Location, calendar: Calendar, whom: str | None, slot: Interval) -> list[Interval]:
    people = (whom,) if whom else calendar.team
    subjects = [("calendar", calendar.id), *(("person", person) for person in people)]
    return [block.interval for subject in subjects for block in world.diary.blocks_of(subject, location.id, slot)]


def _clock(moment: datetime, location: Location) -> str:
    return f"{moment.astimezone(location.timezone):%H:%M}"
