"""What is on offer, found the slow and obvious way: the clock on the wall is looked at each minute, and so is each
minute of each slot. Shares no arithmetic with service.availability."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
DAY = 1440
AROUND = 3
"""Days before and after the middle of a world that are walked."""


@dataclass(frozen=True, eq=False)
class Source:
    """Where hours come from: a calendar's JSON, or a schedule's. Each is equal to itself only."""

    kind: str
    zone: str
    json: Mapping[str, Any]


@dataclass(frozen=True)
class Taken:
    """A booking; like all times here in minutes, since 1970 where they are instants."""

    starts: int
    length: int
    before: int = 0
    after: int = 0
    here: bool = False


@dataclass(frozen=True)
class Somebody:
    id: str
    hours: Source
    taken: tuple[Taken, ...]
    blocked: tuple[tuple[int, int], ...]
    """Start and length."""


@dataclass(frozen=True)
class Conditions:
    duration: int
    interval: int
    before: int
    after: int
    per_slot: int
    per_day: int | None
    together: bool


@dataclass(frozen=True)
class World:
    zone: str
    middle: date
    conditions: Conditions
    people: tuple[Somebody, ...]
    earliest: int
    latest: int
    booked: Mapping[date, int]


def minute_of(moment: datetime) -> int:
    minutes, rest = divmod(moment - EPOCH, MINUTE)
    assert not rest
    return minutes


def moment_of(minute: int) -> datetime:
    return EPOCH + minute * MINUTE


@lru_cache(maxsize=256)
def shown(zone: str, middle: date) -> dict[int, list[int]]:
    """The minutes of some days around, by the latest time that the clock on the wall has shown by then (in minutes
    since the first of January of the year 1): a clock that goes back shows nothing later until it has caught up."""
    first = minute_of(datetime(middle.year, middle.month, middle.day, tzinfo=UTC)) - AROUND * DAY
    found: dict[int, list[int]] = {}
    latest = 0
    local = ZoneInfo(zone)
    for minute in range(first, first + (2 * AROUND + 1) * DAY):
        wall = moment_of(minute).astimezone(local)
        latest = max(latest, wall.toordinal() * DAY + wall.hour * 60 + wall.minute)
        found.setdefault(latest, []).append(minute)
    return found


def times_on(hours: Source, day: date) -> list[tuple[int, int]]:
    """Opens and closes on a day."""
    json = hours.json
    if hours.kind == "schedule":
        dated = [rule for rule in json["rules"] if rule.get("date") == day.isoformat()]
        weekly = [rule for rule in json["rules"] if rule.get("day") == f"{day:%A}".lower()]
        pairs = [
            (span["from"].split(":"), span["to"].split(":")) for rule in dated or weekly for span in rule["intervals"]
        ]
        return [(int(o[0]) * 60 + int(o[1]), int(c[0]) * 60 + int(c[1]) or DAY) for o, c in pairs]
    dated = [one for one in json["availabilities"] if one["date"][:10] == day.isoformat() and not one["deleted"]]
    weekly = [one for one in json["openHours"] if day.isoweekday() % 7 in one["daysOfTheWeek"]]
    holds = {0: weekly, 1: dated, None: dated or weekly}[json["availabilityType"]]
    return [
        (span["openHour"] * 60 + span["openMinute"], span["closeHour"] * 60 + span["closeMinute"] or DAY)
        for one in holds
        for span in one["hours"]
    ]


def clock(written: str) -> int:
    hour, minute = written.split(":")
    return int(hour) * 60 + int(minute)


@lru_cache(maxsize=8)
def openings(hours: Source, middle: date) -> list[range]:
    """Each as its minutes."""
    minutes_at = shown(hours.zone, middle)
    found = []
    for ordinal in range(min(minutes_at) // DAY, max(minutes_at) // DAY + 1):
        for opens, closes in times_on(hours, date.fromordinal(ordinal)):
            walls = range(ordinal * DAY + opens, ordinal * DAY + closes)
            minutes = [minute for wall in walls for minute in minutes_at.get(wall, ())]
            if minutes:
                assert minutes == list(range(minutes[0], minutes[-1] + 1))
                found.append(range(minutes[0], minutes[-1] + 1))
    return found


def openings_of_all(people: Iterable[Somebody], middle: date) -> set[tuple[int, ...]]:
    """What is open for all of them, once for each way to take one opening of everybody."""
    common: set[tuple[int, ...]] | None = None
    for person in people:
        own = openings(person.hours, middle)
        if common is None:
            common = {tuple(opening) for opening in own}
        else:
            both = {tuple(minute for minute in taken if minute in opening) for taken in common for opening in own}
            common = both - {()}
    return common or set()


def offers(world: World, seen: Counter[str]) -> list[tuple[int, tuple[str, ...]]]:
    """Starts and who is free then; `seen` counts what happened once a world."""
    terms, happened = world.conditions, set()
    everybody = openings_of_all(world.people, world.middle) if terms.together else set()
    free: dict[int, list[str]] = {}
    for person in world.people:
        diary = Diary(person)
        own = everybody if terms.together else {tuple(opening) for opening in openings(person.hours, world.middle)}
        starts = {start for opening in own for start in starts_in(opening, terms)}
        for start in sorted(starts):
            if not world.earliest <= start < world.latest:
                happened.add("outside the window")
            elif reason := diary.in_the_way(start, terms):
                happened.add(reason)
            else:
                free.setdefault(start, []).append(person.id)
    found = []
    for start in sorted(free):
        day = moment_of(start).astimezone(ZoneInfo(world.zone)).date()
        if terms.together and len(free[start]) < len(world.people):
            happened.add("not everybody")
        elif terms.per_day is not None and world.booked.get(day, 0) >= terms.per_day:
            happened.add("day full")
        else:
            found.append((start, tuple(free[start])))
            happened.add("offers")
            if 1 <= len(free[start]) < len(world.people):
                happened.add("some are free")
    seen.update(happened)
    return found


def starts_in(opening: tuple[int, ...], terms: Conditions) -> list[int]:
    minutes = set(opening)
    return [
        minute
        for minute in opening
        if (minute - opening[0]) % terms.interval == 0
        and all(later in minutes for later in range(minute, minute + terms.duration))
    ]


class Diary:
    """What somebody has on, minute by minute."""

    def __init__(self, person: Somebody) -> None:
        self._blocked = {minute for start, length in person.blocked for minute in range(start, start + length)}
        self._bare: dict[int, set[int]] = {}
        self._kept: dict[int, set[int]] = {}
        """By minute which bookings are on; and which keep it free for themselves, buffers and all."""
        self._taken = [one for one in person.taken if one.length]
        for number, one in enumerate(self._taken):
            ends = one.starts + one.length
            for minute in range(one.starts, ends):
                self._bare.setdefault(minute, set()).add(number)
            for minute in range(one.starts - one.before, ends + one.after):
                self._kept.setdefault(minute, set()).add(number)

    def in_the_way(self, start: int, terms: Conditions) -> str:
        ends = start + terms.duration
        if any(minute in self._blocked for minute in range(start, ends)):
            return "blocked"
        sharing = {
            number
            for number, one in enumerate(self._taken)
            if one.here and (one.starts, one.length) == (start, terms.duration)
        }
        if self._on(self._bare, range(start, ends)) - sharing:
            return "booked"
        if self._on(self._kept, range(start, ends)) - sharing:
            return "buffer of a booking"
        if self._on(self._bare, range(start - terms.before, ends + terms.after)) - sharing:
            return "buffer of the slot"
        return "slot full" if len(sharing) >= terms.per_slot else ""

    @staticmethod
    def _on(bookings: dict[int, set[int]], minutes: range) -> set[int]:
        found: set[int] = set()
        for minute in minutes:
            found |= bookings.get(minute, set())
        return found
