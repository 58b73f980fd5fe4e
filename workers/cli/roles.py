"""`slotwright receive` and `slotwright work`: the two roles that run for good, each its own process."""

import asyncio
import contextlib
import signal
from collections.abc import Coroutine
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import click
import structlog
import uvloop
from aiohttp import web

from service import telemetry
from service.queue import Bell
from service.receiver.app import HEALTH, create_app, keys_of_sandbox
from service.settings import Settings, read_settings
from workers.cli.folder import folder_option, opened
from workers.jobs import Drainer, listen
from workers.workplace import Workplace

log = structlog.get_logger()

FINISH_WITHIN = 20.0
"""Seconds that requests under way may take when the receiver stops."""


def clock() -> datetime:
    return datetime.now(UTC)


@click.command()
@folder_option
def receive(folder: Path) -> None:
    """Take webhooks. Listens on HOST and PORT."""
    settings = read_settings("database_url", "redis_url", folder=folder)
    telemetry.set_up(settings, "receive")
    uvloop.run(_receive(settings))


@click.command()
@folder_option
def work(folder: Path) -> None:
    """Apply the rules and act."""
    settings = read_settings("database_url", "redis_url", "secret_key", folder=folder)
    telemetry.set_up(settings, "work")
    uvloop.run(_work(settings))


async def _receive(settings: Settings) -> None:
    stopped = stop_signal()
    async with opened(settings, size=5) as pool, _running_bell(settings) as bell:
        app = create_app(settings, pool, bell, clock, sandbox_keys=await keys_of_sandbox(settings))
        async with serving(app, settings.host, settings.port):
            await stopped.wait()
            app[HEALTH].draining = True
            log.info("stopping: finishing what is under way")


async def _work(settings: Settings) -> None:
    stopped = stop_signal()
    # Each lane at work holds at most one connection at a time, and one for its lease; the sweep has one.
    size = settings.worker_lanes * 2 + 2
    connector = aiohttp.TCPConnector(limit=settings.worker_lanes)
    async with opened(settings, size=size) as pool, aiohttp.ClientSession(connector=connector) as session:
        workplace = Workplace(settings, pool, session, clock)
        drainer = Drainer(workplace)
        async with running(listen(drainer, workplace)), running(drainer.sweep()):
            log.info("working", worker=drainer.name)
            await stopped.wait()
            log.info("stopping: finishing the steps under way")
            await drainer.stop()


def stop_signal() -> asyncio.Event:
    """Set by SIGTERM or SIGINT."""
    stopped = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stopped.set)
    return stopped


@contextlib.asynccontextmanager
async def serving(app: web.Application, host: str, port: int) -> Any:
    """Listen for the length of the body, then finish the requests under way. A taken port is a ClickException."""
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=FINISH_WITHIN)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, host, port).start()
        except OSError as error:
            raise click.ClickException(f"cannot listen on {host}:{port}: {error.strerror}; choose another") from None
        log.info("listening", host=host, port=port)
        yield runner
    finally:
        await runner.cleanup()


@contextlib.asynccontextmanager
async def running(coroutine: Coroutine[Any, Any, None]) -> Any:
    """Run beside the body. If it ends by itself it ended wrongly, and that is raised at the end."""
    task = asyncio.create_task(coroutine)
    try:
        yield task
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


@contextlib.asynccontextmanager
async def _running_bell(settings: Settings) -> Any:
    bell = Bell(settings.redis_url)
    async with running(bell.run()):
        yield bell
    await bell.close()
