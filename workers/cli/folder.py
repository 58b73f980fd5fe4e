"""Where `slotwright up` keeps its data, and how other commands find what it started."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

import click

from service.settings import Settings, read_settings
from service.store.database import Pool, open_pool

FOLDER = Path(".slotwright")

T = TypeVar("T")

folder_option = click.option(
    "--folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=FOLDER,
    envvar="SLOTWRIGHT_FOLDER",
    show_default=True,
    help="Where `slotwright up` keeps its data (setting SLOTWRIGHT_FOLDER).",
)


@contextlib.asynccontextmanager
async def opened(settings: Settings, *, size: int = 2) -> AsyncIterator[Pool]:
    """A pool for the length of a command."""
    pool = await open_pool(settings, size=size)
    try:
        yield pool
    finally:
        await pool.close()


def with_pool(folder: Path, do: Callable[[Pool, Settings], Coroutine[Any, Any, T]], *needed: str) -> T:
    """Run one short piece of work against the database."""
    settings = read_settings("database_url", *needed, folder=folder)

    async def run() -> T:
        async with opened(settings) as pool:
            return await do(pool, settings)

    return asyncio.run(run())
