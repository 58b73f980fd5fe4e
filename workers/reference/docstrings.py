"""What stands below a declaration: the sentence under a field of a model, or under a member of an enumeration."""

import ast
import inspect
from collections.abc import Iterator, Mapping
from functools import cache
from itertools import pairwise
from textwrap import dedent
from types import MappingProxyType
from typing import Final

OURS: Final = ("service.", "workers.")


@cache
def described(declared: type) -> Mapping[str, str]:
    """By the name in Python, those of its bases too; one that has none is not among them.

    Pydantic can do this (`use_attribute_docstrings`), for every model whenever it is imported: that takes each process
    0.7 s to start, and none but those who read the reference want to know.
    """
    found: dict[str, str] = {}
    for each in reversed(declared.__mro__):
        if each.__module__.startswith(OURS):
            found |= dict(_below(each))
    return MappingProxyType(found)


def sentence(declared: type) -> str:
    """What a class says of itself, in one line."""
    return one_line(declared.__doc__ or "")


def one_line(text: str) -> str:
    return " ".join(text.split())


def _below(declared: type) -> Iterator[tuple[str, str]]:
    tree = ast.parse(dedent(inspect.getsource(declared))).body[0]
    body = tree.body if isinstance(tree, ast.ClassDef) else []
    for statement, after in pairwise(body):
        match statement, after:
            case (
                ast.AnnAssign(target=ast.Name(id=name)) | ast.Assign(targets=[ast.Name(id=name)]),
                ast.Expr(value=ast.Constant(value=str(text))),
            ):
                yield name, one_line(text)
