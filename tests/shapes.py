"""What a value may look like, read from a JSON schema (HighLevel's or pydantic's), and how two of them differ."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

LIMITS = (
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "minLength",
    "maxLength",
    "minItems",
    "maxItems",
    "pattern",
)
TIMES = ("date-time", "date", "time")
NAMES = "x-names"
"""In a schema made of ours: the names that a field is read by, where there are several."""
ABSENT = "not there"

Gap = tuple[str, str, str]
"""Where two shapes differ, what theirs says there and what ours says."""


@dataclass(frozen=True)
class Shape:
    """`kind` is string, time (a string read as one), number, integer, boolean, array, object, map or any."""

    kind: str
    name: str = ""
    """What a specification calls it; a difference inside is told from this name."""
    values: frozenset[Any] = frozenset()
    """The only ones allowed; empty for all."""
    limits: Mapping[str, Any] = field(default_factory=dict)
    items: "Shape | None" = None
    """Of an array or a map."""
    members: Mapping[str, "Member"] = field(default_factory=dict)

    def __str__(self) -> str:
        said = [f"{self.kind} of {self.items}" if self.items else self.kind]
        if self.values:
            said.append(f"one of {listed(self.values)}")
        return ", ".join(said + [f"{limit} {value}" for limit, value in self.limits.items()])


@dataclass(frozen=True)
class Member:
    """A field of an object, a parameter, or a body."""

    shape: Shape
    required: bool
    names: tuple[str, ...] = ()
    """Those it is read by, where there are several."""

    def __str__(self) -> str:
        return f"required {self.shape}" if self.required else str(self.shape)


def listed(values: frozenset[Any]) -> str:
    return ", ".join(sorted(map(str, values)))


def shape_of(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> Shape:
    """The shape of a JSON schema. Null is left aside: the specification never speaks of it."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        found = shape_of(definitions[name], definitions)
        return Shape(found.kind, name, found.values, found.limits, found.items, found.members)
    choices = [choice for choice in schema.get("anyOf", schema.get("allOf", ())) if choice.get("type") != "null"]
    if len(choices) == 1:
        return shape_of(choices[0], definitions)
    if choices:
        return Shape(" or ".join(sorted(str(shape_of(choice, definitions)) for choice in choices)))
    values = frozenset(schema.get("enum", [schema["const"]] if "const" in schema else ())) - {None}
    items = schema.get("items", schema.get("additionalProperties"))
    return Shape(
        kind=_kind(schema, values),
        values=values,
        limits={limit: schema[limit] for limit in LIMITS if limit in schema},
        items=shape_of(items, definitions) if isinstance(items, dict) else None,
        members=_members(schema, definitions),
    )


def _kind(schema: Mapping[str, Any], values: frozenset[Any]) -> str:
    kind = schema.get("type")
    if kind is None and values:
        kinds = {type(value) for value in values}
        kind = {frozenset({str}): "string", frozenset({int}): "integer"}.get(frozenset(kinds), "number")
    if kind == "object" and isinstance(schema.get("additionalProperties"), dict):
        return "map"
    if kind == "string" and schema.get("format") in TIMES:
        return "time"
    return str(kind or "any")


def _members(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> dict[str, Member]:
    required = schema.get("required", ())
    return {
        name: Member(shape_of(value, definitions), name in required, tuple(value.get(NAMES, ())))
        for name, value in schema.get("properties", {}).items()
    }


def gaps(place: str, theirs: Shape, ours: Shape, *, asked: bool) -> Iterator[Gap]:
    """Where ours is not theirs; `asked` for what we send, otherwise it is what we read.

    What we send must be exactly what they take: the same values, the same limits. What we read may be read as plain
    text where they name values (HighLevel adds some without telling), and without their limits; a value or a limit
    that only we name would refuse an answer, so that counts. A time that they call a string is the same.
    """
    if not _alike(theirs, ours):
        yield f"{place} type", str(theirs), str(ours)
        return
    if (theirs.kind, ours.kind) == ("number", "integer"):
        yield f"{place} type", "number", "integer"
    if theirs.values != ours.values and (asked or ours.values):
        yield f"{place} values", listed(theirs.values) or "any", listed(ours.values) or "any"
    for limit in LIMITS:
        their, our = theirs.limits.get(limit), ours.limits.get(limit)
        if their != our and (asked or our is not None):
            yield f"{place} {limit}", _told(their), _told(our)
    if theirs.items and ours.items:
        yield from gaps(_inside(place, theirs.items, "[]"), theirs.items, ours.items, asked=asked)
    yield from member_gaps(place, theirs.members, ours.members, asked=asked)


def member_gaps(place: str, theirs: Mapping[str, Member], ours: Mapping[str, Member], *, asked: bool) -> Iterator[Gap]:
    """As `gaps`, name by name. Of several names that ours is read by theirs has one."""
    by_name = {name: member for key, member in ours.items() for name in (*member.names, key)}
    for name, their in theirs.items():
        here, our = f"{place}.{name}", by_name.get(name)
        if our is None:
            yield here, str(their), ABSENT
            continue
        if our.names:
            yield f"{here} names", name, listed(frozenset(our.names))
        if their.required != our.required:
            yield f"{here} required", _needed(their), _needed(our)
        yield from gaps(_inside(here, their.shape, ""), their.shape, our.shape, asked=asked)
    for name, our in ours.items():
        if not {name, *our.names} & set(theirs):
            yield f"{place}.{name}", ABSENT, str(our)


def _inside(place: str, shape: Shape, step: str) -> str:
    """Names start anew at a shape that has one: what is said of it is said once, wherever it is used."""
    return f"{place.partition(':')[0].partition('.')[0]}:{shape.name}" if shape.name else place + step


def _alike(theirs: Shape, ours: Shape) -> bool:
    if theirs.kind == ours.kind:
        return (theirs.items is None) == (ours.items is None)
    return (theirs.kind, ours.kind) in (("string", "time"), ("number", "integer"))


def _needed(member: Member) -> str:
    return "required" if member.required else "optional"


def _told(value: Any) -> str:
    return ABSENT if value is None else str(value)
