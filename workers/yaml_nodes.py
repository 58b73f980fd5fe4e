"""YAML 1.2 as nodes that know their line and column, and what is no YAML of ours."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import yaml

from workers.words import shown
from workers.yaml_words import plainly

DEEPEST: Final = 100
MOST_ALIASES: Final = 1_000
MOST_NODES: Final = 500_000
LARGEST: Final = 2**20
"""Caps on one file: nesting, aliases, values (with what aliases repeat) and bytes."""

MOST_FAULTS: Final = 1_000
"""Faults of one file that are looked for: whoever has so many will ask again."""

TOO_MANY: Final = f"{MOST_FAULTS:,} faults are enough for once: the rest was not looked at"

MAP: Final = "tag:yaml.org,2002:map"
SEQUENCE: Final = "tag:yaml.org,2002:seq"
TEXT: Final = "tag:yaml.org,2002:str"

WORDS: Final[Mapping[str, object]] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
NUMBERS: Final[tuple[tuple[re.Pattern[str], Callable[[str], object]], ...]] = (
    (re.compile(r"[-+]?[0-9]{1,300}", re.ASCII), int),
    (re.compile(r"0o[0-7]{1,300}|0x[0-9a-fA-F]{1,300}"), lambda text: int(text, 0)),
    (re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", re.ASCII), float),
    (re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)"), lambda text: float(text.replace(".", ""))),
)
NUMBER_BEGINS: Final = frozenset("-+.0123456789")
"""The core schema of YAML 1.2: no `on` and `yes`, no dates, and 17:00 is text."""

FOREIGN = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that a YAML file cannot have."""


class YamlFault(Exception):
    """A file cannot be read as YAML; line and column begin with 1."""

    def __init__(self, message: str, line: int, column: int) -> None:
        super().__init__(message)
        self.message, self.line, self.column = message, line, column


@dataclass(slots=True)
class Node:
    """One value of a file: as plain data, and where it and its parts stand.

    Of what is neither a mapping nor a list only the place is kept, and a node is made when it is asked for: a hundred
    thousand lines are a quarter of a million of these.
    """

    line: int
    column: int
    data: Any
    inside: "dict[str | int, Node | int]" = field(default_factory=dict)
    keys: dict[str, int] = field(default_factory=dict)
    depth: int = 1
    size: int = 1

    @property
    def hollow(self) -> bool:
        """Whether nothing is left of a mapping, for all of its keys were wrong."""
        return self.data == {} and self.size > 1

    def part(self, key: str | int) -> "Node | None":
        """What stands under a key or an index."""
        found = self.inside.get(key)
        return _node(found, self.data[key]) if isinstance(found, int) else found

    def at(self, place: Sequence[int | str], *, key: bool = False) -> "Node":
        """The node that a path of keys and indexes leads to, or comes nearest to; `key` asks for the last key itself.

        What is no key is passed over: the path may tell the variant that was chosen, which stands nowhere.
        """
        node, last, tag = self, self, True
        for part in place:
            if tag and isinstance(node.data, dict) and part == node.data.get("do"):
                tag = False
            elif inner := node.part(part):
                last = _node(node.keys[part], part) if isinstance(part, str) else inner
                node, tag = inner, True
        return last if key else node


def _spot(mark: Any) -> int:
    """A place as one number: no line of a file is longer than the file may be."""
    return int(mark.line * LARGEST + mark.column)


def _node(spot: int, data: object) -> Node:
    line, column = divmod(spot, LARGEST)
    return Node(line + 1, column + 1, data)


def compose(text: str) -> tuple[Node | None, list[YamlFault]]:
    """The one document of a file, None if it is empty, and the keys that are not right in it.

    Raises `YamlFault` where there is nothing to go on with. The events are walked here and not left to the
    C library's own composer, which calls itself for every level and crashes the process on deep nesting.
    """
    if len(text.encode(errors="replace")) > LARGEST:
        raise YamlFault(f"the file is larger than {LARGEST // 1024} KiB", 1, 1)
    if foreign := FOREIGN.search(text):
        before = text[: foreign.start()].split("\n")
        message = f"the character {foreign[0]!a} is not allowed in YAML"
        raise YamlFault(message, len(before), len(before[-1]) + 1)
    try:
        composer = _Composer()
        composer.walk(text)
    except yaml.MarkedYAMLError as error:
        raise YamlFault(*plainly(text, error)) from None
    return composer.root, composer.faults


class _Composer:
    """Puts nodes together from events, with a stack of its own."""

    def __init__(self) -> None:
        self.root: Node | None = None
        self.faults: list[YamlFault] = []
        self.open: list[tuple[Node, str | None]] = []
        """What has begun, and its anchor."""
        self.key: tuple[object, int] | None = None
        """The key that waits for its value, in the innermost mapping; those of outer ones wait in `keys`."""
        self.keys: list[tuple[object, int] | None] = []
        self.anchors: dict[str, tuple[Any, Node | int]] = {}
        self.aliases = 0
        self.known: dict[str, str] = {}
        """One text for the same key in all mappings."""

    def walk(self, text: str) -> None:
        following: Callable[[], Any] = yaml.CSafeLoader(text).get_event
        while (event := following()) is not None:
            kind = type(event)
            if kind is yaml.ScalarEvent:
                value, spot = _value(event), _spot(event.start_mark)
                if event.anchor:
                    self.anchors[event.anchor] = value, spot
                self._add(value, spot, event)
            elif kind is yaml.MappingStartEvent:
                self._begin(event, {}, MAP)
            elif kind is yaml.SequenceStartEvent:
                self._begin(event, [], SEQUENCE)
            elif kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
                self._end(event)
            elif kind is yaml.AliasEvent:
                self._add(*self._known(event), event)
            elif kind is yaml.DocumentStartEvent and self.root:
                raise _at(event, "a file holds one document, here begins a second")

    def _begin(self, event: Any, data: object, tag: str) -> None:
        if event.tag not in (None, "!", tag):
            raise _at(event, _no_tag(event))
        if len(self.open) >= DEEPEST:
            raise _at(event, f"nested deeper than {DEEPEST} levels")
        self.open.append((_node(_spot(event.start_mark), data), event.anchor))
        self.keys.append(self.key)
        self.key = None

    def _end(self, event: Any) -> None:
        node, anchor = self.open.pop()
        self.key = self.keys.pop()
        if anchor:
            self.anchors[anchor] = node.data, node
        self._add(node.data, node, event)

    def _known(self, event: Any) -> tuple[Any, Node | int]:
        self.aliases += 1
        if self.aliases > MOST_ALIASES:
            raise _at(event, f"more than {MOST_ALIASES} aliases")
        if event.anchor not in self.anchors:
            said = f"nothing before this is called &{event.anchor}"
            raise _at(event, f"{said}; a text that begins with * must be in quotes")
        return self.anchors[event.anchor]

    def _add(self, value: Any, inner: Node | int, event: Any) -> None:
        if not self.open:
            self.root = inner if isinstance(inner, Node) else _node(inner, value)
            return
        parent = self.open[-1][0]
        if isinstance(inner, Node):
            parent.size += inner.size
            parent.depth = max(parent.depth, inner.depth + 1)
            if parent.depth > DEEPEST:
                raise _at(event, f"nested deeper than {DEEPEST} levels, counting what aliases repeat")
        else:
            parent.size += 1
        if parent.size > MOST_NODES:
            raise _at(event, f"more than {MOST_NODES:,} values, counting what aliases repeat")
        data = parent.data
        if type(data) is list:
            parent.inside[len(data)] = inner
            data.append(value)
        elif self.key is None:
            self.key = value, inner if isinstance(inner, int) else _spot_of(inner)
        else:
            (key, spot), self.key = self.key, None
            self._pair(parent, key, spot, value, inner)

    def _pair(self, parent: Node, key: object, spot: int, value: Any, inner: Node | int) -> None:
        if isinstance(key, str) and key not in parent.data:
            key = self.known.setdefault(key, key)
            parent.data[key], parent.inside[key], parent.keys[key] = value, inner, spot
        elif len(self.faults) < MOST_FAULTS:
            self.faults.append(_fault(spot, _why_wrong(parent, key)))


def _why_wrong(parent: Node, key: object) -> str:
    if not isinstance(key, str):
        if isinstance(key, dict):
            return "text expected before the colon, found {…}: a text that begins with {{ must be in quotes"
        return f"text expected before the colon, found {shown(key)}" + (
            ": put it in quotes" if isinstance(key, bool | int | float) else ""
        )
    return f"{shown(key)} stands here twice, first in line {_node(parent.keys[key], key).line}"


def _spot_of(node: Node) -> int:
    return (node.line - 1) * LARGEST + node.column - 1


def _value(event: Any) -> object:
    value = event.value
    if event.tag is not None and event.tag not in ("!", TEXT):
        raise _at(event, _no_tag(event))
    if event.tag is None and event.implicit[0]:
        if value in WORDS:
            return WORDS[value]
        if value[0] in NUMBER_BEGINS:
            for pattern, make in NUMBERS:
                if pattern.fullmatch(value):
                    return make(value)
    elif event.style == '"' and (foreign := FOREIGN.search(value)):
        raise _at(event, f"the character {foreign[0]!a} is not allowed in a text")
    return value


def _no_tag(event: Any) -> str:
    quotes = "; a text that begins with ! must be in quotes" if event.tag.startswith("!") else ""
    return f"the tag {shown(event.tag)} is not known here{quotes}"


def _fault(spot: int, message: str) -> YamlFault:
    place = _node(spot, None)
    return YamlFault(message, place.line, place.column)


def _at(event: Any, message: str) -> YamlFault:
    return _fault(_spot(event.start_mark), message)
