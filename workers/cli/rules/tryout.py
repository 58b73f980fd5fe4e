"""`slotwright rules try`: what rule files say to one delivery and what they would do, with nothing written."""

import asyncio
from pathlib import Path

import click

from service.event import NotAnEvent
from service.highlevel.connection import open_session, proxy_for
from service.highlevel.errors import HighLevelError
from service.settings import Settings
from service.store import appointments, locations, overrides
from service.store.database import Connection, Pool
from service.store.deliveries import Delivery
from service.store.locations import Location, TokenUnreadable
from service.store.sealing import Keys
from workers import trial
from workers.cli.arguments import kept
from workers.cli.checkup.highlevel import advice_for
from workers.cli.clock import clock
from workers.cli.folder import folder_option, has_database, with_pool
from workers.cli.live import terminal
from workers.cli.rules.book import directory, found_in
from workers.cli.rules.findings import Findings, as_text
from workers.cli.rules.tryout_delivery import arriving, must_be_an_id, stored, told_by
from workers.cli.rules.tryout_words import Account, as_json, print_account
from workers.cli.time_zones import checked_zone
from workers.cli.which import place_of
from workers.rulebook import Rulebook
from workers.scrutiny.scrutiny import looked_through
from workers.trial import Tried
from workers.workplace import Workplace


@click.command("try")
@directory
@click.option(
    "--delivery",
    "wanted",
    required=True,
    metavar="FILE|ID",
    callback=kept,
    help="A webhook's JSON body in a file, or one that came: the first digits of its id will do.",
)
@click.option("--location", default="", callback=kept, help="Of a FILE that names none: its location's id or name.")
@click.option("--source", default="", callback=kept, help="Of a FILE: by whom it would be posted.")
@click.option("--offline", is_flag=True, help="Ask neither database nor HighLevel: the verdicts of a FILE alone.")
@click.option("--time-zone", default="", callback=kept, help="Of the location, offline.")
@click.option("--all", "every", is_flag=True, help="Name the rules that do not listen as well, and why.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@folder_option
def try_(
    directory: Path,
    wanted: str,
    location: str,
    source: str,
    offline: bool,
    time_zone: str,
    every: bool,
    form: str,
    folder: Path,
) -> None:
    """Say what the rules below DIRECTORY make of one delivery: every check with the value seen, and the writes they
    would make. They need not be in force, and nothing is written.

    One that came is judged as it was then. What its facts and steps need is read at HighLevel as it is now. Where there
    is no database, as with --offline, there are verdicts of a FILE by what it says, and no steps.

    Exits with 1 where it could not be tried.
    """
    rulebook = _rules_in(directory)
    file = Path(wanted) if Path(wanted).is_file() else None
    if file is None:
        must_be_an_id(wanted)
        if location or source or offline or time_zone:
            raise click.UsageError("--location, --source, --offline and --time-zone are for a FILE")
        account = _with_database(rulebook, None, wanted, "", "", folder)
    elif offline or not has_database(folder):
        account = _offline(rulebook, file, location, source, time_zone)
    elif time_zone:
        raise click.UsageError("--time-zone is for --offline: the location has its own")
    else:
        account = _with_database(rulebook, file, "", location, source, folder)
    if form == "json":
        click.echo(as_json(account))
    else:
        print_account(account, terminal(), every=every)


def _rules_in(directory: Path) -> Rulebook:
    """Where they are faulty, says so as `rules check` does, and exits."""
    files, unread = found_in(directory)
    scrutiny = looked_through(files, clock(), unread=unread)
    if scrutiny.rulebook is None:
        click.echo(as_text(Findings(scrutiny.faults, (), files, directory)), nl=False, err=True)
        raise SystemExit(1)
    return scrutiny.rulebook


def _offline(rulebook: Rulebook, file: Path, location: str, source: str, time_zone: str) -> Account:
    """What the body says is all there is."""
    if not time_zone:
        raise click.ClickException("without a database nothing tells the location's clock: say --time-zone")
    delivery = told_by(file, location, source)
    place = trial.unregistered(delivery.location_id, location, checked_zone(time_zone))
    try:
        tried = asyncio.run(trial.tried_alone(rulebook, place, delivery))
    except trial.NotWhole as error:
        raise click.ClickException(f"{file}: {error}, and offline HighLevel is not asked") from None
    return Account(rulebook, place, tried, named=str(file), offline=True)


def _with_database(
    rulebook: Rulebook, file: Path | None, prefix: str, location: str, source: str, folder: Path
) -> Account:
    async def do(pool: Pool, settings: Settings) -> Account:
        async with pool.acquire() as connection:
            if file:
                delivery = await arriving(connection, file, location, source)
            else:
                delivery = await stored(connection, prefix)
            place = await _place(connection, settings, delivery)
            about = delivery.location_id, delivery.appointment_id or ""
            last = await appointments.find(connection, *about)
            _, modes = await overrides.of_rules(connection, [place.location_id])
        tried = await _tried(pool, settings, rulebook, place, delivery, last)
        return Account(rulebook, place, tried, named=str(file or delivery.delivery_id), overrides=modes)

    return with_pool(folder, do, "secret_key")


async def _tried(
    pool: Pool,
    settings: Settings,
    rulebook: Rulebook,
    place: Location,
    delivery: Delivery,
    last: appointments.LastSeen | None,
) -> Tried:
    async with open_session(2, proxy_for(settings.highlevel_url)) as session:
        work = Workplace(settings, pool, session, clock)
        try:
            return await trial.tried(work, rulebook, place, delivery, last)
        except HighLevelError as error:
            told = f"{error}; {advice_for(error, connected=place.grant is not None)}"
            raise click.ClickException(f"HighLevel cannot be asked what rules ask about: {told}") from None
        except NotAnEvent:
            raise click.ClickException(f"what is kept of {delivery.delivery_id} is no event any more") from None


async def _place(connection: Connection, settings: Settings, delivery: Delivery) -> Location:
    """The location, with its token."""
    location_id = (await place_of(connection, delivery.location_id)).location_id
    try:
        found = await locations.find(connection, Keys.of(settings), location_id)
    except TokenUnreadable:
        raise click.ClickException("SECRET_KEY does not open this location's token") from None
    assert found is not None, "it was just found"
    return found
