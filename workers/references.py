"""References: a value in a rule that is one lone `{{ fact }}` is that fact's value, and of its kind."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from pydantic import GetJsonSchemaHandler, PlainValidator, ValidationInfo, WithJsonSchema, WrapValidator
from pydantic_core import CoreSchema

from workers.facts import Fact
from workers.kinds import Kind
from workers.known_facts import known_facts, unknown_fact
from workers.names import Names, names_in
from workers.words import wrong

LONE: Final = re.compile(r"\s*\{\{\s*([A-Za-z_][\w.]*)\s*\}\}\s*", re.ASCII)

TAG: Final = re.compile(r"\{[{%]")
"""By which a text has facts in it."""

REFERENCE_SCHEMA: Final[dict[str, Any]] = {
    "description": "a fact that is one",
    "type": "string",
    "pattern": r"^\s*\{\{\s*[A-Za-z_][\w.]*\s*\}\}\s*$",
    "examples": ["{{ was.starts }}"],
}
"""What editors go by."""


@dataclass(frozen=True)
class Reference:
    """The fact whose value is meant, whatever that is when the rule acts."""

    fact: Fact

    @property
    def facts(self) -> frozenset[str]:
        return frozenset({self.fact.name})

    def __str__(self) -> str:
        return f"{{{{ {self.fact.name} }}}}"


def read_reference(value: object, names: Names, kind: Kind) -> Reference | None:
    """None for anything that is no lone fact. Raises PydanticCustomError for one that is unknown or of another kind."""
    found = LONE.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        return value if isinstance(value, Reference) else None
    known = known_facts(names)
    if found[1] not in known:
        raise unknown_fact(found[1], known)
    fact = known[found[1]]
    if fact.kind is not kind:
        raise wrong(f"{fact.name} is {fact.kind.value}, and {kind.value} is expected here")
    return Reference(fact)


@dataclass(frozen=True)
class Besides(WrapValidator):
    """Takes something else as well, which `written` tells editors and the reference."""

    written: Mapping[str, Any] = field(default_factory=dict, hash=False)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"anyOf": [handler(schema), self.written]}


def referable(kind: Kind) -> Besides:
    """A lone fact of this kind may stand there as well."""

    def read(value: object, handler: Callable[[object], Any], info: ValidationInfo) -> Any:
        if isinstance(value, str) and LONE.fullmatch(value):
            return read_reference(value, names_in(info), kind)
        return handler(value)

    return Besides(read, written=REFERENCE_SCHEMA)


def or_fact(kind: Kind, read: Callable[[Any, ValidationInfo], Any], schema: dict[str, Any]) -> tuple[Any, ...]:
    """What makes of an annotation one that takes a lone fact of this kind as well; `read` reads anything else."""

    def either(value: object, info: ValidationInfo) -> Any:
        reference = read_reference(value, names_in(info), kind)
        return read(value, info) if reference is None else reference

    return PlainValidator(either), WithJsonSchema({"anyOf": [schema, REFERENCE_SCHEMA]})
