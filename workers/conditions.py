"""Conditions: what a rule asks of the facts, and every check of it with the value seen."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias, assert_never

from pydantic import BaseModel, ConfigDict

from workers.comparisons import COMPARISONS, Comparison, Held, all_of, any_of, negation
from workers.facts import Fact, Facts, write


class Check(BaseModel):
    """One test of one fact; `held` is None where the fact is missing."""

    model_config = ConfigDict(frozen=True)

    fact: str
    test: str
    expected: str
    """As it is written in the rule."""

    actual: str
    held: bool | None
    under: tuple[str, ...] = ()
    """The `any` and `not` around it, outermost first."""


class Judgement(BaseModel):
    """Whether conditions hold, and all of their checks in the order of the rule."""

    model_config = ConfigDict(frozen=True)

    held: bool | None
    checks: tuple[Check, ...] = ()


@dataclass(frozen=True)
class Question:
    """One test of one fact, as a rule asks it."""

    fact: Fact
    test: str
    operand: Any
    expected: str

    @property
    def comparison(self) -> Comparison:
        return COMPARISONS[self.fact.kind][self.test]


@dataclass(frozen=True)
class Conditions:
    """All of these must hold."""

    parts: tuple["Condition", ...] = ()

    @property
    def facts(self) -> frozenset[str]:
        """The names of all facts that are tested."""
        return frozenset(question.fact.name for question in questions(self))


@dataclass(frozen=True)
class AnyOf:
    """One of these must hold: `any`."""

    parts: tuple[Conditions, ...]


@dataclass(frozen=True)
class Not:
    """This must not hold: `not`."""

    part: Conditions


Condition: TypeAlias = Question | Conditions | AnyOf | Not


def questions(condition: Condition) -> Iterator[Question]:
    """Every test, in the order of the rule."""
    match condition:
        case Question():
            yield condition
        case Conditions(parts) | AnyOf(parts):
            for part in parts:
                yield from questions(part)
        case Not(part):
            yield from questions(part)
        case _:
            assert_never(condition)


def judge(conditions: Conditions, facts: Facts) -> Judgement:
    """Every test is made, also where the outcome is clear before: an explanation has no gaps."""
    checks: list[Check] = []
    held = _judge(conditions, facts, (), checks)
    return Judgement(held=held, checks=tuple(checks))


def _judge(condition: Condition, facts: Facts, under: tuple[str, ...], checks: list[Check]) -> Held:
    match condition:
        case Question():
            check = _ask(condition, facts, under)
            checks.append(check)
            return check.held
        case Conditions(parts):
            return all_of([_judge(part, facts, under, checks) for part in parts])
        case AnyOf(parts):
            return any_of([_judge(part, facts, (*under, "any"), checks) for part in parts])
        case Not(part):
            return negation(_judge(part, facts, (*under, "not"), checks))
        case _:
            assert_never(condition)


def _ask(question: Question, facts: Facts, under: tuple[str, ...]) -> Check:
    value = facts.values[question.fact.name]
    return Check(
        fact=question.fact.name,
        test=question.test,
        expected=question.expected,
        actual=facts.unfit.get(question.fact.name) or write(value),
        held=question.comparison.holds(value, question.operand),
        under=under,
    )
