"""`slotwright rules`: check rule files, and put them in force."""

from pathlib import Path

import click

from service.settings import Settings
from service.store import locations, rulebooks
from service.store.database import Pool
from workers.cli.folder import folder_option, with_pool
from workers.rulebook import Rulebook, files_in, read

directory = click.argument("directory", type=click.Path(exists=True, file_okay=False, path_type=Path))


@click.group()
def rules() -> None:
    """Rule files: check them, put them in force."""


@rules.command()
@directory
def check(directory: Path) -> None:
    """Say everything that is wrong with the rule files below DIRECTORY, and what is in them."""
    click.echo(summary(rules_in(directory)))


@rules.command()
@directory
@click.option("-m", "--message", default="", help="Why, for the history.")
@folder_option
def apply(directory: Path, message: str, folder: Path) -> None:
    """Check the rule files below DIRECTORY and put them in force as a new version."""
    rulebook = rules_in(directory)

    async def do(pool: Pool, _: Settings) -> tuple[int, bool, list[str]]:
        return *await store(pool, rulebook, message), await unknown_locations(pool, rulebook)

    version, new, unknown = with_pool(folder, do)
    click.echo(f"Version {version} is in force." if new else f"Nothing has changed: version {version} stays in force.")
    click.echo(summary(rulebook))
    for name in unknown:
        click.echo(f"Warning: no location {name} is registered, so its rules wait for it.", err=True)


def rules_in(directory: Path) -> Rulebook:
    """The rulebook of a folder; a ClickException where there is none: a wrong path must not switch off every rule."""
    files = files_in(directory)
    if not files:
        raise click.ClickException(f"there is no rule file (*.yaml) in {directory} or below")
    return read(files)


async def store(pool: Pool, rulebook: Rulebook, message: str) -> tuple[int, bool]:
    """Put it in force as the shared rulebook: its version, and whether that is a new one."""
    async with pool.acquire() as connection, connection.transaction():
        return await rulebooks.apply(connection, None, rulebook.source, rulebook.digest, message)


async def unknown_locations(pool: Pool, rulebook: Rulebook) -> list[str]:
    """Locations that rule files name and nobody has registered."""
    async with pool.acquire() as connection:
        registered = await locations.every(connection)
    known = {location.location_id for location in registered} | {location.name for location in registered}
    return sorted({entry.location for entry in rulebook if entry.location} - known)


def summary(rulebook: Rulebook) -> str:
    """How many rules there are in which mode; a rule without a mode is in shadow."""
    modes = [entry.rule.mode for entry in rulebook]
    counts = ", ".join(f"{modes.count(mode)} {mode}" for mode in ("live", "shadow", "off") if mode in modes)
    return f"{len(modes)} rule{'s' * (len(modes) != 1)}: {counts}." if modes else "No rules."
