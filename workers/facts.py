"""Facts: the named values that a rule may ask about and a text may mention. What they all have in common."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from types import MappingProxyType
from typing import Any, Final, Self, TypeAlias
from zoneinfo import ZoneInfo

from pydantic import TypeAdapter

from service.event import Event
from service.trigger import Booking
from workers.kinds import Kind
from workers.lookups import Lookup
from workers.names import Named, Names
from workers.other_words import nearest
from workers.values import in_zone, write_duration, write_moment
from workers.words import shown, text_wanted, wrong


@dataclass(frozen=True)
class Missing:
    """A fact has no value: `why` stands in its place wherever it is shown."""

    why: str

    def __str__(self) -> str:
        return self.why


MISSING: Final = Missing("missing")
"""The value of a fact that has none."""

NOBODY: Final = Missing("nobody")
"""Of a person: a booking that was seen is assigned to nobody."""

FactValue: TypeAlias = str | datetime | timedelta | float | bool | Named | tuple[str, ...]
"""Moments are on the location's clock."""

Answer: TypeAlias = FactValue | Missing

STATUSES: Final = ("new", "confirmed", "cancelled", "showed", "noshow", "invalid", "completed", "active")
"""HighLevel's words for `appointmentStatus`."""

OTHER_SPELLINGS: Final[Mapping[str, str]] = {"no_show": "noshow", "no-show": "noshow", "canceled": "cancelled"}


def status_word(word: str) -> str:
    """HighLevel's spelling of a status."""
    plain = word.strip().casefold()
    return OTHER_SPELLINGS.get(plain, plain)


def read_status(value: object) -> str:
    """In any spelling; raises PydanticCustomError for what is no status."""
    if not isinstance(value, str):
        raise text_wanted(value)
    if status_word(value) not in STATUSES:
        message = f"{shown(value)} is not a status; known: {', '.join(STATUSES)}"
        raise wrong(message, nearest(value, (*STATUSES, *OTHER_SPELLINGS)))
    return status_word(value)


NOTHING_READ: Final[Mapping[Lookup, Any]] = MappingProxyType({})


@dataclass(frozen=True)
class Sight:
    """What facts are read from: the booking, how it was before this delivery, the event and its time, and all that was
    looked up so far. `booking` is None at an event that is about none."""

    booking: Booking | None
    was: Booking | None
    at: datetime
    zone: ZoneInfo
    names: Names
    event: Event | None = None
    looked: Mapping[Lookup, Any] = field(default_factory=dict, compare=False, repr=False)

    @property
    def now(self) -> Booking:
        assert self.booking is not None, "facts of a booking are not read where there is none"
        return self.booking

    @property
    def calendar_id(self) -> str | None:
        return self.booking.calendar_id if self.booking else self.event.calendar_id if self.event else None

    @property
    def contact_id(self) -> str | None:
        return self.booking.contact_id if self.booking else self.event.contact_id if self.event else None

    def clock(self, moment: datetime | None) -> Answer:
        try:
            return in_zone(moment, self.zone) if moment else MISSING
        except OverflowError:
            return Missing("missing: the calendar ends before it")

    def person(self, booking: Booking | None) -> Answer:
        return self.user(booking.assignee) if booking else MISSING

    def user(self, id_: str | None) -> Answer:
        return self.names.person_with(id_) if id_ else NOBODY


@dataclass(frozen=True, eq=False)
class Fact:
    """One fact: its name in rules and texts, what it is, and how it is read."""

    name: str
    kind: Kind
    meaning: str
    read: Callable[..., Answer | Lookup]
    """From a Sight; a Lookup where that must be read first."""

    of_booking: bool = True
    """Whether it has no value at an event that is about no booking."""

    is_looked_up: bool = False
    """Whether HighLevel may have to be asked for it."""

    personal: bool = False
    """Whether it tells of a person who has booked."""

    words: Mapping[str, TypeAdapter[Any]] = field(default_factory=dict)
    """What may be said beside its tests, as `within` how long it is counted; `read` takes them by their names."""

    said: Mapping[str, Any] = field(default_factory=dict)
    """What a condition does say of these."""

    def asked(self, said: Mapping[str, Any], written: str) -> "Fact":
        """The same, read by these words; `written` is how they stand in the rule."""
        if not said:
            return self
        return replace(self, name=f"{self.name} {written}", read=partial(self.read, **said), words={}, said=said)


def looked_up(
    lookup: Callable[..., Lookup | None], tell: Callable[..., Answer | Lookup]
) -> Callable[..., Answer | Lookup]:
    """How a fact is read that must be looked up: `lookup` says what (None: there is nothing to look up), and `tell`
    what it says, or what must be looked up besides. Both take the Sight and the words beside the tests, `tell` also
    what was found."""

    def read(on: Sight, **words: Any) -> Answer | Lookup:
        wanted = lookup(on, **words)
        if wanted is None:
            return MISSING
        if wanted not in on.looked:
            return wanted
        found = on.looked[wanted]
        return MISSING if found is None else tell(on, found, **words)

    return read


class Facts:
    """The values of all facts at one moment, each read when it is first asked for."""

    def __init__(self, sight: Sight, find: Callable[[str, Names], Fact]) -> None:
        """`find` knows the facts of a file by their names."""
        self.sight = sight
        self._find = find
        self._known: dict[str, Answer] = {}

    @classmethod
    def given(cls, values: Mapping[str, Answer], zone: ZoneInfo) -> Self:
        """With these values, whatever they are read from; no others are known."""
        facts = cls(Sight(None, None, datetime.fromtimestamp(0, zone), zone, Names()), _unknown)
        facts._known.update(values)
        return facts

    @property
    def zone(self) -> ZoneInfo:
        return self.sight.zone

    def answer(self, fact: Fact) -> Answer | Lookup:
        """Its value, or what must be looked up first."""
        known = self._known.get(fact.name)
        if known is not None:
            return known
        if fact.of_booking and self.sight.booking is None:
            return MISSING
        value = fact.read(self.sight)
        if not isinstance(value, Lookup):
            self._known[fact.name] = value
        return value

    def told(self, name: str) -> Answer:
        """Its value by name; everything that it hangs on must have been looked up."""
        value = self.answer(self._find(name, self.sight.names))
        assert not isinstance(value, Lookup), f"{name} was not looked up"
        return value

    def __getitem__(self, name: str) -> Any:
        """Its value; every absent one is MISSING."""
        value = self.told(name)
        return MISSING if isinstance(value, Missing) else value

    def wanting(self, names: "frozenset[str]") -> list[Lookup]:
        """What must be looked up before all of these are known."""
        answers = (self.answer(self._find(name, self.sight.names)) for name in sorted(names))
        return list(dict.fromkeys(answer for answer in answers if isinstance(answer, Lookup)))


def _unknown(name: str, names: Names) -> Fact:
    return Fact(name, Kind.TEXT, "", lambda on: MISSING)


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
        case tuple():
            return ", ".join(write(each) for each in value) or "none"
        case _:
            return str(value)
