"""Keeping: rounds that drop what was kept long enough, a few rows at a time, beside the work."""

import asyncio
from collections import Counter
from uuid import UUID

import structlog

from service.store import keeping, leftovers
from service.store.database import GAVE_WAY
from service.store.identifiers import new_id
from service.store.keeping import Ages, RoundLost
from service.telemetry import Outage
from workers.rounds import rounds
from workers.workplace import Workplace

log = structlog.get_logger()

LOOK_EVERY = 60.0
"""Seconds between two looks whether a round is due."""

PAUSE = 0.05
"""Seconds between two transactions: the work beside them goes first."""

TASKS = (*keeping.TASKS.values(), *leftovers.TASKS.values())

MOST_BATCHES = 5_000
"""Of one task in a round; the next round goes on."""


async def watch(work: Workplace) -> None:
    """Make the rounds that are due, until cancelled."""
    outage = Outage("cannot drop what was kept long enough", "drops what was kept long enough again")
    name = new_id()
    await rounds(lambda: look(work, name), LOOK_EVERY, outage)


async def look(work: Workplace, worker: UUID) -> None:
    """Make a round if one is due and no other worker makes it."""
    async with work.pool.acquire(timeout=5) as connection:
        if not await keeping.claim_round(connection, str(worker)):
            return
    try:
        dropped = await round_(work, worker)
    except RoundLost:
        return
    if dropped:
        log.info("dropped what was kept long enough", **dropped)


async def round_(work: Workplace, worker: UUID, pause: float = PAUSE) -> Counter[str]:
    """Everything that may go by now, each batch in a transaction of its own; how much of what. Raises RoundLost."""
    dropped: Counter[str] = Counter()
    for task in TASKS:
        for _ in range(MOST_BATCHES):
            ages = Ages.of(work.settings, work.clock())
            try:
                async with work.pool.acquire(timeout=5) as connection, connection.transaction():
                    await keeping.hold_round(connection, str(worker))
                    batch = await task(connection, ages)
            except GAVE_WAY:
                break  # whoever was in the way is at work there; the next round comes by again
            dropped += batch.dropped
            if not batch.more:
                break
            await asyncio.sleep(pause)
    return dropped
