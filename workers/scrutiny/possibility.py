"""Possibility: whether conditions can hold at all, as far as their words alone tell."""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, time, timedelta
from typing import Any, Final

from workers.conditions import AnyOf, Condition, Conditions, Not, Question
from workers.contact_facts import CONTACT
from workers.facts import MISSING, Missing
from workers.kinds import Kind
from workers.names import Named
from workers.operands import Span
from workers.values import Days
from workers.week_hours import CLOSED, WeekHours

MINUTES: Final = 24 * 60
ALL_DAY: Final = (1 << MINUTES) - 1
"""The minutes of a day as bits; 00:00 is the lowest."""

ALL_WEEK: Final = (1 << 7) - 1

NO_DAYS: Final = Days(frozenset())

A_DAY: Final = timedelta(days=1)

NEVER_NEGATIVE: Final = frozenset(
    {"duration", "load", "clashes", "series.count", f"{CONTACT}bookings", f"{CONTACT}no_shows"}
)
"""Facts that are counted, or measured from nothing on."""

MOST_COMPARED: Final = 20
"""Tests of one fact."""

Bounds = tuple[Any, Any]
"""From the first, included, to the second, left out; None is without bound."""


def required(conditions: Condition) -> Iterator[Question]:
    """The tests that must all hold: those that stand neither under `any` nor under `not`."""
    if isinstance(conditions, Question):
        yield conditions
    elif isinstance(conditions, Conditions):
        for part in conditions.parts:
            yield from required(part)


def several(conditions: Condition) -> Iterator[AnyOf]:
    """Those of which one must hold, that stand neither in each other nor under `not`."""
    if isinstance(conditions, AnyOf):
        yield conditions
    elif isinstance(conditions, Conditions):
        for part in conditions.parts:
            yield from several(part)


def contradiction(questions: Iterable[Question], own: Iterable[Question]) -> tuple[Question, Question] | None:
    """Two tests of one fact that cannot both hold; the second is one of `own`, which are the last of them."""
    mine = {id(each) for each in own}
    for asked in by_fact(questions).values():
        for index, other in enumerate(asked):
            if id(other) in mine:
                for question in asked[:index]:
                    if exclude(question, other):
                        return question, other
    return None


def denied(conditions: Conditions, outer: Iterable[Question] = ()) -> Question | None:
    """A test under `not` that holds wherever the others do, or always, and so leaves them no way to hold; `outer` must
    hold besides."""
    asked = by_fact([*outer, *required(conditions)])
    for inner in _negated(conditions):
        tests = list(inner.parts)
        questions = [each for each in tests if isinstance(each, Question)]
        if (
            questions
            and len(questions) == len(tests) <= MOST_COMPARED
            and all(
                always(each) or any(implies(other, each) for other in asked.get(each.fact.name, ()))
                for each in questions
            )
        ):
            return questions[0]
    return None


def _negated(condition: Condition) -> Iterator[Conditions]:
    """Each of which must not hold; of an `any` none must."""
    if isinstance(condition, Not):
        yield condition.part
        match condition.part.parts:
            case (AnyOf(several),):
                yield from several
            case _:
                pass
    elif isinstance(condition, Conditions):
        for part in condition.parts:
            yield from _negated(part)


def always(question: Question) -> bool:
    """Whether it holds of whatever is there."""
    if question.test == "on":
        return weekdays(question) == ALL_WEEK and not question.operand.dates
    if question.test == "more_than" and _never_negative(question):
        return bool(question.operand < type(question.operand)())
    # Hours of a week may fill a day on one of them alone.
    return question.test != "during" and minutes(question) == ALL_DAY


def never(question: Question) -> bool:
    """Whether it holds of nothing: no time of the day, or less than none of what is counted or measured."""
    if not _never_negative(question):
        return _is_known(question) and minutes(question) == 0
    _, end = _bounds(question) or (None, None)
    if end is not None:
        return bool(end <= type(end)())
    values = _values(question)
    return bool(values) and all(not isinstance(each, Missing) and each < type(each)() for each in values)


def _never_negative(question: Question) -> bool:
    name, _, _ = question.fact.name.partition(" ")  # Behind it stands what is said beside its tests.
    return name in NEVER_NEGATIVE and not question.referring


def _values(question: Question) -> tuple[Any, ...]:
    """The only ones of which it holds; none where it may hold of others."""
    if question.test not in ("is", "in"):
        return ()
    if question.fact.kind is Kind.LIST:  # Of nothing, as which an empty one counts.
        return (MISSING, ())
    return question.operand if isinstance(question.operand, tuple) else (question.operand,)


def implies(one: Question, other: Question) -> bool:
    """Whether the second of these tests of one fact holds wherever the first does, as far as is plain."""
    if not _is_known(other):
        return False
    if (one.test, one.operand) == (other.test, other.operand):
        return True
    values = _known_values(one, other)
    return bool(values) and all(other.comparison.holds(value, other.operand) for value in values)


def by_fact(questions: Iterable[Question]) -> dict[str, list[Question]]:
    """Those whose values are known, each once; of one fact no more than anybody would ask."""
    found: dict[str, dict[tuple[str, Any], Question]] = {}
    for question in questions:
        if _is_known(question):
            asked = found.setdefault(question.fact.name, {})
            if len(asked) < MOST_COMPARED:
                asked.setdefault((question.test, question.operand), question)
    return {fact: list(asked.values()) for fact, asked in found.items()}


def _is_known(question: Question) -> bool:
    """Whether its values are written out, and none stands for what a file declares and could not be read."""
    operand = question.operand
    if question.referring or operand in (CLOSED, NO_DAYS):
        return False
    return all(each.id for each in (operand if isinstance(operand, tuple) else (operand,)) if isinstance(each, Named))


def exclude(one: Question, other: Question) -> bool:
    """Whether these tests of the same fact cannot both hold."""
    if _never(one, other) or _never(other, one):
        return True
    if _left_out(one, other) or _left_out(other, one):
        return True
    for meant in (minutes, weekdays):
        mine, theirs = meant(one), meant(other)
        if mine is not None and theirs is not None and not mine & theirs:
            return True
    bounds, others = _bounds(one), _bounds(other)
    return bounds is not None and others is not None and not _overlap(bounds, others)


def _never(one: Question, other: Question) -> bool:
    """Whether the second holds of no value that the first allows."""
    holds: Callable[[Any, Any], bool | None] = other.comparison.holds
    values = _known_values(one, other)
    return bool(values) and not any(holds(value, other.operand) for value in values)


def _known_values(one: Question, other: Question) -> tuple[Any, ...]:
    """Those of which the first holds, where the second can be asked of them. A clock time comes every day, and is no
    value; and a text that is the same whatever its capitals is many to an expression."""
    return () if one.fact.kind is Kind.MOMENT or other.test == "matches" else _values(one)


def _left_out(one: Question, other: Question) -> bool:
    """Whether what the first wants in a list may not be in it by the second."""
    if one.fact.kind is not Kind.LIST or other.test != "none_of" or one.test not in ("contains", "any_of", "all_of"):
        return False
    wanted = {one.operand} if isinstance(one.operand, str) else set(one.operand)
    without = set(other.operand)
    return wanted <= without if one.test == "any_of" else not wanted.isdisjoint(without)


def minutes(question: Question) -> int | None:
    """Those of the day at which it holds, as bits, of a test by the clock."""
    match question.test, question.operand:
        case "after", time() as start:
            return _from(start)
        case "before", time() as end:
            return ALL_DAY ^ _from(end)
        case "is", time() as clock:
            return 1 << _minute(clock)
        case "between", Span(time() as start, time() as end):
            from_start, from_end = _from(start), _from(end)
            return from_start & ~from_end if start < end else from_start | (ALL_DAY ^ from_end)
        case "during", WeekHours(days):
            found = 0
            for hours in {each for ranges in days for each in ranges}:
                from_start, from_end = _from(hours.start), _from(hours.end)
                found |= from_start | (ALL_DAY ^ from_end) if hours.over_midnight else from_start & ~from_end
            return found
        case _:
            return None


def _from(start: time) -> int:
    """From then to the end of the day."""
    return ALL_DAY & ~((1 << _minute(start)) - 1)


def _minute(clock: time) -> int:
    return clock.hour * 60 + clock.minute


def weekdays(question: Question) -> int | None:
    """Those on which it may hold, as bits; Monday is the lowest."""
    match question.test, question.operand:
        case "on", Days(days, dates):
            return sum(1 << day for day in days | {each.weekday() for each in dates})
        case "during", WeekHours(days):
            found = 0
            for day, ranges in enumerate(days):
                found |= bool(ranges) << day
                # A night that began the day before is still open.
                found |= any(each.over_midnight for each in ranges) << (day + 1) % 7
            return found
        case _:
            return None


def _bounds(question: Question) -> Bounds | None:
    """Between which two it must be, of a test of size or of a moment."""
    match question.test, question.operand:
        case "more_than", bound:
            return bound, None
        case "less_than", bound:
            return None, bound
        case "between", Span(start, end) if not isinstance(start, time):
            return start, end
        case "after", datetime() as start:
            return start, None
        case "before", datetime() as end:
            return None, end
        case "on", Days(days, dates) if dates and not days:
            return datetime.combine(min(dates), time.min), datetime.combine(max(dates), time.max)
        case _:
            return None


def _overlap(one: Bounds, other: Bounds) -> bool:
    starts = [bound for bound in (one[0], other[0]) if bound is not None]
    ends = [bound for bound in (one[1], other[1]) if bound is not None]
    zoned = {bool(bound.tzinfo) for bound in (*starts, *ends) if isinstance(bound, datetime)}
    if len(zoned) < 2:
        return not starts or not ends or max(starts) < min(ends)
    # One that is told without its zone may differ by a day at most.
    first, last = max(map(_plain, starts), default=None), min(map(_plain, ends), default=None)
    return first is None or last is None or first - A_DAY < last


def _plain(bound: datetime) -> datetime:
    return bound.replace(tzinfo=None)
