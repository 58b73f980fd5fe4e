"""What every action of a rule is: a mapping of words that begins with `do`, and that can plan its writes."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID
from zoneinfo import ZoneInfo

from service.highlevel.operation import Api, Operation
from service.outgoing.posting import Posting
from service.store.appointments import LastSeen
from service.store.reservations import Reservation
from service.store.turns import Turn, Turns
from service.trigger import Booking
from workers.facts import Facts
from workers.names import Names
from workers.templates import Text
from workers.words import Words


@dataclass(frozen=True)
class Write:
    """One write, decided. `sentence` says what it does and why it was chosen; `meant` is what else must be known to
    settle it, or becomes true once it is done."""

    operation: Operation[Any] | Posting
    sentence: str
    meant: Mapping[str, Any] = field(default_factory=dict)


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
    """What an action plans with. Reads go through `api`; `booking` is as the steps before left it.

    `last_seen` is None when the event is about no appointment; only actions that need no booking are planned then.
    """

    api: Api
    rule: str
    delivery_id: UUID
    location_id: str
    zone: ZoneInfo
    now: datetime
    last_seen: LastSeen | None
    facts: Facts
    names: Names
    turns: Callable[[Sequence[str]], Awaitable[Turns]]
    """How the location stands, with these accounts."""
    reserved: Callable[[datetime, datetime], Awaitable[Sequence[Reservation]]]
    """Who was chosen for a time between these, and may not show there yet."""

    @property
    def seen(self) -> LastSeen:
        assert self.last_seen is not None, "the action needs a booking, and the event is about none"
        return self.last_seen

    @property
    def booking(self) -> Booking:
        return self.seen.booking


class Action(Words):
    """One thing that a rule can do; its fields are what a rule file may say."""

    acts_on_deleted: ClassVar[bool] = False
    """Whether it can act on an appointment that is gone."""

    needs_booking: ClassVar[bool] = True
    """Whether it has nothing to act on at an event, or a time of the clock's, that is about no appointment."""

    decides_alone: ClassVar[bool] = False
    """Whether no other such action of the same location is planned beside it, for each changes what they decide by."""

    do: str

    @property
    def facts(self) -> frozenset[str]:
        """The facts that its texts may mention."""
        values = [getattr(self, name) for name in type(self).model_fields]
        within = [each for value in values if isinstance(value, Mapping) for each in value.values()]
        return frozenset[str]().union(*(value.facts for value in (*values, *within) if isinstance(value, Text)))

    def writes(self) -> frozenset[str]:
        """What it changes, among `assignee`, `starts`, `ends`, `status`, `title` and `blocks`."""
        return frozenset()

    async def plan(self, context: ActionContext) -> Plan | LeftAlone:
        """Read what is needed and decide, once. Raises HighLevelError, TextError or CannotAct; writes nothing."""
        raise NotImplementedError
