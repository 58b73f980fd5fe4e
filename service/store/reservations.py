"""Reservations: people chosen for a time by steps that have not ended, whom HighLevel may not show there yet.

They are the steps themselves, of which `meant` says whom they reserve: made with the plan in one transaction, gone with
whatever ends the step. Where nobody knows what became of it, it stands until HighLevel tells that another has the
booking, and of one that may never have been made until somebody has the step tried again.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from service.store.database import Connection

RESERVES = "reserves"
"""The word under which `meant` of a step says it."""


@dataclass(frozen=True)
class Reservation:
    """A person's time, for one appointment; that of one yet to be made, whose id is empty, is known by its step's."""

    appointment_id: str
    user_id: str
    starts: datetime
    ends: datetime

    def meant(self) -> Mapping[str, Any]:
        """As a step keeps it."""
        times = {"starts": self.starts.isoformat(), "ends": self.ends.isoformat()}
        return {RESERVES: {"appointment": self.appointment_id, "user": self.user_id, **times}}


# The first two lines of the condition are those of the index, which is read for the location. The appointment that a
# step is about is not the one that it makes.
BETWEEN = """
    SELECT
        CASE meant->'reserves'->>'appointment' WHEN '' THEN step_id::text ELSE appointment_id END AS appointment_id,
        meant->'reserves' AS reserves
    FROM steps
    WHERE meant ? 'reserves' AND state IN ('planned', 'sent', 'waiting', 'unknown')
        AND location_id = $1
        AND (meant->'reserves'->>'starts')::timestamptz < $3 AND (meant->'reserves'->>'ends')::timestamptz > $2
        AND (state <> 'unknown' OR NOT EXISTS (
            SELECT FROM appointments seen
            WHERE seen.location_id = steps.location_id AND seen.appointment_id = steps.appointment_id
                AND meant->'reserves'->>'appointment' IS DISTINCT FROM '' AND seen.changed_at > steps.finished_at
                AND seen.booking->>'assignee' IS DISTINCT FROM meant->'reserves'->>'user'
        ))
    ORDER BY step_id
"""


async def between(connection: Connection, location_id: str, starts: datetime, ends: datetime) -> list[Reservation]:
    """Those that overlap a stretch.

    To be read before HighLevel's own lists: a write that comes true in between is then seen in one of both, or in both,
    and counts once by its appointment.
    """
    return [
        Reservation(
            row["appointment_id"],
            row["reserves"]["user"],
            datetime.fromisoformat(row["reserves"]["starts"]),
            datetime.fromisoformat(row["reserves"]["ends"]),
        )
        for row in await connection.fetch(BETWEEN, location_id, starts, ends)
    ]
