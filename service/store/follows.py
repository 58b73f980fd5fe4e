"""Follows: a block bound to a booking, wherever the booking goes."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any, Literal
from uuid import UUID

from service.event import read_neighbour
from service.event_types import NEIGHBOUR
from service.store import arrivals
from service.store.arrivals import Arrival
from service.store.database import Connection
from service.store.ledger import Entry, Sheet


@dataclass(frozen=True)
class Follow:
    """Which side of the booking is blocked, for how long.

    `block` is the block as it stands at HighLevel (`id`, `starts`, `ends`, `assignee`), None while there is none: the
    booking is cancelled, nobody has it, or others cover its time. `wanted` is all the time that it should cover, in
    the same words; of what several want each covers its share.
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
    wanted: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Bound:
    """What a rule has bound to a booking: `kept` beside it now, of which `here` by the delivery at hand. Those `gone`,
    each a side and a length, it has bound before, and somebody has removed them or nobody knows what became of them."""

    kept: Sequence[Follow] = ()
    here: frozenset[UUID] = frozenset()
    gone: frozenset[tuple[str, timedelta]] = frozenset()


@dataclass(frozen=True)
class Stretch:
    """Time of a person, or of a calendar."""

    whose: str
    starts: datetime
    ends: datetime


KEEP = Sheet(
    50,
    """
    INSERT INTO follows (follow_id, location_id, appointment_id, rule, side, length, title, calendar_id, block, wanted)
    SELECT * FROM unnest(
        $1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::interval[], $7::text[], $8::text[],
        $9::jsonb[], $10::jsonb[]
    )
    ON CONFLICT (follow_id) DO UPDATE SET
        length = excluded.length, title = excluded.title, block = excluded.block, wanted = excluded.wanted
    """,
)

FORGET = Sheet(51, "DELETE FROM follows WHERE follow_id = ANY($1::uuid[])")

OF_APPOINTMENTS = """
    SELECT follow_id, location_id, appointment_id, rule, side, length, title, calendar_id, block, wanted
    FROM follows JOIN unnest($1::text[], $2::text[]) AS asked (location_id, appointment_id)
        USING (location_id, appointment_id)
    ORDER BY follow_id
"""

# Times are kept in UTC and in one form, so that texts come in their order. A block is no longer than a day.
AROUND = """
    SELECT DISTINCT ON (follow_id)
        follow_id, location_id, appointment_id, rule, side, length, title, calendar_id, block, wanted
    FROM unnest($2::text[], $3::text[], $4::text[]) AS asked (whose, starts, ends)
        JOIN follows ON COALESCE(wanted->>'calendar', wanted->>'assignee') = asked.whose
            AND wanted->>'starts' > asked.starts AND wanted->>'starts' < asked.ends
    WHERE location_id = $1 AND appointment_id <> $5
    ORDER BY follow_id
"""

# Remembered by the steps that wrote them. What failed, or was left alone, bound nothing.
GONE = """
    SELECT DISTINCT meant->'follow'->>'side' AS side, (meant->'follow'->>'seconds')::float AS seconds FROM steps
    WHERE location_id = $1 AND appointment_id = $2 AND rule = $3 AND delivery_id <> $4 AND meant ? 'follow'
        AND state IN ('planned', 'sent', 'waiting', 'unknown', 'parked', 'done')
        AND meant->'follow'->>'follow_id' <> ALL($5::text[])
"""

LONGEST = timedelta(days=1)
"""A block beside a booking is no longer than this."""


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
        dict(follow.wanted) if follow.wanted else None,
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


async def gone(
    connection: Connection, location_id: str, appointment_id: str, rule: str, kept: Iterable[Follow], *, but: UUID
) -> frozenset[tuple[str, timedelta]]:
    """The sides and lengths of blocks that a rule has bound to a booking and that are not among those `kept`; `but`:
    a delivery that does not count."""
    ids = [str(each.follow_id) for each in kept]
    rows = await connection.fetch(GONE, location_id, appointment_id, rule, but, ids)
    return frozenset((row["side"], timedelta(seconds=row["seconds"])) for row in rows)


async def around(
    connection: Connection, location_id: str, stretches: Sequence[Stretch], *, but: str
) -> Sequence[Follow]:
    """The blocks bound to other bookings than `but` that share in this time, with those that share in theirs."""
    starts = [_text(each.starts - 3 * LONGEST) for each in stretches]
    ends = [_text(each.ends + 2 * LONGEST) for each in stretches]
    rows = await connection.fetch(AROUND, location_id, [each.whose for each in stretches], starts, ends, but)
    return [Follow(**row) for row in rows]


async def call(
    connection: Connection, follows: Iterable[Follow], cause: str, now: datetime, *, ignored_kept: int
) -> None:
    """Have the bookings of these looked at, each in its own lane; once for a cause."""
    called = {each.appointment_id: each for each in follows}
    told = [_arrival(each, cause, now) for each in called.values()]
    await arrivals.record(connection, told, ignored_kept=ignored_kept)


def _arrival(follow: Follow, cause: str, now: datetime) -> Arrival:
    said = {"location_id": follow.location_id, "appointment_id": follow.appointment_id, "cause": cause}
    body = json.dumps(said).encode()
    return Arrival(NEIGHBOUR, read_neighbour(body, sha256(body).hexdigest()), body, now)


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat()
