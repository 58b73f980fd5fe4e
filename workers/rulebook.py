"""A rulebook: the rules of a set of files, in order, with the names that each of them knows."""

import gc
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from pathlib import PurePosixPath
from types import MappingProxyType
from typing import Final, Self

from pydantic import ValidationError

from workers.faults import Fault, RulebookFaults, placed
from workers.kinds import Kind
from workers.names import DECLARED, Names
from workers.rule import Heading, Rule
from workers.rule_file import Read, RuleFile, Unread
from workers.rule_index import RuleIndex, calendars_of
from workers.yaml_nodes import Node

PARTS: Final[tuple[Callable[[RuleFile, Names], Names], ...]] = (RuleFile.declared, RuleFile.people, RuleFile.teams)
"""What a file declares, each part by the names of those before."""

NO_NAMES: Final = Names()


@dataclass(frozen=True)
class Entry:
    """A rule in its rulebook: where it stands, and the names that hold there."""

    heading: Heading
    """The rule itself, where all of it was read."""
    names: Names
    path: str
    line: int
    column: int
    location: str | None = None
    unread: Unread | None = field(default=None, repr=False)
    """What the rule is read from when it is first asked for."""

    @cached_property
    def rule(self) -> Rule:
        """Raises `RulebookFaults` where it has any, which nobody has looked for before if it was unread."""
        if self.unread is None:
            assert isinstance(self.heading, Rule)
            return self.heading
        try:
            return self.unread.read(self.names)
        except ValidationError as error:
            place = Node(self.line, self.column, {})
            raise RulebookFaults(placed(self.path, place, error)) from None

    @property
    def calendars(self) -> frozenset[str] | None:
        """The ids of those of which a booking must be for it to hold; None where it may be any."""
        return calendars_of(self.rule.conditions) if self.unread is None else self.unread.calendars


@dataclass(frozen=True)
class Rulebook:
    """Rules by priority, then by path, then by place; `digest` names exactly these files."""

    entries: tuple[Entry, ...]
    source: Mapping[str, str]
    digest: str

    @classmethod
    def of(cls, files: Mapping[str, str], entries: Iterable[Entry]) -> Self:
        """Of what was read from these files, in order."""
        return cls(tuple(entries), MappingProxyType(dict(sorted(files.items()))), digest(files))

    @cached_property
    def index(self) -> RuleIndex:
        return RuleIndex((entry.heading, entry.location, entry.calendars) for entry in self.entries)

    @cached_property
    def places(self) -> Mapping[str, int]:
        """Of the rules, by their names."""
        return {entry.heading.name: place for place, entry in enumerate(self.entries)}

    def named(self, name: str) -> Entry | None:
        place = self.places.get(name)
        return None if place is None else self.entries[place]

    def __iter__(self) -> Iterator[Entry]:
        return iter(self.entries)

    def __len__(self) -> int:
        return len(self.entries)


def read(files: Mapping[str, str]) -> Rulebook:
    """Reads files, given as their text by path. Raises `RulebookFaults` with everything that is wrong."""
    _, entries, faults = drafted(files)
    if faults:
        raise RulebookFaults(faults)
    return Rulebook.of(files, [entry for entry, _ in entries])


@contextmanager
def uncollected() -> Iterator[None]:
    """Nothing is garbage while files are read, and looking for it takes two fifths of the time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


@uncollected()
def taken_up(files: Mapping[str, str]) -> Rulebook:
    """The same for whoever asks few of the rules, each of which is read when it is first asked: what was checked before
    it was put in force is not checked again. Raises `RulebookFaults` where it cannot be told when to ask a rule."""
    opened = [RuleFile(path, text) for path, text in sorted(files.items())]
    folders = _Folders([file for file in opened if file.shares])
    entries = []
    for file in opened:
        if not file.shares:
            names, location = _scope(file, folders)
            for heading, unread, node in file.headings(names):
                entries.append(Entry(heading, names, file.path, node.line, node.column, location, unread))
    faults = [fault for file in opened for fault in file.faults] + _repeated(entries)
    if faults:
        read(files)  # It tells all that is wrong.
        raise RulebookFaults(faults)
    entries.sort(key=lambda entry: -entry.heading.priority)
    return Rulebook.of(files, entries)


@uncollected()
def drafted(files: Mapping[str, str]) -> tuple[list[RuleFile], list[tuple[Entry, Read]], list[Fault]]:
    """The files, the rules in them, in order, also what is left of those that have faults, and all that is wrong."""
    opened = [RuleFile(path, text) for path, text in sorted(files.items())]
    folders = _Folders([file for file in opened if file.shares])
    entries = [each for file in opened if not file.shares for each in _entries(file, folders)]
    faults = [fault for file in opened for fault in file.faults]
    faults.extend(_repeated(entry for entry, read in entries if read.left is None or read.left.named))
    entries.sort(key=lambda each: -each[0].rule.priority)
    return opened, entries, faults


def digest(files: Mapping[str, str]) -> str:
    """The same for the same files whatever their order."""
    total = sha256()
    for path, text in sorted(files.items()):
        for part in (path, text):
            encoded = part.encode(errors="surrogatepass")
            total.update(len(encoded).to_bytes(8, "big") + encoded)
    return total.hexdigest()


@dataclass(frozen=True)
class _Scope:
    """What holds in a folder."""

    names: Names = field(default_factory=Names)
    location: str | None = None


class _Folders:
    """The names that hold in each folder: those of its files without rules, over those of the folders above."""

    def __init__(self, files: Iterable[RuleFile]) -> None:
        self.files: dict[PurePosixPath, list[RuleFile]] = {}
        for file in files:
            self.files.setdefault(PurePosixPath(file.path).parent, []).append(file)
        self.known: dict[PurePosixPath, _Scope] = {}
        for folder in self.files:
            self.of(folder)  # faults of names are told even if no rule is below

    def of(self, folder: PurePosixPath) -> _Scope:
        if folder not in self.known:
            outer = self.of(folder.parent) if folder.parent != folder else _Scope()
            self.known[folder] = self._laid_over(outer, self.files.get(folder, []))
        return self.known[folder]

    def _laid_over(self, outer: _Scope, files: list[RuleFile]) -> _Scope:
        names, location = outer.names, outer.location
        for part in PARTS:
            mine = Names()
            for file in files:
                mine = _together(mine, part(file, names), file)
                location = file.location or location
            names = names.within(mine)
        for file in files:
            _refuse_two_kinds(names, file)
            if "defaults" in file.words:
                message = "defaults are of the rules in their own file, and this one has none"
                file.refuse(file.root.at(("defaults",), key=True), message)
        return _Scope(names, location)


def _together(these: Names, others: Names, file: RuleFile) -> Names:
    """Names of files side by side, where none may mean two things."""
    for word in DECLARED:
        known, added = getattr(these, word), getattr(others, word)
        for name in known.keys() & added.keys():
            if known[name] != added[name] and known[name] and added[name]:
                file.refuse(file.root.at((word, name), key=True), f"{name!r} is declared otherwise in a file beside")
    return these.within(others)


def _scope(file: RuleFile, folders: _Folders) -> tuple[Names, str | None]:
    """The names that hold in a file, and the location that its rules are for."""
    outer = folders.of(PurePosixPath(file.path).parent)
    names = outer.names
    for part in PARTS:
        # Thousands of names are not copied for a file that declares none.
        if (mine := part(file, names)) != NO_NAMES:
            names = names.within(mine)
    _refuse_two_kinds(names, file)
    return names, file.location or outer.location


def _entries(file: RuleFile, folders: _Folders) -> Iterator[tuple[Entry, Read]]:
    names, location = _scope(file, folders)
    for read in file.rules(names):
        node = read.node
        yield Entry(read.rule, names, file.path, node.line, node.column, location), read


def _refuse_two_kinds(names: Names, file: RuleFile) -> None:
    """A fact that is one thing of one source and another of the next could be tested as neither; it is told of the file
    that declares the second."""
    mine = file.root.part("sources")
    if mine is None:
        return
    first: dict[str, tuple[str, Kind]] = {}
    for source, facts in sorted(names.sources.items(), key=lambda each: (bool(mine.part(each[0])), each[0])):
        for name, fact in facts.items():
            other, kind = first.setdefault(name, (source, fact.kind))
            if kind is not fact.kind and mine.part(source):
                told = f"event.{name} is {fact.kind.value} of {source} and {kind.value} of {other}"
                place = mine.at((source, name), key=True)
                file.refuse(place, f"{told}: name one of them otherwise")


def _repeated(entries: Iterable[Entry]) -> list[Fault]:
    first: dict[str, Entry] = {}
    faults = []
    for entry in entries:
        name = entry.heading.name
        known = first.setdefault(name, entry)
        if known is not entry:
            message = f"there is a rule named {name!r} already, in {known.path} line {known.line}"
            faults.append(Fault(entry.path, entry.line, entry.column, message))
    return faults
