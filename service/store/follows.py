"""Follows: a block bound to a booking, wherever the booking goes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal
from uuid import UUID

from service.store.database import Connection
from service.store.ledger import Entry, Sheet


@dataclass(frozen=True)
class Follow:
    """Which side of the booking is blocked, for how long.

    `block` is the block as it stands at HighLevel (`id`, `starts`, `ends`, `assignee`), None while there is none: the
    booking is cancelled, or nobody has it.
    """

    follow_id: UUID
    location_id: str
    appointment_id: str
    rule: str
    side: Literal["before", "after"]
    length: timedelta
    title: str
    calendar_id: str | None
    block: Mapping[str, Any] | None


KEEP = Sheet(
    50,
    """
    INSERT INTO follows (follow_id, location_id, appointment_id, rule, side, length, title, calendar_id, block)
    SELECT * FROM unnest(
        $1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::interval[], $7::text[], $8::text[], $9::jsonb[]
    )
    ON CONFLICT (follow_id) DO UPDATE SET block = excluded.block
    """,
)

FORGET = Sheet(51, "DELETE FROM follows WHERE follow_id = ANY($1::uuid[])")

OF_APPOINTMENTS = """
    SELECT follow_id, location_id, appointment_id, rule, side, length, title, calendar_id, block
    FROM follows JOIN unnest($1::text[], $2::text[]) AS asked (location_id, appointment_id)
        USING (location_id, appointment_id)
    ORDER BY follow_id
"""


def kept(follow: Follow) -> Entry:
    row = (
        follow.follow_id,
        follow.location_id,
        follow.appointment_id,
        follow.rule,
        follow.side,
        follow.length,
        follow.title,
        follow.calendar_id,
        dict(follow.block) if follow.block else None,
    )
    return Entry(KEEP, follow.follow_id, row)


def forgotten(follow_id: UUID) -> Entry:
    return Entry(FORGET, follow_id, (follow_id,))


async def of_appointments(
    connection: Connection, asked: Sequence[tuple[str, str]]
) -> dict[tuple[str, str], list[Follow]]:
    """The blocks that are bound to each of these (location, appointment)."""
    rows = await connection.fetch(OF_APPOINTMENTS, [location for location, _ in asked], [id_ for _, id_ in asked])
    found: dict[tuple[str, str], list[Follow]] = {}
    for row in rows:
        found.setdefault((row["location_id"], row["appointment_id"]), []).append(Follow(**row))
    return found
