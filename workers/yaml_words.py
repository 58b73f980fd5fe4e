"""What libyaml finds wrong with a file, in words for authors: it tells places, and is no help to who never read YAML's
grammar."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import yaml

BREAK: Final = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
"""What ends a line to libyaml."""

WORD: Final = re.compile(r"[ ]*(?:-[ ]+)*([\w.]+):(?:[ ]|$)")
"""The word that a line begins with."""

TAB: Final = "a tab stands here: lines are indented with blanks"


@dataclass(frozen=True)
class Found:
    """Where libyaml stopped, and where what it was reading begins; both are marks of its own, which count from 0."""

    text: str
    here: Any
    begun: Any

    @property
    def sign(self) -> str:
        return self.line[self.here.column : self.here.column + 1]

    @property
    def next(self) -> str:
        return self.line[self.here.column + 1 : self.here.column + 2]

    @property
    def line(self) -> str:
        return self.lines[self.here.line] if self.here.line < len(self.lines) else ""

    @cached_property
    def lines(self) -> list[str]:
        return BREAK.split(self.text)

    @property
    def before(self) -> str:
        return self.line[: self.here.column].rstrip()

    @property
    def first(self) -> bool:
        """Whether nothing stands before it in its line."""
        return not self.before

    @property
    def within(self) -> bool:
        """Whether it begins further to the right than what it was read as a part of."""
        return bool(self.begun) and self.here.column > self.begun.column

    @property
    def sibling(self) -> str | None:
        """The word above that this line most likely belongs beside, and where that begins."""
        above = [(number, WORD.match(self.lines[number])) for number in range(self.begun.line, self.here.line)]
        words = [(number, found[1], found.start(1)) for number, found in above if found]
        if not words:
            return None
        number, word, column = min(words, key=lambda each: (abs(each[2] - self.here.column), -each[0]))
        return f"`{word}` in line {number + 1} begins in column {column + 1}"

    @property
    def deeper(self) -> str | None:
        """The word right above that this line begins further to the right than, where that has its value."""
        mine = WORD.match(self.line)
        above = next((number for number in range(self.here.line - 1, -1, -1) if self.lines[number].strip()), None)
        upper = WORD.match(self.lines[above]) if above is not None else None
        if above is None or not mine or not upper or mine.start(1) <= upper.start(1):
            return None
        return f"`{upper[1]}` in line {above + 1}"

    @property
    def over(self) -> bool:
        """Whether the file ends there."""
        return not any(map(str.strip, (self.line[self.here.column :], *self.lines[self.here.line + 1 :])))

    @property
    def since(self) -> str:
        return f"which begins in line {self.begun.line + 1}" if self.begun else "which is open"


def _cannot_begin(found: Found) -> str:
    return TAB if found.sign == "\t" else f"a text that begins with {found.sign} must be in quotes"


def _indented(what: str) -> Callable[[Found], str]:
    def told(found: Found) -> str:
        if found.first and found.within and (sibling := found.sibling):
            return f"this line is indented like none of those above it: {sibling}"
        if found.first:
            return f"this line is indented otherwise than the {what} that it belongs to, {found.since}"
        if found.sign in ("]", "}"):
            return f"{found.sign} closes nothing here"
        if found.before.endswith("}}"):
            return "a text that begins with {{ must be in quotes"
        return (
            "nothing more may stand here: a text that goes on behind a quote or a bracket must be in quotes as a whole"
        )

    return told


def _second_colon(found: Found) -> str:
    if above := found.deeper:
        return f"this line is indented further than {above}, behind which a value stands already"
    if ": " in found.before:
        return "a second colon in one line: a text with a colon must be in quotes"
    return (
        "a colon cannot stand here: the line before lacks a blank behind its - or its colon, or is indented otherwise"
    )


def _not_closed(what: str, sign: str) -> Callable[[Found], str]:
    def told(found: Found) -> str:
        if "{{" in found.line[found.here.column : found.here.column + 2]:
            return "a text with {{ in it must be in quotes"
        return f"a comma or {sign} expected: the {what}, {found.since}, is not closed"

    return told


def _without_content(found: Found) -> str:
    if found.over:
        return "the file ends here, and a bracket is not closed"
    return f"a value expected, found {found.sign}: is something missing before it?"


SAID: Final[dict[str, Callable[[Found], str]]] = {
    "found character that cannot start any token": _cannot_begin,
    "found a tab character that violates indentation": lambda _: TAB,
    "found a tab character where an indentation space is expected": lambda _: TAB,
    "did not find expected key": _indented("words"),
    "did not find expected '-' indicator": _indented("list"),
    "did not find expected ',' or ']'": _not_closed("list", "]"),
    "did not find expected ',' or '}'": _not_closed("mapping", "}"),
    "did not find expected node content": _without_content,
    "mapping values are not allowed in this context": _second_colon,
    "block sequence entries are not allowed in this context": lambda _: "a list with - begins in a line of its own",
    "did not find expected alphabetic or numeric character": lambda found: (
        f"a text that begins with {found.lines[found.begun.line][found.begun.column]} must be in quotes"
    ),
    "found unknown escape character": lambda found: (
        f"\\{found.next} means nothing within \"…\": a backslash is written twice there, or the text put in '…'"
    ),
}
"""By what libyaml says, which is all that it tells."""

BEGUN: Final = {
    "found unexpected end of stream": "the quote that begins here is not closed",
    "could not find expected ':'": "a colon is expected in this line, behind the word that it begins with",
}
"""The same, of what is wrong where it begins."""


def plainly(text: str, error: yaml.MarkedYAMLError) -> tuple[str, int, int]:
    """What is wrong, and its line and column, from 1."""
    here, begun, problem = error.problem_mark or error.context_mark, error.context_mark, error.problem or ""
    if here is None:
        return f"not YAML: {problem}", 1, 1
    if problem in BEGUN and begun:
        return BEGUN[problem], begun.line + 1, begun.column + 1
    say = SAID.get(problem)
    plain = f"not YAML: {', '.join(filter(None, (error.context, problem)))}"
    return say(Found(text, here, begun)) if say else plain, here.line + 1, here.column + 1
