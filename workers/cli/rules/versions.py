"""`slotwright rules versions`, `rollback` and `share`: what was in force, and how to go back to it."""

from pathlib import Path

import click
from rich.text import Text

from service.settings import Settings
from service.store import interventions, locations, rulebooks
from service.store.database import Connection, Pool
from service.store.rulebooks import WAITING, Stays, StoredRulebook, Version
from workers.cli.arguments import kept
from workers.cli.folder import folder_option, with_pool
from workers.cli.interventions import author_option
from workers.cli.live import plain_table, said, terminal
from workers.cli.rules.book import counts, modes_of, summary
from workers.cli.rules.place import called, for_, location_option, message_option, of, option, place
from workers.cli.rules.standing import release_of, standing
from workers.cli.rules.standing import rollback as told_of
from workers.cli.which import Place, place_of
from workers.faults import RulebookFaults
from workers.rulebook import Rulebook, read

DIGITS = 12
"""Of a digest, that are shown: enough to tell files from any others that were ever applied."""


@click.command()
@location_option
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1, 10_000))
@folder_option
def versions(location: str, limit: int, folder: Path) -> None:
    """List the versions of the shared rules, or of a location's own: newest first, by whom, when, why."""

    async def do(pool: Pool, _: Settings) -> tuple[Place | None, list[Version], list[str]]:
        async with pool.acquire() as connection:
            where = await place(connection, location)
            found = await rulebooks.listed(connection, where.location_id if where else None, limit)
            names = {each.location_id: each.name for each in await locations.every(connection)}
            own = [book.location_id for book in await rulebooks.in_force(connection) if book.location_id]
            return where, found, [said(names.get(each) or each) for each in own]

    where, found, own = with_pool(folder, do)
    if not found:
        click.echo(f"{called(where)} has no rules of its own." if where else "No rules were ever applied.")
    else:
        _show(found)
    if where and (not found or found[0].shared):
        click.echo("The shared rules are in force there.")
    if own and where is None:
        click.echo(f"With rules of their own, which --location lists: {', '.join(own)}.")


def _show(found: list[Version]) -> None:
    newest = found[0]
    table = plain_table("version", "applied", "by", "rules", "digest", "why")
    for each in found:
        if each.version == WAITING and not newest.stays:
            continue  # a release before put something in force over the rollback that it waited for
        standing = "waiting" if each.version == WAITING else "in force" if each is newest else ""
        table.add_row(
            Text.assemble(f"{each.version or '–'}", (f" {standing}", "bold") if standing else ""),
            f"{each.applied_at:%Y-%m-%d %H:%M} UTC",
            said(each.author),
            counts(each.modes),
            each.digest[:DIGITS],
            said(_why(each)),
        )
    terminal().print(table)
    if newest.stays:
        click.echo(f"Version {newest.version} stays, {told_of(newest)}: {release_of(newest)} ends that.")


def _why(each: Version) -> str:
    what = "back to the shared rules" if each.shared else ""
    if each.rollback_of is not None:
        what = f"rollback of {each.rollback_of}"
    elif each.folder:
        what = f"from {each.folder}"
    return ": ".join(filter(None, (what, each.message)))


@click.command()
@click.argument("version", type=click.IntRange(1, 2**31 - 1))
@message_option
@location_option
@author_option
@folder_option
def rollback(version: int, message: str, location: str, who: str, folder: Path) -> None:
    """Put the files of an earlier VERSION in force again, as a new one.

    It stays until `slotwright rules release rollback`, whatever a folder gives at a start. A delivery that has begun
    ends under the version it began with.
    """

    async def do(pool: Pool, _: Settings) -> list[str]:
        async with pool.acquire() as connection, connection.transaction():
            await rulebooks.one_at_a_time(connection)
            where = await place(connection, location)
            wanted = await _wanted(connection, version, where)
            rulebook = readable(wanted, f"version {version}")
            location_id = where.location_id if where else None
            modes = modes_of(rulebook)
            number = await rulebooks.roll_back(connection, location_id, wanted.rulebook_id, modes, message, who)
            told = f"Version {number} is in force{for_(where)}, with the files of version {version}."
            stays = await standing(connection)
            await interventions.note(connection, f"rules rollback {version}{option(where)}", [None], who)
            ends = f"slotwright rules release rollback{option(where)}"
            stay = f"It stays, whatever is applied or a restart brings, until {ends}"
            return [told, summary(rulebook), stay, *(f"Not changed: {line}." for line in stays.of_rules())]

    for line in with_pool(folder, do):
        click.echo(line)


async def _wanted(connection: Connection, version: int, where: Place | None) -> StoredRulebook:
    """Raises ClickException where there is no such version, or where it would change nothing."""
    location_id = where.location_id if where else None
    newest = await rulebooks.latest(connection, location_id)
    wanted = await rulebooks.numbered(connection, location_id, version)
    if wanted is None or newest is None:
        raise click.ClickException(
            f"there is no version {version} of {of(where)}: slotwright rules versions{option(where)} lists them"
        )
    if version == newest.version:
        raise click.ClickException(f"version {version} is in force already")
    if wanted.digest == newest.digest and not newest.shared:
        raise click.ClickException(f"version {newest.version}, which is in force, has the very files of {version}")
    return wanted


def readable(stored: StoredRulebook, called: str) -> Rulebook:
    """Raises ClickException for what this release finds faults in: another applied it."""
    try:
        return read(stored.files)
    except RulebookFaults as faults:
        raise click.ClickException(
            f"{called} cannot be put in force, this release finds faults in it:\n{faults}"
        ) from None


@click.command()
@click.argument("location", callback=kept)
@message_option
@author_option
@folder_option
def share(location: str, message: str, who: str, folder: Path) -> None:
    """Put LOCATION, by its id or name, back under the shared rules; the versions of its own are kept."""

    async def do(pool: Pool, _: Settings) -> str:
        async with pool.acquire() as connection, connection.transaction():
            where = await place_of(connection, location)
            try:
                number = await rulebooks.share(connection, where.location_id, message, who)
            except Stays as stays:
                raise click.ClickException(
                    f"version {stays.version.version} stays in force{for_(where)}, {told_of(stays.version)}: "
                    f"{release_of(stays.version)} ends that"
                ) from None
            if number is None:
                raise click.ClickException(f"{called(where)} goes by the shared rules already")
            return f"The shared rules are in force{for_(where)}."

    click.echo(with_pool(folder, do))
