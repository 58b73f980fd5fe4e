"""Names that a rule file gives to people, teams and calendars, and the ids they stand for."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Annotated, Final, TypeVar

from pydantic import BeforeValidator, Field, TypeAdapter, ValidationInfo, WithJsonSchema

from workers.kinds import Kind
from workers.words import in_context, nearest, shown, text_wanted, wrong

ID = re.compile(r"[A-Za-z0-9]{12,40}", re.ASCII)
"""What HighLevel's ids look like, generously; a long name may too, and is told apart by `is_id`."""

OWN_TEAM: Final = "calendar"
"""The team that is always there: the people of the booking's calendar."""

RESERVED: Final = frozenset({"nobody", "anybody", "nothing", "contact_owner", OWN_TEAM})
"""Words with a meaning where a name may stand."""

DECLARED: Final = ("people", "teams", "calendars", "sources")
"""The words under which a file declares names."""

NAMES: Final = "names"
"""The word under which the reader of a file passes its names along."""

T = TypeVar("T")


@dataclass(frozen=True)
class Named:
    """An id and the name that an author knows it by, if any."""

    id: str
    name: str | None = None

    def __str__(self) -> str:
        return self.name or self.id


@dataclass(frozen=True)
class Team:
    """People to choose from; `members` is None for the team of the booking's own calendar."""

    name: str | None
    members: tuple[Named, ...] | None

    def __str__(self) -> str:
        return self.name or ", ".join(str(member) for member in self.members or ())


@dataclass(frozen=True)
class EventFact:
    """What a source's event says, by the name that rules know it by: where it stands in the body, and what it is."""

    path: str
    kind: Kind


@dataclass(frozen=True)
class Names:
    """What is declared for one file: its own names, and below them those of its folders.

    `limits`: by the id of a person, the most bookings that they take on one day.
    """

    people: Mapping[str, str] = field(default_factory=dict)
    limits: Mapping[str, int] = field(default_factory=dict)
    teams: Mapping[str, tuple[Named, ...]] = field(default_factory=dict)
    calendars: Mapping[str, str] = field(default_factory=dict)
    sources: Mapping[str, Mapping[str, EventFact]] = field(default_factory=dict)
    whole: bool = True
    """False where a file of names could not be read: what it declares is not told as unknown besides."""

    def __post_init__(self) -> None:
        for word in (*DECLARED, "limits"):
            object.__setattr__(self, word, MappingProxyType(dict(getattr(self, word))))

    def within(self, inner: "Names") -> "Names":
        """These names with those of an inner file laid over them."""
        return Names(
            people=_over(self.people, inner.people),
            limits=_over(self.limits, inner.limits),
            teams=_over(self.teams, inner.teams),
            calendars=_over(self.calendars, inner.calendars),
            sources=_over(self.sources, inner.sources),
            whole=self.whole and inner.whole,
        )

    def person(self, word: object) -> Named:
        return self._find(word, self.people, "person")

    def calendar(self, word: object) -> Named:
        return self._find(word, self.calendars, "calendar")

    def team(self, word: object) -> Team:
        if not isinstance(word, str):
            raise text_wanted(word)
        if word == OWN_TEAM:
            return Team(OWN_TEAM, None)
        if word not in self.teams and self.whole:
            raise wrong(f"no team named {shown(word)}", nearest(word, (*self.teams, OWN_TEAM)))
        return Team(word, self.teams.get(word, ()))

    def person_with(self, id_: str) -> Named:
        return Named(id_, _name_of(id_, self.people))

    def calendar_with(self, id_: str) -> Named:
        return Named(id_, _name_of(id_, self.calendars))

    def _find(self, word: object, known: Mapping[str, str], what: str) -> Named:
        if not isinstance(word, str):
            raise text_wanted(word)
        if word in known:
            return Named(known[word], word)
        if is_id(word):
            return Named(word, _name_of(word, known))
        if self.whole:
            raise wrong(f"no {what} named {shown(word)}", nearest(word, known))
        return Named("", word)


def is_id(word: str) -> bool:
    """Whether an undeclared word may be an id: it has a figure or a capital within, which a misspelt name has not."""
    return bool(ID.fullmatch(word)) and any(sign.isdigit() or sign.isupper() for sign in word[1:])


def _name_of(id_: str, known: Mapping[str, str]) -> str | None:
    return next((name for name, known_id in known.items() if known_id == id_), None)


def _over(outer: Mapping[str, T], inner: Mapping[str, T]) -> dict[str, T]:
    """The inner ones first, so that an id with two names goes by the nearer one."""
    return {**inner, **{name: value for name, value in outer.items() if name not in inner}}


def names_in(info: ValidationInfo) -> Names:
    """The names that the reader of a file passed along; none where a value is read by itself."""
    names = in_context(info, NAMES)
    return names if isinstance(names, Names) else Names()


def whole_number(value: object, most: int) -> int:
    """A number of bookings, or a weight: from 1 to `most`."""
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= most:
        raise wrong(f"a whole number from 1 to {most} expected, found {shown(value)}")
    return value


def _read_person(value: object, info: ValidationInfo) -> Named:
    return value if isinstance(value, Named) else names_in(info).person(value)


def _read_calendar(value: object, info: ValidationInfo) -> Named:
    return value if isinstance(value, Named) else names_in(info).calendar(value)


def _read_team(value: object, info: ValidationInfo) -> Team:
    return value if isinstance(value, Team) else names_in(info).team(value)


def _read_crew(value: object, info: ValidationInfo) -> Team:
    if not isinstance(value, list):
        return _read_team(value, info)
    members = _SOME_PEOPLE.validate_python(value, context=info.context)
    if not members:
        raise wrong("at least one person expected")
    return Team(None, members)


Person = Annotated[Named, BeforeValidator(_read_person), WithJsonSchema({"type": "string"})]
Calendar = Annotated[Named, BeforeValidator(_read_calendar), WithJsonSchema({"type": "string"})]
DeclaredTeam = Annotated[Team, BeforeValidator(_read_team), WithJsonSchema({"type": "string"})]
TeamOrPeople = Annotated[
    Team,
    BeforeValidator(_read_crew),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "minItems": 1}]}),
]

People = Annotated[tuple[Person, ...], Field(min_length=1)]

_SOME_PEOPLE: TypeAdapter[tuple[Named, ...]] = TypeAdapter(tuple[Person, ...])
