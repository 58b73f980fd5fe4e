"""The receiver as an application: its routes, and what lives as long as it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from datetime import datetime

import aiohttp
import structlog
from aiohttp import web

from service import telemetry
from service.problem import problem
from service.queue import Bell
from service.receiver.health import Health
from service.receiver.hooks import LARGEST_BODY, HighLevelHook
from service.receiver.intake import Intake
from service.receiver.signature import WebhookKeys
from service.settings import HIGHLEVEL_URL, Settings, read_webhook_key
from service.store.database import Pool

log = structlog.get_logger()

HEALTH = web.AppKey("health", Health)


def create_app(
    settings: Settings, pool: Pool, bell: Bell, clock: Callable[[], datetime], *, sandbox_keys: Iterable[str] = ()
) -> web.Application:
    """`pool` and `bell` stay the caller's."""
    intake = Intake(pool, bell.ring, ignored_kept=settings.ignored_kept)
    keys = WebhookKeys([*settings.highlevel_webhook_keys, *sandbox_keys])
    health = Health()
    # One byte more than a delivery may have: releases of aiohttp differ on whether the limit itself is too much.
    app = web.Application(client_max_size=LARGEST_BODY + 1, middlewares=[errors_are_problems])
    app[HEALTH] = health
    app.router.add_post("/hooks/highlevel", HighLevelHook(keys, settings.highlevel_app_ids, intake, clock).receive)
    app.router.add_get("/healthz", health.alive)
    app.router.add_get("/readyz", health.ready)

    async def keep_arrivals(_: web.Application) -> AsyncIterator[None]:
        task = asyncio.create_task(intake.run())
        yield
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

    app.cleanup_ctx.append(keep_arrivals)
    return app


@web.middleware
async def errors_are_problems(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    try:
        return await handler(request)
    except web.HTTPException as error:
        answer = problem(error.status, error.reason, f"{request.method} {request.path} is not served here.")
        if "Allow" in error.headers:
            answer.headers["Allow"] = error.headers["Allow"]
        return answer
    except Exception as error:
        log.exception("unexpected error", path=request.path)
        telemetry.report(error)
        return problem(500, "Our fault", "Nothing was kept; please come again.", retry_after=10)


async def keys_of_sandbox(settings: Settings) -> tuple[str, ...]:
    """The key of the sandbox that HIGHLEVEL_URL is; none when it is HighLevel, which alone may sign then."""
    if settings.highlevel_url.rstrip("/") == HIGHLEVEL_URL:
        return ()
    url = settings.highlevel_url.rstrip("/") + "/sandbox/webhook-key"
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=3)) as session,
            session.get(url, allow_redirects=False) as answer,
        ):
            key = str((await answer.json())["publicKey"])
            read_webhook_key(key)
            return (key,)
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError, KeyError, TypeError) as error:
        log.warning("no sandbox answers at HIGHLEVEL_URL, its webhooks will be refused", error=type(error).__name__)
        return ()
