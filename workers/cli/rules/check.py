"""`slotwright rules check`: everything that is wrong with rule files, and what may not be meant."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import click

from service.store.locations import Location
from workers.cli.clock import clock
from workers.cli.folder import folder_option
from workers.cli.rules.book import clocks_of, directory, found_in, homeless, summary
from workers.cli.rules.findings import FORMATS, Findings, order
from workers.cli.rules.registered import registered_at_hand
from workers.cli.time_zones import checked_zone
from workers.faults import Fault
from workers.scrutiny.accounts import starts_workflows, strangers
from workers.scrutiny.clock_changes import ZONES
from workers.scrutiny.draft import Draft
from workers.scrutiny.scrutiny import looked_through


@click.command()
@directory
@click.option("--strict", is_flag=True, help="Exit with 1 on warnings, too.")
@click.option("--order", "in_order", is_flag=True, help="Print the rules in the order in which they are asked.")
@click.option("--format", "form", type=click.Choice(list(FORMATS)), default="text", show_default=True)
@click.option(
    "--time-zone",
    "zones",
    multiple=True,
    callback=lambda context, option, value: [checked_zone(zone) for zone in value],
    help="Of the locations that the rules are for; changes of the clocks are judged there. Else it is those of the "
    "registered locations, or where no database is at hand some that stand for all.",
)
@click.option(
    "--online",
    is_flag=True,
    help="Ask HighLevel whether the accounts have the people, calendars and custom fields that the files name.",
)
@folder_option
@click.pass_context
def check(
    context: click.Context,
    directory: Path,
    strict: bool,
    in_order: bool,
    form: str,
    zones: list[str],
    online: bool,
    folder: Path,
) -> None:
    """Say everything that is wrong with the rule files below DIRECTORY, what their author may not have meant, and what
    is in them.

    Exits with 1 where something is wrong.
    """
    if in_order and form == "json":
        raise click.UsageError("--order is for people to read, and --format json for programs")
    files, unread = found_in(directory)
    scrutiny = looked_through(files, clock(), zones or ZONES, unread)
    silent: list[str] = []
    strange: list[Fault] = []
    registered: Sequence[Location] | None
    if online:
        strange, silent, registered = _strangers(scrutiny.draft, folder)
    else:
        registered = registered_at_hand(folder)
    if registered and not scrutiny.faults:
        remarks = (*scrutiny.remarks, *homeless(scrutiny.draft, registered))
        clocks = scrutiny.clocks if zones else clocks_of(scrutiny.draft, registered)
        scrutiny = replace(scrutiny, remarks=remarks, clocks=clocks)
    findings = Findings(scrutiny.faults, scrutiny.warnings, files, directory)
    if strange:
        findings = replace(findings, faults=tuple(sorted((*findings.faults, *strange), key=_place)))
    click.echo(FORMATS[form](findings), nl=False)
    if form == "text":
        counted = f"{findings.counted}." if findings.counted else ""
        rules = summary(scrutiny.rulebook) if scrutiny.rulebook is not None else ""
        click.echo(" ".join(filter(None, (rules, counted))))
    if in_order and scrutiny.rulebook is not None:
        click.echo(order(scrutiny.rulebook), nl=False)
    for line in silent:
        click.echo(f"Warning: {line}", err=True)
    if online and starts_workflows(scrutiny.draft):
        click.echo("Workflows are not compared: an id that is wrong fails when its rule acts.", err=True)
    context.exit(1 if findings.faults or (strict and (findings.warnings or silent)) else 0)


def _place(fault: Fault) -> tuple[str, int, int]:
    return fault.path, fault.line, fault.column


def _strangers(draft: Draft, folder: Path) -> tuple[list[Fault], list[str], Sequence[Location]]:
    """What the accounts do not have, what could not be compared, and the registered locations."""
    from workers.cli.rules.online import accounts_for  # only here: what asks HighLevel takes long to load

    accounts, silent, registered = accounts_for(draft, folder)
    return list(strangers(draft, accounts)), silent, registered
