"""`slotwright work`: the role that applies the rules and acts."""

from pathlib import Path

import click
import structlog
import uvloop

from service import telemetry
from service.highlevel.books import Allowance
from service.highlevel.connection import open_session, proxy_for
from service.rate_limit.shared import SharedRateLimit
from service.settings import Settings
from workers import installs, keeping, timekeeper
from workers.alerting import sending as alerting
from workers.cli.clock import clock
from workers.cli.folder import folder_option, opened, settings_in
from workers.cli.roles import require_schema, running, stop_signal, watched
from workers.jobs import Drainer, listen
from workers.reconciliation import watch as reconciliation
from workers.workplace import CONNECTIONS, Workplace

log = structlog.get_logger()


@click.command()
@folder_option
def work(folder: Path) -> None:
    """Apply the rules and act."""
    settings = settings_in(folder, "database_url", "redis_url", "secret_key")
    telemetry.set_up(settings, "work")
    uvloop.run(_work(settings))


async def _work(settings: Settings) -> None:
    stopped = stop_signal()
    async with (
        opened(settings, size=CONNECTIONS) as pool,
        watched(settings, "work", pool) as (tally, tracer),
        open_session(settings.worker_lanes, proxy_for(settings.highlevel_url)) as session,
        rate_limit_of(settings) as rate_limit,
    ):
        await require_schema(pool)
        workplace = Workplace(settings, pool, session, clock, tally, tracer, rate_limit)
        drainer = Drainer(workplace)
        try:
            async with (
                running(listen(drainer, workplace), stopped),
                running(drainer.sweep(), stopped),
                running(workplace.tokens.run(), stopped),
                running(installs.watch(workplace), stopped),
                running(reconciliation.watch(workplace), stopped),
                running(timekeeper.run(workplace), stopped),
                running(keeping.watch(workplace), stopped),
                running(alerting.run(workplace), stopped),
            ):
                log.info("working", worker=drainer.name)
                await stopped.wait()
                log.info("stopping: finishing the steps under way")
                await drainer.stop()
        finally:
            await workplace.tokens.close()
            await workplace.outgoing.close()


def rate_limit_of(settings: Settings) -> SharedRateLimit:
    """What all workers keep together."""
    allowance = Allowance(kept=settings.rate_limit_kept)
    return SharedRateLimit(settings.redis_url, allowance, processes=settings.rate_limit_processes)
