"""Where `slotwright up` keeps its data, and how other commands reach the database in it."""

import asyncio
import contextlib
import os
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any, TypeVar

import asyncpg
import click

from service.embedded import Postgres
from service.embedded.lock import Lock
from service.settings import LEFT_BY_UP, Settings, read_settings
from service.store.database import AWAY, Pool, open_pool

FOLDER = Path(".slotwright")
LOCK = "lock"
"""Held by whoever runs the servers in the folder."""

LOCK_PATIENCE = 0.1
UP_PATIENCE = 10.0
"""Seconds that `slotwright up` may take between its lock and its database, at its start or at its end."""

T = TypeVar("T")

folder_option = click.option(
    "--folder",
    type=click.Path(path_type=Path),
    default=FOLDER,
    envvar="SLOTWRIGHT_FOLDER",
    show_default=True,
    help="Where `slotwright up` keeps its data (setting SLOTWRIGHT_FOLDER).",
)


class DatabaseAway(click.ClickException):
    """The database does not answer, or does not let us in."""

    def __init__(self, error: BaseException) -> None:
        # asyncpg's own words may go on for lines.
        words = (str(error) or type(error).__name__).splitlines()[0]
        super().__init__(f"the database does not answer ({words}): is it up, is DATABASE_URL right?")


def settings_in(folder: Path, *needed: str) -> Settings:
    """The settings of the environment; where it names no database, those that `slotwright up` left in `folder`.

    Never of both: the key of one database does not open the tokens in another.
    """
    return read_settings(*needed, folder=None if _names_database() else folder)


@contextlib.asynccontextmanager
async def opened(settings: Settings, *, size: int = 2) -> AsyncIterator[Pool]:
    """A pool for the length of a command. Raises DatabaseAway if it cannot be had."""
    try:
        pool = await open_pool(settings, size=size)
    except (*AWAY, asyncpg.PostgresError) as error:
        raise DatabaseAway(error) from None
    try:
        yield pool
    finally:
        await pool.close()


def with_pool(folder: Path, do: Callable[[Pool, Settings], Coroutine[Any, Any, T]], *needed: str) -> T:
    """Run one short piece of work against the database, and only that: what goes wrong in it is the database's."""

    async def run(settings: Settings) -> T:
        async with opened(settings) as pool:
            try:
                return await do(pool, settings)
            except AWAY as error:
                raise DatabaseAway(error) from None

    with database(folder, *needed) as settings:
        return asyncio.run(run(settings))


@contextlib.contextmanager
def database(folder: Path, *needed: str) -> Iterator[Settings]:
    """The settings of a database that answers.

    It is the environment's, or that of the `slotwright up` that runs in `folder`; when none runs, PostgreSQL is started
    over the data there and stopped at the end. From the main thread only.
    """
    if _names_database():
        yield read_settings("database_url", *needed)
        return
    if not has_database(folder):
        raise click.ClickException(
            f"there are no data in {folder}: start `slotwright up`, choose its --folder, or set DATABASE_URL"
        )
    settings = read_settings("database_url", *needed, folder=folder)
    until = time.monotonic() + UP_PATIENCE
    while in_use(folder):
        if asyncio.run(_answers(settings)):
            yield settings
            return
        if time.monotonic() > until:
            raise click.ClickException(f"PostgreSQL in {folder} is in use and does not answer: see its postgres.log")
        time.sleep(LOCK_PATIENCE)
    # The servers have locks of their own: an `up` that starts meanwhile waits until this one is stopped.
    postgres = Postgres(folder)
    postgres.start()
    try:
        yield settings.model_copy(update={"database_url": postgres.url})
    finally:
        postgres.stop()


def in_use(folder: Path) -> bool:
    """Whether somebody runs the servers in `folder`."""
    lock = Lock(folder / LOCK)
    if not lock.path.exists():
        return False
    free = lock.take(LOCK_PATIENCE)
    lock.release()
    return not free


async def _answers(settings: Settings) -> bool:
    try:
        async with opened(settings, size=1):
            return True
    except DatabaseAway:
        return False


def has_database(folder: Path) -> bool:
    """Whether the environment names a database, or one is kept in the folder."""
    return _names_database() or (folder / LEFT_BY_UP).exists()


def _names_database() -> bool:
    return "DATABASE_URL" in os.environ
