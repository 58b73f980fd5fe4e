"""The timetable: which moments are laid for a booking, until when each may come, and which never do."""

from datetime import UTC, datetime, timedelta

import pytest
from pydantic import SecretStr

from service.store.identifiers import new_id
from service.store.locations import Location
from service.store.timers import PASSED, Timer
from service.store.timers import Wanted as Moment
from service.trigger import Booking
from tests.rule_files import rule
from tests.test_moments import instant
from tests.test_trigger import BOOKING
from workers.rulebook import read
from workers.timetable import BEFOREHAND, laid_by_clock, laid_for, laid_newly, outcome, reach, waiting

LIVE = "  mode: live\n"
QUARTER = timedelta(minutes=15)
LEEDS = Location("loc", "leeds", "Europe/London", "live", datetime(2027, 1, 1, tzinfo=UTC), SecretStr(""))
VISIT = BOOKING.changed(starts=instant("2027-07-05 10:00"), ends=instant("2027-07-05 11:00"))
NOON = instant("2027-07-01 12:00")
"""VISIT was made an hour before, and changed last then."""


def laid(text: str, booking: Booking = VISIT, now: datetime = NOON, location: Location = LEEDS) -> dict[str, Moment]:
    """By the moment's words."""
    found = laid_for(read({"rules.yaml": text}), location, booking, now)
    assert found is not None
    return {each.moment: each for each in found}


def test_each_moment_of_a_booking_is_laid_with_its_instant() -> None:
    found = laid(rule(when="[2h before start, 15m after end, appointment.created]", more=LIVE))
    assert {words: (each.rule, each.due_at, each.never) for words, each in found.items()} == {
        "2h before start": ("one", instant("2027-07-05 08:00"), None),
        "15m after end": ("one", instant("2027-07-05 11:15"), None),
    }


def test_rules_that_wait_for_no_moment_cost_nothing() -> None:
    everything = rule() + rule("off", when="2h before start", more="  mode: off\n")
    assert laid_for(read({"rules.yaml": everything}), LEEDS, VISIT, NOON) is None
    elsewhere = read({"rules.yaml": "location: york\nrules:\n" + rule(when="2h before start", more=LIVE)})
    assert laid_for(elsewhere, LEEDS, VISIT, NOON) is None
    assert waiting(read({"rules.yaml": rule(when="2h before start")}), LEEDS), "in shadow it is rehearsed"


@pytest.mark.parametrize(
    ("booking", "if_", "moments"),
    [
        (VISIT.changed(deleted=True), "", 0),
        (VISIT.changed(deleted=True), "  if: {status: cancelled}\n", 0),
        (VISIT.changed(status="cancelled"), "", 0),
        (VISIT.changed(status="invalid"), "", 0),
        (VISIT.changed(status="cancelled"), "  if: {status: cancelled}\n", 1),
        (VISIT.changed(status="noshow"), "", 1),
        (VISIT.changed(status="showed"), "", 1),
    ],
)
def test_what_is_over_has_no_moments_unless_the_rule_asks_for_that(booking: Booking, if_: str, moments: int) -> None:
    assert len(laid(rule(when="1h after end", more=if_), booking)) == moments


@pytest.mark.parametrize(
    ("when", "late", "until"),
    [
        ("2h before start", "15m", "2027-07-05 08:15"),
        ("2h before start", "3h", "2027-07-05 10:00"),
        ("10m before end", "1h", "2027-07-05 11:00"),
        ("15m after end", "3h", "2027-07-05 14:15"),
        ("94h after booked", "1h", "2027-07-05 10:00"),
    ],
)
def test_a_moment_may_come_late_but_never_after_what_it_comes_before(when: str, late: str, until: str) -> None:
    [found] = laid(rule(when=when, more=f"  late: {late}\n")).values()
    assert found.until_at == instant(until)


def test_a_moment_counted_from_the_making_that_the_booking_does_not_wait_for_never_comes() -> None:
    [found] = laid(rule(when="60m after booked"), VISIT.changed(starts=instant("2027-07-01 11:30"))).values()
    assert found.never == BEFOREHAND


def test_a_moment_that_had_passed_when_the_booking_was_made_or_moved_never_comes() -> None:
    soon = VISIT.changed(starts=instant("2027-07-01 12:30"), updated=instant("2027-07-01 11:50"))
    passed = laid(rule(when="[1h before start, 35m before start, 20m before start]"), soon)
    assert {words: each.never for words, each in passed.items()} == {
        "1h before start": PASSED,
        "35m before start": None,
        "20m before start": None,
    }
    assert not passed["35m before start"].ahead, "it fell due while the news was under way: it comes, late"
    book = read({"rules.yaml": rule(when="35m before start")})
    [new] = laid_newly(waiting(book, LEEDS), LEEDS, soon, NOON)
    assert new.never == PASSED, "for a rule that has just come into force it has passed"


def test_how_far_back_bookings_may_have_moments_is_the_rules_longest() -> None:
    book = read({"rules.yaml": rule(when="[2h before start, 3d after end, 30d after booked]") + rule("two")})
    assert reach(waiting(book, LEEDS)) == timedelta(days=3)


# The clock


def test_what_the_clock_tells_begins_with_the_next_time_and_stands_while_it_is_waited_for() -> None:
    rules = waiting(read({"rules.yaml": rule(when="[every day at 07:00, appointment.created]")}), LEEDS)
    [first] = laid_by_clock(rules, LEEDS, NOON, {})
    assert (first.due_at, first.until_at) == (instant("2027-07-02 07:00"), instant("2027-07-02 07:15"))
    later, key = instant("2027-07-02 07:05"), ("one", "every day at 07:00")
    assert [each.due_at for each in laid_by_clock(rules, LEEDS, later, {key: first.due_at})] == [first.due_at]
    moved = instant("2027-07-02 08:00")
    assert [each.due_at for each in laid_by_clock(rules, LEEDS, NOON, {key: moved})] == [first.due_at], (
        "of another zone, or another time of day"
    )


def timer(moment: str, due: str, late: timedelta = QUARTER, appointment: str = "") -> Timer:
    due_at = instant(due)
    return Timer(new_id(), "loc", appointment, None, "one", moment, due_at, due_at + late, "Europe/London")


@pytest.mark.parametrize(
    ("now", "missed", "again"),
    [
        ("2027-07-02 07:00", None, "2027-07-03 07:00"),
        ("2027-07-02 07:15", None, "2027-07-03 07:00"),
        ("2027-07-02 08:20", "1h20m late, and it may come 15m late at most", "2027-07-03 07:00"),
        ("2027-07-05 07:05", "3d5m late, and it may come 15m late at most", "2027-07-03 07:00"),
    ],
)
def test_what_the_clock_told_is_asked_once_or_missed_and_goes_on(now: str, missed: str | None, again: str) -> None:
    found = outcome(timer("every day at 07:00", "2027-07-02 07:00"), instant(now))
    assert found.missed == missed
    assert found.again == (instant(again), instant(again) + QUARTER)


@pytest.mark.parametrize(("now", "fires"), [("08:00", True), ("08:15", True), ("08:16", False)])
def test_a_bookings_moment_fires_within_its_time(now: str, fires: bool) -> None:
    found = outcome(timer("2h before start", "2027-07-05 08:00", appointment="app"), instant(f"2027-07-05 {now}"))
    assert (found.missed is None, found.again) == (fires, None)


def test_a_moment_that_only_another_release_can_read_is_missed_and_holds_up_no_other() -> None:
    found = outcome(timer("at the full moon", "2027-07-05 08:00"), instant("2027-07-05 08:00"))
    assert found.missed is not None
    assert "cannot read" in found.missed


def test_for_what_a_rule_booked_no_rule_waits_that_books() -> None:
    books = rule("books", when="15m after end", then="{do: book, to: {shift: 7d}, notify: false}", more=LIVE)
    found = read({"rules.yaml": books + rule("notes", when="15m after end", more=LIVE)})
    for made, waits in ((False, ["books", "notes"]), (True, ["notes"])):
        laid = laid_for(found, LEEDS, VISIT, NOON, made_by_us=made)
        newly = laid_newly(waiting(found, LEEDS), LEEDS, VISIT, NOON, made_by_us=made)
        assert [each.rule for each in laid or ()] == [each.rule for each in newly] == waits
