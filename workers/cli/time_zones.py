"""`slotwright locations time-zone`: a location's clock, as HighLevel says or as somebody chose."""

from pathlib import Path

import click
from pydantic import SecretStr

from service.access.connection import known_zone, read_location
from service.access.refresh import Mendable
from service.access.tokens import TokenKeeper
from service.highlevel.connection import open_session, proxy_for
from service.highlevel.errors import HighLevelError
from service.settings import Settings
from service.store import locations as kept
from service.store.database import Pool
from workers.cli import arguments
from workers.cli.checkup.highlevel import advice_for
from workers.cli.clock import clock
from workers.cli.folder import folder_option, with_pool
from workers.cli.which import place_of


@click.command("time-zone")
@click.argument("location", callback=arguments.kept)
@click.argument("zone", required=False)
@folder_option
def time_zone(location: str, zone: str | None, folder: Path) -> None:
    """Choose the clock of LOCATION, an id or a name, whatever HighLevel says; without ZONE it is HighLevel's again."""
    chosen = None if zone is None else checked_zone(zone)

    async def do(pool: Pool, settings: Settings) -> str:
        async with pool.acquire() as connection:
            location_id = (await place_of(connection, location)).location_id
        read = None if chosen else await _read(pool, settings, location_id)
        async with pool.acquire() as connection:
            found = await kept.set_time_zone(
                connection, location_id, chosen or read or "", chosen=chosen is not None, read=read
            )
        if not found:
            raise not_registered(location_id)
        return chosen or f"{read}, as HighLevel says"

    told = with_pool(folder, do, *(() if chosen else ("secret_key",)))
    click.echo(f"The clock of {location} is {told}.")


async def _read(pool: Pool, settings: Settings, location_id: str) -> str:
    """What HighLevel says."""
    async with open_session(2, proxy_for(settings.highlevel_url)) as session:
        keeper = TokenKeeper(settings, pool, session, clock)
        try:
            location = await keeper.look(location_id)
            if location is None:
                raise not_registered(location_id)
            token = SecretStr(await keeper.of(location).token())
        except HighLevelError as error:
            raise no_token(location_id, error) from None
        told = await read_location(settings, session, location_id, token)
    if told.time_zone is None:
        raise click.ClickException(f"HighLevel does not say its time zone ({told.refused or 'it names none'})")
    return told.time_zone


def checked_zone(name: str) -> str:
    """Raises ClickException for what is no time zone."""
    if known_zone(name) is None:
        raise click.ClickException(f"{name!r} is no time zone such as Europe/London")
    return name


def no_token(location_id: str, error: HighLevelError) -> click.ClickException:
    """There is none to ask HighLevel with."""
    reason = error.reason if isinstance(error, Mendable) else error.message
    return click.ClickException(f"{location_id} has no token that is good: {reason}; {advice_for(error)}")


def not_registered(location_id: str) -> click.ClickException:
    return click.ClickException(f"no location {location_id} is registered: slotwright locations list")
