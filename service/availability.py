"""Time as intervals: opening hours, what is taken, and the slots left between."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from service.highlevel.calendars import OpenDay

DAY = 24 * 60
"""Minutes; a closing time of 24:00 is this many."""


@dataclass(frozen=True, order=True)
class Interval:
    """Half open: `starts` belongs to it, `ends` does not.

    Both are turned into UTC: Python compares and adds by the clock on the wall as long as the zone is the same object,
    which is wrong across a change of the clocks. An empty interval is allowed (HighLevel's published samples end when
    they start) and overlaps nothing.
    """

    starts: datetime
    ends: datetime

    def __post_init__(self) -> None:
        if self.starts.tzinfo is None or self.ends.tzinfo is None:
            raise ValueError("an interval needs aware times")
        object.__setattr__(self, "starts", self.starts.astimezone(UTC))
        object.__setattr__(self, "ends", self.ends.astimezone(UTC))
        if self.ends < self.starts:
            raise ValueError("an interval cannot end before it starts")

    def overlaps(self, other: "Interval") -> bool:
        return max(self.starts, other.starts) < min(self.ends, other.ends)

    def contains(self, other: "Interval") -> bool:
        return self.starts <= other.starts and other.ends <= self.ends


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


def merged(intervals: Iterable[Interval]) -> list[Interval]:
    """The same time in as few intervals as possible, earliest first; empty ones are gone."""
    result: list[Interval] = []
    for interval in sorted(intervals):
        if interval.starts == interval.ends:
            continue
        if result and interval.starts <= result[-1].ends:
            result[-1] = Interval(result[-1].starts, max(result[-1].ends, interval.ends))
        else:
            result.append(interval)
    return result


def is_busy(wanted: Interval, busy: Iterable[Interval]) -> bool:
    return any(wanted.overlaps(taken) for taken in busy)


def subtract(open_times: Iterable[Interval], busy: Iterable[Interval]) -> list[Interval]:
    """What is left of the open times, earliest first."""
    taken = merged(busy)
    left: list[Interval] = []
    for opening in merged(open_times):
        starts = opening.starts
        for block in taken[_first_after(taken, starts) :]:
            if block.starts >= opening.ends:
                break
            if starts < block.starts:
                left.append(Interval(starts, block.starts))
            starts = max(starts, block.ends)
        if starts < opening.ends:
            left.append(Interval(starts, opening.ends))
    return left


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


def slots(
    open_times: Iterable[Interval], busy: Iterable[Interval], duration: timedelta, step: timedelta
) -> list[datetime]:
    """Starts on offer, earliest first, in UTC.

    They begin with each opening and go on by `step`; one is on offer when the whole of `duration` from it lies inside
    the opening and touches nothing busy. Openings are not merged: each has its own grid.
    """
    if duration <= timedelta() or step <= timedelta():
        raise ValueError("a slot has a length, and so has the step between two")
    taken = merged(busy)
    found: set[datetime] = set()
    for opening in open_times:
        start = opening.starts
        while start + duration <= opening.ends:
            at = _first_after(taken, start)
            if at == len(taken) or taken[at].starts >= start + duration:
                found.add(start)
            start += step
    return sorted(found)


def _first_after(taken: Sequence[Interval], moment: datetime) -> int:
    """Index of the first of merged intervals that ends after the moment."""
    return bisect_right(taken, moment, key=lambda interval: interval.ends)
