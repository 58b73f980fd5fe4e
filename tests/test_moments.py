"""Moments: what their words mean, and the instants that they come to."""

import re
from datetime import UTC, datetime, time, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.rule_files import faults, rule
from tests.test_trigger import BOOKING
from workers.moments import BookingMoment, ClockMoment, is_moment, read_moment
from workers.rule import Rule
from workers.rulebook import read

LONDON, NEW_YORK, SYDNEY = ZoneInfo("Europe/London"), ZoneInfo("America/New_York"), ZoneInfo("Australia/Sydney")
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def instant(text: str, zone: ZoneInfo = LONDON) -> datetime:
    """What a clock in this zone shows, as an instant; an offset in the text counts before the zone."""
    read_ = datetime.fromisoformat(text)
    return (read_ if read_.tzinfo else read_.replace(tzinfo=zone)).astimezone(UTC)


def of(words: str, starts: str, zone: ZoneInfo = LONDON, added: str | None = None) -> datetime | None:
    """The moment of an hour's booking that starts then."""
    moment = read_moment(words)
    assert isinstance(moment, BookingMoment)
    start = instant(starts, zone)
    made = instant(added, zone) if added else None
    return moment.of(BOOKING.changed(starts=start, ends=start + HOUR, added=made), zone)


def following(words: str, after: str, zone: ZoneInfo = LONDON, count: int = 3) -> list[str]:
    """The next instants, as the zone's clocks show them."""
    moment = read_moment(words)
    assert isinstance(moment, ClockMoment)
    found = islice(moment.following(instant(after, zone), zone), count)
    return [f"{each.astimezone(zone):%a %Y-%m-%d %H:%M %z}" for each in found]


# Words


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        ("2h before start", BookingMoment("", 2 * HOUR, "before", "start")),
        ("1h30m  After END", BookingMoment("", 1.5 * HOUR, "after", "end")),
        ("60m after booked", BookingMoment("", HOUR, "after", "booked")),
        ("2 hours before end", BookingMoment("", 2 * HOUR, "before", "end")),
        ("0m after start", BookingMoment("", timedelta(), "after", "start")),
        ("1 day before start at 16:00", BookingMoment("", DAY, "before", "start", time(16))),
        ("2w before start at 9:05", BookingMoment("", 14 * DAY, "before", "start", time(9, 5))),
        ("every weekday at 07:00", ClockMoment("", frozenset(range(5)), time(7))),
        ("every day at 07:00", ClockMoment("", frozenset(range(7)), time(7))),
        ("Every Monday at 09:30", ClockMoment("", frozenset({0}), time(9, 30))),
        ("every sat-sun at 10:00", ClockMoment("", frozenset({5, 6}), time(10))),
    ],
)
def test_a_moment_is_read_from_its_words(words: str, meant: BookingMoment | ClockMoment) -> None:
    assert is_moment(words)
    assert read_moment(words) == meant
    assert read_moment(words).words == " ".join(words.lower().split()), "as it was written, but for blanks and capitals"


@pytest.mark.parametrize(
    ("words", "refused"),
    [
        ("2h befor start", "'befor' is not known in a moment; known: before, after; did you mean 'before'?"),
        ("2h before stat", "'stat' is nothing to count from; known: start, end, booked; did you mean 'start'?"),
        ("2h before", "'2h before' is no moment such as 2h before start: a length, before or after, and what of"),
        ("2 hrs before start", "'2 hrs' is not a length such as 30m, 2h, 1h30m or 1 day"),
        ("0m before start", "a length longer than nothing expected"),
        ("0 days after start at 16:00", "a length longer than nothing expected"),
        ("2h before booked", "nothing is known of a booking before it is booked; did you mean 'after booked'?"),
        (
            "2h before start at 16:00",
            "'2h' is no number of days: a clock time needs one, as in 1 day before start at 16:00",
        ),
        ("1 day before start at 25:00", "'25:00' is not a clock time such as 17:00"),
        ("1 day before start at noon", "'noon' is not a clock time such as 17:00"),
        (
            "every mnday at 07:00",
            "'mnday' is not a day; known: day, weekday, monday, tuesday, wednesday, thursday, friday, saturday, sunday;"
            " did you mean 'monday'?",
        ),
        (
            "every weekday",
            "'every weekday' is no moment such as every weekday at 07:00: every, a day, at and a clock time",
        ),
        (
            "evry day at 07:00",
            "'evry day at 07:00' is no moment such as 2h before start, 1 day before start at 16:00 or every weekday at"
            " 07:00; did you mean 'every'?",
        ),
    ],
)
def test_words_that_are_no_moment_are_refused_with_what_was_perhaps_meant(words: str, refused: str) -> None:
    assert faults(rule(when=words)) == [f"rules.yaml:2:9: {refused}"]


@pytest.mark.parametrize("word", ["appointment.created", "external.desk", "appointment.created twice", "", "created"])
def test_a_trigger_is_no_moment(word: str) -> None:
    assert not is_moment(word)


def test_moments_stand_beside_triggers_and_say_how_late_they_may_come() -> None:
    when = "[appointment.created, 2h before start, every day at 07:00]"
    [one, other] = read({"a.yaml": rule(when=when) + rule("two", when="15m after end", more="  late: 2h\n")})
    assert one.rule.when == ("appointment.created", "2h before start", "every day at 07:00")
    assert [type(each) for each in one.rule.moments] == [BookingMoment, ClockMoment]
    assert (one.rule.late, other.rule.late) == (timedelta(minutes=15), 2 * HOUR)


@pytest.mark.parametrize(
    ("text", "refused"),
    [
        (rule(when="[1h after booked, 60m after booked]"), "2:9: 60m after booked is said twice"),
        (rule(more="  late: 5m\n"), "4:3: late is how late a moment may come, and the rule waits for none"),
        (rule(when="2h before start", more="  late: 0m\n"), "4:9: a duration longer than nothing expected"),
        (
            rule(when="every day at 07:00"),
            "3:10: add_note has nothing to act on: the rule listens to times of the clock only",
        ),
        (
            rule(when="[every day at 07:00, appointment.deleted]", then="{do: block_slot, after: 5m}"),
            "3:10: block_slot has nothing to act on: the rule listens to deleted appointments and times of the clock"
            " only",
        ),
    ],
)
def test_a_rule_that_cannot_be_meant_is_refused(text: str, refused: str) -> None:
    assert faults(text) == [f"rules.yaml:{refused}"]


def test_editors_are_told_what_a_moment_looks_like() -> None:
    *_, moment = Rule.model_json_schema()["properties"]["when"]["items"]["anyOf"]
    for words in (*moment["examples"], "1h30m after end", "2 weeks after booked at 9:00", "every mon-fri at 07:00"):
        assert re.fullmatch(moment["pattern"], words), words
        assert read_moment(words)
    assert not re.fullmatch(moment["pattern"], "2h befor start")


# Instants


@pytest.mark.parametrize(
    ("words", "starts", "comes"),
    [
        ("2h before start", "2027-05-10 10:00", "2027-05-10 08:00"),
        ("15m after end", "2027-05-10 10:00", "2027-05-10 11:15"),
        ("30m before end", "2027-05-10 10:00", "2027-05-10 10:30"),
        ("1 day before start at 16:00", "2027-05-10 10:00", "2027-05-09 16:00"),
        ("1 day before start at 16:00", "2027-05-10 00:15", "2027-05-09 16:00"),
        ("1 day after end at 09:00", "2027-05-10 23:30", "2027-05-12 09:00"),
        ("1 day before start at 16:00", "2028-03-01 10:00", "2028-02-29 16:00"),
        ("1 week before start at 16:00", "2027-03-05 10:00", "2027-02-26 16:00"),
        ("1 day after end at 08:00", "2027-12-31 10:00", "2028-01-01 08:00"),
    ],
)
def test_a_moment_is_counted_from_its_booking(words: str, starts: str, comes: str) -> None:
    assert of(words, starts) == instant(comes)


def test_days_are_those_of_the_locations_calendar() -> None:
    late = "2027-05-10 22:00"
    assert of("1 day before start at 16:00", late, SYDNEY) == instant("2027-05-09 16:00", SYDNEY)
    assert of("1 day before start at 16:00", "2027-05-10T02:00Z", NEW_YORK) == instant("2027-05-08 16:00", NEW_YORK)


def test_a_booking_of_which_nobody_says_when_it_was_made_has_no_moment_after_that() -> None:
    assert of("60m after booked", "2027-05-10 10:00") is None
    assert of("60m after booked", "2027-05-10 10:00", added="2027-05-01 12:00") == instant("2027-05-01 13:00")
    assert of("1 day after booked at 08:00", "2027-05-10 10:00", added="2027-05-01 12:00") == instant(
        "2027-05-02 08:00"
    )


def test_a_moment_beyond_the_years_that_there_are_is_none() -> None:
    assert of("9999w after end", "9998-05-10 10:00") is None


@pytest.mark.parametrize(
    ("zone", "starts", "two_hours_before", "the_day_before"),
    [
        # Forward: an hour is left out between the two times of the clock.
        (LONDON, "2027-03-28 02:30", "2027-03-27 23:30+00:00", "2027-03-27 16:00+00:00"),
        (NEW_YORK, "2027-03-14 03:30", "2027-03-14 00:30-05:00", "2027-03-13 16:00-05:00"),
        (SYDNEY, "2027-10-03 03:30", "2027-10-03 00:30+10:00", "2027-10-02 16:00+10:00"),
        # Back: an hour comes twice.
        (LONDON, "2027-10-31 02:30", "2027-10-31 01:30+01:00", "2027-10-30 16:00+01:00"),
        (NEW_YORK, "2027-11-07 02:30", "2027-11-07 01:30-04:00", "2027-11-06 16:00-04:00"),
        (SYDNEY, "2027-04-04 03:30", "2027-04-04 02:30+11:00", "2027-04-03 16:00+11:00"),
    ],
)
def test_hours_pass_and_days_are_of_the_calendar_when_the_clocks_change(
    zone: ZoneInfo, starts: str, two_hours_before: str, the_day_before: str
) -> None:
    assert of("2h before start", starts, zone) == instant(two_hours_before)
    assert of("1 day before start at 16:00", starts, zone) == instant(the_day_before)


@pytest.mark.parametrize(
    ("zone", "starts", "comes"),
    [
        # 01:30 or 02:30 of the day before the booking does not exist: it is counted with the offset before the change.
        (LONDON, "2027-03-29 10:00", "2027-03-28 02:30+01:00"),
        (NEW_YORK, "2027-03-15 10:00", "2027-03-14 03:30-04:00"),
        (SYDNEY, "2027-10-04 10:00", "2027-10-03 03:30+11:00"),
        # It exists twice: the first is meant.
        (LONDON, "2027-11-01 10:00", "2027-10-31 01:30+01:00"),
        (NEW_YORK, "2027-11-08 10:00", "2027-11-07 01:30-04:00"),
        (SYDNEY, "2027-04-05 10:00", "2027-04-04 02:30+11:00"),
    ],
)
def test_a_clock_time_that_does_not_exist_or_exists_twice_has_one_meaning(
    zone: ZoneInfo, starts: str, comes: str
) -> None:
    clock = "02:30" if zone is SYDNEY or comes.startswith("2027-03-14") else "01:30"
    assert of(f"1 day before start at {clock}", starts, zone) == instant(comes)


@pytest.mark.parametrize(
    ("words", "after", "comes"),
    [
        ("every weekday at 07:00", "2027-05-14 07:00", ["Mon 2027-05-17 07:00 +0100", "Tue 2027-05-18 07:00 +0100"]),
        ("every weekday at 07:00", "2027-05-14 06:59", ["Fri 2027-05-14 07:00 +0100", "Mon 2027-05-17 07:00 +0100"]),
        ("every monday at 09:30", "2027-05-17 10:00", ["Mon 2027-05-24 09:30 +0100", "Mon 2027-05-31 09:30 +0100"]),
        ("every day at 07:00", "2028-02-28 08:00", ["Tue 2028-02-29 07:00 +0000", "Wed 2028-03-01 07:00 +0000"]),
        ("every day at 01:30", "2027-03-27 12:00", ["Sun 2027-03-28 02:30 +0100", "Mon 2027-03-29 01:30 +0100"]),
        ("every day at 01:30", "2027-10-30 12:00", ["Sun 2027-10-31 01:30 +0100", "Mon 2027-11-01 01:30 +0000"]),
        ("every day at 07:00", "2027-10-30 12:00", ["Sun 2027-10-31 07:00 +0000", "Mon 2027-11-01 07:00 +0000"]),
    ],
)
def test_what_the_clock_tells_comes_at_its_times(words: str, after: str, comes: list[str]) -> None:
    assert following(words, after, count=2) == comes


def test_a_day_that_a_zone_left_out_does_not_come_twice() -> None:
    apia = ZoneInfo("Pacific/Apia")
    assert following("every day at 07:00", "2011-12-29 06:00", apia) == [
        "Thu 2011-12-29 07:00 -1000",
        "Sat 2011-12-31 07:00 +1400",
        "Sun 2012-01-01 07:00 +1400",
    ]


@given(
    st.integers(946684800, 4102444800).map(lambda seconds: datetime.fromtimestamp(seconds, UTC)),
    st.sampled_from([LONDON, NEW_YORK, SYDNEY, ZoneInfo("Australia/Lord_Howe")]),
    st.sampled_from(["every day at 01:30", "every weekday at 02:00", "every sunday at 02:30"]),
)
def test_the_next_time_is_later_and_none_lies_between(after: datetime, zone: ZoneInfo, words: str) -> None:
    moment = read_moment(words)
    assert isinstance(moment, ClockMoment)
    comes = moment.next(after, zone)
    assert comes > after
    assert moment.next(after, zone) == moment.next(comes - timedelta(microseconds=1), zone)
    assert comes.astimezone(zone).weekday() in moment.days
