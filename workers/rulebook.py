"""A rulebook: the rules of a set of files, in order, with the names that each of them knows."""

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path, PurePosixPath
from types import MappingProxyType

from workers.faults import Fault, RulebookFaults
from workers.kinds import Kind
from workers.names import DECLARED, Names
from workers.rule import Rule
from workers.rule_file import RuleFile

ENDINGS = frozenset({".yaml", ".yml"})


@dataclass(frozen=True)
class Entry:
    """A rule in its rulebook: where it stands, and the names that hold there."""

    rule: Rule
    names: Names
    path: str
    line: int
    column: int
    location: str | None = None


@dataclass(frozen=True)
class Rulebook:
    """Rules by path, then by place; `digest` names exactly these files."""

    entries: tuple[Entry, ...]
    source: Mapping[str, str]
    digest: str

    def __iter__(self) -> Iterator[Entry]:
        return iter(self.entries)

    def __len__(self) -> int:
        return len(self.entries)


def read(files: Mapping[str, str]) -> Rulebook:
    """Reads files, given as their text by path. Raises `RulebookFaults` with everything that is wrong."""
    opened = [RuleFile(path, text) for path, text in sorted(files.items())]
    folders = _Folders([file for file in opened if file.shares])
    entries = [entry for file in opened if not file.shares for entry in _entries(file, folders)]
    faults = [fault for file in opened for fault in file.faults] + _repeated(entries)
    if faults:
        raise RulebookFaults(faults)
    return Rulebook(tuple(entries), MappingProxyType(dict(sorted(files.items()))), digest(files))


def read_folder(folder: Path) -> Rulebook:
    """The rulebook of all rule files in a folder and below. Raises `RulebookFaults`."""
    return read(files_in(folder))


def files_in(folder: Path) -> dict[str, str]:
    """The text of all rule files in a folder and below, by their path in it.

    What begins with a dot is passed over; that is also where a mounted ConfigMap shows each file again.
    """
    found: dict[str, str] = {}
    faults = []
    for file in sorted(_visible(folder)):
        path = file.relative_to(folder)
        try:
            found[path.as_posix()] = file.read_text(encoding="utf-8-sig")
        except UnicodeDecodeError:
            faults.append(Fault(path.as_posix(), 1, 1, "the file is not UTF-8"))
    if faults:
        raise RulebookFaults(faults)
    return found


def _visible(folder: Path) -> Iterator[Path]:
    """The rule files. Links are followed, for the folders of a mounted ConfigMap are links; no folder is read twice."""
    entered: set[Path] = set()
    for place, folders, names in os.walk(folder, followlinks=True):
        here = Path(place)
        if here.resolve() in entered:
            folders.clear()
            continue
        entered.add(here.resolve())
        shown = (name for name in folders if name[0] != ".")
        folders[:] = sorted(shown, key=lambda name: ((here / name).is_symlink(), name))
        for file in (here / name for name in names if name[0] != "."):
            if file.suffix in ENDINGS and file.is_file():
                yield file


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
        mine, location = Names(), outer.location
        for file in files:
            mine = _together(mine, file.people_and_calendars(), file)
            location = file.location or location
        names, teams = outer.names.within(mine), Names()
        for file in files:
            teams = _together(teams, file.teams(names), file)
        return _Scope(names.within(teams), location)


def _together(these: Names, others: Names, file: RuleFile) -> Names:
    """Names of files side by side, where none may mean two things."""
    for word in DECLARED:
        known, added = getattr(these, word), getattr(others, word)
        for name in known.keys() & added.keys():
            if known[name] != added[name] and known[name] and added[name]:
                file.refuse(file.root.at((word, name), key=True), f"{name!r} is declared otherwise in a file beside")
    return these.within(others)


def _entries(file: RuleFile, folders: _Folders) -> Iterator[Entry]:
    outer = folders.of(PurePosixPath(file.path).parent)
    names = outer.names.within(file.people_and_calendars())
    names = names.within(file.teams(names))
    _refuse_two_kinds(names, file)
    for rule, node in file.rules(names):
        yield Entry(rule, names, file.path, node.line, node.column, file.location or outer.location)


def _refuse_two_kinds(names: Names, file: RuleFile) -> None:
    """A fact that is one thing of one source and another of the next could be tested as neither."""
    first: dict[str, tuple[str, Kind]] = {}
    for source, facts in sorted(names.sources.items()):
        for name, fact in facts.items():
            other, kind = first.setdefault(name, (source, fact.kind))
            if kind is not fact.kind:
                told = f"event.{name} is {fact.kind.value} of {source} and {kind.value} of {other}"
                place = file.root.at(("sources", source, name), key=True)
                file.refuse(place, f"{told}: name one of them otherwise")


def _repeated(entries: Iterable[Entry]) -> list[Fault]:
    first: dict[str, Entry] = {}
    faults = []
    for entry in entries:
        known = first.setdefault(entry.rule.name, entry)
        if known is not entry:
            message = f"there is a rule named {entry.rule.name!r} already, in {known.path} line {known.line}"
            faults.append(Fault(entry.path, entry.line, entry.column, message))
    return faults
