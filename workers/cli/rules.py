"""`slotwright rules`: check rule files, and put them in force."""

from pathlib import Path

import click

from service.settings import Settings
from service.store import locations, rulebooks, sources
from service.store.database import Pool
from workers.actions import Call
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

    async def do(pool: Pool, settings: Settings) -> tuple[int, bool, list[str], list[str], list[str]]:
        version, new = await store(pool, rulebook, message)
        unsigned = [] if settings.call_secret.get_secret_value() else callers(rulebook)
        return version, new, await unknown_locations(pool, rulebook), await unknown_sources(pool, rulebook), unsigned

    version, new, unknown, silent, unsigned = with_pool(folder, do)
    click.echo(f"Version {version} is in force." if new else f"Nothing has changed: version {version} stays in force.")
    click.echo(summary(rulebook))
    for name in unknown:
        click.echo(f"Warning: no location {name} is registered, so its rules wait for it.", err=True)
    for name in silent:
        click.echo(f"Warning: no source {name} may post, so the rules on external.{name} wait for it.", err=True)
    for name in unsigned:
        click.echo(f"Warning: CALL_SECRET is not set here; {name} cannot call unless the workers have it.", err=True)


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


async def unknown_sources(pool: Pool, rulebook: Rulebook) -> list[str]:
    """Sources that rules listen to and that nobody has let in."""
    async with pool.acquire() as connection:
        external = {source.name for source in await sources.every(connection) if source.kind == "external"}
    return sorted(frozenset[str]().union(*(entry.rule.sources for entry in rulebook)) - external)


def callers(rulebook: Rulebook) -> list[str]:
    """The rules that post to other systems."""
    return [entry.rule.name for entry in rulebook if any(isinstance(action, Call) for action in entry.rule.then)]


def summary(rulebook: Rulebook) -> str:
    """How many rules there are in which mode; a rule without a mode is in shadow."""
    modes = [entry.rule.mode for entry in rulebook]
    counts = ", ".join(f"{modes.count(mode)} {mode}" for mode in ("live", "shadow", "off") if mode in modes)
    return f"{len(modes)} rule{'s' * (len(modes) != 1)}: {counts}." if modes else "No rules."
