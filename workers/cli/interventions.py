"""`slotwright history retry`, `skip` and `park`: what somebody decides about deliveries, one or many."""

import getpass
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import click

from service.settings import Settings
from service.store import held, interventions
from service.store import history as kept
from service.store.database import Connection, Pool
from service.store.deliveries import OPEN
from service.store.interventions import POSSIBLE, Intervention
from workers.cli.folder import folder_option, with_pool
from workers.cli.live import said
from workers.cli.outlook import MOST, Found, Row, concerned, deliveries, tell
from workers.cli.which import id_of, must_have_been_asked, named, which_deliveries

AT_ONCE = 100
"""Deliveries of one transaction: their lanes stand still for its length."""

READ_AT_ONCE = 1000

EXAMPLE = "--status parked"

DONE: Mapping[Intervention, str] = {"retry": "taken up again", "skip": "skipped", "park": "parked"}


def who_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Whoever acts, for the record."""
    return _who(command, "--by")


def author_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """The same for who makes a version."""
    return _who(command, "--author", "--by")


def _who(command: Callable[..., Any], *names: str) -> Callable[..., Any]:
    return click.option(
        *names,
        "who",
        default=this_user,
        show_default="the user of this shell",
        callback=_must_be_somebody,
        help="Who, for the record.",
    )(command)


def this_user() -> str:
    """Whose shell it is."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        # In a container there may be no name for the number.
        return f"user {os.getuid()}"


def _must_be_somebody(_: click.Context, __: click.Parameter, who: str) -> str:
    if not who.strip():
        raise click.BadParameter("say who, such as --by ada")
    return said(who.strip())


def _command(what: Intervention, help_: str) -> click.Command:
    @click.command(what, help=help_)
    @click.argument("delivery_ids", nargs=-1, metavar="[DELIVERY_ID]...")
    @which_deliveries
    @click.option("--dry-run", is_flag=True, help="Say what it would do, and do nothing.")
    @click.option("--yes", is_flag=True, help="Do it to all that were chosen by options, without asking.")
    @who_option
    @folder_option
    def command(delivery_ids: Sequence[str], dry_run: bool, yes: bool, who: str, folder: Path, **wanted: Any) -> None:
        chosen = {name: value for name, value in wanted.items() if value is not None}
        if bool(delivery_ids) == bool(chosen):
            both = "either, not both: " if chosen else ""
            raise click.UsageError(f"{both}name deliveries by their ids, or choose them by options such as {EXAMPLE}")

        async def find(pool: Pool, _: Settings) -> tuple[Found, Mapping[UUID, Sequence[Row]]]:
            async with pool.acquire() as connection:
                if chosen:
                    found = await _chosen(connection, what, chosen)
                else:
                    found = await _named(connection, what, delivery_ids)
                if what == "retry":
                    found = replace(found, held=concerned(await held.shown(connection, MOST), found.rows))
                ids = [row["delivery_id"] for row in found.rows if dry_run]
                return found, await kept.decisions(connection, ids)

        found, decided = with_pool(folder, find)
        if not found.rows:
            raise click.ClickException(f"nothing there to {what}: it must be {POSSIBLE[what]}")
        if dry_run:
            return tell(what, found, decided)
        number = len(found.rows)
        if chosen and not yes:
            newest = "the newest " if found.more else ""
            click.confirm(f"{what} {newest}{deliveries(number)}? (--dry-run lists them)", abort=True)

        async def do(pool: Pool, _: Settings) -> int:
            async with pool.acquire() as connection:
                ids, stood = [row["delivery_id"] for row in found.rows], [_stood(row, chosen) for row in found.rows]
                return await carry_out(connection, what, ids, who, stood=stood, step=chosen.get("step"))

        done = with_pool(folder, do)
        click.echo(f"{deliveries(done)} {DONE[what]}.")
        if done < number:
            click.echo(f"{number - done} had become another meanwhile, and are left alone.", err=True)
        if found.more:
            click.echo(f"There are more: a command takes {MOST:,} at most. Run it again for the rest.", err=True)
        for each in found.held:
            click.echo(f"Held back: {said(each.what)}, {each.kind}. {said(each.command)}", err=True)
        return None

    return command


def _stood(row: Row, chosen: Mapping[str, Any]) -> str:
    """How a delivery stood when it was chosen: that one which is open is judged meanwhile is nobody's decision."""
    state = str(row["state"])
    return "open" if state in OPEN and chosen.get("status") in (None, "open") else state


async def carry_out(
    connection: Connection,
    what: Intervention,
    deliveries: Sequence[UUID],
    who: str,
    *,
    stood: Sequence[str] | None = None,
    step: str | None = None,
) -> int:
    """How many of them it was done to; `stood` and `step` as `interventions.carry_out` has them."""
    number = 0
    for begin in range(0, len(deliveries), AT_ONCE):
        part, then = deliveries[begin : begin + AT_ONCE], stood and stood[begin : begin + AT_ONCE]
        async with connection.transaction():
            number += len(await interventions.carry_out(connection, what, part, who, stood=then, step=step))
    return number


async def _chosen(connection: Connection, what: Intervention, chosen: Mapping[str, Any]) -> Found:
    """Those of all that were chosen by options, as far as MOST."""
    if location := chosen.get("location"):
        chosen = {**chosen, "location": await id_of(connection, location, strict=True)}
    rows: list[Row] = []
    before = None
    while True:
        page = await kept.listed(connection, **chosen, before=before, limit=READ_AT_ONCE)
        fit = await interventions.fitting(connection, what, [row["delivery_id"] for row in page])
        rows += [row for row in page if row["delivery_id"] in fit]
        if len(rows) > MOST or len(page) < READ_AT_ONCE:
            if not rows:
                await must_have_been_asked(connection, chosen.get("rule"))
            return Found(rows[:MOST], more=len(rows) > MOST)
        before = page[-1]["delivery_id"]


async def _named(connection: Connection, what: Intervention, delivery_ids: Sequence[str]) -> Found:
    """Raises ClickException where it cannot be done to one of them."""
    found: dict[UUID, Row] = {}
    for begun in delivery_ids:
        shown = await kept.shown(connection, await named(connection, begun))
        assert shown is not None
        if shown["delivery_id"] not in await interventions.fitting(connection, what, [shown["delivery_id"]]):
            raise click.ClickException(f"{begun} is {shown['state']}: to {what} it, it must be {POSSIBLE[what]}")
        found[shown["delivery_id"]] = shown
    return Found([*found.values()])


retry = _command("retry", "Take up again what was parked, failed or is unknown: as it was decided, and once.")
skip = _command("skip", "Leave undone what is open or parked, for good.")
park = _command("park", "Take deliveries out of their lanes, so that others go on; retry takes them up again.")
