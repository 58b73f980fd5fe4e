"""Conditions as they stand in a file: read into questions, with everything that is wrong with them."""

from collections.abc import Container, Iterator, Mapping
from datetime import time
from typing import Annotated, Any, Final

from pydantic import PlainValidator, ValidationError, ValidationInfo, WithJsonSchema
from pydantic_core import InitErrorDetails

from workers.comparisons import COMPARISONS
from workers.conditions import AnyOf, Condition, Conditions, Not, Question
from workers.facts import Fact
from workers.known_facts import known_facts, unknown_fact
from workers.names import names_in
from workers.operands import backwards, never_after, referring
from workers.words import Place, below, fault, faults, shown, unknown, wrong
from workers.yaml_nodes import MOST_FAULTS, TOO_MANY

TESTS: Final = frozenset(word for known in COMPARISONS.values() for word in known)

NESTING: Final[Mapping[str, str]] = {
    "any": "one of these must hold: a list of conditions",
    "all": "all of these must hold: a list of conditions",
    "not": "this must not hold: conditions, all of which together do not",
}
"""Words that stand where a fact may, and what they ask."""


def read_conditions(value: object, info: ValidationInfo) -> Conditions:
    """Raises what pydantic makes faults of, each at its place."""
    if isinstance(value, Conditions):
        return value
    reader = _Reader(info.context, known_facts(names_in(info)))
    conditions = reader.conditions(value, ())
    if reader.full:
        reader.faults.append(fault(wrong(TOO_MANY)))
    if reader.faults:
        raise faults("if", reader.faults)
    return conditions


If = Annotated[Conditions, PlainValidator(read_conditions), WithJsonSchema({"type": "object"})]


class _Reader:
    """Reads conditions as they stand in a file, and gathers what is wrong with them."""

    def __init__(self, context: Any, known: Mapping[str, Fact]) -> None:
        self.context = context
        self.known = known
        self.faults: list[InitErrorDetails] = []

    @property
    def full(self) -> bool:
        """Whether so many are wrong that the others are not looked at."""
        return len(self.faults) >= MOST_FAULTS

    def conditions(self, value: object, place: Place, under: tuple[str, ...] = ()) -> Conditions:
        if not isinstance(value, Mapping):
            several = ": of several one holds under `any`, all under `all`" if isinstance(value, list) else ""
            self._refuse(place, f"conditions such as {{status: confirmed}} expected, found {shown(value)}{several}")
            return Conditions()
        if not value:
            self._refuse(place, "at least one condition expected")
        parts: list[Condition] = []
        for word, inner in value.items():
            if self.full:
                break
            here = (*place, word)
            if word == "any":
                parts.append(AnyOf(tuple(self._several(word, inner, here, (*under, "any")))))
            elif word == "all":
                parts.extend(self._several(word, inner, here, under))
            elif word == "not":
                parts.append(Not(self.conditions(inner, here, (*under, "not"))))
            elif word in self.known:
                parts.extend(self._tests(self.known[word], inner, here, under))
            elif word in TESTS:
                message = f"{word} is a test, and stands below the fact that it is of, as in {{fact: {{{word}: …}}}}"
                self.faults.append(fault(wrong(message, key=True), here))
            else:
                self.faults.append(fault(unknown_fact(word, (*self.known, *NESTING), key=True), here))
        return Conditions(tuple(parts))

    def _several(self, word: str, value: object, place: Place, under: tuple[str, ...]) -> Iterator[Conditions]:
        if isinstance(value, list) and value:
            for index, inner in enumerate(value):
                if self.full:
                    break
                yield self.conditions(inner, (*place, index), under)
        else:
            found = shown(value) if value != [] else "an empty one"
            self._refuse(place, f"{word} wants a list of conditions, found {found}")

    def _tests(self, fact: Fact, value: object, place: Place, under: tuple[str, ...]) -> Iterator[Question]:
        known = COMPARISONS[fact.kind]
        if isinstance(value, list):
            several = "in" if "in" in known else "any_of"
            self._refuse(place, f"{fact.name} has a list and no test; one of several is {{{several}: […]}}")
        elif value is None or value == {}:
            self._refuse(place, f"{fact.name} has no test; a missing value is {{is: nothing}}")
        elif not isinstance(value, Mapping):
            yield from self._question(fact, "is", value, place, place, under)
        else:
            asked: list[Question] = []
            meant = self._asked(fact, value, place)
            for word, operand in value.items():
                if word in known:
                    asked.extend(self._question(meant, word, operand, (*place, word), place, under))
                elif word not in fact.words:
                    every = (*known, *fact.words)
                    where = f"for {fact.name}, which is {fact.kind.value} and knows {', '.join(every)}"
                    self.faults.append(fault(unknown(word, where, every), (*place, word)))
            if value.keys() <= fact.words.keys():
                self._refuse(place, f"{fact.name} has no test; a missing value is {{is: nothing}}")
            self._refuse_backwards(asked, place)
            yield from asked

    def _asked(self, fact: Fact, value: Mapping[str, Any], place: Place) -> Fact:
        """The fact by what is said beside its tests."""
        words: dict[str, Any] = {}
        for word in value.keys() & fact.words.keys():
            try:
                words[word] = fact.words[word].validate_python(value[word], context=self.context)
            except ValidationError as error:
                self.faults.extend(below((*place, word), error))
        return fact.asked(words, ", ".join(f"{word} {_written(value[word])}" for word in sorted(words)))

    def _question(
        self, fact: Fact, word: str, value: object, place: Place, of_fact: Place, under: tuple[str, ...]
    ) -> Iterator[Question]:
        known = COMPARISONS[fact.kind]
        comparison = known[word]
        if isinstance(value, list) and (several := _several_of(word, known)):
            self._refuse(place, f"{word} wants one value, found a list: {several}")
            return
        try:
            operand = comparison.operand.validate_python(value, context=self.context)
        except ValidationError as error:
            self.faults.extend(below(place, error))
        else:
            facts = tuple(referring(operand))
            yield Question(fact, word, operand, _written(value), comparison, under, facts, of_fact)

    def _refuse_backwards(self, asked: list[Question], place: Place) -> None:
        bounds = {question.test: question for question in asked if question.test in {"after", "before"}}
        if len(bounds) < 2:
            return
        after, before = bounds["after"], bounds["before"]
        if backwards(after.operand, before.operand) or never_after(after.operand, before.operand):
            message = f"nothing is both after {after.expected} and before {before.expected}"
            clocks = isinstance(after.operand, time) and after.operand != before.operand
            hint = f"between: [{after.expected}, {before.expected}]" if clocks else None
            self.faults.append(fault(wrong(message, hint), (*place, "before")))

    def _refuse(self, place: Place, message: str) -> None:
        self.faults.append(fault(wrong(message), place))


def _several_of(word: str, known: Container[str]) -> str | None:
    """What to write instead of a list behind a test that has one value."""
    if word not in ("is", "is_not"):
        return None
    if "in" in known:
        return "one of several is {in: […]}" if word == "is" else "none of several is {not_in: […]}"
    return "any of several in it is {any_of: […]}, none {none_of: […]}" if "any_of" in known else None


def _inner(value: object) -> str:
    return f"[{_written(value)}]" if isinstance(value, list) else _written(value)


def _written(value: object) -> str:
    match value:
        case bool():
            return str(value).lower()
        case list():
            return ", ".join(_written(each) for each in value)
        case Mapping():
            pairs = (f"{word}: {_inner(each)}" for word, each in value.items())
            return f"{{{', '.join(pairs)}}}"
        case _:
            return str(value)
