"""Facts: the named values that a rule may ask about and a text may mention, each declared once."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum
from types import MappingProxyType
from typing import Final, Literal, TypeAlias
from zoneinfo import ZoneInfo

from service.trigger import Booking
from workers.kinds import Kind
from workers.names import Named, Names
from workers.values import elapsed, in_zone, write_duration, write_moment


class Missing(Enum):
    """Why a fact has no value: nothing is known, or a booking that was seen is assigned to nobody."""

    MISSING = "missing"
    NOBODY = "nobody"

    def __str__(self) -> str:
        return self.value


MISSING: Final = Missing.MISSING
"""The value of a fact that has none."""

NOBODY: Final = Missing.NOBODY

FactValue: TypeAlias = str | datetime | timedelta | float | bool | Named
"""Moments are on the location's clock."""

Answer: TypeAlias = FactValue | Missing

STATUSES: Final = ("new", "confirmed", "cancelled", "showed", "noshow", "invalid", "completed", "active")
"""HighLevel's words for `appointmentStatus`."""

OTHER_SPELLINGS: Final[Mapping[str, str]] = {"no_show": "noshow", "no-show": "noshow", "canceled": "cancelled"}


def status_word(word: str) -> str:
    """HighLevel's spelling of a status."""
    plain = word.strip().casefold()
    return OTHER_SPELLINGS.get(plain, plain)


@dataclass(frozen=True)
class Sight:
    """What facts are read from: the booking, how it was before this delivery, and the time of the event."""

    now: Booking
    was: Booking | None
    at: datetime
    zone: ZoneInfo
    names: Names

    def clock(self, moment: datetime | None) -> Answer:
        return in_zone(moment, self.zone) if moment else MISSING

    def calendar(self) -> Named:
        return self.names.calendar_with(self.now.calendar_id)

    def person(self, booking: Booking | None) -> Answer:
        if not booking:
            return MISSING
        return self.names.person_with(booking.assignee) if booking.assignee else NOBODY

    def since_booked(self) -> Answer:
        return elapsed(self.now.added, self.now.starts) if self.now.added else MISSING


@dataclass(frozen=True)
class Fact:
    """One fact: its name in rules and texts, what it is, and how it is read from a booking."""

    name: str
    kind: Kind
    meaning: str
    read: Callable[[Sight], Answer]


BOOKING_FACTS: Final = (
    Fact("calendar", Kind.CALENDAR, "the calendar booked", lambda on: on.calendar()),
    Fact("calendar.name", Kind.TEXT, "its name under `calendars`", lambda on: _name(on.calendar())),
    Fact("group", Kind.TEXT, "the id of the calendar's group", lambda on: _text(on.now.group_id)),
    Fact("status", Kind.STATUS, "the status now", lambda on: _status(on.now)),
    Fact("source", Kind.TEXT, "what the booking was made with", lambda on: _text(on.now.source)),
    Fact("title", Kind.TEXT, "the title", lambda on: _text(on.now.title)),
    Fact("starts", Kind.MOMENT, "when it starts", lambda on: on.clock(on.now.starts)),
    Fact("ends", Kind.MOMENT, "when it ends", lambda on: on.clock(on.now.ends)),
    Fact("duration", Kind.DURATION, "how long it takes", lambda on: elapsed(on.now.starts, on.now.ends)),
    Fact("assignee", Kind.PERSON, "the person it is assigned to", lambda on: on.person(on.now)),
    Fact("assignee.name", Kind.TEXT, "their name under `people`", lambda on: _name(on.person(on.now))),
    Fact("address", Kind.TEXT, "where it takes place", lambda on: _text(on.now.address)),
    Fact("recurring", Kind.FLAG, "whether it is one of a series", lambda on: on.now.series_id is not None),
    Fact("was.starts", Kind.MOMENT, "when it started before this event", lambda on: on.clock(_starts(on.was))),
    Fact("was.assignee", Kind.PERSON, "its assignee before this event", lambda on: on.person(on.was)),
    Fact("was.assignee.name", Kind.TEXT, "their name under `people`", lambda on: _name(on.person(on.was))),
    Fact("was.status", Kind.STATUS, "its status before this event", lambda on: _status(on.was)),
    Fact("booked", Kind.MOMENT, "when the booking was made", lambda on: on.clock(on.now.added)),
    Fact("lead", Kind.DURATION, "from when it was made to its start", lambda on: on.since_booked()),
    Fact("notice", Kind.DURATION, "from this event to the start", lambda on: elapsed(on.at, on.now.starts)),
    Fact("now", Kind.MOMENT, "the time of this event", lambda on: on.clock(on.at)),
)

KNOWN: Final[Mapping[str, Fact]] = MappingProxyType({fact.name: fact for fact in BOOKING_FACTS})
"""Every fact by its name, in the order of the reference."""


@dataclass(frozen=True)
class Facts:
    """The values of all facts at one moment; asking by name tells every absent one as `MISSING`."""

    values: Mapping[str, Answer]
    zone: ZoneInfo
    unfit: Mapping[str, str] = field(default_factory=dict)
    """What was told in the place of a value that is missing, and why it is none, for whoever reads the check."""

    def __getitem__(self, name: str) -> FactValue | Literal[Missing.MISSING]:
        value = self.values[name]
        return MISSING if isinstance(value, Missing) else value


def booking_facts(now: Booking, *, was: Booking | None, at: datetime, zone: ZoneInfo, names: Names) -> Facts:
    """The facts of a booking at the time of an event; `names` are those of the rule's file."""
    sight = Sight(now, was, at, zone, names)
    return Facts(MappingProxyType({fact.name: fact.read(sight) for fact in BOOKING_FACTS}), zone)


def write(value: object) -> str:
    """A fact's value as a person reads it."""
    match value:
        case bool():
            return "true" if value else "false"
        case datetime():
            return write_moment(value)
        case timedelta():
            return write_duration(value)
        case float():
            return f"{value:.15g}"
        case _:
            return str(value)


def _text(value: str | None) -> Answer:
    """What is blank is missing: nobody means the empty address by `address`."""
    return value if value and value.strip() else MISSING


def _name(value: Answer) -> Answer:
    return value.name if isinstance(value, Named) and value.name else MISSING


def _status(booking: Booking | None) -> Answer:
    return status_word(booking.status) if booking else MISSING


def _starts(booking: Booking | None) -> datetime | None:
    return booking.starts if booking else None
