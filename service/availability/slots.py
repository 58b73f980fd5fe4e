"""Slots: what is on offer of open times beside what is taken."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from service.availability.intervals import Interval, first_after, merged


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
            at = first_after(taken, start)
            if at == len(taken) or taken[at].starts >= start + duration:
                found.add(start)
            start += step
    return sorted(found)
