"""The sources as the receiver knows them: looked up again and again, and kept in memory when the database is away."""

import asyncio
from collections.abc import Mapping

import structlog

from service.store import sources
from service.store.database import Pool
from service.store.sealing import Keys
from service.store.sources import SecretUnreadable, Source
from service.telemetry.outage import Outage

log = structlog.get_logger()

LOOK_EVERY = 2.0
"""Seconds until a change of a source holds in every receiver."""

PATIENCE = 2.0


class Sources:
    def __init__(self, pool: Pool, keys: Keys) -> None:
        self._pool = pool
        self._sealing = keys
        self._by_name: Mapping[str, Source] | None = None
        self._keys: Mapping[str, tuple[bytes, ...] | None] = {}
        self._outage = Outage("cannot look up the sources; those known stay", "sources are looked up again")

    @property
    def known(self) -> bool:
        """False until the database was reached once: nobody can be told a stranger before."""
        return self._by_name is not None

    def find(self, name: str, kind: str) -> Source | None:
        found = (self._by_name or {}).get(name)
        return found if found and found.kind == kind else None

    def keys(self, source: Source) -> tuple[bytes, ...] | None:
        """What it signs with; None where SECRET_KEY does not open that."""
        return self._keys.get(source.name)

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            await asyncio.sleep(LOOK_EVERY)
            await self.look()

    async def look(self) -> None:
        try:
            async with asyncio.timeout(PATIENCE), self._pool.acquire() as connection:
                found = await sources.every(connection)
        except Exception as error:
            self._outage.met(error)
            return
        self._outage.over()
        keys = {source.name: self._opened(source) for source in found if source.kind == "external"}
        for name in keys.keys() - {name for name, opened in keys.items() if opened is not None}:
            if self._keys.get(name, ()) is not None:  # told once, not at each look
                log.error("SECRET_KEY does not open this source's secrets; its deliveries are put off", source=name)
        self._by_name, self._keys = {source.name: source for source in found}, keys

    def _opened(self, source: Source) -> tuple[bytes, ...] | None:
        try:
            return source.keys(self._sealing)
        except SecretUnreadable:
            return None
