"""HighLevel's OpenAPI document, put right where our table of deviations says that it is wrong."""

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.deviations import PAGE, Row, rows, whole_numbers
from tests.shapes import ABSENT
from tests.specification import declared, document, known, nameless

ONLY_READ_SO = ("No live answer", "No answer", "In every live answer", "The status says", "Older live answers")
"""How the reasons begin of rows that excuse who reads: they tolerate a field's want, and the sandbox has it."""

SCHEMAS = {
    "time": {"type": "string", "format": "date-time"},
    "string": {"type": "string"},
    "object": {"type": "object"},
    "integer, minimum 0": {"type": "integer", "minimum": 0},
}

RECORDED = {
    "CalendarDTO.openHours": {"anyOf": [{"type": "array"}, {"type": "object", "maxProperties": 0}]},
    "CreatedOrUpdatedBy.userId": {"type": "string", "nullable": True},
    "GetNoteSchema.userId": {"type": "string", "nullable": True},
}
"""Recorded answers have an object for no hours, and null for nobody; the table does not speak of what is empty."""


def corrected_document() -> dict[str, Any]:
    """That of v3. Each operation has its own copy of every shape; of bodies nothing unknown is a part, since HighLevel
    refuses that (public captures)."""
    page = PAGE.read_text(encoding="utf-8")
    of: dict[str, Any] = copy.deepcopy(document("v3"))
    ours, table, whole = declared(known()), rows(page), frozenset(whole_numbers(page))
    for path, methods in of["paths"].items():
        for method, described in methods.items():
            call = ours[method.upper(), nameless(path)]
            put_right = PutRight(of["components"]["schemas"], _said(call.name, table), whole)
            success, answer = next(each for each in described["responses"].items() if each[0].startswith("2"))
            described["responses"][str(call.success)] = described["responses"].pop(success)
            _replace(answer["content"], put_right, "reply")
            if "requestBody" in described:
                _replace(described["requestBody"]["content"], put_right, "body")
            for parameter in described["parameters"]:
                place = f"{parameter['in']}.{parameter['name']}"
                parameter["schema"] = put_right(parameter["schema"], place, parameter["name"])
    return of


def _replace(content: Any, put_right: "PutRight", place: str) -> None:
    kind = content["application/json"]
    kind["schema"] = put_right(kind["schema"], place)


def _said(operation: str, table: list[Row]) -> dict[str, str]:
    """What we say instead, by place and aspect."""
    return {
        each.place: each.ours
        for row in table
        for each in row.differences
        if (each.operation, each.file) == (operation, "v3")
        and not (each.place.endswith(" required") and row.reason.startswith(ONLY_READ_SO))
    }


@dataclass(frozen=True)
class PutRight:
    """The schemas of one operation without references, since one shape is read differently in different answers."""

    definitions: Mapping[str, Any]
    said: Mapping[str, str]
    whole: frozenset[str]
    """Names of numbers that are whole ones."""

    def __call__(self, schema: Mapping[str, Any], place: str, called: str = "") -> Any:
        if place.partition(":")[2] in RECORDED:
            return RECORDED[place.partition(":")[2]]
        if f"{place} type" in self.said:
            return SCHEMAS.get(self.said[f"{place} type"], schema)
        if "$ref" in schema or "allOf" in schema:
            return self(_meant(schema, self.definitions), place, called)
        right = dict(schema)
        if right.get("type") == "number" and called in self.whole:
            right["type"] = "integer"
        if isinstance(schema.get("items"), dict):
            right["items"] = self(schema["items"], _inside(place, "[]", schema["items"]), called)
        if "properties" in schema:
            kept = [name for name in schema["properties"] if self.said.get(f"{place}.{name}") != ABSENT]
            right["properties"] = {
                self._name(place, name): self(
                    schema["properties"][name], _inside(place, f".{name}", schema["properties"][name]), name
                )
                for name in kept
            }
            right["required"] = [
                self._name(place, name) for name in kept if self._needs(place, name, schema.get("required", ()))
            ]
            if place.startswith("body"):
                right["additionalProperties"] = False
        if not right.get("required"):
            right.pop("required", None)
        return right

    def _needs(self, place: str, name: str, required: Sequence[str]) -> bool:
        told = "required" if name in required else "optional"
        return self.said.get(f"{place}.{name} required", told) == "required"

    def _name(self, place: str, name: str) -> str:
        """Of several names that we read the first, which is the recorded one."""
        return self.said.get(f"{place}.{name} names", name).partition(",")[0]


def _meant(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> Any:
    return definitions[_called(schema)] if _called(schema) else schema["allOf"][0]


def _called(schema: Mapping[str, Any]) -> str:
    """What the document calls it, if anything."""
    [reference] = [each["$ref"] for each in (schema, *schema.get("allOf", ())) if "$ref" in each] or [""]
    return str(reference.rpartition("/")[2])


def _inside(place: str, step: str, schema: Mapping[str, Any]) -> str:
    """Names start anew at a shape that has one, as in the table."""
    return f"{place.partition(':')[0].partition('.')[0]}:{_called(schema)}" if _called(schema) else place + step
