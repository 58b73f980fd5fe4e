"""One file of rules: the names it declares, and its rules as they stand in it."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final, TypeVar

from pydantic import TypeAdapter, ValidationError

from workers.conduct_words import Conduct
from workers.faults import Fault, placed
from workers.file_words import (
    AREA,
    CALENDAR,
    FIELD,
    FILE,
    HOLIDAYS,
    HOURS,
    PERSON,
    TEAM,
    WORKFLOW,
    event_facts,
    misnamed,
)
from workers.names import NAMES, NO_PROFILE, EventFact, Names
from workers.rule import Heading, Rule
from workers.rule_index import calendars_said
from workers.salvage import Salvaged, salvaged
from workers.spots import Spots
from workers.week_hours import CLOSED
from workers.yaml_nodes import MOST_FAULTS, TOO_MANY, Node, YamlFault, compose

_RULE = TypeAdapter(Rule)
_HEADING = TypeAdapter(Heading)
OF_HEADING: Final = frozenset(Heading.model_fields)
_CONDUCT = TypeAdapter(Conduct)

T = TypeVar("T")


@dataclass(frozen=True)
class Read:
    """A rule, where it stands, and if it has faults what is known of it all the same."""

    rule: Rule
    node: Node
    left: Salvaged | None = None


@dataclass(frozen=True, slots=True)
class Unread:
    """A rule of which only the heading was read. `words`: as it stands in its file, as JSON, which takes a fifth of the
    memory, and none of the collector's time."""

    words: str = field(repr=False)
    defaults: Conduct
    calendars: frozenset[str] | None
    """As `rule_index.calendars_of` tells them, as far as that can be told without reading it."""

    def read(self, names: Names) -> Rule:
        """Raises pydantic's ValidationError."""
        return _RULE.validate_python(json.loads(self.words), context={NAMES: names}).by_default(self.defaults)


class RuleFile:
    """Reads one file step by step, as names of other files become known, and gathers its faults.

    What is wrong stays declared without an id, so that one fault is not told again wherever its name is used.
    """

    def __init__(self, path: str, text: str) -> None:
        self.path = path
        self.faults: list[Fault] = []
        self.readable = True
        self.spots = Spots(text)
        self.root = self._composed(text)
        self.bare = isinstance(self.root.data, list)
        self.words: dict[str, Any] = self.root.data if isinstance(self.root.data, dict) else {}
        try:
            FILE.validate_python({"rules": self.root.data} if self.bare else self.root.data)
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

    def declared(self, scope: Names) -> Names:
        """What it declares without regard to what else is declared."""
        none: dict[str, EventFact] = {}
        return Names(
            calendars=self._declared("calendars", CALENDAR.validate_python, ""),
            workflows=self._declared("workflows", WORKFLOW.validate_python, ""),
            hours=self._declared("hours", HOURS.validate_python, CLOSED),
            holidays=self._declared("holidays", HOLIDAYS.validate_python, frozenset[date]()),
            areas=self._declared("areas", AREA.validate_python, ()),
            fields=self._declared("fields", FIELD.validate_python, ""),
            sources=self._declared("sources", event_facts, none),
            whole=self.readable,
        )

    def people(self, scope: Names) -> Names:
        """Whose hours may go by a name."""
        context = {NAMES: scope}
        declared = self._declared("people", lambda value: PERSON.validate_python(value, context=context), None)
        known = {name: words for name, words in declared.items() if words}
        return Names(
            people={name: known[name].id if name in known else "" for name in declared},
            profiles={words.id: words.profile for words in known.values() if words.profile != NO_PROFILE},
        )

    def teams(self, scope: Names) -> Names:
        context = {NAMES: scope}
        return Names(teams=self._declared("teams", lambda value: TEAM.validate_python(value, context=context), ()))

    def rules(self, scope: Names) -> "Iterator[Read]":
        """The rules that are right, and what can be told of those that are not."""
        defaults = self.defaults(scope)
        for value, node in self._listed():
            try:
                yield Read(_RULE.validate_python(value, context={NAMES: scope}).by_default(defaults), node)
            except ValidationError as error:
                self.faults.extend(placed(self.path, node, error, self.spots))
                if left := salvaged(value, error, scope):
                    self.faults.extend(placed(self.path, node, left.disagreements(scope), self.spots))
                    yield Read(left.rule, node, left)

    def headings(self, scope: Names) -> Iterator[tuple[Heading, Unread, Node]]:
        """The rules as far as it takes to know when to ask them, which is a tenth of the time; those that are right so
        far."""
        defaults = self.defaults(scope)
        for value, node in self._listed():
            words = value if isinstance(value, dict) else {}
            said = {word: words[word] for word in words if word in OF_HEADING}
            try:
                heading = _HEADING.validate_python(said, context={NAMES: scope}).by_default(defaults)
            except ValidationError as error:
                self.faults.extend(placed(self.path, node, error, self.spots))
            else:
                calendars = calendars_said(words.get("if"), scope)
                yield heading, Unread(json.dumps(words), defaults, calendars), node

    def _listed(self) -> Iterator[tuple[Any, Node]]:
        """Whatever stands where its rules should."""
        listed = self.root if self.bare else self.root.part("rules")
        for index, value in enumerate(listed.data if listed and isinstance(listed.data, list) else ()):
            node = self.root.at((index,) if self.bare else ("rules", index))
            if len(self.faults) >= MOST_FAULTS:
                return self.refuse(node, TOO_MANY)
            yield value, node

    def defaults(self, scope: Names) -> Conduct:
        """How its rules behave where they say nothing of it."""
        said = self.words.get("defaults")
        try:
            return Conduct() if said is None else _CONDUCT.validate_python(said, context={NAMES: scope})
        except ValidationError as error:
            self.faults.extend(placed(self.path, self.root.at(("defaults",)), error))
            return Conduct()

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
            if len(self.faults) >= MOST_FAULTS:
                self.refuse(self.root.at((word, name), key=True), TOO_MANY)
                break
            found[name] = nothing
            if message := misnamed(word, name):
                self.refuse(self.root.at((word, name), key=True), message)
                continue
            try:
                found[name] = read(value)
            except ValidationError as error:
                self.faults.extend(placed(self.path, self.root.at((word, name)), error))
        return found
