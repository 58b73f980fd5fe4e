"""Deciding: while one chooses people in a location, no other worker chooses beside it, only to have to choose again.

That is all it is for. Whether a choice stands shows when it is kept (`turns.take`), so a claim that outlived its worker
is passed over after a while.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from datetime import timedelta

from service.store import turns
from service.store.database import AWAY, Pool

AT_MOST = timedelta(seconds=2)
"""How long others wait for one who has begun to choose."""

ASK_EVERY = 0.025


class Deciding:
    """Of one process; between processes it goes by the database."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._here: dict[str, asyncio.Lock] = {}

    @contextlib.asynccontextmanager
    async def at(self, location_id: str, stopping: Callable[[], bool]) -> AsyncIterator[None]:
        """For the choice of a person and the transaction that keeps it. Once `stopping` nobody is waited for, and the
        body must not choose any more."""
        async with self._here.setdefault(location_id, asyncio.Lock()):
            if stopping():
                yield
                return
            async with self._pool.acquire() as connection:
                claimed = await turns.claim(connection, location_id, AT_MOST)
            waited = 0.0
            while claimed is None and waited < AT_MOST.total_seconds() and not stopping():
                await asyncio.sleep(ASK_EVERY)
                waited += ASK_EVERY
                async with self._pool.acquire() as connection:
                    claimed = await turns.claim(connection, location_id, AT_MOST)
            try:
                yield
            finally:
                if claimed:
                    with contextlib.suppress(*AWAY):
                        async with self._pool.acquire() as connection:
                            await turns.leave(connection, location_id, claimed)
