"""What may stand after a word, in a few words for a table: read off its part of the JSON schema."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from workers.reference.fragments import DEFINITIONS, Schema
from workers.reference.schema import meant

CALLED: Final = {
    "action": "an action",
    "conditions": "conditions",
    "conduct": "words of conduct",
    "rule": "a rule",
    "a-fact-that-is-one": "`{{ fact }}`",
}

PLAIN: Final = {"string": "text", "number": "a number", "integer": "a whole number", "boolean": "`true` or `false`"}


def takes(schema: Schema) -> str:
    return _either(list(dict.fromkeys(_parts(schema))))


def code(value: Any) -> str:
    """As it stands in a file."""
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _parts(schema: Schema) -> Iterator[str]:
    """What it may be, one after the other."""
    if name := CALLED.get(schema.get("$ref", "").removeprefix(DEFINITIONS)):
        yield name
        return
    match found := meant(schema):
        case {"anyOf": list(several)}:
            yield from _several(several)
        case {"const": value}:
            yield code(value)
        case {"enum": list(values)}:
            yield from (code(value) for value in values)
        case {"properties": dict(words), "maxProperties": 1}:
            yield from (f"`{{{word}: …}}`" for word in words)
        case {"properties": dict(words)}:
            said = [word for word in words if word in found.get("required", ())]
            yield f"`{{{', '.join(f'{word}: …' for word in said or words)}}}`"
        case {"type": "array", "items": dict(items)} if "description" not in found:
            yield f"a list, each {takes(items)}"
        case {"type": "object", "additionalProperties": dict(values)} if "description" not in found:
            yield f"names, each with {takes(values)}"
        case _:
            yield _told(found)


def _several(several: Sequence[Schema]) -> Iterator[str]:
    alone = [each for each in several if each.get("type") != "array"]
    singles = [part for each in alone for part in _parts(each)]
    yield from singles
    for each in several:
        if each not in alone:
            many = list(_parts(each["items"]))
            yield "a list of these" if many == singles else f"a list, each {_either(many)}"


def _told(schema: Schema) -> str:
    kind = schema.get("type")
    words = schema.get("description") or PLAIN.get(kind if isinstance(kind, str) else "", "anything")
    if "minimum" in schema or "maximum" in schema:
        words += f" from {schema['minimum']} to {schema['maximum']}"
    example = next((each for each in schema.get("examples", ()) if not isinstance(each, dict | list)), None)
    return words if example is None else f"{words} ({code(example)})"


def _either(parts: Sequence[str]) -> str:
    *others, last = parts
    return f"{', '.join(others)} or {last}" if others else last
