"""Opening hours against a walk along the clock on the wall, and as HighLevel writes them."""

from bisect import bisect_left
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.availability.hours import Hours, OpenTime, first_instant, hours_of_calendar, hours_of_schedule
from service.availability.intervals import Interval
from service.highlevel.calendars import Calendar
from service.highlevel.schedules import KeptRule
from tests import availability_oracle as oracle
from tests.availability_oracle import Source, moment_of, shown
from tests.availability_worlds import CHANGES, ZONES, middles, sources, turn_of_clocks

LONDON = ZoneInfo("Europe/London")
MINUTE = timedelta(minutes=1)
MONDAY = date(2026, 6, 1)
NINE_TO_FIVE = {"openHour": 9, "openMinute": 0, "closeHour": 17, "closeMinute": 0}
TEN_TO_NOON = {"openHour": 10, "openMinute": 0, "closeHour": 12, "closeMinute": 0}


def hours_of(source: Source) -> Hours:
    if source.kind == "schedule":
        return schedule(source.json["rules"], source.zone)
    return calendar(source.json, ZoneInfo(source.zone))


def schedule(rules: list[dict[str, Any]], timezone: str = "Europe/London") -> Hours:
    return hours_of_schedule([KeptRule.model_validate(rule) for rule in rules], timezone)


def calendar(said: Any, zone: ZoneInfo = LONDON) -> Hours:
    return hours_of_calendar(Calendar.model_validate({"id": "calendar", "locationId": "location", **said}), zone)


@settings(max_examples=150, deadline=None)
@given(data=st.data(), zone=ZONES, offset=st.integers(-1440, 1440), length=st.integers(0, 1440))
def test_openings_are_what_the_clock_on_the_wall_says_each_minute(
    data: st.DataObject, zone: str, offset: int, length: int
) -> None:
    middle = data.draw(middles(zone))
    hours = data.draw(sources(zone, middle))
    first = turn_of_clocks(zone, middle) + offset
    expected = [
        Interval(moment_of(minutes[0]), moment_of(minutes[-1] + 1))
        for minutes in oracle.openings(hours, middle)
        if minutes[0] < first + length and minutes[-1] >= first and length
    ]
    assert hours_of(hours).openings(Interval(moment_of(first), moment_of(first + length))) == sorted(expected)


@pytest.mark.parametrize(("zone", "day"), [(zone, day) for zone, days in CHANGES.items() for day in days])
def test_a_clock_time_is_the_moment_at_which_the_clock_first_shows_it_or_later(zone: str, day: date) -> None:
    first_at = {wall: minutes[0] for wall, minutes in shown(zone, day).items()}
    walls = sorted(first_at)
    for minutes in range(0, 1441, 5):
        or_later = walls[bisect_left(walls, day.toordinal() * 1440 + minutes)]
        assert first_instant(day, minutes, ZoneInfo(zone)) == moment_of(first_at[or_later])


def test_a_day_is_an_hour_shorter_in_spring_and_longer_in_autumn() -> None:
    sundays = Hours(LONDON, (OpenTime(6, 0, 1440),))
    lengths = {}
    for day in (date(2026, 3, 29), date(2026, 10, 25), date(2026, 6, 7)):
        noon = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
        (opening,) = sundays.openings(Interval(noon, noon + MINUTE))
        lengths[day.month] = opening.ends - opening.starts
    assert lengths == {3: timedelta(hours=23), 10: timedelta(hours=25), 6: timedelta(hours=24)}


def test_openings_are_whole_so_that_a_window_does_not_shift_the_slots() -> None:
    window = Interval(datetime(2026, 6, 1, 9, 20, tzinfo=LONDON), datetime(2026, 6, 1, 10, tzinfo=LONDON))
    (opening,) = Hours(LONDON, (OpenTime(0, 9 * 60, 12 * 60),)).openings(window)
    assert opening.starts == datetime(2026, 6, 1, 9, tzinfo=LONDON)


def test_a_day_that_has_begun_is_open_though_the_clock_has_gone_back_to_the_day_before() -> None:
    newfoundland = ZoneInfo("America/St_Johns")  # until 2011 at a minute past midnight
    late = datetime(2010, 11, 6, 23, 30, tzinfo=newfoundland, fold=1)
    always = Hours(newfoundland, tuple(OpenTime(weekday, 0, 1440) for weekday in range(7)))
    (opening,) = always.openings(Interval(late, late.astimezone(UTC) + MINUTE))
    assert opening.starts == datetime(2010, 11, 7, 2, 30, tzinfo=UTC)
    assert opening.ends - opening.starts == timedelta(hours=25)


@pytest.mark.parametrize("times", [(7, 0, 60), (0, 60, 60), (0, 0, 1441), (0, -1, 60)])
def test_hours_that_cannot_be_are_refused(times: tuple[int, int, int]) -> None:
    with pytest.raises(ValueError, match="no opening"):
        OpenTime(*times)
    if times[0] == 0:
        with pytest.raises(ValueError, match="no opening"):
            Hours(LONDON, dates={MONDAY: ((540, 600), times[1:])})


def test_highlevel_counts_days_from_sunday_and_an_end_at_midnight_is_the_days_end() -> None:
    hours = [
        {"openHour": 9, "openMinute": 30, "closeHour": 24, "closeMinute": 0},
        {"openHour": 10, "openMinute": 0, "closeHour": 0, "closeMinute": 0},
        {"openHour": 9, "openMinute": 0, "closeHour": 9, "closeMinute": 0},
        {"openHour": 9, "openMinute": 0, "closeHour": 8, "closeMinute": 59},
    ]
    found = calendar({"openHours": [{"daysOfTheWeek": [0, 1], "hours": hours}]})
    assert set(found.week) == {OpenTime(day, opens, 1440) for day in (6, 0) for opens in (570, 600)}
    assert len(found.week) == 4


@pytest.mark.parametrize(
    ("kind", "on_the_date", "on_another"),
    [(None, [(600, 720)], [(540, 1020)]), (0, [(540, 1020)], [(540, 1020)]), (1, [(600, 720)], [])],
)
def test_dates_replace_their_weekday_unless_the_calendar_goes_by_one_of_them_only(
    kind: int | None, on_the_date: list[tuple[int, int]], on_another: list[tuple[int, int]]
) -> None:
    found = calendar(
        {
            "openHours": [{"daysOfTheWeek": [1], "hours": [NINE_TO_FIVE]}],
            "availabilities": [
                {"date": "2026-06-01T00:00:00.000Z", "hours": [TEN_TO_NOON]},
                {"date": "2026-06-08T00:00:00.000Z", "hours": [TEN_TO_NOON], "deleted": True},
            ],
            "availabilityType": kind,
        }
    )
    assert on(found, MONDAY) == on_the_date
    assert on(found, MONDAY + timedelta(days=7)) == on(found, MONDAY + timedelta(days=14)) == on_another


def on(hours: Hours, day: date) -> list[tuple[int, int]]:
    """The openings of a day, in minutes after London's midnight."""
    midnight = datetime(day.year, day.month, day.day, tzinfo=LONDON)
    found = hours.openings(Interval(midnight, midnight + timedelta(days=1)))
    return [((opening.starts - midnight) // MINUTE, (opening.ends - midnight) // MINUTE) for opening in found]


def test_a_date_without_hours_is_closed_and_two_entries_of_one_date_add_up() -> None:
    week = {"openHours": [{"daysOfTheWeek": [1], "hours": [NINE_TO_FIVE]}]}
    closed = {"date": "2026-06-01T00:00:00.000Z", "hours": []}
    open_again = {"date": "2026-06-01T00:00:00.000Z", "hours": [TEN_TO_NOON]}
    assert on(calendar(week | {"availabilities": [closed]}), MONDAY) == []
    assert on(calendar(week | {"availabilities": [open_again, closed]}), MONDAY) == [(600, 720)]


def test_a_schedule_has_days_by_name_dates_in_their_place_and_a_zone_of_its_own() -> None:
    rules: list[dict[str, Any]] = [
        {
            "type": "wday",
            "day": "monday",
            "intervals": [{"from": "9:00", "to": "17:00"}, {"from": "20:00", "to": "00:00"}],
        },
        {
            "type": "wday",
            "day": "monday",
            "intervals": [{"from": "18:00", "to": "19:00"}, {"from": "12:00", "to": "11:00"}],
        },
        {"type": "wday", "day": "sunday", "intervals": [{"from": "00:00", "to": "24:00"}]},
        {"type": "date", "date": "2026-06-08", "intervals": [{"from": "10:00", "to": "12:00"}]},
        {"type": "date", "date": "2026-06-08", "intervals": [{"from": "18:00", "to": "19:00"}]},
        {"type": "date", "date": "2026-06-15", "intervals": []},
    ]
    found = schedule(rules)
    assert on(found, MONDAY) == [(540, 1020), (1080, 1140), (1200, 1440)]
    assert on(found, MONDAY - timedelta(days=1)) == [(0, 1440)]
    assert on(found, date(2026, 6, 8)) == [(600, 720), (1080, 1140)]
    assert on(found, date(2026, 6, 15)) == []
    assert on(schedule(rules, "Europe/Berlin"), date(2026, 6, 8)) == [(540, 660), (1020, 1080)]


@pytest.mark.parametrize(
    "rule",
    [
        {"type": "wday", "day": "funday", "intervals": []},
        {"type": "wday", "intervals": []},
        {"type": "date", "intervals": []},
        {"type": "month", "day": "monday", "intervals": []},
        {"type": "wday", "day": "monday", "intervals": [{"from": "9", "to": "10:00"}]},
        {"type": "wday", "day": "monday", "intervals": [{"from": "09:00", "to": "25:00"}]},
        {"type": "wday", "day": "monday", "intervals": [{"from": "09:60", "to": "10:00"}]},
    ],
)
def test_a_schedule_that_cannot_be_read_says_so(rule: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"no (rule of a schedule|clock time)"):
        schedule([rule])


@pytest.mark.parametrize("name", ["", "Europe", "Mars/Olympus", "../etc/passwd", "a\0b"])
def test_a_schedule_of_an_unknown_time_zone_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="no time zone"):
        schedule([], name)
