"""Every fact that a rule may ask about, by its name."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from itertools import chain
from types import MappingProxyType
from typing import Any, Final
from zoneinfo import ZoneInfo

from pydantic_core import PydanticCustomError

from service.event import Event
from service.trigger import Booking
from workers.booking_facts import BOOKING_FACTS
from workers.calendar_facts import CALENDAR_FACTS
from workers.contact_facts import CONTACT_FACTS, FIELDS, field_fact
from workers.day_facts import DAY_FACTS
from workers.event_facts import EVENT, event_fact
from workers.facts import NOTHING_READ, Fact, Facts, Sight
from workers.lookups import Lookup
from workers.names import Names
from workers.other_words import nearest
from workers.words import shown, wrong

KNOWN: Final[Mapping[str, Fact]] = MappingProxyType(
    {fact.name: fact for fact in (*BOOKING_FACTS, *CALENDAR_FACTS, *CONTACT_FACTS, *DAY_FACTS)}
)
"""Those that need no declaration, in the order of the reference."""


class _Known(Mapping[str, Fact]):
    """Facts of a file. Those that it declares are made when they are asked for: a file has many texts and conditions,
    and each asks for a few."""

    def __init__(self, names: Names) -> None:
        self._names = names

    def __getitem__(self, name: str) -> Fact:
        return fact_named(name, self._names)

    def __contains__(self, name: object) -> bool:
        """A key in a file need not be text."""
        return isinstance(name, str) and super().__contains__(name)

    def __iter__(self) -> Iterator[str]:
        declared = (FIELDS + name for name in self._names.fields)
        told = (EVENT + name for facts in self._names.sources.values() for name in facts)
        return iter(dict.fromkeys(chain(KNOWN, declared, told)))

    def __len__(self) -> int:
        return sum(1 for _ in self)


def known_facts(names: Names) -> Mapping[str, Fact]:
    """Every fact that a rule of a file may ask about: those of all rules, and what the file declares."""
    return _Known(names)


ALL_FACTS: Final = "; slotwright rules words facts lists them"


def unknown_fact(name: str, known: Iterable[str], *, key: bool = False) -> PydanticCustomError:
    """A fault about what is no fact; `key` as in `wrong`."""
    for start, word in ((EVENT, "sources"), (FIELDS, "fields")):
        if name.startswith(start):
            hint = nearest(
                name.removeprefix(start), [each.removeprefix(start) for each in known if each.startswith(start)]
            )
            why = "" if hint else f": nothing of that name is declared under `{word}`"
            return wrong(f"{shown(name)} is not known as a fact{why}", hint and start + hint, key=key)
    near = nearest(name, known)
    return wrong(f"{shown(name)} is not known as a fact{'' if near else ALL_FACTS}", near, key=key)


def fact_named(name: str, names: Names) -> Fact:
    """Raises KeyError."""
    if name in KNOWN:
        return KNOWN[name]
    if name.startswith(FIELDS):
        return field_fact(name.removeprefix(FIELDS), names)
    if name.startswith(EVENT):
        return event_fact(name.removeprefix(EVENT), names)
    raise KeyError(name)


def facts_of(
    booking: Booking | None,
    *,
    was: Booking | None,
    at: datetime,
    zone: ZoneInfo,
    names: Names,
    event: Event | None = None,
    looked: Mapping[Lookup, Any] = NOTHING_READ,
) -> Facts:
    """What a rule may ask about at this event; `names` are those of its file."""
    return Facts(Sight(booking, was, at, zone, names, event, looked), fact_named)
