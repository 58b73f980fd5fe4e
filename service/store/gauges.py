"""Gauges: what waits, and since when, as it is at the moment of asking."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from service.store import held
from service.store.database import Connection

# By the index of states: what has ended is not looked at.
WAITING = """
    SELECT count(*) AS waiting,
        COALESCE(EXTRACT(EPOCH FROM clock_timestamp() - min(received_at)), 0)::float8 AS oldest
    FROM deliveries WHERE state IN ('waiting', 'judged')
"""

READY = f"""
    SELECT EXTRACT(EPOCH FROM clock_timestamp() - ready_at)::float8 FROM lanes
    WHERE ready_at <= now() AND (lease_until IS NULL OR lease_until < now()) AND {held.LANE_IS_NOT}
    ORDER BY ready_at LIMIT 1
"""  # noqa: S608 (no value in it)

STEPS = "SELECT state, count(*) AS steps FROM steps WHERE state IN ('planned', 'sent', 'waiting') GROUP BY state"

PARKED = "SELECT count(*) FROM deliveries WHERE state = 'parked'"

PROPOSALS = "SELECT count(*) FROM reconciliations WHERE state = 'waiting'"

HOLDS = "SELECT kind, count(*) AS holds FROM holds WHERE until IS NULL OR until > now() GROUP BY kind"


@dataclass(frozen=True)
class Gauges:
    """Ages are in seconds, 0 where nothing waits. `holds` are numbers by kind; `proposals` wait for approval."""

    waiting: int
    oldest_waiting: float
    oldest_ready: float
    steps_open: Mapping[str, int]
    parked: int = 0
    holds: Mapping[str, int] = field(default_factory=dict)
    proposals: int = 0


async def read(connection: Connection) -> Gauges:
    """Deliveries that have not ended or are parked, lanes that are ready and nobody's, steps that are open, what is
    held back, and what waits for approval."""
    waiting = await connection.fetchrow(WAITING)
    assert waiting is not None
    ready = await connection.fetchval(READY)
    steps = {row["state"]: row["steps"] for row in await connection.fetch(STEPS)}
    parked = await connection.fetchval(PARKED)
    holds = {row["kind"]: row["holds"] for row in await connection.fetch(HOLDS)}
    proposals = await connection.fetchval(PROPOSALS)
    # A clock that was set back must not show as an age below nothing.
    oldest_waiting, oldest_ready = max(0.0, waiting["oldest"]), max(0.0, ready or 0.0)
    return Gauges(waiting["waiting"], oldest_waiting, oldest_ready, steps, parked, holds, proposals)
