"""Hours and periods on days of 23 and 25 hours, and where months, years and February end."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.availability.hours import first_instant
from tests.nights import (
    AZORES,
    BACK,
    DAY,
    FORWARD,
    HOUR,
    LONDON,
    MINUTE,
    NEW_YORK,
    ODD_ZONES,
    SANTIAGO,
    SUNDAYS,
    SYDNEY,
    instant,
    shown,
    told,
)
from workers.periods import Period, bounds
from workers.rescheduling.within import Within
from workers.values import HoursRange
from workers.week_hours import WeekHours, read_week_hours

# Hours by the week


@pytest.mark.parametrize(
    ("said", "zone", "sunday", "length"),
    [
        # The whole day, and hours around the change.
        ("00:00-24:00", LONDON, "2027-03-28", 23 * HOUR),
        ("00:00-24:00", LONDON, "2027-10-31", 25 * HOUR),
        ("00:00-24:00", NEW_YORK, "2027-03-14", 23 * HOUR),
        ("00:00-24:00", NEW_YORK, "2027-11-07", 25 * HOUR),
        ("00:00-24:00", SYDNEY, "2027-10-03", 23 * HOUR),
        ("00:00-24:00", SYDNEY, "2027-04-04", 25 * HOUR),
        ("09:00-17:00", SYDNEY, "2027-10-03", 8 * HOUR),
        ("09:00-17:00", SYDNEY, "2027-04-04", 8 * HOUR),
        # From a time that is left out: from the change on.
        ("01:30-05:00", LONDON, "2027-03-28", 3 * HOUR),
        ("02:30-05:00", NEW_YORK, "2027-03-14", 2 * HOUR),
        ("02:30-05:00", SYDNEY, "2027-10-03", 2 * HOUR),
        # Until one that is left out: until the change.
        ("00:00-01:30", LONDON, "2027-03-28", HOUR),
        ("00:00-02:30", NEW_YORK, "2027-03-14", 2 * HOUR),
        # All of it is left out.
        ("01:15-01:45", LONDON, "2027-03-28", None),
        ("01:00-02:00", LONDON, "2027-03-28", None),
        # From and until one that comes twice: the first of the two.
        ("01:30-05:00", LONDON, "2027-10-31", 4.5 * HOUR),
        ("01:30-05:00", NEW_YORK, "2027-11-07", 4.5 * HOUR),
        ("02:30-05:00", SYDNEY, "2027-04-04", 3.5 * HOUR),
        ("00:00-01:30", LONDON, "2027-10-31", 1.5 * HOUR),
        ("01:15-01:45", LONDON, "2027-10-31", 0.5 * HOUR),
        ("01:00-02:00", LONDON, "2027-10-31", 2 * HOUR),
        # Over the next midnight.
        ("22:00-02:00", LONDON, "2027-10-31", 4 * HOUR),
    ],
)
def test_hours_of_a_sunday_are_as_long_as_they_last(
    said: str, zone: ZoneInfo, sunday: str, length: timedelta | None
) -> None:
    hours = read_week_hours({"sun": said})
    noon = instant(f"{sunday} 12:00", zone).astimezone(zone)
    found = [each for each in hours.openings(noon, noon) if each.ends > instant(f"{sunday} 00:00", zone)]
    assert [each.ends - each.starts for each in found] == ([length] if length else [])
    for each in found:
        starts, ends = each.starts.astimezone(zone), each.ends.astimezone(zone)
        assert hours.holds(starts, ends)
        assert not hours.holds(starts, (ends.astimezone(UTC) + MINUTE).astimezone(zone))
        assert not hours.holds((starts.astimezone(UTC) - MINUTE).astimezone(zone), ends)


@pytest.mark.parametrize(
    ("zone", "saturday", "lengths"),
    [
        (LONDON, "2027-03-27", [3 * HOUR, 4 * HOUR]),
        (LONDON, "2027-10-30", [5 * HOUR, 4 * HOUR]),
        (NEW_YORK, "2027-03-13", [4 * HOUR, 4 * HOUR]),  # the change is at the end, and is left out besides
        (NEW_YORK, "2027-11-06", [5 * HOUR, 4 * HOUR]),
        (SYDNEY, "2027-10-02", [4 * HOUR, 4 * HOUR]),
        (SYDNEY, "2027-04-03", [4 * HOUR, 4 * HOUR]),
    ],
)
def test_a_night_is_as_long_as_it_lasts(zone: ZoneInfo, saturday: str, lengths: list[timedelta]) -> None:
    hours = read_week_hours({"sat-sun": "22:00-02:00"})
    first, last = (instant(f"{saturday} 22:00", zone) + DAY * days for days in (0, 1))
    nights = [each for each in hours.openings(first.astimezone(zone), last.astimezone(zone)) if each.ends > first]
    assert [each.ends - each.starts for each in nights] == lengths


def test_hours_that_touch_are_one_opening_also_at_midnight_and_at_the_end_of_a_year() -> None:
    hours = read_week_hours({"fri": ["09:00-12:00", "12:00-24:00"], "sat": ["00:00-02:00", "03:00-04:00"]})
    starts, ends = (instant(text).astimezone(LONDON) for text in ("2027-12-31 09:00", "2028-01-01 02:00"))
    assert hours.holds(starts, ends)
    assert not hours.holds(starts, ends + MINUTE)
    friday = "Fri 2027-12-31 09:00 - Sat 2028-01-01 02:00: 17:00:00"
    assert [told(each, LONDON) for each in hours.openings(starts, ends)] == [
        friday,
        "Sat 2028-01-01 03:00 - Sat 2028-01-01 04:00: 1:00:00",
    ]


FIVES = st.integers(0, 287).map(lambda five: time(five // 12, five % 12 * 5))
RANGES = st.builds(HoursRange, FIVES, FIVES).filter(lambda hours: hours.start != hours.end)
WEEKS = st.builds(
    lambda days: WeekHours(tuple(map(tuple, days))), st.lists(st.lists(RANGES, max_size=3), min_size=7, max_size=7)
)
ZONES = st.sampled_from([NEW_YORK, LONDON, SYDNEY, *ODD_ZONES])
TURNS = {zone: [instant(after) for _, after in (FORWARD[zone], BACK[zone])] for zone in FORWARD} | {
    zone: [
        low
        for low in (datetime(2027, 1, 1, tzinfo=UTC) + HOUR * hours for hours in range(8760))
        if low.astimezone(zone).utcoffset() != (low - HOUR).astimezone(zone).utcoffset()
    ]
    or [instant("2027-03-01")]
    for zone in ODD_ZONES
}


@given(WEEKS, ZONES, st.integers(0, 1))
def test_openings_and_membership_agree_minute_by_minute_over_the_days_around_a_change(
    hours: WeekHours, zone: ZoneInfo, which: int
) -> None:
    turn = TURNS[zone][which % len(TURNS[zone])]
    first, last = turn - 18 * HOUR, turn + 30 * HOUR
    openings = hours.openings(first.astimezone(zone), last.astimezone(zone))
    moment = first
    while moment < last:
        is_open = any(each.starts <= moment < each.ends for each in openings)
        assert (moment.astimezone(zone) in hours) is is_open, shown(moment, zone)
        moment += 5 * MINUTE


@given(WEEKS, ZONES, st.integers(0, 1), st.integers(-1440, 1440), st.integers(1, 600))
def test_what_lies_within_somebodys_hours_lies_within_those_that_a_move_is_kept_to(
    hours: WeekHours, zone: ZoneInfo, which: int, minutes: int, length: int
) -> None:
    starts = TURNS[zone][which % len(TURNS[zone])] + minutes * MINUTE
    ends = starts + length * MINUTE
    within = Within.model_validate({"hours": hours})
    assert hours.holds(starts.astimezone(zone), ends.astimezone(zone)) is (within.why_not(starts, ends, zone) is None)


# Periods


@pytest.mark.parametrize(
    ("zone", "moment", "period", "first", "hours"),
    [
        *(
            (zone, f"{day} {clock}", "day", f"{day} 00:00", hours)
            for zone, days in SUNDAYS.items()
            for day, hours in zip(days, (23, 25), strict=True)
            for clock in ("00:00", "03:30", "12:00", "23:59")
        ),
        (AZORES, "2027-10-31 00:30-01:00", "day", "2027-10-31 00:00", 25),  # midnight comes twice
        (AZORES, "2027-10-31 00:30+00:00", "day", "2027-10-31 00:00", 25),
        (AZORES, "2027-03-28 01:00+00:00", "day", "2027-03-28 00:00", 23),  # midnight is left out
        (SANTIAGO, "2027-04-03 23:30-04:00", "day", "2027-04-03 00:00", 25),
        (NEW_YORK, "2027-03-14 23:59", "week", "2027-03-08 00:00", 167),
        (LONDON, "2027-03-22 00:00", "week", "2027-03-22 00:00", 167),
        (SYDNEY, "2027-10-03 12:00", "week", "2027-09-27 00:00", 167),
        (NEW_YORK, "2027-11-01 00:00", "week", "2027-11-01 00:00", 169),
        (LONDON, "2027-10-31 01:30+00:00", "week", "2027-10-25 00:00", 169),
        (SYDNEY, "2027-04-04 02:30+10:00", "week", "2027-03-29 00:00", 169),
        (LONDON, "2028-01-01 12:00", "week", "2027-12-27 00:00", 168),
        (NEW_YORK, "2027-03-01 00:00", "month", "2027-03-01 00:00", 31 * 24 - 1),
        (LONDON, "2027-10-31 23:59", "month", "2027-10-01 00:00", 31 * 24 + 1),
        (SYDNEY, "2027-04-30 23:59", "month", "2027-04-01 00:00", 30 * 24 + 1),
        (LONDON, "2027-02-28 23:59", "month", "2027-02-01 00:00", 28 * 24),
        (LONDON, "2028-02-29 23:59", "month", "2028-02-01 00:00", 29 * 24),
        (SYDNEY, "2027-12-31 23:59", "month", "2027-12-01 00:00", 31 * 24),
        (SYDNEY, "2028-02-29 00:00", "day", "2028-02-29 00:00", 24),
    ],
)
def test_days_weeks_and_months_have_the_hours_that_they_have(
    zone: ZoneInfo, moment: str, period: Period, first: str, hours: int
) -> None:
    begins, ends = bounds(instant(moment, zone).astimezone(zone), period)
    assert begins.astimezone(UTC) == instant(first, zone)
    assert ends.astimezone(UTC) - begins.astimezone(UTC) == hours * HOUR


@given(ZONES, st.integers(0, 1), st.integers(-3000, 3000), st.sampled_from(["day", "week", "month"]))
def test_a_period_begins_at_the_first_instant_of_a_day_and_holds_its_moment(
    zone: ZoneInfo, which: int, minutes: int, period: Period
) -> None:
    moment = TURNS[zone][which % len(TURNS[zone])] + minutes * MINUTE
    begins, ends = bounds(moment.astimezone(zone), period)
    assert begins.astimezone(UTC) <= moment < ends.astimezone(UTC)
    for bound in (begins, ends):
        assert bound.astimezone(UTC) == first_instant(bound.date(), 0, zone)
    assert bounds(ends, period)[0] == ends
