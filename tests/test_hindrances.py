"""Hindrances: why somebody cannot take a booking, as it is told."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.availability.hours import Hours, OpenTime
from service.availability.intervals import Interval
from service.availability.slots import Booking, Person, is_free
from tests.house import LONDON
from workers.assignment.diary import Diary, Taken
from workers.assignment.hindrances import Buffers, Wanted, blocked, busy, calendars_near, lacking, off
from workers.names import Profile
from workers.week_hours import read_week_hours

CUTS, TREATMENTS = "cuts", "treatments"
MINUTE = timedelta(minutes=1)
DAY = datetime(2026, 3, 26, tzinfo=LONDON)
"""A Thursday; the clocks change on the Sunday after."""


def at(clock: str, day: int = 26) -> datetime:
    hour, minute = clock.split(":")
    return DAY.replace(day=day, hour=int(hour), minute=int(minute))


def wanted(starts: str = "12:00", ends: str = "13:00", **more: Any) -> Wanted:
    return Wanted(at(starts), at(ends), CUTS, **more)


def stretch(starts: str, ends: str, day: int = 26, last: int | None = None) -> Interval:
    return Interval(at(starts, day), at(ends, last or day))


def diary(*bookings: tuple[str, str], calendar: str = CUTS) -> Diary:
    return Diary(Taken(at(starts).timestamp(), at(ends).timestamp(), calendar) for starts, ends in bookings)


@pytest.mark.parametrize(
    ("openings", "told"),
    [
        ([("09:00", "18:00")], None),
        ([("09:00", "12:30"), ("12:30", "18:00")], None),
        ([("14:00", "18:00")], "off until 14:00"),
        ([("09:00", "11:00"), ("14:00", "18:00")], "off until 14:00"),
        ([("09:00", "12:30"), ("14:00", "18:00")], "off from 12:30"),
        ([("09:00", "12:00")], "off from 12:00"),
        ([], "off that day"),
    ],
)
def test_who_is_off_is_told_with_the_hour_that_matters(openings: list[tuple[str, str]], told: str | None) -> None:
    assert off(wanted(), [stretch(*opening) for opening in openings]) == told


def test_hours_of_a_file_and_of_a_schedule_are_read_on_their_own_clocks() -> None:
    early = read_week_hours({"mon-fri": ["08:00-12:30", "14:00-18:00"]})
    noon = wanted()
    assert off(noon, early.openings(noon.starts, noon.ends)) == "off from 12:30"
    sunday = Wanted(at("12:00", 29), at("13:00", 29), CUTS)
    assert off(sunday, early.openings(sunday.starts, sunday.ends)) == "off that day"
    new_york = Hours(ZoneInfo("America/New_York"), (OpenTime(3, 9 * 60, 17 * 60),))
    around = Interval(noon.interval.starts - timedelta(days=1), noon.interval.ends + timedelta(days=1))
    # Nine there is thirteen here in the weeks between both changes of the clocks.
    assert off(noon, new_york.openings(around)) == "off until 13:00"


@pytest.mark.parametrize(
    ("blocks", "told"),
    [
        ([("11:00", "12:00"), ("13:00", "14:00")], None),
        ([("09:00", "12:30")], "blocked until 12:30"),
        ([("12:00", "12:15"), ("12:15", "14:00")], "blocked until 14:00"),
        ([("12:30", "12:45"), ("09:00", "10:00")], "blocked from 12:30"),
    ],
)
def test_who_is_blocked_is_told_until_or_from_when(blocks: list[tuple[str, str]], told: str | None) -> None:
    assert blocked(wanted(), [stretch(*block) for block in blocks]) == told


def test_what_ends_on_another_day_is_told_with_it() -> None:
    assert blocked(wanted(), [stretch("09:00", "09:00", 26, 30)]) == "blocked until Mon 30 09:00"
    night = Taken(at("22:00", 25).timestamp(), at("12:30").timestamp(), CUTS)
    assert busy(wanted(), Diary([night]), {}) == "busy Wed 25 22:00 to 12:30"


@pytest.mark.parametrize(
    ("booked", "told"),
    [
        (("10:00", "11:00"), None),
        (("12:30", "13:30"), "busy 12:30 to 13:30"),
        (("11:00", "11:50"), "busy 11:00 to 11:50, and 20m have to lie between"),
        (("11:00", "11:40"), None),
        (("13:05", "14:00"), "busy 13:05 to 14:00, and 10m have to lie between"),
        (("13:10", "14:00"), None),
    ],
)
def test_of_two_buffers_between_neighbours_the_larger_one_counts(booked: tuple[str, str], told: str | None) -> None:
    """Cuts keep 5 minutes before and 10 after; treatments 10 before and 20 after."""
    cut = wanted(buffers=Buffers(5 * MINUTE, 10 * MINUTE))
    treatments = {TREATMENTS: Buffers(10 * MINUTE, 20 * MINUTE)}
    assert busy(cut, diary(booked, calendar=TREATMENTS), treatments) == told


def test_what_a_person_needs_between_two_counts_where_it_is_more() -> None:
    near = diary(("10:00", "11:50"))
    assert busy(wanted(), near, {}) is None
    assert busy(wanted(), near, {}, 10 * MINUTE) is None
    assert busy(wanted(), near, {}, 15 * MINUTE) == "busy 10:00 to 11:50, and 15m have to lie between"
    assert busy(wanted(buffers=Buffers(before=20 * MINUTE)), near, {}, 15 * MINUTE) == (
        "busy 10:00 to 11:50, and 20m have to lie between"
    )


def test_a_class_is_shared_up_to_its_seats_and_with_no_other_calendar() -> None:
    course = wanted(per_slot=2)
    assert busy(course, diary(("12:00", "13:00")), {}) is None
    assert busy(course, diary(("12:00", "13:00"), ("12:00", "13:00")), {}) == "2 of 2 in that slot"
    assert busy(course, diary(("12:00", "13:00"), calendar=TREATMENTS), {}) == "busy 12:00 to 13:00"
    assert busy(course, diary(("12:00", "12:30")), {}) == "busy 12:00 to 12:30"


def test_skills_that_are_missing_are_named() -> None:
    kim = Profile(skills=frozenset({"colour"}))
    assert lacking(("colour",), kim) is None
    assert lacking(("colour", "spanish", "braids"), kim) == "lacks spanish and braids"


def test_a_diary_counts_what_starts_in_a_period_and_knows_what_is_long_under_way() -> None:
    day = Diary([Taken(at("23:00", 25).timestamp(), at("11:00").timestamp(), TREATMENTS)])
    assert [day.count(at("00:00", first), at("00:00", first + 1)) for first in (25, 26)] == [1, 0]
    ten, eleven, noon = (at(clock).timestamp() for clock in ("10:00", "11:00", "12:00"))
    assert [taken.calendar_id for taken in day.around(ten, eleven)] == [TREATMENTS]
    assert day.around(eleven, noon) == []
    assert calendars_near(wanted(), day) == {TREATMENTS}
    assert Diary([]).around(eleven, noon) == []


MINUTES = st.integers(0, 600)
BUFFER = st.sampled_from([0, 5, 30, 90])


@settings(max_examples=300, deadline=None)
@given(
    start=MINUTES,
    length=st.integers(1, 90),
    own=st.tuples(BUFFER, BUFFER),
    others=st.lists(st.tuples(MINUTES, st.integers(0, 90), st.booleans()), max_size=4),
    theirs=st.tuples(BUFFER, BUFFER),
)
def test_whoever_is_busy_would_not_be_offered_then_either(
    start: int, length: int, own: tuple[int, int], others: list[tuple[int, int, bool]], theirs: tuple[int, int]
) -> None:
    def moment(minutes: int) -> datetime:
        return datetime(2026, 3, 26, 8, tzinfo=UTC) + minutes * MINUTE

    ours, foreign = Buffers(own[0] * MINUTE, own[1] * MINUTE), Buffers(theirs[0] * MINUTE, theirs[1] * MINUTE)
    time = Wanted(moment(start).astimezone(LONDON), moment(start + length).astimezone(LONDON), CUTS, ours)
    taken, booked = [], []
    for starts, lasts, here in others:
        taken.append(
            Taken(moment(starts).timestamp(), moment(starts + lasts).timestamp(), CUTS if here else TREATMENTS)
        )
        interval = Interval(moment(starts), moment(starts + lasts))
        booked.append(Booking(interval, *(ours if here else foreign), here=here))
    free = is_free(Person("kim", (), booked), time.interval, before=ours.before, after=ours.after)
    assert (busy(time, Diary(taken), {TREATMENTS: foreign}) is None) == free
