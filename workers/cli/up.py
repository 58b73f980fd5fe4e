"""`slotwright up`: the whole stack on one machine, until Ctrl-C."""

import asyncio
import contextlib
import signal
import sys
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import aiohttp
import click
from pydantic import SecretStr
from rich.console import Console
from rich.live import Live

from service.sandbox.seed import load_seed, packaged_seed
from service.settings import Settings, read_settings
from service.store import history, locations
from service.store.database import Pool
from workers.cli import demo, live, stack
from workers.cli.folder import folder_option, opened
from workers.cli.roles import clock
from workers.cli.rules import store
from workers.cli.stack import Stack
from workers.rulebook import files_in, read

REDRAW_EVERY = 0.25


@click.command()
@click.option("--demo", "with_demo", is_flag=True, help="Book sample appointments through the sandbox's API.")
@click.option("--once", is_flag=True, help="End when all has settled: 0 if each sample ended as its rule says, else 1.")
@click.option("--port", default=8080, show_default=True, help="Where webhooks are received.")
@click.option("--sandbox-port", default=8090, show_default=True, help="Where the sandbox serves HighLevel's API.")
@click.option(
    "--rules",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Rule files to put in force; by default the examples.",
)
@folder_option
def up(with_demo: bool, once: bool, port: int, sandbox_port: int, rules: Path | None, folder: Path) -> None:
    """Start PostgreSQL, Valkey, the sandbox, the receiver and a worker, and show what happens until Ctrl-C."""
    rulebook = read(files_in(rules or examples()))
    with _sigterm_is_ctrl_c():
        try:
            with stack.running(folder, port=port, sandbox_port=sandbox_port) as running:
                settings = read_settings("database_url", "redis_url", "secret_key", folder=folder)
                code = asyncio.run(_watch(running, settings, rulebook, with_demo=with_demo, once=once))
        except KeyboardInterrupt:
            click.echo("Stopped. The data stay in " + str(folder), err=True)
            code = 0
    sys.exit(code)


def examples() -> Path:
    """The example rules: inside the wheel, or in the checkout that this is."""
    packaged = Path(str(files("workers"))) / "examples"
    return packaged if packaged.is_dir() else Path(str(files("workers"))).parent / "helm" / "rules"


async def _watch(running: Stack, settings: Settings, rulebook: Any, *, with_demo: bool, once: bool) -> int:
    async with opened(settings, size=4) as pool, aiohttp.ClientSession() as session:
        await _register(pool, settings)
        await store(pool, rulebook, None, "slotwright up")
        console = Console()
        console.print(f"webhooks  {running.receiver_url}/hooks/highlevel\nsandbox   {running.sandbox_url}")
        watching = asyncio.create_task(_draw(running, pool, console, still=once))
        try:
            outcomes = await demo.run(running, pool, settings, session) if with_demo else []
            if once:
                await demo.settled(running, pool, session)
                await asyncio.sleep(REDRAW_EVERY * 2)
            else:
                await watching
        finally:
            watching.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await watching
        if with_demo:
            console.print(demo.table(outcomes))
        return 1 if any(outcome.differs for outcome in outcomes) else 0


async def _draw(running: Stack, pool: Pool, console: Console, *, still: bool) -> None:
    """Redraw until cancelled; raises when something that should run has ended."""
    title = "Deliveries" if still else "Deliveries (Ctrl-C ends)"
    with Live(live.table([], title), console=console, auto_refresh=False, transient=False) as screen:
        try:
            while True:
                async with pool.acquire() as connection:
                    rows = await history.with_effects(connection, limit=live.ROWS)
                screen.update(live.table(rows, title), refresh=True)
                running.check()
                await asyncio.sleep(REDRAW_EVERY)
        finally:
            screen.refresh()


async def _register(pool: Pool, settings: Settings) -> None:
    """The sandbox's location, with the token that its seed gives."""
    world = load_seed(packaged_seed("demo"), clock=clock)
    for location in world.locations.values():
        async with pool.acquire() as connection:
            await locations.add(
                connection,
                settings.secret_key,
                location.id,
                name=location.name,
                time_zone=str(location.timezone),
                token=SecretStr(location.tokens[0]),
            )


@contextlib.contextmanager
def _sigterm_is_ctrl_c() -> Iterator[None]:
    """Python's own answer to SIGTERM would skip every clean-up."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
