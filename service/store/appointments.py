"""Appointments last seen, and who last wrote what on them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from service.store.database import Connection, as_json
from service.store.ledger import Entry, Sheet
from service.trigger import Booking, differences

OWNED = ("assignee", "starts", "ends", "status", "title")
"""Fields that a step may write, and that somebody else may win."""


@dataclass(frozen=True)
class LastSeen:
    """The booking as we know it, and what we know of who made it so.

    `heard`: its dateUpdated when HighLevel last told of it; a write of ours makes the booking's own later than that.
    `ours`: the values we wrote that still stand, its id among them where a rule booked it. `others`: fields that
    somebody else changed after we wrote them.
    `assignee_chosen`: the assignee is not the one the booking was born with, and not of our choosing.
    """

    booking: Booking
    heard: datetime | None
    ours: Mapping[str, Any]
    others: frozenset[str]
    assignee_chosen: bool
    before_ours: Booking | None = None
    """As HighLevel told it last, where we have changed it since."""

    @classmethod
    def first(cls, booking: Booking) -> "LastSeen":
        return cls(booking, booking.updated, {}, frozenset(), False)

    @property
    def made_by_us(self) -> bool:
        """Whether a rule booked it."""
        return "id" in self.ours

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
        before = self.before_ours or self.booking
        return replace(self, booking=now, ours={**self.ours, **wrote}, assignee_chosen=chosen, before_ours=before)


FIND = """
    SELECT booking, heard, ours, others, assignee_chosen, told FROM appointments
    WHERE location_id = $1 AND appointment_id = $2
"""

SEVERAL = """
    SELECT location_id, appointment_id, booking, heard, ours, others, assignee_chosen, told
    FROM appointments JOIN unnest($1::text[], $2::text[]) AS asked (location_id, appointment_id)
        USING (location_id, appointment_id)
"""

# One of somebody who was erased is kept as any other from when a webhook tells of it.
KEEP = Sheet(
    30,
    """
    INSERT INTO appointments AS kept (
        location_id, appointment_id, series_id, contact_id, booking, ours, others, assignee_chosen, heard, told
    )
    SELECT location_id, appointment_id, series_id, contact_id, booking, ours,
        ARRAY(SELECT jsonb_array_elements_text(others::jsonb)), assignee_chosen, heard, told
    FROM unnest(
        $1::text[], $2::text[], $3::text[], $4::text[], $5::jsonb[], $6::jsonb[], $7::text[], $8::bool[],
        $9::timestamptz[], $10::jsonb[]
    ) AS new (
        location_id, appointment_id, series_id, contact_id, booking, ours, others, assignee_chosen, heard, told
    )
    ON CONFLICT (location_id, appointment_id) DO UPDATE SET
        contact_id = excluded.contact_id, booking = excluded.booking, ours = excluded.ours, others = excluded.others,
        assignee_chosen = excluded.assignee_chosen, heard = excluded.heard, told = excluded.told,
        erased = false, changed_at = now()
    """,
)


async def find(connection: Connection, location_id: str, appointment_id: str) -> LastSeen | None:
    row = await connection.fetchrow(FIND, location_id, appointment_id)
    return None if row is None else _last_seen(row)


async def several(connection: Connection, asked: Sequence[tuple[str, str]]) -> dict[tuple[str, str], LastSeen]:
    """Those of these (location, appointment) that were seen."""
    rows = await connection.fetch(SEVERAL, [location for location, _ in asked], [id_ for _, id_ in asked])
    return {(row["location_id"], row["appointment_id"]): _last_seen(row) for row in rows}


async def keep(connection: Connection, seen: LastSeen) -> None:
    await connection.execute(KEEP.statement, *([value] for value in kept(seen).row))


def kept(seen: LastSeen) -> Entry:
    booking = seen.booking
    row = (
        booking.location_id,
        booking.id,
        booking.series_id,
        booking.contact_id,
        booking.model_dump(mode="json"),
        dict(seen.ours),
        as_json(sorted(seen.others)),
        seen.assignee_chosen,
        seen.heard,
        seen.before_ours.model_dump(mode="json") if seen.before_ours else None,
    )
    return Entry(KEEP, (booking.location_id, booking.id), row)


def _last_seen(row: Mapping[str, Any]) -> LastSeen:
    return LastSeen(
        Booking.model_validate(row["booking"]),
        row["heard"],
        row["ours"],
        frozenset(row["others"]),
        row["assignee_chosen"],
        Booking.model_validate(row["told"]) if row["told"] else None,
    )
