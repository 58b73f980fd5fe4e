"""The ways in which a rule may choose a person."""

from collections.abc import Mapping
from typing import Annotated, ClassVar, Final, Literal, TypeAlias

from pydantic import BeforeValidator, Discriminator, Field, Tag, ValidationInfo, WithJsonSchema
from pydantic_core import PydanticCustomError

from workers.kinds import Kind
from workers.names import (
    OWN_TEAM,
    PERSON_SCHEMA,
    DeclaredTeam,
    Named,
    People,
    TeamOrPeople,
    is_id,
    names_in,
    whole_number,
)
from workers.other_words import nearest
from workers.periods import Period
from workers.references import Reference, or_fact
from workers.values import SomeDuration, one_or_many
from workers.words import FAULT, Words, fault, faults, shown, wrong

HEAVIEST = 1000


class RoundRobin(Words):
    """Each of the team in turn."""

    called: ClassVar[str] = "round_robin"

    round_robin: DeclaredTeam
    """The team."""


class LeastBusy(Words):
    """Whoever has the fewest bookings over the day, week or month of the booking."""

    called: ClassVar[str] = "least_busy"

    least_busy: TeamOrPeople
    """A team, or a list of people."""
    over: Period = "day"
    """Over how long bookings are counted."""


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
                "description": "people and their weights",
                "additionalProperties": {"type": "integer", "minimum": 1, "maximum": HEAVIEST},
                "minProperties": 1,
                "examples": [{"dana": 50, "kim": 30}],
            }
        ),
    ]
    """People, each with a weight."""
    over: Period = "month"
    """How long shares add up, before all begin anew."""


class FirstFree(Words):
    """The first in the list who can take it."""

    called: ClassVar[str] = "first_free"

    first_free: People
    """People, in the order in which they are asked."""


class Before(Words):
    """Which of a contact's earlier bookings count."""

    called: ClassVar[str] = "same_as_before"

    within: SomeDuration | None = None
    """How long before this booking's start it may have been; any time, where nothing is said."""


class SameAsBefore(Words):
    """Who had the contact's latest booking before this one."""

    called: ClassVar[str] = "same_as_before"

    same_as_before: Before
    """Which earlier bookings count."""


OWNER: Final = "contact_owner"
"""The word for whoever owns the contact."""

Way: TypeAlias = (
    Named | Reference | RoundRobin | LeastBusy | Weighted | FirstFree | SameAsBefore | Literal["contact_owner"]
)

WAYS: Mapping[str, type[Words]] = {
    "round_robin": RoundRobin,
    "least_busy": LeastBusy,
    "weighted": Weighted,
    "first_free": FirstFree,
    "same_as_before": SameAsBefore,
}

EXAMPLES: Final[Mapping[str, str]] = {
    "round_robin": "{round_robin: calendar}",
    "least_busy": "{least_busy: calendar}",
    "weighted": "{weighted: {dana: 50, kim: 30}}",
    "first_free": "{first_free: [dana, kim]}",
}
"""Of those that need to be told among whom."""

EXPECTED = (
    "a person, {round_robin: team}, {least_busy: team}, {weighted: {person: weight}}, {first_free: [people]}, "
    "{same_as_before: {within: 180d}}, contact_owner or a list of these expected"
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
        case SameAsBefore.called:
            return f"({value})"
        case list() | tuple() | None:
            return None
        case _:
            return "(person)"


def _read_person(value: object, info: ValidationInfo) -> object:
    if isinstance(value, Named) or value == OWNER:
        return value
    names = names_in(info)
    if isinstance(value, str) and value in names.teams and value not in names.people:
        message = f"a person expected, and {shown(value)} is a team, of which somebody must be chosen"
        raise wrong(message, f"{{round_robin: {value}}}")
    if value == OWN_TEAM:
        raise wrong(f"a person expected, and {shown(value)} is the calendar's team", f"{{round_robin: {value}}}")
    if isinstance(value, str) and value in EXAMPLES and value not in names.people:
        raise wrong(f"{shown(value)} does not say among whom somebody is chosen", EXAMPLES[value])
    if isinstance(value, str) and names.whole and value not in names.people and not is_id(value):
        raise names.nobody(value, "person", (*names.people, OWNER, SameAsBefore.called))
    return names.person(value)


def _whenever(value: object) -> object:
    """The word alone is enough where it may be any time ago."""
    return {value: {}} if value == SameAsBefore.called else value


_SOMEBODY = {"anyOf": [PERSON_SCHEMA, {"enum": [OWNER, SameAsBefore.called]}]}

OneWay = Annotated[
    Annotated[
        Named | Reference | Literal["contact_owner"],
        *or_fact(Kind.PERSON, _read_person, _SOMEBODY),
        Tag("(person)"),
    ]
    | Annotated[RoundRobin, Tag("(round_robin)")]
    | Annotated[LeastBusy, Tag("(least_busy)")]
    | Annotated[Weighted, Tag("(weighted)")]
    | Annotated[FirstFree, Tag("(first_free)")]
    | Annotated[SameAsBefore, BeforeValidator(_whenever), Tag("(same_as_before)")],
    Discriminator(
        _way, custom_error_type=FAULT, custom_error_message="{message}", custom_error_context={"message": EXPECTED}
    ),
]

Ways = Annotated[tuple[OneWay, ...], BeforeValidator(one_or_many), Field(min_length=1)]
"""One, or several of which the first counts that yields somebody."""
