"""Deliveries: what was kept, taken up by a worker in the order of its lane, and brought to its end."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from service.event import Event, read_kept
from service.store.database import Connection
from service.trigger import Booking


@dataclass(frozen=True)
class Delivery:
    """An open delivery, as a worker takes it up."""

    delivery_id: UUID
    state: str
    received_at: datetime
    event: str
    """Its type, which tells how its body is read."""

    location_id: str
    """Empty for what is about an agency."""

    appointment_id: str | None
    """None for an external event that is about no appointment."""

    calendar_id: str | None
    attempts: int
    """Times that something it needed could not be read."""

    surprises: int
    """Errors that nobody thought of."""

    wait: timedelta
    """Until it may be taken up again."""

    rulebook_id: UUID | None
    was: Booking | None
    booking: Booking | None
    body: bytes

    def read(self) -> Event:
        """What its body says, about what it was found to be about when it came."""
        event = read_kept(self.event, self.body)
        return replace(event, appointment_id=self.appointment_id, calendar_id=self.calendar_id)


NEXT = """
    SELECT delivery_id, state, received_at, event, COALESCE(location_id, '') AS location_id, appointment_id,
        calendar_id, attempts, surprises, rulebook_id, was, booking, body,
        GREATEST(next_at - clock_timestamp(), interval '0') AS wait
    FROM deliveries WHERE lane_id = $1 AND state IN ('waiting', 'judged')
    ORDER BY arrival LIMIT 1
"""

JUDGED = """
    UPDATE deliveries
    SET state = 'judged', triggers = $2::text[], rulebook_id = $3, was = $4::jsonb, booking = $5::jsonb, reason = $6
    WHERE delivery_id = $1
"""

FINISH = """
    UPDATE deliveries
    SET state = $2, reason = COALESCE($3, reason), waits_for = NULL, finished_at = clock_timestamp()
    WHERE delivery_id = $1
"""

WAIT = """
    UPDATE deliveries SET
        waits_for = $2, next_at = clock_timestamp() + $3, attempts = attempts + $4, surprises = surprises + $5
    WHERE delivery_id = $1
"""


async def next_open(connection: Connection, lane_id: UUID) -> Delivery | None:
    """The delivery whose turn it is in a lane: the first that is not finished."""
    row = await connection.fetchrow(NEXT, lane_id)
    if row is None:
        return None
    values = dict(row)
    values["wait"] = values["wait"] or timedelta()
    for name in ("was", "booking"):
        values[name] = Booking.model_validate(values[name]) if values[name] else None
    return Delivery(**values)


async def mark_judged(
    connection: Connection,
    delivery_id: UUID,
    *,
    triggers: Iterable[str],
    rulebook_id: UUID | None,
    was: Booking | None,
    booking: Booking | None,
    reason: str | None,
) -> None:
    before = was.model_dump(mode="json") if was else None
    now = booking.model_dump(mode="json") if booking else None
    await connection.execute(JUDGED, delivery_id, sorted(triggers), rulebook_id, before, now, reason)


async def finish(connection: Connection, delivery_id: UUID, state: str, reason: str | None) -> None:
    """Close a delivery: done, ignored or failed."""
    await connection.execute(FINISH, delivery_id, state, reason)


async def wait(
    connection: Connection,
    delivery_id: UUID,
    after: timedelta,
    reason: str,
    *,
    failed: bool = False,
    surprised: bool = False,
) -> None:
    """Take it up again after a while, and say what it waits for.

    `failed`: something that it needed could not be read. `surprised`: an error came that nobody thought of.
    """
    await connection.execute(WAIT, delivery_id, reason, after, int(failed), int(surprised))
