"""The ids that rule files name, held against what a location's account has. Pure: another has read the account."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from workers.actions import StartWorkflow, StopWorkflow
from workers.conditions import questions
from workers.faults import Fault
from workers.names import Named
from workers.operands import Span
from workers.other_words import nearest
from workers.scrutiny.draft import Draft, Written
from workers.words import Place, Words, shown
from workers.yaml_nodes import Node

WORDS: Final[Mapping[str, str]] = {"people": "person", "calendars": "calendar", "fields": "custom field"}
"""Under which a file declares what an account has, and what that is called."""


@dataclass(frozen=True)
class Account:
    """What a location has: by the words of a rule file, names by their ids. A word is left out that nobody may read."""

    location_id: str
    name: str
    known: Mapping[str, Mapping[str, str]]

    def __str__(self) -> str:
        return self.name or self.location_id

    def has(self, word: str, said: str) -> bool:
        """A custom field may be said by its name as well."""
        known = self.known.get(word)
        if known is None or said in known:
            return True
        return word == "fields" and said.strip().casefold() in {name.strip().casefold() for name in known.values()}

    def meant(self, word: str, names: Sequence[str]) -> str | None:
        """The id of whom these names are likely of, with the name there."""
        ids: dict[str, str] = {}
        for id_, name in self.known.get(word, {}).items():
            for part in (name, *name.split()):
                ids.setdefault(part, id_)
        near = next((found for name in names if (found := nearest(name, ids))), None)
        return f"{ids[near]} ({self.known[word][ids[near]]})" if near else None


@dataclass(frozen=True)
class Mention:
    """An id, or a field's name, as it stands in a file: `words` are those under which it may be known."""

    path: str
    node: Node
    words: Sequence[str]
    said: str
    name: str | None
    locations: frozenset[str]
    """Those that it is for, by id or name; none means every one."""


def strangers(draft: Draft, accounts: Sequence[Account]) -> Iterator[Fault]:
    """What none of the accounts has that it is for."""
    for mention in [*_declared(draft), *_written_out(draft)]:
        mine = [
            account
            for account in accounts
            if not mention.locations or {account.location_id, account.name} & mention.locations
        ]
        if not mine or any(account.has(word, mention.said) for account in mine for word in mention.words):
            continue
        what = " or ".join(WORDS[word] for word in mention.words)
        names = [mention.name] if mention.name else []
        names += [mention.said] if "fields" in mention.words else []
        hints = (account.meant(word, names) for account in mine for word in mention.words)
        where = " and ".join(map(str, mine))
        message = f"there is no {what} {shown(mention.said)} in the account of {where}"
        node = mention.node
        yield Fault(mention.path, node.line, node.column, message, next(filter(None, hints), None))


def _declared(draft: Draft) -> Iterator[Mention]:
    for file in draft.files:
        locations = _locations(draft, file.path, file.location, shares=file.shares)
        for word in WORDS:
            declared = file.words.get(word)
            for name, said in declared.items() if isinstance(declared, Mapping) else ():
                place: Place = (word, name)
                if isinstance(said, Mapping):
                    said, place = said.get("id"), (word, name, "id")
                if isinstance(said, str):
                    yield Mention(file.path, file.root.at(place), (word,), said, name, locations)


def _locations(draft: Draft, path: str, own: str | None, *, shares: bool) -> frozenset[str]:
    """Those whose rules may use what a file declares; none where any may."""
    if own is not None:
        return frozenset({own})
    folder, slash, _ = path.rpartition("/")
    users = {
        written.entry.location
        for written in draft.rules
        if written.entry.path == path or (shares and written.entry.path.startswith(folder + slash))
    }
    return frozenset() if None in users else frozenset(user for user in users if user)


def starts_workflows(draft: Draft) -> bool:
    """Whether it names any: they are compared with nothing."""
    steps = (action for written in draft.rules for _, action in written.steps)
    return any(isinstance(action, StartWorkflow | StopWorkflow) for action in steps)


def _written_out(draft: Draft) -> Iterator[Mention]:
    """Ids that stand in a rule itself, where a name may stand."""
    for written in draft.rules:
        entry = written.entry
        ids = {named.id for named in _of_rule(written) if named.name is None and named.id}
        known = {*entry.names.people.values(), *entry.names.calendars.values(), *entry.names.workflows.values()}
        if left := ids - known:
            locations = frozenset({entry.location}) if entry.location else frozenset[str]()
            for node in _texts(written.node):
                if node.data in left:
                    yield Mention(entry.path, node, ("people", "calendars"), node.data, None, locations)


def _of_rule(written: Written) -> Iterator[Named]:
    rule = written.entry.rule
    for conditions in (rule.conditions, *(action.conditions for _, action in written.steps)):
        for question in questions(conditions):
            yield from _named((question.operand, *question.fact.said.values()))
    for _, action in written.steps:
        for name in type(action).model_fields:
            if name not in ("conditions", "otherwise", "workflow"):
                yield from _named(getattr(action, name))


def _named(value: Any) -> Iterator[Named]:
    match value:
        case Named():
            yield value
        case Words():
            for name in type(value).model_fields:
                yield from _named(getattr(value, name))
        case Span(start, end):
            yield from (*_named(start), *_named(end))
        case tuple():
            for each in value:
                yield from _named(each)
        case _:
            for inner in ("person", "calendar", "team", "members"):
                if (found := getattr(value, inner, None)) is not None and not isinstance(value, str):
                    yield from _named(found)


def _texts(node: Node) -> Iterable[Node]:
    """Every text in it, also those under which something stands: people and their weights."""
    if isinstance(node.data, str):
        yield node
    for key in node.inside:
        if isinstance(key, str):
            yield node.at((key,), key=True)
        if part := node.part(key):
            yield from _texts(part)
