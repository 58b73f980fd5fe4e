"""The receiver as an application: its routes, and what lives as long as it."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from datetime import datetime, timedelta

import aiohttp
import structlog
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from service import telemetry
from service.health import Health
from service.problem import problem
from service.queue import Bell
from service.receiver.door import LARGEST_BODY, Door
from service.receiver.intake import Intake
from service.receiver.kinds import FromElsewhere, FromHighLevel, FromWorkflow
from service.receiver.signature import LEGACY_KEY, WebhookKeys
from service.receiver.sources import Sources
from service.setting_kinds import read_webhook_key
from service.settings import HIGHLEVEL_URL, Settings
from service.store.database import Pool
from service.store.sealing import Keys
from service.telemetry import Tally
from service.telemetry.traces import NoTracer, Tracer

log = structlog.get_logger()

HEALTH = web.AppKey("health", Health)
SOURCES = web.AppKey("sources", Sources)

ASKED_FOR_A_KEY = 2
"""So often a sandbox is asked for its key."""
PAUSE = 0.25
"""Seconds between two times."""


def create_app(
    settings: Settings,
    pool: Pool,
    bell: Bell,
    clock: Callable[[], datetime],
    *,
    sandbox_keys: Iterable[str] = (),
    tally: Tally | None = None,
    tracer: Tracer | None = None,
) -> web.Application:
    """`pool`, `bell`, `tally` and `tracer` stay the caller's."""
    tally, tracer = tally or Tally(), tracer or NoTracer()
    intake = Intake(pool, bell.ring, ignored_kept=settings.ignored_kept, tally=tally)
    sources = Sources(pool, Keys.of(settings))
    legacy = LEGACY_KEY if settings.highlevel_legacy_signature else None
    keys = WebhookKeys([*settings.highlevel_webhook_keys, *sandbox_keys], legacy=legacy)
    window = timedelta(seconds=settings.replay_window)
    health = Health()
    # One byte more than a delivery may have: releases of aiohttp differ on whether the limit itself is too much.
    app = web.Application(client_max_size=LARGEST_BODY + 1, middlewares=[errors_are_problems(tally)])
    app[HEALTH] = health
    app[SOURCES] = sources
    for address, kind in (
        ("/hooks/highlevel", FromHighLevel(keys, settings.highlevel_app_ids)),
        ("/hooks/workflow/{source}", FromWorkflow()),
        ("/triggers/{source}", FromElsewhere(sources, clock, window)),
    ):
        app.router.add_post(address, Door(kind, sources, intake, clock, tally, tracer).receive)
    app.router.add_get("/healthz", health.alive)
    app.router.add_get("/readyz", health.ready)

    async def beside(_: web.Application) -> AsyncIterator[None]:
        await sources.look()
        tasks = [asyncio.create_task(intake.run()), asyncio.create_task(sources.run())]
        yield
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    app.cleanup_ctx.append(beside)
    return app


def errors_are_problems(tally: Tally) -> Middleware:
    @web.middleware
    async def answered(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except web.HTTPException as error:
            answer = problem(error.status, error.reason, f"{request.method} {request.path} is not served here.")
            if "Allow" in error.headers:
                answer.headers["Allow"] = error.headers["Allow"]
            return answer
        except Exception as error:
            log.exception("unexpected error", path=request.path)
            tally.add("unexpected_errors", role="receive")
            telemetry.report(error)
            return problem(500, "Our fault", "Nothing was kept; please come again.", retry_after=10)

    return answered


async def keys_of_sandbox(settings: Settings) -> tuple[str, ...]:
    """The key of the sandbox that HIGHLEVEL_URL is; none when it is HighLevel, which alone may sign then."""
    if settings.highlevel_url.rstrip("/") == HIGHLEVEL_URL:
        return ()
    url = settings.highlevel_url.rstrip("/") + "/_sandbox/webhook-key"
    for asked in range(1, ASKED_FOR_A_KEY + 1):
        try:
            return (await _key_at(url),)
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError, KeyError, TypeError) as error:
            # One that only starts, or is busy, answers a moment later: without its key all of its webhooks are refused.
            if asked < ASKED_FOR_A_KEY and isinstance(error, aiohttp.ClientConnectionError | TimeoutError | OSError):
                await asyncio.sleep(PAUSE)
                continue
            log.warning("no sandbox answers at HIGHLEVEL_URL, its webhooks will be refused", error=type(error).__name__)
            break
    return ()


async def _key_at(url: str) -> str:
    async with (
        aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=3)) as session,
        session.get(url, allow_redirects=False) as answer,
    ):
        key = str((await answer.json())["publicKey"])
        read_webhook_key(key)
        return key
