"""Commits: what lanes have to write is gathered and written together, and each learns when its own is there."""

import asyncio
from collections.abc import Coroutine, Sequence
from typing import TypeAlias

from service.store import ledger
from service.store.database import AWAY, GAVE_WAY, Pool
from service.store.lanes import LeaseLost
from service.store.ledger import Page

AT_ONCE = 1
"""Transactions beside each other: while one is on its way to the disk the next is filled."""

LARGEST = 100
"""Pages of one transaction."""

LAST_TRY = 2
"""Of one that gives way, after the first. Both wait for the lane, together for longer than anybody who is stopped in
its row can keep it."""

Batch: TypeAlias = Sequence[tuple[Page, "asyncio.Future[None]"]]


class Commits:
    """A page is written whole or not at all; one that cannot be written, or has to wait, takes no other with it."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._waiting: list[tuple[Page, asyncio.Future[None]]] = []
        self._writers = 0
        self._tasks: set[asyncio.Task[None]] = set()

    async def write(self, page: Page) -> None:
        """Return once it is committed. Raises LeaseLost, having changed nothing, or what the database raises: after
        an error of AWAY that is none of GAVE_WAY it may be written all the same."""
        written: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((page, written))
        if self._writers < AT_ONCE:
            self._writers += 1
            self._begin(self._work())
        await written

    def _begin(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _work(self) -> None:
        try:
            while self._waiting:
                batch, self._waiting = self._waiting[:LARGEST], self._waiting[LARGEST:]
                await self._write(batch)
        finally:
            # In the same step in which it saw that nothing waits: what comes next begins another.
            self._writers -= 1

    async def _write(self, batch: Batch, tries: int = 0) -> None:
        """`tries`: before this one. Only the first is made where others wait behind it, and so waits for no lane."""
        try:
            async with self._pool.acquire() as connection, connection.transaction():
                theirs = await ledger.write(connection, [page for page, _ in batch], wait=tries > 0)
        except Exception as error:
            self._not_written(batch, tries, error)
        except BaseException as error:
            _fail(batch, error)
            raise
        else:
            not_held = []
            for each, ours in zip(batch, theirs, strict=True):
                page, written = each
                if not ours and tries == 0:
                    not_held.append(each)
                elif not ours:
                    _fail([each], LeaseLost(page.lane.subject))
                elif not written.done():
                    written.set_result(None)
            if not_held:
                self._begin(self._again([not_held], tries))

    def _not_written(self, batch: Batch, tries: int, error: Exception) -> None:
        """Try what was rolled back once more, at last each page alone. What is not known to have been is left: written
        twice it would break its own constraints, and whoever takes up the lane finds what is there."""
        if isinstance(error, GAVE_WAY):
            if tries < LAST_TRY:
                return self._begin(self._again([batch] if tries == 0 else [[each] for each in batch], tries))
        elif len(batch) > 1 and not isinstance(error, AWAY):
            return self._begin(self._again([[each] for each in batch], tries))
        return _fail(batch, error)

    async def _again(self, batches: Sequence[Batch], tries: int) -> None:
        for batch in batches:
            await self._write(batch, tries + 1)


def _fail(batch: Batch, error: BaseException) -> None:
    for _, written in batch:
        if not written.done():
            written.set_exception(error)
