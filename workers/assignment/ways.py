"""The ways in which a rule may choose a person."""

from collections.abc import Mapping
from typing import Annotated, ClassVar, TypeAlias

from pydantic import BeforeValidator, Discriminator, Field, Tag, ValidationInfo, WithJsonSchema
from pydantic_core import PydanticCustomError

from workers.assignment.period import Period
from workers.names import DeclaredTeam, Named, People, Person, TeamOrPeople, names_in, whole_number
from workers.values import one_or_many
from workers.words import FAULT, Words, fault, faults, nearest, shown, wrong

HEAVIEST = 1000


class RoundRobin(Words):
    """Each of the team in turn."""

    called: ClassVar[str] = "round_robin"

    round_robin: DeclaredTeam


class LeastBusy(Words):
    """Whoever has the fewest bookings over the day, week or month of the booking."""

    called: ClassVar[str] = "least_busy"

    least_busy: TeamOrPeople
    over: Period = "day"


def _read_weights(value: object, info: ValidationInfo) -> object:
    """People by name, and the weight of each."""
    if isinstance(value, tuple):
        return value
    if not isinstance(value, Mapping):
        raise wrong(f"people and their weights expected, as in {{dana: 50, kim: 30}}, found {shown(value)}")
    if not value:
        raise wrong("at least one person expected")
    weights: dict[str, tuple[Named, int]] = {}
    found = []
    for name, said in value.items():
        try:
            person = names_in(info).person(name)
            if person.id and person.id in weights:
                raise wrong(f"{shown(name)} stands here twice: it is {weights[person.id][0]} too")
        except PydanticCustomError as error:
            told = {**(error.context or {}), "key": True}
            found.append(fault(PydanticCustomError(FAULT, "{message}", told), (name,)))
            continue
        try:
            weights[person.id] = (person, whole_number(said, HEAVIEST))
        except PydanticCustomError as error:
            found.append(fault(error, (name,)))
    if found:
        raise faults("weighted", found)
    return tuple(weights.values())


class Weighted(Words):
    """Each their share of the bookings of a day, week or month."""

    called: ClassVar[str] = "weighted"

    weighted: Annotated[
        tuple[tuple[Named, int], ...],
        BeforeValidator(_read_weights),
        WithJsonSchema(
            {
                "type": "object",
                "additionalProperties": {"type": "integer", "minimum": 1, "maximum": HEAVIEST},
                "minProperties": 1,
            }
        ),
    ]
    over: Period = "month"


class FirstFree(Words):
    """The first in the list who can take it."""

    called: ClassVar[str] = "first_free"

    first_free: People


Way: TypeAlias = Named | RoundRobin | LeastBusy | Weighted | FirstFree

WAYS: Mapping[str, type[Words]] = {
    "round_robin": RoundRobin,
    "least_busy": LeastBusy,
    "weighted": Weighted,
    "first_free": FirstFree,
}

EXPECTED = (
    "a person, {round_robin: team}, {least_busy: team}, {weighted: {person: weight}}, {first_free: [people]} or a list "
    "of these expected"
)


def _way(value: object) -> str | None:
    """The way meant, by its word; parentheses keep it from being taken for a word of the file."""
    match value:
        case Mapping():
            words = [str(word) for word in value]
            word = next((word for word in words if word in WAYS), None)
            word = word or next((near for word in words if (near := nearest(word, WAYS))), None)
            return f"({word})" if word else None
        case Words():
            return f"({value.called})"
        case list() | tuple() | None:
            return None
        case _:
            return "(person)"


OneWay = Annotated[
    Annotated[Person, Tag("(person)")]
    | Annotated[RoundRobin, Tag("(round_robin)")]
    | Annotated[LeastBusy, Tag("(least_busy)")]
    | Annotated[Weighted, Tag("(weighted)")]
    | Annotated[FirstFree, Tag("(first_free)")],
    Discriminator(
        _way, custom_error_type=FAULT, custom_error_message="{message}", custom_error_context={"message": EXPECTED}
    ),
]

Ways = Annotated[tuple[OneWay, ...], BeforeValidator(one_or_many), Field(min_length=1)]
"""One, or several of which the first counts that yields somebody."""
