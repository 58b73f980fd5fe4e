"""Steps: the stored row of one write. What it will send is decided once, and stays."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from service.store.database import Connection

OPEN = ("planned", "sent", "waiting")


@dataclass(frozen=True)
class Step:
    """One write. `place` is the action's in its rule, `part` the write's in its action; `meant` says what else becomes
    true once it is done (a follow to keep). `since_sent` is its age on the database's clock, None if not sent."""

    step_id: UUID
    delivery_id: UUID
    rule: str
    place: int
    part: int
    action: str
    state: str
    sentence: str
    location_id: str
    appointment_id: str | None
    contact_id: str | None
    series_id: str | None = None
    reason: str | None = None
    operation: Mapping[str, Any] | None = None
    meant: Mapping[str, Any] = field(default_factory=dict)
    written_id: str | None = None
    planned_at: datetime | None = None
    attempts: int = 0
    doubts: int = 0
    """Times that it was sent and no answer told what became of it."""

    since_sent: timedelta | None = None
    wait: timedelta = timedelta()
    """Until it may be taken up again."""


INSERT = """
    INSERT INTO steps (
        step_id, delivery_id, rule, place, part, action, state, sentence, location_id, appointment_id, contact_id,
        series_id, reason, operation, meant, finished_at
    )
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14::jsonb, $15::jsonb,
        CASE WHEN $7 = 'planned' THEN NULL ELSE clock_timestamp() END)
"""

COLUMNS = """
    step_id, delivery_id, rule, place, part, action, state, sentence, location_id, appointment_id, contact_id,
    series_id, reason, operation, meant, written_id, planned_at, attempts, doubts,
    clock_timestamp() - sent_at AS since_sent,
    GREATEST(next_at - clock_timestamp(), interval '0') AS wait
"""

OF_DELIVERY = f"SELECT {COLUMNS} FROM steps WHERE delivery_id = $1 ORDER BY planned_at, place, part"  # noqa: S608 (no value in it)

SENT = """
    UPDATE steps SET state = 'sent', sent_at = clock_timestamp(), attempts = attempts + 1, next_at = NULL
    WHERE step_id = $1
"""

LATER = """
    UPDATE steps SET
        state = CASE WHEN $4 THEN 'sent' ELSE 'waiting' END,
        sent_at = CASE WHEN $4 THEN sent_at END,
        doubts = doubts + $5,
        next_at = clock_timestamp() + $2,
        reason = $3
    WHERE step_id = $1
"""

CLOSE = """
    UPDATE steps SET state = $2, reason = $3, written_id = $4, finished_at = clock_timestamp(), next_at = NULL
    WHERE step_id = $1
"""

ABANDON = """
    UPDATE steps SET
        state = CASE state WHEN 'sent' THEN 'unknown' ELSE 'failed' END,
        reason = 'its delivery was given up',
        finished_at = clock_timestamp()
    WHERE delivery_id = $1 AND state IN ('planned', 'sent', 'waiting')
    RETURNING action, state
"""

TAKEN = "SELECT written_id FROM steps WHERE location_id = $1 AND written_id = ANY($2::text[]) AND step_id <> $3"


async def plan(connection: Connection, steps: Sequence[Step]) -> None:
    """Keep what was decided, before anything of it is sent. The caller owns the transaction."""
    for step in steps:
        await connection.execute(
            INSERT,
            step.step_id,
            step.delivery_id,
            step.rule,
            step.place,
            step.part,
            step.action,
            step.state,
            step.sentence,
            step.location_id,
            step.appointment_id,
            step.contact_id,
            step.series_id,
            step.reason,
            step.operation,
            step.meant,
        )


async def of_delivery(connection: Connection, delivery_id: UUID) -> list[Step]:
    """The steps of a delivery in the order they were decided in."""
    return [_step(row) for row in await connection.fetch(OF_DELIVERY, delivery_id)]


async def mark_sent(connection: Connection, step_id: UUID) -> None:
    """From here on the write may be in the world."""
    await connection.execute(SENT, step_id)


async def later(
    connection: Connection, step_id: UUID, wait: timedelta, reason: str, *, in_doubt: bool, doubts: int = 0
) -> None:
    """Take it up again after a while: as it is when the write may be in the world, else as if never sent."""
    await connection.execute(LATER, step_id, wait, reason, in_doubt, doubts)


async def close(
    connection: Connection, step_id: UUID, state: str, *, reason: str | None = None, written_id: str | None = None
) -> None:
    await connection.execute(CLOSE, step_id, state, reason, written_id)


async def abandon(connection: Connection, delivery_id: UUID) -> list[tuple[str, str]]:
    """Close what is open of a delivery that is given up: what was sent is unknown, the rest never happened.

    Returns action and state of each.
    """
    return [(row["action"], row["state"]) for row in await connection.fetch(ABANDON, delivery_id)]


async def taken(connection: Connection, step: Step, ids: Iterable[str]) -> frozenset[str]:
    """Which of these another step of the location is known to have made: none of them can be this step's doing."""
    rows = await connection.fetch(TAKEN, step.location_id, sorted(ids), step.step_id)
    return frozenset(row["written_id"] for row in rows)


def _step(row: Mapping[str, Any]) -> Step:
    values = dict(row)
    values["wait"] = values["wait"] or timedelta()
    return Step(**values)
