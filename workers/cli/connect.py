"""`slotwright locations connect`: somebody allows our marketplace app a location, or an agency, in a browser."""

from pathlib import Path

import click

from service.access import app
from service.access.connection import AppRemoved, Connected, Connector, NoTimeZone
from service.access.tokens import TokenKeeper
from service.highlevel.connection import open_session, proxy_for
from service.highlevel.errors import HighLevelError
from service.settings import Settings
from service.store import tokens
from service.store.connecting import GOOD_FOR
from service.store.database import Pool
from workers.cli import arguments
from workers.cli.clock import clock
from workers.cli.folder import folder_option, with_pool
from workers.cli.time_zones import checked_zone

NEEDED = ("oauth_client_id", "oauth_client_secret", "secret_key")


@click.command()
@click.option("--agency", is_flag=True, help="An agency, whose token gives those of its locations.")
@click.option(
    "--location",
    callback=arguments.location_id,
    metavar="LOCATION_ID",
    help="One of an agency that is connected; no browser is needed.",
)
@click.option("--time-zone", help="As in Europe/London, whatever HighLevel says; by default what it says.")
@folder_option
def connect(agency: bool, location: str | None, time_zone: str | None, folder: Path) -> None:
    """Connect a location by OAuth: print the address of the page where it is chosen.

    HighLevel's answer comes to the console, which registers what was chosen.
    """
    if agency and (location is not None or time_zone):
        raise click.UsageError("--agency goes with neither --location nor --time-zone.")
    chosen = None if time_zone is None else checked_zone(time_zone)

    async def begin(pool: Pool, settings: Settings) -> str:
        async with open_session(1) as session:
            url = await Connector(settings, pool, session, clock).ask("Company" if agency else "Location", chosen)
        minutes = GOOD_FOR.total_seconds() / 60
        return (
            f"Open this in a browser, within {minutes:.0f} minutes; it is good for one answer:\n\n{url}\n\n"
            f"The answer comes to {app.redirect_url(settings)}: that has to be registered with the app,\n"
            "and to reach the console (slotwright console) from the browser."
        )

    async def fetch(pool: Pool, settings: Settings) -> str:
        connected = await _by_agency(pool, settings, str(location), chosen)
        return f"{connected.id} is registered, its clock is {connected.time_zone}."

    click.echo(with_pool(folder, begin if location is None else fetch, *NEEDED))


async def _by_agency(pool: Pool, settings: Settings, location_id: str, time_zone: str | None) -> Connected:
    """By the token of whichever agency has the location. Raises ClickException."""
    async with pool.acquire() as connection:
        agencies = [grant.company_id for grant in await tokens.every(connection) if grant.location_id is None]
    refusal = "no agency is connected: slotwright locations connect --agency, or without --location"
    async with open_session(2, proxy_for(settings.highlevel_url)) as session:
        keeper = TokenKeeper(settings, pool, session, clock)
        for company_id in agencies:
            try:
                granted = await keeper.location_token(str(company_id), location_id)
                if granted is not None:
                    return await Connector(settings, pool, session, clock).register(granted, time_zone=time_zone)
            except HighLevelError as error:
                refusal = f"the agency {company_id} has no token for it: {error}"
            except AppRemoved as error:
                refusal = str(error)
            except NoTimeZone as error:
                refusal = f"HighLevel does not say its time zone ({error}): give --time-zone"
    raise click.ClickException(refusal)
