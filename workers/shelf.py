"""The shelf: the rulebooks that a worker has taken up, each read once, beside what else the worker does."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias
from uuid import UUID

from service.store import rulebooks
from service.store.database import Pool
from workers import rulebook
from workers.faults import RulebookFaults
from workers.rulebook import Rulebook

ROOM: Final = 16 * 2**20
"""Characters of rule files that are kept: the rules read from them take some thirty times as much memory."""

LEAST: Final = 4_096
"""What even the smallest rulebook counts for."""

Taken: TypeAlias = Rulebook | RulebookFaults


@dataclass
class Shelf:
    """By their ids, since what has an id never changes; those asked for least lately go first."""

    pool: Pool
    _taken: dict[UUID, Taken] = field(default_factory=dict)
    _sizes: dict[UUID, int] = field(default_factory=dict)
    _under_way: dict[UUID, "asyncio.Task[Taken]"] = field(default_factory=dict)

    async def rulebook(self, rulebook_id: UUID) -> Rulebook:
        """Raises RulebookFaults, at once where it has been found out before."""
        if rulebook_id in self._taken:
            taken = self._taken[rulebook_id] = self._taken.pop(rulebook_id)
        else:
            # Whatever becomes of one who waits for it, the others get it.
            taken = await asyncio.shield(self._being_taken_up(rulebook_id))
        if isinstance(taken, RulebookFaults):
            raise RulebookFaults(taken.faults)
        return taken

    def _being_taken_up(self, rulebook_id: UUID) -> "asyncio.Task[Taken]":
        if rulebook_id not in self._under_way:
            task = self._under_way[rulebook_id] = asyncio.create_task(self._take_up(rulebook_id))
            task.add_done_callback(lambda _: self._under_way.pop(rulebook_id))
        return self._under_way[rulebook_id]

    async def _take_up(self, rulebook_id: UUID) -> Taken:
        async with self.pool.acquire() as connection:
            stored = await rulebooks.find(connection, rulebook_id)
        files = stored.files if stored else {}
        # In a thread, for ten thousand rules take more than a second, in which leases have to be renewed.
        taken = self._taken[rulebook_id] = await asyncio.to_thread(_read, files)
        self._sizes[rulebook_id] = max(LEAST, sum(map(len, files.values())))
        while sum(self._sizes.values()) > ROOM and len(self._taken) > 1:
            oldest = next(iter(self._taken))
            del self._taken[oldest], self._sizes[oldest]
        return taken


def _read(files: Mapping[str, str]) -> Taken:
    try:
        found = rulebook.taken_up(files)
        assert found.index is not None  # Made here, and not by whoever asks first.
    except RulebookFaults as faults:
        return faults
    return found
