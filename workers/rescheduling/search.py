"""The search for a time: each slot on offer is looked at, and counted with the reason if it will not do."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from service.availability.intervals import Interval
from service.highlevel.free_slots import Slot
from workers.rescheduling.within import Within
from workers.values import write_time

Proof = Callable[[Interval], str | None]
"""Why a stretch of time that nobody offered as such cannot be taken, in words; None when it can."""


@dataclass(frozen=True)
class Wanted:
    """Which time is looked for."""

    zone: ZoneInfo
    length: timedelta
    within: Within | None = None
    other_than: datetime | None = None
    """The start that the booking has now."""

    clock: time | None = None
    """The time of day that it must start at."""

    near: time | None = None
    """The time of day that is best, among those of the first day that has any."""

    def why_not(self, start: datetime) -> str | None:
        """What is wrong with a start, in words that go behind a number of slots."""
        if start == self.other_than:
            return "where it is"
        if self.within and (why := self.within.why_not(start, start + self.length, self.zone)):
            return why
        local = start.astimezone(self.zone)
        if self.clock is not None and local.time() != self.clock:
            return f"not at {write_time(datetime.combine(local, self.clock))}"
        return None

    def rank(self, start: datetime) -> tuple[date | datetime, timedelta]:
        """The best has the lowest; ranks of one search can be compared."""
        if self.near is None:
            return start, timedelta()
        local = start.astimezone(self.zone).replace(tzinfo=None)
        return local.date(), abs(local - datetime.combine(local.date(), self.near))


@dataclass
class Search:
    """One look through slots as they come, earliest first."""

    wanted: Wanted
    best: Slot | None = None
    looked_at: int = 0
    refused: Counter[str] = field(default_factory=Counter)

    def goes_on_after(self, slot: Slot, proof: Proof | None = None) -> bool:
        """Look at one more; False once none that comes later can be better."""
        start = slot.time
        if self.best is not None and not self._may_be_better(start):
            return False
        self.looked_at += 1
        why = self.wanted.why_not(start)
        if why is None and proof is not None:
            why = proof(Interval(start, start + self.wanted.length))
        if why is not None:
            self.refused[why] += 1
        elif self.best is None or self.wanted.rank(start) < self.wanted.rank(self.best.time):
            self.best = slot
        return self.best is None or self.wanted.near is not None

    def _may_be_better(self, start: datetime) -> bool:
        assert self.best is not None
        return self.wanted.near is not None and self.wanted.rank(start)[0] <= self.wanted.rank(self.best.time)[0]


def told(looked_at: int, refused: Mapping[str, int]) -> str:
    """`214 slots looked at, 180 outside the hours, 34 on bank`."""
    if not looked_at:
        return "no slot is on offer"
    parts = [f"{number} {why}" for why, number in sorted(refused.items(), key=lambda each: (-each[1], each[0]))]
    return ", ".join([f"{looked_at} slot{'s' * (looked_at != 1)} looked at", *parts])
