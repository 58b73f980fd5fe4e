"""Gauges: what waits, and since when, as it is at the moment of asking."""

from dataclasses import dataclass

from service.store.database import Connection

# By the index of states: what has ended is not looked at.
WAITING = """
    SELECT count(*) AS waiting,
        COALESCE(EXTRACT(EPOCH FROM clock_timestamp() - min(received_at)), 0)::float8 AS oldest
    FROM deliveries WHERE state IN ('waiting', 'judged')
"""

READY = """
    SELECT EXTRACT(EPOCH FROM clock_timestamp() - ready_at)::float8 FROM lanes
    WHERE ready_at <= now() AND (lease_until IS NULL OR lease_until < now())
    ORDER BY ready_at LIMIT 1
"""

STEPS = "SELECT state, count(*) AS steps FROM steps WHERE state IN ('planned', 'sent', 'waiting') GROUP BY state"


@dataclass(frozen=True)
class Gauges:
    """Ages are in seconds, 0 where nothing waits."""

    waiting: int
    oldest_waiting: float
    oldest_ready: float
    steps_open: dict[str, int]


async def read(connection: Connection) -> Gauges:
    """Deliveries that have not ended, lanes that are ready and nobody's, steps that are open."""
    waiting = await connection.fetchrow(WAITING)
    assert waiting is not None
    ready = await connection.fetchval(READY)
    steps = {row["state"]: row["steps"] for row in await connection.fetch(STEPS)}
    # A clock that was set back must not show as an age below nothing.
    return Gauges(waiting["waiting"], max(0.0, waiting["oldest"]), max(0.0, ready or 0.0), steps)
