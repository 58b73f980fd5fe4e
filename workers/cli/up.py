"""`slotwright up`: the whole stack on one machine, until Ctrl-C."""

import asyncio
import contextlib
import shlex
import shutil
import signal
import sys
from collections.abc import Coroutine, Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import aiohttp
import click
from click.core import ParameterSource
from pydantic import SecretStr

from service.highlevel.connection import open_session
from service.settings import LEFT_BY_UP, read_settings
from service.store import history, locations
from service.store.database import AWAY, Pool
from service.store.sealing import Keys
from workers.cli import demo, salon, stack
from workers.cli.beginning import DEMO, Beginning, beginning_in
from workers.cli.clock import clock
from workers.cli.demo import Outcome
from workers.cli.folder import FOLDER, folder_option, opened
from workers.cli.live import ROWS, Screen, terminal
from workers.cli.roles import ended
from workers.cli.rules.start import Given, give, given_by
from workers.cli.stack import Stack

REDRAW_EVERY = 0.25
INTERRUPTED = 130
"""As shells say it of a command that Ctrl-C ended."""


@click.command()
@click.option("--demo", "with_demo", is_flag=True, help="Book sample appointments through the sandbox's API.")
@click.option("--once", is_flag=True, help="End when all has settled: 0 if each sample ended as its rule says, else 1.")
@click.option(
    "--seed",
    default=DEMO,
    show_default=True,
    help="What the sandbox begins with, where it has no state in the folder: demo, empty, a trade of the gallery of "
    "rules (salon, clinic, sales, home-services), or a YAML file.",
)
@click.option("--port", default=8080, show_default=True, help="Where webhooks are received.")
@click.option("--sandbox-port", default=8090, show_default=True, help="Where the sandbox serves HighLevel's API.")
@click.option("--console-port", default=8081, show_default=True, help="Where the console shows what happens.")
@click.option(
    "--rules",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Rule files to put in force; by default what is in force stays, or else the examples.",
)
@folder_option
def up(with_demo: bool, once: bool, seed: str, rules: Path | None, folder: Path, **ports: int) -> None:
    """Start PostgreSQL, Valkey, the sandbox, receiver, worker and console, and show what happens until Ctrl-C."""
    read_settings()
    first = not (folder / LEFT_BY_UP).exists()
    # Of the examples those for the demo's salon: what lies below them is for other locations, and is asked for by name.
    given = given_by(rules or examples(), asked=bool(rules) or with_demo, first=first, below=bool(rules))
    beginning = beginning_in(folder, seed)
    if with_demo:
        _require_demo(beginning)
    code = 0
    with _sigterm_is_ctrl_c():
        try:
            with stack.running(folder, beginning, **ports) as running:
                doing = _run(running, beginning, given, folder, with_demo=with_demo, once=once)
                code = asyncio.run(doing)
        except KeyboardInterrupt:
            code = INTERRUPTED if once else 0
            click.echo(f"Stopped; the data stay in {folder}.", err=True)
    sys.exit(code)


def examples() -> Path:
    """The example rules: inside the wheel, or in the checkout that this is."""
    packaged = Path(str(files("workers"))) / "examples"
    return packaged if packaged.is_dir() else Path(str(files("workers"))).parent / "helm" / "rules"


def _require_demo(beginning: Beginning) -> None:
    if beginning.seed != DEMO:
        raise click.ClickException("--demo books in the demo's salon: leave out --seed, or --demo")
    if not salon.is_there(beginning):
        raise click.ClickException(
            f"--demo books in the demo's salon, which {beginning.state} has not: delete it, or choose another --folder"
        )


async def _run(
    running: Stack,
    beginning: Beginning,
    given: Given,
    folder: Path,
    *,
    with_demo: bool,
    once: bool,
) -> int:
    """Show what happens: until all has settled if `once`, else until cancelled. The exit code."""
    console, outcomes = terminal(), list[Outcome]()
    async with opened(running.settings, size=4) as pool, open_session() as session:

        async def run() -> None:
            if with_demo:
                async for outcome in demo.outcomes(running, pool, session):
                    outcomes.append(outcome)
            if once:
                await demo.settled(running, pool, session, quiet_for=demo.QUIET_FOR)
            else:
                if with_demo:
                    console.print(demo.table(outcomes), "\n")
                await asyncio.Event().wait()

        await _register(pool, running, beginning)
        await give(pool, given, "slotwright up")
        ways_on = "" if once else await _ways_on(running, session, folder, beginning)
        console.print(_addresses(running, beginning) + ways_on, soft_wrap=True)
        try:
            with Screen(console, clock) as screen:
                await _beside(_redraw(running, pool, screen), run())
                screen.show(await _newest(pool))
        except (*AWAY, aiohttp.ClientError) as error:
            # That something has ended is felt a moment before it is known.
            await asyncio.sleep(REDRAW_EVERY)
            running.check()
            raise click.ClickException(f"something does not answer ({error or type(error).__name__})") from None
        finally:
            if with_demo and once:
                outcomes += demo.not_made(outcomes)
                console.print("\n", demo.table(outcomes))
    return 1 if any(outcome.differs for outcome in outcomes) else 0


async def _beside(watching: Coroutine[Any, Any, None], main: Coroutine[Any, Any, None]) -> None:
    """Run `main` to its end; what goes wrong beside it ends it."""
    tasks = [asyncio.create_task(watching), asyncio.create_task(main)]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        ends = await asyncio.gather(*map(ended, tasks), return_exceptions=True)
    for end in ends:
        if end is not None:
            raise end


async def _redraw(running: Stack, pool: Pool, screen: Screen) -> None:
    """Until cancelled; raises when something that should run has ended."""
    while True:
        running.check()
        screen.show(await _newest(pool))
        await asyncio.sleep(REDRAW_EVERY)


async def _newest(pool: Pool) -> list[dict[str, Any]]:
    async with pool.acquire() as connection:
        return await history.listed(connection, limit=ROWS)


async def _register(pool: Pool, running: Stack, beginning: Beginning) -> None:
    """The sandbox's locations, each with a token of its own; one that has none is nobody's to act in."""
    for location in beginning.locations:
        if not location.tokens:
            continue
        async with pool.acquire() as connection:
            await locations.add(
                connection,
                Keys.of(running.settings),
                location.id,
                name=location.name,
                time_zone=str(location.timezone),
                token=SecretStr(location.tokens[0]),
            )


def _addresses(running: Stack, beginning: Beginning) -> str:
    """Where to find what."""
    state = f"{beginning.state}, "
    if not beginning.was_there:
        state += f"begun with {beginning.seed}"
    elif click.get_current_context().get_parameter_source("seed") is ParameterSource.DEFAULT:
        state += "as it was left; delete it to begin anew"
    else:
        state += "as it was left, and --seed does nothing; delete it to begin anew"
    return (
        f"webhooks  {running.receiver_url}/hooks/highlevel\n"
        f"sandbox   {running.sandbox_url}, a HighLevel API of our own, which posts them\n"
        f"its page  {running.sandbox_url}/_sandbox/, to book, move and cancel by clicking\n"
        f"its state {state}\n"
        f"console   {running.console_url}\n"
    )


async def _ways_on(running: Stack, session: aiohttp.ClientSession, folder: Path, beginning: Beginning) -> str:
    """How to look back and how to post, for whoever stays."""
    program = "slotwright" if shutil.which("slotwright") else shlex.quote(sys.argv[0])
    where = "" if folder == FOLDER else f" --folder {shlex.quote(str(folder))}"
    history = f"history   {program} history list{where}  (or: show ID)\n"
    example = await salon.example_call(running, session) if salon.is_there(beginning) else ""
    return history + (f"\nBook something, and see what the rules make of it:\n\n{example}\n" if example else "")


@contextlib.contextmanager
def _sigterm_is_ctrl_c() -> Iterator[None]:
    """Python's own answer to SIGTERM would skip every clean-up.

    SIGINT is not left ignored either, as a shell's `&` does it: then SIGTERM would be as well.
    """

    def interrupt(*_: object) -> None:
        signal.raise_signal(signal.SIGINT)

    before = {
        signal.SIGINT: signal.signal(signal.SIGINT, signal.default_int_handler),
        signal.SIGTERM: signal.signal(signal.SIGTERM, interrupt),
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
