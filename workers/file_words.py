"""The words that a rule file begins with, and what may stand under each of them."""

import re
from collections.abc import Mapping
from datetime import date, timedelta
from functools import partial
from typing import Annotated, Any, ClassVar, Final, Literal

from annotated_types import MinLen
from pydantic import (
    BeforeValidator,
    Field,
    PlainValidator,
    StringConstraints,
    TypeAdapter,
    ValidationError,
    WithJsonSchema,
)
from pydantic_core import PydanticCustomError

from service.event import SOURCE_NAME
from workers.areas import POSTCODE
from workers.event_facts import KINDS
from workers.names import (
    ID,
    RESERVED,
    WORKFLOW_ID,
    EventFact,
    Named,
    People,
    Profile,
    Skill,
    SomeHours,
    whole_number,
)
from workers.values import DATE, Duration, one_or_many, read_days
from workers.week_hours import AnyWeekHours, WeekHours
from workers.words import Words, fault, faults, shown, text_wanted, wrong

PATH = re.compile(r"(?!\$\.)[^.\s]+(\.[^.\s]+)*")
FACT_NAME = re.compile(r"[a-z][a-z0-9_]*", re.ASCII)
FIELD_NAME = re.compile(r"[A-Za-z_][\w-]*", re.ASCII)
"""With a hyphen conditions can ask for it, and no text."""


def _matching(pattern: re.Pattern[str], what: str) -> BeforeValidator:
    """Text that is wholly of this form."""

    def read(value: object) -> str:
        if not isinstance(value, str):
            raise text_wanted(value)
        if not pattern.fullmatch(value):
            raise wrong(f"{shown(value)} is no {what}")
        return value

    return BeforeValidator(read)


Id = Annotated[
    str,
    _matching(ID, "HighLevel id, which has 12 to 40 letters and digits"),
    WithJsonSchema({"description": "an id of HighLevel's", "type": "string", "pattern": f"^{ID.pattern}$"}),
]

MOST_A_DAY = 200

_PER_DAY = WithJsonSchema({"type": "integer", "minimum": 1, "maximum": MOST_A_DAY})


class PersonWords(Words):
    """What a file says about a person."""

    called: ClassVar[str] = "a person"

    id: Id
    """Their id at HighLevel."""
    per_day: Annotated[int | None, BeforeValidator(partial(whole_number, most=MOST_A_DAY)), _PER_DAY] = None
    """The most bookings that they are given on one day, whatever their calendars."""
    skills: Annotated[tuple[Skill, ...], BeforeValidator(one_or_many)] = ()
    """What they can do, in words of your own, which `needs` asks for."""
    buffer: Duration = timedelta()
    """Time that they need between two bookings."""
    hours: SomeHours | None = None
    """When they work: a name under `hours`, or the hours themselves. Always, where nothing is said."""

    @property
    def profile(self) -> Profile:
        return Profile(self.per_day, frozenset(self.skills), self.buffer, self.hours)


_Path = Annotated[
    str,
    _matching(PATH, "path such as data.employee.id: words and numbers with dots between them"),
    WithJsonSchema({"description": "a path", "type": "string", "examples": ["data.employee.id"]}),
]


class EventFactWords(Words):
    """What a file says about one fact of an event."""

    called: ClassVar[str] = "a fact of an event"

    path: _Path
    """Where it stands in the body that is posted: words, and numbers of items, with dots between them."""
    kind: Literal["text", "number", "moment", "duration", "flag", "person", "calendar"] = "text"
    """What it is."""


class FileWords(Words):
    """A file: the names that it declares, and its rules."""

    called: ClassVar[str] = "a file"
    elsewhere: ClassVar[Mapping[str, str]] = dict.fromkeys(
        ("name", "description", "when", "if", "then", "mode"), "it belongs to a rule, in the list under `rules`"
    )

    location: Annotated[str, Field(min_length=1)] | None = None
    """The location that its rules are for, by id or name; every location, where nothing is said."""
    people: dict[str, Any] = Field(default_factory=dict)
    """Who can be named, each with an id or with what else is known of them."""
    teams: dict[str, Any] = Field(default_factory=dict)
    """People to choose from; the team `calendar` is always there, and has the people of the booking's calendar."""
    calendars: dict[str, Any] = Field(default_factory=dict)
    """Calendars by the name that rules know them by."""
    workflows: dict[str, Any] = Field(default_factory=dict)
    """Workflows of HighLevel's, each with its id."""
    hours: dict[str, Any] = Field(default_factory=dict)
    """Hours by the week, for `during`, `outside` and people."""
    holidays: dict[str, Any] = Field(default_factory=dict)
    """Lists of dates, for `on` and `except`."""
    areas: dict[str, Any] = Field(default_factory=dict)
    """Parts of the country, each by how its postcodes begin."""
    fields: dict[str, Any] = Field(default_factory=dict)
    """Custom fields of contacts, each with its name at HighLevel or its id."""
    sources: dict[str, Any] = Field(default_factory=dict)
    """What other systems post, and where in it each fact stands."""
    defaults: Any = None
    """Words of conduct that hold for each rule of the file which says nothing of them."""
    rules: list[Any] = Field(default_factory=list)
    """The rules, in order."""


def _read_dates(value: object) -> frozenset[date]:
    found = read_days(value).dates
    if isinstance(value, list):
        weekdays = [(place, each) for place, each in enumerate(value) if read_days(each).weekdays]
        if weekdays:
            message = "a date such as 2027-03-26 expected, found {}"
            raise faults("holidays", [fault(wrong(message.format(shown(each))), (place,)) for place, each in weekdays])
    elif not found:
        raise wrong(f"dates such as 2027-03-26 expected, found {shown(value)}")
    return found


_DATE = {"description": "a date", "type": "string", "pattern": f"^{DATE.pattern}$", "examples": ["2027-03-26"]}
_DATES = WithJsonSchema({"anyOf": [_DATE, {"type": "array", "items": _DATE, "minItems": 1}]})

_POSTCODE = {
    "description": "how a postcode begins",
    "type": ["string", "integer"],
    "examples": ["LS", "DN14", "902"],
}


def _read_postcode(value: object) -> str:
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if not isinstance(text, str):
        raise text_wanted(value)
    if not POSTCODE.fullmatch(text.strip().upper()):
        raise wrong(f"{shown(value)} is not how a postcode begins, as LS, DN14 or 902")
    return text.strip()


def _person_id(value: object) -> object:
    return value if isinstance(value, Mapping) else {"id": value}


def _fact_path(value: object) -> object:
    return value if isinstance(value, Mapping) else {"path": value}


FILE: Final = TypeAdapter(FileWords)
PERSON: Final = TypeAdapter[PersonWords](
    Annotated[PersonWords, BeforeValidator(_person_id, json_schema_input_type=Id | PersonWords)]
)
CALENDAR: Final = TypeAdapter[str](Id)
WORKFLOW: Final = TypeAdapter[str](
    Annotated[
        str,
        _matching(WORKFLOW_ID, "workflow's id, which has 12 to 40 letters, figures and hyphens"),
        WithJsonSchema({"description": "a workflow's id", "type": "string", "pattern": f"^{WORKFLOW_ID.pattern}$"}),
    ]
)
HOURS: Final = TypeAdapter[WeekHours](AnyWeekHours)
HOLIDAYS: Final = TypeAdapter[frozenset[date]](Annotated[frozenset[date], PlainValidator(_read_dates), _DATES])
AREA: Final = TypeAdapter[tuple[str, ...]](
    Annotated[
        tuple[Annotated[str, BeforeValidator(_read_postcode), WithJsonSchema(_POSTCODE)], ...],
        BeforeValidator(one_or_many),
        MinLen(1),
    ]
)
FIELD: Final = TypeAdapter[str](Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)])
TEAM: Final = TypeAdapter[tuple[Named, ...]](People)
SOURCE: Final = TypeAdapter[dict[str, EventFactWords]](
    dict[str, Annotated[EventFactWords, BeforeValidator(_fact_path, json_schema_input_type=_Path | EventFactWords)]],
)


def misnamed(word: str, name: str) -> str | None:
    """Why nothing that stands under this word of a file can be called so."""
    if name in RESERVED or not name.strip() or (word == "holidays" and _is_day(name)):
        return f"{name!r} means something else and is no name"
    if word == "sources" and not SOURCE_NAME.fullmatch(name):
        return f"{name!r} is no name for a source: small letters, figures, - and _"
    if word == "fields" and not FIELD_NAME.fullmatch(name):
        return f"{name!r} is no name for a field: letters, figures and _, as in contact.fields.language"
    return None


def _is_day(name: str) -> bool:
    try:
        read_days(name)
    except (PydanticCustomError, ValidationError):
        return False
    return True


def event_facts(value: object) -> dict[str, EventFact]:
    """The facts of one source. Raises ValidationError."""
    facts = SOURCE.validate_python(value)
    if misnamed := [name for name in facts if not FACT_NAME.fullmatch(name)]:
        said = "is no name for a fact: small letters, figures and _"
        raise faults("a source", [fault(wrong(f"{name!r} {said}", key=True), (name,)) for name in misnamed])
    return {name: EventFact(words.path, KINDS[words.kind]) for name, words in facts.items()}
