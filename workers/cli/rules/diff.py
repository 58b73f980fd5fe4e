"""`slotwright rules diff`: what is different between two versions, or a version and a folder."""

from collections.abc import Mapping
from pathlib import Path

import click

from service.settings import Settings
from service.store import rulebooks
from service.store.database import Connection, Pool
from workers.cli.arguments import kept
from workers.cli.folder import folder_option, with_pool
from workers.cli.live import said
from workers.cli.rules.comparison import compare
from workers.cli.rules.place import location_option, of, option, place
from workers.cli.which import Place
from workers.rule_folder import files_in

WAITING = "waiting"

MOST = 2**31 - 1
"""The highest number that there may be."""

COLOURS = {"+": "green", "-": "red", "~": "yellow"}

Side = tuple[str, Mapping[str, str]]
"""What it is called, and its files."""


@click.command()
@click.argument("a", callback=kept)
@click.argument("b", default="", callback=kept)
@location_option
@folder_option
def diff(a: str, b: str, location: str, folder: Path) -> None:
    """Show rule by rule, and name by name, what is different in B from A.

    Each is the number of a version, a folder of rule files, or `waiting` for what waits until a rollback is released.
    Without B, a version is compared with what is in force now, and what is in force with a folder or with what waits.
    """

    folders = {each: _folder(each) for each in (a, b) if each and not _is_kept(each)}

    async def do(pool: Pool, _: Settings) -> tuple[Side, Side]:
        async with pool.acquire() as connection:
            where = await place(connection, location)
            one = folders.get(a) or await _kept(connection, a, where)
            if b:
                return one, folders.get(b) or await _kept(connection, b, where)
            newest = await _in_force(connection, where)
            return (one, newest) if a.isdecimal() else (newest, one)

    (old, before), (new, after) = with_pool(folder, do)
    click.secho(f"{said(old)} → {said(new)}", bold=True)
    lines = [*compare(before, after)]
    for line in lines:
        click.secho(said(line), fg=COLOURS.get(line.strip()[:1]))
    if not lines:
        click.echo("No difference." if before == after else "Only comments, layout or files' names differ.")


def _is_kept(wanted: str) -> bool:
    return wanted.isdecimal() or wanted == WAITING


def _folder(wanted: str) -> Side:
    """Raises ClickException for what is none."""
    directory = Path(wanted)
    if not directory.is_dir():
        raise click.ClickException(f"{said(wanted)} is neither the number of a version nor a folder, nor {WAITING}")
    files = files_in(directory)
    if not files:
        raise click.ClickException(f"there is no rule file (*.yaml) in {said(wanted)} or below")
    return said(wanted), files


async def _kept(connection: Connection, wanted: str, where: Place | None) -> Side:
    """Raises ClickException for what there is not."""
    location_id = where.location_id if where else None
    if wanted == WAITING:
        waits = await rulebooks.numbered(connection, location_id, rulebooks.WAITING)
        if waits is None:
            raise click.ClickException(f"nothing of {of(where)} waits")
        return "what waits", waits.files
    number = min(int(wanted), MOST)
    found = await rulebooks.numbered(connection, location_id, number) if number else None
    if found is None:
        raise click.ClickException(
            f"there is no version {number} of {of(where)}: slotwright rules versions{option(where)} lists them"
        )
    return f"version {number}", found.files


async def _in_force(connection: Connection, where: Place | None) -> Side:
    newest = await rulebooks.latest(connection, where.location_id if where else None)
    found = await rulebooks.find(connection, newest.rulebook_id) if newest else None
    if newest is None or found is None:
        raise click.ClickException(f"no version of {of(where)} is in force")
    return f"version {newest.version}, which is in force", found.files
