"""Opening hours: by the week, the date and the clock on the wall, and when that is."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from service.availability.intervals import Interval
from service.highlevel.calendars import Calendar, OpenDay, OpeningHours
from service.highlevel.schedules import KeptRule

DAY = 24 * 60
"""Minutes; a closing time of 24:00 is this many."""

NONE, ONE_DAY = timedelta(), timedelta(days=1)

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
"""As schedules call them, in Python's order."""

CLOCK = re.compile(r"([01]?[0-9]|2[0-3]):([0-5][0-9])|(24):(00)", re.ASCII)

ONLY_THE_WEEK, ONLY_THE_DATES = 0, 1
"""What a calendar's `availabilityType` may say."""

Times = tuple[int, int]
"""Opens and closes, in minutes after midnight by the local clock."""


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


@dataclass(frozen=True)
class Hours:
    """When somewhere or somebody is open.

    `dates` has the hours of single dates, as minutes after midnight, in place of those of their weekdays; a date with
    none is closed.
    """

    zone: ZoneInfo
    week: tuple[OpenTime, ...] = ()
    dates: Mapping[date, tuple[Times, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for day, hours in self.dates.items():
            for opens, closes in hours:
                OpenTime(day.weekday(), opens, closes)

    def openings(self, window: Interval) -> list[Interval]:
        """Every opening that overlaps the window, earliest first, whole: cut at the window its slots would shift."""
        by_weekday: list[tuple[Times, ...]] = [
            tuple((open_time.opens, open_time.closes) for open_time in self.week if open_time.weekday == weekday)
            for weekday in range(7)
        ]
        found: list[tuple[datetime, datetime]] = []
        day = window.starts.astimezone(self.zone).date()
        # Where clocks go back over midnight the next day has begun before.
        last = window.ends.astimezone(self.zone).date() + ONE_DAY
        while day <= last:
            for opens, closes in self.dates.get(day, by_weekday[day.weekday()]):
                starts, ends = first_instant(day, opens, self.zone), first_instant(day, closes, self.zone)
                if max(starts, window.starts) < min(ends, window.ends):
                    found.append((starts, ends))
            day += ONE_DAY
        return [Interval(starts, ends) for starts, ends in sorted(found)]


def hours_of_calendar(calendar: Calendar, zone: ZoneInfo) -> Hours:
    """As HighLevel shows them; `zone` is the location's.

    A close of 0:00 means the day's end. What has no length or runs backwards is no opening; several entries for one
    date add up. Raises ValueError for a clock time that cannot be.
    """
    week = () if calendar.availability_type == ONLY_THE_DATES else week_of(calendar.open_hours)
    dates: dict[date, tuple[Times, ...]] = {}
    if calendar.availability_type != ONLY_THE_WEEK:
        for availability in calendar.availabilities:
            if not availability.deleted:
                dates[availability.date] = dates.get(availability.date, ()) + _times_of(availability.hours)
    return Hours(zone, week, dates)


def hours_of_schedule(rules: Iterable[KeptRule], timezone: str) -> Hours:
    """As HighLevel shows them, in the schedule's own time zone; several rules for one day add up.

    An interval to 00:00 lasts to the day's end; one without length, or backwards, is no opening. Raises ValueError for
    an unknown time zone, kind of rule, day or clock time.
    """
    try:
        zone = ZoneInfo(timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"no time zone: {timezone!r}") from None
    week: list[OpenTime] = []
    dates: dict[date, tuple[Times, ...]] = {}
    for rule in rules:
        spans = ((_minutes_of(interval.start), _minutes_of(interval.end) or DAY) for interval in rule.intervals)
        times = tuple((opens, closes) for opens, closes in spans if opens < closes)
        if rule.type == "wday" and rule.day in WEEKDAYS:
            week += [OpenTime(WEEKDAYS.index(rule.day), *hours) for hours in times]
        elif rule.type == "date" and rule.date is not None:
            dates[rule.date] = dates.get(rule.date, ()) + times
        else:
            raise ValueError(f"no rule of a schedule: type {rule.type!r}, day {rule.day!r}, date {rule.date}")
    return Hours(zone, tuple(week), dates)


def week_of(open_hours: Iterable[OpenDay]) -> tuple[OpenTime, ...]:
    """A calendar's hours as HighLevel writes them (Sunday is 0)."""
    return tuple(
        OpenTime((day - 1) % 7, opens, closes)
        for open_day in open_hours
        for opens, closes in _times_of(open_day.hours)
        for day in open_day.days_of_the_week
    )


def _times_of(hours: Iterable[OpeningHours]) -> tuple[Times, ...]:
    spans = (
        (span.open_hour * 60 + span.open_minute, min(span.close_hour * 60 + span.close_minute, DAY) or DAY)
        for span in hours
    )
    return tuple((opens, closes) for opens, closes in spans if opens < closes)


def _minutes_of(clock: str) -> int:
    read = CLOCK.fullmatch(clock)
    if read is None:
        raise ValueError(f"no clock time: {clock!r}")
    hour, minute = (int(part) for part in read.groups() if part is not None)
    return hour * 60 + minute


def first_instant(day: date, minutes: int, zone: tzinfo) -> datetime:
    """When the local clock first shows this time or later, in UTC.

    A time that comes twice (clocks go back) means its first coming; one that never comes (clocks go forward) means the
    moment of the change.
    """
    if minutes == DAY:
        day, minutes = day + ONE_DAY, 0
    clock, clock_after = _clock(minutes)
    wall, wall_after = datetime.combine(day, clock), datetime.combine(day, clock_after)
    early, before = wall - _offset(zone, wall), wall_after - _offset(zone, wall_after)
    if early <= before:  # no change of the clocks, or the first of two times that the clock shows this
        return early
    # In the gap: fold=1 reads the clock after the change, which lands before it, and fold=0 lands behind it.
    offset_before = before.astimezone(zone).utcoffset()
    low, high = 0, int((early - before).total_seconds())
    while high - low > 1:
        middle = (low + high) // 2
        if (before + timedelta(seconds=middle)).astimezone(zone).utcoffset() == offset_before:
            low = middle
        else:
            high = middle
    return before + timedelta(seconds=high)


@lru_cache(maxsize=DAY)
def _clock(minutes: int) -> tuple[time, time]:
    """What the clock shows, as before a change and as after it. To make these takes longer than all else about an
    opening."""
    clock = time(minutes // 60, minutes % 60, tzinfo=UTC)
    return clock, clock.replace(fold=1)


def _offset(zone: tzinfo, wall: datetime) -> timedelta:
    return zone.utcoffset(wall) or NONE
