"""What is on offer against an oracle that walks minute by minute, and the edges one by one."""

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings

from service.availability.hours import Hours, hours_of_calendar, hours_of_schedule
from service.availability.intervals import Interval
from service.availability.slots import Booking, Offer, Person, Terms, hidden, offers
from service.highlevel.calendars import Calendar
from service.highlevel.schedules import KeptRule
from tests import availability_oracle as oracle
from tests.availability_oracle import Source, World, minute_of, moment_of
from tests.availability_worlds import changes_clocks, worlds

SAMPLE = 300
WORLDS = int(os.environ.get("SLOTWRIGHT_WORLDS", SAMPLE))
"""How many random worlds are looked at; `make fuzz` asks for more. The sample is always the same: of so few the shares
below would be missed by chance now and then."""

MINUTE = timedelta(minutes=1)
UTC_ZONE = ZoneInfo("Etc/UTC")
NINE = datetime(2026, 6, 1, 9, tzinfo=UTC)
HALF_HOURS = Terms(30 * MINUTE, 30 * MINUTE)

RICH = {
    "offers": 0.2,
    "outside the window": 0.4,
    "clocks change": 0.1,
    "booked": 0.15,
    "blocked": 0.1,
    "buffer of a booking": 0.05,
    "buffer of the slot": 0.05,
    "slot full": 0.02,
    "day full": 0.02,
}
"""The least share of worlds in which this is to happen: what does not happen is not tested."""


def hours_of(source: Source) -> Hours:
    if source.kind == "schedule":
        return hours_of_schedule([KeptRule.model_validate(rule) for rule in source.json["rules"]], source.zone)
    calendar = Calendar.model_validate({"id": "calendar", "locationId": "location", **source.json})
    return hours_of_calendar(calendar, ZoneInfo(source.zone))


def interval(start: int, length: int) -> Interval:
    return Interval(moment_of(start), moment_of(start + length))


def found_in(world: World) -> list[tuple[int, tuple[str, ...]]]:
    """By the arithmetic, from what HighLevel would show."""
    said = world.conditions
    calendar = Calendar.model_validate(
        {
            "id": "calendar",
            "locationId": "location",
            "calendarType": "collective" if said.together else "round_robin",
            "slotDuration": said.duration / 60 if said.duration % 15 == 0 else said.duration,
            "slotDurationUnit": "hours" if said.duration % 15 == 0 else "mins",
            "slotInterval": said.interval,
            "slotIntervalUnit": "mins",
            "preBuffer": said.before,
            "preBufferUnit": "mins",
            "slotBuffer": said.after,
            "appoinmentPerSlot": said.per_slot,
            "appoinmentPerDay": said.per_day,
        }
    )
    earliest, latest = moment_of(world.earliest), moment_of(world.latest)
    window = Interval(earliest, latest)
    people = [
        Person(
            person.id,
            hours_of(person.hours).openings(window),
            [
                Booking(interval(one.starts, one.length), one.before * MINUTE, one.after * MINUTE, one.here)
                for one in person.taken
            ],
            [interval(*block) for block in person.blocked],
        )
        for person in world.people
    ]
    zone = ZoneInfo(world.zone)
    found = offers(Terms.of(calendar), people, zone=zone, earliest=earliest, latest=latest, booked=world.booked)
    return [(minute_of(offer.start), offer.people) for offer in found]


@pytest.mark.parametrize(("together", "also"), [(False, "some are free"), (True, "not everybody")])
def test_what_is_on_offer_is_what_an_oracle_finds_minute_by_minute(together: bool, also: str) -> None:
    seen: Counter[str] = Counter()

    @settings(
        max_examples=WORLDS // 2,
        deadline=None,
        derandomize=WORLDS == SAMPLE,
        suppress_health_check=[HealthCheck.too_slow],
    )
    @given(worlds(together))
    def holds(world: World) -> None:
        seen["worlds"] += 1
        seen["clocks change"] += changes_clocks(world)
        assert found_in(world) == oracle.offers(world, seen)

    holds()
    rich = RICH | {also: 0.1}
    poor = {what: seen[what] for what, share in rich.items() if seen[what] < share * seen["worlds"]}
    assert not poor, seen


def after_nine(starts: int, length: int) -> Interval:
    """In minutes."""
    return Interval(NINE + starts * MINUTE, NINE + (starts + length) * MINUTE)


def person(
    *bookings: Booking, blocked: Sequence[Interval] = (), open_times: Sequence[Interval] = (), name: str = "Kim"
) -> Person:
    """Open from nine to eleven unless said otherwise."""
    return Person(name, open_times or [after_nine(0, 120)], bookings, blocked)


def starts(
    terms: Terms, *people: Person, zone: ZoneInfo = UTC_ZONE, booked: dict[date, int] | None = None
) -> list[int]:
    """What is on offer from nine to nine, in minutes after nine."""
    day = timedelta(days=1)
    found = offers(terms, people, zone=zone, earliest=NINE, latest=NINE + day, booked=booked or {})
    return [(offer.start - NINE) // MINUTE for offer in found]


def test_the_grid_begins_with_each_opening_and_a_slot_ends_within_it() -> None:
    odd = person(open_times=[after_nine(10, 75), after_nine(60, 60)])
    assert starts(HALF_HOURS, odd) == [10, 40, 60, 90]
    assert starts(Terms(45 * MINUTE, 30 * MINUTE), odd) == [10, 40, 60]


def test_the_first_moment_counts_and_the_last_does_not() -> None:
    found = offers(
        HALF_HOURS, [person()], zone=UTC_ZONE, earliest=NINE + 30 * MINUTE, latest=NINE + 90 * MINUTE, booked={}
    )
    assert [offer.start for offer in found] == [NINE + 30 * MINUTE, NINE + 60 * MINUTE]


def test_what_ends_when_a_slot_starts_or_starts_when_it_ends_is_not_in_the_way() -> None:
    for taken, left in (
        (after_nine(30, 30), [0, 60, 90]),
        (after_nine(31, 30), [0, 90]),
        (after_nine(29, 30), [60, 90]),
    ):
        assert starts(HALF_HOURS, person(Booking(taken))) == left
        assert starts(HALF_HOURS, person(blocked=[taken])) == left


def test_not_a_microsecond_is_rounded_away() -> None:
    instant = timedelta(microseconds=1)
    late = Interval(NINE - 30 * MINUTE, NINE + instant)
    assert starts(HALF_HOURS, person(Booking(late))) == [30, 60, 90]
    assert starts(HALF_HOURS, person(open_times=[Interval(NINE, NINE + 60 * MINUTE - instant)])) == [0]
    assert starts(Terms(30 * MINUTE + instant, 30 * MINUTE), person(blocked=[after_nine(60, 10)])) == [0]


def test_an_interval_without_length_is_in_nobodys_way() -> None:
    nothing = after_nine(10, 0)
    assert starts(HALF_HOURS, person(Booking(nothing, 30 * MINUTE, 30 * MINUTE), blocked=[nothing])) == [0, 30, 60, 90]


@pytest.mark.parametrize(
    ("before", "after", "own_before", "own_after", "left"),
    [
        (0, 0, 0, 0, [0, 15, 75, 90]),
        (15, 0, 0, 0, [0, 15, 90]),  # the later one's before: that of the slot, behind the booking
        (0, 15, 0, 0, [0, 75, 90]),  # the earlier one's after: that of the slot, ahead of the booking
        (0, 0, 15, 0, [0, 75, 90]),
        (0, 0, 0, 15, [0, 15, 90]),
        (15, 0, 0, 15, [0, 15, 90]),  # they may overlap each other: the larger counts, not their sum
        (0, 15, 15, 0, [0, 75, 90]),
        (0, 1, 0, 0, [0, 75, 90]),
        (0, 0, 0, 16, [0, 15]),
    ],
)
def test_buffers_lie_between_two_bookings_and_the_larger_one_counts(
    before: int, after: int, own_before: int, own_after: int, left: list[int]
) -> None:
    terms = Terms(30 * MINUTE, 15 * MINUTE, before=before * MINUTE, after=after * MINUTE)
    booking = Booking(after_nine(45, 30), own_before * MINUTE, own_after * MINUTE)
    assert starts(terms, person(booking)) == left


def test_buffers_ask_nothing_of_blocks_and_opening_hours() -> None:
    padded = Terms(30 * MINUTE, 30 * MINUTE, before=30 * MINUTE, after=30 * MINUTE)
    assert starts(padded, person(blocked=[after_nine(30, 30)])) == [0, 60, 90]


def test_a_slot_is_shared_by_bookings_of_the_very_calendar_and_the_very_time_only() -> None:
    seats = Terms(30 * MINUTE, 30 * MINUTE, per_slot=2)
    here = Booking(after_nine(30, 30), here=True)
    assert starts(seats, person(here)) == [0, 30, 60, 90]
    assert starts(seats, person(here, here)) == [0, 60, 90]
    assert starts(HALF_HOURS, person(here)) == [0, 60, 90]
    assert starts(seats, person(Booking(after_nine(30, 30)))) == [0, 60, 90]
    assert starts(seats, person(Booking(after_nine(30, 31), here=True))) == [0, 90]
    assert starts(seats, person(Booking(after_nine(31, 30), here=True))) == [0, 90]


def test_a_shared_slot_keeps_its_buffers_towards_all_others() -> None:
    seats = Terms(30 * MINUTE, 15 * MINUTE, after=15 * MINUTE, per_slot=2)
    assert starts(seats, person(Booking(after_nine(45, 30), after=15 * MINUTE, here=True))) == [0, 45, 90]


def test_a_slot_is_on_offer_while_anybody_is_free_and_says_who_is() -> None:
    kim, lee = person(Booking(after_nine(0, 60))), person(Booking(after_nine(30, 60)), name="Lee")
    found = offers(HALF_HOURS, [kim, lee], zone=UTC_ZONE, earliest=NINE, latest=NINE + 120 * MINUTE)
    assert [offer.people for offer in found] == [("Lee",), ("Kim",), ("Kim", "Lee")]
    assert [(offer.start - NINE) // MINUTE for offer in found] == [0, 60, 90]


def test_together_takes_what_all_openings_have_in_common_and_all_to_be_free() -> None:
    terms = Terms(30 * MINUTE, 30 * MINUTE, together=True)
    kim, lee = person(Booking(after_nine(40, 30))), person(open_times=[after_nine(10, 200)], name="Lee")
    found = offers(terms, [kim, lee], zone=UTC_ZONE, earliest=NINE, latest=NINE + 300 * MINUTE)
    assert found == [Offer(NINE + 10 * MINUTE, ("Kim", "Lee")), Offer(NINE + 70 * MINUTE, ("Kim", "Lee"))]
    assert starts(terms) == starts(HALF_HOURS) == []


def test_a_day_that_has_its_bookings_offers_nothing_more_by_its_own_clock() -> None:
    late = person(open_times=[after_nine(13 * 60, 240)])
    two_a_day = Terms(60 * MINUTE, 60 * MINUTE, per_day=2)
    london = ZoneInfo("Europe/London")  # an hour ahead: eleven in the evening is the next day's midnight
    full = {date(2026, 6, 1): 2, date(2026, 6, 2): 1}
    assert starts(two_a_day, late, zone=london, booked=full) == [14 * 60, 15 * 60, 16 * 60]
    assert starts(two_a_day, late, zone=UTC_ZONE, booked=full) == [15 * 60, 16 * 60]
    assert len(starts(Terms(60 * MINUTE, 60 * MINUTE), late, booked=full)) == 4


def test_terms_are_read_as_highlevel_writes_them() -> None:
    said = {"id": "calendar", "locationId": "location", "slotDuration": 1.5, "slotDurationUnit": "hours"}
    said |= {
        "slotInterval": 20,
        "preBuffer": 5,
        "slotBuffer": 1,
        "slotBufferUnit": "hours",
        "calendarType": "collective",
    }
    limits = {"appoinmentPerSlot": 4, "appoinmentPerDay": 9}
    assert Terms.of(Calendar.model_validate(said | limits)) == Terms(
        90 * MINUTE, 20 * MINUTE, 5 * MINUTE, 60 * MINUTE, per_slot=4, per_day=9, together=True
    )
    for none in (None, 0, -1):
        unlimited = {"id": "calendar", "locationId": "location", "appoinmentPerSlot": none, "appoinmentPerDay": none}
        assert Terms.of(Calendar.model_validate(unlimited)) == HALF_HOURS


@pytest.mark.parametrize("amount", [0, -30, 1e-9, 1e300])
def test_a_calendar_whose_slots_cannot_be_is_refused(amount: float) -> None:
    for name in ("slotDuration", "slotInterval"):
        with pytest.raises(ValueError, match="length"):
            Terms.of(Calendar.model_validate({"id": "calendar", "locationId": "location", name: amount}))


@pytest.mark.parametrize("said", [{"per_slot": 0}, {"per_day": 0}, {"before": -MINUTE}, {"after": -MINUTE}])
def test_terms_that_cannot_be_meant_are_refused(said: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"at least|less than nothing"):
        replace(HALF_HOURS, **said)


def test_a_calendar_that_looks_busy_hides_so_many_of_each_local_day_and_always_the_same() -> None:
    havana = ZoneInfo("America/Havana")
    all_of_them = [Offer(NINE + 30 * number * MINUTE, ("Kim",)) for number in range(100)]
    left = hidden(all_of_them, 25, "calendar", havana)
    days = Counter(offer.start.astimezone(havana).date() for offer in all_of_them)
    shown = Counter(offer.start.astimezone(havana).date() for offer in left)
    assert shown == {day: count - count * 25 // 100 for day, count in days.items()}
    assert left == [offer for offer in all_of_them if offer in left]
    assert hidden(all_of_them, 25, "calendar", havana) == left
    assert hidden(all_of_them, 25, "another", havana) != left
    in_any_process = [all_of_them[number] for number in (1, 2, 4, 5)]
    assert hidden(all_of_them[:8], 50, "calendar", UTC_ZONE) == in_any_process


@pytest.mark.parametrize(("percent", "left"), [(-1, 4), (0, 4), (24.9, 4), (50, 2), (99.9, 1), (100, 0), (101, 0)])
def test_less_than_nothing_hides_nothing_and_more_than_all_hides_all(percent: float, left: int) -> None:
    four = [Offer(NINE + 30 * number * MINUTE, ()) for number in range(4)]
    assert len(hidden(four, percent, "calendar", UTC_ZONE)) == left
