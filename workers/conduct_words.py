"""Conduct of a rule as its author writes it: how often it may act, and until when."""

import re
from datetime import timedelta
from typing import Annotated, Any, Final, Literal, TypeAlias

from pydantic import BeforeValidator, ValidationInfo, WithJsonSchema

from service.store.conduct import Limit
from workers.event_facts import known_facts
from workers.names import names_in
from workers.values import read_some_duration
from workers.words import shown, unknown, wrong

Group: TypeAlias = Literal["appointment", "contact", "series", "day"]

GROUPS: Final[tuple[Group, ...]] = ("appointment", "contact", "series", "day")
PERIODS: Final = {"minute": timedelta(minutes=1), "hour": timedelta(hours=1), "day": timedelta(days=1)}

LIMIT = re.compile(r"(\d{1,5})\s+per\s+(minute|hour|day)", re.ASCII)
BEFORE_START = re.compile(r"(\S+)\s+before\s+start", re.ASCII)


def read_once_per(value: object, info: ValidationInfo) -> Group | tuple[str, ...]:
    """A word, or facts: once for each group of their values."""
    for group in GROUPS:
        if value == group:
            return group
    if not isinstance(value, list | tuple) or not value:
        message = f"appointment, contact, series, day or a list of facts expected, found {shown(value)}"
        raise wrong(message)
    known = known_facts(names_in(info))
    for name in value:
        if not isinstance(name, str):
            raise wrong(f"the name of a fact expected, found {shown(name)}")
        if name not in known:
            raise unknown(name, "as a fact", known, key=False)
    return tuple(value)


def read_limit(value: object) -> Limit:
    """`20 per hour`."""
    if isinstance(value, Limit):
        return value
    found = LIMIT.fullmatch(value.strip()) if isinstance(value, str) else None
    if not found or not int(found[1]):
        raise wrong(f"a limit such as 20 per hour expected (minute, hour or day), found {shown(value)}")
    return Limit(int(found[1]), PERIODS[found[2]])


def read_before_start(value: object) -> timedelta:
    """`15m before start`."""
    if isinstance(value, timedelta):
        return value
    found = BEFORE_START.fullmatch(value.strip()) if isinstance(value, str) else None
    if not found:
        raise wrong(f"a time such as 15m before start expected, found {shown(value)}")
    return read_some_duration(found[1])


def write_once_per(once_per: Group | tuple[str, ...] | None) -> str:
    return once_per if isinstance(once_per, str) else " and ".join(once_per or ())


def write_limit(limit: Limit | None) -> str:
    """`20 per hour`."""
    period = next((word for word, length in PERIODS.items() if limit and length == limit.within), "")
    return f"{limit.times} per {period}" if limit else ""


def _written(pattern: str, *examples: str) -> Any:
    return WithJsonSchema({"type": "string", "pattern": pattern, "examples": list(examples)})


OncePer = Annotated[
    Group | tuple[str, ...],
    BeforeValidator(read_once_per),
    WithJsonSchema({"anyOf": [{"enum": list(GROUPS)}, {"type": "array", "items": {"type": "string"}, "minItems": 1}]}),
]
AnyLimit = Annotated[Limit, BeforeValidator(read_limit), _written(r"^\d+ per (minute|hour|day)$", "20 per hour")]
BeforeStart = Annotated[
    timedelta, BeforeValidator(read_before_start), _written(r"^\S+ before start$", "15m before start")
]
