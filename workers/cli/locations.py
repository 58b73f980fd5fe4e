"""`slotwright locations`: the sub-accounts that rules act in."""

import sys
from datetime import tzinfo
from pathlib import Path

import click
from pydantic import SecretStr
from rich.text import Text

from service.access.connection import Told, read_location
from service.access.refresh import ask_again
from service.highlevel.connection import open_session, proxy_for
from service.highlevel.errors import Forbidden, HighLevelError, ScopeMissing
from service.settings import Settings
from service.store import installs, tokens
from service.store import locations as kept
from service.store.database import Pool
from service.store.locations import Location
from service.store.sealing import Keys
from service.store.tokens import Grant, of_agency
from workers.cli import arguments
from workers.cli.clock import clock
from workers.cli.connect import connect
from workers.cli.folder import folder_option, with_pool
from workers.cli.live import plain_table, said, terminal
from workers.cli.permissions import check
from workers.cli.reconcile import reconcile
from workers.cli.time_zones import checked_zone, time_zone


@click.group()
def locations() -> None:
    """The sub-accounts that rules act in."""


locations.add_command(connect)
locations.add_command(check)
locations.add_command(time_zone)
locations.add_command(reconcile)


@locations.command()
@click.argument("location_id", callback=arguments.location_id)
@click.option(
    "--name",
    callback=arguments.kept,
    help="What people call it; by default what HighLevel calls it, or what it was called.",
)
@click.option(
    "--time-zone",
    help="As in Europe/London, whatever HighLevel says, even where it does not answer; by default what it says.",
)
@folder_option
def add(location_id: str, name: str | None, time_zone: str | None, folder: Path) -> None:
    """Register LOCATION_ID with a private integration token, or give it a new one, read from standard input.

    It takes the place of the token that there was, OAuth's too, unless HighLevel refuses it. A clock that was chosen
    before stays, unless --time-zone chooses another (slotwright locations time-zone gives HighLevel's back).
    """
    chosen = None if time_zone is None else checked_zone(time_zone)
    token = _read_token(location_id)

    async def do(pool: Pool, settings: Settings) -> str:
        told = await _look(settings, location_id, token)
        if told.refused and not (chosen and _says_nothing(told.refused)):
            raise click.ClickException(_no_token(told.refused))
        zone = chosen or told.time_zone
        if zone is None:
            raise click.ClickException("HighLevel names no time zone for it: give one with --time-zone")
        async with pool.acquire() as connection:
            before = await kept.look_up(connection, location_id)
            called = name or told.name or (before.name if before else "")
            if told.refused:
                without = "" if called else "; it is registered without a name"
                click.echo(f"Warning: HighLevel does not show it with this token ({told.refused}){without}.", err=True)
            await kept.add(
                connection,
                Keys.of(settings),
                location_id,
                name=called,
                time_zone=zone,
                token=token,
                time_zone_read=told.time_zone,
                time_zone_chosen=chosen is not None,
            )
            registered = await kept.look_up(connection, location_id)
        words = [f"{location_id} is registered, its clock is {registered.time_zone if registered else zone}."]
        if chosen is None and registered and registered.time_zone_chosen:
            words.append(f"That clock was chosen before; HighLevel's: slotwright locations time-zone {location_id}")
        if before and before.grant:
            words.append("It was connected by OAuth: this private token has taken the place of what was granted.")
        return "\n".join(words)

    click.echo(with_pool(folder, do, "secret_key"))


@locations.command()
@click.argument("location_id", callback=arguments.kept)
@folder_option
def remove(location_id: str, folder: Path) -> None:
    """Forget LOCATION_ID and its token: its webhooks are kept as ignored. What was done in it stays in the history.

    The id of an agency that is connected forgets that agency's token; its locations stay, with their own.
    """

    async def do(pool: Pool, _: Settings) -> str:
        async with pool.acquire() as connection:
            if await kept.remove(connection, location_id):
                return f"{location_id} is not registered any more."
            if of_agency(location_id) not in {grant.subject for grant in await tokens.every(connection)}:
                raise click.ClickException(f"no location {location_id} is registered: slotwright locations list")
            await tokens.remove(connection, of_agency(location_id))
        return f"The agency {location_id} is not connected any more; its locations that are registered stay so."

    click.echo(with_pool(folder, do))


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
    for number in (0, 3, 4):
        table.columns[number].no_wrap = True
    for location in registered:
        zone = location.time_zone + (" (chosen)" if location.time_zone_chosen else "")
        connected = f"{location.connected_at.astimezone(location.zone):%Y-%m-%d %H:%M}"
        state = _state(location.grant, location.zone)
        if location.token_refused and not (location.grant and location.grant.refused):
            state += f", refused by HighLevel: slotwright locations check {location.location_id}"
        words = location.location_id, location.name, zone, location.mode, connected, state
        table.add_row(*(Text(said(word)) for word in words))
    terminal().print(table if table.rows else "No location is registered.")
    for grant in grants:
        granted = f"was granted {' '.join(grant.scopes) or 'nothing'}"
        if grant.location_id is not None:
            click.echo(said(f"{grant.location_id} {granted}"))
        else:
            click.echo(said(f"The agency {grant.company_id}, {_state(grant)}, {granted}"))
            click.echo(said(f"  to forget it: slotwright locations remove {grant.company_id}"))
    for location_id in waiting:
        click.echo(f"{said(location_id)} has the app installed and is not connected: slotwright locations connect")


async def _look(settings: Settings, location_id: str, token: SecretStr) -> Told:
    async with open_session(1, proxy_for(settings.highlevel_url)) as session:
        return await read_location(settings, session, location_id, token)


def _says_nothing(error: HighLevelError) -> bool:
    """Of the token: it may be good, and the location its own."""
    return error.retry or isinstance(error, ScopeMissing)


def _no_token(error: HighLevelError) -> str:
    words = str(error).rstrip(".")
    if _says_nothing(error):
        return f"{words}. Give --time-zone to do without asking HighLevel."
    if isinstance(error, Forbidden):
        return f"{words}. Give the token that was made in this very location."
    return words


def _state(grant: Grant | None, zone: tzinfo | None = None) -> str:
    """How a token stands, by that clock; without one by this machine's, which is named."""
    if grant is None:
        return "private"
    if grant.refused is not None:
        return f"OAuth, refused ({grant.refused}): {ask_again(grant)}"
    end = f"{grant.expires_at.astimezone(zone):%Y-%m-%d %H:%M{'' if zone else ' %Z'}}"
    ended = clock() >= grant.expires_at
    until = f"OAuth, {'ended' if ended else 'until'} {end}"
    if grant.failure is not None:
        return f"{until}, not refreshed yet ({grant.failure})"
    return f"{until}, {'to be' if ended else 'then'} refreshed"


def _read_token(location_id: str) -> SecretStr:
    try:
        text = click.prompt("Token", hide_input=True, err=True) if sys.stdin.isatty() else sys.stdin.read()
    except UnicodeDecodeError:
        text = "\0"
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if not lines:
        raise click.ClickException(f"no token came in: slotwright locations add {location_id} < token-file")
    if len(lines) > 1:
        raise click.ClickException(f"{len(lines)} lines came in: a token is one, and which of them it is nobody knows")
    [token] = lines
    if not (token.isascii() and token.isprintable()):
        raise click.ClickException("what came in is no token: a line of plain letters, digits and hyphens is expected")
    return SecretStr(token)
