"""Conduct of a rule as its author writes it: how often it may act, and until when."""

import re
from datetime import timedelta
from typing import Annotated, Any, ClassVar, Final, Literal, TypeAlias

from pydantic import BeforeValidator, StrictBool, StringConstraints, ValidationInfo, WithJsonSchema

from service.store.conduct import Limit
from workers.known_facts import known_facts, unknown_fact
from workers.names import names_in
from workers.other_words import nearest
from workers.values import SomeDuration, read_some_duration, short
from workers.words import Words, shown, wrong

Group: TypeAlias = Literal["appointment", "contact", "series", "day"]

LATE: Final = timedelta(minutes=15)

GROUPS: Final[tuple[Group, ...]] = ("appointment", "contact", "series", "day")
PERIODS: Final = {"minute": timedelta(minutes=1), "hour": timedelta(hours=1), "day": timedelta(days=1)}

LIMIT = re.compile(r"(\d{1,5})\s+per\s+(minute|hour|day)", re.ASCII)
NEARLY_LIMIT = re.compile(r"([1-9]\d{0,4})\s*(?:/|an?|each|every|in an?)\s*(minute|hour|day)", re.ASCII)
PAUSE = re.compile(r"(\d{1,4})([smh])", re.ASCII)
NEARLY_PAUSE = re.compile(r"([1-9]\d?)\s*([sm])(?:ec|econd|in|inute)?s?", re.ASCII)
SECONDS: Final = {"s": 1, "m": 60, "h": 3600}
LONGEST_PAUSE: Final = timedelta(hours=1)
PERCENT = re.compile(r"(\d{1,3})\s*%", re.ASCII)
HIGHEST: Final = 1000

BEFORE_START = re.compile(r"(\S+)\s+before\s+start", re.ASCII)


def read_once_per(value: object, info: ValidationInfo) -> Group | tuple[str, ...]:
    """A word, or facts: once for each group of their values."""
    for group in GROUPS:
        if value == group:
            return group
    if not isinstance(value, list | tuple) or not value:
        message = f"appointment, contact, series, day or a list of facts expected, found {shown(value)}"
        raise wrong(message, nearest(value, GROUPS) if isinstance(value, str) else None)
    known = known_facts(names_in(info))
    for name in value:
        if not isinstance(name, str):
            raise wrong(f"the name of a fact expected, found {shown(name)}")
        if name not in known:
            raise unknown_fact(name, known)
        if known[name].is_looked_up:
            raise wrong(f"{name} has to be looked up, and once_per goes by what an event tells by itself")
    return tuple(value)


def read_limit(value: object) -> Limit:
    """`20 per hour`."""
    if isinstance(value, Limit):
        return value
    found = LIMIT.fullmatch(value.strip()) if isinstance(value, str) else None
    if not found or not int(found[1]):
        near = NEARLY_LIMIT.fullmatch(value.strip()) if isinstance(value, str) else None
        hint = f"{near[1]} per {near[2]}" if near else None
        raise wrong(f"a limit such as 20 per hour expected (minute, hour or day), found {shown(value)}", hint)
    return Limit(int(found[1]), PERIODS[found[2]])


def read_before_start(value: object) -> timedelta:
    """`15m before start`."""
    if isinstance(value, timedelta):
        return value
    found = BEFORE_START.fullmatch(value.strip()) if isinstance(value, str) else None
    if not found:
        length = short(str(value).removesuffix("before start"))
        hint = f"{length} before start" if length else None
        raise wrong(f"a time such as 15m before start expected, found {shown(value)}", hint)
    return read_some_duration(found[1])


def read_pause(value: object) -> timedelta:
    """`30s`, `2m`, up to `1h`."""
    if isinstance(value, timedelta):
        return value
    found = PAUSE.fullmatch(value.strip()) if isinstance(value, str) else None
    pause = timedelta(seconds=int(found[1]) * SECONDS[found[2]]) if found else timedelta()
    if not timedelta() < pause <= LONGEST_PAUSE:
        near = NEARLY_PAUSE.fullmatch(str(value).strip())
        hint = f"{near[1]}{near[2]}" if near else None
        raise wrong(f"a pause such as 30s or 2m expected, an hour at most, found {shown(value)}", hint)
    return pause


def write_pause(pause: timedelta) -> str:
    """`30s`, `2m`."""
    seconds = round(pause.total_seconds())
    return next(f"{seconds // SECONDS[unit]}{unit}" for unit in "hms" if seconds % SECONDS[unit] == 0)


def read_percent(value: object) -> int:
    """`20%`."""
    if isinstance(value, int) and not isinstance(value, bool):
        raise wrong(f"a share such as {value}% expected, found {shown(value)}")
    found = PERCENT.fullmatch(value.strip()) if isinstance(value, str) else None
    if not found or not 1 <= int(found[1]) <= 100:
        raise wrong(f"a share such as 20% expected, from 1% to 100%, found {shown(value)}")
    return int(found[1])


def read_priority(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) > HIGHEST:
        raise wrong(f"a whole number from -{HIGHEST} to {HIGHEST} expected, found {shown(value)}")
    return value


def write_once_per(once_per: Group | tuple[str, ...] | None) -> str:
    return once_per if isinstance(once_per, str) else " and ".join(once_per or ())


def write_limit(limit: Limit | None) -> str:
    """`20 per hour`."""
    period = next((word for word, length in PERIODS.items() if limit and length == limit.within), "")
    return f"{limit.times} per {period}" if limit else ""


def _written(what: str, pattern: str, *examples: str) -> Any:
    return WithJsonSchema({"description": what, "type": "string", "pattern": pattern, "examples": list(examples)})


OncePer = Annotated[
    Group | tuple[str, ...],
    BeforeValidator(read_once_per),
    WithJsonSchema(
        {
            "anyOf": [
                {"enum": list(GROUPS)},
                {
                    "description": "a list of facts",
                    "type": "array",
                    "items": {"type": "string"},
                    "minItems": 1,
                    "examples": [["calendar", "starts"]],
                },
            ]
        }
    ),
]
AnyLimit = Annotated[
    Limit, BeforeValidator(read_limit), _written("a limit", r"^\d+\s+per\s+(minute|hour|day)$", "20 per hour")
]
BeforeStart = Annotated[
    timedelta,
    BeforeValidator(read_before_start),
    _written("a time before the start", r"^\S+\s+before\s+start$", "15m before start"),
]
Pause = Annotated[timedelta, BeforeValidator(read_pause), _written("a pause", r"^\d+[smh]$", "30s", "2m")]
Percent = Annotated[int, BeforeValidator(read_percent), _written("a share", r"^\d{1,3}\s*%$", "20%")]
Priority = Annotated[
    int, BeforeValidator(read_priority), WithJsonSchema({"type": "integer", "minimum": -HIGHEST, "maximum": HIGHEST})
]


class Conduct(Words):
    """How a rule behaves: the words that may stand under `defaults` as well as in a rule."""

    called: ClassVar[str] = "defaults"

    mode: Literal["live", "shadow", "off"] = "shadow"
    """`live` acts, `shadow` says what it would do and does nothing, `off` is not asked."""
    rollout: Percent | None = None
    """Acts on so many of a hundred bookings, always the same ones, by their ids."""
    debounce: Pause | None = None
    """Answers a burst of changes of one booking once, when it has been quiet for so long."""
    once_per: OncePer | None = None
    """Acts once for each `appointment`, `contact`, `series` or `day`, or for each value of some facts."""
    limit: AnyLimit | None = None
    """The most bookings that it acts on in a location in a minute, an hour or a day; one more stops it."""
    not_after: BeforeStart | None = None
    """What could not be done by then, before the booking starts, is not done."""
    late: SomeDuration = LATE
    """How late a moment may come."""
    priority: Priority = 0
    """Rules with a higher one come first; of equal ones the first by path, then by place."""
    stop_others: StrictBool = False
    """Where it holds, the rules after it are not asked."""
    override_people: StrictBool = False
    """Also writes what somebody else has changed since a rule wrote it."""
    on_own_changes: StrictBool = False
    """Is set off by what rules write, too."""
    answers_for: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)] | None = None
    """Who answers for it, for whoever reads the history."""
