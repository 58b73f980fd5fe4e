"""How the shapes of two JSON schemas differ."""

from typing import Any

import pytest

from tests.shapes import NAMES, gaps, shape_of

Schema = dict[str, Any]
TEXT: Schema = {"type": "string"}
TIME: Schema = {"type": "string", "format": "date-time"}
NUMBER: Schema = {"type": "number"}
HATS: Schema = {"type": "string", "enum": ["hat", "cap"]}


def of(required: list[str], **fields: Schema) -> Schema:
    return {"type": "object", "properties": fields, "required": required}


def many(items: Schema, **limits: Any) -> Schema:
    return {"type": "array", "items": items, **limits}


def found(theirs: Schema, ours: Schema, *, asked: bool, **definitions: Schema) -> set[tuple[str, str, str]]:
    return set(gaps("at", shape_of(theirs, definitions), shape_of(ours, definitions), asked=asked))


@pytest.mark.parametrize("asked", [True, False])
@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        (TEXT, TEXT),
        (TEXT, TIME),
        (TEXT, {"anyOf": [TEXT, {"type": "null"}]}),
        (HATS, {"enum": ["cap", "hat"]}),
        ({"enum": ["hat"]}, {"const": "hat", "type": "string"}),
        ({"$ref": "#/components/schemas/Hat"}, {"$ref": "#/$defs/Hat"}),
        ({"allOf": [{"$ref": "#/components/schemas/Hat"}]}, HATS),
        (many(NUMBER, maxItems=3), many(NUMBER, maxItems=3)),
        ({"type": "object", "additionalProperties": TEXT}, {"type": "object", "additionalProperties": TEXT}),
        (of(["a"], a=TEXT, b=NUMBER), {**of(["a"], b=NUMBER, a=TEXT), "additionalProperties": False}),
    ],
)
def test_what_means_the_same_is_no_difference(theirs: Schema, ours: Schema, asked: bool) -> None:
    assert found(theirs, ours, asked=asked, Hat=HATS) == set()


@pytest.mark.parametrize("asked", [True, False])
@pytest.mark.parametrize(
    ("theirs", "ours", "gap"),
    [
        (TEXT, NUMBER, ("at type", "string", "number")),
        (TIME, TEXT, ("at type", "time", "string")),
        ({"type": "object"}, TIME, ("at type", "object", "time")),
        (NUMBER, {"type": "integer"}, ("at type", "number", "integer")),
        ({"type": "integer"}, NUMBER, ("at type", "integer", "number")),
        (TEXT, {"type": "integer", "minimum": 0}, ("at type", "string", "integer, minimum 0")),
        (TEXT, {}, ("at type", "string", "any")),
        (TEXT, {"anyOf": [TEXT, NUMBER]}, ("at type", "string", "number or string")),
        (TEXT, {"anyOf": [TIME, TEXT]}, ("at type", "string", "string or time")),
        (TEXT, many(TEXT), ("at type", "string", "array of string")),
        (many(NUMBER), many(TEXT), ("at[] type", "number", "string")),
        ({"type": "array"}, many(TEXT), ("at type", "array", "array of string")),
        (
            {"type": "object", "additionalProperties": TEXT},
            {"type": "object", "additionalProperties": NUMBER},
            ("at[] type", "string", "number"),
        ),
        ({"type": "object", "additionalProperties": TEXT}, of([]), ("at type", "map of string", "object")),
        (HATS, {"enum": ["hat"]}, ("at values", "cap, hat", "hat")),
        (HATS, {"enum": ["hat", "cap", "fez"]}, ("at values", "cap, hat", "cap, fez, hat")),
        (TEXT, HATS, ("at values", "any", "cap, hat")),
        (TEXT, {**TEXT, "maxLength": 9}, ("at maxLength", "not there", "9")),
        ({**TEXT, "maxLength": 8}, {**TEXT, "maxLength": 9}, ("at maxLength", "8", "9")),
        (NUMBER, {**NUMBER, "exclusiveMinimum": 0}, ("at exclusiveMinimum", "not there", "0")),
        (of([], a=TEXT), of([]), ("at.a", "string", "not there")),
        (of(["a"], a=TEXT), of([]), ("at.a", "required string", "not there")),
        (of([]), of([], a=TEXT), ("at.a", "not there", "string")),
        (of(["a"], a=TEXT), of([], a=TEXT), ("at.a required", "required", "optional")),
        (of([], a=TEXT), of(["a"], a=TEXT), ("at.a required", "optional", "required")),
        (of([], a=of([], b=TEXT)), of([], a=of([], b=NUMBER)), ("at.a.b type", "string", "number")),
        (of([], a=many(of([], b=TEXT))), of([], a=many(of([]))), ("at.a[].b", "string", "not there")),
        ({"$ref": "#/Hat"}, {"enum": ["hat"]}, ("at values", "cap, hat", "hat")),
        (of([], a=TEXT), of([], b=TEXT | {NAMES: ["b", "a"]}), ("at.a names", "a", "a, b")),
        (of([]), of([], b=TEXT | {NAMES: ["b", "a"]}), ("at.b", "not there", "string")),
        (of([], a={"$ref": "#/Hat"}), of([], a=HATS | {"minLength": 1}), ("at:Hat minLength", "not there", "1")),
        (of([], a=many({"$ref": "#/Box"})), of([], a=many(of([]))), ("at:Box.lid", "string", "not there")),
    ],
)
def test_what_differs_is_told_with_its_place(
    theirs: Schema, ours: Schema, gap: tuple[str, str, str], asked: bool
) -> None:
    assert found(theirs, ours, asked=asked, Hat=HATS, Box=of([], lid=TEXT)) == {gap}


@pytest.mark.parametrize(
    ("theirs", "ours", "gap"),
    [
        (HATS, TEXT, ("at values", "cap, hat", "any")),
        ({**TEXT, "maxLength": 9}, TEXT, ("at maxLength", "9", "not there")),
        ({**TEXT, "pattern": "^a"}, TEXT, ("at pattern", "^a", "not there")),
        (many(TEXT, maxItems=9), many(TEXT), ("at maxItems", "9", "not there")),
    ],
)
def test_values_and_limits_bind_what_is_sent_but_not_what_is_read(
    theirs: Schema, ours: Schema, gap: tuple[str, str, str]
) -> None:
    assert found(theirs, ours, asked=True) == {gap}
    assert found(theirs, ours, asked=False) == set()
