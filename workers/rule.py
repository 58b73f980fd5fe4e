"""A rule: when it is asked, if it holds, then what is done."""

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal, Self

from pydantic import (
    BeforeValidator,
    Field,
    PlainValidator,
    StringConstraints,
    TypeAdapter,
    ValidationInfo,
    WithJsonSchema,
    model_validator,
)

from service.event import EXTERNAL, SOURCE_NAME
from service.trigger import Trigger
from workers.actions import AnyAction
from workers.condition_words import If
from workers.conditions import Conditions
from workers.event_facts import EVENT
from workers.names import names_in
from workers.values import one_or_many
from workers.words import Words, fault, faults, shown, wrong

_TRIGGER = TypeAdapter(Trigger)


def _read_trigger(value: object) -> str:
    """One of ours, or `external.` and a source."""
    if not isinstance(value, str) or not value.startswith(EXTERNAL):
        return _TRIGGER.validate_python(value)
    if not SOURCE_NAME.fullmatch(value.removeprefix(EXTERNAL)):
        raise wrong(f"{shown(value)} names no source: small letters, figures, - and _ after {EXTERNAL}")
    return value


AnyTrigger = Annotated[
    str,
    PlainValidator(_read_trigger),
    WithJsonSchema(
        {"anyOf": [{"enum": list(Trigger)}, {"type": "string", "pattern": rf"^external\.{SOURCE_NAME.pattern}$"}]}
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
    when: Annotated[tuple[AnyTrigger, ...], BeforeValidator(one_or_many), Field(min_length=1)]
    conditions: If = Field(default=Conditions(), validation_alias="if", serialization_alias="if")
    then: Annotated[tuple[AnyAction, ...], Field(min_length=1)]

    @property
    def asks_about(self) -> frozenset[str]:
        """The facts that its conditions test."""
        return self.conditions.facts

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
    def _has_something_to_act_on(self) -> Self:
        if set(self.when) == {Trigger.DELETED}:
            idle = [index for index, action in enumerate(self.then) if not action.acts_on_deleted]
            if idle:
                message = "{} has nothing to act on: the rule listens to deleted appointments only"
                raise faults("then", (fault(wrong(message.format(self.then[i].do)), ("then", i)) for i in idle))
        return self


def _of_event(fact: str) -> bool:
    return fact.startswith(EVENT)
