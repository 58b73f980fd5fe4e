"""YAML 1.2, with every value's place, and without the ways it can be turned against its reader."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.yaml_nodes import Node, YamlFault, compose


def composed(text: str) -> Node:
    node, faults = compose(text)
    assert node is not None
    assert faults == []
    return node


def parts(node: Node) -> list[tuple[str | int, Node]]:
    return [(key, part) for key in node.inside if (part := node.part(key))]


def fault(text: str) -> tuple[str, int, int]:
    with pytest.raises(YamlFault) as caught:
        compose(text)
    return caught.value.message, caught.value.line, caught.value.column


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("17:00", "17:00"),
        ("on", "on"),
        ("off", "off"),
        ("yes", "yes"),
        ("NO", "NO"),
        ("2027-03-26", "2027-03-26"),
        ("1_000", "1_000"),
        ("0o17", 15),
        ("017", 17),
        ("0x1f", 31),
        ("-5", -5),
        ("1.5", 1.5),
        (".5e1", 5.0),
        ("true", True),
        ("False", False),
        ("~", None),
        ("null", None),
        ("'true'", "true"),
        ('"5"', "5"),
        ('"\\u2028\\t\\n"', "\u2028\t\n"),
        ("+", "+"),
        (".", "."),
        ("-.inf", float("-inf")),
        ("+.5", 0.5),
        ("5.", 5.0),
        ("5th", "5th"),
        ("!!str 5", "5"),
        ("=", "="),
        ("|\n  text\n", "text\n"),
        ("5" * 5000, float("inf")),
    ],
)
def test_plain_words_mean_what_the_core_schema_of_1_2_says(text: str, value: object) -> None:
    data = composed(f"key: {text}").data["key"]
    assert data == value
    assert type(data) is type(value)


def test_every_value_and_key_knows_its_place() -> None:
    node = composed("# remark\nrules:\n  - name: one\n    then: [{do: a}, 'b']\n")
    assert (node.at(("rules", 0, "name")).line, node.at(("rules", 0, "name")).column) == (3, 11)
    assert (node.at(("rules", 0, "name"), key=True).line, node.at(("rules", 0, "name"), key=True).column) == (3, 5)
    assert (node.at(("rules", 0, "then", 1)).line, node.at(("rules", 0, "then", 1)).column) == (4, 21)
    assert node.at(("rules", 0, "missing")) is node.at(("rules", 0))


def test_what_stands_in_a_value_is_found_by_its_key() -> None:
    node = composed("a: 5\nb: [x, {c: y}]\n")
    assert [(word, part.line, part.column, part.data) for word, part in parts(node)] == [
        ("a", 1, 4, 5),
        ("b", 2, 4, ["x", {"c": "y"}]),
    ]
    listed = node.part("b")
    assert listed is not None
    assert listed.part(1) is node.at(("b", 1))
    assert listed.part(2) is listed.part("c") is node.part("c") is None


def test_an_alias_stands_where_its_anchor_does() -> None:
    node = composed("a: &x one\nb: *x\nc: &y {d: two}\ne: *y\n*x : three\n")
    assert [(part.line, part.column) for _, part in parts(node)] == [(1, 4), (1, 4), (3, 4), (3, 4), (5, 6)]
    assert node.at(("e", "d")).line == 3
    assert node.data == {"a": "one", "b": "one", "c": {"d": "two"}, "e": {"d": "two"}, "one": "three"}


def test_a_path_may_tell_the_variant_chosen_by_do() -> None:
    node = composed("then: [{do: assign, assign: {do: x}, to: y}]")
    assert node.at(("then", 0, "assign", "to")).data == "y"
    assert node.at(("then", 0, "assign", "assign", "do")).data == "x"


def test_a_key_that_stands_twice_or_is_no_text_is_told_and_reading_goes_on() -> None:
    node, faults = compose("a: 1\nb: {5: x, c: 2}\na: 3\n? [x]\n: y\n")
    assert node is not None
    assert node.data == {"a": 1, "b": {"c": 2}}
    assert [(each.line, each.column, each.message) for each in faults] == [
        (2, 5, "text expected before the colon, found the number 5: put it in quotes"),
        (3, 1, "'a' stands here twice, first in line 1"),
        (4, 3, "text expected before the colon, found a list"),
    ]


def test_of_many_wrong_keys_the_first_thousand_are_told() -> None:
    _, faults = compose("a: 1\n" * 2000)
    assert [faults[0].line, faults[-1].line, len(faults)] == [2, 1001, 1000]


def test_an_alias_is_what_it_stands_for() -> None:
    assert composed("a: &x [1, 2]\nb: *x").data == {"a": [1, 2], "b": [1, 2]}
    assert composed("<<: &x {a: 1}\nb: *x").data == {"<<": {"a": 1}, "b": {"a": 1}}


@pytest.mark.parametrize("text", ["&a [*a]", "a: *b", "[*a, &a 5]"])
def test_an_alias_of_nothing_before_it_is_refused(text: str) -> None:
    assert "nothing before this is called" in fault(text)[0]


@pytest.mark.parametrize(
    ("text", "message", "line", "column"),
    [
        ("[" * 100_000, "nested deeper than 100 levels", 1, 101),
        ("{a: " * 100_000, "nested deeper than 100 levels", 1, 401),
        ("- " * 100_000, "nested deeper than 100 levels", 1, 201),
        ("a: &x 5\nb: [" + ",".join(["*x"] * 1001) + "]", "more than 1000 aliases", 2, 3005),
        ("a: " + "x" * 2**20, "the file is larger than 1024 KiB", 1, 1),
        ("- a\n---\n- b", "a file holds one document, here begins a second", 2, 1),
        ("a: !!python/name:os.system x", "the tag 'tag:yaml.org,2002:python/name:os.system' is not known here", 1, 4),
        ("a: !thing {}", "the tag '!thing' is not known here; a text that begins with ! must be in quotes", 1, 4),
        ("a:\n b\x07", "the character '\\x07' is not allowed in YAML", 2, 3),
        ('a:\n - "x\\0"', "the character '\\x00' is not allowed in a text", 2, 4),
        ('"\\a": 1', "the character '\\x07' is not allowed in a text", 1, 1),
        ("a: \ud800", "the character '\\ud800' is not allowed in YAML", 1, 4),
        ("a: b: c", "a second colon in one line: a text with a colon must be in quotes", 1, 5),
        ("a: 'b", "the quote that begins here is not closed", 1, 4),
    ],
)
def test_what_is_no_file_of_ours_is_refused_with_its_place(text: str, message: str, line: int, column: int) -> None:
    assert fault(text) == (message, line, column)


def test_aliases_cannot_repeat_a_file_into_millions_of_values() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 20)]
    assert "counting what aliases repeat" in fault("\n".join(lines))[0]


def test_aliases_cannot_nest_deeper_than_brackets_may() -> None:
    lines = ["a0: &a0 [x]", *(f"a{n}: &a{n} [*a{n - 1}]" for n in range(1, 200))]
    assert fault("\n".join(lines))[0] == "nested deeper than 100 levels, counting what aliases repeat"


def test_an_empty_file_holds_nothing() -> None:
    assert compose("") == (None, [])
    assert compose("# only a remark\n") == (None, [])


LETTERS = st.characters(categories=("L", "N", "P", "S"), include_characters=" \t\n")
SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(LETTERS)
)
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(LETTERS, max_size=5), inner))


@given(VALUES)
def test_json_is_read_as_it_was_written(value: object) -> None:
    assert composed(json.dumps(value, ensure_ascii=False)).data == value


@given(st.text(alphabet="[]{}:,-?&*!|>'\"#% \nab1", max_size=80))
def test_any_characters_are_read_or_refused_with_a_place(text: str) -> None:
    try:
        node, _ = compose(text)
        place = (node.line, node.column) if node else (1, 1)
    except YamlFault as refused:
        place = (refused.line, refused.column)
    assert min(place) >= 1
