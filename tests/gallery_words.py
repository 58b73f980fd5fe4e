"""Words of the rule language: all that are declared, and those that a rule says."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from workers.actions.placement import Placement
from workers.comparisons import COMPARISONS
from workers.condition_words import NESTING
from workers.contact_facts import FIELDS
from workers.event_facts import EVENT
from workers.facts import Fact
from workers.filters import FILTERS
from workers.kinds import Kind
from workers.known_facts import known_facts
from workers.moments import ANCHORS, AT, EVERY, SIDES, is_moment
from workers.names import Names
from workers.reference.entries import entries
from workers.reference.schema import rule_files
from workers.rule import Rule
from workers.rulebook import Entry

OF_ALL: Final = frozenset.intersection(*(frozenset(tests) for tests in COMPARISONS.values()))
"""Tests of every kind, which count whatever they are asked of; the others count for each kind."""

DATA: Final = frozenset({"set_status.to"})
"""Where an option is a word of HighLevel's."""

FILTERED = re.compile(r"\|\s*(\w+)")


def declared() -> frozenset[str]:
    """What stands in sections 3 to 7 of the language."""
    sections = ("rule", "triggers", "facts", "actions", "step", "ways", "within", "filters", "conduct")
    return frozenset(
        (
            *(f"{section}: {word}" for section in sections for word in _entries(section)),
            *(f"moments: {word}" for word in (*ANCHORS, *SIDES, EVERY, AT)),
            *(_test(kind, word) for kind, tests in COMPARISONS.items() for word in tests),
            *("tests: nothing", "tests: nobody"),
            *(f"tests: {word}" for word in NESTING),
            *("triggers: external.…", "texts: {{ }}", "texts: {% if %}"),
            *_options(),
        )
    )


def said(entry: Entry, words: Mapping[str, Any]) -> frozenset[str]:
    """What a rule says; `words` is how it stands in its file."""
    return frozenset(_said(entry.rule, entry.names, words))


def _entries(section: str) -> Iterator[str]:
    for entry in entries(section):
        yield entry.word
        yield from (f"{entry.word}.{below.word}" for below in entry.below)


def _test(kind: Kind, word: str) -> str:
    return f"tests: {word}" if word in OF_ALL or word in ("in", "not_in") else f"tests: {word} of {kind.value}"


def _options() -> Iterator[str]:
    """Where a word takes one of some words, each of these."""
    definitions = rule_files()["$defs"]
    holders = {entry.word: ("actions", entry.word) for entry in entries("actions")}
    holders |= {entry.word: ("ways", entry.word) for entry in entries("ways")} | {"conduct": ("conduct", "")}
    for name, (section, holder) in holders.items():
        common = {entry.word for entry in entries("step")} if section == "actions" else set()
        for word, part in definitions[name]["properties"].items():
            place = f"{holder}.{word}" if holder else word
            if place not in DATA:
                place = f"step: {word}" if word in common else f"{section}: {_place(holder, word) if holder else word}"
                yield from (f"{place} {option}" for option in _enumerated(part) if word != "do")
    for over in _enumerated(definitions["conditions"]["properties"]["load"]["anyOf"][-1]["properties"]["over"]):
        yield f"facts: load.over {over}"


def _place(holder: str, word: str) -> str:
    """What two words share by their declaration is one."""
    if holder in ("reschedule", "book") and word in Placement.model_fields:
        return f"placement.{word}"
    return word if word == "over" else f"{holder}.{word}"


def _enumerated(part: Any) -> Iterator[str]:
    if isinstance(part, list):
        for each in part:
            yield from _enumerated(each)
    elif isinstance(part, dict):
        yield from (option for option in (*part.get("enum", ()), part.get("const")) if isinstance(option, str))
        for word in ("anyOf", "items"):
            yield from _enumerated(part.get(word))


def _said(rule: Rule, names: Names, words: Mapping[str, Any]) -> Iterator[str]:
    known = known_facts(names)
    yield from (f"rule: {word}" for word in words)
    yield from (f"conduct: {word}" for word in words)
    yield from (f"conduct: {word} {option}" for word in words for option in _texts(words[word]))
    for word in rule.when:
        yield f"triggers: {word}"
        if word.startswith("external."):
            yield "triggers: external.…"
        if is_moment(word):
            yield from (f"moments: {part}" for part in word.split())
    yield from _asked(words.get("if", {}), known)
    for _, action in rule.steps:
        yield from (f"facts: {_plain(fact)}" for fact in action.facts)
    yield from (f"facts: {_plain(fact)}" for fact in rule.asks_about)
    yield from _steps(words["then"], known)


def _asked(conditions: Any, known: Mapping[str, Fact]) -> Iterator[str]:
    if isinstance(conditions, list):
        for each in conditions:
            yield from _asked(each, known)
        return
    for name, test in conditions.items():
        if name in NESTING:
            yield f"tests: {name}"
            yield from _asked(test, known)
            continue
        yield f"facts: {_plain(name)}"
        for word, operand in (test if isinstance(test, Mapping) else {"is": test}).items():
            fact = known[name]
            yield f"facts: {name}.{word}" if word in fact.words else _test(fact.kind, word)
            yield from (f"facts: {name}.{word} {option}" for option in _texts(operand))
            yield from (f"tests: {option}" for option in _texts(operand) if option in ("nothing", "nobody"))


def _steps(steps: Any, known: Mapping[str, Fact]) -> Iterator[str]:
    for step in steps if isinstance(steps, list) else [steps]:
        do = step["do"]
        yield f"actions: {do}"
        for word, value in step.items():
            yield f"step: {word}"
            yield f"actions: {do}.{word}"
            if word == "if":
                yield from _asked(value, known)
            elif word == "otherwise":
                yield from _steps(value, known)
            else:
                yield from _value(do, word, value)


def _value(do: str, word: str, value: Any) -> Iterator[str]:
    for text in _texts(value):
        yield f"actions: {_place(do, word)} {text}"
        yield f"step: {word} {text}"
        if "{{" in text:
            yield "texts: {{ }}"
            yield from (f"filters: {name}" for name in FILTERED.findall(text) if name in FILTERS)
        if "{% if" in text:
            yield "texts: {% if %}"
    if word == "to" and do == "assign":
        for way in value if isinstance(value, list) else [value]:
            for name in way if isinstance(way, Mapping) else ():
                yield from (f"ways: {name}.{part}" for part in way)
                yield f"ways: {name}"
                yield from (f"ways: {_place(name, part)} {option}" for part in way for option in _texts(way[part]))
    if word == "within":
        yield from (f"within: {part}" for part in value)


def _texts(value: Any) -> Iterator[str]:
    """Every text, and every word before one."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield str(key)
            yield from _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)
    elif isinstance(value, str):
        yield value


def _plain(fact: str) -> str:
    """As the reference calls it."""
    name = fact.split()[0]
    return next((f"{prefix}…" for prefix in (EVENT, FIELDS) if name.startswith(prefix)), name)
