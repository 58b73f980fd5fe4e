"""Conditions: what a rule asks of the facts, and every check of it with the value seen.

What a question comes to is a set of outcomes, one bit for each: held, not held, missing. It has all three as long as
something must be looked up first, and so it shows what there is no need to look up.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final, NamedTuple, TypeAlias, assert_never

from workers.comparisons import Comparison, Held
from workers.facts import Answer, Fact, Facts, write
from workers.lookups import Lookup
from workers.operands import MISSING_OPERAND, resolved

HELD: Final = 1
NOT_HELD: Final = 2
ABSENT: Final = 4
OPEN: Final = HELD | NOT_HELD | ABSENT

BITS: Final = {True: HELD, False: NOT_HELD, None: ABSENT}
OUTCOMES: Final = {HELD: True, NOT_HELD: False, ABSENT: None}

NOT_LOOKED_UP: Final = "not looked up"


class Check(NamedTuple):
    """One test of one fact; `held` is None where the fact is missing."""

    fact: str
    test: str
    expected: str
    """As it is written in the rule."""

    actual: str
    held: bool | None
    under: tuple[str, ...] = ()
    """The `any` and `not` around it, outermost first."""

    def __str__(self) -> str:
        return f"{' '.join([*self.under, self.fact, self.test, self.expected])}, was {self.actual}"


@dataclass(frozen=True)
class Question:
    """One test of one fact, as a rule asks it."""

    fact: Fact
    test: str
    operand: Any
    expected: str
    comparison: Comparison = field(repr=False)
    under: tuple[str, ...] = ()
    referring: tuple[Fact, ...] = ()
    """The facts that the operand is made of."""
    place: tuple[int | str, ...] = field(default=(), compare=False, repr=False)
    """The keys and indexes that lead to the fact in its conditions."""


class Asked(NamedTuple):
    """A question, the value seen, and the outcome."""

    question: Question
    value: Answer | Lookup
    outcome: int

    @property
    def check(self) -> Check:
        seen = NOT_LOOKED_UP if isinstance(self.value, Lookup) else write(self.value)
        question = self.question
        held = OUTCOMES.get(self.outcome)
        return Check(question.fact.name, question.test, question.expected, seen, held, question.under)


@dataclass(frozen=True)
class Judgement:
    """Whether conditions hold, and all that was asked, in the order of the rule."""

    outcome: int
    asked: tuple[Asked, ...] = ()

    @property
    def held(self) -> Held:
        """False also where something was not looked up, since it could not have made them hold."""
        return OUTCOMES.get(self.outcome, False)

    @property
    def checks(self) -> tuple[Check, ...]:
        return tuple(each.check for each in self.asked)

    @property
    def wanting(self) -> list[Lookup]:
        """What must be looked up before it is clear whether they hold, in the order of the rule."""
        if not self.outcome & HELD or self.outcome == HELD:
            return []
        open_ = (each.value for each in self.asked if each.outcome == OPEN)
        return list(dict.fromkeys(value for value in open_ if isinstance(value, Lookup)))


@dataclass(frozen=True)
class Conditions:
    """All of these must hold."""

    parts: tuple["Condition", ...] = ()

    @cached_property
    def facts(self) -> frozenset[str]:
        """The names of all facts that are tested, or tested against."""
        return frozenset(fact.name for question in questions(self) for fact in (question.fact, *question.referring))


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
    asked: list[Asked] = []
    outcome = _all_of([_judge(part, facts, asked) for part in conditions.parts])
    return Judgement(outcome, tuple(asked))


def unmet(conditions: Conditions, facts: Facts) -> tuple[Check, ...]:
    """Of conditions that do not hold, the checks of the first part by which that is so."""
    for part in conditions.parts:
        asked: list[Asked] = []
        if not _judge(part, facts, asked) & HELD:
            return tuple(each.check for each in asked)
    return ()


def _judge(condition: Condition, facts: Facts, asked: list[Asked]) -> int:
    # Not `match`, which takes a good part of the time that a judgement takes.
    if isinstance(condition, Question):
        return _ask(condition, facts, asked)
    if isinstance(condition, Conditions):
        return _all_of([_judge(part, facts, asked) for part in condition.parts])
    if isinstance(condition, AnyOf):
        return _negated(_all_of([_negated(_judge(part, facts, asked)) for part in condition.parts]))
    return _negated(_judge(condition.part, facts, asked))


def _ask(question: Question, facts: Facts, asked: list[Asked]) -> int:
    value = facts.answer(question.fact)
    operand = resolved(question.operand, facts) if question.referring else question.operand
    if operand is MISSING_OPERAND:
        # Whatever the fact is: it is not looked up for this.
        outcome = ABSENT
    elif isinstance(value, Lookup):
        outcome = OPEN
    elif isinstance(operand, Lookup):
        value, outcome = operand, OPEN
    else:
        outcome = BITS[question.comparison.holds(value, operand)]
    asked.append(Asked(question, value, outcome))
    return outcome


def _all_of(outcomes: Iterable[int]) -> int:
    """Not held if one is not, whatever else is missing."""
    held, absent, found = HELD, 0, 0
    without_no = True
    for each in outcomes:
        held &= each
        absent |= each & ABSENT
        found |= each & NOT_HELD
        if not each & (HELD | ABSENT):
            without_no = False
    return found | (held | absent if without_no else 0)


def _negated(outcome: int) -> int:
    return (outcome & ABSENT) | (outcome & HELD) << 1 | (outcome & NOT_HELD) >> 1
