"""Comparisons: what may be asked of a fact, by its kind, in three-valued logic."""

import operator
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time
from types import MappingProxyType
from typing import Any, Final, TypeAlias

from pydantic import TypeAdapter

from workers import operands
from workers.facts import MISSING, NOBODY, Answer, Missing
from workers.kinds import Kind
from workers.names import Named, SomeHours
from workers.operands import MISSING_OPERAND, Span, backwards, folded
from workers.values import in_zone

Held: TypeAlias = bool | None
"""True, false, or None: it hangs on a value that is missing."""


def negation(held: Held) -> Held:
    return None if held is None else not held


@dataclass(frozen=True, eq=False)
class Comparison:
    """One test: what may stand after its word, and whether it holds of a value."""

    operand: TypeAdapter[Any]
    holds: Callable[[Answer, Any], Held]


def _test(operand: Any, test: Callable[[Any, Any], bool]) -> Comparison:
    """A test that needs a value; of a missing one it is neither true nor false."""

    def holds(value: Answer, wanted: Any) -> Held:
        return None if isinstance(value, Missing) else test(value, wanted)

    return Comparison(TypeAdapter(operand), holds)


def _equalities(one: Any, several: Any, same: Callable[[Any, Any], bool]) -> dict[str, Comparison]:
    def is_(value: Answer, wanted: Any) -> Held:
        if wanted is MISSING:
            return isinstance(value, Missing)
        if wanted is MISSING_OPERAND:
            return None
        if isinstance(value, Missing):
            return True if value is wanted is NOBODY else None
        return wanted is not NOBODY and same(value, wanted)

    def in_(value: Answer, wanted: Any) -> Held:
        held: Held = False
        for each in wanted:
            one = is_(value, each)
            if one:
                return True
            if one is None:
                held = None
        return held

    alone, listed = TypeAdapter(one), TypeAdapter(several)
    return {
        "is": Comparison(alone, is_),
        "is_not": Comparison(alone, lambda value, wanted: negation(is_(value, wanted))),
        "in": Comparison(listed, in_),
        "not_in": Comparison(listed, lambda value, wanted: negation(in_(value, wanted))),
    }


def _compared(value: datetime, wanted: time | datetime, how: Callable[[Any, Any], bool]) -> bool:
    """A clock time is compared with the clock, a moment with the moment; `value` is on the location's clock."""
    if isinstance(wanted, time):
        return how(value.time(), wanted)
    # Between two times of one zone Python compares the clocks, and those go back once a year.
    return how(value.timestamp(), in_zone(wanted, value.tzinfo or UTC).timestamp())


def _same_moment(value: datetime, wanted: time | datetime) -> bool:
    """To the minute, which is as exact as bookings are."""
    exact = wanted if isinstance(wanted, time) else wanted.replace(second=0, microsecond=0)
    return _compared(value.replace(second=0, microsecond=0), exact, operator.eq)


def _between(value: datetime, span: Span) -> bool:
    late_enough = _compared(value, span.start, operator.ge)
    early_enough = _compared(value, span.end, operator.lt)
    if backwards(span.start, span.end):
        return late_enough or early_enough
    return late_enough and early_enough


def _folded(texts: Iterable[str]) -> frozenset[str]:
    return frozenset(folded(text) for text in texts)


def _empty(value: Answer, wanted: Any) -> bool:
    """Whether nothing is in a list, or there is none."""
    return isinstance(value, Missing) or not value


def _same_one(value: Named, wanted: Named) -> bool:
    return value.id == wanted.id


OF_TEXT: Final = {
    **_equalities(operands.TextOrNothing, operands.Texts, lambda value, wanted: folded(value) == wanted),
    "contains": _test(operands.SomeText, lambda value, wanted: wanted in folded(value)),
    "starts_with": _test(operands.SomeText, lambda value, wanted: folded(value).startswith(wanted)),
    "matches": _test(operands.Pattern, lambda value, wanted: wanted.search(value.strip()) is not None),
}
OF_MOMENTS: Final = {
    **_equalities(operands.MomentOrNothing, operands.SeveralMoments, _same_moment),
    "before": _test(operands.MomentBound, lambda value, wanted: _compared(value, wanted, operator.lt)),
    "after": _test(operands.MomentBound, lambda value, wanted: _compared(value, wanted, operator.ge)),
    "between": _test(operands.MomentSpan, _between),
    "on": _test(operands.DayList, lambda value, wanted: value.date() in wanted),
    "during": _test(SomeHours, lambda value, wanted: value in wanted),
    "outside": _test(SomeHours, lambda value, wanted: value not in wanted),
}
OF_DURATIONS: Final = {
    **_equalities(operands.DurationOrNothing, operands.SeveralDurations, operator.eq),
    "more_than": _test(operands.DurationBound, operator.gt),
    "less_than": _test(operands.DurationBound, operator.lt),
    "between": _test(operands.DurationSpan, lambda value, span: span.start <= value < span.end),
}
OF_NUMBERS: Final = {
    **_equalities(operands.NumberOrNothing, operands.SeveralNumbers, operator.eq),
    "more_than": _test(operands.Number, operator.gt),
    "less_than": _test(operands.Number, operator.lt),
    "between": _test(operands.NumberSpan, lambda value, span: span.start <= value < span.end),
}
OF_FLAGS: Final = {
    word: test
    for word, test in _equalities(operands.Flag, list[operands.Flag], operator.is_).items()
    if word in {"is", "is_not"}
}
OF_LISTS: Final = {
    "is": Comparison(TypeAdapter(operands.Nothing), _empty),
    "is_not": Comparison(TypeAdapter(operands.Nothing), lambda value, wanted: not _empty(value, wanted)),
    "contains": _test(operands.SomeText, lambda value, wanted: wanted in _folded(value)),
    "any_of": _test(operands.SomeTexts, lambda value, wanted: not _folded(value).isdisjoint(wanted)),
    "all_of": _test(operands.SomeTexts, lambda value, wanted: _folded(value).issuperset(wanted)),
    "none_of": _test(operands.SomeTexts, lambda value, wanted: _folded(value).isdisjoint(wanted)),
}

COMPARISONS: Final[Mapping[Kind, Mapping[str, Comparison]]] = MappingProxyType(
    {
        Kind.TEXT: OF_TEXT,
        Kind.STATUS: _equalities(operands.StatusOrNothing, operands.Statuses, operator.eq),
        Kind.MOMENT: OF_MOMENTS,
        Kind.DURATION: OF_DURATIONS,
        Kind.NUMBER: OF_NUMBERS,
        Kind.PERSON: _equalities(operands.PersonOrNobody, operands.People, _same_one),
        Kind.CALENDAR: _equalities(operands.CalendarOrNothing, operands.Calendars, _same_one),
        Kind.FLAG: OF_FLAGS,
        Kind.LIST: OF_LISTS,
    }
)
"""The tests that each kind of fact knows."""

MEANINGS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "is": "it is the same; `nothing` where it is missing, or a list is empty, and `nobody` of a person whom nobody "
        "is",
        "is_not": "it is not the same",
        "in": "it is one of these",
        "not_in": "it is none of these",
        "contains": "this text is somewhere in it; in a list, it is one of its items",
        "starts_with": "it begins with this text",
        "matches": "this expression (RE2) is found in it; `^` and `$` are its beginning and its end",
        "before": "it is earlier, and not this itself",
        "after": "it is later, or this itself",
        "more_than": "it is more, and not this itself",
        "less_than": "it is less, and not this itself",
        "between": "it is the first of two bounds, or between them; the second is left out. `[22:00, 02:00]` goes over "
        "midnight",
        "on": "it is on this weekday or date, on one of several (`[mon-wed, 2027-03-26]`), or on a day of a list under "
        "`holidays`",
        "during": "it is within these hours: a name under `hours`, or the hours themselves",
        "outside": "it is not within these hours",
        "any_of": "at least one of these texts is in the list",
        "all_of": "all of these texts are in the list",
        "none_of": "none of these texts is in the list",
    }
)
"""What each test asks, whatever the kind."""
