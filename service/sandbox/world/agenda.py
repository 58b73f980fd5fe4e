"""An index from a subject and a window of time to what happens in it."""

from collections.abc import Iterable, Iterator

from service.availability.intervals import Interval

Subject = tuple[str, str]
"""A kind and an id, as in ("person", "u8jzPde0IgxLd6GncfBA")."""

LONGEST = 400
"""Days; what lasts longer is looked at in every window, lest one entry fill the index."""
ALWAYS = -1


class Agenda:
    """Ids by subject and UTC day. It answers with candidates: whether one truly overlaps is the caller's test."""

    def __init__(self) -> None:
        self._days: dict[Subject, dict[int, dict[str, None]]] = {}

    def enter(self, subject: Subject, item: str, interval: Interval) -> None:
        days = self._days.setdefault(subject, {})
        for day in _days_of(interval):
            days.setdefault(day, {})[item] = None

    def leave(self, subject: Subject, item: str, interval: Interval) -> None:
        days = self._days.get(subject, {})
        for day in _days_of(interval):
            if day in days:
                days[day].pop(item, None)
                if not days[day]:
                    del days[day]

    def candidates(self, subject: Subject, window: Interval) -> Iterator[str]:
        """Each id once, in no order that means anything."""
        days = self._days.get(subject, {})
        first, last = window.starts.toordinal(), window.ends.toordinal()
        wanted: Iterable[int] = range(first, last + 1)
        if last - first >= len(days):
            wanted = [day for day in days if first <= day <= last]
        found: dict[str, None] = dict(days.get(ALWAYS, {}))
        for day in wanted:
            found.update(days.get(day, {}))
        yield from found


def _days_of(interval: Interval) -> Iterable[int]:
    first, last = interval.starts.toordinal(), interval.ends.toordinal()
    return range(first, last + 1) if last - first <= LONGEST else (ALWAYS,)
