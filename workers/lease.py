"""A lane held: what it has to write is noted and committed under its fence, and the lane is given back with it."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta

from service.store import lanes, ledger
from service.store.database import AWAY, GAVE_WAY, Connection, Pool
from service.store.lanes import LEASE, Lane, LeaseLost
from service.store.ledger import Entry, Page, Sheet, released
from service.telemetry import Outage
from workers.commits import Commits

RENEW_EVERY = 1.0

RENEWED_FOR_A_WRITE = 2
"""Times at most: one that had to wait for somebody in the row may come back with too little left."""

WRITING = "writing"
"""Who meets an outage of the database that reading alone may not show."""


def elapsed() -> float:
    """Seconds on a clock that also runs while the machine is suspended, as the database's does."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


class Lease:
    """This worker's hold on a lane; one that was held up too long learns at its next write that it has lost it."""

    def __init__(self, pool: Pool, lane: Lane, claimed_at: float, commits: Commits | None = None) -> None:
        """`claimed_at`: `elapsed()` just before the claim was asked for."""
        self.lane = lane
        self._pool = pool
        self._commits = commits or Commits(pool)
        self._ends = claimed_at + LEASE.total_seconds()
        self._noted: dict[tuple[Sheet, object], Entry] = {}

    def note(self, *entries: Entry) -> None:
        """To be written with the next commit. What is noted again is written once, as it was noted last."""
        for entry in entries:
            self._noted[entry.sheet, entry.key] = entry

    async def commit(self) -> None:
        """Write what was noted. Raises LeaseLost, having changed nothing, or what the database raises."""
        if self._noted:
            await self._commits.write(self._page())

    def discard(self, *, but: Sheet) -> None:
        """Forget what was noted, except what belongs to one sheet."""
        self._noted = {key: entry for key, entry in self._noted.items() if entry.sheet is but}

    def _page(self) -> Page:
        page, self._noted = Page(self.lane, self._noted), {}
        return page

    def held_until(self, seconds: float) -> None:
        """It was renewed; `seconds` is its new end, by `elapsed()`."""
        self._ends = max(self._ends, seconds)

    async def renew(self) -> None:
        """Hold the lane for a whole LEASE from now. Raises LeaseLost."""
        async with self._pool.acquire() as connection:
            asked_at = elapsed()
            if not await lanes.renew(connection, [self.lane]):
                raise LeaseLost(self.lane.subject)
        self.held_until(asked_at + LEASE.total_seconds())

    async def lasts(self, seconds: float) -> None:
        """Make sure that the lane stays ours for so long: a write must not outlive the lease. Raises LeaseLost."""
        for _ in range(RENEWED_FOR_A_WRITE):
            if self._ends - elapsed() >= seconds:
                return
            await self.renew()
        if self._ends - elapsed() < seconds:
            raise LeaseLost(self.lane.subject)

    @contextlib.asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """A transaction in which the lane is ours until it ends; what was noted is written first. Raises LeaseLost,
        having changed nothing; where the body raises, what was noted is still to be written."""
        noted = dict(self._noted)
        async with self._pool.acquire() as connection, connection.transaction():
            if not all(await ledger.write(connection, [Page(self.lane, noted)])):
                raise LeaseLost(self.lane.subject)
            yield connection
        self._noted = {key: entry for key, entry in self._noted.items() if noted.get(key) is not entry}

    async def give_back(self, after: timedelta = timedelta()) -> None:
        """Let another take the lane, with all that was noted: at once, or `after` a while when what is open in it has
        to wait."""
        self.note(released(self.lane, after))
        await self.commit()


class Leases:
    """The leases of one worker, all of them renewed together."""

    def __init__(self, pool: Pool, outage: Outage) -> None:
        """`outage`: of the database, as all tell it."""
        self._pool = pool
        self._outage = outage
        self._held: set[Lease] = set()

    @contextlib.contextmanager
    def held(self, lease: Lease) -> Iterator[None]:
        """It is renewed while the body runs."""
        self._held.add(lease)
        try:
            yield
        finally:
            self._held.discard(lease)

    async def run(self) -> None:
        """Renew them until cancelled."""
        while True:
            await asyncio.sleep(RENEW_EVERY)
            held = list(self._held)
            if not held:
                continue
            try:
                async with self._pool.acquire() as connection:
                    asked_at = elapsed()
                    # Whoever stands in one lane's row must not keep the others from being renewed.
                    ours = await lanes.renew(connection, [lease.lane for lease in held], wait=False)
            except GAVE_WAY:
                continue  # a lease lasts for a few renewals
            except AWAY as error:
                self._outage.met(error, WRITING)
            else:
                self._outage.over(WRITING)
                for lease in held:
                    if lease.lane in ours:
                        lease.held_until(asked_at + LEASE.total_seconds())
