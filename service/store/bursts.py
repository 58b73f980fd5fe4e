"""Bursts: changes of one booking in a row, which a rule answers once. Each change puts the answer off.

Like timers they turn into deliveries when they are due, in their booking's lane. Whoever fires them holds their rows
while it rings lanes; whoever puts one off holds its lane's row, and so must not wait for a row that is being fired.
"""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from service.event_types import QUIET
from service.store import arrivals
from service.store.database import BOUND, Connection
from service.store.timers import Timer, arrival
from service.trigger import Booking

FOR_EVER = timedelta(days=366)
"""How late an answer may come: whatever kept everybody from it, it is about changes that nobody has answered."""

# What is being fired is passed over: its delivery comes after this one in the same lane, and sees the same booking. One
# that was fired and not judged yet still answers what it began with.
PUT_OFF = """
    UPDATE bursts SET
        due_at = $4, delivery_id = NULL,
        since = CASE WHEN delivery_id IS NULL OR EXISTS (
            SELECT FROM deliveries d WHERE d.delivery_id = bursts.delivery_id AND d.state = 'waiting'
        ) THEN since ELSE $5 END
    WHERE (location_id, appointment_id, rule) = (
        SELECT location_id, appointment_id, rule FROM bursts
        WHERE location_id = $1 AND appointment_id = $2 AND rule = $3
        FOR UPDATE SKIP LOCKED
    )
"""

BEGIN = """
    INSERT INTO bursts (location_id, appointment_id, rule, due_at, since) VALUES ($1, $2, $3, $4, $5)
    ON CONFLICT (location_id, appointment_id, rule) DO NOTHING
"""

DUE = f"""
    SELECT b.location_id, b.appointment_id, a.contact_id, rule, due_at, time_zone, since,
        (a.booking->>'starts')::timestamptz AS starts, {BOUND}
    FROM bursts b JOIN locations USING (location_id) LEFT JOIN appointments a USING (location_id, appointment_id)
    WHERE delivery_id IS NULL AND due_at <= $1
    ORDER BY due_at
    LIMIT $2
    FOR UPDATE OF b SKIP LOCKED
"""  # noqa: S608 (no value in it)

FIRED = """
    UPDATE bursts SET delivery_id = fired.delivery_id
    FROM unnest($1::text[], $2::text[], $3::text[], $4::uuid[])
        AS fired (location_id, appointment_id, rule, delivery_id)
    WHERE bursts.location_id = fired.location_id AND bursts.appointment_id = fired.appointment_id
        AND bursts.rule = fired.rule
"""

PUT_OFF_AGAIN = """
    SELECT EXISTS (
        SELECT FROM bursts
        WHERE location_id = $1 AND appointment_id = $2 AND rule = $3 AND delivery_id IS DISTINCT FROM $4
    )
"""

BEFORE = "SELECT was FROM deliveries WHERE delivery_id = $1"


async def go_on(connection: Connection, booking: Booking, rule: str, due_at: datetime, by: UUID) -> None:
    """Put off when the rule is asked, or begin with this delivery. The caller holds the booking's lane."""
    row = booking.location_id, booking.id, rule, due_at, by
    if await connection.execute(PUT_OFF, *row) == "UPDATE 0":
        await connection.execute(BEGIN, *row)


async def fire(connection: Connection, now: datetime, most: int, *, ignored_kept: int) -> int:
    """Turn what is due into deliveries, in the caller's transaction: how many there were."""
    timers = [_timer(row) for row in await connection.fetch(DUE, now, most)]
    if timers:
        recorded = await arrivals.record(
            connection, [arrival(timer, now) for timer in timers], ignored_kept=ignored_kept
        )
        fired = zip(timers, recorded, strict=True)
        rows = [(each.location_id, each.appointment_id, each.rule, kept.delivery_id) for each, kept in fired]
        await connection.execute(FIRED, *map(list, zip(*rows, strict=True)))
    return len(timers)


def _timer(row: Any) -> Timer:
    due = row["due_at"]
    return Timer(
        timer_id=row["since"],
        location_id=row["location_id"],
        appointment_id=row["appointment_id"],
        contact_id=row["contact_id"],
        rule=row["rule"],
        moment=QUIET,
        due_at=due,
        until_at=due + FOR_EVER,
        time_zone=row["time_zone"],
        starts=row["starts"],
        since=row["since"],
    )


async def is_put_off(connection: Connection, location_id: str, appointment_id: str, rule: str, fired: UUID) -> bool:
    """Whether the booking has changed again since this delivery was to answer for the burst."""
    return bool(await connection.fetchval(PUT_OFF_AGAIN, location_id, appointment_id, rule, fired))


async def before(connection: Connection, since: UUID) -> Booking | None:
    """The booking before the delivery that a burst began with; None where that was its first sight, or is forgotten."""
    was: dict[str, Any] | None = await connection.fetchval(BEFORE, since)
    return Booking.model_validate(was) if was else None
