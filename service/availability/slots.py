"""Slots: how a calendar is booked, by whom already, and what is on offer of that."""

import hashlib
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import compress
from typing import NamedTuple, Self
from zoneinfo import ZoneInfo

from service.availability.intervals import Interval, intersect
from service.highlevel.calendars import Calendar

ZERO = timedelta()
INSTANT = timedelta(microseconds=1)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Starts = tuple[int, int]
"""A half-open range of starts, in microseconds since 1970."""


@dataclass(frozen=True)
class Terms:
    """How a calendar is booked."""

    duration: timedelta
    interval: timedelta
    """From one start to the next."""
    before: timedelta = ZERO
    after: timedelta = ZERO
    """Buffers: time to lie between two bookings. Neither opening hours nor blocks have to leave room for them."""
    per_slot: int = 1
    """How many bookings share one slot of one person; a class's seats."""
    per_day: int | None = None
    """How many bookings the calendar takes on one local day; None is without limit."""
    together: bool = False
    """Everybody has to be free, not anybody."""

    def __post_init__(self) -> None:
        if self.duration <= ZERO or self.interval <= ZERO:
            raise ValueError("a slot has a length, and so has the step between two")
        if min(self.before, self.after) < ZERO:
            raise ValueError("a buffer cannot be less than nothing")
        if self.per_slot < 1 or (self.per_day is not None and self.per_day < 1):
            raise ValueError("a slot and a day take one booking at least")

    @classmethod
    def of(cls, calendar: Calendar) -> Self:
        """As HighLevel shows them; a limit that is not set, or no number of bookings, is 1 a slot and none a day.

        Raises ValueError for a slot or a step without length.
        """
        return cls(
            duration=_length(calendar.slot_duration, calendar.slot_duration_unit),
            interval=_length(calendar.slot_interval, calendar.slot_interval_unit),
            before=max(_length(calendar.pre_buffer or 0, calendar.pre_buffer_unit), ZERO),
            after=max(_length(calendar.slot_buffer or 0, calendar.slot_buffer_unit), ZERO),
            per_slot=max(int(calendar.appointment_per_slot or 1), 1),
            per_day=max(int(calendar.appointment_per_day or 0), 0) or None,
            together=calendar.calendar_type == "collective",
        )


def _length(amount: float, unit: str | None) -> timedelta:
    try:
        return timedelta(hours=amount) if unit == "hours" else timedelta(minutes=amount)
    except OverflowError:
        raise ValueError(f"no length of time: {amount} {unit}") from None


class Booking(NamedTuple):
    """A person's time that is taken by a booking of whatever calendar."""

    interval: Interval
    before: timedelta = ZERO
    after: timedelta = ZERO
    """The buffers of its own calendar."""
    here: bool = False
    """Whether it is one of the very calendar that is asked about."""


@dataclass(frozen=True)
class Person:
    """Somebody who can be booked, or a calendar without a team, whose id is empty."""

    id: str
    open_times: Sequence[Interval]
    """Whole: slots begin where an opening begins."""
    bookings: Sequence[Booking] = ()
    """Over all calendars."""
    blocked: Sequence[Interval] = ()


class Offer(NamedTuple):
    start: datetime
    """In UTC."""
    people: tuple[str, ...]
    """Who is free then, in the order in which they were given."""


def offers(
    terms: Terms,
    people: Sequence[Person],
    *,
    zone: ZoneInfo,
    earliest: datetime,
    latest: datetime,
    booked: Mapping[date, int] = {},
) -> list[Offer]:
    """What can be booked with a start from `earliest` up to, but not at, `latest`; sorted by start, each start once.

    A slot starts at an opening's start or whole intervals after it, and ends within that opening. `booked` tells how
    many bookings the calendar has on each day of `zone`; slots count on the day on which they start.
    """
    between = (_microseconds(earliest), _microseconds(latest))
    common = _common([person.open_times for person in people]) if terms.together else None
    opened = [person.open_times if common is None else common for person in people]
    grids = {id(open_times): _grid(terms, open_times, between) for open_times in opened}  # most people share theirs
    starts = sorted(set().union(*grids.values()))
    on_grid = {key: bytes(start in grid for start in starts) for key, grid in grids.items()}
    rows = [_free(terms, person, starts, on_grid[id(times)]) for person, times in zip(people, opened, strict=True)]
    names = [person.id for person in people]
    known: dict[tuple[int, ...], tuple[str, ...]] = {}
    wanted = len(people) if terms.together else 1
    found = []
    for start, column in zip(starts, zip(*rows, strict=True), strict=True):
        who = known.get(column)
        if who is None:
            who = known[column] = tuple(compress(names, column))
        if len(who) >= wanted:
            found.append(Offer(EPOCH + timedelta(microseconds=start), who))
    full = {day for day, count in booked.items() if terms.per_day is not None and count >= terms.per_day}
    return [offer for offer in found if offer.start.astimezone(zone).date() not in full] if full else found


def is_free(person: Person, interval: Interval, *, before: timedelta = ZERO, after: timedelta = ZERO) -> bool:
    """Whether nothing that the person has on is in the way of a booking then, whose buffers these are; opening hours
    are not asked. An instant is as long as the shortest time there is."""
    terms = Terms(max(interval.ends - interval.starts, INSTANT), INSTANT, before, after)
    start = _microseconds(interval.starts)
    return not any(first <= start < stop for first, stop in _taken_starts(terms, person))


def hidden(offers: Sequence[Offer], percent: float, seed: str, zone: ZoneInfo) -> list[Offer]:
    """Those that are left where a calendar shall look busy: of each day of `zone` that many percent are gone, rounded
    down, and for the same seed always the same ones. Less than 0 percent counts as 0, more than 100 as 100."""
    days: dict[date, list[Offer]] = {}
    for offer in offers:
        days.setdefault(offer.start.astimezone(zone).date(), []).append(offer)
    gone: set[datetime] = set()
    for offered in days.values():
        count = int(len(offered) * min(max(percent, 0), 100) // 100)
        gone.update(offer.start for offer in sorted(offered, key=lambda offer: _lot(seed, offer.start))[:count])
    return [offer for offer in offers if offer.start not in gone]


def _lot(seed: str, start: datetime) -> bytes:
    return hashlib.sha256(f"{seed} {_microseconds(start)}".encode()).digest()


def _microseconds(moment: datetime) -> int:
    return (moment - EPOCH) // INSTANT


def _common(open_times: Sequence[Sequence[Interval]]) -> list[Interval]:
    """Each opening that all of them have in common."""
    common = list(open_times[0]) if open_times else []
    for others in open_times[1:]:
        common = intersect(common, others)
    return common


def _grid(terms: Terms, open_times: Iterable[Interval], between: Starts) -> set[int]:
    """When slots start that lie in one of the openings."""
    duration, step = terms.duration // INSTANT, terms.interval // INSTANT
    found: set[int] = set()
    for opening in open_times:
        opens, closes = _microseconds(opening.starts), _microseconds(opening.ends)
        first = _on_grid(opens, step, max(opens, between[0]))
        found.update(range(first, min(closes - duration + 1, between[1]), step))
    return found


def _free(terms: Terms, person: Person, starts: Sequence[int], on_grid: bytes) -> bytearray:
    """For each start whether it is one of the person's and nothing is in the way then."""
    row = bytearray(on_grid)
    for first, stop in _taken_starts(terms, person):
        low, high = bisect_left(starts, first), bisect_left(starts, stop)
        if low < high:
            row[low:high] = bytes(high - low)
    return row


def _on_grid(origin: int, step: int, first: int) -> int:
    """The first that lies whole steps behind the origin and not before `first`."""
    return origin + -((origin - first) // step) * step


def _taken_starts(terms: Terms, person: Person) -> Iterator[Starts]:
    """Ranges of starts at which a slot would run into what the person has on."""
    duration, before, after = terms.duration // INSTANT, terms.before // INSTANT, terms.after // INSTANT
    for block in person.blocked:
        if block.starts < block.ends:
            yield _microseconds(block.starts) - duration + 1, _microseconds(block.ends)
    sharing: dict[int, int] = {}
    for booking in person.bookings:
        starts, ends = _microseconds(booking.interval.starts), _microseconds(booking.interval.ends)
        if starts == ends:
            continue
        # Of the two buffers between neighbours the larger one counts.
        ahead = after if booking.before <= terms.after else booking.before // INSTANT
        behind = before if booking.after <= terms.before else booking.after // INSTANT
        first, stop = starts - ahead - duration + 1, ends + behind
        if terms.per_slot > 1 and booking.here and ends - starts == duration:
            sharing[starts] = sharing.get(starts, 0) + 1
            yield first, starts
            yield starts + 1, stop
        else:
            yield first, stop
    for start, count in sharing.items():
        if count >= terms.per_slot:
            yield start, start + 1
