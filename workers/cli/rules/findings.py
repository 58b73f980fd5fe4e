"""Findings: what is wrong with rule files and what may not be meant, as people, programs and GitHub read it."""

import json
import re
import shlex
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final
from unicodedata import east_asian_width

from workers.faults import Fault
from workers.rulebook import Rulebook
from workers.yaml_words import BREAK

WORD: Final = re.compile(r"\"[^\"]*\"?|'[^']*'?|\{\{.*?\}\}|[^\s,:\]}]+")
"""What a caret underlines: as much as belongs together."""

MOST: Final = 50
"""Of faults and warnings, that people are shown."""

WIDEST: Final = 160
"""Characters of a line that are shown."""


@dataclass(frozen=True)
class Findings:
    """`files` are the texts in which they stand, by their path below `folder`."""

    faults: tuple[Fault, ...]
    warnings: tuple[Fault, ...]
    files: Mapping[str, str]
    folder: Path

    def each(self) -> Iterator[tuple[str, Fault]]:
        """The faults, then the warnings, each with what it is."""
        for fault in self.faults:
            yield "error", fault
        for warning in self.warnings:
            yield "warning", warning

    @property
    def counted(self) -> str:
        """`2 faults, 1 warning`; nothing where there are none."""
        numbers = ((len(self.faults), "fault"), (len(self.warnings), "warning"))
        return ", ".join(f"{number} {what}{'s' * (number != 1)}" for number, what in numbers if number)


def as_text(findings: Findings) -> str:
    lines: dict[str, list[str]] = {}
    told = []
    for kind, fault in islice(findings.each(), MOST):
        if fault.path not in lines:
            lines[fault.path] = BREAK.split(findings.files.get(fault.path, ""))
        told.append(f"{'warning: ' * (kind == 'warning')}{_plain(str(fault))}\n{shown(fault, lines[fault.path])}")
    if (more := len(findings.faults) + len(findings.warnings) - MOST) > 0:
        folder = shlex.quote(_plain(str(findings.folder)))
        told.append(f"and {more} more: slotwright rules check --format json {folder} shows all\n")
    return "".join(told)


def as_json(findings: Findings) -> str:
    """One list; line and column begin with 1, `hint` is what was perhaps meant."""
    told = [
        {
            "kind": kind,
            "path": fault.path,
            "line": fault.line,
            "column": fault.column,
            "message": fault.message,
            "hint": fault.hint,
        }
        for kind, fault in findings.each()
    ]
    return json.dumps(told, indent=2) + "\n"


def as_github(findings: Findings) -> str:
    """Workflow commands, which GitHub shows beside the lines of a change."""
    return "".join(
        f"::{kind} file={_property(str(findings.folder / fault.path))},line={fault.line},col={fault.column}"
        f"::{_data(_plain(fault.told))}\n"
        for kind, fault in findings.each()
    )


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(_plain(text)).replace(":", "%3A").replace(",", "%2C")


def _plain(text: str) -> str:
    """As a terminal can take it: a file may hold what would move its cursor, a path what is no text."""
    return "".join(sign if sign.isprintable() else "�" for sign in text)


FORMATS: Final[Mapping[str, Callable[[Findings], str]]] = {"text": as_text, "json": as_json, "github": as_github}


def shown(fault: Fault, lines: list[str]) -> str:
    """The line that it stands in, with a caret below; nothing where there is no such line."""
    if not 1 <= fault.line <= len(lines) or not lines[fault.line - 1].strip():
        return ""
    line, column = lines[fault.line - 1], fault.column - 1
    # Of a very long line what is around the place.
    first = max(0, column - WIDEST // 2) if len(line) > WIDEST else 0
    part = line[first : first + WIDEST].replace("\t", " ")
    word = WORD.match(line, column)
    end = min(word.end() if word else column + 1, first + len(part))
    number = f"{fault.line:>5}"
    blank, carets = " " * _width(line[first:column]), "^" * max(1, _width(line[column:end]))
    return f"{number} | {_plain(part)}\n{' ' * len(number)} | {blank}{carets}\n"


def _width(text: str) -> int:
    """Columns of a terminal that it takes."""
    return sum(2 if east_asian_width(sign) in "WF" else 1 for sign in text)


def order(rulebook: Rulebook) -> str:
    """The rules in the order in which they are asked, a line each."""
    wide = len(str(len(rulebook)))
    return "".join(
        f"{place:>{wide}}. {_plain(entry.rule.name)} ({entry.rule.mode}"
        + (f", priority {entry.rule.priority}" if entry.rule.priority else "")
        + (", stops others" if entry.rule.stop_others else "")
        + f") {entry.path}:{entry.line}\n"
        for place, entry in enumerate(rulebook, start=1)
    )
