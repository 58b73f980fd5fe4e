"""Appointments last seen, and who last wrote what on them."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from service.store.database import Connection
from service.trigger import Booking, differences

OWNED = ("assignee", "starts", "ends", "status", "title")
"""Fields that a step may write, and that somebody else may win."""


@dataclass(frozen=True)
class LastSeen:
    """The booking as we know it, and what we know of who made it so.

    `heard`: its dateUpdated when HighLevel last told of it; a write of ours makes the booking's own later than that.
    `ours`: the values we wrote that still stand. `others`: fields that somebody else changed after we wrote them.
    `assignee_chosen`: the assignee is not the one the booking was born with, and not of our choosing.
    """

    booking: Booking
    heard: datetime | None
    ours: Mapping[str, Any]
    others: frozenset[str]
    assignee_chosen: bool

    @classmethod
    def first(cls, booking: Booking) -> "LastSeen":
        return cls(booking, booking.updated, {}, frozenset(), False)

    def told(self, now: Booking) -> "LastSeen":
        """After HighLevel said that it looks like this now."""
        changed = differences(self.booking, now)
        lost = {name for name in self.ours if name in changed}
        return LastSeen(
            now,
            now.updated,
            {name: value for name, value in self.ours.items() if name not in lost},
            self.others | lost,
            self.assignee_chosen or "assignee" in changed,
        )

    def written(self, now: Booking) -> "LastSeen":
        """After a write of ours made it look like this."""
        changed = differences(self.booking, now)
        wrote = {name: now.model_dump(mode="json")[name] for name in changed if name in OWNED}
        chosen = self.assignee_chosen and "assignee" not in changed
        return replace(self, booking=now, ours={**self.ours, **wrote}, assignee_chosen=chosen)


FIND = """
    SELECT booking, heard, ours, others, assignee_chosen FROM appointments
    WHERE location_id = $1 AND appointment_id = $2
"""

KEEP = """
    INSERT INTO appointments AS kept (
        location_id, appointment_id, series_id, contact_id, booking, ours, others, assignee_chosen, heard
    )
    VALUES ($1, $2, $3, $4, $5::jsonb, $6::jsonb, $7::text[], $8, $9)
    ON CONFLICT (location_id, appointment_id) DO UPDATE SET
        contact_id = $4, booking = $5::jsonb, ours = $6::jsonb, others = $7::text[], assignee_chosen = $8, heard = $9,
        changed_at = now()
"""


async def find(connection: Connection, location_id: str, appointment_id: str) -> LastSeen | None:
    row = await connection.fetchrow(FIND, location_id, appointment_id)
    if row is None:
        return None
    return LastSeen(
        Booking.model_validate(row["booking"]),
        row["heard"],
        row["ours"],
        frozenset(row["others"]),
        row["assignee_chosen"],
    )


async def keep(connection: Connection, seen: LastSeen) -> None:
    booking = seen.booking
    await connection.execute(
        KEEP,
        booking.location_id,
        booking.id,
        booking.series_id,
        booking.contact_id,
        booking.model_dump(mode="json"),
        dict(seen.ours),
        sorted(seen.others),
        seen.assignee_chosen,
        seen.heard,
    )
