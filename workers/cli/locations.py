"""`slotwright locations`: the sub-accounts that rules act in."""

import asyncio
import sys
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import aiohttp
import click
from pydantic import SecretStr
from rich.console import Console
from rich.table import Table

from service.highlevel.client import Client, Endpoint
from service.highlevel.errors import HighLevelError
from service.highlevel.locations import GetLocation, Location
from service.settings import Settings, read_settings
from service.store import locations as kept
from service.store.database import Pool
from workers.cli.folder import folder_option, with_pool


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
    settings = read_settings("database_url", "secret_key", folder=folder)
    if sys.stdin.isatty():
        click.echo("Token, then Enter: ", nl=False, err=True)
    token = SecretStr(sys.stdin.readline().strip())
    if not token.get_secret_value():
        raise click.ClickException(f"no token came in: slotwright locations add {location_id} < token-file")
    if name is None or time_zone is None:
        told = asyncio.run(ask_highlevel(settings, location_id, token, needed=time_zone is None))
        name = name or (told.name if told else "")
        time_zone = time_zone or (told.timezone if told else None)
    if time_zone is None:
        raise click.ClickException("HighLevel names no time zone for it: give one with --time-zone")
    try:
        ZoneInfo(time_zone)
    except (ZoneInfoNotFoundError, ValueError):
        raise click.ClickException(f"{time_zone!r} is no time zone such as Europe/London") from None

    async def do(pool: Pool, settings: Settings) -> None:
        async with pool.acquire() as connection:
            await kept.add(
                connection, settings.secret_key, location_id, name=name or "", time_zone=time_zone, token=token
            )

    with_pool(folder, do)
    click.echo(f"{location_id} is registered, its clock is {time_zone}.")


@locations.command("list")
@folder_option
def list_(folder: Path) -> None:
    """Show what is registered; tokens are never shown."""

    async def do(pool: Pool, _: Settings) -> list[kept.Location]:
        async with pool.acquire() as connection:
            return await kept.every(connection)

    table = Table("location", "name", "time zone", "mode", "connected")
    for location in with_pool(folder, do):
        connected = location.connected_at.astimezone(location.zone)
        table.add_row(
            location.location_id, location.name, location.time_zone, location.mode, f"{connected:%Y-%m-%d %H:%M}"
        )
    Console().print(table)


async def ask_highlevel(settings: Settings, location_id: str, token: SecretStr, *, needed: bool) -> Location | None:
    """What HighLevel says of the location; None when it says nothing and nothing is needed. Else a ClickException."""
    endpoint = Endpoint(
        settings.highlevel_url.rstrip("/"), settings.highlevel_version, settings.read_timeout, settings.write_timeout
    )
    async with aiohttp.ClientSession() as session:
        try:
            reply = await Client(session, endpoint, token.get_secret_value())(GetLocation(location_id=location_id))
        except HighLevelError as error:
            if not needed:
                return None
            raise click.ClickException(f"{error}. Give --time-zone to do without asking HighLevel.") from None
    return reply.location
