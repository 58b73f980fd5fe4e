"""A lane held: renewed while it is worked on, fenced at every write, given back at the end."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from datetime import timedelta

from service.store import lanes
from service.store.database import AWAY, GAVE_WAY, Connection, Pool
from service.store.lanes import LEASE, Lane, LeaseLost
from service.telemetry import Outage

RENEW_EVERY = 1.0

WRITING = "writing"
"""Who meets an outage of the database that reading alone may not show."""


def elapsed() -> float:
    """Seconds on a clock that also runs while the machine is suspended, as the database's does."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


class Lease:
    """This worker's hold on a lane; one that was held up too long learns at its next write that it has lost it."""

    def __init__(self, pool: Pool, lane: Lane, claimed_at: float, outage: Outage | None = None) -> None:
        """`claimed_at`: `elapsed()` just before the claim was asked for. `outage`: of the database, as all tell it."""
        self.lane = lane
        self._pool = pool
        self._outage = outage or Outage("cannot renew a lease", "renews leases again")
        self._ends = claimed_at + LEASE.total_seconds()

    @contextlib.asynccontextmanager
    async def renewed(self) -> AsyncIterator["Lease"]:
        """Keep the lane while the body runs."""
        task = asyncio.create_task(self._keep_renewing())
        try:
            yield self
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def _keep_renewing(self) -> None:
        while True:
            await asyncio.sleep(RENEW_EVERY)
            try:
                await self.renew()
            except LeaseLost:
                return
            except GAVE_WAY:
                continue  # the lease lasts for a few renewals
            except AWAY as error:
                self._outage.met(error, WRITING)
            else:
                self._outage.over(WRITING)

    async def renew(self) -> None:
        """Hold the lane for a whole LEASE from now. Raises LeaseLost."""
        asked_at = elapsed()
        async with self._pool.acquire() as connection:
            await lanes.renew(connection, self.lane)
        self._ends = asked_at + LEASE.total_seconds()

    async def lasts(self, seconds: float) -> None:
        """Make sure that the lane stays ours for so long: a write must not outlive the lease. Raises LeaseLost."""
        if self._ends - elapsed() < seconds:
            await self.renew()
        if self._ends - elapsed() < seconds:
            raise LeaseLost(self.lane.subject)

    @contextlib.asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """A transaction in which the lane is ours until it ends. Raises LeaseLost, having changed nothing."""
        async with self._pool.acquire() as connection, connection.transaction():
            await lanes.hold(connection, self.lane)
            yield connection

    async def give_back(self, after: timedelta = timedelta()) -> None:
        """Let another take the lane: at once, or `after` a while when what is open in it has to wait."""
        async with self._pool.acquire() as connection, connection.transaction():
            await lanes.release(connection, self.lane, after)
