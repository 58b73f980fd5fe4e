"""Arithmetic of intervals against sets of minutes."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.availability.intervals import Interval, intersect, merged

LONDON = ZoneInfo("Europe/London")
MINUTE = timedelta(minutes=1)
NOON = datetime(2026, 3, 26, 12, tzinfo=UTC)

SPANS = st.tuples(st.integers(0, 300), st.integers(0, 90))
"""Minutes after noon, and a length."""


def at(minutes: int) -> datetime:
    return NOON + minutes * MINUTE


def spans(pairs: list[tuple[int, int]]) -> list[Interval]:
    return [Interval(at(start), at(start + length)) for start, length in pairs]


def minutes_of(intervals: list[Interval]) -> set[datetime]:
    found = set()
    for interval in intervals:
        moment = interval.starts
        while moment < interval.ends:
            found.add(moment)
            moment += MINUTE
    return found


@settings(max_examples=300, deadline=None)
@given(some=st.lists(SPANS, max_size=8))
def test_merged_is_the_same_time_in_as_few_intervals_as_possible(some: list[tuple[int, int]]) -> None:
    found = merged(spans(some))
    assert minutes_of(found) == minutes_of(spans(some))
    assert all(one.ends < other.starts for one, other in pairwise(found))


@settings(max_examples=300, deadline=None)
@given(these=st.lists(SPANS, max_size=5), those=st.lists(SPANS, max_size=5))
def test_what_two_have_in_common_is_every_minute_of_both_pair_by_pair(
    these: list[tuple[int, int]], those: list[tuple[int, int]]
) -> None:
    pairs = [(minutes_of([one]), minutes_of([other])) for one in spans(these) for other in spans(those)]
    common = {(min(one & other), max(one & other) + MINUTE) for one, other in pairs if one & other}
    assert intersect(spans(these), spans(those)) == [Interval(*both) for both in sorted(common)]


def test_lengths_are_true_across_a_change_of_the_clocks() -> None:
    night = Interval(datetime(2026, 3, 29, 0, tzinfo=LONDON), datetime(2026, 3, 29, 3, tzinfo=LONDON))
    assert night.ends - night.starts == timedelta(hours=2)


def test_neighbours_do_not_overlap_and_an_empty_interval_takes_no_time() -> None:
    morning, noon, later = Interval(at(0), at(60)), Interval(at(60), at(60)), Interval(at(60), at(90))
    assert not morning.overlaps(later)
    assert not Interval(at(30), at(30)).overlaps(morning)
    assert merged([later, noon, morning]) == [Interval(at(0), at(90))]
    assert morning.contains(Interval(at(0), at(60)))
    assert not morning.contains(later)


def test_an_interval_refuses_naive_times_and_an_end_before_its_start() -> None:
    with pytest.raises(ValueError, match="aware"):
        Interval(datetime(2026, 1, 1), datetime(2026, 1, 2))  # noqa: DTZ001
    with pytest.raises(ValueError, match="before it starts"):
        Interval(at(1), at(0))
