"""`slotwright` and what each of its commands is loaded from."""

import gc
from collections.abc import Mapping
from importlib import import_module
from typing import Any

import click
from asyncpg import UndefinedColumnError, UndefinedTableError

from service.embedded import EmbeddedError
from service.settings import SettingsError
from workers.faults import RulebookFaults

MODULES: Mapping[str, str] = {
    "up": "up",
    "receive": "receive",
    "work": "work",
    "console": "console",
    "sandbox": "sandbox",
    "migrate": "migrate",
    "locations": "locations",
    "sources": "sources",
    "rekey": "rekey",
    "rules": "rules",
    "history": "history",
    "pause": "pause",
    "resume": "pause",
    "privacy": "privacy",
    "doctor": "doctor",
}


class Faults(click.ClickException):
    """Several things to mend, each told in a line that names its place."""

    def show(self, file: Any = None) -> None:
        click.echo(self.message, file, err=True)


class Commands(click.Group):
    """Loads only the command that was asked for: a role starts in half the time.

    What goes wrong for a reason that a person can mend is told in a line, never as a traceback.
    """

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(MODULES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in MODULES:
            return None
        command = getattr(import_module(f"workers.cli.{MODULES[cmd_name]}"), cmd_name)
        assert isinstance(command, click.Command)
        if not gc.isenabled():
            # All is loaded: see `main`.
            gc.freeze()
            gc.enable()
        return command

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return self._carry_out(ctx)
        except click.ClickException as error:
            # Only here is it known that there is something to say: most commands never load what log lines need.
            from service.telemetry.logs import tell_machines

            if not tell_machines(error.format_message()):
                raise
            return ctx.exit(error.exit_code)

    def _carry_out(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (SettingsError, RulebookFaults) as error:
            raise Faults(str(error)) from None
        except EmbeddedError as error:
            raise click.ClickException(str(error)) from None
        except (UndefinedTableError, UndefinedColumnError):
            raise click.ClickException(
                "the database lacks the schema of this version: run slotwright migrate"
            ) from None
        except OSError as error:
            if error.filename is None:
                raise
            raise click.ClickException(f"cannot use {error.filename} ({error.strerror})") from None


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="slotwright")
def slotwright() -> None:
    """Automation for HighLevel booking calendars: by rule, exactly once, and it can say why."""
