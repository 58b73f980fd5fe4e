"""What is different between two sets of rule files: rule by rule, and name by name. Pure.

Only the files' form is read, so files that have faults, or that another release understands, can be compared as well.
"""

import difflib
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from workers.yaml_nodes import Node, YamlFault, compose

Files = Mapping[str, str]

MARKS: Final = {"+": "added", "-": "removed", "~": "changed"}
"""What stands before each line, and what became of the rule that it is of."""


@dataclass(frozen=True)
class Passage:
    """A rule as it stands in its file; `line` begins with 1."""

    path: str
    line: int
    text: str


@dataclass(frozen=True)
class Content:
    """Rules by name; names and all else, as a value written in one line, by file, word and name."""

    rules: dict[str, Passage] = field(default_factory=dict)
    names: dict[tuple[str, str, str], str] = field(default_factory=dict)


def compare(before: Files, after: Files) -> Iterator[str]:
    """A line each: added, removed and changed rules, these with their lines; then names. Nothing where only comments
    and layout differ."""
    was, now = _content(before), _content(after)
    for name in sorted(was.rules.keys() | now.rules.keys()):
        yield from _rule(name, was.rules.get(name), now.rules.get(name))
    kept = [name for name in was.rules if name in now.rules]
    if kept != [name for name in now.rules if name in was.rules]:
        yield "the order of the rules"
    for key in sorted(was.names.keys() | now.names.keys()):
        old, new = was.names.get(key), now.names.get(key)
        if old != new:
            path, word, name = key
            called = f"{word}.{name}" if name else word
            yield f"{_mark(old, new)} {called}: {' → '.join(value for value in (old, new) if value)} ({path})"


def tally(before: Files, after: Files) -> str:
    """How much is different: rules by what became of them, and how many names."""
    lines = [line for line in compare(before, after) if not line.startswith(" ")]
    rules = Counter(line[0] for line in lines if line[2:].startswith("rule "))
    order = "the order of the rules" in lines
    names = len(lines) - rules.total() - order
    told = [f"{rules[mark]} {what}" for mark, what in MARKS.items() if rules[mark]]
    told = [f"Rules: {', '.join(told)}"] if told else []
    told += ["Their order is another"] if order else []
    told += [f"Names: {names} differ{'s' * (names == 1)}"] if names else []
    return ". ".join(told) or "No rule is another than before"


def _mark(old: object, new: object) -> str:
    return "+" if old is None else "-" if new is None else "~"


def _rule(name: str, old: Passage | None, new: Passage | None) -> Iterator[str]:
    there = new or old
    if there is None or (old and new and (old.path, old.text) == (new.path, new.text)):
        return
    moved = f"{old.path} → " if old and new and old.path != new.path else ""
    yield f"{_mark(old, new)} rule {name} ({moved}{there.path}:{there.line})"
    if old and new:
        lines = difflib.unified_diff(old.text.splitlines(), new.text.splitlines(), n=2, lineterm="")
        yield from (f"    {line}" for line in [*lines][3:] if not line.startswith("@@"))


def _content(files: Files) -> Content:
    content = Content()
    for path, text in sorted(files.items()):
        try:
            root, _ = compose(text)
        except YamlFault as fault:
            content.names[path, f"line {fault.line}", ""] = fault.message
            continue
        if root is None:
            continue
        rules = root if isinstance(root.data, list) else root.part("rules")
        if rules is not None and isinstance(rules.data, list):
            _add_rules(content, path, text, root, rules)
        if isinstance(root.data, dict):
            _add_names(content, path, root)
    return content


def _add_rules(content: Content, path: str, text: str, root: Node, rules: Node) -> None:
    nodes = [node for place in range(len(rules.data)) if (node := rules.part(place))]
    words = [root.at((key,), key=True) for key in root.keys]
    begins = sorted({(node.line, node.column) for node in [*nodes, *words]})
    for node in nodes:
        name = node.data.get("name") if isinstance(node.data, dict) else None
        if isinstance(name, str):
            passage = Passage(path, node.line, _passage(text.splitlines(), node, begins))
            # A rule that is there twice is a fault; both are shown.
            content.rules[name if name not in content.rules else f"{name} ({path}:{node.line})"] = passage


def _passage(lines: list[str], node: Node, begins: list[tuple[int, int]]) -> str:
    """From where a rule begins to where the next thing does, without what is only around it."""
    begin, column = node.line - 1, node.column - 1
    line, end = next((at for at in begins if at > (node.line, node.column)), (len(lines) + 1, 1))
    if line == node.line:
        return _closed(lines[begin][column : end - 1])
    found = [lines[begin][column:], *(each[min(column, _indent(each)) :] for each in lines[begin + 1 : line - 1])]
    while len(found) > 1 and (not found[-1].strip() or found[-1].lstrip().startswith("#")):
        found.pop()
    return _closed("\n".join(each.rstrip() for each in found))


def _closed(text: str) -> str:
    """Without the brackets that close what the rule stands in."""
    text = text.rstrip(" ,")
    while text.endswith(("}", "]")) and any(text.count(one) < text.count(other) for one, other in ("{}", "[]")):
        text = text[:-1].rstrip(" ,")
    return text


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _add_names(content: Content, path: str, root: Node) -> None:
    for word, value in root.data.items():
        if word == "rules" and isinstance(value, list):
            continue
        declared: dict[str, Any] = value if isinstance(value, dict) else {"": value}
        for name, each in declared.items():
            content.names[path, word, name] = _written(each)


def _written(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name}: {_written(each)}" for name, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_written, value)) + "]"
    return value if isinstance(value, str) else json.dumps(value)
