"""Conditions as they stand in a file: read into questions, with everything that is wrong with them."""

from collections.abc import Iterator, Mapping
from datetime import time
from typing import Annotated, Any, Final

from pydantic import PlainValidator, ValidationError, ValidationInfo, WithJsonSchema
from pydantic_core import InitErrorDetails

from workers.comparisons import COMPARISONS
from workers.conditions import AnyOf, Condition, Conditions, Not, Question
from workers.event_facts import known_facts
from workers.facts import Fact
from workers.names import names_in
from workers.operands import backwards, never_after
from workers.words import Place, below, fault, faults, shown, unknown, wrong

NESTING: Final = ("any", "all", "not")


def read_conditions(value: object, info: ValidationInfo) -> Conditions:
    """Raises what pydantic makes faults of, each at its place."""
    if isinstance(value, Conditions):
        return value
    reader = _Reader(info.context, known_facts(names_in(info)))
    conditions = reader.conditions(value, ())
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

    def conditions(self, value: object, place: Place) -> Conditions:
        if not isinstance(value, Mapping):
            self._refuse(place, f"conditions such as {{status: confirmed}} expected, found {shown(value)}")
            return Conditions()
        if not value:
            self._refuse(place, "at least one condition expected")
        parts: list[Condition] = []
        for word, inner in value.items():
            here = (*place, word)
            if word == "any":
                parts.append(AnyOf(tuple(self._several(word, inner, here))))
            elif word == "all":
                parts.extend(self._several(word, inner, here))
            elif word == "not":
                parts.append(Not(self.conditions(inner, here)))
            elif word in self.known:
                parts.extend(self._tests(self.known[word], inner, here))
            else:
                self.faults.append(fault(unknown(word, "as a fact", (*self.known, *NESTING)), here))
        return Conditions(tuple(parts))

    def _several(self, word: str, value: object, place: Place) -> Iterator[Conditions]:
        if isinstance(value, list) and value:
            for index, inner in enumerate(value):
                yield self.conditions(inner, (*place, index))
        else:
            found = shown(value) if value != [] else "an empty one"
            self._refuse(place, f"{word} wants a list of conditions, found {found}")

    def _tests(self, fact: Fact, value: object, place: Place) -> Iterator[Question]:
        known = COMPARISONS[fact.kind]
        if isinstance(value, list):
            self._refuse(place, f"{fact.name} has a list and no test; one of several is {{in: […]}}")
        elif value is None or value == {}:
            self._refuse(place, f"{fact.name} has no test; a missing value is {{is: nothing}}")
        elif not isinstance(value, Mapping):
            yield from self._question(fact, "is", value, place)
        else:
            asked: list[Question] = []
            for word, operand in value.items():
                if word in known:
                    asked.extend(self._question(fact, word, operand, (*place, word)))
                else:
                    where = f"for {fact.name}, which is {fact.kind.value} and knows {', '.join(known)}"
                    self.faults.append(fault(unknown(word, where, known), (*place, word)))
            self._refuse_backwards(asked, place)
            yield from asked

    def _question(self, fact: Fact, word: str, value: object, place: Place) -> Iterator[Question]:
        comparison = COMPARISONS[fact.kind][word]
        try:
            operand = comparison.operand.validate_python(value, context=self.context)
        except ValidationError as error:
            self.faults.extend(below(place, error))
        else:
            yield Question(fact, word, operand, _written(value))

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


def _written(value: object) -> str:
    match value:
        case bool():
            return str(value).lower()
        case list():
            return ", ".join(_written(each) for each in value)
        case _:
            return str(value)
