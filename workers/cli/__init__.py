"""The `slotwright` command, one file per noun."""

import sys

import click

from service.embedded import EmbeddedError
from service.settings import SettingsError
from service.store.database import AWAY
from workers.cli.history import history
from workers.cli.locations import locations
from workers.cli.migrate import migrate
from workers.cli.roles import receive, work
from workers.cli.rules import rules
from workers.cli.sandbox import sandbox
from workers.cli.up import up
from workers.faults import RulebookFaults


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="slotwright")
def slotwright() -> None:
    """Automation for HighLevel booking calendars: by rule, exactly once, and it can say why."""


for command in (up, receive, work, sandbox, migrate, locations, rules, history):
    slotwright.add_command(command)


def main() -> None:
    """What goes wrong for a reason that a person can mend is told in a line, never as a traceback."""
    try:
        slotwright()
    except (SettingsError, EmbeddedError, RulebookFaults) as error:
        click.echo(str(error), err=True)
        sys.exit(1)
    except AWAY as error:
        click.echo(
            f"The database does not answer ({error or type(error).__name__}): is it up, is DATABASE_URL right?",
            err=True,
        )
        sys.exit(1)
