"""The examination: every look there is, those together that do not need each other."""

import asyncio
import platform
from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import AsyncExitStack
from datetime import datetime
from importlib.metadata import version

import aiohttp

from service.highlevel.connection import open_session, proxy_for
from service.settings import Settings
from service.store.database import Pool, open_pool
from workers.cli.checkup.database import Database
from workers.cli.checkup.door import Door
from workers.cli.checkup.finding import Finding, Looks, failed, ok, skipped, warning
from workers.cli.checkup.highlevel import HighLevel
from workers.cli.checkup.queue import Queue
from workers.cli.checkup.record import Record

AT_ONCE = 8
"""Locations asked for at a time."""

CLOSE_WITHIN = 1.0
NEEDED = {
    "database_url": "set it, or start slotwright up",
    "redis_url": "set it, or start slotwright up",
    "secret_key": "set the key that tokens were sealed with",
}


async def examine(
    settings: Settings,
    clock: Callable[[], datetime],
    *,
    offline: bool = False,
    only: Collection[str] = (),
    within: float = 30.0,
) -> list[Finding]:
    """Everything that was found, within so many seconds; never raises. `only`: ids of the locations to ask for.

    `offline`: ask nothing of HighLevel.
    """
    looks = Looks(within)
    async with AsyncExitStack() as stack:
        # It asks the server for no memory of its session, which a pooler may not have.
        pool = await open_pool(settings.model_copy(update={"database_statement_cache": 0}), size=4)
        stack.push_async_callback(_close, pool)
        outside = await stack.enter_async_context(aiohttp.ClientSession(proxy=proxy_for(settings.public_url)))
        session = await stack.enter_async_context(open_session(AT_ONCE, proxy_for(settings.highlevel_url)))
        queue, highlevel = Queue(settings.redis_url), HighLevel(settings, pool, session, clock)
        found = [*_settings(settings)]
        about_database, about_queue, about_highlevel = await asyncio.gather(
            _about_database(settings, clock, looks, pool, outside),
            looks.look("queue", queue.check) if settings.redis_url else _none(),
            _none(skipped("highlevel", "not asked (--offline)"))
            if offline
            else looks.look("highlevel", highlevel.reach),
        )
        database, record, told = about_database
        found += [*told, *about_queue, *about_highlevel]
        if record is not None:
            found += await _about_locations(record, highlevel, looks, only, offline=offline)
    server = f", PostgreSQL {database.server.version}" if database and database.server else ""
    redis = f", {queue.version}" if queue.version else ""
    found.append(
        ok("versions", f"slotwright {version('slotwright')}, Python {platform.python_version()}{server}{redis}")
    )
    return found


async def _about_database(
    settings: Settings, clock: Callable[[], datetime], looks: Looks, pool: Pool, session: aiohttp.ClientSession
) -> tuple[Database | None, Record | None, list[Finding]]:
    """What is found in and by the database; the record only where it can be read."""
    database, record = Database(settings, pool, clock), Record(settings, pool, clock)
    door = Door(settings.public_url, session)
    found = list(await looks.look("database", database.reach)) if settings.database_url else []
    if database.server is None:
        found += await looks.look("door", lambda: door.check("when the newest delivery arrived is not known"))
        return database, None, found

    async def door_with_newest() -> Sequence[Finding]:
        return await door.check(await record.newest_arrival())

    later = {
        "migrations": database.migrations,
        "writing": database.rights,
        "connections": database.connections,
        "pooler": database.pooler,
        "database clock": database.time,
        **({"secrets": record.secrets} if settings.secret_key.get_secret_value() else {}),
        "locations": record.locations,
        "rules": record.rules,
        "sources": record.sources,
        "work": record.work,
        "held": record.held,
        "alerts": record.alerts,
        "door": door_with_newest,
    }
    looked = await asyncio.gather(*(looks.look(name, check) for name, check in later.items()))
    return database, record, [*found, *_flat(looked)]


async def _about_locations(
    record: Record, highlevel: HighLevel, looks: Looks, only: Collection[str], *, offline: bool
) -> list[Finding]:
    opened = {location.location_id: location for location in record.opened}
    if offline:
        return []
    unknown = [
        failed(f"location {name}", "no token of it can be opened", "look at slotwright locations list and SECRET_KEY")
        for name in only
        if name not in opened
    ]
    turns = asyncio.Semaphore(AT_ONCE)

    async def ask(location_id: str) -> Sequence[Finding]:
        async with turns:
            return await looks.look(f"location {location_id}", lambda: highlevel.location(opened[location_id]))

    asked = await asyncio.gather(*(ask(name) for name in opened if not only or name in only))
    return [*unknown, *_flat(asked)]


def _settings(settings: Settings) -> Sequence[Finding]:
    """Those without which a role does not start, and those without which it does nothing."""
    values = {
        "database_url": settings.database_url,
        "redis_url": settings.redis_url,
        "secret_key": settings.secret_key.get_secret_value(),
    }
    found = [
        failed("settings", f"{name.upper()} is not set", NEEDED[name]) for name, value in values.items() if not value
    ]
    found = found or [ok("settings", "all that is needed is there, and can be read")]
    if settings.highlevel_app_ids:
        return [*found, ok("apps", f"HIGHLEVEL_APP_IDS names {len(settings.highlevel_app_ids)}")]
    told = "HIGHLEVEL_APP_IDS names none, so webhooks that name an app are kept as ignored"
    return [*found, warning("apps", told, "set it to the ids of your marketplace apps")]


async def _none(*instead: Finding) -> Sequence[Finding]:
    return instead


def _flat(found: Iterable[Sequence[Finding]]) -> list[Finding]:
    return [finding for each in found for finding in each]


async def _close(pool: Pool) -> None:
    try:
        async with asyncio.timeout(CLOSE_WITHIN):
            await pool.close()
    except TimeoutError:
        pool.terminate()
