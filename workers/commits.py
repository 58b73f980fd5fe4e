"""Commits: what lanes have to write is gathered and written together, and each learns when its own is there."""

import asyncio
from collections.abc import Sequence

from service.store import ledger
from service.store.database import GAVE_WAY, Pool
from service.store.lanes import LeaseLost
from service.store.ledger import Page

AT_ONCE = 1
"""Transactions beside each other: while one is on its way to the disk the next is filled."""

LARGEST = 100
"""Pages of one transaction."""


class Commits:
    """A page is written whole or not at all; one that cannot be written takes no other with it."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._waiting: list[tuple[Page, asyncio.Future[None]]] = []
        self._writers = 0
        self._tasks: set[asyncio.Task[None]] = set()

    async def write(self, page: Page) -> None:
        """Return once it is committed. Raises LeaseLost, having changed nothing, or what the database raises."""
        written: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((page, written))
        if self._writers < AT_ONCE:
            self._writers += 1
            task = asyncio.create_task(self._work())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        await written

    async def _work(self) -> None:
        try:
            while self._waiting:
                batch, self._waiting = self._waiting[:LARGEST], self._waiting[LARGEST:]
                await self._write(batch)
        finally:
            # In the same step in which it saw that nothing waits: what comes next begins another.
            self._writers -= 1

    async def _write(self, batch: Sequence[tuple[Page, "asyncio.Future[None]"]], *, again: bool = False) -> None:
        try:
            async with self._pool.acquire() as connection, connection.transaction():
                theirs = await ledger.write(connection, [page for page, _ in batch])
        except Exception as error:
            if isinstance(error, GAVE_WAY) and not again:
                return await self._write(batch, again=True)
            if len(batch) == 1:
                return _fail(batch[0][1], error)
            for alone in batch:
                await self._write([alone])
        except BaseException as error:
            for _, written in batch:
                _fail(written, error)
            raise
        else:
            for (page, written), ours in zip(batch, theirs, strict=True):
                if not ours:
                    _fail(written, LeaseLost(page.lane.subject))
                elif not written.done():
                    written.set_result(None)
        return None


def _fail(written: "asyncio.Future[None]", error: BaseException) -> None:
    if not written.done():
        written.set_exception(error)
