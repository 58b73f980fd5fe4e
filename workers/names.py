"""Names that a rule file gives to people, teams and calendars, and the ids they stand for."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from types import MappingProxyType
from typing import Annotated, Any, Final, TypeVar

from pydantic import BeforeValidator, Field, StringConstraints, TypeAdapter, ValidationInfo, WithJsonSchema
from pydantic_core import PydanticCustomError

from workers.kinds import Kind
from workers.other_words import nearest
from workers.week_hours import CLOSED, WEEK_HOURS_SCHEMA, WeekHours, read_week_hours
from workers.words import at_most, in_context, shown, text_wanted, wrong

ID = re.compile(r"[A-Za-z0-9]{12,40}", re.ASCII)
"""What HighLevel's ids look like, generously; a long name may too, and is told apart by `is_id`."""

OWN_TEAM: Final = "calendar"
"""The team that is always there: the people of the booking's calendar."""

CLOCKS: Final = re.compile(r"\d\s*[-–]\s*\d")
"""By which hours are told from a name for some."""

RESERVED: Final = frozenset({"nobody", "anybody", "nothing", "contact_owner", "same_as_before", OWN_TEAM})
"""Words with a meaning where a name may stand."""

DECLARED: Final = (
    "people", "teams", "calendars", "workflows", "hours", "holidays", "areas", "fields", "sources"
)  # fmt: skip
"""The words under which a file declares names."""

WORKFLOW_ID = re.compile(r"[A-Za-z0-9-]{12,40}", re.ASCII)
"""HighLevel names workflows by UUIDs."""

MOST_PEOPLE: Final = 1_000
"""In one list."""

MOST_TOLD: Final = 10
"""Known names in a message about one that is not."""

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
class Profile:
    """What a file says of a person besides their id. `per_day`: the most bookings that they take on one day; `buffer`:
    what they need between two; `hours`: when they work, always where it is None."""

    per_day: int | None = None
    skills: frozenset[str] = frozenset()
    buffer: timedelta = timedelta()
    hours: WeekHours | None = None


NO_PROFILE: Final = Profile()


@dataclass(frozen=True)
class Names:
    """What is declared for one file: its own names, and below them those of its folders.

    `profiles` are by the id of a person; `areas` have the beginnings of their postcodes, `fields` what HighLevel's
    custom fields are called there.
    """

    people: Mapping[str, str] = field(default_factory=dict)
    profiles: Mapping[str, Profile] = field(default_factory=dict)
    teams: Mapping[str, tuple[Named, ...]] = field(default_factory=dict)
    calendars: Mapping[str, str] = field(default_factory=dict)
    workflows: Mapping[str, str] = field(default_factory=dict)
    hours: Mapping[str, WeekHours] = field(default_factory=dict)
    holidays: Mapping[str, frozenset[date]] = field(default_factory=dict)
    areas: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    fields: Mapping[str, str] = field(default_factory=dict)
    sources: Mapping[str, Mapping[str, EventFact]] = field(default_factory=dict)
    whole: bool = True
    """False where a file of names could not be read: what it declares is not told as unknown besides."""

    def __post_init__(self) -> None:
        for word in (*DECLARED, "profiles"):
            object.__setattr__(self, word, MappingProxyType(dict(getattr(self, word))))

    def within(self, inner: "Names") -> "Names":
        """These names with those of an inner file laid over them."""
        both = {word: _over(getattr(self, word), getattr(inner, word)) for word in (*DECLARED, "profiles")}
        return Names(**both, whole=self.whole and inner.whole)

    def profile(self, person: Named) -> Profile:
        return self.profiles.get(person.id, NO_PROFILE)

    def person(self, word: object) -> Named:
        return self._find(word, self.people, "person")

    def calendar(self, word: object) -> Named:
        return self._find(word, self.calendars, "calendar")

    def team(self, word: object) -> Team:
        if isinstance(word, list):
            raise wrong("the name of a team expected, found a list: who belongs to which is said under `teams`")
        if not isinstance(word, str):
            raise text_wanted(word)
        if word == OWN_TEAM:
            return Team(OWN_TEAM, None)
        if word not in self.teams and self.whole:
            raise self.nobody(word, "team", (*self.teams, OWN_TEAM))
        return Team(word, self.teams.get(word, ()))

    def workflow(self, word: object) -> Named:
        return self._find(word, self.workflows, "workflow", WORKFLOW_ID)

    def hours_of(self, word: object) -> WeekHours:
        if isinstance(word, list) or (isinstance(word, str) and word not in self.hours and CLOCKS.search(word)):
            said = f"a name under `hours` expected, found {shown(word)}"
            raise wrong(f"{said}: hours of every day are asked by between, as in between: 09:00-17:00")
        return self._declared(word, self.hours, "hours", CLOSED)

    def person_with(self, id_: str) -> Named:
        return Named(id_, _name_of(id_, self.people))

    def calendar_with(self, id_: str) -> Named:
        return Named(id_, _name_of(id_, self.calendars))

    def _declared(self, word: object, known: Mapping[str, T], what: str, nothing: T) -> T:
        if not isinstance(word, str):
            raise text_wanted(word)
        if word in known:
            return known[word]
        if self.whole:
            raise _no_such(word, what, what, known)
        return nothing

    def nobody(self, word: str, what: str, known: Iterable[str]) -> PydanticCustomError:
        """That there is no person, team or calendar of that name; or that it is another of these."""
        others = {"person": self.people, "team": self.teams, "calendar": self.calendars}
        other = next((each for each, names in others.items() if each != what and word in names), None)
        if other:
            return wrong(f"a {what} expected, and {shown(word)} is a {other}")
        declared = self.workflows if what == "workflow" else others[what]
        return _no_such(word, what, f"{what}s" if what != "person" else "people", declared and known)

    def _find(self, word: object, known: Mapping[str, str], what: str, pattern: re.Pattern[str] = ID) -> Named:
        if not isinstance(word, str):
            raise text_wanted(word)
        if word in known:
            return Named(known[word], word)
        if is_id(word, pattern):
            return Named(word, _name_of(word, known))
        if self.whole:
            raise self.nobody(word, what, known)
        return Named("", word)


def is_id(word: str, pattern: re.Pattern[str] = ID) -> bool:
    """Whether an undeclared word may be an id: it has a figure or a capital within, which a misspelt name has not."""
    return bool(pattern.fullmatch(word)) and any(sign.isdigit() or sign.isupper() for sign in word[1:])


def _no_such(word: str, what: str, under: str, known: Iterable[str]) -> PydanticCustomError:
    """With what was perhaps meant, or else what there is; `under` is where it would be declared."""
    names = list(known)
    hint = nearest(word, names)
    told = f"; none is declared under `{under}`"
    if names:
        more = f" and {len(names) - MOST_TOLD} more" if len(names) > MOST_TOLD else ""
        told = f"; known: {', '.join(names[:MOST_TOLD])}{more}"
    return wrong(f"no {what} named {shown(word)}{'' if hint else told}", hint)


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


def _read_workflow(value: object, info: ValidationInfo) -> Named:
    return value if isinstance(value, Named) else names_in(info).workflow(value)


def _read_hours(value: object, info: ValidationInfo) -> WeekHours:
    if isinstance(value, WeekHours | Mapping):
        return read_week_hours(value)
    return names_in(info).hours_of(value)


def _read_team(value: object, info: ValidationInfo) -> Team:
    return value if isinstance(value, Team) else names_in(info).team(value)


def _read_crew(value: object, info: ValidationInfo) -> Team:
    if not isinstance(value, list):
        return _read_team(value, info)
    members = _SOME_PEOPLE.validate_python(value, context=info.context)
    if not members:
        raise wrong("at least one person expected")
    return Team(None, members)


def _name(what: str) -> dict[str, str]:
    """For editors and the reference."""
    return {"description": what, "type": "string"}


PERSON_SCHEMA: Final[dict[str, Any]] = _name("a person")
TEAM_SCHEMA: Final[dict[str, Any]] = _name("a team")
HOURS_NAME_SCHEMA: Final[dict[str, Any]] = _name("a name under `hours`")

Person = Annotated[Named, BeforeValidator(_read_person), WithJsonSchema(PERSON_SCHEMA)]
Calendar = Annotated[Named, BeforeValidator(_read_calendar), WithJsonSchema(_name("a calendar"))]
Workflow = Annotated[Named, BeforeValidator(_read_workflow), WithJsonSchema(_name("a workflow"))]
SomeHours = Annotated[
    WeekHours, BeforeValidator(_read_hours), WithJsonSchema({"anyOf": [HOURS_NAME_SCHEMA, WEEK_HOURS_SCHEMA]})
]
"""By the name under which they are declared, or said where they are used."""
DeclaredTeam = Annotated[Team, BeforeValidator(_read_team), WithJsonSchema(TEAM_SCHEMA)]
TeamOrPeople = Annotated[
    Team,
    BeforeValidator(_read_crew),
    WithJsonSchema({"anyOf": [TEAM_SCHEMA, {"type": "array", "items": PERSON_SCHEMA, "minItems": 1}]}),
]

Skill = Annotated[str, StringConstraints(strip_whitespace=True, to_lower=True, min_length=1, max_length=50)]
"""What somebody can do, in an author's words; capitals do not count."""

_FEW: Final = BeforeValidator(at_most(MOST_PEOPLE, "people"))

People = Annotated[tuple[Person, ...], _FEW, Field(min_length=1, max_length=MOST_PEOPLE)]

_SOME_PEOPLE: TypeAdapter[tuple[Named, ...]] = TypeAdapter(Annotated[tuple[Person, ...], _FEW])
