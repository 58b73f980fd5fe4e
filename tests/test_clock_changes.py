"""Conditions by the clock in the nights in which the clocks change, at midnight, at the end of months and years."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.trigger import Booking
from tests.nights import BACK, FORWARD, HOUR, LONDON, MINUTE, NEW_YORK, NIGHTS, ODD_ZONES, SYDNEY, instant
from tests.questions import BOOKING, DANA, READ
from workers.conditions import judge
from workers.facts import Facts
from workers.known_facts import facts_of
from workers.names import NAMES, Names
from workers.templates import Text
from workers.week_hours import read_week_hours

DECLARED = Names(
    people={"dana": DANA},
    hours={
        "late": read_week_hours({"mon-sun": "22:00-02:30"}),
        "saturdays": read_week_hours({"sat": "22:00-02:30"}),
        "to-midnight": read_week_hours({"fri": "18:00-24:00", "sat": "00:00-24:00"}),
        "split": read_week_hours({"mon-fri": ["09:00-12:00", "12:00-17:00", "18:00-19:00"]}),
    },
    holidays={
        "bank": frozenset({instant(day).astimezone(LONDON).date() for day in ("2027-03-28 00:00", "2028-02-29 00:00")})
    },
)


def facts(moment: datetime, zone: ZoneInfo, booking: Booking | None = None) -> Facts:
    """Of a booking that was made, starts and ends then, at an event that is then."""
    booking = booking or BOOKING.changed(starts=moment, ends=moment, added=moment)
    return facts_of(booking, was=None, at=moment, zone=zone, names=DECLARED)


def holds(test: object, moment: datetime, zone: ZoneInfo) -> bool:
    """Of all four of a booking's moments, which are this one."""
    known = facts(moment, zone)
    answers = set()
    for fact in ("starts", "ends", "now", "booked"):
        conditions = READ.validate_python({fact: test}, context={NAMES: DECLARED})
        answers.add(judge(conditions, known).held)
    [answer] = answers
    assert answer is not None
    return answer


# By the clock


@pytest.mark.parametrize(
    ("zone", "before", "after", "half_past"),
    [
        (zone, *FORWARD[zone], half_past)
        for zone, half_past in ((NEW_YORK, "02:30"), (LONDON, "01:30"), (SYDNEY, "02:30"))
    ],
)
def test_a_clock_time_that_is_left_out_is_past_from_the_change_on(
    zone: ZoneInfo, before: str, after: str, half_past: str
) -> None:
    last, first = instant(before), instant(after)
    for test in ({"after": half_past}, {"between": [half_past, "05:00"]}, {"not_in": [half_past, before[11:16]]}):
        assert not holds(test, last, zone)
        assert holds(test, first, zone)
    assert holds({"before": half_past}, last, zone)
    assert not holds({"before": half_past}, first, zone)
    assert not any(holds({"is": half_past}, last + MINUTE * minutes, zone) for minutes in range(0, 90, 10))
    assert holds({"is": after[11:16]}, first, zone)


@pytest.mark.parametrize(
    ("zone", "last", "first_again", "half_past"),
    [(zone, *BACK[zone], half_past) for zone, half_past in ((NEW_YORK, "01:30"), (LONDON, "01:30"), (SYDNEY, "02:30"))],
)
def test_a_clock_time_that_comes_twice_is_asked_about_twice(
    zone: ZoneInfo, last: str, first_again: str, half_past: str
) -> None:
    once, again = (instant(each[:11] + half_past + each[16:]) for each in (last, first_again))
    assert again - once == HOUR
    for moment in (once, again):
        assert holds({"is": half_past}, moment, zone)
        assert holds({"after": half_past}, moment, zone)
        assert not holds({"before": half_past}, moment, zone)
        assert holds({"before": half_past}, moment - MINUTE, zone)
        assert holds({"between": ["22:00", half_past]}, moment - MINUTE, zone)
        assert not holds({"between": ["22:00", half_past]}, moment, zone)
    assert holds({"after": half_past}, instant(last), zone)
    assert not holds({"after": half_past}, instant(first_again), zone), "the clock has gone back to before it"


@pytest.mark.parametrize(("zone", "before", "after"), NIGHTS)
def test_evenings_afternoons_and_days_are_what_they_are_on_any_other_sunday(
    zone: ZoneInfo, before: str, after: str
) -> None:
    sunday = before[:10]
    for clock, test, held in (
        ("16:59", {"after": "17:00"}, False),
        ("17:00", {"after": "17:00"}, True),
        ("17:00", {"before": "17:00"}, False),
        ("16:59", {"before": "17:00"}, True),
        ("00:00", {"on": "sun"}, True),
        ("00:00", {"on": "sat"}, False),
        ("23:59", {"on": sunday}, True),
        ("00:30", {"between": ["22:00", "05:00"]}, True),
        ("04:59", {"between": ["22:00", "05:00"]}, True),
        ("05:00", {"between": ["22:00", "05:00"]}, False),
        ("21:59", {"between": ["22:00", "05:00"]}, False),
        ("22:00", {"between": ["22:00", "05:00"]}, True),
    ):
        assert holds(test, instant(f"{sunday} {clock}", zone), zone) is held, (clock, test)
    assert holds({"on": "sun"}, instant(after), zone)


@pytest.mark.parametrize(
    ("moment", "test", "held"),
    [
        ("2027-12-31 23:59", {"on": "2027-12-31"}, True),
        ("2028-01-01 00:00", {"on": "2027-12-31"}, False),
        ("2028-01-01 00:00", {"on": ["2028-01-01", "mon"]}, True),
        ("2028-01-01 00:00", {"after": "2028-01-01"}, True),
        ("2027-12-31 23:59", {"after": "2028-01-01"}, False),
        ("2027-12-31 23:59", {"before": "2028-01-01"}, True),
        ("2028-02-29 00:00", {"on": "2028-02-29"}, True),
        ("2028-02-29 23:59", {"between": ["2028-02-29", "2028-03-01"]}, True),
        ("2028-03-01 00:00", {"between": ["2028-02-29", "2028-03-01"]}, False),
        ("2028-02-29 12:00", {"on": "bank"}, True),
        ("2028-03-01 00:00", {"on": "bank"}, False),
        ("2027-02-28 23:59", {"before": "2027-03-01 00:00"}, True),
        ("2027-03-01 00:00", {"is": "2027-03-01 00:00"}, True),
        ("2027-04-30 23:30", {"between": ["23:00", "01:00"], "on": "fri"}, True),
        ("2027-05-01 00:30", {"between": ["23:00", "01:00"], "on": "fri"}, False),  # that is the Saturday's
        ("2027-05-01 00:00", {"is": "00:00"}, True),
        ("2027-05-01 00:00", {"between": ["18:00", "24:00"]}, False),
        ("2027-04-30 23:59", {"between": ["18:00", "24:00"]}, True),
        ("2027-04-30 23:59", {"between": "18:00-24:00"}, True),
        ("2027-04-30 17:59", {"between": ["18:00", "24:00"]}, False),
        ("2027-04-30 23:59", {"after": "00:00"}, True),
        ("2027-05-01 00:00", {"before": "00:01"}, True),
        ("2027-04-30 23:59", {"during": "to-midnight"}, True),
        ("2027-05-01 00:00", {"during": "to-midnight"}, True),
        ("2027-05-01 23:59", {"during": "to-midnight"}, True),
        ("2027-05-02 00:00", {"outside": "to-midnight"}, True),
        ("2027-04-30 17:59", {"outside": "to-midnight"}, True),
        ("2027-04-30 12:00", {"during": "split"}, True),  # one opening follows on the other
        ("2027-04-30 17:00", {"during": "split"}, False),
        ("2027-04-30 18:59", {"during": "split"}, True),
        ("2027-05-02 02:29", {"during": "saturdays"}, True),
        ("2027-05-02 02:30", {"during": "saturdays"}, False),
        ("2027-05-01 02:29", {"during": "saturdays"}, False),  # the Friday's night
    ],
)
@pytest.mark.parametrize("zone", [NEW_YORK, LONDON, SYDNEY])
def test_midnight_the_end_of_a_month_and_of_a_year_and_the_leap_day(
    zone: ZoneInfo, moment: str, test: object, held: bool
) -> None:
    assert holds(test, instant(moment, zone), zone) is held


@pytest.mark.parametrize(
    ("moment", "test", "held"),
    [
        # Half past one never comes, and is an hour later by the clock.
        ("2027-03-28 02:29+01:00", {"before": "2027-03-28 01:30"}, True),
        ("2027-03-28 02:30+01:00", {"before": "2027-03-28 01:30"}, False),
        ("2027-03-28 02:30+01:00", {"is": "2027-03-28 01:30"}, True),
        # It comes twice, and the first is meant.
        ("2027-10-31 01:29+01:00", {"after": "2027-10-31 01:30"}, False),
        ("2027-10-31 01:30+01:00", {"after": "2027-10-31 01:30"}, True),
        ("2027-10-31 01:00+00:00", {"after": "2027-10-31 01:30"}, True),
        ("2027-10-31 01:30+00:00", {"is": "2027-10-31 01:30"}, False),
        # An offset says which.
        ("2027-10-31 01:30+01:00", {"is": "2027-10-31 01:30+00:00"}, False),
        ("2027-10-31 01:30+00:00", {"is": "2027-10-31 01:30+00:00"}, True),
        ("2027-10-31 01:30+00:00", {"after": "2027-10-31 01:30Z"}, True),
        ("2027-10-31 01:59+01:00", {"after": "2027-10-31 01:30Z"}, False),
        ("2027-10-31 01:15+00:00", {"between": ["2027-10-31 01:30+01:00", "2027-10-31 01:30+00:00"]}, True),
        ("2027-10-31 01:30+00:00", {"between": ["2027-10-31 01:30+01:00", "2027-10-31 01:30+00:00"]}, False),
        # The days of the changes have 23 and 25 hours.
        ("2027-03-28 23:59+01:00", {"between": ["2027-03-28", "2027-03-29"]}, True),
        ("2027-10-31 23:59+00:00", {"between": ["2027-10-31", "2027-11-01"]}, True),
        ("2027-10-31 00:00+01:00", {"before": "2027-10-31"}, False),
        ("2027-10-30 23:59+01:00", {"before": "2027-10-31"}, True),
    ],
)
def test_a_moment_is_one_instant_also_where_the_clock_shows_it_twice_or_never(
    moment: str, test: object, held: bool
) -> None:
    assert holds(test, instant(moment), LONDON) is held


# Hours that are declared


@pytest.mark.parametrize(
    ("zone", "moment", "held"),
    [
        # From Saturday's 22:00 until half past two, which never comes: until the change.
        (NEW_YORK, "2027-03-14 01:59-05:00", True),
        (NEW_YORK, "2027-03-14 03:00-04:00", False),
        (SYDNEY, "2027-10-03 01:59+10:00", True),
        (SYDNEY, "2027-10-03 03:00+11:00", False),
        (LONDON, "2027-03-28 02:00+01:00", True),
        (LONDON, "2027-03-28 02:30+01:00", False),
        # Until half past two, which comes twice in Sydney: the first is meant.
        (SYDNEY, "2027-04-04 02:29+11:00", True),
        (SYDNEY, "2027-04-04 02:30+11:00", False),
        (SYDNEY, "2027-04-04 02:15+10:00", False),
        (NEW_YORK, "2027-11-07 01:30-05:00", True),
        (NEW_YORK, "2027-11-07 02:30-05:00", False),
        (LONDON, "2027-10-31 01:30+00:00", True),
        (LONDON, "2027-10-31 02:30+00:00", False),
    ],
)
def test_a_night_that_is_declared_ends_once(zone: ZoneInfo, moment: str, held: bool) -> None:
    for hours in ("late", "saturdays"):
        assert holds({"during": hours}, instant(moment), zone) is held
        assert holds({"outside": hours}, instant(moment), zone) is not held


# Lengths of time


@pytest.mark.parametrize(
    ("zone", "sunday", "length"),
    [(zone, minutes[0][:10], "23h") for zone, minutes in FORWARD.items()]
    + [(zone, minutes[0][:10], "25h") for zone, minutes in BACK.items()]
    + [(LONDON, "2028-02-29", "24h"), (LONDON, "2027-12-31", "24h")],
)
def test_lead_notice_and_duration_are_time_that_passes(zone: ZoneInfo, sunday: str, length: str) -> None:
    first = instant(f"{sunday} 00:00", zone)
    last = (datetime.fromisoformat(sunday).replace(tzinfo=zone) + 24 * HOUR).astimezone(first.tzinfo)
    booking = BOOKING.changed(starts=last, ends=last, added=first)
    asked = {"lead": length, "notice": {"between": [length, "26h"]}}
    conditions = READ.validate_python(asked, context={NAMES: DECLARED})
    assert judge(conditions, facts(first, zone, booking)).held
    whole = BOOKING.changed(starts=first, ends=last)
    conditions = READ.validate_python({"duration": length, "notice": "0m"}, context={NAMES: DECLARED})
    assert judge(conditions, facts(first, zone, whole)).held
    more = READ.validate_python({"duration": {"more_than": "1d"}}, context={NAMES: DECLARED})
    assert judge(more, facts(first, zone, whole)).held is (length == "25h")


# Texts


@pytest.mark.parametrize(
    ("zone", "moment", "text"),
    [
        (NEW_YORK, "2027-03-14 01:59-05:00", "Sunday 14 March 2027 01:59"),
        (NEW_YORK, "2027-03-14 03:00-04:00", "Sunday 14 March 2027 03:00"),
        (LONDON, "2027-10-31 01:30+01:00", "Sunday 31 October 2027 01:30"),
        (LONDON, "2027-10-31 01:30+00:00", "Sunday 31 October 2027 01:30"),
        (SYDNEY, "2027-10-02 16:00+00:00", "Sunday 3 October 2027 03:00"),
        (SYDNEY, "2027-12-31 13:00+00:00", "Saturday 1 January 2028 00:00"),
        (LONDON, "2028-02-29 00:00+00:00", "Tuesday 29 February 2028 00:00"),
        (NEW_YORK, "2028-03-01 04:59+00:00", "Tuesday 29 February 2028 23:59"),
    ],
)
def test_texts_tell_days_and_times_as_the_locations_clock_shows_them(zone: ZoneInfo, moment: str, text: str) -> None:
    said = Text.read("{{ starts | day }} {{ starts | date }} {{ starts | time }}", DECLARED)
    assert said.render(facts(instant(moment), zone)) == text


@pytest.mark.parametrize(("zone", "hours"), [(LONDON, "2"), (NEW_YORK, "3"), (SYDNEY, "3")])
def test_texts_tell_how_many_hours_pass(zone: ZoneInfo, hours: str) -> None:
    starts, ends = (instant(f"2027-03-28 {clock}", zone) for clock in ("00:30", "03:30"))
    booking = BOOKING.changed(starts=starts, ends=ends)
    assert Text.read("{{ duration | hours }}", DECLARED).render(facts(starts, zone, booking)) == hours


# Whatever the zone and the time


AROUND = st.builds(
    lambda night, minutes: instant(night[1]) + minutes * MINUTE, st.sampled_from(NIGHTS), st.integers(-3000, 3000)
)
SOME_ZONES = st.sampled_from([NEW_YORK, LONDON, SYDNEY, *ODD_ZONES])
CLOCKS = st.builds("{:02}:{:02}".format, st.integers(0, 23), st.sampled_from([0, 1, 30, 59]))


@given(AROUND, SOME_ZONES, st.sampled_from(sorted(DECLARED.hours)))
def test_every_moment_is_either_during_or_outside(moment: datetime, zone: ZoneInfo, hours: str) -> None:
    assert holds({"during": hours}, moment, zone) is not holds({"outside": hours}, moment, zone)


@given(AROUND, SOME_ZONES, CLOCKS, CLOCKS)
def test_every_moment_is_on_one_side_of_a_clock_time(moment: datetime, zone: ZoneInfo, one: str, other: str) -> None:
    assert holds({"before": one}, moment, zone) is not holds({"after": one}, moment, zone)
    if one != other:
        assert holds({"between": [one, other]}, moment, zone) is not holds({"between": [other, one]}, moment, zone)
