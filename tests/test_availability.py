"""Slot arithmetic against a slow oracle that walks minute by minute."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.availability.hours import OpenTime, first_instant, openings, week_of
from service.availability.intervals import Interval, is_busy, merged, subtract
from service.availability.slots import slots
from service.highlevel.calendars import OpenDay

LONDON = ZoneInfo("Europe/London")
MINUTE = timedelta(minutes=1)
NOON = datetime(2026, 3, 26, 12, tzinfo=UTC)

ZONES = st.sampled_from(
    [
        "Europe/London",
        "America/New_York",
        "Australia/Lord_Howe",  # half an hour forward and back
        "America/Havana",  # midnight never comes, once a year
        "Asia/Beirut",
        "Pacific/Chatham",
        "Asia/Kathmandu",
        "Etc/UTC",
    ]
).map(ZoneInfo)
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
@given(
    open_times=st.lists(SPANS, max_size=4),
    busy=st.lists(SPANS, max_size=6),
    duration=st.integers(1, 60),
    step=st.integers(1, 60),
)
def test_a_slot_is_offered_when_each_of_its_minutes_is_open_and_free(
    open_times: list[tuple[int, int]], busy: list[tuple[int, int]], duration: int, step: int
) -> None:
    taken = minutes_of(spans(busy))
    expected = set()
    for start, length in open_times:
        for minute in range(start, start + length, step):
            wanted = {at(minute + offset) for offset in range(duration)}
            if minute + duration <= start + length and not wanted & taken:
                expected.add(at(minute))
    found = slots(spans(open_times), spans(busy), duration * MINUTE, step * MINUTE)
    assert found == sorted(expected)


@settings(max_examples=300, deadline=None)
@given(open_times=st.lists(SPANS, max_size=5), busy=st.lists(SPANS, max_size=8), wanted=SPANS)
def test_what_is_left_is_every_minute_that_is_open_and_not_busy(
    open_times: list[tuple[int, int]], busy: list[tuple[int, int]], wanted: tuple[int, int]
) -> None:
    left = subtract(spans(open_times), spans(busy))
    assert minutes_of(left) == minutes_of(spans(open_times)) - minutes_of(spans(busy))
    assert left == merged(left)
    (interval,) = spans([wanted])
    assert is_busy(interval, spans(busy)) == bool(minutes_of([interval]) & minutes_of(spans(busy)))


@settings(max_examples=300, deadline=None)
@given(
    zone=ZONES,
    day=st.dates(date(2025, 1, 1), date(2026, 12, 31)),
    week=st.lists(
        st.tuples(st.integers(0, 6), st.integers(0, 1439), st.integers(1, 1440)).filter(lambda it: it[1] < it[2]),
        max_size=4,
    ),
)
def test_opening_hours_follow_the_local_clock(zone: ZoneInfo, day: date, week: list[tuple[int, int, int]]) -> None:
    window = Interval(
        datetime(day.year, day.month, day.day, tzinfo=UTC), datetime(day.year, day.month, day.day, tzinfo=UTC) + 2 * DAY
    )
    found = openings([OpenTime(*times) for times in week], zone, window)
    assert found == sorted(_slow_openings(week, zone, window))


@pytest.mark.parametrize(
    ("zone", "day"),
    [
        ("Europe/London", date(2026, 3, 29)),
        ("Europe/London", date(2026, 10, 25)),
        ("Australia/Lord_Howe", date(2026, 4, 5)),
        ("Australia/Lord_Howe", date(2026, 10, 4)),
        ("America/Havana", date(2026, 3, 8)),
        ("America/Havana", date(2026, 11, 1)),
        ("Asia/Beirut", date(2026, 3, 29)),
        ("Asia/Beirut", date(2026, 10, 25)),
    ],
)
def test_every_clock_time_of_a_day_on_which_the_clocks_change(zone: str, day: date) -> None:
    walked = _walk(ZoneInfo(zone), day)
    for minutes in range(0, 1441, 5):
        assert first_instant(day, minutes, ZoneInfo(zone)) == _first(walked, day, minutes)


DAY = timedelta(days=1)


def _walk(zone: ZoneInfo, day: date) -> list[tuple[datetime, datetime]]:
    """Each minute of three days around: the instant, and what the clock on the wall shows."""
    start = datetime(day.year, day.month, day.day, tzinfo=UTC) - DAY
    moments = [start + minute * MINUTE for minute in range(4 * 1440)]
    return [(moment, moment.astimezone(zone).replace(tzinfo=None)) for moment in moments]


def _first(walked: list[tuple[datetime, datetime]], day: date, minutes: int) -> datetime:
    wall = datetime(day.year, day.month, day.day) + minutes * MINUTE  # noqa: DTZ001
    return next(moment for moment, shown in walked if shown >= wall)


def _slow_openings(week: list[tuple[int, int, int]], zone: ZoneInfo, window: Interval) -> list[Interval]:
    found = []
    for offset in range(-1, 4):
        day = window.starts.date() + offset * DAY
        wanted = [times for times in week if times[0] == day.weekday()]
        walked = _walk(zone, day) if wanted else []
        for _, opens, closes in wanted:
            opening = Interval(_first(walked, day, opens), _first(walked, day, closes))
            if minutes_of([opening]) and opening.starts < window.ends and opening.ends > window.starts:
                found.append(opening)
    return found


def test_a_day_is_an_hour_shorter_in_spring_and_longer_in_autumn() -> None:
    sundays = [OpenTime(6, 0, 1440)]
    lengths = {}
    for day in (date(2026, 3, 29), date(2026, 10, 25), date(2026, 6, 7)):
        noon = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
        (opening,) = openings(sundays, LONDON, Interval(noon, noon + MINUTE))
        lengths[day.month] = opening.ends - opening.starts
    assert lengths == {3: timedelta(hours=23), 10: timedelta(hours=25), 6: timedelta(hours=24)}


def test_openings_are_whole_so_that_a_window_does_not_shift_the_slots() -> None:
    window = Interval(datetime(2026, 6, 1, 9, 20, tzinfo=LONDON), datetime(2026, 6, 1, 10, tzinfo=LONDON))
    (opening,) = openings([OpenTime(0, 9 * 60, 12 * 60)], LONDON, window)
    assert opening.starts == datetime(2026, 6, 1, 9, tzinfo=LONDON)


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


@pytest.mark.parametrize("times", [(7, 0, 60), (0, 60, 60), (0, 0, 1441), (0, -1, 60)])
def test_opening_hours_that_cannot_be_are_refused(times: tuple[int, int, int]) -> None:
    with pytest.raises(ValueError, match="no opening"):
        OpenTime(*times)


def test_a_slot_has_a_length_and_a_step() -> None:
    with pytest.raises(ValueError, match="length"):
        slots([], [], timedelta(), MINUTE)
    with pytest.raises(ValueError, match="length"):
        slots([], [], MINUTE, timedelta())


def test_highlevel_counts_days_from_sunday() -> None:
    hours = [
        {"openHour": 9, "openMinute": 30, "closeHour": 24, "closeMinute": 0},
        {"openHour": 9, "openMinute": 0, "closeHour": 9, "closeMinute": 0},
    ]
    week = week_of([OpenDay.model_validate({"daysOfTheWeek": [0, 1], "hours": hours})])
    assert week == (OpenTime(6, 570, 1440), OpenTime(0, 570, 1440))
