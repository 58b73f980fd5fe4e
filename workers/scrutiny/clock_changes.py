"""Changes of the clocks: when a zone's next are, and what the clock shows twice then, or not at all."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from typing import Final
from zoneinfo import ZoneInfo

from workers.values import write_date

ZONES: Final = (
    "America/New_York", "Europe/London", "Europe/Berlin", "Australia/Sydney", "America/Santiago", "Atlantic/Azores",
)  # fmt: skip
"""Where nothing is said of zones: some that change their clocks at each of the hours at which it is done."""

A_YEAR: Final = timedelta(days=380)
"""With the days by which a change that is on a Sunday may be later than the year before."""
A_DAY: Final = timedelta(days=1)
A_SECOND: Final = timedelta(seconds=1)
A_MINUTE: Final = timedelta(minutes=1)


@dataclass(frozen=True)
class Change:
    """A change of the clocks: when, in UTC, and by how much they differ from UTC before and after it.

    What the clock shows is told without a zone here: `first` is the first time that it leaves out or shows twice,
    `last` the first after those.
    """

    zone: ZoneInfo
    instant: datetime
    before: timedelta
    after: timedelta

    @property
    def leaves_out(self) -> bool:
        """Whether it goes forward; else it goes back."""
        return self.after > self.before

    @cached_property
    def first(self) -> datetime:
        return self.instant.replace(tzinfo=None) + min(self.before, self.after)

    @cached_property
    def last(self) -> datetime:
        return self.instant.replace(tzinfo=None) + max(self.before, self.after)

    @cached_property
    def days(self) -> list[date]:
        """Of what is left out or comes twice."""
        return sorted({self.first.date(), (self.last - A_SECOND).date()})

    @property
    def minutes(self) -> Iterator[datetime]:
        """All that is left out or comes twice."""
        minute = self.first
        while minute < self.last:
            yield minute
            minute += A_MINUTE

    def __contains__(self, shown: datetime) -> bool:
        return self.first <= shown < self.last

    def at(self, clock: time) -> datetime | None:
        """This clock time of that night, where it is left out or comes twice."""
        found = (datetime.combine(day, clock) for day in self.days)
        return next((shown for shown in found if shown in self), None)

    @property
    def how(self) -> str:
        """What becomes of a time of that night."""
        return "is left out" if self.leaves_out else "comes twice"

    def __str__(self) -> str:
        return f"the clocks change in {self.zone.key} on {write_date(self.first)}"


def changes(zone: ZoneInfo, now: datetime) -> list[Change]:
    """The next two, as a rule: one forward and one back; none where the clocks stay."""
    found: list[Change] = []
    day, last = now.astimezone(UTC), _offset(zone, now)
    while day < now + A_YEAR and len(found) < 2:
        offset = _offset(zone, day + A_DAY)
        if offset != last:
            low, high = day, day + A_DAY
            while high - low > A_SECOND:
                middle = low + (high - low) / 2
                low, high = (middle, high) if _offset(zone, middle) == last else (low, middle)
            found.append(Change(zone, high.replace(microsecond=0), last, offset))
        day, last = day + A_DAY, offset
    return found


def change_at(zone: ZoneInfo, shown: datetime) -> Change | None:
    """The one that leaves this time of this day out, or has it come twice, whenever that is."""
    before, after = (shown.replace(tzinfo=zone, fold=fold).utcoffset() or timedelta() for fold in (0, 1))
    if before == after:
        return None
    midnight = datetime.combine(shown.date(), time(), UTC)
    return next(each for each in changes(zone, midnight - A_DAY) if shown in each)


def _offset(zone: ZoneInfo, moment: datetime) -> timedelta:
    return moment.astimezone(zone).utcoffset() or timedelta()
