"""A rule: when it is asked, if it holds, then what is done."""

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal, Self

from pydantic import BeforeValidator, Field, StringConstraints, model_validator

from service.trigger import Trigger
from workers.actions import AnyAction
from workers.condition_words import If
from workers.conditions import Conditions
from workers.values import one_or_many
from workers.words import Words, fault, faults, wrong


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
    when: Annotated[tuple[Trigger, ...], BeforeValidator(one_or_many), Field(min_length=1)]
    conditions: If = Field(default=Conditions(), validation_alias="if", serialization_alias="if")
    then: Annotated[tuple[AnyAction, ...], Field(min_length=1)]

    @property
    def asks_about(self) -> frozenset[str]:
        """The facts that its conditions test."""
        return self.conditions.facts

    @model_validator(mode="after")
    def _has_something_to_act_on(self) -> Self:
        if set(self.when) == {Trigger.DELETED}:
            idle = [index for index, action in enumerate(self.then) if not action.acts_on_deleted]
            if idle:
                message = "{} has nothing to act on: the rule listens to deleted appointments only"
                raise faults("then", (fault(wrong(message.format(self.then[i].do)), ("then", i)) for i in idle))
        return self
