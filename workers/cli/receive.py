"""`slotwright receive`: the role that takes webhooks."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import click
import structlog
import uvloop

from service import telemetry
from service.queue import Bell
from service.receiver.app import HEALTH, create_app, keys_of_sandbox
from service.settings import Settings
from workers.cli.clock import clock
from workers.cli.folder import folder_option, opened, settings_in
from workers.cli.roles import LEAVE_AFTER, require_schema, running, serving, stop_signal, watched

log = structlog.get_logger()


@click.command()
@folder_option
def receive(folder: Path) -> None:
    """Take webhooks. Listens on HOST and PORT."""
    settings = settings_in(folder, "database_url", "redis_url")
    telemetry.set_up(settings, "receive")
    uvloop.run(_receive(settings))


async def _receive(settings: Settings) -> None:
    stopped = stop_signal()
    async with (
        opened(settings, size=6) as pool,
        watched(settings, "receive", pool) as (tally, tracer),
        _running_bell(settings, stopped) as bell,
    ):
        await require_schema(pool)
        keys = await keys_of_sandbox(settings)
        app = create_app(settings, pool, bell, clock, sandbox_keys=keys, tally=tally, tracer=tracer)
        if not settings.highlevel_app_ids:
            log.warning("HIGHLEVEL_APP_IDS is not set: every webhook that names an app is kept as ignored")
        async with serving(app, settings.host, settings.port):
            await stopped.wait()
            app[HEALTH].draining = True
            log.info("stopping: finishing what is under way")
            await asyncio.sleep(LEAVE_AFTER)


@contextlib.asynccontextmanager
async def _running_bell(settings: Settings, stopped: asyncio.Event) -> AsyncIterator[Bell]:
    bell = Bell(settings.redis_url)
    async with running(bell.run(), stopped):
        yield bell
    await bell.close()
