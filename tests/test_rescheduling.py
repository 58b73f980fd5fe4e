"""The search for a time: hours, days and holidays across changes of the clocks, midnight and the end of a month."""

from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.highlevel.free_slots import Slot
from workers.names import NAMES, Names
from workers.rescheduling.search import Search, Wanted, told
from workers.rescheduling.target import shifted
from workers.rescheduling.within import Within
from workers.values import read_date
from workers.week_hours import read_week_hours

LONDON, NEW_YORK, SYDNEY = ZoneInfo("Europe/London"), ZoneInfo("America/New_York"), ZoneInfo("Australia/Sydney")
HOUR = timedelta(hours=1)
YEAR = datetime.fromisoformat("2027-01-01")
DECLARED = Names(
    hours={"open": read_week_hours({"mon-fri": ["09:00-12:00", "12:00-17:00"], "sat": "22:00-02:00"})},
    holidays={"bank": frozenset({read_date("2027-03-26"), read_date("2027-03-29")})},
)


def within(**said: Any) -> Within:
    return Within.model_validate(said, context={NAMES: DECLARED})


def at(text: str, zone: ZoneInfo = LONDON, fold: int = 0) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone, fold=fold)


def slots(*times: datetime) -> list[Slot]:
    return [Slot(moment.isoformat()) for moment in times]


def search(wanted: Wanted, offered: Sequence[Slot]) -> Search:
    found = Search(wanted)
    for slot in offered:
        if not found.goes_on_after(slot):
            break
    return found


@pytest.mark.parametrize(
    ("said", "starts", "why"),
    [
        ({"hours": "09:00-12:00"}, "2027-03-25 09:00", None),
        ({"hours": "09:00-12:00"}, "2027-03-25 11:00", None),
        ({"hours": "09:00-12:00"}, "2027-03-25 11:30", "outside the hours"),  # its end must lie in them
        ({"hours": "open"}, "2027-03-25 11:30", None),  # one opening follows on the other
        ({"hours": "open"}, "2027-03-27 09:00", "outside the hours"),
        ({"hours": "open"}, "2027-03-28 00:00", None),  # Saturday's night
        ({"hours": "open", "days": "sun"}, "2027-03-28 00:00", "outside the hours"),
        ({"hours": "open", "days": "sat"}, "2027-03-27 23:30", None),
        ({"days": "mon-thu"}, "2027-03-26 09:00", "on other days"),
        ({"days": "thu"}, "2027-03-25 23:30", "that run into a day left out"),
        ({"days": "thu"}, "2027-03-25 23:00", None),
        ({"except": "bank"}, "2027-03-26 09:00", "on bank"),
        ({"except": ["2027-03-25", "bank"]}, "2027-03-25 09:00", "on 2027-03-25"),
        ({"except": "bank"}, "2027-03-25 23:30", "that run into a day left out"),
        ({"except": "sun"}, "2027-03-28 09:00", "on sun"),
        ({"days": "mon-fri", "except": "bank", "hours": "open"}, "2027-03-30 16:00", None),
        ({}, "2027-03-25 23:30", None),
    ],
)
def test_a_booking_of_an_hour_lies_within_or_is_told_why_not(
    said: dict[str, Any], starts: str, why: str | None
) -> None:
    start = at(starts)
    assert within(**said).why_not(start, start + HOUR, LONDON) == why


@pytest.mark.parametrize(
    ("zone", "spring", "autumn"),
    [
        (LONDON, "2027-03-28 00:00", "2027-10-31 00:00"),
        (NEW_YORK, "2027-03-14 01:00", "2027-11-07 01:00"),
        (SYDNEY, "2027-10-03 01:00", "2027-04-04 02:00"),
    ],
)
def test_hours_over_a_change_of_the_clocks_are_as_long_as_they_last(zone: ZoneInfo, spring: str, autumn: str) -> None:
    for day, hours_there in ((spring, 2), (autumn, 4)):
        begin = at(day, zone).astimezone(UTC)
        clock = f"{at(day, zone):%H:%M}-{at(day, zone).hour + 3:02}:00"
        held = [
            hours for hours in range(1, 6) if within(hours=clock).why_not(begin, begin + hours * HOUR, zone) is None
        ]
        assert held == list(range(1, hours_there + 1)), clock


@given(
    moment=st.datetimes(YEAR, YEAR + timedelta(days=365)),
    days=st.integers(1, 40),
    minutes=st.integers(0, 1439),
    zone=st.sampled_from([LONDON, NEW_YORK, SYDNEY]),
)
def test_a_shift_by_days_keeps_the_clock_and_by_less_than_a_day_lasts_so_long(
    moment: datetime, days: int, minutes: int, zone: ZoneInfo
) -> None:
    start = moment.replace(tzinfo=zone).astimezone(UTC)
    later = shifted(start, timedelta(days=days), zone)
    there = later.astimezone(zone)
    was = start.astimezone(zone).replace(tzinfo=None) + timedelta(days=days)
    # A time that the clock leaves out is the only one that is not kept: it is an hour further.
    assert there.replace(tzinfo=None) - was in (timedelta(), HOUR)
    if there.replace(tzinfo=None) != was:
        assert was.replace(tzinfo=zone).astimezone(UTC).astimezone(zone).replace(tzinfo=None) != was
    assert shifted(start, timedelta(days=days, minutes=minutes), zone) - later == timedelta(minutes=minutes)


@pytest.mark.parametrize(
    ("start", "days", "then"),
    [
        (at("2027-03-27 09:00"), 1, at("2027-03-28 09:00")),  # a day of 23 hours
        (at("2027-10-30 09:00"), 1, at("2027-10-31 09:00")),  # of 25
        (at("2027-03-27 01:30"), 1, at("2027-03-28 02:30")),  # half past one is left out
        (at("2027-10-31 01:30", fold=1), 7, at("2027-11-07 01:30")),
        (at("2027-01-31 23:30"), 1, at("2027-02-01 23:30")),
        (at("2028-02-28 12:00"), 1, at("2028-02-29 12:00")),
    ],
)
def test_a_day_later_is_the_same_time_by_the_clock_on_the_wall(start: datetime, days: int, then: datetime) -> None:
    assert shifted(start, timedelta(days=days), LONDON) == then.astimezone(UTC)


def test_an_hour_after_a_time_that_comes_twice_is_an_hour_later() -> None:
    for fold in (0, 1):
        start = at("2027-10-31 01:30", fold=fold)
        assert shifted(start, HOUR, LONDON) - start.astimezone(UTC) == HOUR


def test_the_first_slot_that_will_do_is_taken_and_nothing_after_it_is_looked_at() -> None:
    offered = slots(*(at("2027-03-25 08:00") + HOUR * hours for hours in range(48)))
    found = search(Wanted(LONDON, HOUR, within(hours="10:00-12:00")), offered)
    assert (found.best, found.looked_at) == (offered[2], 3)
    found = search(Wanted(LONDON, HOUR, within(hours="10:00-12:00"), other_than=at("2027-03-25 10:00")), offered)
    assert found.best == offered[3]
    assert found.refused == {"outside the hours": 2, "where it is": 1}


def test_the_nearest_to_the_old_time_of_day_is_taken_among_those_of_the_first_day_that_has_one() -> None:
    morning, noon, evening = (at(f"2027-03-25 {clock}") for clock in ("09:00", "12:00", "18:00"))
    best = at("2027-03-26 17:00")
    offered = slots(morning, noon, evening, best)
    assert search(Wanted(LONDON, HOUR, near=time(17)), offered).best == offered[2]
    assert search(Wanted(LONDON, HOUR, near=time(10, 30)), offered).best == offered[0], "the earlier of two as near"
    assert search(Wanted(LONDON, HOUR, near=time(17)), offered).looked_at == 3, "the next day is not looked at"
    without = Wanted(LONDON, HOUR, within(days="fri"), near=time(9))
    assert search(without, offered).best == offered[3]


def test_the_same_time_of_day_is_that_of_the_clock_on_the_wall() -> None:
    before, after = at("2027-03-27 09:00"), at("2027-03-29 09:00")
    found = search(Wanted(LONDON, HOUR, clock=time(9)), slots(before + HOUR, after - HOUR, after))
    assert found.best == after.isoformat()
    assert found.refused == {"not at 09:00": 2}


def test_what_was_looked_at_is_counted_by_the_reason() -> None:
    offered = slots(*(at("2027-03-26 00:00") + HOUR * hours for hours in range(120)))
    found = search(Wanted(LONDON, HOUR, within(days="fri-mon", hours="09:00-11:00", **{"except": "bank"})), offered)
    assert found.best == at("2027-03-27 09:00").isoformat()
    found = search(Wanted(LONDON, HOUR, within(days=["fri", "mon"], **{"except": "bank"})), offered)
    assert found.best is None
    assert told(found.looked_at, found.refused) == "120 slots looked at, 72 on other days, 48 on bank"
    assert told(1, {"on bank": 1}) == "1 slot looked at, 1 on bank"
    assert told(0, {}) == "no slot is on offer"


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (
            {"days": "mon-fri", "hours": "09:00-12:00", "except": "bank"},
            "on mon-fri within 09:00-12:00, except on `bank`",
        ),
        ({"days": ["sat", "mon", "tue"], "hours": "open"}, "on mon, tue, sat within the hours `open`"),
        ({"hours": ["22:00-02:00", "9:00-10:00"]}, "within 22:00-02:00, 09:00-10:00"),
        ({"except": ["2027-05-01", "bank"]}, "except on 2027-05-01, `bank`"),
        ({"hours": {"mon": "09:00-10:00"}}, "within mon 09:00-10:00"),
    ],
)
def test_what_a_rule_allows_is_told_in_its_words(said: dict[str, Any], words: str) -> None:
    assert str(within(**said)) == words
