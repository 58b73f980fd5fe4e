"""Answers to read: those recorded from the live API, and those put together from the examples in the specifications."""

import json
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from pydantic import AliasChoices, BaseModel
from pydantic.fields import FieldInfo

from service.highlevel.operation import Operation
from tests.specification import FOLDER, document, known, nameless

RECORDED = "observed-responses.json"
VERBATIM = {"slots"}
"""Names of what is an instant and stays text, since it goes back as it was sent."""


class Recording(NamedTuple):
    name: str
    key: tuple[str, str]
    """Method and path, the names in the path left out."""
    status: int
    body: Any


def recorded() -> list[Recording]:
    """What was observed."""
    told = json.loads((FOLDER / RECORDED).read_text(encoding="utf-8"))["responses"]
    return [
        Recording(name, (each["method"], nameless(urlsplit(each["path"]).path)), each["status"], each["body"])
        for name, each in told.items()
    ]


def examples(file: str) -> list[Recording]:
    """Each answer of a specification that has a body, made of the examples in its schemas."""
    of = document(file)
    return [
        Recording(
            f"{file} {method.upper()} {path} {status}",
            (method.upper(), nameless(path)),
            int(status),
            example(answer["content"]["application/json"]["schema"], of["components"]["schemas"]),
        )
        for path, methods in of["paths"].items()
        for method, described in methods.items()
        for status, answer in described["responses"].items()
        if "content" in answer
    ]


def example(schema: Mapping[str, Any], definitions: Mapping[str, Any], *, needed: bool = True) -> Any:
    """What the schema gives as its example, put together from those of its fields where it has none itself.

    None for a text that has none and is not needed; such a field is left out.
    """
    if "example" in schema:
        return schema["example"]
    if "examples" in schema:
        return schema["examples"][0]
    if "allOf" in schema:
        return example(schema["allOf"][0], definitions)
    if "$ref" in schema:
        return example(definitions[schema["$ref"].rpartition("/")[2]], definitions)
    if "enum" in schema:
        return schema["enum"][0]
    match schema.get("type"):
        case "object":
            required = schema.get("required", ())
            found = {
                name: example(each, definitions, needed=name in required)
                for name, each in schema.get("properties", {}).items()
            }
            return {name: value for name, value in found.items() if value is not None}
        case "array":
            return [example(schema["items"], definitions)] if schema.get("items") else []
        case "boolean":
            return True
        case "number":
            return 1
        case _:
            return "text" if needed else None


def operations() -> dict[tuple[str, str], type[Operation[Any]]]:
    """By method and path, the names in the path left out."""
    return {(operation.method, nameless(operation.path)): operation for operation in known()}


def lost(place: str, sent: Any, read: Any) -> Iterator[str]:
    """Places in an answer that its reply does not hold, or holds as something else; times must know their offset.

    A day may be written as an instant (`2023-09-24T00:00:00.000Z`).
    """
    if isinstance(sent, dict) and isinstance(read, BaseModel):
        names = {alias: name for name, field in type(read).model_fields.items() for alias in _aliases(name, field)}
        extra = read.model_extra or {}
        for key, value in sent.items():
            if key in names:
                yield from lost(f"{place}.{key}", value, getattr(read, names[key]))
            elif extra.get(key, ...) != value:
                yield f"{place}.{key} is lost"
    elif isinstance(sent, list) and isinstance(read, tuple) and len(sent) == len(read):
        for number, (one, other) in enumerate(zip(sent, read, strict=True)):
            yield from lost(f"{place}[{number}]", one, other)
    elif isinstance(read, datetime):
        if read.tzinfo is None or read != datetime.fromisoformat(sent):
            yield f"{place}: {sent} is read as {read.isoformat()}"
    elif isinstance(read, date):
        if not sent.startswith(read.isoformat()):
            yield f"{place}: {sent} is read as {read.isoformat()}"
    elif instant(sent) and place.rpartition(".")[2].partition("[")[0] not in VERBATIM:
        yield f"{place}: {sent} is read as no time"
    elif (sent or read) and str(sent).lower() != str(read).lower():
        yield f"{place}: {sent!r} is read as {read!r}"


def times(read: Any) -> Iterator[datetime]:
    """Every instant in a reply, unknown fields left aside."""
    if isinstance(read, datetime):
        yield read
    elif isinstance(read, BaseModel):
        for name in type(read).model_fields:
            yield from times(getattr(read, name))
    elif isinstance(read, tuple):
        for each in read:
            yield from times(each)


def _aliases(name: str, field: FieldInfo) -> list[str]:
    alias = field.validation_alias
    return [str(choice) for choice in alias.choices] if isinstance(alias, AliasChoices) else [str(alias or name)]


def instant(sent: Any) -> bool:
    """Whether it looks like a date with a clock time."""
    try:
        return isinstance(sent, str) and "T" in sent and bool(datetime.fromisoformat(sent))
    except ValueError:
        return False
