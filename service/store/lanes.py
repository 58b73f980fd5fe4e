"""Lanes: what must happen in order, and the lease of the worker that has one.

A lease is a row, never a session lock: it names its worker, carries a number that grows with each claim (the fence) and
ends by itself, so that another worker takes over from one that died.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from service.store.database import BOUND, Connection

LEASE = timedelta(seconds=4.5)
"""How long a lane stays with a worker that says nothing more."""


class LeaseLost(Exception):
    """Somebody else has the lane now. Whatever was about to be written must not be."""


@dataclass(frozen=True)
class Lane:
    lane_id: UUID
    location_id: str
    subject: str
    fence: int
    taken_over: bool
    """From another worker, whose lease had ended. One's own, left behind by an outage, was never taken from anybody."""


# Materialised: as a plain subquery it may be run again for each row joined, and then takes more than the one lane.
CLAIM = """
    WITH free AS MATERIALIZED (
        SELECT lane_id, worker AS before FROM lanes
        WHERE ready_at <= now() AND (lease_until IS NULL OR lease_until < now())
        ORDER BY ready_at
        LIMIT 1
        FOR UPDATE SKIP LOCKED
    )
    UPDATE lanes AS lane
    SET worker = $1, fence = lane.fence + 1, lease_until = clock_timestamp() + $2
    FROM free
    WHERE lane.lane_id = free.lane_id
    RETURNING lane.lane_id, lane.location_id, lane.subject, lane.fence, coalesce(free.before <> $1, false) AS taken_over
"""

RENEW = """
    UPDATE lanes SET lease_until = clock_timestamp() + $3
    WHERE lane_id = $1 AND fence = $2 AND worker IS NOT NULL
    RETURNING lane_id
"""

HOLD = f"""
    SELECT lane_id, {BOUND} FROM lanes WHERE lane_id = $1 AND fence = $2 AND worker IS NOT NULL FOR UPDATE
"""  # noqa: S608 (no value in it)

# Read in a statement of its own, after the row is held: a delivery that came meanwhile must be seen.
RELEASE = """
    UPDATE lanes SET worker = NULL, lease_until = NULL, ready_at = CASE
        WHEN NOT EXISTS (SELECT FROM deliveries WHERE lane_id = $1 AND state IN ('waiting', 'judged')) THEN NULL
        ELSE clock_timestamp() + $2
    END
    WHERE lane_id = $1
"""

READY = "SELECT EXISTS (SELECT FROM lanes WHERE ready_at <= now() AND (lease_until IS NULL OR lease_until < now()))"


async def claim(connection: Connection, worker: str) -> Lane | None:
    """Take the lane that has been ready longest; None when there is none to take."""
    row = await connection.fetchrow(CLAIM, worker, LEASE)
    return Lane(**row) if row else None


async def renew(connection: Connection, lane: Lane) -> None:
    """Hold the lane for another LEASE from now. Raises LeaseLost."""
    if await connection.fetchval(RENEW, lane.lane_id, lane.fence, LEASE) is None:
        raise LeaseLost(lane.subject)


async def hold(connection: Connection, lane: Lane) -> None:
    """Fail the caller's transaction with LeaseLost unless the lane is still ours, and keep it ours until the end."""
    if await connection.fetchval(HOLD, lane.lane_id, lane.fence) is None:
        raise LeaseLost(lane.subject)


async def release(connection: Connection, lane: Lane, after: timedelta) -> None:
    """Give the lane back: ready `after` a while if anything in it is open, else at rest. Raises LeaseLost."""
    await hold(connection, lane)
    await connection.execute(RELEASE, lane.lane_id, after)


async def any_ready(connection: Connection) -> bool:
    return bool(await connection.fetchval(READY))


def describe(lane: Lane) -> dict[str, Any]:
    return {"lane": str(lane.lane_id), "location": lane.location_id}
