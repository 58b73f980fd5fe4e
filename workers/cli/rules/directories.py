"""The folder of rule files that commands are given: what is none, and which file in it is no rule file."""

import re
from pathlib import Path
from typing import Any, Final

import click

from workers.cli.live import said
from workers.faults import Fault
from workers.file_words import FileWords
from workers.words import nearest

TOP: Final = re.compile(r"^[^\W\d][\w.-]*(?=\s*:(\s|$))", re.MULTILINE)
"""A word with which a mapping begins a line; what stands within one is indented."""

SHOWN: Final = 4
"""Words with which a rule file may begin, that are told."""

MOST: Final = 200
"""Words of a file that are held against those."""


class Directory(click.Path):
    """A folder that is there; who gives a file in it is told which."""

    def __init__(self) -> None:
        super().__init__(exists=True, file_okay=False, path_type=Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        path = Path(value)
        if path.is_file():
            self.fail(f"{said(path)} is a file: give its folder, {said(path.parent)}", param, ctx)
        return super().convert(value, param, ctx)


directory = click.argument("directory", type=Directory())


def foreign(path: str, text: str) -> Fault | None:
    """That a file is of something else altogether: none of the words that it begins with is known, and few of them are
    near to one that is."""
    words = list(dict.fromkeys(found[0] for found in TOP.finditer(text)))[:MOST]
    known = FileWords.known()
    if (
        not words
        or not set(words).isdisjoint(known)
        or 2 * sum(bool(nearest(word, known)) for word in words) >= len(words)
    ):
        return None
    examples = ", ".join(sorted(known, key=lambda word: word != "rules")[:SHOWN])
    return Fault(path, 1, 1, f"this is no rule file: it begins with {words[0]}; rule files begin with {examples}, …")
