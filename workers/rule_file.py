"""One file of rules: the names it declares, and its rules as they stand in it."""

import re
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Annotated, Any, ClassVar, Literal, TypeVar

from pydantic import BeforeValidator, Field, TypeAdapter, ValidationError

from service.event import SOURCE_NAME
from workers.event_facts import KINDS
from workers.faults import Fault, placed
from workers.names import ID, NAMES, RESERVED, EventFact, Named, Names, Person, whole_number
from workers.rule import Rule
from workers.words import Words, fault, faults, shown, text_wanted, wrong
from workers.yaml_nodes import Node, YamlFault, compose

PATH = re.compile(r"[^.\s]+(\.[^.\s]+)*")
FACT_NAME = re.compile(r"[a-z][a-z0-9_]*", re.ASCII)


def _read_id(value: object) -> str:
    if not isinstance(value, str):
        raise text_wanted(value)
    if not ID.fullmatch(value):
        raise wrong(f"{shown(value)} is no HighLevel id, which has 12 to 40 letters and digits")
    return value


Id = Annotated[str, BeforeValidator(_read_id)]

MOST_A_DAY = 200


class PersonWords(Words):
    """What a file says about a person."""

    called: ClassVar[str] = "a person"

    id: Id
    per_day: Annotated[int | None, BeforeValidator(partial(whole_number, most=MOST_A_DAY))] = None
    """The most bookings that they are given on one day, whatever their calendars."""


def _read_path(value: object) -> str:
    if not isinstance(value, str):
        raise text_wanted(value)
    if not PATH.fullmatch(value):
        raise wrong(f"{shown(value)} is no path such as data.employee.id: words and numbers with dots between them")
    return value


class EventFactWords(Words):
    """What a file says about one fact of an event."""

    called: ClassVar[str] = "a fact of an event"

    path: Annotated[str, BeforeValidator(_read_path)]
    kind: Literal["text", "number", "moment", "duration", "flag", "person", "calendar"] = "text"


class FileWords(Words):
    """The words that a file begins with."""

    called: ClassVar[str] = "a file"

    location: Annotated[str, Field(min_length=1)] | None = None
    people: dict[str, Any] = Field(default_factory=dict)
    teams: dict[str, Any] = Field(default_factory=dict)
    calendars: dict[str, Any] = Field(default_factory=dict)
    sources: dict[str, Any] = Field(default_factory=dict)
    rules: list[Any] = Field(default_factory=list)


def _person_id(value: object) -> object:
    return value if isinstance(value, Mapping) else {"id": value}


def _fact_path(value: object) -> object:
    return value if isinstance(value, Mapping) else {"path": value}


_FILE = TypeAdapter(FileWords)
_PERSON = TypeAdapter[PersonWords](Annotated[PersonWords, BeforeValidator(_person_id)])
_CALENDAR = TypeAdapter[str](Id)
_TEAM = TypeAdapter[tuple[Named, ...]](Annotated[tuple[Person, ...], Field(min_length=1)])
_SOURCE = TypeAdapter[dict[str, EventFactWords]](
    dict[str, Annotated[EventFactWords, BeforeValidator(_fact_path)]],
)
_RULE = TypeAdapter(Rule)

T = TypeVar("T")


def _event_facts(value: object) -> dict[str, EventFact]:
    """The facts of one source. Raises ValidationError."""
    facts = _SOURCE.validate_python(value)
    if misnamed := [name for name in facts if not FACT_NAME.fullmatch(name)]:
        said = "is no name for a fact: small letters, figures and _"
        raise faults("a source", [fault(wrong(f"{name!r} {said}", key=True), (name,)) for name in misnamed])
    return {name: EventFact(words.path, KINDS[words.kind]) for name, words in facts.items()}


class RuleFile:
    """Reads one file step by step, as names of other files become known, and gathers its faults.

    What is wrong stays declared without an id, so that one fault is not told again wherever its name is used.
    """

    def __init__(self, path: str, text: str) -> None:
        self.path = path
        self.faults: list[Fault] = []
        self.readable = True
        self.root = self._composed(text)
        self.bare = isinstance(self.root.data, list)
        self.words: dict[str, Any] = self.root.data if isinstance(self.root.data, dict) else {}
        try:
            _FILE.validate_python({"rules": self.root.data} if self.bare else self.root.data)
        except ValidationError as error:
            self.faults.extend(placed(path, self.root, error))

    @property
    def shares(self) -> bool:
        """Whether its names hold for its folder and below: it has names only."""
        return not self.bare and "rules" not in self.words

    @property
    def location(self) -> str | None:
        location = self.words.get("location")
        return location if isinstance(location, str) else None

    def people_and_calendars(self) -> Names:
        declared = self._declared("people", _PERSON.validate_python, None)
        people = {name: words.id if words else "" for name, words in declared.items()}
        limits = {words.id: words.per_day for words in declared.values() if words and words.per_day}
        calendars = self._declared("calendars", _CALENDAR.validate_python, "")
        none: dict[str, EventFact] = {}
        sources = self._declared("sources", _event_facts, none)
        return Names(people=people, limits=limits, calendars=calendars, sources=sources, whole=self.readable)

    def teams(self, scope: Names) -> Names:
        context = {NAMES: scope}
        return Names(teams=self._declared("teams", lambda value: _TEAM.validate_python(value, context=context), ()))

    def rules(self, scope: Names) -> Iterator[tuple[Rule, Node]]:
        """The rules that are right, each with where it stands."""
        listed = self.root if self.bare else self.root.parts.get("rules")
        for index, value in enumerate(listed.data if listed and isinstance(listed.data, list) else ()):
            node = self.root.at((index,) if self.bare else ("rules", index))
            try:
                yield _RULE.validate_python(value, context={NAMES: scope}), node
            except ValidationError as error:
                self.faults.extend(placed(self.path, node, error))

    def refuse(self, node: Node, message: str) -> None:
        self.faults.append(Fault(self.path, node.line, node.column, message))

    def _composed(self, text: str) -> Node:
        try:
            root, wrong_keys = compose(text)
        except YamlFault as fault:
            root, wrong_keys = None, [fault]
            self.readable = False
        self.faults.extend(Fault(self.path, each.line, each.column, each.message) for each in wrong_keys)
        return root if root and root.data is not None else Node(1, 1, {})

    def _declared(self, word: str, read: Callable[[Any], T], nothing: T) -> dict[str, T]:
        declared = self.words.get(word)
        found: dict[str, T] = {}
        for name, value in declared.items() if isinstance(declared, dict) else ():
            found[name] = nothing
            if name in RESERVED or not name.strip():
                self.refuse(self.root.at((word, name), key=True), f"{name!r} means something else and is no name")
                continue
            if word == "sources" and not SOURCE_NAME.fullmatch(name):
                message = f"{name!r} is no name for a source: small letters, figures, - and _"
                self.refuse(self.root.at((word, name), key=True), message)
                continue
            try:
                found[name] = read(value)
            except ValidationError as error:
                self.faults.extend(placed(self.path, self.root.at((word, name)), error))
        return found
