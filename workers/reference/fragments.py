"""Parts of a JSON schema: how pydantic is made to write them, and how they are made plain and shared."""

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from workers.values import one_or_many

Schema: TypeAlias = dict[str, Any]

DEFINITIONS: Final = "#/$defs/"
BY_NAME: Final = ("$defs", "properties", "patternProperties")
"""What holds schemas by names, and is no schema itself."""

OF_LISTS: Final = {"minLength": "minItems", "maxLength": "maxItems"}
"""What pydantic says of the list, where one value may stand as well."""

LITERAL: Final = ("const", "enum", "examples", "default", "required")
"""What holds values, and no schemas."""


class Generator(GenerateJsonSchema):
    """Without titles, which say nothing, and defaults, which are Python's values. A word with nothing after it is read
    as one that is not said, and nobody is told so; one value may stand where a list of one may."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])

    def function_before_schema(self, schema: core_schema.BeforeValidatorFunctionSchema) -> JsonSchemaValue:
        inner = super().function_before_schema(schema)
        if schema["function"]["function"] is not one_or_many or "items" not in inner:
            return inner
        return {"anyOf": [inner["items"], inner]}


def reference(name: str) -> Schema:
    return {"$ref": DEFINITIONS + name}


def any_of(*several: Schema) -> Schema:
    """Each once; those that are such a choice themselves are laid open."""
    found: list[Schema] = []
    for each in several:
        for part in each["anyOf"] if each.keys() == {"anyOf"} else [each]:
            if part not in found:
                found.append(part)
    return found[0] if len(found) == 1 else {"anyOf": found}


def plain(schema: Schema) -> Schema:
    """With one kind of choice, laid open; what tells actions apart is the schema's own affair."""
    if "discriminator" in schema:
        return reference("action")
    made = {word: _each(word, value, plain) for word, value in schema.items()}
    if "oneOf" in made:
        made["anyOf"] = made.pop("oneOf")
    if "anyOf" in made:
        bounds = {OF_LISTS[word]: made.pop(word) for word in OF_LISTS if word in made}
        made |= any_of(*(each | bounds if each.get("type") == "array" else each for each in made.pop("anyOf")))
    return made


def _each(word: str, value: Any, made: Callable[[Schema], Schema]) -> Any:
    """What stands under a word of a schema, with each schema in it as it is made."""
    match value:
        case _ if word in LITERAL:
            return value
        case dict() if word in BY_NAME:
            return {name: made(each) for name, each in value.items()}
        case dict():
            return made(value)
        case list():
            return [made(each) if isinstance(each, dict) else each for each in value]
    return value


def shared(schema: Schema, definitions: dict[str, Schema]) -> Schema:
    """With a reference in the place of each part that says what it is; the part itself goes to the definitions."""
    made = {word: _each(word, value, lambda part: shared(part, definitions)) for word, value in schema.items()}
    if "description" not in made:
        return made
    name = made["description"].replace("`", "").replace("'", "").replace(",", "").replace(" ", "-")
    if definitions.setdefault(name, made) != made:
        raise ValueError(f"{made['description']!r} is said of two parts of the schema that are not the same")
    return reference(name)


def said(schema: Schema, meaning: str, **more: Any) -> Schema:
    """The same with its meaning before it, for whoever points at it in an editor."""
    return {"description": meaning} | {word: value for word, value in schema.items() if word != "description"} | more


def named(definitions: Mapping[str, Schema], schema: Schema) -> Schema:
    """What a reference stands for."""
    while "$ref" in schema:
        schema = definitions[schema["$ref"].removeprefix(DEFINITIONS)]
    return schema
