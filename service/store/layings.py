"""Layings: for which rules, clock and mode the moments of a location were laid, and whose turn it is to lay them."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from service.store.database import Connection
from service.trigger import Booking

CLAIM = timedelta(seconds=30)
"""How long a location stays with who lays its moments and says nothing more."""

AGAIN = timedelta(minutes=1)
"""From when they are begun to be laid until they are laid a second time: for deliveries that were judged by the rules
before while they were laid first."""


@dataclass(frozen=True)
class Laying:
    """A location whose moments are to be laid for what is in force; `changed`: for the first time.

    `since`: what falls due after that is to come, though it may have passed by now; None for what has yet to begin.
    """

    location_id: str
    rulebook_id: UUID | None
    time_zone: str
    mode: str
    changed: bool
    since: datetime | None = None


# `again_at` is AGAIN after they were begun to be laid or, where that was not finished, when they were.
# Each newest version is found through the index that keeps versions unique.
WANTED = """
    SELECT location_id, rulebook_id, time_zone, mode, changed,
        CASE WHEN changed THEN NULL WHEN claimed_until IS NULL THEN again_at - $2::interval ELSE again_at END AS since
    FROM (
        SELECT locations.location_id, in_force.rulebook_id, locations.time_zone, locations.mode, again_at,
            claimed_until,
            laid.location_id IS NULL OR laid.time_zone <> locations.time_zone OR laid.mode <> locations.mode
            OR laid.rulebook_id IS DISTINCT FROM in_force.rulebook_id AS changed
        FROM locations LEFT JOIN laid ON laid.location_id = locations.location_id CROSS JOIN LATERAL (
            SELECT COALESCE(
                (
                    SELECT CASE WHEN NOT shared THEN rulebook_id END FROM rulebooks
                    WHERE rulebooks.location_id = locations.location_id ORDER BY version DESC LIMIT 1
                ),
                (SELECT rulebook_id FROM rulebooks WHERE location_id IS NULL ORDER BY version DESC LIMIT 1)
            ) AS rulebook_id
        ) AS in_force
    ) AS every
    WHERE (changed OR again_at < now()) AND (claimed_until IS NULL OR claimed_until < now())
    ORDER BY location_id
    LIMIT $1
"""

BEGIN = """
    INSERT INTO laid (location_id, rulebook_id, time_zone, mode, claimed_until, again_at)
    SELECT location_id, $2, $3, $4, now() + $5, now() FROM locations WHERE location_id = $1
    ON CONFLICT (location_id) DO UPDATE SET
        rulebook_id = $2, time_zone = $3, mode = $4, claimed_until = now() + $5, again_at = now()
    WHERE laid.claimed_until IS NULL OR laid.claimed_until < now()
    RETURNING again_at
"""

GO_ON = "UPDATE laid SET claimed_until = now() + $2 WHERE location_id = $1"

# What LAY_AGAIN has asked for meanwhile stands.
FINISH = """
    UPDATE laid SET claimed_until = NULL, again_at = CASE WHEN again_at > $2 THEN again_at ELSE $2 + $3::interval END
    WHERE location_id = $1
"""

LAY_AGAIN = "UPDATE laid SET again_at = now() WHERE location_id = $1"

# Held until they are laid for: who moves one meanwhile lays its moments after that. Of somebody who was erased no
# moment reads anything again. A service booking has none.
BOOKINGS = """
    SELECT booking, ours ? 'id' AS made_by_us FROM appointments
    WHERE location_id = $1 AND appointment_id > $2 AND (booking->>'ends')::timestamptz > $3 AND NOT erased
        AND booking->>'kind' IS DISTINCT FROM 'service'
    ORDER BY appointment_id
    LIMIT $4
    FOR SHARE
"""


async def wanted(connection: Connection, most: int) -> list[Laying]:
    """Locations that nobody lays moments for though it is time."""
    return [Laying(**row) for row in await connection.fetch(WANTED, most, AGAIN)]


async def begin(connection: Connection, laying: Laying) -> datetime | None:
    """When it became ours, None if it is not; one that is not finished is wanted again when its claim has ended."""
    values = laying.location_id, laying.rulebook_id, laying.time_zone, laying.mode
    begun: datetime | None = await connection.fetchval(BEGIN, *values, CLAIM)
    return begun


async def go_on(connection: Connection, laying: Laying) -> None:
    """Keep the claim for a while more."""
    await connection.execute(GO_ON, laying.location_id, CLAIM)


async def finish(connection: Connection, laying: Laying, begun: datetime, *, again: bool) -> None:
    await connection.execute(FINISH, laying.location_id, begun, AGAIN if again else None)


async def again(connection: Connection, location_id: str) -> None:
    """Bookings have come to be known that no delivery tells of."""
    await connection.execute(LAY_AGAIN, location_id)


async def bookings(
    connection: Connection, location_id: str, after: str, ending_after: datetime, most: int
) -> list[tuple[Booking, bool]]:
    """Those last seen to end after a time, by id from after the one given, each with whether a rule made it; held for
    the caller's transaction."""
    rows = await connection.fetch(BOOKINGS, location_id, after, ending_after, most)
    return [(Booking.model_validate(row["booking"]), row["made_by_us"]) for row in rows]
