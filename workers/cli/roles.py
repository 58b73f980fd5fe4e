"""What the roles have in common that run for good, each its own process: they start, listen, stop and are watched."""

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator, Coroutine
from typing import Any

import click
import structlog
from aiohttp import web

from service import telemetry
from service.settings import Settings
from service.store import history, sources, tallies
from service.store.database import AWAY, Pool
from service.telemetry import Tally
from service.telemetry.traces import Tracer, tracing

log = structlog.get_logger()

LEAVE_AFTER = 0.5
"""Seconds that the receiver goes on listening when it is told to stop: a connection that was made just before would be
reset with the socket that listens, and whoever asks /readyz sends no more meanwhile."""

FINISH_WITHIN = 20.0
"""Seconds that requests under way may take when the receiver stops."""


@contextlib.asynccontextmanager
async def watched(settings: Settings, role: str, pool: Pool) -> AsyncIterator[tuple[Tally, Tracer]]:
    """What a role counts with and what it traces with; both are sent now and then, and when the body has ended.

    Raises SettingsError when traces are asked for and cannot be had.
    """
    tally = Tally()
    async with tracing(settings, role, telemetry.release(settings)) as tracer, tallies.kept(pool, tally):
        yield tally, tracer


async def require_schema(pool: Pool) -> None:
    """Raise at the start, rather than at each delivery, where nobody applied the migrations.

    A database that is away says nothing of that: the receiver answers 429 meanwhile, and the worker waits.
    """
    try:
        async with pool.acquire() as connection:
            await history.open_work(connection)
            await sources.every(connection)
    except AWAY as error:
        log.warning("the database is away", error=type(error).__name__)


def stop_signal() -> asyncio.Event:
    """Set by SIGTERM or SIGINT."""
    stopped = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stopped.set)
    return stopped


@contextlib.asynccontextmanager
async def serving(app: web.Application, host: str, port: int, option: str = "") -> AsyncIterator[int]:
    """Listen for the length of the body, then finish the requests under way. The port that it is; 0 is any. One that is
    taken is a ClickException, which names the option that it came by."""
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=FINISH_WITHIN)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, host, port).start()
        except OSError as error:
            # asyncio's own words for a taken port go on for a line.
            words = os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror
            other = f"choose another with {option}" if option else "choose another"
            raise click.ClickException(f"cannot listen on {host}:{port} ({words}): {other}") from None
        chosen: int = runner.addresses[0][1]
        log.info("listening", host=host, port=chosen)
        yield chosen
    finally:
        await runner.cleanup()


@contextlib.asynccontextmanager
async def running(coroutine: Coroutine[Any, Any, None], stopped: asyncio.Event) -> AsyncIterator[None]:
    """Run beside the body. If it ends before, it sets `stopped`; what went wrong is raised once the body has ended."""
    task = asyncio.create_task(coroutine)
    task.add_done_callback(lambda _: stopped.set())
    try:
        yield
    finally:
        await ended(task)


async def ended(task: "asyncio.Task[None]") -> None:
    """Cancel it and wait for its end; raises what it raised. Below Python 3.12 `wait_for` may lose a cancellation."""
    while not task.done():
        task.cancel()
        await asyncio.wait([task], timeout=0.5)
    if not task.cancelled():
        task.result()
