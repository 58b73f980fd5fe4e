"""`slotwright doctor`: whether all is well, a line for each thing, and what to do where it is not."""

import asyncio
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import click

from service.settings import SettingsError
from workers.cli.checkup.examination import examine
from workers.cli.checkup.finding import Finding, failed
from workers.cli.clock import clock
from workers.cli.folder import folder_option, settings_in
from workers.cli.live import said

MARKS = {"ok": ("✓", "green"), "warning": ("!", "yellow"), "failed": ("✗", "red"), "skipped": ("–", None)}


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One object with a list of checks, for machines.")
@click.option("--location", "locations", multiple=True, metavar="ID", help="Ask only for this location (repeatable).")
@click.option("--offline", is_flag=True, help="Ask nothing of HighLevel.")
@click.option("--strict", is_flag=True, help="Let warnings count as failures.")
@click.option(
    "--within",
    type=click.FloatRange(min=1, max=600),
    default=30.0,
    show_default=True,
    help="Seconds for all of it; each look has five of them at most.",
)
@folder_option
def doctor(as_json: bool, locations: tuple[str, ...], offline: bool, strict: bool, within: float, folder: Path) -> None:
    """Look whether all is well: settings, database, queue, HighLevel, rules, sources, door, work.

    Ends with 0 if nothing failed, else with 1. Shows no secret, and nothing of a booking.
    """
    try:
        settings = settings_in(folder)
    except SettingsError as error:
        found = [failed("settings", line, "mend it; nothing else was looked at") for line in str(error).splitlines()]
    else:
        found = asyncio.run(examine(settings, clock, offline=offline, only=locations, within=within))
    well = not any(finding.state == "failed" or (strict and finding.state == "warning") for finding in found)
    if as_json:
        click.echo(json.dumps({"ok": well, "checks": [asdict(finding) for finding in found]}, ensure_ascii=False))
    else:
        _show(found)
    sys.exit(0 if well else 1)


def _show(found: Sequence[Finding]) -> None:
    width = max(len(finding.name) for finding in found)
    for finding in found:
        mark, colour = MARKS[finding.state]
        advice = f": {finding.advice}" if finding.advice else ""
        click.echo(f"{click.style(mark, fg=colour)} {said(finding.name):<{width}}  {said(finding.found)}{said(advice)}")
