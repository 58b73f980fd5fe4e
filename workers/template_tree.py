"""The tree of a text, as Jinja2's parser makes it. Nothing is compiled, and Jinja2 has no part in rendering it.

Most texts are made of a few tags that occur in many others. Those are parsed once, each by itself, and put together.
What is out of the ordinary is left to the parser as a whole, and so is everything that is wrong, for its message.
"""

import re
from functools import lru_cache
from typing import Final

from jinja2 import Environment, TemplateSyntaxError, nodes

ENVIRONMENT: Final = Environment(autoescape=False)  # noqa: S701 (it parses only)

WITHIN = r"""((?:[^{}%'"]++|'[^'\\{}%]*+'|"[^"\\{}%]*+")*+)"""
TAG: Final = re.compile(rf"\{{\{{{WITHIN}\}}\}}|\{{%\s*+(if|elif|else|endif)\b{WITHIN}%\}}", re.ASCII)
"""`{{ this }}`, or a word of a block and its condition; neither has braces in it, nor a backslash in a text."""

PIECES: Final = 2_000
"""How many tags are remembered."""


class OutOfTheOrdinary(Exception):
    """A text that is not put together from pieces."""


def tree_of(source: str) -> list[nodes.Node]:
    """What stands in the text, one after the other. Raises TemplateSyntaxError, RecursionError or ValueError."""
    try:
        return _Pieces(source).body
    except (OutOfTheOrdinary, TemplateSyntaxError):
        return parsed(source)


def parsed(source: str) -> list[nodes.Node]:
    """The same, by the parser alone: every node knows its line in the text."""
    return ENVIRONMENT.parse(source).body


@lru_cache(PIECES)
def _expression(source: str) -> nodes.Expr:
    match ENVIRONMENT.parse(f"{{{{{source}}}}}").body:
        case [nodes.Output(nodes=[nodes.Expr() as expression])] if not isinstance(expression, nodes.TemplateData):
            return expression
    raise OutOfTheOrdinary


@lru_cache(PIECES)
def _condition(source: str) -> nodes.Expr:
    match ENVIRONMENT.parse(f"{{% if{source}%}}{{% endif %}}").body:
        case [nodes.If(test=nodes.Expr() as test)]:
            return test
    raise OutOfTheOrdinary


class _Pieces:
    """Puts a text together from its tags and what stands between them."""

    def __init__(self, source: str) -> None:
        if "\r" in source:
            raise OutOfTheOrdinary
        self.body: list[nodes.Node] = []
        self.open: list[tuple[nodes.If, nodes.If, list[nodes.Node]]] = []
        """The `if`, the last `elif` of it, and the body around it."""
        self.output: list[nodes.Expr] = []
        # As Jinja2 has it, a line's end at the very end of a text is none of the text.
        source, end = source.removesuffix("\n"), 0
        for tag in TAG.finditer(source):
            self._data(source[end : tag.start()])
            self._tag(*tag.groups())
            end = tag.end()
        self._data(source[end:], last=True)
        self._flush()
        if self.open:
            raise OutOfTheOrdinary

    def _data(self, text: str, *, last: bool = False) -> None:
        if "{{" in text or "{%" in text or "{#" in text or (text.endswith("{") and not last):
            raise OutOfTheOrdinary
        if text:
            self.output.append(nodes.TemplateData(text))

    def _tag(self, expression: str | None, word: str, condition: str) -> None:
        within = condition if expression is None else expression
        if within.startswith(("+", "-")) or within.endswith(("+", "-")):
            raise OutOfTheOrdinary  # blanks around it are taken away
        if expression is not None:
            self.output.append(_expression(expression))
            return
        self._flush()
        if word == "if":
            begun = _if(condition)
            self.body.append(begun)
            self.open.append((begun, begun, self.body))
            self.body = begun.body
            return
        if not self.open:
            raise OutOfTheOrdinary
        first, last, around = self.open[-1]
        over = self.body is first.else_
        if word == "endif" and not condition.strip():
            self.open.pop()
            self.body = around
        elif word == "else" and not condition.strip() and not over:
            self.body = first.else_
        elif word == "elif" and not over:
            last = _if(condition)
            first.elif_.append(last)
            self.open[-1] = first, last, around
            self.body = last.body
        else:
            raise OutOfTheOrdinary

    def _flush(self) -> None:
        if self.output:
            self.body.append(nodes.Output(self.output))
            self.output = []


def _if(condition: str) -> nodes.If:
    return nodes.If(_condition(condition), [], [], [])
