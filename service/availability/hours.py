"""Opening hours: by the week and the clock on the wall, and when that is."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from service.availability.intervals import Interval
from service.highlevel.calendars import OpenDay

DAY = 24 * 60
"""Minutes; a closing time of 24:00 is this many."""


@dataclass(frozen=True)
class OpenTime:
    """Open once a week: `weekday` as Python counts (Monday is 0), `opens` and `closes` in minutes after midnight by the
    local clock, `closes` at most 24:00."""

    weekday: int
    opens: int
    closes: int

    def __post_init__(self) -> None:
        if not (0 <= self.weekday <= 6 and 0 <= self.opens < self.closes <= DAY):
            raise ValueError(f"no opening: {self}")


def week_of(open_hours: Iterable[OpenDay]) -> tuple[OpenTime, ...]:
    """A calendar's hours as HighLevel writes them (Sunday is 0); openings without length are left out."""
    return tuple(
        OpenTime((day - 1) % 7, opens, closes)
        for open_day in open_hours
        for hours in open_day.hours
        for day in open_day.days_of_the_week
        if (opens := hours.open_hour * 60 + hours.open_minute)
        < (closes := min(hours.close_hour * 60 + hours.close_minute, DAY))
    )


def openings(week: Iterable[OpenTime], zone: ZoneInfo, window: Interval) -> list[Interval]:
    """Every opening that overlaps the window, earliest first, whole: cut at the window its slots would shift."""
    by_weekday: dict[int, list[OpenTime]] = {}
    for open_time in week:
        by_weekday.setdefault(open_time.weekday, []).append(open_time)
    result: list[Interval] = []
    day = window.starts.astimezone(zone).date() - timedelta(days=1)
    last = window.ends.astimezone(zone).date()
    while day <= last:
        for open_time in by_weekday.get(day.weekday(), ()):
            opening = Interval(
                first_instant(day, open_time.opens, zone),
                first_instant(day, open_time.closes, zone),
            )
            if opening.overlaps(window):
                result.append(opening)
        day += timedelta(days=1)
    return sorted(result)


def first_instant(day: date, minutes: int, zone: ZoneInfo) -> datetime:
    """When the local clock first shows this time or later, in UTC.

    A time that comes twice (clocks go back) means its first coming; one that never comes (clocks go forward) means the
    moment of the change.
    """
    wall = datetime.combine(day, time()) + timedelta(minutes=minutes)
    early = wall.replace(tzinfo=zone).astimezone(UTC)
    if early.astimezone(zone).replace(tzinfo=None) == wall:
        return early
    # In the gap: fold=1 reads the clock after the change, which lands before it, and fold=0 lands behind it.
    before = wall.replace(tzinfo=zone, fold=1).astimezone(UTC)
    offset_before = before.astimezone(zone).utcoffset()
    low, high = 0, int((early - before).total_seconds())
    while high - low > 1:
        middle = (low + high) // 2
        if (before + timedelta(seconds=middle)).astimezone(zone).utcoffset() == offset_before:
            low = middle
        else:
            high = middle
    return before + timedelta(seconds=high)
