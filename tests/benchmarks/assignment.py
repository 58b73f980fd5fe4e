"""CPU time to choose one of fifty people who have five hundred bookings each, in this process.

What is timed is all that is decided: from each one's bookings, as they were read, over buffers, blocks, hours and
limits to the choice and what is told of everybody.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from random import Random
from statistics import median
from zoneinfo import ZoneInfo

from service.availability.hours import Hours, OpenTime
from service.availability.intervals import Interval
from tests.benchmarks.cpu import ROUNDS, timed
from workers.assignment.candidate import Candidate
from workers.assignment.choice import Choice, choose
from workers.assignment.diary import Diary, Taken
from workers.assignment.hindrances import Buffers, Wanted, blocked, busy, lacking, off
from workers.assignment.state import State
from workers.assignment.ways import LeastBusy, Weighted
from workers.names import Named, Profile, Team
from workers.periods import bounds

PEOPLE, BOOKINGS = 50, 500
MOST = 5.0
"""Milliseconds, of the median."""

ZONE = ZoneInfo("Europe/Berlin")
STARTS = datetime(2026, 3, 25, 12, tzinfo=ZONE)
"""The clocks change within the month."""
A_DAY, QUARTER = timedelta(days=1), timedelta(minutes=15)

TEAM = [Named(f"person-{number}", f"person-{number}") for number in range(PEOPLE)]
PROFILES = [Profile(per_day=40, skills=frozenset({"colour"}), buffer=QUARTER / 3) for _ in TEAM]
HOURS = Hours(ZONE, tuple(OpenTime(weekday, 8 * 60, 20 * 60) for weekday in range(7)))
BUFFERS = {f"calendar-{number}": Buffers(QUARTER / 3, QUARTER / 3) for number in range(8)}
WANTED = Wanted(STARTS, STARTS + 2 * QUARTER, "calendar-0", BUFFERS["calendar-0"])
MONTH, DAY = bounds(STARTS, "month"), bounds(STARTS, "day")
BLOCKS = [[Interval(STARTS - QUARTER, STARTS + QUARTER * (number % 5 == 1))] for number in range(PEOPLE)]


def bookings_of(number: int, random: Random) -> list[Taken]:
    """One person's of the month: sixteen a day, now and then one at the time that is wanted."""
    found = []
    for count in range(BOOKINGS):
        day, slot = divmod(count, 16)
        starts = MONTH[0].astimezone(UTC) + day * A_DAY + timedelta(hours=8) + slot * 3 * QUARTER
        if slot in (5, 6) and number % 10:
            starts += timedelta(hours=8)  # at noon nine of ten have nothing
        found.append(Taken(starts.timestamp(), starts.timestamp() + 1500, f"calendar-{random.randrange(8)}"))
    return found


def candidate(place: int, taken: Sequence[Taken], weight: int) -> Candidate:
    """All that is asked of one, in the order in which `workers.actions.agenda` does."""
    profile, diary = PROFILES[place], Diary(taken)
    hindrance = (
        lacking(("colour",), profile)
        or busy(WANTED, diary, BUFFERS, profile.buffer)
        or blocked(WANTED, BLOCKS[place])
        or off(WANTED, HOURS.openings(Interval(*DAY)))
    )
    load, that_day = diary.count(*MONTH), diary.count(*DAY)
    return Candidate(TEAM[place], hindrance, load, that_day, profile.per_day, weight)


def chosen(way: LeastBusy | Weighted, booked: Sequence[Sequence[Taken]]) -> Choice:
    return choose(way, [candidate(place, taken, place % 7 + 1) for place, taken in enumerate(booked)], State())


def main() -> None:
    random = Random(3)
    booked = [bookings_of(number, random) for number in range(PEOPLE)]
    ways: dict[str, LeastBusy | Weighted] = {
        "least busy over the month": LeastBusy(least_busy=Team("everybody", tuple(TEAM)), over="month"),
        "by weight": Weighted(weighted=tuple((person, number % 7 + 1) for number, person in enumerate(TEAM))),
    }
    print(f"CPU time, {PEOPLE} people with {BOOKINGS} bookings each; {ROUNDS} rounds\n")
    print(f"{'':38}{'best':>10}{'median':>12}")
    missed = False
    for name, way in ways.items():
        choice = chosen(way, booked)
        fit = sum(told.left_out is None for told in choice.candidates)
        times = timed(partial(chosen, way, booked))
        missed = missed or median(times) > MOST
        what = f"{name}, {fit} of {PEOPLE} fit"
        print(f"{what:38}{f'{min(times):.2f} ms':>10}{f'{median(times):.2f} ms':>12}  (at most {MOST:.0f} ms)")
    if missed:
        raise SystemExit("a bar is missed")


if __name__ == "__main__":
    main()
