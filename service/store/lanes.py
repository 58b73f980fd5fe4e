"""Lanes: what must happen in order, and the lease of the worker that has one.

A lease is a row, never a session lock: it names its worker, carries a number that grows with each claim (the fence) and
ends by itself, so that another worker takes over from one that died.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from service.store.database import BOUND, PATIENT, Connection

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

    urgent: bool
    """What it is about starts within the hour."""

    due_at: datetime


FREE = "ready_at <= now() AND (lease_until IS NULL OR lease_until < now())"

URGENT = "COALESCE(starts_at BETWEEN now() AND now() + interval '1 hour', false)"

MOST_LOCATIONS = 128
"""Locations that one claim looks at, from a pivot that is another each time."""

# From location to location by the index, whatever number of lanes each has, from the pivot on and round. In each the
# lanes that are due first; then in turns: the first of each, the second of each, behind as many as the location has at
# work here. What is urgent goes first, however much was due before it, and also where only the rest of the budget is
# left that is kept for it; but for a few places, or an unending stream of it would leave all else where it is. More are
# looked at than are taken: what another claims at this moment is passed over.
# Materialised: as a plain subquery it may be run again for each row joined, and then takes more than was asked for.
CLAIM = f"""
    WITH RECURSIVE waiting (location_id, round) AS (
        VALUES ($4::text, 1)
        UNION ALL
        SELECT COALESCE(next.location_id, CASE round WHEN 1 THEN '' END),
            CASE WHEN next.location_id IS NULL THEN 2 ELSE round END
        FROM waiting LEFT JOIN LATERAL (
            SELECT lanes.location_id FROM lanes
            WHERE lanes.ready_at IS NOT NULL AND lanes.location_id > waiting.location_id
            ORDER BY lanes.location_id LIMIT 1
        ) AS next ON true
        WHERE waiting.location_id IS NOT NULL AND (round = 1 OR waiting.location_id <= $4)
    ),
    looked_at AS MATERIALIZED (
        SELECT DISTINCT location_id FROM (SELECT location_id FROM waiting LIMIT {MOST_LOCATIONS}) AS first
        WHERE location_id IS NOT NULL
    ),
    held AS MATERIALIZED (
        SELECT location_id, bool_or(kind <> 'budget' OR COALESCE(urgent_until > now(), false)) AS wholly
        FROM holds WHERE scope = 'location' AND (until IS NULL OR until > now()) GROUP BY location_id
    ),
    places AS MATERIALIZED (
        SELECT looked_at.location_id, COALESCE(busy.lanes, 0) AS busy, held.location_id IS NOT NULL AS held
        FROM looked_at
            LEFT JOIN held ON held.location_id = looked_at.location_id
            LEFT JOIN unnest($5::text[], $6::int[]) AS busy (location_id, lanes)
                ON busy.location_id = looked_at.location_id
        WHERE held.wholly IS NOT TRUE AND COALESCE(busy.lanes, 0) < $7
            AND NOT EXISTS (SELECT FROM holds WHERE scope = 'all' AND (until IS NULL OR until > now()))
    ),
    share AS (SELECT GREATEST(1, 4 * $3 / count(*)) AS lanes FROM looked_at),
    candidates AS (
        SELECT lane_id, location_id, busy, due_at, urgent,
            busy + row_number() OVER (PARTITION BY location_id ORDER BY urgent DESC, due_at) AS turn,
            row_number() OVER (PARTITION BY location_id, urgent ORDER BY due_at) AS of_its_kind
        FROM (
            SELECT places.location_id, places.busy, lane.lane_id, lane.due_at, false AS urgent
            FROM places CROSS JOIN LATERAL (
                SELECT lane_id, due_at FROM lanes
                WHERE lanes.location_id = places.location_id AND NOT places.held AND {FREE} AND NOT {URGENT}
                ORDER BY due_at LIMIT (SELECT lanes FROM share)
            ) AS lane
            UNION ALL
            SELECT places.location_id, places.busy, lane.lane_id, lane.due_at, true
            FROM places CROSS JOIN LATERAL (
                SELECT lane_id, due_at FROM lanes
                WHERE lanes.location_id = places.location_id AND {FREE}
                    AND starts_at BETWEEN now() AND now() + interval '1 hour'
                ORDER BY starts_at LIMIT (SELECT lanes FROM share)
            ) AS lane
        ) AS ready
    ),
    queue AS MATERIALIZED (
        SELECT lane_id, place FROM (
            SELECT *, busy + row_number() OVER (PARTITION BY location_id ORDER BY place) AS number FROM (
                SELECT *, row_number() OVER (
                    ORDER BY NOT urgent AND among <= $8 DESC, urgent DESC, turn, due_at
                ) AS place
                FROM (
                    SELECT *, row_number() OVER (PARTITION BY urgent ORDER BY of_its_kind, due_at) AS among
                    FROM candidates
                ) AS ranked
            ) AS placed
        ) AS counted
        WHERE number <= $7 ORDER BY place LIMIT 3 * $3
    ),
    free AS MATERIALIZED (
        SELECT lanes.lane_id, lanes.worker AS before FROM queue JOIN lanes ON lanes.lane_id = queue.lane_id
        WHERE {FREE}
        ORDER BY queue.place LIMIT $3
        FOR UPDATE OF lanes SKIP LOCKED
    )
    UPDATE lanes AS lane
    SET worker = $1, fence = lane.fence + 1, lease_until = clock_timestamp() + $2
    FROM free
    WHERE lane.lane_id = free.lane_id
    RETURNING lane.lane_id, lane.location_id, lane.subject, lane.fence,
        coalesce(free.before <> $1, false) AS taken_over, {URGENT} AS urgent, lane.due_at
"""  # noqa: S608 (no value in it)

# In the order in which receivers ring them, or one would wait for the other. A lane may be asked for under two fences
# at once, where its worker lost it and took it up again: only one of them is right.
HOLD = f"""
    SELECT lanes.lane_id, lanes.fence, {BOUND}, {PATIENT}
    FROM lanes JOIN unnest($1::uuid[], $2::bigint[]) AS mine (lane_id, fence)
        ON lanes.lane_id = mine.lane_id AND lanes.fence = mine.fence
    WHERE worker IS NOT NULL ORDER BY location_id, subject FOR NO KEY UPDATE OF lanes
"""  # noqa: S608 (no value in it)

HOLD_FREE = f"{HOLD} SKIP LOCKED"

RENEW = f"""
    WITH mine AS MATERIALIZED ({HOLD})
    UPDATE lanes SET lease_until = clock_timestamp() + $3 FROM mine WHERE lanes.lane_id = mine.lane_id
    RETURNING lanes.lane_id, lanes.fence
"""  # noqa: S608 (no value in it)

RENEW_FREE = f"""
    WITH mine AS MATERIALIZED ({HOLD_FREE})
    UPDATE lanes SET lease_until = clock_timestamp() + $3 FROM mine WHERE lanes.lane_id = mine.lane_id
    RETURNING lanes.lane_id, lanes.fence
"""  # noqa: S608 (no value in it)

# Read in a statement of its own, after the row is held: a delivery that came meanwhile must be seen. `later` is null
# for a lane that is to be ready at once.
RELEASE = """
    UPDATE lanes SET worker = NULL, lease_until = NULL, ready_at = CASE
        WHEN NOT EXISTS (
            SELECT FROM deliveries WHERE deliveries.lane_id = lanes.lane_id AND state IN ('waiting', 'judged')
        ) THEN NULL
        ELSE clock_timestamp() + given.later
    END
    FROM unnest($1::uuid[], $2::bigint[], $3::interval[]) AS given (lane_id, fence, later)
    WHERE lanes.lane_id = given.lane_id AND lanes.fence = given.fence
"""


async def claim(
    connection: Connection,
    worker: str,
    number: int = 1,
    *,
    pivot: str = "",
    busy: Mapping[str, int] | None = None,
    most: int = 1_000_000,
    spare: int = 0,
) -> list[Lane]:
    """Take up to so many lanes that are ready, in fair turns, those first that are due first.

    `busy`: how many lanes of which location are at work here; one with `most` of them gets no more. `pivot`: from
    which location on to look, where there are more than MOST_LOCATIONS. `spare`: how many are kept for what is not
    urgent, as far as there is any.
    """
    busy = busy or {}
    rows = await connection.fetch(CLAIM, worker, LEASE, number, pivot, [*busy], [*busy.values()], most, spare)
    return [Lane(**row) for row in sorted(rows, key=lambda row: (not row["urgent"], row["due_at"]))]


async def renew(connection: Connection, mine: Sequence[Lane], *, wait: bool = True) -> set[Lane]:
    """Hold lanes for another LEASE from now: those that are still ours.

    Without `wait` those are passed over of which somebody has the row just now; nobody can claim them meanwhile. With
    it this gives way after two seconds.
    """
    return await _of(connection, RENEW if wait else RENEW_FREE, mine, LEASE)


async def hold(connection: Connection, mine: Sequence[Lane], *, wait: bool = True) -> set[Lane]:
    """Which lanes are still ours; they stay so to the end of the caller's transaction. `wait`: as for `renew`."""
    return await _of(connection, HOLD if wait else HOLD_FREE, mine)


async def _of(connection: Connection, statement: str, mine: Sequence[Lane], *more: Any) -> set[Lane]:
    """Those that the statement answers for, each under its own fence."""
    rows = await connection.fetch(statement, [lane.lane_id for lane in mine], [lane.fence for lane in mine], *more)
    ours = {(row["lane_id"], row["fence"]) for row in rows}
    return {lane for lane in mine if (lane.lane_id, lane.fence) in ours}


async def release(connection: Connection, lanes: Sequence[Lane], after: timedelta) -> None:
    """Give lanes back that are held: ready `after` a while if anything in them is open, else at rest."""
    ids, fences = [lane.lane_id for lane in lanes], [lane.fence for lane in lanes]
    await connection.execute(RELEASE, ids, fences, [after] * len(lanes))


def describe(lane: Lane) -> dict[str, Any]:
    return {"lane": str(lane.lane_id), "location": lane.location_id}
