"""A draft: rule files as they are looked through, with where everything stands in them."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from workers.actions import Action
from workers.faults import Fault
from workers.rule import places_of
from workers.rule_file import Read, RuleFile
from workers.rulebook import Entry
from workers.words import Place
from workers.yaml_nodes import Node


@dataclass(frozen=True)
class Written:
    """A rule, or what is left of one that has faults, and what it was read from."""

    entry: Entry
    read: Read

    @property
    def node(self) -> Node:
        return self.read.node

    @property
    def listens(self) -> bool:
        """Whether its triggers are known."""
        return self.read.left is None or self.read.left.listens

    def fault(self, message: str, place: Place = (), *, key: bool = False) -> Fault:
        """At this place of the rule."""
        spot = self.node.at(place, key=key)
        return Fault(self.entry.path, spot.line, spot.column, message)

    @cached_property
    def steps(self) -> Sequence[tuple[Place, Action]]:
        """Everything that it may do, and where that stands in it."""
        places = places_of(self.entry.rule.then)
        return [(places[number], action) for number, action in self.entry.rule.steps]


@dataclass(frozen=True)
class Draft:
    """`rules` are in the order in which they are asked."""

    files: tuple[RuleFile, ...]
    rules: tuple[Written, ...]
