"""Changes of whole series, found among the steps that made them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from service.store.database import Connection
from service.store.steps import MAY_BE_DONE
from service.trigger import Booking, lane_subject

# What is in doubt may have been done. None that was sent before it was last heard of, or after what is told now.
CHANGES_SINCE = f"""
    SELECT operation, meant -> 'before' AS before FROM steps
    WHERE location_id = $1 AND meant ? 'series' AND operation -> 'fields' ->> 'event_id' = $2
        AND {MAY_BE_DONE}
        AND sent_at >= COALESCE($3::timestamptz, '-infinity') - $5::interval
        AND sent_at <= COALESCE($4::timestamptz, 'infinity') + $5::interval
    ORDER BY sent_at
"""  # noqa: S608 (no value in it)


@dataclass(frozen=True)
class SeriesChange:
    """A change that we made, and what of the series it was decided on."""

    operation: Mapping[str, Any]
    before: Mapping[str, Any]


async def changes_since(
    connection: Connection, booking: Booking, heard: datetime | None, *, skew: timedelta
) -> list[SeriesChange]:
    """Ours of the whole series that a booking is one of, or stands for, in their order, as far as they were not told of
    when it was `heard` of last. `skew` is how far HighLevel's clock may be from ours."""
    of_it = lane_subject(booking.id)
    rows = await connection.fetch(CHANGES_SINCE, booking.location_id, of_it, heard, booking.updated, skew)
    return [SeriesChange(row["operation"], row["before"]) for row in rows]
