"""Spots: where in a file a word stands that is wrong within a text."""

import re
from bisect import bisect_right
from functools import cached_property
from itertools import islice
from typing import Final

from workers.yaml_nodes import Node
from workers.yaml_words import BREAK

TAG: Final = re.compile(r"\{[{%].*?[%}]\}", re.DOTALL)

TEXT: Final = re.compile(r"'[^']*'|\"[^\"]*\"")
"""In quotes, within a tag."""

FURTHEST: Final = 20_000
"""Characters that are looked through: what a text may have, indented."""


class Spots:
    """Finds them in one file."""

    def __init__(self, text: str) -> None:
        self.text = text

    @cached_property
    def _starts(self) -> list[int]:
        """Where each line begins."""
        return [0, *(each.end() for each in BREAK.finditer(self.text))]

    def within(self, node: Node, word: str) -> tuple[int, int]:
        """Line and column, from 1, of a word between braces; those of the text where it is not to be found, such as one
        that is written with a backslash."""
        if node.line > len(self._starts):
            return node.line, node.column
        begin = self._starts[node.line - 1] + node.column - 1
        said = re.compile(rf"(?<![\w.]){re.escape(word)}(?![\w.])")
        # As many as are in the text, so that none of what comes after it is taken for one of them.
        tags = len(TAG.findall(node.data)) if isinstance(node.data, str) else 0
        for tag in islice(TAG.finditer(self.text, begin, begin + FURTHEST), tags):
            without_texts = TEXT.sub(lambda text: " " * len(text[0]), tag[0])
            if found := said.search(without_texts):
                place = tag.start() + found.start()
                line = bisect_right(self._starts, place)
                return line, place - self._starts[line - 1] + 1
        return node.line, node.column
