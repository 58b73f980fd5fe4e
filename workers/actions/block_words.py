"""Words of `block_slot`: from when until when, and whose time."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time
from typing import Annotated, Any, Final, Literal, TypeAlias

from pydantic import PlainValidator, ValidationInfo, WithJsonSchema
from pydantic_core import PydanticCustomError

from workers.blocking.days import MIDNIGHT
from workers.kinds import Kind
from workers.names import OWN_TEAM, Named, Names, Team, is_id, names_in
from workers.other_words import nearest
from workers.references import Reference, or_fact, read_reference
from workers.values import MOMENT_SCHEMA, read_moment
from workers.words import Place, fault, faults, shown, text_wanted, wrong

ASSIGNEE: Final = "assignee"
"""Whoever has the booking by then."""


@dataclass(frozen=True)
class OfTeam:
    """The time of each of a team."""

    team: Team


@dataclass(frozen=True)
class OfCalendar:
    """The time of a calendar, or of each of its team where it cannot be blocked itself."""

    calendar: Named


Target: TypeAlias = Named | Reference | Literal["assignee"] | OfTeam | OfCalendar


def _read_start(value: object, _: ValidationInfo) -> time | datetime:
    return read_moment(value)


def _read_end(value: object, _: ValidationInfo) -> time | datetime:
    return MIDNIGHT if value == "24:00" else read_moment(value)


def _read_targets(value: object, info: ValidationInfo) -> tuple[Target, ...]:
    listed = value if isinstance(value, list | tuple) else [value]
    if not listed:
        raise wrong("at least one person expected")
    found, wrongs = list[Target](), []
    for index, each in enumerate(listed):
        place: Place = (index,) if isinstance(value, list) else ()
        try:
            found.append(_target(each, names_in(info)))
        except PydanticCustomError as error:
            wrongs.append(fault(error, place))
    if wrongs:
        raise faults("for", wrongs)
    return tuple(found)


def _target(value: object, names: Names) -> Target:
    if isinstance(value, Named | Reference | OfTeam | OfCalendar):
        return value
    if value == ASSIGNEE:
        return "assignee"
    if isinstance(value, Mapping):
        return _said(value, names)
    if not isinstance(value, str):
        raise text_wanted(value)
    if reference := read_reference(value, names, Kind.PERSON):
        return reference
    known = [
        kind
        for kind, of in (("person", names.people), ("team", names.teams), ("calendar", names.calendars))
        if value in of
    ]
    if len(known) > 1:
        raise wrong(f"{shown(value)} is a {' and a '.join(known)}: say which, as in {{{known[-1]}: {value}}}")
    if known == ["person"] or (not known and is_id(value)):
        return names.person(value)
    if known == ["team"] or value == OWN_TEAM:
        return OfTeam(names.team(value))
    if known == ["calendar"]:
        return OfCalendar(names.calendar(value))
    if names.whole:
        message = f"no person, team or calendar named {shown(value)}"
        raise wrong(message, nearest(value, (*names.people, *names.teams, *names.calendars, ASSIGNEE)))
    return Named("", value)


def _said(value: Mapping[Any, Any], names: Names) -> Target:
    match dict(value):
        case {"person": name, **more} if not more:
            return names.person(name)
        case {"team": name, **more} if not more:
            return OfTeam(names.team(name))
        case {"calendar": name, **more} if not more:
            return OfCalendar(names.calendar(name))
    raise wrong("a person, {team: evening} or {calendar: room} expected, found a mapping of something else")


_SCHEMA: Final[dict[str, Any]] = dict(MOMENT_SCHEMA.json_schema or {})

BlockStart = Annotated[time | datetime | Reference, *or_fact(Kind.MOMENT, _read_start, _SCHEMA)]
BlockEnd = Annotated[time | datetime | Reference, *or_fact(Kind.MOMENT, _read_end, _SCHEMA)]

_KINDS: Final = ("person", "team", "calendar")
_SAID: Final = {
    "type": "object",
    "properties": {kind: {"description": f"a {kind}", "type": "string"} for kind in _KINDS},
    "minProperties": 1,
    "maxProperties": 1,
    "additionalProperties": False,
}
_ONE: Final = [{"description": "a person, a team or a calendar", "type": "string"}, {"enum": [ASSIGNEE]}, _SAID]
Targets = Annotated[
    tuple[Target, ...],
    PlainValidator(_read_targets),
    WithJsonSchema({"anyOf": [*_ONE, {"type": "array", "items": {"anyOf": _ONE}, "minItems": 1}]}),
]
