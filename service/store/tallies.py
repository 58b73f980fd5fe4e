"""Tallies and budgets: what every process counts, added up in one place that outlives them all."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from typing import Any

import asyncpg
import structlog

from service import telemetry
from service.store import budgets
from service.store.database import AWAY, BOUND, Connection, Pool
from service.telemetry.tally import Counts, Tally

log = structlog.get_logger()

FLUSH_EVERY = 1.5
"""Seconds that a count may be away from the record."""

PATIENCE = 5.0

# In the order given: two processes that add to the same rows take them in the same order and cannot deadlock.
ADD = """
    INSERT INTO tallies AS kept (name, labels, value)
    SELECT name, labels, value FROM unnest($1::text[], $2::jsonb[], $3::float8[]) AS counted (name, labels, value)
    ON CONFLICT (name, labels) DO UPDATE SET value = kept.value + excluded.value
"""

ALL = "SELECT name, labels, value FROM tallies ORDER BY name, labels LIMIT 20000"

TRANSACTION = f"SELECT pg_current_xact_id()::text, {BOUND}"

BECAME = "SELECT pg_xact_status($1::text::xid8)"


async def add(connection: Connection, values: Mapping[Any, float]) -> None:
    """Add to each tally; the caller owns the transaction."""
    keys = sorted(values)
    await connection.execute(
        ADD, [name for name, _ in keys], [dict(labels) for _, labels in keys], [values[key] for key in keys]
    )


async def every(connection: Connection) -> list[tuple[str, dict[str, str], float]]:
    """All tallies: name, labels and value."""
    return [(row["name"], row["labels"], row["value"]) for row in await connection.fetch(ALL)]


@contextlib.asynccontextmanager
async def kept(pool: Pool, tally: Tally) -> AsyncIterator[None]:
    """Add what the body counts to the record: every FLUSH_EVERY seconds, and at the end."""
    flush = Flush(pool, tally)
    stopped = asyncio.Event()
    task = asyncio.create_task(flush.run(stopped))
    try:
        yield
    finally:
        stopped.set()
        await task
        await flush.once()


class Flush:
    """Moves counts from a tally to the record, none of them twice and none left out while the process lives.

    A commit whose answer is lost may have happened. Its transaction's number, asked for inside it, lets the database
    say afterwards which it was.
    """

    def __init__(self, pool: Pool, tally: Tally) -> None:
        self._pool = pool
        self._tally = tally
        self._owed = Counts({}, {})
        self._transaction: str | None = None
        """Of the commit that `_owed` may have been added by already."""

        self._failing = False

    @property
    def owed(self) -> Counts:
        """What was taken from the tally and is not known to be in the record."""
        return self._owed

    async def run(self, stopped: asyncio.Event) -> None:
        """Until it is told to stop: a cancellation could come in the middle of a commit."""
        while not stopped.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stopped.wait(), FLUSH_EVERY)
            await self.once()

    async def once(self) -> None:
        """Add what there is to add; what cannot be added now stays for the next time."""
        try:
            async with asyncio.timeout(PATIENCE), self._pool.acquire() as connection:
                await self._settle(connection)
                self._owed += self._tally.take()
                if self._owed:
                    await self._add(connection)
            self._failing = False
        except AWAY as error:
            # Whoever works with the database says that it is away; the numbers can wait.
            log.debug("cannot add to the tallies", error=type(error).__name__)
        except Exception as error:
            if not self._failing:
                log.exception("cannot add to the tallies")
                telemetry.report(error)
            self._failing = True

    async def _add(self, connection: Connection) -> None:
        async with connection.transaction():
            transaction = await connection.fetchval(TRANSACTION)
            await add(connection, self._owed.values)
            await budgets.keep(connection, self._owed.budgets.values())
            self._transaction = transaction
        self._owed, self._transaction = Counts({}, {}), None

    async def _settle(self, connection: Connection) -> None:
        """Find out what became of the commit before, if its answer was lost."""
        if self._transaction is None:
            return
        try:
            became = await connection.fetchval(BECAME, self._transaction)
        except asyncpg.InvalidParameterValueError:
            # A number that this server has not reached: it took over from one that was ahead of it, and has nothing of
            # what that one did last.
            became = "aborted"
        if became == "in progress":
            raise TimeoutError
        if became != "aborted":
            # Committed; or so long ago that nobody knows, and then rather too few than twice.
            self._owed = Counts({}, {})
        self._transaction = None
