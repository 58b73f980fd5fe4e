"""Interventions: what somebody did by hand to deliveries, such as trying a parked one again, with who and when.

Whoever changes a delivery that a worker may have in hand takes its lane away first: the fence grows, and what the
worker writes after that is refused. What it sent before is under way until its lease ends, and so long the lane is
nobody's.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal
from uuid import UUID

from service.store import conduct
from service.store.database import BOUND, Connection
from service.store.identifiers import new_id

Intervention = Literal["retry", "skip", "park"]

POSSIBLE: Mapping[Intervention, str] = {
    "retry": "parked, failed, or with a step that is parked, failed, unknown or skipped",
    "skip": "waiting, judged, or parked",
    "park": "waiting or judged",
}
"""The deliveries that each can be done to."""

RETRIED = "('parked', 'failed', 'unknown', 'skipped')"

FITS: Mapping[Intervention, str] = {
    "retry": f"""body_digest IS NULL AND (state IN ('parked', 'failed') OR (state = 'done' AND (
        EXISTS (SELECT FROM steps s WHERE s.delivery_id = deliveries.delivery_id AND s.state IN {RETRIED})
        OR EXISTS (SELECT FROM interventions i WHERE i.delivery_id = deliveries.delivery_id AND what = 'skip'))))""",  # noqa: S608 (no value in it)
    "skip": "state IN ('waiting', 'judged', 'parked')",
    "park": "state IN ('waiting', 'judged')",
}

# In the order in which receivers ring them.
TAKE_LANES = f"""
    WITH mine AS MATERIALIZED (
        SELECT lanes.lane_id, {BOUND} FROM lanes
        WHERE lane_id IN (SELECT lane_id FROM deliveries WHERE delivery_id = ANY($1::uuid[]))
        ORDER BY location_id, subject FOR UPDATE
    )
    UPDATE lanes SET fence = fence + $2::int, worker = CASE WHEN $2 = 0 THEN worker END
    FROM mine WHERE lanes.lane_id = mine.lane_id
"""  # noqa: S608 (no value in it)

IN_DOUBT = "(steps.state = 'sent' OR steps.sent_at IS NOT NULL AND steps.state IN ('unknown', 'parked', 'skipped'))"
"""SQL: whether a step's write may be under way, whatever was made of the step since."""

# A lease that nobody has any more keeps others out until what was sent under it has come to its end.
FREE_LANES = f"""
    UPDATE lanes SET lease_until = NULL
    WHERE lane_id IN (SELECT lane_id FROM deliveries WHERE delivery_id = ANY($1::uuid[])) AND worker IS NULL
        AND NOT EXISTS (
            SELECT FROM deliveries JOIN steps USING (delivery_id)
            WHERE deliveries.lane_id = lanes.lane_id AND {IN_DOUBT}
        )
"""  # noqa: S608 (no value in it)

RING_LANES = """
    UPDATE lanes SET ready_at = CASE
        WHEN EXISTS (
            SELECT FROM deliveries WHERE deliveries.lane_id = lanes.lane_id AND state IN ('waiting', 'judged')
        ) THEN clock_timestamp()
    END
    WHERE lane_id IN (SELECT lane_id FROM deliveries WHERE delivery_id = ANY($1::uuid[]))
"""

STILL: Mapping[Intervention, str] = {
    what: f"""
        SELECT delivery_id FROM deliveries JOIN unnest($1::uuid[], $2::text[]) AS found (delivery_id, stood)
            USING (delivery_id)
        WHERE (stood IS NULL OR state = stood OR stood = 'open' AND state IN ('waiting', 'judged'))
            AND ($3::text IS NULL OR EXISTS (
                SELECT FROM steps s WHERE s.delivery_id = deliveries.delivery_id AND s.state = $3
            ))
            AND {fits}
        FOR UPDATE OF deliveries
    """  # noqa: S608 (no value in it)
    for what, fits in FITS.items()
}

# Of a rule whose step is taken up again the rest is run as well; what nothing was decided of is decided then.
FORGET_UNDECIDED = """
    DELETE FROM steps WHERE delivery_id = ANY($1::uuid[]) AND (
        (state IN ('parked', 'failed', 'skipped') AND operation IS NULL)
        OR (meant ? 'not_reached' AND EXISTS (
            SELECT FROM steps other WHERE other.delivery_id = steps.delivery_id AND other.rule = steps.rule
                AND other.state IN ('parked', 'failed', 'unknown', 'skipped')
        ))
    )
"""

# What may be in the world is looked for before it is sent once more.
REOPEN_STEPS = """
    UPDATE steps SET
        state = CASE WHEN sent_at IS NOT NULL AND state IN ('parked', 'unknown') THEN 'sent' ELSE 'waiting' END,
        sent_at = CASE WHEN state IN ('parked', 'unknown') THEN sent_at END,
        attempts = CASE WHEN sent_at IS NOT NULL AND state IN ('parked', 'unknown') THEN 1 ELSE 0 END,
        doubts = 0, looks = 0, next_at = NULL, finished_at = NULL, reason = NULL
    WHERE delivery_id = ANY($1::uuid[]) AND state IN ('parked', 'failed', 'unknown', 'skipped')
"""

REOPEN = """
    UPDATE deliveries SET
        state = CASE WHEN rulebook_id IS NULL THEN 'waiting' ELSE 'judged' END,
        waits_for = NULL, next_at = NULL, attempts = 0, surprises = 0, finished_at = NULL, reason = NULL
    WHERE delivery_id = ANY($1::uuid[])
"""

SKIP_STEPS = """
    UPDATE steps SET
        state = CASE WHEN sent_at IS NOT NULL THEN 'unknown' ELSE 'skipped' END,
        reason = CASE WHEN sent_at IS NOT NULL THEN 'it may have been done; ' ELSE '' END || $2,
        finished_at = clock_timestamp(), next_at = NULL
    WHERE delivery_id = ANY($1::uuid[]) AND state IN ('planned', 'sent', 'waiting', 'parked')
"""

SKIP = """
    UPDATE deliveries SET state = 'done', reason = $2, waits_for = NULL, next_at = NULL, finished_at = clock_timestamp()
    WHERE delivery_id = ANY($1::uuid[])
"""

PARK_STEPS = """
    UPDATE steps SET state = 'parked', reason = $2, next_at = NULL
    WHERE delivery_id = ANY($1::uuid[]) AND state IN ('planned', 'sent', 'waiting')
"""

PARK = """
    UPDATE deliveries SET state = 'parked', reason = $2, waits_for = NULL, next_at = NULL
    WHERE delivery_id = ANY($1::uuid[])
"""

FITTING: Mapping[Intervention, str] = {
    what: f"SELECT delivery_id FROM deliveries WHERE delivery_id = ANY($1::uuid[]) AND {fits}"  # noqa: S608
    for what, fits in FITS.items()
}

NOTE = """
    INSERT INTO interventions (intervention_id, delivery_id, what, who)
    SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[])
"""

OF_DELIVERY = "SELECT what, who, intervened_at FROM interventions WHERE delivery_id = $1 ORDER BY intervened_at"

HELD_BACK = """
    SELECT DISTINCT delivery_id FROM steps
    WHERE state = 'parked' AND operation IS NULL AND rule = $1 AND ($2 = '' OR location_id = $2) LIMIT $3
"""


async def carry_out(
    connection: Connection,
    what: Intervention,
    deliveries: Sequence[UUID],
    who: str,
    *,
    stood: Sequence[str] | None = None,
    step: str | None = None,
) -> list[UUID]:
    """Those of the deliveries it was done to: what has become another since it was chosen is left alone.

    `stood`: how each stood then, `open` for waiting or judged. `step`: each was chosen for a step that stands so. The
    caller owns the transaction, which should be of a hundred deliveries or so: their lanes stand still meanwhile.
    """
    # What is tried again nobody has in hand.
    await connection.execute(TAKE_LANES, deliveries, 0 if what == "retry" else 1)
    then: Sequence[str | None] = stood or [None] * len(deliveries)
    fit = [row["delivery_id"] for row in await connection.fetch(STILL[what], deliveries, then, step)]
    reason = f"{'skipped' if what == 'skip' else 'parked'} by {who}"
    match what:
        case "retry":
            await connection.execute(FORGET_UNDECIDED, fit)
            await connection.execute(REOPEN_STEPS, fit)
            await connection.execute(REOPEN, fit)
        case "skip":
            await connection.execute(SKIP_STEPS, fit, reason)
            await conduct.give_back(connection, fit)
            await connection.execute(SKIP, fit, reason)
        case "park":
            await connection.execute(PARK_STEPS, fit, reason)
            await connection.execute(PARK, fit, reason)
    await connection.execute(FREE_LANES, deliveries)
    await connection.execute(RING_LANES, deliveries)
    await note(connection, what, fit, who)
    return fit


async def note(connection: Connection, what: str, deliveries: Sequence[UUID | None], who: str) -> None:
    """Remember who did what; to no delivery where it is about something else."""
    number = len(deliveries)
    await connection.execute(NOTE, [new_id() for _ in deliveries], list(deliveries), [what] * number, [who] * number)


async def of_delivery(connection: Connection, delivery_id: UUID) -> list[dict[str, Any]]:
    return [dict(row) for row in await connection.fetch(OF_DELIVERY, delivery_id)]


async def held_back(connection: Connection, rule: str, location_id: str, limit: int) -> list[UUID]:
    """Deliveries in which this rule (in all locations, if that is '') was held back before anything was decided."""
    return [row["delivery_id"] for row in await connection.fetch(HELD_BACK, rule, location_id, limit)]


async def fitting(connection: Connection, what: Intervention, deliveries: Sequence[UUID]) -> set[UUID]:
    """Those of the deliveries that it can be done to as they stand now."""
    return {row["delivery_id"] for row in await connection.fetch(FITTING[what], deliveries)}
