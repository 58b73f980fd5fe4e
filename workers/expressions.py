"""Expressions of a text: what its facts, filters and comparisons come to, as functions of the facts."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
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


Link: TypeAlias = Callable[[Any, Facts], tuple[bool, Any]]
"""A comparison with what stands to its left: whether it holds, and what the next one is compared with."""


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


def compared(left: Expression, right: Expression, how: Callable[[Any, Any], bool]) -> Link:
    other, like = right.value, _alike(left)

    def link(value: Any, facts: Facts) -> tuple[bool, Any]:
        wanted = other(facts)
        return how(like(value), like(wanted)), wanted

    return link


def one_of(left: Expression, several: Sequence[Expression], *, wanted: bool) -> Link:
    """Whether it is among these; or with `wanted` false, whether it is not."""
    others, like = [each.value for each in several], _alike(left)

    def link(value: Any, facts: Facts) -> tuple[bool, Any]:
        sought = like(value)
        return any(sought == like(other(facts)) for other in others) is wanted, value

    return link


def within(right: Expression, *, wanted: bool) -> Link:
    """Whether it stands in this text or list; or with `wanted` false, whether it does not."""
    return lambda value, facts: ((value in right.value(facts)) is wanted, value)


def chained(first: Expression, links: Sequence[Link]) -> Value:
    """`a < b < c`: each is read once however many it is compared with, or what nests would take without end."""

    def value(facts: Facts) -> bool:
        left = first.value(facts)
        for link in links:
            held, left = link(left, facts)
            if not held:
                return False
        return True

    return value


def _alike(left: Expression) -> Callable[[Any], Any]:
    # Between two times of one zone Python compares the clocks, and those go back once a year.
    return datetime.timestamp if left.kinds == {Kind.MOMENT} else lambda value: value
