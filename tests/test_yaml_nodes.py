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


def test_a_path_may_tell_the_variant_chosen_by_do() -> None:
    node = composed("then: [{do: assign, assign: {do: x}, to: y}]")
    assert node.at(("then", 0, "assign", "to")).data == "y"
    assert node.at(("then", 0, "assign", "assign", "do")).data == "x"


def test_a_key_that_stands_twice_or_is_no_text_is_told_and_reading_goes_on() -> None:
    node, faults = compose("a: 1\nb: {5: x, c: 2}\na: 3\n? [x]\n: y\n")
    assert node is not None
    assert node.data == {"a": 1, "b": {"c": 2}}
    assert [(each.line, each.column, each.message) for each in faults] == [
        (2, 5, "text expected before the colon, found the number 5"),
        (3, 1, "'a' stands here twice, first in line 1"),
        (4, 3, "text expected before the colon, found a list"),
    ]


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
        ("a: !thing {}", "the tag '!thing' is not known here", 1, 4),
        ("a:\n b\x07", "the character '\\x07' is not allowed in YAML", 2, 3),
        ("a: \ud800", "the character '\\ud800' is not allowed in YAML", 1, 4),
        ("a: b: c", "mapping values are not allowed in this context", 1, 5),
        ("a: 'b", "while scanning a quoted scalar, found unexpected end of stream", 1, 6),
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
