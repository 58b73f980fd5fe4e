"""`slotwright locations`: the sub-accounts that rules act in."""

import sys
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import click
from pydantic import SecretStr
from rich.text import Text

from service.highlevel.client import Client, Endpoint, open_session, proxy_for
from service.highlevel.errors import HighLevelError, Unauthorized
from service.highlevel.locations import GetLocation, Location
from service.settings import Settings
from service.store import locations as kept
from service.store.database import Pool
from workers.cli.folder import folder_option, with_pool
from workers.cli.live import plain_table, said, terminal


@click.group()
def locations() -> None:
    """The sub-accounts that rules act in."""


@locations.command()
@click.argument("location_id")
@click.option("--name", help="What people call it; by default what HighLevel calls it.")
@click.option("--time-zone", help="As in Europe/London; by default what HighLevel says.")
@folder_option
def add(location_id: str, name: str | None, time_zone: str | None, folder: Path) -> None:
    """Register LOCATION_ID, or give it a new token. The token is read from standard input."""
    if time_zone is not None:
        _check_zone(time_zone)
    token = _read_token(location_id)

    async def do(pool: Pool, settings: Settings) -> str:
        called, zone = name, time_zone
        if called is None or zone is None:
            told = await _ask_highlevel(settings, location_id, token, needed=zone is None)
            called = called or (told.name if told else "")
            zone = zone or (told.timezone if told else None)
        if zone is None:
            raise click.ClickException("HighLevel names no time zone for it: give one with --time-zone")
        _check_zone(zone)
        async with pool.acquire() as connection:
            await kept.add(connection, settings.secret_key, location_id, name=called, time_zone=zone, token=token)
        return zone

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
    """Show what is registered; tokens are never shown."""

    async def do(pool: Pool, _: Settings) -> list[kept.Location]:
        async with pool.acquire() as connection:
            return await kept.every(connection)

    table = plain_table("location", "name", "time zone", "mode", "connected")
    for location in with_pool(folder, do):
        connected = location.connected_at.astimezone(location.zone)
        words = location.location_id, location.name, location.time_zone, location.mode, f"{connected:%Y-%m-%d %H:%M}"
        table.add_row(*(Text(said(word)) for word in words))
    terminal().print(table if table.rows else "No location is registered.")


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


def _check_zone(name: str) -> None:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise click.ClickException(f"{name!r} is no time zone such as Europe/London") from None


async def _ask_highlevel(settings: Settings, location_id: str, token: SecretStr, *, needed: bool) -> Location | None:
    """What HighLevel says of the location. Where it says nothing: a ClickException if it is needed, else None."""
    endpoint = Endpoint(
        settings.highlevel_url.rstrip("/"), settings.highlevel_version, settings.read_timeout, settings.write_timeout
    )
    async with open_session(1, proxy_for(endpoint.url)) as session:
        try:
            reply = await Client(session, endpoint, token.get_secret_value())(GetLocation(location_id=location_id))
        except HighLevelError as error:
            if needed:
                told = str(error).rstrip(".")
                if not isinstance(error, Unauthorized):
                    told += ". Give --time-zone to do without asking HighLevel."
                raise click.ClickException(told) from None
            click.echo(
                f"Warning: HighLevel does not show it with this token ({error}); it is registered without a name.",
                err=True,
            )
            return None
    return reply.location
