"""Time as half-open intervals, and what is left of one when others are taken from it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime


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
        if self.starts.tzinfo is not UTC:
            object.__setattr__(self, "starts", self.starts.astimezone(UTC))
        if self.ends.tzinfo is not UTC:
            object.__setattr__(self, "ends", self.ends.astimezone(UTC))
        if self.ends < self.starts:
            raise ValueError("an interval cannot end before it starts")

    def overlaps(self, other: "Interval") -> bool:
        return max(self.starts, other.starts) < min(self.ends, other.ends)

    def contains(self, other: "Interval") -> bool:
        return self.starts <= other.starts and other.ends <= self.ends


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


def intersect(these: Iterable[Interval], those: Iterable[Interval]) -> list[Interval]:
    """What each of these has in common with each of those: earliest first, each once, not merged."""
    others = sorted(those)
    found: set[Interval] = set()
    passed = 0
    for interval in sorted(these):
        while passed < len(others) and others[passed].ends <= interval.starts:
            passed += 1
        for other in others[passed:]:
            if other.starts >= interval.ends:
                break
            if interval.overlaps(other):
                found.add(Interval(max(interval.starts, other.starts), min(interval.ends, other.ends)))
    return sorted(found)
