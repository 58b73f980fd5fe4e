"""The JSON schema of rule files: it is one, it is current, and it takes what the models take."""

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from service.trigger import Trigger
from tests.rule_files import CUTS, DANA
from tests.rule_pages import FOLDER, PAGE, SCHEMA, schema
from workers.actions import ACTIONS
from workers.comparisons import COMPARISONS, MEANINGS
from workers.condition_words import NESTING
from workers.event_facts import KINDS
from workers.kinds import Kind
from workers.known_facts import KNOWN, known_facts
from workers.names import DECLARED, EventFact, Names
from workers.reference.fragments import BY_NAME, LITERAL
from workers.reference.schema import DECLARATIONS, models, rule_files
from workers.rulebook import read
from workers.yaml_nodes import compose

DEFINITIONS: dict[str, Any] = rule_files()["$defs"]
VALIDATOR = jsonschema_rs.Draft202012Validator(rule_files())

WITHOUT = {"action", "shift"}
"""Models that have no definition of their own name: what all steps have in common, and what is written out."""

PREAMBLE = f"""\
people: {{dana: {DANA}}}
calendars: {{cuts: {CUTS}}}
hours: {{open: {{mon-fri: 09:00-17:00}}}}
holidays: {{bank: [2027-03-26]}}
fields: {{language: Preferred language}}
sources: {{desk: {{{", ".join(f"{word}: {{path: a, kind: {word}}}" for word in KINDS)}}}}}
rules:
"""

OPERANDS: Mapping[Kind, Mapping[str, tuple[str, ...]]] = {
    Kind.TEXT: {"is": ("x", "'{{ title }}'"), "in": ("[x, nothing]",), "matches": ("'^x+$'",)},
    Kind.STATUS: {"is": ("confirmed", "no_show", "nothing", "'{{ was.status }}'"), "in": ("[new, noshow]",)},
    Kind.MOMENT: {
        "is": ("17:00", "2027-03-26 17:00", "nothing", "'{{ ends }}'"),
        "in": ("[17:00]",),
        "before": ("17:00", "2027-03-26", "2027-03-26 17:00+01:00", "'{{ ends }}'"),
        "between": ("22:00-02:00", "[09:00, '{{ ends }}']"),
        "on": ("mon-fri", "[sat, 2027-03-26]", "bank"),
        "during": ("open", "{mon-wed: [09:00-12:00, 13:00 - 17:00]}"),
    },
    Kind.DURATION: {
        "is": ("90m", "nothing", "'{{ lead }}'"), "in": ("[1h30m]",), "more_than": ("2w",), "between": ("1h-2h",),
    },
    Kind.NUMBER: {
        "is": ("2", "nothing", "'{{ load }}'"), "in": ("[1.5]",), "more_than": ("-1",), "between": ("[1, 2]",),
    },
    Kind.PERSON: {"is": ("dana", "nobody", "'{{ was.assignee }}'"), "in": ("[dana, nobody]",)},
    Kind.CALENDAR: {"is": ("cuts", CUTS, "nothing"), "in": ("[cuts]",)},
    Kind.FLAG: {"is": ("true", "nothing", "'{{ recurring }}'")},
    Kind.LIST: {"is": ("nothing",), "contains": ("x",), "any_of": ("x", "[x, y]")},
}  # fmt: skip
"""What may stand after the tests of each kind."""

LIKE = {
    "is_not": "is", "not_in": "in", "contains": "is", "starts_with": "is", "after": "before", "outside": "during",
    "less_than": "more_than", "all_of": "any_of", "none_of": "any_of",
}  # fmt: skip
"""Tests after which the same may stand."""


def data_in(text: str) -> Any:
    root, _ = compose(text)
    assert root is not None
    return root.data


def taken(text: str) -> bool:
    return VALIDATOR.is_valid(data_in(text))


def parts(schema: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Every schema in it."""
    yield schema
    for word, value in schema.items():
        found = value.values() if word in BY_NAME else value if isinstance(value, list) else [value]
        for each in found if word not in LITERAL else ():
            if isinstance(each, dict):
                yield from parts(each)


def asked() -> Iterator[str]:
    """Every fact with each of its tests, and each sort of value that may stand there."""
    kinds = {word: EventFact("a", kind) for word, kind in KINDS.items()}
    names = Names(fields={"language": "Preferred language"}, sources={"desk": kinds})
    for fact in known_facts(names).values():
        for test in COMPARISONS[fact.kind]:
            operands = OPERANDS[fact.kind]
            yield from (f"{fact.name}: {{{test}: {each}}}" for each in operands.get(test) or operands[LIKE[test]])


def rules_asking(tests: list[str]) -> str:
    asking = "\n".join(f"    - {each}" for each in tests)
    return (
        f"{PREAMBLE}- name: one\n  when: [appointment.created, external.desk]\n"
        f"  if:\n    any:\n{asking}\n  then: [{{do: add_note, text: x}}]\n"
    )


def test_it_is_a_schema_of_draft_2020_12_and_refers_to_nothing_else() -> None:
    assert rule_files()["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    jsonschema_rs.meta.validate(rule_files())
    referred = {part["$ref"].removeprefix("#/$defs/") for part in parts(rule_files()) if "$ref" in part}
    assert referred == DEFINITIONS.keys()


def test_the_one_beside_the_examples_is_current() -> None:
    assert SCHEMA.read_text() == schema(), "the rule language has changed: run make docs"


@pytest.mark.parametrize("path", sorted(FOLDER.rglob("*.yaml")), ids=lambda path: str(path.relative_to(FOLDER)))
def test_each_example_file_names_it_and_is_taken(path: Path) -> None:
    named = os.path.relpath(SCHEMA, path.parent)
    assert path.read_text().startswith(f"# yaml-language-server: $schema={named}\n")
    VALIDATOR.validate(data_in(path.read_text()))


@pytest.mark.parametrize("page", [PAGE, FOLDER.parents[1] / "README.md"], ids=["rules", "whole"])
def test_the_examples_on_the_pages_are_taken(page: Path) -> None:
    for text in re.findall(r"```yaml\n(.*?)```", page.read_text(), re.DOTALL):
        VALIDATOR.validate(data_in(text))


@pytest.mark.parametrize(
    "wrong",
    [
        "peeple: {dana: u8jzPde0IgxLd6GncfBA}",
        "people: {dana: 5}",
        "hours: {open: {mon: 9}}",
        "rules: [{name: one, when: appointment.created}]",
        "rules: [{name: one, when: appointment.made, then: [{do: add_note, text: x}]}]",
        "rules: [{name: one, when: [], then: [{do: add_note, text: x}]}]",
        "rules: [{name: one, when: appointment.created, then: [{do: dance}]}]",
        "rules: [{name: one, when: appointment.created, then: [{do: add_note, txt: x}]}]",
        "rules: [{name: one, when: appointment.created, then: [{do: cancel}]}]",
        "rules: [{name: one, when: appointment.created, then: [{do: cancel, notify: if_start_changes}]}]",
        "[{name: one, when: 2h before start, then: [{do: add_note, text: x, otherwise: [{do: dance}]}]}]",
        "[{name: one, when: appointment.created, if: {calender: cuts}, then: [{do: add_note, text: x}]}]",
        "[{name: one, when: appointment.created, if: {status: {after: 17:00}}, then: [{do: add_note, text: x}]}]",
        "[{name: one, when: appointment.created, if: {any: {status: new}}, then: [{do: add_note, text: x}]}]",
        "[{name: one, when: appointment.created, if: {not: {load: full}}, then: [{do: add_note, text: x}]}]",
        "[{name: one, when: appointment.created, limit: often, then: [{do: add_note, text: x}]}]",
    ],
)
def test_what_is_not_right_is_not_taken(wrong: str) -> None:
    assert not taken(wrong)


def test_each_test_of_each_fact_is_taken_with_all_that_may_stand_after_it() -> None:
    tests = list(asked())
    read({"rules.yaml": rules_asking(tests)})
    for each in tests:
        assert taken(rules_asking([each])), each


def test_no_test_is_taken_with_a_mapping_after_it_but_hours() -> None:
    for kind, tests in COMPARISONS.items():
        fact = next(fact for fact in KNOWN.values() if fact.kind is kind)
        for test in tests:
            assert not taken(rules_asking([f"{fact.name}: {{{test}: {{x: y}}}}"])), f"{fact.name} {test}"


@pytest.mark.parametrize("name", sorted(models().keys() & DEFINITIONS.keys() - WITHOUT))
def test_it_knows_the_words_of_each_model_and_no_others(name: str) -> None:
    model, found = models()[name], DEFINITIONS[name]
    assert found["properties"].keys() == set(model.known())
    assert found["additionalProperties"] is False
    fields = model.model_fields.items()
    must = {str(field.validation_alias or word) for word, field in fields if field.is_required()}
    assert set(found.get("required", ())) == must


def test_it_defines_each_model_that_is_more_than_what_others_have_in_common() -> None:
    for name in models().keys() - DEFINITIONS.keys() - WITHOUT:
        assert models()[name].__subclasses__(), name


def test_it_knows_the_facts_tests_triggers_and_actions_that_are_declared_and_no_others() -> None:
    conditions = DEFINITIONS["conditions"]
    assert conditions["properties"].keys() == {*KNOWN, *NESTING}
    for kind, tests in COMPARISONS.items():
        [mapping] = [
            part
            for part in DEFINITIONS[f"tests-of-{kind.value.replace(' ', '-')}"]["anyOf"]
            if "is" in part.get("properties", ())
        ]
        assert mapping["properties"].keys() == tests.keys()
    assert [each["const"] for each in DEFINITIONS["what-may-happen"]["oneOf"]] == list(Trigger)
    actions = [each["const"] for each in DEFINITIONS["action"]["properties"]["do"]["oneOf"]]
    assert actions == [action.called for action in ACTIONS]
    assert [DEFINITIONS[action]["properties"]["do"]["const"] for action in actions] == actions
    assert DECLARATIONS.keys() == set(DECLARED)
    assert {word for tests in COMPARISONS.values() for word in tests} == MEANINGS.keys()


def test_every_word_is_explained_and_nothing_has_a_title_of_its_class() -> None:
    for name, definition in DEFINITIONS.items():
        assert definition["description"], name
        for word, part in definition.get("properties", {}).items():
            if definition.get("maxProperties") != 1:
                assert part.get("description"), f"{word} of {name}"
    for part in parts(rule_files()):
        assert "title" not in part
        assert "oneOf" not in part or all("const" in each for each in part["oneOf"])


def test_what_it_shows_as_examples_is_what_it_takes() -> None:
    shown = [(part, each) for part in parts(rule_files()) for each in part.get("examples", ())]
    assert len(shown) > len(ACTIONS)
    for part, example in shown:
        jsonschema_rs.Draft202012Validator({**part, "$defs": DEFINITIONS}).validate(example)


def test_what_is_wrong_in_a_step_is_told_of_the_action_that_it_names() -> None:
    step = jsonschema_rs.Draft202012Validator({"$ref": "#/$defs/action", "$defs": DEFINITIONS})
    told = [error.message for error in step.iter_errors({"do": "add_note", "text": "x", "urgent": True})]
    assert told == ["Additional properties are not allowed ('urgent' was unexpected)"]
