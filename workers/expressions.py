"""Expressions of a text: what its facts, filters and comparisons come to, as functions of the facts."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from workers.facts import MISSING, Facts, write
from workers.filters import LONGEST
from workers.kinds import Kind
from workers.names import Named
from workers.text_errors import MissingFact, TooLong

LONGEST_FACT: Final = 4 * LONGEST
"""Characters of a fact that a text makes use of."""

Value: TypeAlias = Callable[[Facts], Any]
"""What an expression comes to. Raises MissingFact or TooLong."""


@dataclass(frozen=True, slots=True)
class Expression:
    """What stands in a tag: the kinds that its value may have, and how a message calls it."""

    value: Value
    kinds: frozenset[Kind]
    said: str

    @property
    def is_what(self) -> str:
        kinds = [kind.value for kind in Kind if kind in self.kinds]
        return f"{self.said} is {kinds[0]}" if len(kinds) == 1 else f"{self.said} may be {' or '.join(kinds)}"


@dataclass(frozen=True, slots=True)
class Branches:
    """The first whose condition holds, or the last, which has none."""

    conditions: tuple[tuple[Value, "Body"], ...]
    otherwise: "Body"


Body: TypeAlias = tuple[str | Value | Branches, ...]


def pieces(body: Body, facts: Facts) -> Iterator[str]:
    """What it comes to, piece by piece. Raises MissingFact or TooLong."""
    for part in body:
        if isinstance(part, str):
            yield part
        elif isinstance(part, Branches):
            chosen = next((body for holds, body in part.conditions if holds(facts)), part.otherwise)
            yield from pieces(chosen, facts)
        else:
            yield _written(part(facts))


def _written(value: object) -> str:
    if not isinstance(value, tuple) or not value:
        return write(value)
    *first, last = map(write, value)
    return f"{', '.join(first)} and {last}" if first else last


def of_fact(name: str) -> Value:
    def value(facts: Facts) -> Any:
        found = facts[name]
        if found is MISSING:
            raise MissingFact(name)
        if isinstance(found, Named):
            return str(found)  # so that a text may compare it with words
        if isinstance(found, str | tuple) and len(found if isinstance(found, str) else "".join(found)) > LONGEST_FACT:
            raise TooLong(name, LONGEST_FACT)
        return found

    return value


def flag(value: Value) -> Expression:
    return Expression(value, frozenset({Kind.FLAG}), "the comparison")


def never(facts: Facts) -> Any:
    raise AssertionError("a text with faults is not rendered")


def or_else(value: Value, other: Value) -> Value:
    def either(facts: Facts) -> Any:
        try:
            return value(facts)
        except MissingFact:
            return other(facts)

    return either


def is_there(value: Value, facts: Facts) -> bool:
    try:
        value(facts)
    except MissingFact:
        return False
    return True


def both(one: Expression, other: Expression) -> Expression:
    """One of the two, as `and` has it."""
    first, second = one.value, other.value
    return Expression(
        lambda facts: first(facts) and second(facts), one.kinds | other.kinds, f"{one.said} and {other.said}"
    )


def either(one: Expression, other: Expression) -> Expression:
    """One of the two, as `or` has it."""
    first, second = one.value, other.value
    return Expression(
        lambda facts: first(facts) or second(facts), one.kinds | other.kinds, f"{one.said} or {other.said}"
    )


def chosen(test: Expression, one: Expression, other: Expression) -> Expression:
    def value(facts: Facts) -> Any:
        return one.value(facts) if test.value(facts) else other.value(facts)

    return Expression(value, one.kinds | other.kinds, f"{one.said} or {other.said}")


def compared(left: Expression, right: Expression, how: Callable[[Any, Any], bool]) -> Value:
    one, other = left.value, right.value
    if left.kinds == {Kind.MOMENT}:
        # Between two times of one zone Python compares the clocks, and those go back once a year.
        return lambda facts: how(one(facts).timestamp(), other(facts).timestamp())
    return lambda facts: how(one(facts), other(facts))
