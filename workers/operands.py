"""Operands: what may stand after a test word, by the kind of the fact that is tested."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Annotated, Any, Final

from pydantic import BeforeValidator, Field, StrictBool, ValidationInfo, WithJsonSchema
from pydantic_core import PydanticCustomError

from workers.facts import MISSING, NOBODY, OTHER_SPELLINGS, STATUSES, Fact, Facts, Missing, read_status
from workers.kinds import Kind
from workers.lookups import Lookup
from workers.names import MOST_PEOPLE, Calendar, Names, Person, names_in
from workers.other_words import nearest
from workers.patterns import LONGEST_PATTERN, read_pattern
from workers.references import TAG, Besides, Reference, read_reference, referable
from workers.values import (
    DAYS_SCHEMA,
    LENGTH_SCHEMA,
    MOMENT_SCHEMA,
    RANGES,
    SPAN,
    WEEKDAYS,
    Days,
    read_day,
    read_exact_moment,
    read_length,
    read_moment,
)
from workers.words import at_most, fault, faults, shown, text_wanted, wrong

LARGEST: Final = 1e15
"""Of numbers, in which every whole one is told from the next."""

MISSING_OPERAND: Final = Missing("missing")
"""In the place of an operand that is a fact's value, where the fact has none."""


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


def resolved(operand: Any, facts: Facts) -> Any:
    """With the values of facts in the place of references: MISSING_OPERAND where there is none, a Lookup where it must
    be looked up first."""
    match operand:
        case Reference(fact):
            value = facts.answer(fact)
            if isinstance(value, Missing):
                return MISSING_OPERAND
            return folded(value) if isinstance(value, str) else value
        case tuple():
            values = tuple(resolved(each, facts) for each in operand)
            return next((value for value in values if isinstance(value, Lookup)), values)
        case Span(start, end):
            bounds = (resolved(start, facts), resolved(end, facts))
            special = (each for each in bounds if isinstance(each, Lookup) or each is MISSING_OPERAND)
            return next(special, Span(*bounds))
        case _:
            return operand


def referring(operand: Any) -> Iterator[Fact]:
    """The facts that it is made of."""
    match operand:
        case Reference(fact):
            yield fact
        case tuple():
            for each in operand:
                yield from referring(each)
        case Span(start, end):
            yield from referring(start)
            yield from referring(end)


def _bounds(value: object, example: str) -> tuple[object, object]:
    """`22:00-02:00` or `[22:00, 02:00]`."""
    found = SPAN.fullmatch(value.strip()) if isinstance(value, str) else None
    if found:
        return found[1], found[2]
    if isinstance(value, list) and len(value) == 2:
        return value[0], value[1]
    raise wrong(f"two bounds such as {example} expected, found {shown(value)}")


def _read_moments(value: object, info: ValidationInfo) -> Span:
    names = names_in(info)
    first, last = _bounds(value, "[22:00, 02:00]")
    # The end of a day is the first moment of the next, which is left out.
    said = (first, "00:00" if last == "24:00" else last)
    start, end = (read_reference(each, names, Kind.MOMENT) or read_moment(each) for each in said)
    if isinstance(start, Reference) or isinstance(end, Reference):
        return Span(start, end)
    if isinstance(start, time) != isinstance(end, time):
        raise wrong("nothing lies between a clock time and a moment: both must be the one or the other")
    if start == end or never_after(start, end):
        raise wrong("the first bound must be earlier than the second, which is left out")
    return Span(start, end)


def _length(value: object, names: Names) -> Reference | timedelta:
    reference = read_reference(value, names, Kind.DURATION)
    return read_length(value) if reference is None else reference


def _read_durations(value: object, info: ValidationInfo) -> Span:
    names = names_in(info)
    bounds = _bounds(value, "[1h, 2h]")
    start, end = (_length(each, names) for each in bounds)
    if isinstance(start, Reference) or isinstance(end, Reference):
        return Span(start, end)
    if start >= end:
        raise wrong("the first bound must be less than the second, which is left out")
    return Span(start, end)


def read_number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not -LARGEST <= value <= LARGEST:
        quoted = isinstance(value, str) and value.strip().lstrip("+-").replace(".", "", 1).isdecimal()
        raise wrong(f"a number expected, found {shown(value)}{': leave out the quotes' if quoted else ''}")
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
    if TAG.search(value):
        raise wrong("a fact stands here alone, as in {is: '{{ contact.name }}'}, with no text or filter beside it")
    return folded(value)


def _read_days(value: object, info: ValidationInfo) -> Days:
    """Weekdays, ranges of them, dates, and names under `holidays`."""
    if isinstance(value, Days):
        return value
    holidays = names_in(info).holidays
    listed = value if isinstance(value, list) else [value]
    if not listed:
        raise wrong("at least one day expected")
    days, found = Days(frozenset()), []
    for index, each in enumerate(listed):
        try:
            day = _day(each, holidays)
        except PydanticCustomError as error:
            found.append(fault(error, (index,) if isinstance(value, list) else ()))
        else:
            days = Days(days.weekdays | day.weekdays, days.dates | day.dates)
    if found:
        raise faults("days", found)
    return days


def _day(value: object, holidays: Mapping[str, frozenset[date]]) -> Days:
    if isinstance(value, str) and value in holidays:
        return Days(frozenset(), holidays[value])
    try:
        return read_day(value)
    except PydanticCustomError as error:
        known = [*WEEKDAYS, *holidays]
        if not isinstance(value, str) or value.strip()[:1].isdigit() or "-" in value:
            raise
        message = f"{shown(value)} is no weekday, no date and not under `holidays`; known: {', '.join(known)}"
        raise wrong(message, nearest(value, (*known, *RANGES))) from error


def _read_list(value: object) -> object:
    if not isinstance(value, list) or not value:
        found = "an empty one" if value == [] else shown(value)
        raise wrong(f"a list such as [this, that] expected, found {found}")
    return value


def _read_nothing(value: object) -> Any:
    ask = f": ask {{contains: {value}}} or {{none_of: {value}}}" if isinstance(value, str) else ""
    raise wrong(f"a list has no single value, only nothing, found {shown(value)}{ask}")


def _one_as_list(value: object) -> object:
    return [value] if isinstance(value, str) else _read_list(value)


def _absent(*words: Missing) -> Besides:
    known = {("nothing" if word is MISSING else "nobody"): word for word in words}

    def read(value: object, handler: Callable[[object], Any]) -> Any:
        if NOBODY in words and value in ("none", "unassigned"):
            raise wrong(f"no person named {shown(value)}", "nobody")
        return known[value] if isinstance(value, str) and value in known else handler(value)

    return Besides(read, written={"enum": list(known)})


_NOTHING = _absent(MISSING)
_NOBODY = _absent(MISSING, NOBODY)
_LIST = (BeforeValidator(_read_list), Field(min_length=1))
_FEW = (BeforeValidator(_read_list), BeforeValidator(at_most(MOST_PEOPLE, "names")), Field(min_length=1))


def _pair(what: str, each: str, *examples: object) -> WithJsonSchema:
    """Two in a list; or, of what is text, with a dash between them."""
    types = ["array", "string"] if each == "string" else ["array"]
    pair = {"type": types, "items": {"type": each}, "minItems": 2, "maxItems": 2}
    return WithJsonSchema({"description": what, **pair, "examples": list(examples)})


def _written(what: str, kind: str, **schema: Any) -> WithJsonSchema:
    return WithJsonSchema({"description": what, "type": kind, **schema})


SomeText = Annotated[Any, BeforeValidator(_read_text), _written("text", "string"), referable(Kind.TEXT)]
Status = Annotated[
    Any,
    BeforeValidator(read_status),
    _written("a status", "string", enum=[*STATUSES, *OTHER_SPELLINGS]),
    referable(Kind.STATUS),
]
Pattern = Annotated[Any, BeforeValidator(read_pattern), _written("an expression", "string", maxLength=LONGEST_PATTERN)]
MomentBound = Annotated[Any, BeforeValidator(read_moment), MOMENT_SCHEMA, referable(Kind.MOMENT)]
MomentSpan = Annotated[
    Any,
    BeforeValidator(_read_moments),
    _pair("two clock times or moments", "string", "22:00-02:00", ["22:00", "02:00"]),
]
DayList = Annotated[Days, BeforeValidator(_read_days), DAYS_SCHEMA]
DurationSpan = Annotated[Any, BeforeValidator(_read_durations), _pair("two durations", "string", "1h-2h", ["1h", "2h"])]
DurationBound = Annotated[Any, BeforeValidator(read_length), LENGTH_SCHEMA, referable(Kind.DURATION)]

Number = Annotated[Any, BeforeValidator(read_number), _written("a number", "number"), referable(Kind.NUMBER)]
NumberSpan = Annotated[Any, BeforeValidator(_read_numbers), _pair("two numbers", "number", [5, 10])]

TextOrNothing = Annotated[SomeText, _NOTHING]
StatusOrNothing = Annotated[Status, _NOTHING]
MomentOrNothing = Annotated[Any, BeforeValidator(read_exact_moment), MOMENT_SCHEMA, referable(Kind.MOMENT), _NOTHING]
DurationOrNothing = Annotated[DurationBound, _NOTHING]
NumberOrNothing = Annotated[Number, _NOTHING]
CalendarOrNothing = Annotated[Calendar, referable(Kind.CALENDAR), _NOTHING]
PersonOrNobody = Annotated[Person, referable(Kind.PERSON), _NOBODY]
Flag = Annotated[StrictBool, referable(Kind.FLAG), _NOTHING]
Nothing = Annotated[Any, BeforeValidator(_read_nothing), _NOTHING, WithJsonSchema({"enum": ["nothing"]})]

SomeTexts = Annotated[
    tuple[SomeText, ...],
    BeforeValidator(_one_as_list, json_schema_input_type=SomeText | tuple[SomeText, ...]),
    Field(min_length=1),
]
Texts = Annotated[tuple[TextOrNothing, ...], *_LIST]
Statuses = Annotated[tuple[StatusOrNothing, ...], *_LIST]
SeveralMoments = Annotated[tuple[MomentOrNothing, ...], *_LIST]
SeveralDurations = Annotated[tuple[DurationOrNothing, ...], *_LIST]
SeveralNumbers = Annotated[tuple[NumberOrNothing, ...], *_LIST]
Calendars = Annotated[tuple[CalendarOrNothing, ...], *_FEW]
People = Annotated[tuple[PersonOrNobody, ...], *_FEW]
