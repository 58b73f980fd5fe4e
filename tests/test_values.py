"""Values as authors write them."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from pydantic_core import PydanticCustomError

from workers.values import (
    Days,
    HoursRange,
    elapsed,
    in_zone,
    read_clock,
    read_days,
    read_duration,
    read_exact_moment,
    read_hours,
    read_moment,
    read_some_duration,
    read_weekdays,
    write_duration,
    write_moment,
)


def refusal(read: Any, value: object) -> str:
    with pytest.raises((PydanticCustomError, ValidationError)) as caught:
        read(value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "minutes"), [("90m", 90), ("2h", 120), ("1h30m", 90), ("3d", 4320), ("2w", 20160), (" 1w2d3h4m ", 13144)]
)
def test_a_duration_is_read_by_its_units(text: str, minutes: int) -> None:
    assert read_duration(text) == timedelta(minutes=minutes)


@pytest.mark.parametrize(
    "text", ["", "90", "m", "30m1h", "1.5h", "-5m", "90 m", "1h 30m", "5s", "٣m", 90, 1.5, None, True, []]
)
def test_what_is_no_duration_is_refused_with_an_example(text: object) -> None:
    assert "duration such as 90m" in refusal(read_duration, text)


def test_a_duration_of_nothing_is_refused_where_time_must_pass() -> None:
    assert read_duration("0m") == timedelta()
    assert "longer than nothing" in refusal(read_some_duration, "0m")


@given(st.integers(min_value=0, max_value=60 * 24 * 9999))
def test_a_written_duration_reads_the_same(minutes: int) -> None:
    assert read_duration(write_duration(timedelta(minutes=minutes))) == timedelta(minutes=minutes)


def test_a_duration_before_its_event_is_written_with_a_minus() -> None:
    assert write_duration(timedelta(minutes=-20)) == "-20m"
    assert write_duration(timedelta(seconds=-20)) == "0m"


@given(st.times().map(lambda clock: clock.replace(second=0, microsecond=0)))
def test_a_clock_time_is_read_as_it_is_written(clock: time) -> None:
    assert read_clock(f"{clock:%H:%M}") == clock
    assert read_clock(f"{clock.hour}:{clock:%M}") == clock


@pytest.mark.parametrize("value", ["24:00", "17:60", "17", "5pm", "17:00:00", 1020, 17.5, None])
def test_what_is_no_clock_time_is_refused(value: object) -> None:
    assert "clock time such as 17:00" in refusal(read_clock, value)


def test_a_date_of_another_age_is_refused_and_never_reckoned_with() -> None:
    for text in ("0001-01-01 00:00", "1899-12-31 23:59", "2201-01-01 00:00", "9999-12-31T23:59-12:00"):
        why = f"'{text}' is no date of the years 1900 to 2200"
        assert refusal(read_exact_moment, text) == refusal(read_moment, text) == why
        assert refusal(read_days, text[:10]) == refusal(read_moment, text[:10]) == why.replace(text, text[:10])
    for text in ("1900-01-01 00:00", "2200-12-31 23:59"):
        assert read_exact_moment(text) == read_moment(text) == datetime.fromisoformat(text)


def test_a_moment_without_an_offset_is_on_the_locations_clock() -> None:
    zone = ZoneInfo("Europe/London")
    for text in ("2027-07-01 17:00", "2027-07-01T17:00:00", "2027-07-01T16:00Z", "2027-07-01T18:00+02:00"):
        moment = read_moment(text)
        assert isinstance(moment, datetime)
        assert in_zone(moment, zone) == datetime(2027, 7, 1, 16, tzinfo=UTC)


def test_a_date_alone_is_its_first_moment_and_never_an_exact_one() -> None:
    first = read_moment("2027-07-01")
    assert isinstance(first, datetime)
    assert first.time() == time()
    assert "neither a clock time" in refusal(read_exact_moment, "2027-07-01")


@pytest.mark.parametrize(
    "value", ["2027-02-30 10:00", "tomorrow", "20270701T1700", "2027-W12-5", 2027, None, ["17:00"]]
)
def test_what_is_no_moment_is_refused(value: object) -> None:
    assert "17:00" in refusal(read_moment, value)


@pytest.mark.parametrize(
    ("value", "days"),
    [
        ("mon", {0}),
        ("Friday", {4}),
        ("mon-fri", {0, 1, 2, 3, 4}),
        ("fri-mon", {4, 5, 6, 0}),
        (["sat", "sun"], {5, 6}),
        (["mon - tue", "thu"], {0, 1, 3}),
        ("mon-mon", {0}),
    ],
)
def test_weekdays_are_single_listed_or_a_range(value: object, days: set[int]) -> None:
    assert read_weekdays(value) == days


def test_days_may_be_dates_and_weekdays_may_not() -> None:
    days = read_days(["sat", "2027-03-26"])
    assert days == Days(frozenset({5}), frozenset({date(2027, 3, 26)}))
    assert date(2027, 3, 26) in days
    assert date(2027, 3, 27) in days
    assert date(2027, 3, 28) not in days
    assert "weekdays expected" in refusal(read_weekdays, ["sat", "2027-03-26"])


@pytest.mark.parametrize("value", [[], "frei", 5, ["mon", 5], "2027-02-30", {"mon": 1}, "mon-"])
def test_what_are_no_days_is_refused(value: object) -> None:
    assert refusal(read_days, value)


def test_a_misspelt_weekday_is_told_the_nearest() -> None:
    with pytest.raises(PydanticCustomError) as caught:
        read_days("thr")
    assert (caught.value.context or {})["hint"] in {"thu", "tue"}


def test_hours_leave_their_end_out() -> None:
    hours = read_hours("09:00-17:00")
    assert time(9) in hours
    assert time(16, 59) in hours
    assert time(17) not in hours
    assert time(8, 59) not in hours


def test_hours_may_go_over_midnight_or_to_its_edge() -> None:
    night = read_hours("22:00 – 02:00")
    assert time(23) in night
    assert time(1) in night
    assert time(2) not in night
    assert time(12) not in night
    assert read_hours("18:00-24:00") == HoursRange(time(18), time())
    assert time(23, 59) in read_hours("18:00-24:00")


@given(st.times())
def test_a_whole_day_has_every_time_in_it(clock: time) -> None:
    assert clock in read_hours("00:00-24:00")


@pytest.mark.parametrize("value", ["09:00", "09:00-09:00", "24:00-09:00", "9-17", 900, None, ["09:00", "17:00"]])
def test_what_are_no_hours_is_refused(value: object) -> None:
    assert refusal(read_hours, value)


def test_time_that_passed_is_counted_across_a_change_of_clocks() -> None:
    zone = ZoneInfo("Europe/London")
    saturday, monday = datetime(2027, 3, 27, 9, tzinfo=zone), datetime(2027, 3, 29, 9, tzinfo=zone)
    assert elapsed(saturday, monday) == timedelta(hours=47)


def test_a_moment_is_written_in_english_whatever_the_machine_speaks() -> None:
    assert write_moment(datetime(2027, 3, 5, 8, 5, tzinfo=UTC)) == "Friday 5 March 2027, 08:05"
