"""The locations that are registered, for commands that can do without: asked where a database is at hand, and soon."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import asyncpg
import click

from service.settings import SettingsError
from service.store import locations
from service.store.database import AWAY
from service.store.locations import Location
from workers.cli.folder import has_database, opened, settings_in

PATIENCE: Final = 2.0
"""Seconds."""


def registered_at_hand(folder: Path) -> Sequence[Location] | None:
    """None where there is no database, or it does not answer; none is started."""
    if not has_database(folder):
        return None
    try:
        return asyncio.run(_registered(folder))
    except (*AWAY, asyncpg.PostgresError, click.ClickException, SettingsError):
        return None


async def _registered(folder: Path) -> Sequence[Location]:
    settings = settings_in(folder, "database_url")
    async with asyncio.timeout(PATIENCE), opened(settings, size=1) as pool, pool.acquire() as connection:
        return await locations.every(connection)
