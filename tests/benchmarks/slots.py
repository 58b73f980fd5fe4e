"""CPU time to say what is on offer: a month of ten people with five hundred bookings, in this process."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from random import Random
from statistics import median
from zoneinfo import ZoneInfo

from service.availability.hours import Hours, OpenTime
from service.availability.intervals import Interval
from service.availability.slots import Booking, Offer, Person, Terms, offers
from service.highlevel.free_slots import FreeSlots
from service.highlevel.operation import milliseconds
from service.sandbox.api.calendars import free_slots
from service.sandbox.seeds.seed import load_seed
from service.sandbox.world.records import Appointment
from tests.benchmarks.cpu import ROUNDS, timed

PEOPLE = 10
BOOKINGS = 500
DAYS = 31
ZONE = ZoneInfo("Europe/Berlin")
FIRST = datetime(2026, 3, 9, tzinfo=ZONE)
"""The clocks change within the month."""
WINDOW = Interval(FIRST, FIRST + timedelta(days=DAYS))
HOURS = Hours(ZONE, tuple(OpenTime(weekday, 9 * 60, 17 * 60) for weekday in range(7)))
MINUTE = timedelta(minutes=1)


SEED = f"""
locations:
  - id: place
    timezone: Europe/Berlin
    users: [{", ".join(f"{{id: person-{number}, name: Somebody}}" for number in range(PEOPLE))}]
    calendars:
      - id: month
        name: Visits
        team: [{", ".join(f"person-{number}" for number in range(PEOPLE))}]
        minutes_before: 5
        minutes_after: 5
        open_hours: [{{days: [Mon, Tue, Wed, Thu, Fri, Sat, Sun], opens: 09:00, closes: 17:00}}]
"""


def bookings_of(number: int) -> tuple[Booking, ...]:
    """One person's, spread over the month and the day."""
    found = []
    for count in range(BOOKINGS // PEOPLE):
        day, slot = (count * 7 + number) % DAYS, (count * 5 + number * 3) % 16
        opens = datetime(FIRST.year, FIRST.month, FIRST.day, 9, tzinfo=ZONE) + timedelta(days=day)
        starts = opens.astimezone(UTC) + slot * 30 * MINUTE
        found.append(Booking(Interval(starts, starts + 30 * MINUTE), after=10 * MINUTE, here=count % 2 == 0))
    return tuple(found)


BOOKED = [bookings_of(number) for number in range(PEOPLE)]


def asked(step: int) -> list[Offer]:
    """What a free-slots call has to work out, once all that is on has been looked up."""
    terms = Terms(30 * MINUTE, step * MINUTE, before=5 * MINUTE, after=5 * MINUTE)
    people = [Person(f"person-{number}", HOURS.openings(WINDOW), booked) for number, booked in enumerate(BOOKED)]
    return offers(terms, people, zone=ZONE, earliest=WINDOW.starts, latest=WINDOW.ends)


def answered() -> Callable[[], object]:
    """The sandbox's answer to a free-slots call about the same month, from its own diary to the texts of the slots."""
    world = load_seed(SEED, clock=lambda: FIRST, random=Random(1))
    [location] = world.locations.values()
    for number, booked in enumerate(BOOKED):
        for count, booking in enumerate(booked):
            world.diary.keep(
                Appointment(
                    id=f"{number}-{count}",
                    calendar_id="month",
                    location_id=location.id,
                    assigned_user_id=f"person-{number}",
                    start_time=booking.interval.starts,
                    end_time=booking.interval.ends,
                    date_added=FIRST,
                    date_updated=FIRST,
                )
            )
    start = milliseconds(WINDOW.starts)
    operation = FreeSlots(calendar_id="month", start_date=start, end_date=start + DAYS * 86_400_000)
    return lambda: free_slots(world, location, operation).body


def main() -> None:
    print(f"CPU time, {DAYS} days, {PEOPLE} people, {BOOKINGS} bookings, open 8 hours a day; {ROUNDS} rounds\n")
    print(f"{'':38}{'best':>10}{'median':>12}")
    missed = False
    rows = (
        ("arithmetic, a slot every 30 min", lambda: asked(30), 5.0),
        ("arithmetic, a slot every 15 min", lambda: asked(15), None),
        ("the sandbox's answer, every 30 min", answered(), 5.0),
    )
    for name, call, bar in rows:
        times = timed(call)
        missed = missed or (bar is not None and median(times) > bar)
        judged = f"  (at most {bar:.0f} ms)" if bar is not None else ""
        print(f"{name:38}{f'{min(times):.2f} ms':>10}{f'{median(times):.2f} ms':>12}{judged}")
    if missed:
        raise SystemExit("a bar is missed")


if __name__ == "__main__":
    main()
