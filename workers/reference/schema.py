"""The JSON schema of rule files (draft 2020-12), made from the models: editors complete and explain by it."""

import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from functools import cache
from typing import Any, Final

from pydantic import TypeAdapter
from pydantic.fields import FieldInfo

from service.trigger import Trigger
from workers.actions import ACTIONS, Action
from workers.conditions import Conditions
from workers.conduct_words import Conduct
from workers.file_words import (
    AREA,
    CALENDAR,
    FIELD,
    FILE,
    HOLIDAYS,
    HOURS,
    PERSON,
    SOURCE,
    TEAM,
    WORKFLOW,
    FileWords,
)
from workers.reference.conditions import conditions, operands
from workers.reference.docstrings import described, sentence
from workers.reference.fragments import DEFINITIONS, Generator, Schema, any_of, named, plain, reference, said, shared
from workers.rule import Rule
from workers.values import write_duration
from workers.words import Words
from workers.yaml_nodes import compose

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"

DECLARATIONS: Final[Mapping[str, TypeAdapter[Any]]] = {
    "people": PERSON,
    "teams": TEAM,
    "calendars": CALENDAR,
    "workflows": WORKFLOW,
    "hours": HOURS,
    "holidays": HOLIDAYS,
    "areas": AREA,
    "fields": FIELD,
    "sources": SOURCE,
}
"""What stands behind each name that a file declares, as RuleFile reads it."""


@cache
def rule_files() -> Schema:
    """Of a whole file. What only the models know is not in it: whether names are declared, and words fit together."""
    definitions = _definitions()
    whole = any_of(reference("file"), {"description": "Rules alone.", "type": "array", "items": reference("rule")})
    return {"$schema": DIALECT, "description": sentence(FileWords), **whole, "$defs": definitions}


def models() -> Mapping[str, type[Words]]:
    """Every mapping of known words that a file may hold, by the name of its definition."""
    return {definition(each): each for each in _below(Words)}


@cache
def step_words() -> Schema:
    """What every step may say, whatever it does."""
    whole = TypeAdapter(Action).json_schema(schema_generator=Generator)
    return _explained(_shared_below(_renamed(plain(whole), _names()), {}), Action)


def meant(schema: Schema) -> Schema:
    """What a reference stands for."""
    return named(rule_files()["$defs"], schema)


def written(default: object) -> Any:
    """A default as an author would write it; None for what is nothing."""
    match default:
        case timedelta():
            return write_duration(default) if default else None
        case bool() | int() | float() | str():
            return default
        case _:
            return None


def _below(words: type[Words]) -> Iterator[type[Words]]:
    for each in words.__subclasses__():
        if each.__module__.startswith("workers."):
            yield each
            yield from _below(each)


def definition(words: type[Words]) -> str:
    """The name of its definition: `AddNote` is add_note, `FileWords` file."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", words.__name__.removesuffix("Words")).lower()


def _definitions() -> dict[str, Schema]:
    adapters: dict[Any, TypeAdapter[Any]] = {
        **DECLARATIONS,
        "file": FILE,
        "rule": TypeAdapter(Rule),
        "conduct": TypeAdapter(Conduct),
        **operands(),
    }
    parts, whole = TypeAdapter.json_schemas(
        [(key, "validation", adapter) for key, adapter in adapters.items()], schema_generator=Generator
    )
    renamed = _names()
    found: dict[str, Schema] = {}
    made = {
        renamed[name]: _shared_below(_renamed(plain(each), renamed), found)
        for name, each in whole["$defs"].items()
        if name in renamed  # what is written in another way than it is kept is left over
    }
    below = {key: shared(_renamed(plain(part), renamed), found) for (key, _), part in parts.items()}
    for name, model in models().items():
        if name in made:
            made[name] = _explained(made[name], model)
    for word in DECLARATIONS:
        made["file"]["properties"][word] |= {"type": "object", "additionalProperties": below[word]}
    made["file"]["properties"]["defaults"] |= reference("conduct")
    made["file"]["properties"]["rules"]["items"] = reference("rule")
    return {
        **{name: made.pop(name) for name in ("file", "rule", "conduct")},
        "action": _action(),
        **made,
        **conditions(below),
        **found,
        "what-may-happen": _triggers(),
    }


def _names() -> dict[str, str]:
    return {words.__name__: definition(words) for words in _below(Words)}


def _renamed(schema: Any, names: Mapping[str, str]) -> Any:
    match schema:
        case {"$ref": str(to), **more} if to.removeprefix(DEFINITIONS) in names:
            return {**more, **reference(names[to.removeprefix(DEFINITIONS)])}
        case dict():
            return {word: _renamed(value, names) for word, value in schema.items()}
        case list():
            return [_renamed(each, names) for each in schema]
    return schema


def _shared_below(schema: Schema, found: dict[str, Schema]) -> Schema:
    """A definition stays where it is, and what it is made of is shared."""
    made = shared({word: value for word, value in schema.items() if word not in ("description", "title")}, found)
    return {"description": schema.get("description", ""), **made}


def _explained(schema: Schema, model: type[Words]) -> Schema:
    """With the sentence below each field, and its default; an action's own words come first."""
    meanings, order = described(model), _order(model)
    fields = {str(field.validation_alias or name): (name, field) for name, field in model.model_fields.items()}
    properties = {word: _field(schema["properties"][word], meanings, *fields[word]) for word in order}
    if issubclass(model, Action):
        properties["do"] = said(properties["do"], sentence(model) if model is not Action else meanings["do"])
        if model is not Action and not model.knows_series:
            properties["scope"] = said({"enum": ["this"]}, properties["scope"]["description"], default="this")
        if model.example and (example := compose(model.example)[0]):
            schema = {**schema, "examples": [example.data]}
    return {**schema, "description": sentence(model), "properties": properties}


def _field(schema: Schema, meanings: Mapping[str, str], name: str, field: FieldInfo) -> Schema:
    default = written(None if field.is_required() else field.get_default(call_default_factory=True))
    if field.annotation is Conditions:
        schema = reference("conditions")
    more = {} if default is None else {"default": default}
    return said(schema, meanings.get(name, ""), **more)


def _order(model: type[Words]) -> list[str]:
    words = list(model.known())
    if not issubclass(model, Action):
        return words
    common = [word for word in Action.known() if word != "do"]
    return ["do", *(word for word in words if word not in (*common, "do")), *common]


def _action() -> Schema:
    """Told apart by `do` first, so that an editor speaks of the one that is meant."""
    words = {each.called: each for each in ACTIONS}
    return {
        "description": "What a step does.",
        "type": "object",
        "required": ["do"],
        "properties": {
            "do": {
                "description": "What is done; the action's name.",
                "oneOf": [{"const": word, "description": sentence(each)} for word, each in words.items()],
            }
        },
        "allOf": [
            {"if": {"required": ["do"], "properties": {"do": {"const": word}}}, "then": reference(definition(each))}
            for word, each in words.items()
        ],
    }


def _triggers() -> Schema:
    meanings = described(Trigger)
    return {
        "description": "what may happen",
        "oneOf": [{"const": each.value, "description": meanings[each.name]} for each in Trigger],
    }
