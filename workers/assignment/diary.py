"""A diary: what a person has on, sorted, to tell what is around a time and how much starts in a period."""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from datetime import datetime
from operator import itemgetter
from typing import NamedTuple


class Taken(NamedTuple):
    """Time that a booking of some calendar takes, in seconds since 1970."""

    starts: float
    ends: float
    calendar_id: str


class Diary:
    """Over all calendars."""

    def __init__(self, taken: Iterable[Taken]) -> None:
        self._taken: Sequence[Taken] = sorted(taken, key=itemgetter(0))
        self._starts = list(map(itemgetter(0), self._taken))

    def count(self, first: datetime, end: datetime) -> int:
        """How many bookings start from `first` up to, but not at, `end`."""
        return bisect_left(self._starts, end.timestamp()) - bisect_left(self._starts, first.timestamp())

    def around(self, since: float, until: float) -> list[Taken]:
        """What overlaps this stretch (seconds since 1970), earliest first; no instants."""
        low, high = bisect_left(self._starts, since), bisect_left(self._starts, until)
        if max(map(itemgetter(1), self._taken[:low]), default=since) > since:
            low = 0
        return [each for each in self._taken[low:high] if each.ends > since and each.ends > each.starts]
