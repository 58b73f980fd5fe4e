"""`slotwright rules`: check rule files, and put them in force."""

from pathlib import Path

import click

from service.settings import Settings
from service.store import rulebooks
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
    click.echo(summary(read(files_in(directory))))


@rules.command()
@directory
@click.option("-m", "--message", default="", help="Why, for the history.")
@click.option("--location", help="Only for this location, whose own rulebook it becomes; else the shared one.")
@folder_option
def apply(directory: Path, message: str, location: str | None, folder: Path) -> None:
    """Check the rule files below DIRECTORY and put them in force as a new version."""
    rulebook = read(files_in(directory))

    async def do(pool: Pool, _: Settings) -> tuple[int, bool]:
        return await store(pool, rulebook, location, message)

    version, new = with_pool(folder, do)
    click.echo(f"Version {version} is in force." if new else f"Nothing has changed: version {version} stays in force.")
    click.echo(summary(rulebook))


async def store(pool: Pool, rulebook: Rulebook, location: str | None, message: str) -> tuple[int, bool]:
    async with pool.acquire() as connection, connection.transaction():
        return await rulebooks.apply(connection, location, rulebook.source, rulebook.digest, message)


def summary(rulebook: Rulebook) -> str:
    """How many rules there are in which mode; a rule without a mode is in shadow."""
    modes = [entry.rule.mode for entry in rulebook]
    counts = ", ".join(f"{modes.count(mode)} {mode}" for mode in ("live", "shadow", "off") if mode in modes)
    return f"{len(modes)} rules: {counts}." if modes else "No rules."
