"""Record: Postgres as the pages read it. That it is away is logged once, however many ask for a page meanwhile."""

import contextlib
from collections.abc import AsyncIterator

from service.store.database import AWAY, UNFIT, Connection, Pool
from service.telemetry import Outage

PATIENCE = 5.0
"""Seconds to wait for a connection."""


class Record:
    def __init__(self, pool: Pool) -> None:
        """`pool` stays the caller's."""
        self._pool = pool
        self._away = Outage("the database is away; the pages say so", "the database is back")
        self._unfit = Outage("the database is not this version's; the pages say so", "the database is this version's")

    @contextlib.asynccontextmanager
    async def read(self) -> AsyncIterator[Connection]:
        """Raises what AWAY and UNFIT name."""
        try:
            async with self._pool.acquire(timeout=PATIENCE) as connection:
                yield connection
        except AWAY as error:
            self._away.met(error)
            raise
        except UNFIT as error:
            self._unfit.met(error)
            raise
        else:
            self._away.over()
            self._unfit.over()
