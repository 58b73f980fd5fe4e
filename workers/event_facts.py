"""Facts of an event from another system: what a rule file calls `event.*`, read from the body that came."""

from collections.abc import Mapping
from datetime import datetime
from functools import partial
from math import isfinite
from types import MappingProxyType
from typing import Any, Final
from zoneinfo import ZoneInfo

from pydantic_core import PydanticCustomError

from service.event import LONGEST_ID, at_path
from service.event_types import EXTERNAL
from service.instants import reckoned
from service.trigger import storable
from workers.facts import MISSING, Answer, Fact, Missing, Sight
from workers.kinds import Kind
from workers.names import EventFact, Named, Names
from workers.values import YEARS, in_zone, read_duration
from workers.words import shown

EVENT: Final = "event."
"""Before the name that a rule file gives: `event.person`."""

LONGEST_TEXT = 1000
KINDS: Final[Mapping[str, Kind]] = MappingProxyType(
    {
        "text": Kind.TEXT,
        "number": Kind.NUMBER,
        "moment": Kind.MOMENT,
        "duration": Kind.DURATION,
        "flag": Kind.FLAG,
        "person": Kind.PERSON,
        "calendar": Kind.CALENDAR,
    }
)
"""What an author may say that it is."""


def event_fact(name: str, names: Names) -> Fact:
    """By the name that a file gives it. Raises KeyError."""
    told = {source: facts[name] for source, facts in names.sources.items() if name in facts}
    if not told:
        raise KeyError(EVENT + name)
    places = " or ".join(f"{fact.path} of {EXTERNAL}{source}" for source, fact in told.items())
    kind = next(iter(told.values())).kind
    return Fact(EVENT + name, kind, places, partial(_told, name), of_booking=False)


def _told(name: str, on: Sight) -> Answer:
    if on.event is None or not on.event.external:
        return MISSING
    fact = on.names.sources.get(on.event.type.removeprefix(EXTERNAL), {}).get(name)
    if fact is None:
        return MISSING
    told = at_path(on.event.body, fact.path)
    value = _read(fact, told, on.zone, on.names)
    if value is MISSING and told is not None:
        return Missing(f"missing: {shown(told)} is not {fact.kind.value}")
    return value


def _read(fact: EventFact, value: Any, zone: ZoneInfo, names: Names) -> Answer:
    """What is not of its kind is missing: nothing was promised about another system's JSON."""
    match fact.kind:
        case Kind.NUMBER:
            return _number(value)
        case Kind.FLAG:
            return {"true": True, "false": False}.get(str(value).lower(), MISSING)
        case Kind.MOMENT:
            return _moment(value, zone)
        case Kind.DURATION:
            return _duration(value)
        case Kind.PERSON:
            return _named(value, names.people)
        case Kind.CALENDAR:
            return _named(value, names.calendars)
        case _:
            return _text(value)


def _text(value: Any) -> Answer:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return MISSING
    try:
        return storable(str(value)).strip()[:LONGEST_TEXT] or MISSING
    except ValueError:  # a number of thousands of digits
        return MISSING


def _number(value: Any) -> Answer:
    if isinstance(value, bool) or not isinstance(value, str | int | float) or "_" in str(value)[:LONGEST_ID]:
        return MISSING  # Python alone reads 1_0 as a number
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return MISSING
    return number if isfinite(number) else MISSING


def _moment(value: Any, zone: ZoneInfo) -> Answer:
    """ISO 8601; without an offset it is on the location's clock, a date alone is its first moment. What lies beyond the
    years that are reckoned with stands for no date at all."""
    try:
        told = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return MISSING
    return in_zone(told, zone) if reckoned(told.year) else Missing(f"missing: {shown(value)} is no {YEARS}")


def _duration(value: Any) -> Answer:
    try:
        return read_duration(value)
    except PydanticCustomError:
        return MISSING


def _named(value: Any, known: Mapping[str, str]) -> Answer:
    """By the name in the file, or by id."""
    if not isinstance(value, str) or not value.strip() or len(value) > LONGEST_ID:
        return MISSING
    value = storable(value)
    if value in known:
        return Named(known[value], value)
    return Named(value, next((name for name, id_ in known.items() if id_ == value), None))
