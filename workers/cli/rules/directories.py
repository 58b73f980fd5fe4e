"""The folder of rule files that commands are given: what is none, and which file in it is no rule file."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import click

from workers.cli.live import said
from workers.faults import Fault
from workers.file_words import FileWords
from workers.other_words import nearest

TOP: Final = re.compile(r"^[^\W\d][\w.-]*(?=\s*:(\s|$))", re.MULTILINE)
"""A word with which a mapping begins a line; what stands within one is indented."""

SHOWN: Final = 4
"""Words with which a rule file may begin, that are told."""

FEW: Final = 3
"""Of many files that are no rule files, that are told."""

HARDLY: Final = 8
"""One of more words than this is known by chance."""

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
    """That a file is of something else altogether: hardly one of the words that it begins with is known, or near to one
    that is."""
    words = list(dict.fromkeys(found[0] for found in TOP.finditer(text)))[:MOST]
    # Who begins with a word of a rule has a rule in mind, and is told where that belongs.
    known = (*FileWords.known(), *FileWords.elsewhere)
    near = [word for word in words if word in known or nearest(word, known)]
    ours = not set(words).isdisjoint(known)
    if not words or (len(near) * HARDLY >= len(words) if ours else 2 * len(near) >= len(words)):
        return None
    first = next(word for word in words if word not in near)
    examples = ", ".join(sorted(FileWords.known(), key=lambda word: word != "rules")[:SHOWN])
    return Fault(path, 1, 1, f"this is no rule file: it begins with {first}; rule files begin with {examples}, …")


def told_together(others: Mapping[str, Fault], folder: Path) -> list[Fault]:
    """The first of these, and that there are more: nobody reads hundreds of times that the folder is another's."""
    found = list(others.values())
    if len(found) <= FEW + 1:
        return found
    more = found[FEW]
    message = (
        f"this is no rule file either, nor are {len(found) - FEW - 1} more: is {said(folder)} the folder that you mean?"
    )
    return [*found[:FEW], Fault(more.path, 1, 1, message)]
