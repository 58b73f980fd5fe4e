"""Moments: the times a rule may wait for, counted from a booking or told by the clock. Pure."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from types import MappingProxyType
from typing import Final, Literal, TypeAlias, cast
from zoneinfo import ZoneInfo

from service.trigger import Booking
from workers.other_words import nearest
from workers.values import DAY_NAMES, DURATION, WEEKDAYS, read_clock, read_duration, read_weekdays, write_duration
from workers.words import shown, wrong

EVERY, AT = "every", "at"
SIDES: Final = ("before", "after")
ANCHORS: Final = ("start", "end", "booked")
UNITS: Final = ("minute", "hour", "day", "week")
DAYS: Final[Mapping[str, frozenset[int]]] = MappingProxyType(
    {"day": frozenset(range(7)), "weekday": frozenset(range(5))}
    | {word: frozenset({index}) for index, name in enumerate(DAY_NAMES) for word in (name.casefold(), WEEKDAYS[index])}
)
COUNTED = re.compile(rf"(\d{{1,4}}) ({'|'.join(UNITS)})s?", re.ASCII)
EXAMPLES: Final = ("2h before start", "1 day before start at 16:00", "every weekday at 07:00")

PATTERN: Final = (
    rf"^(\d[\w ]* ({'|'.join(SIDES)}) ({'|'.join(ANCHORS)})( {AT} \d\d?:\d\d)?"
    rf"|{EVERY} ({'|'.join(DAYS)}|[a-z]+-[a-z]+) {AT} \d\d?:\d\d)$"
)
"""What editors go by; `read_moment` knows better."""


@dataclass(frozen=True)
class BookingMoment:
    """`2h before start`, or with a clock time `1 day before start at 16:00`. Equal when the same is meant.

    Without a clock time the length is time that passes, and a day is 24 hours; with one it is whole days of the
    location's calendar.
    """

    words: str = field(compare=False)
    length: timedelta
    side: Literal["before", "after"]
    anchor: Literal["start", "end", "booked"]
    clock: time | None = None

    def of(self, booking: Booking, zone: ZoneInfo) -> datetime | None:
        """The instant; None where HighLevel does not say when the booking was made, or beyond the year 9999."""
        anchor = {"start": booking.starts, "end": booking.ends, "booked": booking.added}[self.anchor]
        if anchor is None:
            return None
        length = -self.length if self.side == "before" else self.length
        try:
            if self.clock is None:
                return anchor.astimezone(UTC) + length
            return at(anchor.astimezone(zone).date() + length, self.clock, zone)
        except OverflowError:
            return None

    def bound(self, booking: Booking) -> datetime | None:
        """What it is never run after: that which it comes before, and the start for one that counts from the
        booking's making. None for one that comes after the start or the end."""
        if self.side == "after":
            return booking.starts if self.anchor == "booked" else None
        return booking.ends if self.anchor == "end" else booking.starts

    @property
    def reach(self) -> timedelta:
        """How long after a booking's end it may come, at most; a day more for the clock time and the zone."""
        late = self.side == "after" and self.anchor != "booked"
        return (self.length if late else timedelta()) + (timedelta(days=2) if self.clock else timedelta())


@dataclass(frozen=True)
class ClockMoment:
    """`every weekday at 07:00`. Weekdays from Monday, which is 0."""

    words: str = field(compare=False)
    days: frozenset[int]
    clock: time

    def next(self, after: datetime, zone: ZoneInfo) -> datetime:
        """The first instant later than `after`. Raises OverflowError at the end of the year 9999."""
        return next(self.following(after, zone))

    def following(self, after: datetime, zone: ZoneInfo) -> Iterator[datetime]:
        """All instants later than `after`, each later than the one before."""
        day, last = after.astimezone(zone).date() - timedelta(days=1), after
        while True:
            if day.weekday() in self.days and (instant := at(day, self.clock, zone)) > last:
                last = instant
                yield instant
            day += timedelta(days=1)


AnyMoment: TypeAlias = BookingMoment | ClockMoment


def at(day: date, clock: time, zone: ZoneInfo) -> datetime:
    """The instant at which a clock in this zone shows this time of this day.

    Where the clocks go forward over it, it is counted with the offset from before: 01:30 in a night without it is
    02:30. Where they go back and show it twice, the first is meant. Both as RFC 5545 has it (section 3.3.5).
    """
    return datetime.combine(day, clock, zone).replace(fold=0).astimezone(UTC)


def too_late(due: datetime, until: datetime, now: datetime) -> str | None:
    """Why a moment that may come until then is not asked about any more; None while it is."""
    if now <= until:
        return None
    return f"{write_duration(now - due)} late, and it may come {write_duration(until - due)} late at most"


def is_moment(text: str) -> bool:
    """Whether somebody who wrote this meant a moment, and no trigger: those have a dot and no blank."""
    words = text.split()
    return bool(words) and (len(words) > 1 or text.strip()[0].isdigit() or words[0] == EVERY) and "." not in words[0]


def read_moment(text: str) -> AnyMoment:
    """Raises PydanticCustomError, in words for the author."""
    words = text.casefold().split()
    plain = " ".join(words)
    if words[:1] == [EVERY]:
        return _every(plain, words[1:])
    if "the" in words:
        raise wrong(f"'the' is not known in {shown(text)}", " ".join(word for word in words if word != "the"))
    if words and words[0][0].isdigit():
        return _of_booking(plain, words)
    examples = f"{', '.join(EXAMPLES[:-1])} or {EXAMPLES[-1]}"
    daily = " ".join([EVERY, "day", *words[1:]]) if words[:2] == ["daily", "at"] else None
    hint = daily or (nearest(words[0], [EVERY]) if words else None)
    raise wrong(f"{shown(text)} is no moment such as {examples}", hint)


def _every(plain: str, words: list[str]) -> ClockMoment:
    if len(words) != 3 or words[1] != AT:
        raise wrong(f"{shown(plain)} is no moment such as {EXAMPLES[-1]}: {EVERY}, a day, {AT} and a clock time")
    day, clock = words[0], read_clock(words[2])
    if "-" in day:
        return ClockMoment(plain, read_weekdays(day), clock)
    if day not in DAYS:
        known = [word for word in DAYS if word not in WEEKDAYS]
        raise wrong(f"{shown(day)} is not a day; known: {', '.join(known)}", nearest(day, known))
    return ClockMoment(plain, DAYS[day], clock)


def _of_booking(plain: str, words: list[str]) -> BookingMoment:
    clock = None
    if AT in words:
        place = words.index(AT)
        clock, words = read_clock(" ".join(words[place + 1 :])), words[:place]
    if len(words) < 3:
        raise wrong(f"{shown(plain)} is no moment such as {EXAMPLES[0]}: a length, before or after, and what of")
    *counted, side, anchor = words
    if side not in SIDES:
        raise wrong(f"{shown(side)} is not known in a moment; known: {', '.join(SIDES)}", nearest(side, SIDES))
    if anchor not in ANCHORS:
        raise wrong(f"{shown(anchor)} is nothing to count from; known: {', '.join(ANCHORS)}", nearest(anchor, ANCHORS))
    if (side, anchor) == ("before", "booked"):
        raise wrong("nothing is known of a booking before it is booked", "after booked")
    length = _length(" ".join(counted))
    if clock is not None and length % timedelta(days=1):
        said = shown(" ".join(counted))
        raise wrong(f"{said} is no number of days: a clock time needs one, as in {EXAMPLES[1]}")
    if not length and (side == "before" or clock is not None):
        raise wrong("a length longer than nothing expected")
    # The two were found among the words that these types name.
    return BookingMoment(
        plain, length, cast(Literal["before", "after"], side), cast(Literal["start", "end", "booked"], anchor), clock
    )


def _length(text: str) -> timedelta:
    """`90m`, `1h30m`, `3d`, or in words: `1 day`, `2 hours`."""
    if found := COUNTED.fullmatch(text):
        return int(found[1]) * timedelta(**{f"{found[2]}s": 1})
    if not DURATION.fullmatch(text):
        raise wrong(f"{shown(text)} is not a length such as 30m, 2h, 1h30m or 1 day")
    return read_duration(text)
