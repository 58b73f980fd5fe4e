"""`to`: the time that is meant, as a rule says it."""

from collections.abc import Mapping
from datetime import UTC, datetime, time, timedelta
from typing import Annotated, Any, ClassVar, Final, Literal
from zoneinfo import ZoneInfo

from pydantic import ValidationInfo

from workers.kinds import Kind
from workers.other_words import nearest
from workers.references import Reference, or_fact
from workers.values import DURATION_SCHEMA, SomeDuration, read_exact_moment, read_some_duration
from workers.words import Words, shown, wrong

NEXT_FREE: Final = "next_free"

EXPECTED: Final = "next_free, {shift: 1d} or a moment (2027-03-26 17:00) expected"

_MOMENT: Final[dict[str, Any]] = {
    "description": "a moment",
    "type": "string",
    "pattern": r"^\d{4}-\d\d-\d\d[T ]\d\d:\d\d.*$",
    "examples": ["2027-03-26 17:00"],
}
_SHIFT: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {"shift": DURATION_SCHEMA.json_schema},
    "required": ["shift"],
    "additionalProperties": False,
}


class Shift(Words):
    """So much later than the booking is; days are days on the location's clock."""

    called: ClassVar[str] = "shift"

    shift: SomeDuration
    """How much later."""


def _read_target(value: Any, info: ValidationInfo) -> object:
    if value == NEXT_FREE or isinstance(value, Shift | datetime):
        return value
    if isinstance(value, Mapping):
        return Shift.model_validate(value, context=info.context)
    if not isinstance(value, str):
        raise wrong(f"{EXPECTED}, found {shown(value)}")
    if not any(sign.isdigit() for sign in value):
        raise wrong(f"{EXPECTED}, found {shown(value)}", nearest(value, (NEXT_FREE,)))
    moment = read_exact_moment(value)
    if isinstance(moment, time):
        raise wrong(f"a moment with its date such as 2027-03-26 17:00 expected, found {shown(value)}")
    return moment


def _read_length(value: Any, info: ValidationInfo) -> timedelta:
    return read_some_duration(value)


Target = Annotated[
    Literal["next_free"] | Shift | datetime | Reference,
    *or_fact(Kind.MOMENT, _read_target, {"anyOf": [{"const": NEXT_FREE}, _SHIFT, _MOMENT]}),
]

Length = Annotated[
    timedelta | Reference, *or_fact(Kind.DURATION, _read_length, dict(DURATION_SCHEMA.json_schema or {}))
]


def shifted(moment: datetime, by: timedelta, zone: ZoneInfo) -> datetime:
    """Later by whole days on the clock on the wall, and by what is left over in time that passes.

    A clock time that comes twice stays the one of the two that it was; one that never comes is as far behind the change
    as it would have been behind the hour that is left out.
    """
    days = timedelta(days=by.days)
    local = moment.astimezone(zone)
    wall = (local.replace(tzinfo=None) + days).replace(tzinfo=zone, fold=local.fold)
    return wall.astimezone(UTC) + (by - days)
