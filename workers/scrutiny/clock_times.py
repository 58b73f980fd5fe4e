"""Clock times that conditions and steps name, and what becomes of them in a night in which the clocks change."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from workers.moments import at
from workers.operands import Span
from workers.scrutiny.clock_changes import A_DAY, Change, change_at
from workers.week_hours import WeekHours


@dataclass(frozen=True)
class Zones:
    """Where a rule is for, and the next changes there."""

    zones: Sequence[ZoneInfo]
    ahead: Sequence[Change]


def clock_times(operand: object, change: Change) -> Iterator[datetime]:
    """The times that it names of every day, or of the days around the change, as the clock shows them."""
    match operand:
        case time():
            yield from (datetime.combine(day, operand) for day in change.days)
        case Span(start, end):
            yield from clock_times(start, change)
            yield from clock_times(end, change)
        case tuple():
            for each in operand:
                yield from clock_times(each, change)
        case WeekHours():
            yield from bounds(operand, change)


def bounds(week: WeekHours, change: Change, means: Callable[[date], bool] = lambda day: True) -> list[datetime]:
    """When hours begin and end around the change; `means` tells whether those that begin on a day are meant."""
    found: list[datetime] = []
    for day in filter(means, (change.first.date() - A_DAY, *change.days)):
        for hours in week.days[day.weekday()]:
            last = day + A_DAY if hours.over_midnight else day
            found += (datetime.combine(day, hours.start), datetime.combine(last, hours.end))
    return found


def moments(operand: object) -> Iterator[datetime]:
    """Those that are to be read on the location's clock."""
    match operand:
        case datetime(tzinfo=None):
            yield operand
        case Span(start, end):
            yield from moments(start)
            yield from moments(end)
        case tuple():
            for each in operand:
                yield from moments(each)


def of_exact(moment: datetime, zones: Iterable[ZoneInfo]) -> str | None:
    if moment.time() == time():
        return None  # the first moment of its day, whatever is shown then
    change = next(filter(None, (change_at(zone, moment) for zone in zones)), None)
    if change is None:
        return None
    instant = at(moment.date(), moment.time(), change.zone).astimezone(change.zone)
    meant = f"{instant:%H:%M}" if change.leaves_out else "the first"
    offset = instant.isoformat(" ", "minutes")
    return f"{change}, and {moment:%H:%M} {change.how}: {meant} is meant, and {offset} says so"


def odd(change: Change, shown: datetime, comes: datetime) -> str | None:
    """What becomes of this time; None for the first that is left out or comes twice: that is the change itself, or
    the first of the two for everybody."""
    if shown == change.first:
        return None
    how = f"comes at {comes:%H:%M} then" if change.leaves_out else "comes twice, and the first is meant"
    return f"{change}, and {shown:%H:%M} {how}"
