"""Reconciliations: what was found that no webhook told, of which some acts by itself and more waits for approval."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from service.store.appointments import LastSeen
from service.store.database import BOUND, Connection
from service.store.follows import Follow
from service.store.identifiers import new_id
from service.trigger import Booking, lane_subject, series_of

KEPT_FOR = timedelta(days=7)
"""How long what was decided can be counted; of what it was about, its delivery says more."""


@dataclass(frozen=True)
class Known:
    """An appointment as it was last seen, and when that was noted, by the database's clock.

    `erased`: it is of somebody who was erased, and nothing is to be learnt of it until a webhook tells of it.
    """

    seen: LastSeen
    changed_at: datetime
    erased: bool = False


@dataclass(frozen=True)
class Proposal:
    """Something that no webhook told and that waits for approval: `news` says in a sentence what, `body` is the
    appointment as it was read."""

    reconciliation_id: UUID
    location_id: str
    appointment_id: str
    news: str
    body: bytes
    found_at: datetime


KNOWN = """
    SELECT appointment_id, booking, heard, ours, others, assignee_chosen, changed_at, erased
    FROM appointments WHERE location_id = $1 AND appointment_id = ANY($2::text[])
"""

# In any order: what could not be read this time is as likely as anything to be read the next.
AHEAD = """
    SELECT booking FROM appointments
    WHERE location_id = $1 AND (booking->>'calendar_id' = ANY($2::text[])) = $3
        AND NOT COALESCE((booking->>'deleted')::boolean, false) AND NOT erased
        AND booking->>'kind' IS DISTINCT FROM 'service'
        AND (booking->>'ends')::timestamptz > $4 AND (booking->>'starts')::timestamptz < $5
        AND appointment_id <> ALL($6::text[])
    ORDER BY random() LIMIT $7
"""

REMEMBER = """
    INSERT INTO appointments (location_id, appointment_id, series_id, contact_id, booking, heard)
    VALUES ($1, $2, $3, $4, $5::jsonb, $6)
    ON CONFLICT DO NOTHING
    RETURNING appointment_id
"""

WAIT_FOR_LOCKS = f"SELECT set_config('lock_timeout', '1s', true), {BOUND}"

LOCK_LANE = "SELECT lane_id FROM lanes WHERE location_id = $1 AND subject = $2 FOR UPDATE"

# Of a series, what was found of one of its appointments says nothing of the others.
UNDER_WAY = """
    SELECT EXISTS (
        SELECT FROM deliveries WHERE lane_id = $1 AND state IN ('waiting', 'judged')
            AND (event <> 'reconciled' OR appointment_id = $3)
    ) OR EXISTS (
        SELECT FROM steps WHERE location_id = $2 AND appointment_id IN ($3, $4)
            AND state IN ('planned', 'sent', 'waiting')
    )
"""

# What was never judged has left nothing in `appointments`. What our own clock or another system tells is no news of it.
SET_ASIDE = """
    SELECT CASE WHEN state = 'parked' THEN 'parked' ELSE 'skipped' END FROM deliveries aside
    WHERE location_id = $1 AND appointment_id = $2 AND booking IS NULL
        AND event <> 'moment' AND event NOT LIKE 'external.%'
        AND (state = 'parked' OR state = 'done' AND EXISTS (
            SELECT FROM interventions i WHERE i.delivery_id = aside.delivery_id AND what = 'skip'))
        AND NOT EXISTS (
            SELECT FROM deliveries later WHERE later.location_id = $1 AND later.appointment_id = $2
                AND later.arrival > aside.arrival AND later.booking IS NOT NULL)
    ORDER BY arrival DESC LIMIT 1
"""

ACTED = """
    SELECT count(*) FROM reconciliations
    WHERE location_id = $1 AND state = 'acted' AND found_at > clock_timestamp() - interval '1 hour'
"""

NOTE_ACTED = """
    INSERT INTO reconciliations (
        reconciliation_id, location_id, appointment_id, series_id, contact_id, state, news, delivery_id, decided_at
    )
    VALUES ($1, $2, $3, $4, $5, 'acted', $6, $7, clock_timestamp())
"""

PROPOSE = """
    INSERT INTO reconciliations AS known (
        reconciliation_id, location_id, appointment_id, series_id, contact_id, state, news, body
    )
    VALUES ($1, $2, $3, $4, $5, 'waiting', $6, $7)
    ON CONFLICT (location_id, appointment_id) WHERE state = 'waiting' DO UPDATE SET
        news = $6, body = $7, contact_id = $5,
        found_at = CASE WHEN known.body = $7 THEN known.found_at ELSE clock_timestamp() END
"""

WAITING = """
    SELECT reconciliation_id, location_id, appointment_id, news, body, found_at FROM reconciliations
    WHERE location_id = $1 AND state = 'waiting' ORDER BY reconciliation_id
"""

WAITS = """
    SELECT EXISTS (
        SELECT FROM reconciliations WHERE location_id = $1 AND appointment_id = $2 AND state = 'waiting'
    )
"""

PROPOSED = """
    SELECT location_id, count(*) AS proposals FROM reconciliations WHERE state = 'waiting'
    GROUP BY location_id ORDER BY location_id
"""

DECIDE = """
    UPDATE reconciliations SET state = $2, body = NULL, decided_at = clock_timestamp()
    WHERE reconciliation_id = $1 AND state = 'waiting' AND body = $3
    RETURNING reconciliation_id
"""

LINK = "UPDATE reconciliations SET delivery_id = $2 WHERE reconciliation_id = $1"

OVERTAKE = """
    UPDATE reconciliations SET state = 'overtaken', body = NULL, decided_at = clock_timestamp()
    WHERE location_id = $1 AND state = 'waiting' AND appointment_id = ANY($2::text[])
"""

FORGET = """
    DELETE FROM reconciliations
    WHERE location_id = $1 AND state <> 'waiting' AND found_at < clock_timestamp() - $2::interval
"""

BLOCKS = """
    SELECT follow_id, location_id, appointment_id, rule, side, length, title, calendar_id, block FROM follows
    WHERE location_id = $1 AND block IS NOT NULL
        AND (block->>'ends')::timestamptz > $2 AND (block->>'starts')::timestamptz < $3
    ORDER BY follow_id
"""


async def known(connection: Connection, location_id: str, ids: Collection[str]) -> dict[str, Known]:
    """Those of these appointments that were ever seen."""
    found = {}
    for row in await connection.fetch(KNOWN, location_id, list(ids)):
        booking = Booking.model_validate(row["booking"])
        others = frozenset(row["others"])
        seen = LastSeen(booking, row["heard"], row["ours"], others, row["assignee_chosen"])
        found[row["appointment_id"]] = Known(seen, row["changed_at"], row["erased"])
    return found


async def ahead(
    connection: Connection,
    location_id: str,
    calendars: Collection[str],
    *,
    elsewhere: bool,
    now: datetime,
    until: datetime,
    but: Collection[str],
    most: int,
) -> list[Booking]:
    """So many at most, by chance, of the bookings that are ahead as far as we know: on these calendars, or
    `elsewhere`."""
    rows = await connection.fetch(AHEAD, location_id, list(calendars), not elsewhere, now, until, list(but), most)
    return [Booking.model_validate(row["booking"]) for row in rows]


async def remember(connection: Connection, seen: LastSeen) -> bool:
    """Where the appointment was never seen; False where it was."""
    booking = seen.booking
    kept = booking.model_dump(mode="json")
    values = (booking.location_id, booking.id, booking.series_id, booking.contact_id, kept, seen.heard)
    return await connection.fetchval(REMEMBER, *values) is not None


async def quiet(connection: Connection, location_id: str, appointment_id: str) -> bool:
    """Whether nothing about the appointment is under way, which holds until the caller's transaction ends.

    Another delivery may come meanwhile only where the appointment has no lane yet; it is then first in it, or second.
    """
    await connection.execute(WAIT_FOR_LOCKS)
    lane_id = await connection.fetchval(LOCK_LANE, location_id, lane_subject(appointment_id))
    series = series_of(appointment_id)
    return not await connection.fetchval(UNDER_WAY, lane_id, location_id, appointment_id, series or appointment_id)


async def set_aside(
    connection: Connection, location_id: str, appointment_id: str
) -> Literal["parked", "skipped"] | None:
    """What somebody has decided of the news of an appointment before it was judged; None where it was judged since."""
    decided: Literal["parked", "skipped"] | None = await connection.fetchval(SET_ASIDE, location_id, appointment_id)
    return decided


async def acted(connection: Connection, location_id: str) -> int:
    """Bookings of the last hour that rules were asked about without anybody's approval."""
    return int(await connection.fetchval(ACTED, location_id))


async def note_acted(connection: Connection, booking: Booking, news: str, delivery_id: UUID) -> None:
    values = (new_id(), booking.location_id, booking.id, booking.series_id, booking.contact_id, news, delivery_id)
    await connection.execute(NOTE_ACTED, *values)


async def propose(connection: Connection, booking: Booking, news: str, body: bytes) -> None:
    """Let it wait for approval, in the place of what waits of that booking."""
    values: tuple[Any, ...] = (new_id(), booking.location_id, booking.id, booking.series_id, booking.contact_id)
    await connection.execute(PROPOSE, *values, news, body)


async def waiting(connection: Connection, location_id: str) -> list[Proposal]:
    """What waits for approval, oldest first."""
    return [Proposal(**row) for row in await connection.fetch(WAITING, location_id)]


async def waits(connection: Connection, location_id: str, appointment_id: str) -> bool:
    """Whether something about the booking does."""
    return bool(await connection.fetchval(WAITS, location_id, appointment_id))


async def proposed(connection: Connection) -> dict[str, int]:
    """How many bookings wait for approval in which location; none where nothing does."""
    return {row["location_id"]: row["proposals"] for row in await connection.fetch(PROPOSED)}


async def decide(connection: Connection, proposal: Proposal, state: Literal["approved", "dismissed"]) -> bool:
    """False where it waits no more, or says something else by now."""
    values = (proposal.reconciliation_id, state, proposal.body)
    return await connection.fetchval(DECIDE, *values) is not None


async def link(connection: Connection, proposal: Proposal, delivery_id: UUID) -> None:
    """It became this delivery."""
    await connection.execute(LINK, proposal.reconciliation_id, delivery_id)


async def overtake(connection: Connection, location_id: str, ids: Iterable[str]) -> None:
    """Nothing of these is news any more."""
    await connection.execute(OVERTAKE, location_id, list(ids))


async def forget(connection: Connection, location_id: str) -> None:
    """What was decided long ago."""
    await connection.execute(FORGET, location_id, KEPT_FOR)


async def blocks(connection: Connection, location_id: str, now: datetime, until: datetime) -> list[Follow]:
    """Follows whose block stands in this time, as far as we know."""
    return [Follow(**row) for row in await connection.fetch(BLOCKS, location_id, now, until)]
