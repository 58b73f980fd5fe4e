"""What is left of Jinja2 in a text: facts, some filters and {% if %}, in its sandbox."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

from jinja2 import StrictUndefined, Undefined, nodes
from jinja2.filters import FILTERS
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.tests import TESTS
from jinja2.visitor import NodeTransformer
from pydantic_core import InitErrorDetails, PydanticCustomError

from workers.facts import Fact, write
from workers.kinds import Kind
from workers.values import write_date, write_day, write_time
from workers.words import fault, unknown, wrong

HARMLESS: Final = ("capitalize", "default", "length", "lower", "title", "trim", "truncate", "upper")
"""Jinja's own filters that cannot grow a text or reach into a value."""

DOT: Final = "__"
"""What stands for the dot of a fact's name inside Jinja, where `was.starts` is one name and no attribute."""

ALLOWED: Final = (
    nodes.Template, nodes.Output, nodes.TemplateData, nodes.Const, nodes.Name, nodes.Getattr, nodes.Filter, nodes.Test,
    nodes.If, nodes.CondExpr, nodes.Compare, nodes.Operand, nodes.And, nodes.Or, nodes.Not, nodes.Keyword, nodes.List,
    nodes.Tuple,
)  # fmt: skip


class Absent(StrictUndefined):
    """A fact that is missing; saying so is all that it does, except for `default` and `is defined`."""

    @property
    def _undefined_message(self) -> str:
        return str(self._undefined_name).replace(DOT, ".")


class Spelling(NodeTransformer):
    """Checks that a text says nothing but what is allowed, and turns `was.starts` into one flat name."""

    def __init__(self, known: Mapping[str, Fact]) -> None:
        self.known = known
        self.facts: set[str] = set()
        self.faults: list[InitErrorDetails] = []

    def visit(self, node: nodes.Node, *args: Any, **kwargs: Any) -> Any:
        if not isinstance(node, ALLOWED):
            what = type(node).__name__.lower()
            self._refuse(wrong(f"a text knows {{{{ facts }}}}, filters and {{% if %}}, not {what}"))
            return node
        return super().visit(node, *args, **kwargs)

    def visit_Name(self, node: nodes.Name) -> nodes.Node:
        return self._fact(node.name, node)

    def visit_Getattr(self, node: nodes.Getattr) -> nodes.Node:
        if name := _dotted(node):
            return self._fact(name, node)
        self._refuse(wrong(f"a text knows {{{{ facts }}}}, filters and {{% if %}}, not .{node.attr} of something else"))
        return node

    def visit_Filter(self, node: nodes.Filter) -> nodes.Node:
        if node.name not in ENVIRONMENT.filters:
            self._refuse(unknown(node.name, "as a filter", ENVIRONMENT.filters, key=False))
        fact = self.known.get(_dotted(node.node))
        if fact and node.name in OF_MOMENTS and fact.kind is not Kind.MOMENT:
            self._refuse(wrong(f"the filter {node.name} is for moments, but {fact.name} is {fact.kind.value}"))
        return self.generic_visit(node)

    def visit_Test(self, node: nodes.Test) -> nodes.Node:
        if node.name not in ENVIRONMENT.tests:
            self._refuse(unknown(node.name, "after `is`", ENVIRONMENT.tests, key=False))
        return self.generic_visit(node)

    def _fact(self, name: str, node: nodes.Node) -> nodes.Node:
        if name not in self.known:
            self._refuse(unknown(name, "as a fact", self.known, key=False))
        self.facts.add(name)
        return nodes.Name(name.replace(".", DOT), "load", lineno=node.lineno)

    def _refuse(self, error: PydanticCustomError) -> None:
        self.faults.append(fault(error))


def _dotted(node: nodes.Node | None) -> str:
    """`was.starts` for the chain of names that it is; empty for anything else."""
    match node:
        case nodes.Name():
            return node.name
        case nodes.Getattr() if outer := _dotted(node.node):
            return f"{outer}.{node.attr}"
        case _:
            return ""


def _of_moment(word: str, say: Callable[[datetime], str]) -> Callable[[object], str]:
    def filter_(value: object) -> str:
        if isinstance(value, Undefined):
            return str(value)
        if not isinstance(value, datetime):
            raise TypeError(f"the filter {word} is for moments, not for {write(value)}")
        return say(value)

    return filter_


OF_MOMENTS: Final[Mapping[str, Callable[[object], str]]] = {
    word: _of_moment(word, say) for word, say in {"day": write_day, "date": write_date, "time": write_time}.items()
}


def _environment() -> ImmutableSandboxedEnvironment:
    environment = ImmutableSandboxedEnvironment(undefined=Absent, finalize=write)
    environment.globals.clear()
    environment.filters = {**{name: FILTERS[name] for name in HARMLESS}, **OF_MOMENTS}
    environment.tests = {name: TESTS[name] for name in ("defined", "undefined")}
    return environment


ENVIRONMENT: Final = _environment()
