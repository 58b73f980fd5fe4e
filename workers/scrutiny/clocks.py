"""Clock times that a night in which the clocks change has not, or has twice: in conditions, moments and actions."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from types import MappingProxyType
from typing import Final
from zoneinfo import ZoneInfo

from workers.conditions import AnyOf, Conditions, Not, Question
from workers.faults import Fault
from workers.kinds import Kind
from workers.scrutiny.clock_changes import A_MINUTE, Change, changes
from workers.scrutiny.clock_steps import of_action, of_moment
from workers.scrutiny.clock_times import Zones, clock_times, moments, of_exact
from workers.scrutiny.draft import Draft, Written
from workers.scrutiny.possibility import required
from workers.words import Place

NONE: Final[Mapping[str, Sequence[str]]] = MappingProxyType({})


def clocks(
    draft: Draft, zones: Sequence[str], now: datetime, local: Mapping[str, Sequence[str]] = NONE
) -> Iterator[Fault]:
    """Each condition, moment and action by the clock, judged on both sides of the next changes: in the zones of the
    location that the rule is for, where that is one of `local` (by name and by id), else in all of `zones`."""

    @cache
    def of(names: tuple[str, ...]) -> Zones:
        known = [ZoneInfo(name) for name in names]
        return Zones(known, [change for zone in known for change in changes(zone, now)])

    for written in draft.rules:
        own = local.get(written.entry.location or "", zones)
        yield from _of_rule(written, of(tuple(own)))


def _of_rule(written: Written, where: Zones) -> Iterator[Fault]:
    rule = written.entry.rule
    yield from _of_conditions(written, rule.conditions, (), where)
    for index, word in enumerate(rule.when):
        for moment in rule.moments:
            if moment.words == word and (warning := of_moment(moment, where.ahead)):
                yield written.fault(warning, ("when", index))
    for place, action in written.steps:
        yield from _of_conditions(written, action.conditions, place, where)
        for inner, warning in of_action(action, where):
            yield written.fault(warning, (*place, *inner))


def _of_conditions(written: Written, conditions: Conditions, place: Place, where: Zones) -> Iterator[Fault]:
    for own, together in _groups(conditions, []):
        told: set[str] = set()
        for question in own:
            fact = question.fact
            if fact.kind is not Kind.MOMENT or question.referring or fact.name in told:
                continue
            same = [each for each in together if each.fact.name == fact.name and not each.referring]
            if warning := _of_question(question, same, where):
                told.add(fact.name)  # such tests are answered together
                said = f"{fact.name} {question.test} {question.expected}: {warning}"
                yield written.fault(said, (*place, "if", *question.place, question.test), key=True)


def _groups(conditions: Conditions, outer: list[Question]) -> Iterator[tuple[list[Question], list[Question]]]:
    """Tests that must all hold, and the same with those that must hold besides for them to matter."""
    own = list(required(conditions))
    yield own, [*outer, *own]
    yield from _nested(conditions, [*outer, *own])


def _nested(conditions: Conditions, outer: list[Question]) -> Iterator[tuple[list[Question], list[Question]]]:
    for part in conditions.parts:
        match part:
            case Conditions():
                yield from _nested(part, outer)
            case AnyOf(parts):
                for each in parts:
                    yield from _groups(each, outer)
            case Not(inner):
                yield from _groups(inner, outer)


def _of_question(question: Question, together: Sequence[Question], where: Zones) -> str | None:
    """`together`: the tests of the same fact that must hold with it, itself among them."""
    for moment in moments(question.operand):
        if warning := of_exact(moment, where.zones):
            return warning
    for change in where.ahead:
        shown = next((shown for shown in clock_times(question.operand, change) if shown in change), None)
        if shown and _differs(together, change):
            return f"{change}, and {shown:%H:%M} {change.how}; a time that every night has once is safer"
    return None


def _differs(together: Sequence[Question], change: Change) -> bool:
    """Whether the answer changes within what is left out or comes twice, or is another than around it: before the
    change and after it the clock shows other times, and so it is answered otherwise."""

    def held(shown: datetime) -> bool:
        moment = shown.replace(tzinfo=UTC)
        return all(each.comparison.holds(moment, each.operand) is True for each in together)

    there = held(change.first)
    if any(held(minute) is not there for minute in change.minutes):
        return True
    return held(change.first - A_MINUTE) is held(change.last) is not there
