"""The walk over HighLevel's two published specifications of the Calendars API, beside our declarations.

`python -m tests.specification [Operation ...]` prints what still differs, as rows for the table of deviations.

What is compared: method and path, with the names in it in their order; parameters and bodies with names, what is
required, types, values and limits, to the innermost field; the status of success; replies with names, what is required,
types and values. Not compared: defaults, since what is left out stays off the wire; descriptions; null, of which the
specification never speaks; the errors, which all calls share. The `Version` that an operation asks for is that of the
oldest file that has it.
"""

import json
import pkgutil
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, Literal

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core.core_schema import ModelField

import service.highlevel
from service.highlevel.operation import Operation
from tests.deviations import FILES, PAGE, Difference, rows, whole_numbers, written
from tests.shapes import ABSENT, NAMES, Gap, Member, Shape, gaps, member_gaps, shape_of

FOLDER = Path(__file__).parent / "specification"
FILE_NAMES = {"2021-04-15": "highlevel-calendars-2021-04-15.openapi.json", "v3": "highlevel-calendars.openapi.json"}
ROOM = "/calendars"
"""The paths that the specifications are of."""


@dataclass(frozen=True)
class Described:
    """One operation as somebody describes it."""

    name: str
    path: tuple[tuple[str, Member | None], ...]
    """Name and shape of each place in the path, in order; None where it is not described."""
    query: Mapping[str, Member]
    body: Member | None
    success: int
    reply: Shape
    version: str = ""


Calls = Mapping[tuple[str, str], Described]
"""By method and path, the names in the path left out."""


def nameless(path: str) -> str:
    return re.sub(r"{\w+}", "{}", path)


@cache
def document(file: str) -> Any:
    return json.loads((FOLDER / FILE_NAMES[file]).read_text(encoding="utf-8"))


def published(of: Mapping[str, Any]) -> dict[tuple[str, str], Described]:
    """The calls of an OpenAPI document."""
    return {
        (method.upper(), nameless(path)): _published(f"{method.upper()} {path}", path, described, of)
        for path, methods in of["paths"].items()
        for method, described in methods.items()
    }


def _published(name: str, path: str, described: Mapping[str, Any], of: Mapping[str, Any]) -> Described:
    definitions = of.get("components", {}).get("schemas", {})

    def member(told: Mapping[str, Any]) -> Member:
        schema = told["schema"] if "schema" in told else told["content"]["application/json"]["schema"]
        return Member(shape_of(schema, definitions), told.get("required", False))

    places: dict[str, dict[str, Member]] = {"path": {}, "query": {}, "header": {}}
    for parameter in described.get("parameters", ()):
        places[parameter["in"]][parameter["name"]] = member(parameter)
    body = described.get("requestBody")
    success, answer = next((status, told) for status, told in described["responses"].items() if status.startswith("2"))
    return Described(
        name=name,
        path=tuple((at, places["path"].get(at)) for at in re.findall(r"{(\w+)}", path)),
        query=places["query"],
        body=member(body) if body else None,
        success=int(success),
        reply=member(answer).shape,
    )


def known() -> list[type[Operation[Any]]]:
    """Every operation class under `service.highlevel` that the specifications should have."""
    for module in pkgutil.iter_modules(service.highlevel.__path__):
        import_module(f"service.highlevel.{module.name}")
    return [
        operation
        for (_, path), operation in Operation.known.items()
        if path.startswith(ROOM) and operation.__module__.startswith("service.highlevel.")
    ]


def declared(operations: Iterable[type[Operation[Any]]]) -> dict[tuple[str, str], Described]:
    """The calls that classes declare. Raises ValueError where two declare the same."""
    found: dict[tuple[str, str], Described] = {}
    for operation in operations:
        key = operation.method, nameless(operation.path)
        if key in found:
            raise ValueError(f"{found[key].name} and {operation.__name__} are the same call")
        found[key] = _declared(operation)
    return found


class Named(GenerateJsonSchema):
    """Says all the names that a field is read by; pydantic's own says the first."""

    def model_field_schema(self, schema: ModelField) -> JsonSchemaValue:
        told, paths = super().model_field_schema(schema), schema.get("validation_alias")
        names = [str(path[0]) for path in paths if isinstance(path, list)] if isinstance(paths, list) else []
        return {**told, NAMES: names} if names else told


def asked(operation: type[Operation[Any]], mode: Literal["serialization", "validation"]) -> Shape:
    """All that an operation says, as it is written, or as it is read."""
    schema = operation.model_json_schema(mode=mode)
    return shape_of(schema, schema.get("$defs", {}))


def _declared(operation: type[Operation[Any]]) -> Described:
    fields = asked(operation, "serialization").members
    layout = operation.layout()
    body = Member(Shape("object", members={at: fields[at] for at in layout.body.values()}), True)
    if operation.whole_body:
        body = fields[layout.body[operation.whole_body]]
    answer = operation.reply_type()
    schema = answer.model_json_schema(mode="validation", schema_generator=Named)
    reply = shape_of(schema, schema.get("$defs", {}))
    if answer.array:
        reply = reply.members[str(answer.model_fields[answer.array].validation_alias)].shape
    return Described(
        name=operation.__name__,
        path=tuple((at, fields[at]) for at in layout.path.values()),
        query={at: fields[at] for at in layout.query.values()},
        body=body if operation.sends_body else None,
        success=operation.success,
        reply=reply,
        version=operation.version,
    )


def compared(theirs: Described, ours: Described) -> Iterator[Gap]:
    """Where our call is not theirs."""
    for (name, their), (our_name, our) in zip(theirs.path, ours.path, strict=True):
        if name != our_name:
            yield f"path.{name} names", name, our_name
        yield from member_gaps("path", {name: their} if their else {}, {name: our} if our else {}, asked=True)
    yield from member_gaps("query", theirs.query, ours.query, asked=True)
    if theirs.body and ours.body:
        yield from gaps("body", theirs.body.shape, ours.body.shape, asked=True)
    elif theirs.body or ours.body:
        yield "body", _kind(theirs.body), _kind(ours.body)
    if theirs.success != ours.success:
        yield "success", str(theirs.success), str(ours.success)
    yield from gaps("reply", theirs.reply, ours.reply, asked=False)


def _kind(body: Member | None) -> str:
    return body.shape.kind if body else ABSENT


def walk(documents: Mapping[str, Calls], ours: Calls) -> set[Difference]:
    """Every difference between the files (the oldest first) and what we declare."""
    found = set()
    for key in {**ours, **{key: call for calls in documents.values() for key, call in calls.items()}}:
        files = [file for file, calls in documents.items() if key in calls]
        for file in files or documents:
            their, our = documents[file].get(key), ours.get(key)
            if their and our:
                said = set(compared(their, our))
                wanted = files[0] if files[0] != next(iter(documents)) else ""
                if our.version != wanted:
                    said.add(("version", wanted or ABSENT, our.version or ABSENT))
            else:
                said = {("operation", their.name if their else ABSENT, our.name if our else ABSENT)}
            name = our.name if our else documents[file][key].name
            found |= {Difference(file, name, *gap) for gap in said}
    return found


def everything() -> set[Difference]:
    """What the two files say otherwise than we do, listed or not."""
    return walk({file: published(document(file)) for file in FILES}, declared(known()))


def opened(differences: Iterable[Difference], page: str) -> set[Difference]:
    """Those that no row and no name among the whole numbers accounts for."""
    listed = {difference for row in rows(page) for difference in row.differences}
    whole = whole_numbers(page)
    return {each for each in differences if each not in listed and not (each.is_whole_number and each.name in whole)}


def stale(differences: set[Difference], page: str) -> list[str]:
    """Rows, and names of whole numbers, that stand for something that is not (or no longer) so."""
    names = {each.name for each in differences if each.is_whole_number}
    return [row.line for row in rows(page) if not row.differences <= differences] + [
        name for name in whole_numbers(page) if name not in names
    ]


def main(names: list[str]) -> None:
    page = PAGE.read_text(encoding="utf-8") if PAGE.exists() else ""
    found = everything()
    left = [each for each in opened(found, page) if not names or each.operation in names]
    for row in written(left):
        print(row)
    print(f"{len(left)} open differences of {len(found)}")
    if not names:
        for line in stale(found, page):
            print(f"stale: {line}")


if __name__ == "__main__":
    main(sys.argv[1:])
