"""`slotwright locations`: the sub-accounts that rules act in."""

import sys
from pathlib import Path

import click
from pydantic import SecretStr
from rich.text import Text

from service.access.connection import Told, read_location
from service.highlevel.connection import open_session, proxy_for
from service.highlevel.errors import Unauthorized
from service.settings import Settings
from service.store import installs, tokens
from service.store import locations as kept
from service.store.database import Pool
from service.store.locations import Location
from service.store.sealing import Keys
from service.store.tokens import Grant
from workers.cli.connect import connect
from workers.cli.folder import folder_option, with_pool
from workers.cli.live import plain_table, said, terminal
from workers.cli.permissions import check
from workers.cli.time_zones import checked_zone, time_zone


@click.group()
def locations() -> None:
    """The sub-accounts that rules act in."""


locations.add_command(connect)
locations.add_command(check)
locations.add_command(time_zone)


@locations.command()
@click.argument("location_id")
@click.option("--name", help="What people call it; by default what HighLevel calls it.")
@click.option("--time-zone", help="As in Europe/London, whatever HighLevel says; by default what it says.")
@folder_option
def add(location_id: str, name: str | None, time_zone: str | None, folder: Path) -> None:
    """Register LOCATION_ID with a private integration token, or give it a new one, read from standard input."""
    chosen = None if time_zone is None else checked_zone(time_zone)
    token = _read_token(location_id)

    async def do(pool: Pool, settings: Settings) -> str:
        called, zone, read = name, chosen, None
        if called is None or zone is None:
            told = await _look(settings, location_id, token)
            called, read = called or told.name, told.time_zone
            zone = zone or told.time_zone
            if told.refused and zone is None:
                words = str(told.refused).rstrip(".")
                if not isinstance(told.refused, Unauthorized):
                    words += ". Give --time-zone to do without asking HighLevel."
                raise click.ClickException(words)
            if told.refused:
                click.echo(
                    f"Warning: HighLevel does not show it with this token ({told.refused}); it is registered without a "
                    "name.",
                    err=True,
                )
        if zone is None:
            raise click.ClickException("HighLevel names no time zone for it: give one with --time-zone")
        async with pool.acquire() as connection:
            await kept.add(
                connection,
                Keys.of(settings),
                location_id,
                name=called,
                time_zone=zone,
                token=token,
                time_zone_read=read,
                time_zone_chosen=chosen is not None,
            )
            registered = await kept.look_up(connection, location_id)
        return registered.time_zone if registered else zone

    zone = with_pool(folder, do, "secret_key")
    click.echo(f"{location_id} is registered, its clock is {zone}.")


@locations.command()
@click.argument("location_id")
@folder_option
def remove(location_id: str, folder: Path) -> None:
    """Forget LOCATION_ID and its token: its webhooks are kept as ignored. What was done in it stays in the history."""

    async def do(pool: Pool, _: Settings) -> None:
        async with pool.acquire() as connection:
            if not await kept.remove(connection, location_id):
                raise click.ClickException(f"no location {location_id} is registered: slotwright locations list")

    with_pool(folder, do)
    click.echo(f"{location_id} is not registered any more.")


@locations.command("list")
@folder_option
def list_(folder: Path) -> None:
    """Show what is registered and how each token stands; tokens are never shown."""

    async def do(pool: Pool, _: Settings) -> tuple[list[Location], list[Grant], list[str]]:
        async with pool.acquire() as connection:
            grants = await tokens.every(connection)
            return await kept.every(connection), grants, await installs.not_connected(connection)

    registered, grants, waiting = with_pool(folder, do)
    table = plain_table("location", "name", "time zone", "mode", "connected", "token")
    for location in registered:
        zone = location.time_zone + (" (chosen)" if location.time_zone_chosen else "")
        connected = f"{location.connected_at.astimezone(location.zone):%Y-%m-%d %H:%M}"
        words = location.location_id, location.name, zone, location.mode, connected, _state(location.grant)
        table.add_row(*(Text(said(word)) for word in words))
    terminal().print(table if table.rows else "No location is registered.")
    for grant in grants:
        whose = grant.location_id or f"The agency {grant.company_id}, {_state(grant)},"
        click.echo(f"{said(whose)} was granted {said(' '.join(grant.scopes)) or 'nothing'}")
    for location_id in waiting:
        click.echo(f"{said(location_id)} has the app installed and is not connected: slotwright locations connect")


async def _look(settings: Settings, location_id: str, token: SecretStr) -> Told:
    async with open_session(1, proxy_for(settings.highlevel_url)) as session:
        return await read_location(settings, session, location_id, token)


def _state(grant: Grant | None) -> str:
    """How a token stands. A refresh gives one that is good for another while, unless it is refused."""
    if grant is None:
        return "private"
    if grant.refused is not None:
        return f"OAuth, refused ({grant.refused}): connect it again"
    return f"OAuth, until {grant.expires_at.astimezone():%Y-%m-%d %H:%M}, then refreshed"


def _read_token(location_id: str) -> SecretStr:
    try:
        text = click.prompt("Token", hide_input=True, err=True) if sys.stdin.isatty() else sys.stdin.readline()
    except UnicodeDecodeError:
        text = "\0"
    token = text.strip()
    if not token:
        raise click.ClickException(f"no token came in: slotwright locations add {location_id} < token-file")
    if not (token.isascii() and token.isprintable()):
        raise click.ClickException("what came in is no token: a line of plain letters, digits and hyphens is expected")
    return SecretStr(token)
