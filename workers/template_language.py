"""What a text may say: facts, filters, comparisons and {% if %}, each checked for the kinds of values that it is about.

Jinja2 parses a text, and that is all it does. Each node of its tree that is known here becomes a function of the facts;
every other is refused. So nothing can be reached from a text but facts: there is nothing else that it is made of.
"""

import operator
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from jinja2 import nodes
from pydantic_core import InitErrorDetails, PydanticCustomError

from workers.expressions import (
    Body,
    Branches,
    Expression,
    Link,
    Value,
    both,
    chained,
    chosen,
    compared,
    either,
    flag,
    is_there,
    never,
    of_fact,
    one_of,
    or_else,
    within,
)
from workers.facts import Fact, read_status
from workers.filters import DEFAULT, FILTERS, WORDS, Argument, Filter
from workers.kinds import Kind
from workers.known_facts import unknown_fact
from workers.other_words import nearest
from workers.words import fault, shown, unknown, wrong
from workers.yaml_nodes import FOREIGN

DEEPEST: Final = 25
MOST_PARTS: Final = 500
LARGEST_NUMBER: Final = 1e15
"""Caps on one text: how deep its parts may nest, how many there may be, and numbers in it."""

COMPARED: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "eq": operator.eq, "ne": operator.ne,
    "lt": operator.lt, "lteq": operator.le, "gt": operator.gt, "gteq": operator.ge,
}  # fmt: skip
WITHIN: Final = {"in": True, "notin": False}
TESTS: Final = ("defined", "undefined")

SAID: Final[Mapping[type[nodes.Node], str]] = {
    nodes.Call: "calls", nodes.Getitem: "[…] after a fact", nodes.Concat: "~", nodes.Dict: "{…}", nodes.Neg: "a minus",
    nodes.For: "{% for %}", nodes.Assign: "{% set %}", nodes.AssignBlock: "{% set %}", nodes.Macro: "{% macro %}",
    nodes.List: "a list, but after `in`", nodes.Tuple: "a list, but after `in`",
}  # fmt: skip


class _Refused(Exception):
    """What is read cannot be understood, and why."""

    def __init__(self, error: PydanticCustomError) -> None:
        self.told = error.context or {}


class Reader:
    """Reads a text's tree, and gathers the facts in it and everything that is wrong with it."""

    def __init__(self, known: Mapping[str, Fact], *, lines: bool) -> None:
        """`lines`: whether a fault tells its line in the text."""
        self.known = known
        self.lines = lines
        self.facts: set[str] = set()
        self.faults: list[InitErrorDetails] = []
        self.told: set[str] = set()
        self.parts = 0

    def body(self, tree: Iterable[nodes.Node], depth: int = 0) -> Body:
        """Raises PydanticCustomError where it is too much to go on."""
        found: list[str | Value | Branches] = []
        for node in tree:
            match node:
                case nodes.Output():
                    for each in node.nodes:
                        if isinstance(each, nodes.TemplateData):
                            found.append(each.data)
                        else:
                            found.append(self.expression(each, depth + 1).value)
                case nodes.If():
                    found.append(self._branches(node, depth + 1))
                case _:
                    self._refuse(node, _Refused(_foreign(node)))
        return tuple(found)

    def _branches(self, node: nodes.If, depth: int) -> Branches:
        conditions = [
            (self.expression(each.test, depth).value, self.body(each.body, depth)) for each in (node, *node.elif_)
        ]
        return Branches(tuple(conditions), self.body(node.else_, depth))

    def expression(self, node: nodes.Node | None, depth: int) -> Expression:
        """What is wrong in it is gathered, and it fits everywhere, so that nothing is told twice."""
        self.parts += 1
        if self.parts > MOST_PARTS:
            raise wrong(f"a text has at most {MOST_PARTS} facts, filters and comparisons")
        if depth > DEEPEST:
            raise wrong(f"not a text: it is nested deeper than {DEEPEST} levels")
        try:
            return self._read(node, depth + 1)
        except _Refused as refused:
            self._refuse(node, refused)
            return Expression(never, frozenset(), "")

    def _read(self, node: nodes.Node | None, depth: int) -> Expression:
        match node:
            case nodes.Name() | nodes.Getattr():
                return self._fact(node)
            case nodes.Filter():
                return self._filter(node, self.expression(node.node, depth), depth)
            case nodes.Const():
                return _constant(node.value)
            case nodes.Compare():
                return self._comparison(node, depth)
            case nodes.Test():
                return self._test(node, self.expression(node.node, depth))
            case nodes.Not():
                inner = self.expression(node.node, depth).value
                return flag(lambda facts: not inner(facts))
            case nodes.And():
                return both(self.expression(node.left, depth), self.expression(node.right, depth))
            case nodes.Or():
                return either(self.expression(node.left, depth), self.expression(node.right, depth))
            case nodes.CondExpr():
                parts = (node.test, node.expr1, node.expr2 or nodes.Const(""))
                return chosen(*(self.expression(part, depth) for part in parts))
        raise _Refused(_foreign(node))

    def _fact(self, node: nodes.Name | nodes.Getattr) -> Expression:
        name = _dotted(node)
        if not name:
            raise _Refused(_foreign(node))
        if name not in self.known:
            raise _Refused(unknown_fact(name, self.known))
        self.facts.add(name)
        return Expression(of_fact(name), frozenset({self.known[name].kind}), name)

    def _filter(self, node: nodes.Filter, inner: Expression, depth: int) -> Expression:
        if node.name not in FILTERS:
            told = f"{shown(node.name)} is not known as a filter"
            near = nearest(node.name, FILTERS)
            raise _Refused(wrong(told if near else f"{told}; known: {', '.join(FILTERS)}", near))
        filter_, value = FILTERS[node.name], inner.value
        said = f"{inner.said} | {node.name}"
        if filter_ is DEFAULT:
            if len(node.args) != 1 or node.kwargs or node.dyn_args or node.dyn_kwargs:
                raise _Refused(wrong("the filter default takes one value in brackets: default('none')"))
            other = self.expression(node.args[0], depth)
            return Expression(or_else(value, other.value), inner.kinds | other.kinds, said)
        if not inner.kinds <= filter_.takes:
            raise _Refused(wrong(f"the filter {node.name} is for {filter_.of}, but {inner.is_what}"))
        given, apply = _given(filter_, node), filter_.apply
        return Expression(lambda facts: apply(value(facts), *given), frozenset({filter_.gives}), said)

    def _test(self, node: nodes.Test, inner: Expression) -> Expression:
        if node.name not in TESTS:
            raise _Refused(unknown(node.name, "after `is`", TESTS, key=False))
        if node.args or node.kwargs or node.dyn_args or node.dyn_kwargs:
            raise _Refused(wrong(f"`is {node.name}` takes nothing after it"))
        wanted = node.name == "defined"
        return flag(lambda facts: is_there(inner.value, facts) is wanted)

    def _comparison(self, node: nodes.Compare, depth: int) -> Expression:
        first = left = self.expression(node.expr, depth)
        links = []
        for operand in node.ops:
            if operand.op in WITHIN:
                links.append(self._within(left, operand, depth))
                continue
            right = _of_status(left, operand.expr) or self.expression(operand.expr, depth)
            if right.kinds == {Kind.STATUS} and first is left:
                first = left = _of_status(right, node.expr) or left
            _refuse_unlike(left, right, ordered=operand.op not in {"eq", "ne"})
            links.append(compared(left, right, COMPARED[operand.op]))
            left = right
        return flag(chained(first, links))

    def _within(self, left: Expression, operand: nodes.Operand, depth: int) -> Link:
        wanted = WITHIN[operand.op]
        if isinstance(operand.expr, nodes.List | nodes.Tuple):
            several = [_of_status(left, each) or self.expression(each, depth) for each in operand.expr.items]
            for each in several:
                _refuse_unlike(left, each)
            return one_of(left, several, wanted=wanted)
        right = self.expression(operand.expr, depth)
        if not left.kinds <= WORDS:
            raise _Refused(wrong(f"only text is looked for within something, but {left.is_what}"))
        if not (right.kinds <= WORDS or right.kinds <= {Kind.LIST}):
            raise _Refused(wrong(f"text is looked for within text or a list, but {right.is_what}"))
        return within(right, wanted=wanted)

    def _refuse(self, node: nodes.Node | None, refused: _Refused) -> None:
        word = _word(node)
        line = f" (line {node.lineno} of the text)" if node and self.lines and not word else ""
        message = refused.told["message"] + line
        if message not in self.told:
            self.told.add(message)
            self.faults.append(fault(wrong(message, refused.told["hint"], within=word)))


def _dotted(node: nodes.Node | None) -> str:
    """`was.starts` for the chain of names that it is; empty for anything else."""
    parts: list[str] = []
    while isinstance(node, nodes.Getattr):
        parts.append(node.attr)
        node = node.node
    return ".".join([node.name, *reversed(parts)]) if isinstance(node, nodes.Name) else ""


def _word(node: nodes.Node | None) -> str | None:
    """By which it is found in its text; None where there is none."""
    match node:
        case nodes.Filter() | nodes.Test():
            return node.name
        case nodes.Compare():
            return _word(node.expr)
        case _:
            return _dotted(node) or None


def _constant(value: object) -> Expression:
    if isinstance(value, bool):
        return Expression(lambda _: value, frozenset({Kind.FLAG}), str(value).lower())
    if isinstance(value, int | float) and abs(value) <= LARGEST_NUMBER:
        return Expression(lambda _: value, frozenset({Kind.NUMBER}), str(value))
    if isinstance(value, str) and not FOREIGN.search(value):
        return Expression(lambda _: value, frozenset({Kind.TEXT}), shown(value))
    if isinstance(value, str):
        raise _Refused(wrong(f"{value!a} has characters that no text can have"))
    if value is None:
        raise _Refused(wrong("none is no value here; whether there is a fact is asked by `is defined`"))
    raise _Refused(wrong(f"numbers in a text go up to {LARGEST_NUMBER:,.0f}"))


def _of_status(left: Expression, node: nodes.Node) -> Expression | None:
    """A word that is compared with a status, in any of its spellings; None for anything else."""
    if left.kinds != {Kind.STATUS} or not isinstance(node, nodes.Const) or not isinstance(node.value, str):
        return None
    try:
        return _constant(read_status(node.value))
    except PydanticCustomError as error:
        raise _Refused(error) from None


def _given(filter_: Filter, node: nodes.Filter) -> list[Any]:
    """What is said in brackets after a filter: constants, in order or by name."""
    names = [argument.name for argument in filter_.arguments]
    said = dict(zip(names, node.args, strict=False)) | {pair.key: pair.value for pair in node.kwargs}
    many = len(node.args) > len(names) or len(said) < len(node.args) + len(node.kwargs) or not said.keys() <= set(names)
    if many or node.dyn_args or node.dyn_kwargs:
        takes = " and ".join(names) or "nothing"
        raise _Refused(wrong(f"the filter {filter_.name} takes {takes} in brackets"))
    return [_argument(filter_, argument, said.get(argument.name)) for argument in filter_.arguments]


def _argument(filter_: Filter, argument: Argument, node: nodes.Expr | None) -> Any:
    if node is None:
        return argument.default
    where = f"the filter {filter_.name}, {argument.name}: "
    if not isinstance(node, nodes.Const):
        raise _Refused(wrong(f"{where}it must be written out, and be no fact"))
    try:
        _constant(node.value)
        return argument.read(node.value)
    except PydanticCustomError as error:
        raise _Refused(wrong(where + str((error.context or {})["message"]))) from None


def _refuse_unlike(left: Expression, right: Expression, *, ordered: bool = False) -> None:
    """What differs in kind is never equal, which its author cannot have meant."""
    both = {Kind.TEXT if kind in WORDS else kind for kind in left.kinds | right.kinds}
    if len(both) <= 1 and not both & ({Kind.FLAG, Kind.LIST} if ordered else {Kind.LIST}):
        return
    hint = f"{left.said} | time" if left.kinds == {Kind.MOMENT} and right.kinds == {Kind.TEXT} else None
    raise _Refused(wrong(f"{left.is_what} and {right.is_what}: they cannot be compared", hint))


def _foreign(node: nodes.Node | None) -> PydanticCustomError:
    if isinstance(node, nodes.Getattr):
        what = f".{node.attr} of something else"
    else:
        what = next((said for known, said in SAID.items() if isinstance(node, known)), type(node).__name__.lower())
    return wrong(f"a text knows {{{{ facts }}}}, filters and {{% if %}}, not {what}")
