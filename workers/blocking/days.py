"""Stretches of days: from one clock time to another, on the days that are meant, on the location's clock."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from service.availability.hours import first_instant
from service.availability.intervals import Interval
from workers.values import Days

ONE_DAY: Final = timedelta(days=1)

MIDNIGHT: Final = time.max
"""What 24:00 is read as: the end of the day, which no clock shows."""


@dataclass(frozen=True)
class Daily:
    """From one clock time until another, on the next day where that is no later; `on` None is every day."""

    start: time
    end: time
    on: Days | None = None
    excluded: Days | None = None

    def means(self, day: date) -> bool:
        return (self.on is None or day in self.on) and (self.excluded is None or day not in self.excluded)

    def stretches(self, first: date, days: int, zone: ZoneInfo) -> Iterator[Interval]:
        """Those that begin on one of so many days. A clock time that comes twice is its first coming, one that never
        comes the moment of the change; what is nothing at all for that is left out."""
        for number in range(days):
            day = first + number * ONE_DAY
            if self.means(day):
                stretch = self._of(day, zone)
                if stretch.starts < stretch.ends:
                    yield stretch

    def _of(self, day: date, zone: ZoneInfo) -> Interval:
        over_midnight = self.end != MIDNIGHT and self.end <= self.start
        starts = first_instant(day, _minutes(self.start), zone)
        ends = first_instant(day + ONE_DAY if over_midnight else day, _minutes(self.end), zone)
        return Interval(starts, max(starts, ends))


def by_day(starts: datetime, ends: datetime, zone: ZoneInfo) -> Iterator[Interval]:
    """The time between two moments, cut at each midnight of the location's."""
    last = ends.astimezone(zone).date()
    while starts < ends:
        today = starts.astimezone(zone).date()
        until = ends if today == last else first_instant(today + ONE_DAY, 0, zone)
        yield Interval(starts, until)
        starts = until


def _minutes(clock: time) -> int:
    return 24 * 60 if clock == MIDNIGHT else clock.hour * 60 + clock.minute
