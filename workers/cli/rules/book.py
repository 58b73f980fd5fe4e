"""The rules of a folder, as commands are given them: read, counted, and what is missing around them."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import click

from service.settings import Settings
from service.store import locations, sources
from service.store.database import Connection
from service.store.locations import Location
from workers.actions import Call
from workers.cli.clock import clock
from workers.cli.live import said
from workers.cli.rules.directories import directory, foreign, told_together
from workers.cli.which import Place, meant_by
from workers.faults import Fault, RulebookFaults
from workers.rule_folder import texts_in
from workers.rulebook import Rulebook
from workers.scrutiny.clock_changes import ZONES
from workers.scrutiny.clocks import clocks
from workers.scrutiny.draft import Draft
from workers.scrutiny.scrutiny import Scrutiny, looked_through

__all__ = ["directory"]

MODES = ("live", "shadow", "off")


def rules_in(directory: Path, *, below: bool = True) -> Rulebook:
    """The rulebook of a folder; a ClickException where there is no rule: a wrong path, or a file that was cut off, must
    not switch off every rule. `below`: also of the folders in it."""
    return scrutiny_in(directory, below=below)[0]


def scrutiny_in(directory: Path, *, below: bool = True) -> tuple[Rulebook, Scrutiny]:
    """The same, with what else is known of it."""
    files, unread = found_in(directory)
    if not below:
        files = {path: text for path, text in files.items() if "/" not in path}
    scrutiny = looked_through(files, clock(), unread=unread)
    if scrutiny.rulebook is None:
        raise RulebookFaults(scrutiny.faults)
    if not len(scrutiny.rulebook):
        number = f"{len(files)} rule file{'s' * (len(files) != 1)}"
        raise click.ClickException(
            f"there is no rule in {said(directory)}, in {number}: is that the folder that you mean, and are its files "
            "whole? Rules that are not to act are switched off one by one: slotwright rules override RULE off"
        )
    return scrutiny.rulebook, scrutiny


def found_in(directory: Path) -> tuple[dict[str, str], list[Fault]]:
    """The texts of the rule files, and what is wrong with those that are none."""
    files, unread = texts_in(directory)
    if not files and not unread:
        raise click.ClickException(f"there is no rule file (*.yaml) in {directory} or below")
    others = {path: fault for path, text in files.items() if (fault := foreign(path, text))}
    return {path: text for path, text in files.items() if path not in others}, [
        *unread,
        *told_together(others, directory),
    ]


def modes_of(rulebook: Rulebook) -> dict[str, int]:
    """How many rules there are in which mode; a rule without a mode is in shadow."""
    counted = Counter[str](entry.rule.mode for entry in rulebook)
    return {mode: counted[mode] for mode in MODES if counted[mode]}


def summary(rulebook: Rulebook) -> str:
    """How many rules there are in which mode, as a sentence."""
    number = len(rulebook)
    return f"{number} rule{'s' * (number != 1)}: {counts(modes_of(rulebook))}." if number else "No rules."


def counts(modes: Mapping[str, int]) -> str:
    return ", ".join(f"{modes[mode]} {mode}" for mode in MODES if modes.get(mode))


async def lacking(connection: Connection, rulebook: Rulebook, settings: Settings) -> list[str]:
    """What rules wait for, or cannot do without: a sentence each."""
    registered = await locations.every(connection)
    external = {source.name for source in await sources.every(connection) if source.kind == "external"}
    silent = frozenset[str]().union(*(entry.rule.sources for entry in rulebook)) - external
    unsigned = [] if settings.call_secret.get_secret_value() else callers(rulebook)
    return [
        *(_sentence(unregistered(name, registered)) for name in sorted(_named(rulebook) - _known(registered))),
        *(f"no source {name} may post, so the rules on external.{name} wait for it." for name in sorted(silent)),
        *(f"CALL_SECRET is not set here; {name} cannot call unless the workers have it." for name in unsigned),
    ]


async def odd_clocks(connection: Connection, draft: Draft, where: Place | None) -> list[str]:
    """The clock times of rules that the nights in which the clocks change have not, or have twice, where the rules are
    for: a sentence each."""
    return [f"{fault}." for fault in clocks_of(draft, await locations.every(connection), where)]


def clocks_of(draft: Draft, registered: Sequence[Location], where: Place | None = None) -> tuple[Fault, ...]:
    """The same as faults: where no location is registered, by zones that stand for all."""
    local: dict[str, list[str]] = {}
    for location in registered:
        for name in {location.location_id, location.name}:
            local.setdefault(name, []).append(location.time_zone)
    zones = local[where.location_id] if where else sorted({location.time_zone for location in registered})
    return RulebookFaults(clocks(draft, zones or ZONES, clock(), local)).faults


def homeless(draft: Draft, registered: Sequence[Location]) -> Iterator[Fault]:
    """Files whose rules are for a location that is not registered."""
    known, used = _known(registered), {written.entry.path for written in draft.rules}
    for file in draft.files:
        if file.location and file.location not in known and file.path in used:
            node = file.root.at(("location",))
            yield Fault(file.path, node.line, node.column, unregistered(file.location, registered))


def unregistered(name: str, registered: Sequence[Location]) -> str:
    """Of a location that rules name."""
    meant = meant_by(name, registered)
    hint = f"; did you mean {meant!r}?" if meant else ""
    return f"no location {said(name)} is registered, so its rules wait for it{hint}"


def _sentence(text: str) -> str:
    return text if text.endswith("?") else f"{text}."


def _named(rulebook: Rulebook) -> set[str]:
    return {entry.location for entry in rulebook if entry.location}


def _known(registered: Sequence[Location]) -> set[str]:
    return {name for location in registered for name in (location.location_id, location.name) if name}


def callers(rulebook: Rulebook) -> list[str]:
    """The rules that post to other systems."""
    return [entry.rule.name for entry in rulebook if any(isinstance(action, Call) for _, action in entry.rule.steps)]
