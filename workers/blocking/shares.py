"""Shares: what each of several blocks has to cover, so that no time is blocked twice and none is left free."""

from collections.abc import Iterable
from datetime import timedelta

from service.availability.intervals import Interval, merged


def without(wanted: Interval, covered: Iterable[Interval]) -> list[Interval]:
    """What is left of a stretch when others are taken from it, earliest first."""
    left, starts = [], wanted.starts
    for cover in merged(covered):
        if not cover.overlaps(wanted):
            continue
        if starts < cover.starts:
            left.append(Interval(starts, cover.starts))
        starts = max(starts, cover.ends)
    if starts < wanted.ends:
        left.append(Interval(starts, wanted.ends))
    return left


def share(wanted: Interval, standing: Iterable[Interval]) -> Interval | None:
    """What one block that follows its booking has to cover of what is `wanted`, beside those that go before it, which
    stand as given; None for nothing.

    Of two the longer goes before, of two as long the older (`rank`). So nothing that goes before another lies within
    it, and what is left is in one piece; for a moment, while one of them is on its way, it may be two, and is as if
    what lies between were free.
    """
    left = without(wanted, standing)
    return Interval(left[0].starts, left[-1].ends) if left else None


def rank(length: timedelta, age: int) -> tuple[timedelta, int]:
    """What goes before what, in this order. `age` is less for what is older."""
    return -length, age
