"""Faults: what is wrong in rule files, each with its place."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from pydantic import ValidationError

from workers.spots import Spots
from workers.words import told
from workers.yaml_nodes import Node


@dataclass(frozen=True)
class Fault:
    """One thing that an author has to put right; line and column begin with 1."""

    path: str
    line: int
    column: int
    message: str
    hint: str | None = None
    """What was perhaps meant."""

    @property
    def told(self) -> str:
        """What is wrong, and what was perhaps meant."""
        return self.message + (f"; did you mean {self.hint!r}?" if self.hint else "")

    def __str__(self) -> str:
        return f"{self.path}:{self.line}:{self.column}: {self.told}"


class RulebookFaults(Exception):
    """Rule files that cannot be used; every fault in them is told at once."""

    retry: ClassVar[bool] = False
    may_have_happened: ClassVar[bool] = False

    def __init__(self, faults: Iterable[Fault]) -> None:
        once = dict.fromkeys(faults)
        self.faults = tuple(sorted(once, key=lambda fault: (fault.path, fault.line, fault.column, fault.message)))
        super().__init__("\n".join(str(fault) for fault in self.faults))


def placed(path: str, node: Node, error: ValidationError, spots: Spots | None = None) -> list[Fault]:
    """The faults of what was read from `node`, at their lines and columns; those within a text where `spots` finds
    them."""
    found = []
    for each in told(error):
        spot = node.at(each.place, key=each.key)
        if spot.hollow:
            continue  # its keys are faults already
        line, column = spot.line, spot.column
        if spots and each.within:
            line, column = spots.within(spot, each.within)
        found.append(Fault(path, line, column, each.message, each.hint))
    return found
