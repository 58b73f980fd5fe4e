"""Blocks, moves and moments around the nights in which the clocks change, and where months, years and February end."""

from datetime import UTC, date, datetime, timedelta
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.nights import (
    DAY,
    HOUR,
    LONDON,
    MINUTE,
    NEW_YORK,
    NIGHTS,
    SUNDAYS,
    SYDNEY,
    instant,
    shown,
    told,
)
from tests.questions import BOOKING
from workers.blocking.days import Daily
from workers.moments import BookingMoment, ClockMoment, read_moment
from workers.rescheduling.target import shifted
from workers.rescheduling.within import Within
from workers.values import read_clock


@pytest.mark.parametrize(("zone", "before", "after"), NIGHTS)
def test_a_minute_lies_between_what_the_clocks_show_before_and_after_a_change(
    zone: ZoneInfo, before: str, after: str
) -> None:
    assert instant(after) - instant(before) == MINUTE
    for text in (before, after):
        assert f"{instant(text).astimezone(zone):%Y-%m-%d %H:%M}" == text[:16]


# Blocks


@pytest.mark.parametrize(
    ("zone", "day", "start", "end", "stretch"),
    [
        (NEW_YORK, "2027-03-14", "01:00", "04:00", "Sun 2027-03-14 01:00 - Sun 2027-03-14 04:00: 2:00:00"),
        (NEW_YORK, "2027-03-14", "02:30", "04:00", "Sun 2027-03-14 03:00 - Sun 2027-03-14 04:00: 1:00:00"),
        (NEW_YORK, "2027-11-07", "00:00", "01:30", "Sun 2027-11-07 00:00 - Sun 2027-11-07 01:30: 1:30:00"),
        (SYDNEY, "2027-10-02", "22:00", "04:00", "Sat 2027-10-02 22:00 - Sun 2027-10-03 04:00: 5:00:00"),
        (SYDNEY, "2027-04-03", "22:00", "04:00", "Sat 2027-04-03 22:00 - Sun 2027-04-04 04:00: 7:00:00"),
        (LONDON, "2028-02-28", "22:00", "06:00", "Mon 2028-02-28 22:00 - Tue 2028-02-29 06:00: 8:00:00"),
        (LONDON, "2027-12-31", "22:00", "06:00", "Fri 2027-12-31 22:00 - Sat 2028-01-01 06:00: 8:00:00"),
    ],
)
def test_a_block_by_the_clock_is_as_long_as_it_lasts(
    zone: ZoneInfo, day: str, start: str, end: str, stretch: str
) -> None:
    daily = Daily(read_clock(start), read_clock(end))
    assert [told(each, zone) for each in daily.stretches(date.fromisoformat(day), 1, zone)] == [stretch]


# Moves


@pytest.mark.parametrize(
    ("zone", "start", "days", "then"),
    [
        (NEW_YORK, "2027-03-13 02:30", 1, "2027-03-14 03:30-04:00"),  # half past two is left out
        (NEW_YORK, "2027-03-13 17:00", 1, "2027-03-14 17:00-04:00"),
        (NEW_YORK, "2027-11-06 01:30", 1, "2027-11-07 01:30-04:00"),  # the first of two
        (NEW_YORK, "2027-11-06 17:00", 2, "2027-11-08 17:00-05:00"),
        (SYDNEY, "2027-10-02 02:30", 1, "2027-10-03 03:30+11:00"),
        (SYDNEY, "2027-04-03 02:30", 1, "2027-04-04 02:30+11:00"),
        (SYDNEY, "2027-04-03 17:00", 1, "2027-04-04 17:00+10:00"),
        (LONDON, "2027-12-31 23:30", 1, "2028-01-01 23:30+00:00"),
        (LONDON, "2028-02-22 12:00", 7, "2028-02-29 12:00+00:00"),
        (LONDON, "2027-02-28 00:00", 1, "2027-03-01 00:00+00:00"),
    ],
)
def test_a_shift_by_days_keeps_the_time_of_day(zone: ZoneInfo, start: str, days: int, then: str) -> None:
    assert shifted(instant(start, zone), days * DAY, zone) == instant(then)


@pytest.mark.parametrize(
    ("zone", "said", "starts", "hours", "allowed"),
    [
        (NEW_YORK, {"hours": "01:00-04:00"}, "2027-03-14 01:00", 2, True),
        (NEW_YORK, {"hours": "01:00-04:00"}, "2027-03-14 01:00", 3, False),
        (SYDNEY, {"hours": "01:00-04:00"}, "2027-04-04 01:00", 4, True),
        (SYDNEY, {"hours": "01:00-04:00"}, "2027-04-04 01:00", 5, False),
        (SYDNEY, {"days": "sun"}, "2027-04-04 00:00", 25, True),
        (NEW_YORK, {"days": "sun"}, "2027-03-14 00:00", 23, True),
        (NEW_YORK, {"days": "sun"}, "2027-03-14 00:00", 24, False),
        (LONDON, {"except": "2028-02-29"}, "2028-02-28 23:00", 1, True),
        (LONDON, {"except": "2028-02-29"}, "2028-02-28 23:00", 2, False),
        (LONDON, {"except": "2028-02-29"}, "2028-03-01 00:00", 2, True),
        (LONDON, {"hours": "20:00-24:00"}, "2027-12-31 23:00", 1, True),
        (LONDON, {"hours": "20:00-24:00"}, "2027-12-31 23:00", 2, False),
        (LONDON, {"hours": "20:00-01:00"}, "2027-12-31 23:00", 2, True),
    ],
)
def test_a_move_is_kept_to_days_and_hours_as_long_as_they_last(
    zone: ZoneInfo, said: dict[str, Any], starts: str, hours: int, allowed: bool
) -> None:
    start = instant(starts, zone)
    assert (Within.model_validate(said).why_not(start, start + hours * HOUR, zone) is None) is allowed


# Moments


@pytest.mark.parametrize(
    ("zone", "friday", "between"),
    [
        (zone, datetime.fromisoformat(day) - 2 * DAY, (72 - difference) * HOUR)
        for zone, days in SUNDAYS.items()
        for day, difference in zip(days, (1, -1), strict=True)
    ],
)
def test_every_weekday_at_seven_is_seven_on_friday_and_on_monday(
    zone: ZoneInfo, friday: datetime, between: timedelta
) -> None:
    moment = read_moment("every weekday at 07:00")
    assert isinstance(moment, ClockMoment)
    one, other = islice(moment.following(friday.replace(tzinfo=zone).astimezone(UTC), zone), 2)
    assert [shown(each, zone)[:3] + shown(each, zone)[14:20] for each in (one, other)] == ["Fri 07:00", "Mon 07:00"]
    assert other - one == between


@pytest.mark.parametrize(
    ("zone", "words", "starts", "comes"),
    [
        # The afternoon before a booking on the Monday is that of the Sunday itself.
        *(
            (zone, "1 day before start at 16:00", f"{datetime.fromisoformat(day) + DAY:%Y-%m-%d} 08:00", f"{day} 16:00")
            for zone, days in SUNDAYS.items()
            for day in days
        ),
        (SYDNEY, "1 day before start at 16:00", "2028-03-01 00:00", "2028-02-29 16:00"),
        (NEW_YORK, "1 day after end at 00:00", "2028-02-28 23:30", "2028-03-01 00:00"),
        (NEW_YORK, "1 day before start at 16:00", "2028-01-01 00:30", "2027-12-31 16:00"),
        (NEW_YORK, "1 week before start at 16:00", "2027-11-08 08:00", "2027-11-01 16:00"),
        (SYDNEY, "2 weeks before start at 09:00", "2027-10-04 08:00", "2027-09-20 09:00"),
        # Without a clock time a day is 24 hours.
        (NEW_YORK, "1 day before start", "2027-03-15 00:30", "2027-03-13 23:30"),
        (NEW_YORK, "1 day before start", "2027-11-08 00:30", "2027-11-07 01:30-04:00"),
        (NEW_YORK, "1 day before start", "2027-11-07 23:30", "2027-11-07 00:30"),
        (LONDON, "1d after end", "2027-10-30 12:00", "2027-10-31 12:00"),
    ],
)
def test_moments_by_the_clock_are_of_the_calendar_and_others_of_time_that_passes(
    zone: ZoneInfo, words: str, starts: str, comes: str
) -> None:
    moment = read_moment(words)
    assert isinstance(moment, BookingMoment)
    start = instant(starts, zone)
    assert moment.of(BOOKING.changed(starts=start, ends=start + HOUR), zone) == instant(comes, zone)


@pytest.mark.parametrize(("zone", "before", "after"), NIGHTS)
def test_a_length_of_time_before_a_booking_passes_over_the_change(zone: ZoneInfo, before: str, after: str) -> None:
    moment = read_moment("30m before start")
    assert isinstance(moment, BookingMoment)
    start = instant(after) + 29 * MINUTE
    assert moment.of(BOOKING.changed(starts=start, ends=start + HOUR), zone) == instant(before)
