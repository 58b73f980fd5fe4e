"""What every action of a rule is: a mapping of words that begins with `do`, and that can plan its writes."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from service.highlevel.operation import Api, Operation
from service.store.appointments import LastSeen
from service.store.turns import Turns
from service.trigger import Booking
from workers.facts import Facts
from workers.names import Names
from workers.templates import Text
from workers.words import Words


@dataclass(frozen=True)
class Write:
    """One write, decided. `sentence` says what it does and why it was chosen; `meant` is what else must be known to
    settle it, or becomes true once it is done."""

    operation: Operation[Any]
    sentence: str
    meant: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Turn:
    """A turn of a round robin, chosen when `version` turns had been taken."""

    team: str
    person: str
    version: int


@dataclass(frozen=True)
class Plan:
    """What an action decided, once."""

    writes: tuple[Write, ...]
    turn: Turn | None = None


@dataclass(frozen=True)
class LeftAlone:
    """The action has nothing to write, and why; a turn may have been taken all the same."""

    reason: str
    turn: Turn | None = None


class CannotAct(Exception):
    """The action cannot do what its rule says; the words are for whoever reads the history."""


@dataclass(frozen=True)
class ActionContext:
    """What an action plans with. Reads go through `api`; `booking` is as the steps before left it."""

    api: Api
    rule: str
    location_id: str
    zone: ZoneInfo
    now: datetime
    seen: LastSeen
    facts: Facts
    names: Names
    turns: Callable[[str], Awaitable[Turns]]

    @property
    def booking(self) -> Booking:
        return self.seen.booking


class Action(Words):
    """One thing that a rule can do; its fields are what a rule file may say."""

    acts_on_deleted: ClassVar[bool] = False
    """Whether it can act on an appointment that is gone."""

    do: str

    @property
    def facts(self) -> frozenset[str]:
        """The facts that its texts may mention."""
        values = (getattr(self, name) for name in type(self).model_fields)
        return frozenset[str]().union(*(value.facts for value in values if isinstance(value, Text)))

    def writes(self) -> frozenset[str]:
        """What it changes, among `assignee`, `starts`, `ends`, `status`, `title` and `blocks`."""
        return frozenset()

    async def plan(self, context: ActionContext) -> Plan | LeftAlone:
        """Read what is needed and decide, once. Raises HighLevelError, TextError or CannotAct; writes nothing."""
        raise NotImplementedError
