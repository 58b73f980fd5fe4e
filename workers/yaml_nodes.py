"""YAML 1.2 as nodes that know their line and column, and what is no YAML of ours."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import yaml

from workers.words import shown

DEEPEST: Final = 100
MOST_ALIASES: Final = 1_000
MOST_NODES: Final = 500_000
LARGEST: Final = 2**20
"""Caps on one file: nesting, aliases, values (with what aliases repeat) and bytes."""

MAP: Final = "tag:yaml.org,2002:map"
SEQUENCE: Final = "tag:yaml.org,2002:seq"
TEXT: Final = "tag:yaml.org,2002:str"

PLAIN: Final[tuple[tuple[re.Pattern[str], Callable[[str], object]], ...]] = (
    (re.compile(r"|~|null|Null|NULL"), lambda text: None),
    (re.compile(r"true|True|TRUE"), lambda text: True),
    (re.compile(r"false|False|FALSE"), lambda text: False),
    (re.compile(r"[-+]?[0-9]{1,300}", re.ASCII), int),
    (re.compile(r"0o[0-7]{1,300}|0x[0-9a-fA-F]{1,300}"), lambda text: int(text, 0)),
    (re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", re.ASCII), float),
    (re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)"), lambda text: float(text.replace(".", ""))),
)
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
    """One value of a file: as plain data, and where it and its parts stand."""

    line: int
    column: int
    data: Any
    parts: "dict[str | int, Node]" = field(default_factory=dict)
    keys: "dict[str, Node]" = field(default_factory=dict)
    depth: int = 1
    size: int = 1

    def at(self, place: Sequence[int | str], *, key: bool = False) -> "Node":
        """The node that a path of keys and indexes leads to, or comes nearest to; `key` asks for the last key itself.

        What is no key is passed over: the path may tell the variant that was chosen, which stands nowhere.
        """
        node, last, tag = self, self, True
        for part in place:
            if tag and isinstance(node.data, dict) and part == node.data.get("do"):
                tag = False
                continue
            if part in node.parts:
                last = node.keys.get(str(part), node.parts[part])
                node, tag = node.parts[part], True
        return last if key else node


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
        composer.walk(yaml.parse(text, Loader=yaml.CSafeLoader))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        message = ", ".join(filter(None, (error.context, error.problem)))
        raise YamlFault(message, mark.line + 1 if mark else 1, mark.column + 1 if mark else 1) from None
    return composer.root, composer.faults


class _Composer:
    """Puts nodes together from events, with a stack of its own."""

    def __init__(self) -> None:
        self.root: Node | None = None
        self.faults: list[YamlFault] = []
        self.open: list[tuple[Node, str | None]] = []
        self.keys: list[Node | None] = []
        self.anchors: dict[str, Node] = {}
        self.aliases = 0

    def walk(self, events: Iterator[Any]) -> None:
        for event in events:
            match event:
                case yaml.DocumentStartEvent() if self.root:
                    raise _at(event, "a file holds one document, here begins a second")
                case yaml.MappingStartEvent() | yaml.SequenceStartEvent():
                    self._begin(event)
                case yaml.MappingEndEvent() | yaml.SequenceEndEvent():
                    node, anchor = self.open.pop()
                    self.keys.pop()
                    self._add(node, anchor, event)
                case yaml.ScalarEvent():
                    self._add(_node(event, _value(event)), event.anchor, event)
                case yaml.AliasEvent():
                    self._add(self._known(event), None, event)

    def _begin(self, event: Any) -> None:
        mapping = isinstance(event, yaml.MappingStartEvent)
        if event.tag not in (None, "!", MAP if mapping else SEQUENCE):
            raise _at(event, f"the tag {shown(event.tag)} is not known here")
        if len(self.open) >= DEEPEST:
            raise _at(event, f"nested deeper than {DEEPEST} levels")
        self.open.append((_node(event, {} if mapping else []), event.anchor))
        self.keys.append(None)

    def _known(self, event: Any) -> Node:
        self.aliases += 1
        if self.aliases > MOST_ALIASES:
            raise _at(event, f"more than {MOST_ALIASES} aliases")
        if event.anchor not in self.anchors:
            raise _at(event, f"nothing before this is called &{event.anchor}")
        return self.anchors[event.anchor]

    def _add(self, node: Node, anchor: str | None, event: Any) -> None:
        if anchor:
            self.anchors[anchor] = node
        if not self.open:
            self.root = node
            return
        parent, _ = self.open[-1]
        parent.size += node.size
        parent.depth = max(parent.depth, node.depth + 1)
        if parent.size > MOST_NODES:
            raise _at(event, f"more than {MOST_NODES:,} values, counting what aliases repeat")
        if parent.depth > DEEPEST:
            raise _at(event, f"nested deeper than {DEEPEST} levels, counting what aliases repeat")
        if isinstance(parent.data, list):
            parent.parts[len(parent.data)] = node
            parent.data.append(node.data)
        elif (key := self.keys[-1]) is None:
            self.keys[-1] = node
        else:
            self.keys[-1] = None
            self._pair(parent, key, node)

    def _pair(self, parent: Node, key: Node, node: Node) -> None:
        if not isinstance(key.data, str):
            message = f"text expected before the colon, found {shown(key.data)}"
            self.faults.append(YamlFault(message, key.line, key.column))
        elif key.data in parent.data:
            message = f"{key.data!r} stands here twice, first in line {parent.keys[key.data].line}"
            self.faults.append(YamlFault(message, key.line, key.column))
        else:
            parent.data[key.data] = node.data
            parent.parts[key.data], parent.keys[key.data] = node, key


def _node(event: Any, data: object) -> Node:
    return Node(event.start_mark.line + 1, event.start_mark.column + 1, data)


def _value(event: Any) -> object:
    if event.tag not in (None, "!", TEXT):
        raise _at(event, f"the tag {shown(event.tag)} is not known here")
    if event.tag is None and event.implicit[0]:
        for pattern, make in PLAIN:
            if pattern.fullmatch(event.value):
                return make(event.value)
    return event.value


def _at(event: Any, message: str) -> YamlFault:
    return YamlFault(message, event.start_mark.line + 1, event.start_mark.column + 1)
