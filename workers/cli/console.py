"""`slotwright console`: the pages for whoever is on call, and the hash of the password that guards them."""

import asyncio
import getpass
import sys
from pathlib import Path

import click
import structlog
import uvloop

from service import telemetry
from service.console.app import HEALTH, PasswordNeeded, create_app
from service.console.passwords import password_hash
from service.settings import Settings
from workers.cli.clock import clock
from workers.cli.folder import folder_option, opened, settings_in
from workers.cli.roles import LEAVE_AFTER, require_schema, serving, stop_signal, watched

log = structlog.get_logger()

CONNECTIONS = 5


@click.command()
@click.option("--hash-password", is_flag=True, help="Make the value of CONSOLE_PASSWORD from a password, and end.")
@folder_option
def console(hash_password: bool, folder: Path) -> None:
    """Show what came, what was decided and what was done, in a browser. Listens on CONSOLE_HOST and CONSOLE_PORT."""
    if hash_password:
        try:
            click.echo(password_hash(_asked() if sys.stdin.isatty() else sys.stdin.readline().rstrip("\r\n")))
        except ValueError as error:
            raise click.ClickException(str(error)) from None
        return
    settings = settings_in(folder, "database_url")
    telemetry.set_up(settings, "console")
    uvloop.run(_console(settings))


async def _console(settings: Settings) -> None:
    stopped = stop_signal()
    async with opened(settings, size=CONNECTIONS) as pool, watched(settings, "console", pool) as (tally, _):
        try:
            app = create_app(settings, pool, clock, tally=tally)
        except PasswordNeeded as needed:
            raise click.ClickException(str(needed)) from None
        await require_schema(pool)
        async with serving(app, settings.console_host, settings.console_port):
            await stopped.wait()
            app[HEALTH].draining = True
            log.info("stopping: finishing what is under way")
            await asyncio.sleep(LEAVE_AFTER)


def _asked() -> str:
    password = getpass.getpass("Password for the console: ", sys.stderr)
    if getpass.getpass("Again: ", sys.stderr) != password:
        raise click.ClickException("the two are not the same")
    return password
