"""Bookings that we made ourselves, found among the steps that made them."""

from datetime import timedelta

from service.store.database import Connection
from service.store.steps import MAY_BE_DONE
from service.trigger import Booking

# The first two lines of the condition are those of the index. An answer tells which booking a step made; until there is
# one, or where none ever came, it is told by what was booked. No such step was sent after it.
BOOKED_BY = f"""
    SELECT rule FROM steps
    WHERE location_id = $1 AND contact_id = $2
        AND operation ->> 'operation' = 'CreateAppointment'
        AND (
            written_id = $3
            OR written_id IS NULL AND {MAY_BE_DONE}
                AND operation -> 'fields' ->> 'calendar_id' = $4
                AND (operation -> 'fields' ->> 'start_time')::timestamptz = $5
                AND sent_at <= COALESCE($6::timestamptz + $7::interval, 'infinity')
        )
    ORDER BY written_id NULLS LAST, sent_at
    LIMIT 1
"""  # noqa: S608 (no value in it)


async def booked_by(connection: Connection, booking: Booking, *, skew: timedelta) -> str | None:
    """The rule by which we made a booking; None for one that somebody else made. `skew` is how far HighLevel's clock,
    which says when it was added, may be from ours."""
    if booking.contact_id is None:
        return None
    rule: str | None = await connection.fetchval(
        BOOKED_BY,
        booking.location_id,
        booking.contact_id,
        booking.id,
        booking.calendar_id,
        booking.starts,
        booking.added,
        skew,
    )
    return rule
