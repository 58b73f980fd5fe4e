"""`slotwright rules apply`: rule files put in force, by somebody or by what gives a folder at its start."""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import click

from service.settings import Settings
from service.store import folders, rulebooks
from service.store.database import Connection, Pool
from service.store.folders import Outcome
from service.store.rulebooks import Stays, Version
from workers.cli.arguments import kept
from workers.cli.commands import Faults
from workers.cli.folder import folder_option, with_pool
from workers.cli.interventions import author_option
from workers.cli.live import said
from workers.cli.rules.book import directory, found_in, lacking, modes_of, odd_clocks, scrutiny_in, summary
from workers.cli.rules.comparison import MARKS, tally
from workers.cli.rules.findings import Findings, as_text
from workers.cli.rules.place import called, for_, location_option, message_option, option, place
from workers.cli.rules.standing import because, release_of, rollback, standing
from workers.cli.which import Place
from workers.faults import RulebookFaults
from workers.rulebook import Rulebook


@click.command()
@directory
@message_option
@location_option
@click.option(
    "--from",
    "source",
    default="",
    metavar="NAME",
    callback=kept,
    help="What gives these files at its start, such as a chart; they must differ from those last taken from it.",
)
@click.option("--release", type=click.Choice(["rollback"]), help="End a rollback that stays, and apply these instead.")
@author_option
@folder_option
def apply(
    directory: Path, message: str, location: str, source: str, release: str | None, who: str, folder: Path
) -> None:
    """Check the rule files below DIRECTORY and put them in force as a new version.

    They are the shared rules, of all locations that have none of their own; or with --location that location's own,
    which goes by no shared rule then. A rollback stays until it is released, and so does what keeps a rule back.
    """
    if source and release:
        raise click.UsageError("--release is for somebody to say, not for what applies by itself (--from)")
    try:
        rulebook, scrutiny = scrutiny_in(directory)
    except (RulebookFaults, click.ClickException) as error:
        raise _refused(directory, source, location, error, folder) from None

    async def do(pool: Pool, settings: Settings) -> tuple[list[str], list[str], Changed | None]:
        async with pool.acquire() as connection, connection.transaction():
            await rulebooks.one_at_a_time(connection)
            where = await place(connection, location)
            if where:
                refuse_strangers(rulebook, where)
            before = await _in_force(connection, where)
            if source:
                _, told = await take(connection, rulebook, source, message, who, where)
            else:
                told = await _apply(connection, rulebook, message, who, where, release=release is not None)
            lacks = await lacking(connection, rulebook, settings)
            warnings = [*await odd_clocks(connection, scrutiny.draft, where), *lacks]
            return told, warnings, await _changed(connection, before, where)

    told, warnings, changed = with_pool(folder, do)
    if changed:
        much = tally(changed.before, rulebook.source)
        told.insert(2, f"{much}. {changed.command} shows what.")
        if MARKS["-"] in much:
            # Perhaps it was another folder that was meant.
            told.insert(3, f"A rule that is not in these files is in force no more; {changed.back} brings it back.")
    for line in told:
        click.echo(line)
    for line in warnings:
        click.echo(f"Warning: {line}", err=True)
    if not source and (more := len(scrutiny.remarks)):
        what = "warning" if more == 1 else "warnings"
        click.echo(f"{more} {what} besides: slotwright rules check {said(shlex.quote(str(directory)))}", err=True)


@dataclass(frozen=True)
class Changed:
    """What a new version took the place of, and the command that shows what is different."""

    before: Mapping[str, str]
    command: str
    back: str
    """The command that undoes it."""


async def _in_force(connection: Connection, where: Place | None) -> Version | None:
    """A version of these rules, and not of those that a location goes by besides."""
    newest = await rulebooks.latest(connection, where.location_id if where else None)
    return None if newest is None or newest.shared else newest


async def _changed(connection: Connection, before: Version | None, where: Place | None) -> Changed | None:
    after = await _in_force(connection, where)
    if before is None or after is None or after.version == before.version:
        return None
    kept = await rulebooks.find(connection, before.rulebook_id)
    command = f"slotwright rules diff {before.version} {after.version}{option(where)}"
    back = f"slotwright rules rollback {before.version}{option(where)} -m WHY"
    return Changed(kept.files, command, back) if kept else None


async def _apply(
    connection: Connection, rulebook: Rulebook, message: str, who: str, where: Place | None, *, release: bool
) -> list[str]:
    """By somebody; what there is to tell. Raises ClickException where a rollback stays."""
    location_id = where.location_id if where else None
    files, digest, modes = rulebook.source, rulebook.digest, modes_of(rulebook)
    try:
        version, new = await rulebooks.apply(
            connection, location_id, files, digest, message, author=who, modes=modes, release=release
        )
    except Stays as stays:
        raise click.ClickException(
            f"version {stays.version.version} stays in force{for_(where)}, {rollback(stays.version)}. To end that and "
            f"apply these, add --release rollback; to end that alone, {release_of(stays.version)}"
        ) from None
    return await _told(connection, rulebook, version, "new" if new else "in force", where)


async def take(
    connection: Connection, rulebook: Rulebook, source: str, message: str, who: str, where: Place | None = None
) -> tuple[Outcome, list[str]]:
    """By what gives a folder at its start; what became of it, and what there is to tell."""
    location_id = where.location_id if where else None
    files, digest, modes = rulebook.source, rulebook.digest, modes_of(rulebook)
    version, outcome = await folders.take(
        connection, location_id, source, files, digest, message, author=who, modes=modes
    )
    return outcome, await _told(connection, rulebook, version, outcome, where, source)


async def _told(
    connection: Connection, rulebook: Rulebook, number: int, outcome: Outcome, where: Place | None, source: str = ""
) -> list[str]:
    """What is in force now, and what these files do not change."""
    stays = await standing(connection)
    newest = await rulebooks.latest(connection, where.location_id if where else None)
    assert newest is not None
    version = f"version {number}{for_(where)}"
    match outcome:
        case "new":
            told = [f"V{version[1:]} is in force.", summary(rulebook)]
        case "in force":
            told = [f"Nothing has changed: {version} stays in force.", summary(rulebook)]
        case "known":
            told = [
                f"Nothing has changed since these were taken from {said(source)}: {version}, which was put in force "
                f"after that{because(newest.author, newest.message)}, stays in force."
            ]
        case "waits":
            told = [
                f"These wait, and are not in force: slotwright rules diff waiting{option(where)} shows what is new."
            ]
    rules = {entry.rule.name for entry in rulebook} if outcome in ("new", "in force") and where is None else None
    return [*told, *(f"Not changed: {line}." for line in stays.lines(rules))]


def refuse_strangers(rulebook: Rulebook, where: Place) -> None:
    """Raises ClickException for rules of other locations, which would never act there."""
    known = (None, where.location_id, where.name)
    for entry in rulebook:
        if entry.location not in known:
            raise click.ClickException(
                f"{entry.path}:{entry.line}:{entry.column}: {said(entry.rule.name)} is a rule of "
                f"{said(entry.location)}, and would never act for {called(where)}"
            )


async def refuse(connection: Connection, source: str, error: Exception, where: Place | None = None) -> str:
    """Remember that a folder's files were refused, for doctor; what stays in force, '' where nothing does."""
    location_id = where.location_id if where else None
    await folders.refuse(connection, location_id, source, first_of(error))
    newest = await rulebooks.latest(connection, location_id)
    if newest is None:
        return ""
    return unchanged(newest, where)


def unchanged(newest: Version, where: Place | None = None) -> str:
    if newest.shared:
        return f"Nothing was changed: the shared rules stay in force{for_(where)}."
    return f"Nothing was changed: version {newest.version}{for_(where)} stays in force."


def first_of(error: Exception) -> str:
    """The first fault, and how many more there are."""
    if not isinstance(error, RulebookFaults):
        return error.message if isinstance(error, click.ClickException) else type(error).__name__
    more = len(error.faults) - 1
    return f"{error.faults[0]}" + (f", and {more} more" if more else "")


def _refused(directory: Path, source: str, location: str, error: Exception, folder: Path) -> click.ClickException:
    """What there is to tell; without a database that is what is wrong, and nothing of what stays."""

    async def do(pool: Pool, _: Settings) -> str:
        async with pool.acquire() as connection, connection.transaction():
            where = await place(connection, location)
            if source:
                return await refuse(connection, source, error, where)
            newest = await rulebooks.latest(connection, where.location_id if where else None)
            return unchanged(newest, where) if newest else ""

    try:
        stays = with_pool(folder, do)
    except click.ClickException:
        stays = ""
    stays = stays or "Nothing was changed."
    if isinstance(error, RulebookFaults):
        findings = Findings(error.faults, (), found_in(directory)[0], directory)
        return Faults(f"{as_text(findings)}{findings.counted}. {stays}")
    message = error.message if isinstance(error, click.ClickException) else str(error)
    return click.ClickException(f"{message}. {stays}")
