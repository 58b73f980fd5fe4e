"""The part of the schema that is conditions: every fact, with the tests of its kind."""

import re
from collections.abc import Mapping
from typing import Any, Final

from pydantic import TypeAdapter

from workers.comparisons import COMPARISONS, MEANINGS
from workers.condition_words import NESTING
from workers.contact_facts import FIELDS
from workers.event_facts import EVENT, KINDS
from workers.facts import Fact
from workers.file_words import FACT_NAME
from workers.kinds import Kind
from workers.known_facts import KNOWN
from workers.reference.docstrings import described
from workers.reference.fragments import Schema, any_of, reference, said

OF_EVENTS: Final = "a fact of an event, by the name that stands under `sources`"
OF_FIELDS: Final = "a custom field of the contact, by the name that stands under `fields`"


def operands() -> dict[tuple[Any, str], TypeAdapter[Any]]:
    """What may stand after a test of a kind, and after a word beside the tests of a fact."""
    tests = {(kind, word): each.operand for kind, tests in COMPARISONS.items() for word, each in tests.items()}
    return tests | {(fact.name, word): each for fact in KNOWN.values() for word, each in fact.words.items()}


def conditions(operands: Mapping[Any, Schema]) -> dict[str, Schema]:
    """Definitions of conditions and of the tests of each kind."""
    return {"conditions": _conditions(operands), **{_tests(kind): _tested(kind, operands) for kind in Kind}}


def _tests(kind: Kind) -> str:
    return f"tests-of-{kind.value.replace(' ', '-')}"


def _tested(kind: Kind, operands: Mapping[Any, Schema]) -> Schema:
    """A value alone is the one that it must be."""
    return {"description": described(Kind)[kind.name], **any_of(operands[kind, "is"], _mapping(kind, operands, {}))}


def _mapping(kind: Kind, operands: Mapping[Any, Schema], beside: Mapping[str, Schema]) -> Schema:
    words = {word: said(operands[kind, word], MEANINGS[word]) for word in COMPARISONS[kind]}
    return {
        "type": "object",
        "properties": {**words, **beside},
        "minProperties": 1,
        "additionalProperties": False,
    }


def _conditions(operands: Mapping[Any, Schema]) -> Schema:
    several = {"type": "array", "items": reference("conditions"), "minItems": 1}
    nested = {"any": several, "all": several, "not": reference("conditions")}
    of_events = any_of(*(reference(_tests(kind)) for kind in KINDS.values()))
    return {
        "description": "Tests of facts, all of which must hold.",
        "type": "object",
        "minProperties": 1,
        "properties": {
            **{fact.name: _of_fact(fact, operands) for fact in KNOWN.values()},
            **{word: said(nested[word], meaning) for word, meaning in NESTING.items()},
        },
        "patternProperties": {
            rf"^{re.escape(EVENT)}{FACT_NAME.pattern}$": said(of_events, OF_EVENTS),
            rf"^{re.escape(FIELDS)}.+$": said(reference(_tests(Kind.TEXT)), OF_FIELDS),
        },
        "additionalProperties": False,
    }


def _of_fact(fact: Fact, operands: Mapping[Any, Schema]) -> Schema:
    if not fact.words:
        return said(reference(_tests(fact.kind)), fact.meaning)
    beside = {word: operands[fact.name, word] for word in fact.words}
    return said(any_of(operands[fact.kind, "is"], _mapping(fact.kind, operands, beside)), fact.meaning)
