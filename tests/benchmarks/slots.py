"""CPU time to say what is on offer: a month of ten people with five hundred bookings, in this process."""

from datetime import UTC, datetime, timedelta
from statistics import median
from time import process_time
from zoneinfo import ZoneInfo

from service.availability.hours import Hours, OpenTime
from service.availability.intervals import Interval
from service.availability.slots import Booking, Offer, Person, Terms, offers

ROUNDS = 50
PEOPLE = 10
BOOKINGS = 500
DAYS = 31
BARS = {30: 5.0}
"""By minutes between two starts: how many milliseconds the median round may take."""

ZONE = ZoneInfo("Europe/Berlin")
FIRST = datetime(2026, 3, 9, tzinfo=ZONE)
"""The clocks change within the month."""
WINDOW = Interval(FIRST, FIRST + timedelta(days=DAYS))
HOURS = Hours(ZONE, tuple(OpenTime(weekday, 9 * 60, 17 * 60) for weekday in range(7)))
MINUTE = timedelta(minutes=1)


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
    people = [Person(f"person {number}", HOURS.openings(WINDOW), booked) for number, booked in enumerate(BOOKED)]
    return offers(terms, people, zone=ZONE, earliest=WINDOW.starts, latest=WINDOW.ends)


def main() -> None:
    print(f"CPU time, {DAYS} days, {PEOPLE} people, {BOOKINGS} bookings, open 8 hours a day; {ROUNDS} rounds\n")
    print(f"{'a slot every':16}{'slots':>8}{'best':>12}{'median':>12}")
    missed = False
    for step in (30, 15):
        found = asked(step)
        times = []
        for _ in range(ROUNDS):
            began = process_time()
            asked(step)
            times.append((process_time() - began) * 1000)
        bar = BARS.get(step)
        missed = missed or (bar is not None and median(times) > bar)
        judged = f"  (at most {bar:.0f} ms)" if bar is not None else ""
        print(f"{f'{step} min':16}{len(found):>8}{f'{min(times):.2f} ms':>12}{f'{median(times):.2f} ms':>12}{judged}")
    if missed:
        raise SystemExit("a bar is missed")


if __name__ == "__main__":
    main()
