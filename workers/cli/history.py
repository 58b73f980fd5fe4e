"""`slotwright history`: what came, what was judged, what was done."""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import click
from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from service.settings import Settings
from service.store import history as kept
from service.store.database import Pool
from workers.cli.folder import folder_option, with_pool
from workers.cli.interventions import park, retry, skip
from workers.cli.live import (
    HELD,
    candidates_of,
    check_of,
    indented,
    plain_table,
    said,
    state_of,
    step_of,
    steps_by_rule,
    terminal,
    words_of,
)
from workers.cli.which import id_of, must_have_been_asked, named, which_deliveries

LONGEST_ID = 44
"""Columns; one in a series is called after the series, its start and its length. What is longer is folded."""


@click.group()
def history() -> None:
    """What came, what was judged, what was done."""


for command in (retry, skip, park):
    history.add_command(command)


@history.command("list")
@which_deliveries
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 10_000))
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@folder_option
def list_(as_json: bool, folder: Path, **wanted: Any) -> None:
    """Deliveries, newest first."""

    async def do(pool: Pool, _: Settings) -> list[dict[str, Any]]:
        async with pool.acquire() as connection:
            location = await id_of(connection, wanted["location"])
            found = await kept.listed(connection, **{**wanted, "location": location})
            if not found:
                await must_have_been_asked(connection, wanted["rule"])
            return found

    rows = with_pool(folder, do)
    if as_json:
        for row in rows:
            click.echo(json.dumps(row, default=kept.plain, ensure_ascii=False))
    else:
        terminal().print(_table(rows) if rows else "Nothing of that kind.")


@history.command()
@click.argument("delivery_id")
@click.option("--json", "as_json", is_flag=True, help="One JSON object, with the body as it came.")
@folder_option
def show(delivery_id: str, as_json: bool, folder: Path) -> None:
    """One delivery: what it meant, each rule with its checks, each step, each call, the body.

    The first digits of DELIVERY_ID will do if only one begins so.
    """

    async def do(pool: Pool, _: Settings) -> Any:
        async with pool.acquire() as connection:
            return await kept.shown(connection, await named(connection, delivery_id))

    shown = with_pool(folder, do)
    if as_json:
        click.echo(json.dumps(kept.with_body(shown), default=kept.plain, indent=2, ensure_ascii=False))
    else:
        _print(shown, terminal())


def _table(rows: Sequence[Mapping[str, Any]]) -> Table:
    table = plain_table("received", "delivery, appointment, triggers", "what came of it")
    ids = [str(row[name] or "") for row in rows for name in ("delivery_id", "appointment_id")]
    table.columns[0].no_wrap, table.columns[1].width = True, min(LONGEST_ID, max(map(len, ids)))
    for row in rows:
        about = [Text(str(row["delivery_id"])), Text(said(row["appointment_id"] or ""), "dim")]
        if row["triggers"]:
            about.append(Text(words_of(row["triggers"])))
        outcome = [state_of(row)]
        for rule, steps in steps_by_rule(row["held"], row["steps"]).items():
            outcome.append(Text.assemble((said(rule), "bold"), ": ", ", ".join(step["state"] for step in steps)))
        table.add_row(f"{row['received_at'].astimezone():%m-%d %H:%M:%S}", Group(*about), Group(*outcome))
    return table


def _print(shown: Mapping[str, Any], console: Console) -> None:
    console.print(_heading(shown))
    rest = steps_by_rule([], shown["steps"])
    for verdict in shown["verdicts"]:
        mark, colour = HELD[verdict["held"]]
        console.print(
            Text.assemble("\n", (mark, colour), (f" {said(verdict['rule'])}", "bold"), f" ({verdict['mode']})")
        )
        for check in verdict["checks"]:
            console.print(indented(check_of(check)))
        _print_steps(rest.pop(verdict["rule"], []), shown["calls"], console)
    for heading, steps in rest.items():
        console.print(Text.assemble("\n", (said(heading), "bold")))
        _print_steps(steps, shown["calls"], console)
    if shown["interventions"]:
        console.print(Text("\nby hand", "bold"))
    for done in shown["interventions"]:
        at = done["intervened_at"].astimezone(_zone(shown))
        console.print(indented(Text(f"{at:%Y-%m-%d %H:%M:%S %Z}  {done['what']} by {said(done['who'])}")))
    reads = [call for call in shown["calls"] if call["step_id"] is None]
    if reads:
        console.print(Text("\nread to judge and to decide", "bold"))
    for call in reads:
        console.print(indented(_call(call)))
    console.print(Text("\nbody", "bold"))
    # Wrapped by the terminal alone, so that it can be copied from there.
    console.print(Text(_pretty(shown["body"])), soft_wrap=True)


def _heading(shown: Mapping[str, Any]) -> Table:
    grid = Table.grid(padding=(0, 2, 0, 0))
    received = shown["received_at"].astimezone(_zone(shown))
    lines = {
        "delivery": str(shown["delivery_id"]),
        "received": f"{received:%A %Y-%m-%d %H:%M:%S %Z} from {shown['source']}",
        "event": shown["event"],
        "location": shown["location_id"],
        "appointment": shown["appointment_id"],
        "contact": shown["contact_id"],
        "triggers": words_of(shown["triggers"]),
        "rulebook": _rulebook(shown),
        "attempts": f"{shown['attempts']} in vain" if shown["attempts"] else "",
    }
    for name, value in lines.items():
        if value:
            grid.add_row(Text(name, "dim"), Text(said(value), overflow="fold"))
    grid.add_row(Text("state", "dim"), state_of(shown))
    return grid


def _rulebook(shown: Mapping[str, Any]) -> str:
    version, message = shown["rulebook_version"], shown["rulebook_message"]
    return ": ".join(filter(None, (f"version {version}", message))) if version else ""


def _zone(shown: Mapping[str, Any]) -> ZoneInfo:
    return ZoneInfo(shown["time_zone"] or "UTC")


def _print_steps(steps: Iterable[Mapping[str, Any]], calls: Iterable[Mapping[str, Any]], console: Console) -> None:
    for step in steps:
        console.print(indented(Text.assemble("→ ", step_of(step))))
        # Why nobody was chosen the reason says already.
        for candidate in candidates_of(step["candidates"] or ()) if step["operation"] else ():
            console.print(indented(candidate, by=8))
        for call in calls:
            if call["step_id"] == step["step_id"]:
                console.print(indented(_call(call), by=8))


def _call(call: Mapping[str, Any]) -> Text:
    answer = f"answered {call['status']}" if call["status"] else "got no answer"
    error = f": {said(call['error'])}" if call["error"] else ""
    return Text(f"{call['operation']} {answer} in {call['milliseconds']:.0f} ms{error}", "dim")


def _pretty(body: bytes) -> str:
    """Laid out if it is JSON, else as it came as far as it can be shown."""
    try:
        laid_out = json.dumps(json.loads(body), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        laid_out = body.decode(errors="replace")
    return "\n".join(said(line) for line in laid_out.split("\n"))
