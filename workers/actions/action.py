"""What every action of a rule is: a mapping of words that begins with `do`, and that can plan its writes."""

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self, TypeVar, assert_never, cast
from uuid import UUID
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator, Field, model_validator

from service.highlevel.operation import Api, Operation
from service.outgoing.posting import Posting
from service.store.alerts import Alarm
from service.store.appointments import LastSeen
from service.store.blocks import Known
from service.store.follows import Bound
from service.store.reservations import Reservation
from service.store.turns import Turn, Turns
from service.trigger import Booking, Subject
from workers.condition_words import If
from workers.conditions import Conditions
from workers.facts import MISSING, Facts
from workers.names import Names
from workers.references import Reference
from workers.templates import MissingFact, Text
from workers.values import one_or_many
from workers.words import Words, fault, faults, wrong

if TYPE_CHECKING:
    from workers.actions import AnyAction

T = TypeVar("T")


@dataclass(frozen=True)
class Write:
    """One write, decided. `sentence` says what it does and why it was chosen; `meant` is what else must be known to
    settle it, or becomes true once it is done."""

    operation: Operation[Any] | Posting | Alarm
    sentence: str
    meant: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Plan:
    """What an action decided, once."""

    writes: tuple[Write, ...]
    turn: Turn | None = None


@dataclass(frozen=True)
class LeftAlone:
    """The action has nothing to write, and why; a turn may have been taken all the same. `otherwise`: it was to do
    something and could not, which is when the step's `otherwise` is done."""

    reason: str
    turn: Turn | None = None
    otherwise: bool = False
    meant: Mapping[str, Any] = field(default_factory=dict)
    """What is kept with the step, such as the candidates of a choice that came to nothing."""


class SoAlready(LeftAlone):
    """It is as the action would make it. To the rules after it that is as good as written."""


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
    blocked: Callable[[Sequence[str], datetime, datetime], Awaitable[Known]]
    """Which time of these people and calendars, of what overlaps a stretch, the location's rules have blocked."""
    bound: Callable[[], Awaitable[Bound]]
    """The blocks that the rule has bound to the booking."""
    event_contact: str | None = None
    """The contact of an event that is about no booking."""

    @property
    def seen(self) -> LastSeen:
        assert self.last_seen is not None, "the action needs a booking, and the event is about none"
        return self.last_seen

    @property
    def booking(self) -> Booking:
        return self.seen.booking

    @property
    def contact_id(self) -> str | None:
        """Of the contact that the event is about."""
        return self.booking.contact_id if self.last_seen else self.event_contact

    def known(self, word: T | Reference) -> T:
        """The value that is meant. Raises MissingFact."""
        if not isinstance(word, Reference):
            return word
        value = self.facts[word.fact.name]
        if value is MISSING:
            raise MissingFact(word.fact.name)
        # Its kind was checked when the rule was read.
        return cast("T", value)


class Action(Words):
    """One thing that a rule can do; its fields are what a rule file may say."""

    needs_contact: ClassVar[bool] = False
    """Whether it acts on a contact, the booking's or the event's own."""

    limited: ClassVar[bool] = False
    """Whether a rule that says nothing of a limit has one for its sake."""

    example: ClassVar[str] = ""
    """One of it, as short as can be; its names are those of the page about rules."""

    knows_series: ClassVar[bool] = False
    """Whether it can be done to a whole series at once."""

    do: str
    """What is done; the action's name."""
    conditions: If = Field(default=Conditions(), validation_alias="if", serialization_alias="if")
    """The step is done only if this holds of the booking as the steps before left it."""
    otherwise: Annotated[tuple["AnyAction", ...], BeforeValidator(one_or_many), Field(max_length=20)] = ()
    """What is done instead where it could not be done: nobody was free, no slot was found, somebody else was first."""
    on_error: Literal["stop", "continue"] = "stop"
    """Whether the rest of the rule is done after this step has failed."""
    scope: Literal["this", "series"] = "this"
    """Of a recurring booking: this one alone, or the whole series."""

    @property
    def acts_on_deleted(self) -> bool:
        """Whether it can act on an appointment that is gone."""
        return False

    @property
    def needs_booking(self) -> bool:
        """Whether it has nothing to act on at an event, or a time of the clock's, that is about no appointment."""
        return True

    @property
    def decides_alone(self) -> bool:
        """Whether no other such action of the same location is planned beside it, for each changes what they decide
        by."""
        return False

    def can_act_on(self, subject: Subject) -> bool:
        """Whether an event about this leaves it something to do."""
        match subject:
            case Subject.APPOINTMENT:
                return True
            case Subject.DELETED_APPOINTMENT:
                return self.acts_on_deleted
            case Subject.SERVICE_BOOKING | Subject.CONTACT:
                return not self.needs_booking
            case Subject.NOTHING:
                return not (self.needs_booking or self.needs_contact)
            case _:
                assert_never(subject)

    @property
    def width(self) -> int:
        """How many steps it counts for, with those that are done otherwise."""
        return 1 + sum(action.width for action in self.otherwise)

    @property
    def facts(self) -> frozenset[str]:
        """The facts that its own words may mention or test; what is done otherwise has its own."""
        return self.mentioned | self.conditions.facts

    @property
    def mentioned(self) -> frozenset[str]:
        """Those that it is planned with, once its `if` holds."""
        words = (getattr(self, name) for name in type(self).model_fields if name not in ("conditions", "otherwise"))
        return frozenset(fact for word in words for fact in _facts(word))

    @model_validator(mode="after")
    def _knows_its_scope(self) -> Self:
        if self.scope == "series" and not self.knows_series:
            message = f"{self.do} acts on one booking, and knows no series"
            raise faults("scope", [fault(wrong(message), ("scope",))])
        return self

    def writes(self) -> frozenset[str]:
        """What it changes, among `assignee`, `starts`, `ends`, `status`, `title` and `blocks`."""
        return frozenset()

    async def plan(self, context: ActionContext) -> Plan | LeftAlone:
        """Read what is needed and decide, once. Raises HighLevelError, TextError or CannotAct; writes nothing."""
        raise NotImplementedError


def numbered(actions: Sequence[Action], first: int = 0) -> Iterator[tuple[int, Action]]:
    """Each with the number of its step; the numbers between are of what is done otherwise."""
    for action in actions:
        yield first, action
        first += action.width


def every(actions: Sequence[Action], first: int = 0) -> Iterator[tuple[int, Action]]:
    """Also those that are done otherwise."""
    for number, action in numbered(actions, first):
        yield number, action
        yield from every(action.otherwise, number + 1)


def _facts(word: object) -> Iterator[str]:
    match word:
        case Text() | Conditions() | Reference():
            yield from word.facts
        case Words():
            for name in type(word).model_fields:
                yield from _facts(getattr(word, name))
        case Mapping():
            for value in word.values():
                yield from _facts(value)
        case tuple():
            for value in word:
                yield from _facts(value)
