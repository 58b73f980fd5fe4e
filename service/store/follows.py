"""Follows: a block bound to a booking, wherever the booking goes."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal
from uuid import UUID

from service.store.database import Connection


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


KEEP = """
    INSERT INTO follows (follow_id, location_id, appointment_id, rule, side, length, title, calendar_id, block)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9::jsonb)
    ON CONFLICT (follow_id) DO UPDATE SET block = $9::jsonb
"""

FORGET = "DELETE FROM follows WHERE follow_id = $1"

OF_APPOINTMENT = """
    SELECT follow_id, location_id, appointment_id, rule, side, length, title, calendar_id, block
    FROM follows WHERE location_id = $1 AND appointment_id = $2 ORDER BY follow_id
"""


async def keep(connection: Connection, follow: Follow) -> None:
    await connection.execute(
        KEEP,
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


async def forget(connection: Connection, follow_id: UUID) -> None:
    await connection.execute(FORGET, follow_id)


async def of_appointment(connection: Connection, location_id: str, appointment_id: str) -> list[Follow]:
    return [Follow(**row) for row in await connection.fetch(OF_APPOINTMENT, location_id, appointment_id)]
