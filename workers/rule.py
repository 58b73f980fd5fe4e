"""A rule: when it is asked, if it holds, then what is done."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from functools import cached_property
from typing import Annotated, ClassVar, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import (
    BeforeValidator,
    Field,
    PlainValidator,
    StrictBool,
    StringConstraints,
    TypeAdapter,
    ValidationInfo,
    WithJsonSchema,
    model_validator,
)

from service.event import EXTERNAL, SOURCE_NAME
from service.store.conduct import Limit
from service.trigger import TAKES_NO_TIME, Booking, Trigger
from workers.actions import AnyAction, Reschedule
from workers.condition_words import If
from workers.conditions import Conditions
from workers.conduct_words import AnyLimit, BeforeStart, OncePer
from workers.event_facts import EVENT
from workers.moments import EXAMPLES, PATTERN, AnyMoment, BookingMoment, ClockMoment, is_moment, read_moment
from workers.names import names_in
from workers.values import SomeDuration, one_or_many
from workers.words import Words, fault, faults, shown, wrong

_TRIGGER = TypeAdapter(Trigger)

MOVES = Limit(20, timedelta(hours=1))

LATE = timedelta(minutes=15)


def _read_trigger(value: object) -> str:
    """One of ours, `external.` and a source, or a moment's words."""
    if isinstance(value, str) and is_moment(value):
        return read_moment(value).words
    if not isinstance(value, str) or not value.startswith(EXTERNAL):
        return _TRIGGER.validate_python(value)
    if not SOURCE_NAME.fullmatch(value.removeprefix(EXTERNAL)):
        raise wrong(f"{shown(value)} names no source: small letters, figures, - and _ after {EXTERNAL}")
    return value


AnyTrigger = Annotated[
    str,
    PlainValidator(_read_trigger),
    WithJsonSchema(
        {
            "anyOf": [
                {"enum": list(Trigger)},
                {"type": "string", "pattern": rf"^external\.{SOURCE_NAME.pattern}$"},
                {"type": "string", "pattern": PATTERN, "examples": list(EXAMPLES)},
            ]
        }
    ),
]


class Rule(Words):
    """One rule as its author writes it; names in it stand for ids since it was read."""

    called: ClassVar[str] = "a rule"
    because: ClassVar[Mapping[str, str]] = {
        "name": "it is how the rule is known ever after",
        "when": "what it listens to",
        "then": "what it does",
    }

    name: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]
    description: str | None = None
    mode: Literal["live", "shadow", "off"] = "shadow"
    on_own_changes: StrictBool = False
    override_people: StrictBool = False
    once_per: OncePer | None = None
    limit: AnyLimit | None = None
    not_after: BeforeStart | None = None
    when: Annotated[tuple[AnyTrigger, ...], BeforeValidator(one_or_many), Field(min_length=1)]
    late: SomeDuration = LATE
    conditions: If = Field(default=Conditions(), validation_alias="if", serialization_alias="if")
    then: Annotated[tuple[AnyAction, ...], Field(min_length=1)]

    @property
    def most(self) -> Limit | None:
        """How often it may act in one location: what it says, or what holds for a rule that moves bookings."""
        return self.limit or (MOVES if any(isinstance(action, Reschedule) for action in self.then) else None)

    @property
    def asks_about(self) -> frozenset[str]:
        """The facts that its conditions test."""
        return self.conditions.facts

    @cached_property
    def moments(self) -> tuple[AnyMoment, ...]:
        """Those it waits for."""
        return tuple(read_moment(word) for word in self.when if is_moment(word))

    def due(self, booking: Booking, zone: ZoneInfo) -> Iterator[tuple[BookingMoment, datetime]]:
        """The instants at which it is asked about this booking.

        None for one that is deleted or, unless the rule tests `status`, cancelled: what is over stays alone.
        """
        if booking.deleted or (booking.status in TAKES_NO_TIME - {"noshow"} and "status" not in self.asks_about):
            return
        for moment in self.moments:
            if isinstance(moment, BookingMoment) and (instant := moment.of(booking, zone)):
                yield moment, instant

    @property
    def sources(self) -> frozenset[str]:
        """The sources whose events it listens to."""
        return frozenset(word.removeprefix(EXTERNAL) for word in self.when if word.startswith(EXTERNAL))

    @model_validator(mode="after")
    def _asks_about_events_it_hears_of(self, info: ValidationInfo) -> Self:
        declared = names_in(info).sources
        heard = {EVENT + fact for source in self.sources for fact in declared.get(source, ())}
        asked = {("if",): self.asks_about} | {("then", place): action.facts for place, action in enumerate(self.then)}
        deaf = [(place, name) for place, facts in asked.items() for name in sorted(facts - heard) if _of_event(name)]
        if deaf:
            message = "{} is of no event that the rule listens to: it is declared under `sources` for another"
            raise faults("a rule", (fault(wrong(message.format(name)), place) for place, name in deaf))
        return self

    @model_validator(mode="after")
    def _waits_for_different_moments(self) -> Self:
        repeated = [each.words for place, each in enumerate(self.moments) if each in self.moments[:place]]
        if repeated:
            raise faults("when", (fault(wrong(f"{word} is said twice"), ("when",)) for word in repeated))
        if "late" in self.model_fields_set and not self.moments:
            message = "late is how late a moment may come, and the rule waits for none"
            raise faults("late", [fault(wrong(message, key=True), ("late",))])
        return self

    @model_validator(mode="after")
    def _has_something_to_act_on(self) -> Self:
        """On an appointment that is gone, or at a time of the clock's, which is about none, most actions cannot act."""
        heard, clock = set(self.when), {each.words for each in self.moments if isinstance(each, ClockMoment)}
        if heard - clock - {Trigger.DELETED}:
            return self
        gone, told = Trigger.DELETED in heard, ["times of the clock"] if clock else []
        message = (
            f"has nothing to act on: the rule listens to {' and '.join(['deleted appointments'] * gone + told)} only"
        )
        idle = [
            fault(wrong(f"{action.do} {message}"), ("then", place))
            for place, action in enumerate(self.then)
            if not (gone and action.acts_on_deleted) and not (clock and not action.needs_booking)
        ]
        if idle:
            raise faults("then", idle)
        return self


def _of_event(fact: str) -> bool:
    return fact.startswith(EVENT)
