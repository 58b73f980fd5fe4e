"""Keeps arrivals: requests that come together share one insert and one commit, and are answered after it."""

import asyncio
from collections.abc import Callable, Sequence

import asyncpg

from service.store.arrivals import Arrival, Recorded, record
from service.store.database import AWAY, UNFIT, Pool
from service.telemetry import Outage, Tally

LARGEST_BATCH = 200
MOST_WAITING = 5_000
PATIENCE = 5.0
"""Seconds for one commit; then the sender is asked to come again, which is safe: a known delivery is known."""


class CannotKeep(Exception):
    """The database is away, so nothing may be acknowledged."""


class Intake:
    """`ring` is told, after each commit, how many deliveries there are to work on."""

    def __init__(
        self, pool: Pool, ring: Callable[[int], None], *, ignored_kept: int, tally: Tally | None = None
    ) -> None:
        self._pool = pool
        self._ring = ring
        self._ignored_kept = ignored_kept
        self._tally = tally or Tally()
        self._outage = Outage("cannot keep deliveries; their senders are asked to come again", "keeps deliveries again")
        self._waiting: asyncio.Queue[tuple[Arrival, asyncio.Future[Recorded]]] = asyncio.Queue()

    async def keep(self, arrival: Arrival) -> Recorded:
        """Return once it is committed; raises CannotKeep."""
        if self._waiting.qsize() >= MOST_WAITING:
            raise CannotKeep
        answer: asyncio.Future[Recorded] = asyncio.get_running_loop().create_future()
        self._waiting.put_nowait((arrival, answer))
        return await answer

    async def run(self) -> None:
        """Serve `keep` until cancelled."""
        while True:
            batch = [await self._waiting.get()]
            while len(batch) < LARGEST_BATCH and not self._waiting.empty():
                batch.append(self._waiting.get_nowait())
            await self._keep_batch(batch)

    async def _keep_batch(self, batch: Sequence[tuple[Arrival, asyncio.Future[Recorded]]]) -> None:
        try:
            kept = await self._commit([arrival for arrival, _ in batch])
        except asyncpg.LockNotAvailableError:
            await self._one_by_one(batch)
        except (*AWAY, *UNFIT) as error:
            self._outage.met(error)
            # Those that queued up behind would only wait for the same answer.
            behind = [self._waiting.get_nowait() for _ in range(self._waiting.qsize())]
            for _, answer in [*batch, *behind]:
                _fail(answer, CannotKeep())
        except Exception as error:
            if len(batch) > 1:
                await self._one_by_one(batch)
            else:
                _fail(batch[0][1], error)
        else:
            self._outage.over()
            for recorded in kept:
                if recorded.ignored and recorded.delivery_id and not recorded.known:
                    self._tally.add("deliveries", outcome="ignored")
            for (_, answer), recorded in zip(batch, kept, strict=True):
                if not answer.done():
                    answer.set_result(recorded)
            self._ring(len({recorded.delivery_id for recorded in kept if not recorded.known and not recorded.ignored}))

    async def _one_by_one(self, batch: Sequence[tuple[Arrival, asyncio.Future[Recorded]]]) -> None:
        """One that cannot be kept, or whose lane somebody holds, must not take the others with it."""
        if len(batch) == 1:
            return _fail(batch[0][1], CannotKeep())
        for alone in batch:
            await self._keep_batch([alone])
        return None

    async def _commit(self, arrivals: Sequence[Arrival]) -> list[Recorded]:
        async with asyncio.timeout(PATIENCE), self._pool.acquire() as connection, connection.transaction():
            return await record(connection, arrivals, ignored_kept=self._ignored_kept)


def _fail(answer: asyncio.Future[Recorded], error: Exception) -> None:
    if not answer.done():
        answer.set_exception(error)
