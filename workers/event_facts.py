"""Facts of an event from another system: what a rule file calls `event.*`, read from the body that came."""

from collections.abc import Mapping
from datetime import datetime
from math import isfinite
from types import MappingProxyType
from typing import Any, Final
from zoneinfo import ZoneInfo

from pydantic_core import PydanticCustomError

from service.event import EXTERNAL, LONGEST_ID, Event, at_path
from service.trigger import Booking, storable
from workers.facts import KNOWN, MISSING, Answer, Fact, Facts, booking_facts
from workers.kinds import Kind
from workers.names import EventFact, Named, Names
from workers.values import in_zone, read_duration
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


def known_facts(names: Names) -> Mapping[str, Fact]:
    """Every fact that a rule of a file may ask about: a booking's, and those of the sources that it declares."""
    declared = {
        EVENT + name: Fact(EVENT + name, fact.kind, f"{fact.path} of {EXTERNAL}{source}", lambda _: MISSING)
        for source, facts in names.sources.items()
        for name, fact in facts.items()
    }
    return {**KNOWN, **declared}


def facts_of(
    booking: Booking | None, *, was: Booking | None, event: Event, at: datetime, zone: ZoneInfo, names: Names
) -> Facts:
    """What a rule may ask about at this event; without a booking, its time and the calendar that it names."""
    values: dict[str, Answer] = dict.fromkeys(known_facts(names), MISSING)
    if booking is not None:
        values |= booking_facts(booking, was=was, at=at, zone=zone, names=names).values
    else:
        values["now"] = in_zone(at, zone)
        if event.calendar_id:
            calendar = names.calendar_with(event.calendar_id)
            values |= {"calendar": calendar, "calendar.name": calendar.name or MISSING}
    said = names.sources.get(event.type.removeprefix(EXTERNAL), {}) if event.external else {}
    unfit: dict[str, str] = {}
    for name, fact in said.items():
        told = at_path(event.body, fact.path)
        values[EVENT + name] = _read(fact, told, zone, names)
        if told is not None and values[EVENT + name] is MISSING:
            unfit[EVENT + name] = f"missing: {shown(told)} is not {fact.kind.value}"
    return Facts(MappingProxyType(values), zone, MappingProxyType(unfit))


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
    """ISO 8601; without an offset it is on the location's clock, a date alone is its first moment."""
    try:
        told = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return MISSING
    try:
        return in_zone(told, zone)
    except OverflowError:
        return MISSING


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
