"""A seed as it is written: its values, and where in the file each of them stands."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import yaml

Place = tuple[int | str, ...]
"""As in ("locations", 0, "users", 2, "name")."""

BEGINS = "a seed is a mapping that begins with `locations:`"


class Fault(NamedTuple):
    place: Place
    words: str


class Document:
    """Raises ValueError, one line, where there is nothing to go on with."""

    def __init__(self, text: str) -> None:
        # Every scalar as text, for the models to read: YAML 1.1 would make a number of 17:00.
        loader = yaml.CBaseLoader(text)
        try:
            root = loader.get_single_node()
            if root is None or (isinstance(root, yaml.ScalarNode) and not root.value):
                raise ValueError(f"the seed is empty: {BEGINS}")
            if not isinstance(root, yaml.MappingNode):
                kind = "a list" if isinstance(root, yaml.SequenceNode) else "plain text"
                raise ValueError(f"line {root.start_mark.line + 1}: {BEGINS}, and this is {kind}")
            self.data: Any = loader.construct_document(root)
        except yaml.YAMLError as error:
            # Its own words quote the line, in which a person or a token may stand.
            mark = getattr(error, "problem_mark", None)
            where = f" in line {mark.line + 1}, column {mark.column + 1}" if mark else ""
            what = getattr(error, "problem", None) or getattr(error, "reason", None) or "it breaks off"
            raise ValueError(f"the seed is no YAML: {what}{where}") from error
        self._root: yaml.Node = root
        self.twice = list(_said_twice(root, ()))
        """Keys that stand twice in one mapping; the last one counted."""

    def told(self, fault: Fault) -> str:
        """As in `line 12, locations[0].calendars[2].slot_minutes: '0' should be greater than 0`."""
        place = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in fault.place if part != "[key]")
        return f"line {self.line(fault.place)}, {place.removeprefix('.')}: {fault.words}"

    def line(self, place: Place) -> int:
        """Where a value stands, or what comes nearest to it; the first is 1."""
        node, mark = self._root, self._root.start_mark
        for part in place:
            for key, value in _parts(node):
                if part == (key.value if isinstance(key, yaml.Node) else key):
                    node, mark = value, (key if isinstance(key, yaml.Node) else value).start_mark
        return int(mark.line) + 1


def _parts(node: yaml.Node) -> list[tuple[Any, yaml.Node]]:
    """Of a mapping by the nodes of its keys, of a list by number."""
    if isinstance(node, yaml.MappingNode):
        return list(node.value)
    return list(enumerate(node.value)) if isinstance(node, yaml.SequenceNode) else []


def _said_twice(node: yaml.Node, place: Place) -> Iterator[Fault]:
    seen: dict[str, int] = {}
    for key, value in _parts(node):
        here = (*place, key.value if isinstance(key, yaml.Node) else key)
        if isinstance(key, yaml.Node):
            line = key.start_mark.line + 1
            if key.value in seen:
                yield Fault(here, f"stands here twice, in line {seen[key.value]} and in line {line}")
            seen[key.value] = line
        yield from _said_twice(value, here)
