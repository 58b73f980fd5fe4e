"""`slotwright history`: what came, what was judged, what was done."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from service.settings import Settings
from service.store import history as kept
from service.store.database import Pool
from workers.cli.folder import folder_option, with_pool
from workers.values import read_duration

STATES = ("waiting", "judged", "done", "ignored", "failed")
HELD = {True: "[green]✓[/]", False: "[red]✗[/]", None: "[yellow]?[/]"}
COLOURS = {"done": "green", "failed": "red", "unknown": "red", "shadow": "cyan", "unchanged": "dim"}


class Since(click.ParamType[datetime]):
    """A length of time before now, or a moment."""

    name = "when"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        if isinstance(value, datetime):
            return value
        try:
            return datetime.now(UTC) - read_duration(value)
        except ValueError:
            pass
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is neither a duration such as 2h nor a moment such as 2027-03-26T18:00", param, ctx)
        return moment if moment.tzinfo else moment.astimezone()


@click.group()
def history() -> None:
    """What came, what was judged, what was done."""


@history.command("list")
@click.option("--status", type=click.Choice(STATES), help="How deliveries stand.")
@click.option("--step", help="Deliveries with a step in this state: failed, unknown, waiting, …")
@click.option("--rule", help="Deliveries that this rule was asked about.")
@click.option("--appointment", help="Deliveries about this appointment or series.")
@click.option("--since", type=Since(), help="2h, 3d, or a moment.")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 10_000))
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@folder_option
def list_(
    status: str | None,
    step: str | None,
    rule: str | None,
    appointment: str | None,
    since: datetime | None,
    limit: int,
    as_json: bool,
    folder: Path,
) -> None:
    """Deliveries, newest first."""

    async def do(pool: Pool, _: Settings) -> list[dict[str, Any]]:
        async with pool.acquire() as connection:
            return await kept.listed(
                connection, status=status, step=step, rule=rule, appointment=appointment, since=since, limit=limit
            )

    rows = with_pool(folder, do)
    if as_json:
        for row in rows:
            click.echo(json.dumps(row, default=plain))
        return
    table = Table("received", "delivery", "appointment", "state", "triggers", "rules that held", "steps")
    for row in rows:
        table.add_row(
            f"{row['received_at'].astimezone():%m-%d %H:%M:%S}",
            str(row["delivery_id"]),
            escape(row["appointment_id"] or ""),
            state_of(row),
            ", ".join(word.removeprefix("appointment.") for word in row["triggers"]),
            escape(", ".join(row["held"] or ())),
            ", ".join(coloured(state) for state in row["steps"] or ()),
        )
    Console().print(table if rows else "Nothing of that kind.")


@history.command()
@click.argument("delivery_id", type=click.UUID)
@click.option("--json", "as_json", is_flag=True)
@folder_option
def show(delivery_id: UUID, as_json: bool, folder: Path) -> None:
    """One delivery: what it meant, each rule with its checks, each step, each call, the body."""

    async def do(pool: Pool, _: Settings) -> Any:
        async with pool.acquire() as connection:
            return await kept.shown(connection, delivery_id)

    shown = with_pool(folder, do)
    if shown is None:
        raise click.ClickException(f"there is no delivery {delivery_id}; slotwright history list shows what there is")
    if as_json:
        click.echo(json.dumps(shown, default=plain, indent=2, ensure_ascii=False))
    else:
        _print(shown, Console())


def _print(shown: Any, console: Console) -> None:
    zone = ZoneInfo(shown["time_zone"] or "UTC")
    at = shown["received_at"].astimezone(zone)
    console.print(f"[bold]{shown['delivery_id']}[/]  {shown['event'] or 'no type'} from {shown['source']}")
    console.print(f"received {at:%A %Y-%m-%d %H:%M:%S %Z}, location {_or_none(shown['location_id'])}")
    console.print(f"appointment {_or_none(shown['appointment_id'])}, contact {_or_none(shown['contact_id'])}")
    console.print(f"state {state_of(shown)}")
    if shown["triggers"]:
        console.print(f"triggers {', '.join(shown['triggers'])}")
    if shown["rulebook_version"]:
        console.print(f"rulebook version {shown['rulebook_version']}")
    for verdict in shown["verdicts"]:
        console.print(f"\n{HELD[verdict['held']]} [bold]{escape(verdict['rule'])}[/] ({verdict['mode']})")
        for check in verdict["checks"]:
            under = " ".join(check["under"])
            console.print(
                f"    {HELD[check['held']]} {escape(under + ' ' if under else '')}{check['fact']} {check['test']} "
                f"{escape(check['expected'])}   [dim]was {escape(check['actual'])}[/]",
                highlight=False,
            )
        for step in shown["steps"]:
            if step["rule"] == verdict["rule"] and step["action"] != "follow":
                _print_step(step, shown["calls"], console)
    asked = {verdict["rule"] for verdict in shown["verdicts"]}
    rest = [step for step in shown["steps"] if step["action"] == "follow" or step["rule"] not in asked]
    if rest:
        console.print("\n[bold]blocks that follow the booking[/]")
    for step in rest:
        _print_step(step, shown["calls"], console)
    reads = [call for call in shown["calls"] if call["step_id"] is None]
    if reads:
        console.print("\n[bold]read to judge and to decide[/]")
    for call in reads:
        _print_call(call, console)
    console.print("\n[bold]body[/]")
    console.print(plain(shown["body"]), highlight=False, markup=False)


def _print_step(step: Any, calls: Any, console: Console) -> None:
    reason = f"   [dim]{escape(step['reason'])}[/]" if step["reason"] else ""
    console.print(f"    → {coloured(step['state'])}  {escape(step['sentence'])}{reason}", highlight=False)
    for call in calls:
        if call["step_id"] == step["step_id"]:
            _print_call(call, console)


def _print_call(call: Any, console: Console) -> None:
    answer = call["status"] or "no answer"
    error = f"  {escape(call['error'])}" if call["error"] else ""
    console.print(
        f"        [dim]{call['operation']} {answer} in {call['milliseconds']:.0f} ms{error}[/]", highlight=False
    )


def state_of(row: Any) -> str:
    reason = row["waits_for"] or row["reason"]
    return coloured(row["state"]) + (f" [dim]{escape(reason)}[/]" if reason else "")


def coloured(state: str) -> str:
    return f"[{COLOURS[state]}]{state}[/]" if state in COLOURS else state


def _or_none(value: str | None) -> str:
    return escape(value) if value else "none"


def plain(value: Any) -> Any:
    """What JSON lacks, as text: ids, moments, and a body byte for byte where it is UTF-8."""
    match value:
        case datetime():
            return value.isoformat()
        case bytes():
            return value.decode(errors="replace")
        case timedelta():
            return value.total_seconds()
        case _:
            return str(value)
