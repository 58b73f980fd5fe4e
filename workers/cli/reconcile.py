"""`slotwright locations reconcile`: what no webhook told of a location, and whether rules are asked about it."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import click
from rich.text import Text

from service.settings import Settings
from service.store import locations, reconcilers
from service.store.database import Pool
from service.store.reconcilers import Standing
from service.store.reconciliations import Proposal
from workers.cli import arguments
from workers.cli.clock import clock
from workers.cli.folder import folder_option, with_pool
from workers.cli.live import plain_table, said, terminal
from workers.cli.time_zones import not_registered
from workers.cli.which import place_of
from workers.reconciliation import proposals
from workers.reconciliation.progress import Found


@click.command()
@click.argument("location", callback=arguments.kept)
@click.option("--approve", is_flag=True, help="Ask the rules about all that waits.")
@click.option("--dismiss", is_flag=True, help="Take all that waits for seen, and ask no rule about it.")
@click.option("--now", is_flag=True, help="Have a worker look through it now.")
@folder_option
def reconcile(location: str, approve: bool, dismiss: bool, now: bool, folder: Path) -> None:
    """Show what was found in LOCATION, an id or a name, that no webhook told, and what of it waits for approval."""
    if approve + dismiss + now > 1:
        raise click.UsageError("one of --approve, --dismiss and --now")

    async def carry_out(pool: Pool, settings: Settings) -> list[str] | tuple[Standing | None, list[Proposal], ZoneInfo]:
        async with pool.acquire() as connection:
            location_id = (await place_of(connection, location)).location_id
            found = await locations.look_up(connection, location_id)
            if found is None:
                raise not_registered(location_id)
            if now:
                await reconcilers.ask(connection, location_id)
                return [f"A worker looks through {location_id} next."]
        if not (approve or dismiss):
            listed = await proposals.waiting(pool, location_id)
            async with pool.acquire() as connection:
                return await reconcilers.standing(connection, location_id), listed, found.zone
        if approve:
            outcomes = await proposals.approve(pool, location_id, clock, settings.ignored_kept)
        else:
            outcomes = await proposals.dismiss(pool, location_id, clock, settings.ignored_kept)
        return [f"{count} {outcome}" for outcome, count in outcomes.items()] or ["Nothing waits for approval."]

    told = with_pool(folder, carry_out)
    if isinstance(told, list):
        for line in told:
            click.echo(line)
        return
    standing, listed, zone = told
    for line in _standing(standing, zone):
        click.echo(said(line))
    if listed:
        table = plain_table("found", "booking", "what no webhook told")
        for each in listed:
            words = _at(each.found_at, zone), each.appointment_id, each.news
            table.add_row(*(Text(said(word)) for word in words))
        terminal().print(table)
        click.echo(f"{len(listed)} wait: --approve asks the rules about them, --dismiss does not")


def _standing(standing: Standing | None, zone: ZoneInfo) -> Iterator[str]:
    if standing is None:
        yield "No worker has looked through it yet."
        return
    if standing.inventory_at is not None:
        yield f"Inventory: {_at(standing.inventory_at, zone)}, {standing.inventory_bookings} bookings remembered."
    if standing.last_at is not None:
        found = Found.model_validate(standing.found)
        yield f"Last pass: {_at(standing.last_at, zone)}, {_words(found)}."
        yield from (f"  not read: {why}" for why in found.skipped)
    if standing.failure is not None:
        yield f"It does not go on for now: {standing.failure}"
    next_ = "now" if standing.under_way or standing.next_at <= clock() else _at(standing.next_at, zone)
    yield f"Next pass: {next_}."


def _words(found: Found) -> str:
    counts = {
        "remembered": found.remembered,
        "acted on": found.acted,
        "waiting for approval": found.waiting,
        "left to the next": found.left,
        "followed blocks not where they were put": len(found.blocks_gone),
    }
    told = [f"{count} {words}" for words, count in counts.items() if count]
    return f"{found.bookings} bookings listed, " + (", ".join(told) or "none of them news")


def _at(moment: datetime, zone: ZoneInfo) -> str:
    return f"{moment.astimezone(zone):%Y-%m-%d %H:%M}"
