"""Operands: what may stand after a test word, by the kind of the fact that is tested."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, time
from math import isfinite
from typing import Annotated, Any, Final

import re2
from pydantic import BeforeValidator, Field, StrictBool, WithJsonSchema, WrapValidator

from workers.facts import MISSING, NOBODY, OTHER_SPELLINGS, STATUSES, Missing, status_word
from workers.names import Calendar, Person
from workers.values import SPAN, ExactMoment, read_duration, read_moment
from workers.words import nearest, shown, text_wanted, wrong

LONGEST_PATTERN: Final = 500


@dataclass(frozen=True)
class Span:
    """From the first bound, included, to the second, left out."""

    start: Any
    end: Any


def folded(text: str) -> str:
    """What texts are compared as: neither capitals nor spaces around them count."""
    return text.strip().casefold()


def backwards(start: object, end: object) -> bool:
    """Whether midnight lies between two clock times."""
    return isinstance(start, time) and isinstance(end, time) and end <= start


def never_after(start: object, end: object) -> bool:
    """Whether nothing lies between two moments, as far as it can be told without the zone."""
    if isinstance(start, datetime) and isinstance(end, datetime) and bool(start.tzinfo) == bool(end.tzinfo):
        return start >= end
    return False


def _bounds(value: object) -> tuple[object, object]:
    """`22:00-02:00` or `[22:00, 02:00]`."""
    found = SPAN.fullmatch(value.strip()) if isinstance(value, str) else None
    if found:
        return found[1], found[2]
    if isinstance(value, list) and len(value) == 2:
        return value[0], value[1]
    raise wrong(f"two bounds such as [22:00, 02:00] expected, found {shown(value)}")


def _read_moments(value: object) -> Span:
    start, end = (read_moment(each) for each in _bounds(value))
    if isinstance(start, time) != isinstance(end, time):
        raise wrong("nothing lies between a clock time and a moment: both must be the one or the other")
    if start == end or never_after(start, end):
        raise wrong("the first bound must be earlier than the second, which is left out")
    return Span(start, end)


def _read_durations(value: object) -> Span:
    start, end = (read_duration(each) for each in _bounds(value))
    if start >= end:
        raise wrong("the first bound must be less than the second, which is left out")
    return Span(start, end)


def read_number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
        raise wrong(f"a number expected, found {shown(value)}")
    return float(value)


def _read_numbers(value: object) -> Span:
    if not isinstance(value, list) or len(value) != 2:
        raise wrong(f"two bounds such as [5, 10] expected, found {shown(value)}")
    start, end = (read_number(each) for each in value)
    if start >= end:
        raise wrong("the first bound must be less than the second, which is left out")
    return Span(start, end)


def _read_text(value: object) -> str:
    if not isinstance(value, str):
        raise text_wanted(value)
    if not value.strip():
        raise wrong("text expected, found none; a missing value is {is: nothing}")
    return folded(value)


def _read_pattern(value: object) -> Any:
    if not isinstance(value, str):
        raise text_wanted(value)
    if not 1 <= len(value.strip()) <= LONGEST_PATTERN:
        raise wrong(f"an expression of 1 to {LONGEST_PATTERN} characters expected, found {len(value.strip())}")
    options = re2.Options()
    options.case_sensitive = False
    options.log_errors = False
    try:
        return re2.compile(value.strip(), options)
    except re2.error as error:
        reason = error.args[0] if error.args else "unreadable"
        raise wrong(f"not an expression: {reason.decode() if isinstance(reason, bytes) else reason}") from None


def _read_status(value: object) -> str:
    if not isinstance(value, str):
        raise text_wanted(value)
    if status_word(value) not in STATUSES:
        message = f"{shown(value)} is not a status; known: {', '.join(STATUSES)}"
        raise wrong(message, nearest(value, (*STATUSES, *OTHER_SPELLINGS)))
    return status_word(value)


def _read_list(value: object) -> object:
    if not isinstance(value, list) or not value:
        found = "an empty one" if value == [] else shown(value)
        raise wrong(f"a list such as [this, that] expected, found {found}")
    return value


def _absent(*words: Missing) -> WrapValidator:
    known = {("nothing" if word is MISSING else "nobody"): word for word in words}

    def read(value: object, handler: Callable[[object], Any]) -> Any:
        return known[value] if isinstance(value, str) and value in known else handler(value)

    return WrapValidator(read)


_NOTHING = _absent(MISSING)
_NOBODY = _absent(MISSING, NOBODY)
_LIST = (BeforeValidator(_read_list), Field(min_length=1))
_BOUNDS = WithJsonSchema(
    {
        "anyOf": [
            {"type": "string", "examples": ["22:00-02:00"]},
            {"type": "array", "items": {"type": "string"}, "minItems": 2, "maxItems": 2},
        ]
    }
)

SomeText = Annotated[str, BeforeValidator(_read_text)]
Status = Annotated[str, BeforeValidator(_read_status), WithJsonSchema({"enum": [*STATUSES, *OTHER_SPELLINGS]})]
Pattern = Annotated[Any, BeforeValidator(_read_pattern), WithJsonSchema({"type": "string", "format": "regex"})]
MomentSpan = Annotated[Any, BeforeValidator(_read_moments), _BOUNDS]
DurationSpan = Annotated[Any, BeforeValidator(_read_durations), _BOUNDS]
DurationBound = Annotated[Any, BeforeValidator(read_duration), WithJsonSchema({"type": "string", "examples": ["90m"]})]

Number = Annotated[float, BeforeValidator(read_number), WithJsonSchema({"type": "number"})]
NumberSpan = Annotated[Any, BeforeValidator(_read_numbers), _BOUNDS]

TextOrNothing = Annotated[SomeText, _NOTHING]
StatusOrNothing = Annotated[Status, _NOTHING]
MomentOrNothing = Annotated[ExactMoment, _NOTHING]
DurationOrNothing = Annotated[DurationBound, _NOTHING]
NumberOrNothing = Annotated[Number, _NOTHING]
CalendarOrNothing = Annotated[Calendar, _NOTHING]
PersonOrNobody = Annotated[Person, _NOBODY]
Flag = Annotated[StrictBool, _NOTHING]

Texts = Annotated[tuple[TextOrNothing, ...], *_LIST]
Statuses = Annotated[tuple[StatusOrNothing, ...], *_LIST]
SeveralMoments = Annotated[tuple[MomentOrNothing, ...], *_LIST]
SeveralDurations = Annotated[tuple[DurationOrNothing, ...], *_LIST]
SeveralNumbers = Annotated[tuple[NumberOrNothing, ...], *_LIST]
Calendars = Annotated[tuple[CalendarOrNothing, ...], *_LIST]
People = Annotated[tuple[PersonOrNobody, ...], *_LIST]
