"""Names that a file declares and no rule uses."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from workers.actions import Assign
from workers.assignment.ways import OWNER, LeastBusy, RoundRobin, SameAsBefore
from workers.conditions import Question, questions
from workers.contact_facts import FIELDS
from workers.facts import MISSING
from workers.faults import Fault
from workers.names import DECLARED
from workers.references import Reference
from workers.rule_file import RuleFile
from workers.scrutiny.draft import Draft, Written

KNOWN_BY_NAME: Final = frozenset({"people", "calendars"})
"""In a file of names they are an account's, all of them, and are shown by name wherever they come up."""

AREA: Final = ".area"
"""How the names of facts end that are areas."""

OWNERS: Final = ("assignee", "owner")
"""Of the names of facts that are people whom no rule names."""


@dataclass(frozen=True)
class Used:
    """What some files say: whole texts and words, and those among them in which names may stand within."""

    texts: frozenset[str]
    templates: str
    """Of these, all that may have names within."""
    fields: frozenset[str]
    anybody: bool
    """Whether people come up whom no rule names."""
    calendars: bool
    """Whether calendars do."""
    areas: bool
    """Whether any of them may matter: they are compared with one another, or told, or some are left out."""

    def uses(self, word: str, name: str) -> bool:
        if word == "sources":
            return f"external.{name}" in self.texts
        if word == "fields":
            return name in self.fields
        if (word == "people" and self.anybody) or (word == "calendars" and self.calendars):
            return True
        if word == "areas" and self.areas:
            return True
        return name in self.texts or name in self.templates


def unused(draft: Draft) -> Iterator[Fault]:
    """What is used is found as text: in a rule, a team, a person's hours, or inside a text. Nothing is told where no
    rule could use it yet."""
    texts = {file.path: frozenset(_texts(file.root.data)) for file in draft.files}
    rules: dict[str, list[Written]] = {}
    for written in draft.rules:
        rules.setdefault(written.entry.path, []).append(written)
    for file in draft.files:
        declared = [word for word in DECLARED if isinstance(file.words.get(word), Mapping)]
        if not declared:
            continue
        reached = [other.path for other in draft.files if other is file or (file.shares and _below(file, other))]
        within = [written for path in reached for written in rules.get(path, ())]
        if not within:
            continue
        used = _used(frozenset[str]().union(*(texts[path] for path in reached)), within)
        for word in declared:
            for name in file.words[word] if not (file.shares and word in KNOWN_BY_NAME) else ():
                if not used.uses(word, name):
                    spot = file.root.at((word, name), key=True)
                    yield Fault(file.path, spot.line, spot.column, f"{name!r} under `{word}` is used by no rule")


def _used(texts: frozenset[str], rules: Iterable[Written]) -> Used:
    facts: set[str] = set()
    told: set[str] = set()
    anybody = every_area = False
    for written in rules:
        facts.update(written.entry.rule.asks_about)
        every = (written.entry.rule.conditions, *(action.conditions for _, action in written.steps))
        asked = [question for conditions in every for question in questions(conditions)]
        told.update(fact.name for each in asked if each.referring for fact in (each.fact, *each.referring))
        every_area = every_area or any(map(_asks_for_every_area, asked))
        for _, action in written.steps:
            facts.update(action.facts)
            told.update(action.mentioned)
            anybody = anybody or (isinstance(action, Assign) and any(map(_names_nobody, action.to)))
    return Used(
        texts,
        "\n".join(text for text in texts if "{{" in text or "{%" in text),
        frozenset(fact.removeprefix(FIELDS) for fact in facts if fact.startswith(FIELDS)),
        anybody or any(part in fact.split(".") for fact in facts for part in OWNERS),
        "calendar.name" in facts,
        every_area or any(fact.endswith(AREA) for fact in told),
    )


def _asks_for_every_area(question: Question) -> bool:
    """Whether it is about an area, and which ones it holds of it does not name."""
    if not question.fact.name.endswith(AREA):
        return False
    named = question.operand if isinstance(question.operand, tuple) else (question.operand,)
    return question.test not in ("is", "in") or MISSING in named or "not" in question.under


def _names_nobody(way: object) -> bool:
    """Whether it chooses among people whom the file does not list."""
    match way:
        case RoundRobin(round_robin=team) | LeastBusy(least_busy=team):
            return team.members is None
        case SameAsBefore() | Reference():
            return True
        case _:
            return way == OWNER


def _below(file: RuleFile, other: RuleFile) -> bool:
    folder, slash, _ = file.path.rpartition("/")
    return other.path.startswith(folder + slash)


def _texts(data: Any, declares: bool = True) -> Iterator[str]:
    """Every text but the names that the file declares."""
    match data:
        case str():
            yield data
        case Mapping():
            for key, value in data.items():
                if declares and key in DECLARED and isinstance(value, Mapping):
                    for inner in value.values():
                        yield from _texts(inner, declares=False)
                    continue
                if not declares or key not in DECLARED:
                    yield str(key)
                yield from _texts(value, declares=False)
        case list():
            for value in data:
                yield from _texts(value, declares=False)
