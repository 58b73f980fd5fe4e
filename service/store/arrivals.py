"""Arrivals: webhooks as they come, each kept once, byte for byte, with its lane rung."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from service.event import Event
from service.store.database import BOUND, Connection
from service.store.identifiers import new_id
from service.trigger import lane_subject, series_of


@dataclass(frozen=True)
class Arrival:
    """A webhook whose sender was proved, before it is kept. `ignored` says why no rule will be asked."""

    source: str
    event: Event
    body: bytes
    received_at: datetime
    ignored: str | None = None


@dataclass(frozen=True)
class Recorded:
    """What became of an arrival. No id: it was ignored, and enough of its kind are kept for today."""

    delivery_id: UUID | None
    known: bool
    ignored: str | None


WAIT_FOR_LOCKS = f"SELECT set_config('lock_timeout', '1s', true), {BOUND}"
"""For a lane that a worker holds: it does so for moments, unless it was stopped in the middle of one. A statement of
its own: any other waits for locks before something in it is carried out."""

COUNT_IGNORED = """
    INSERT INTO ignored_counts AS counts (day, reason, times)
    VALUES (current_date, $1, 1)
    ON CONFLICT (day, reason) DO UPDATE SET times = counts.times + 1
    RETURNING times
"""

REGISTERED = "SELECT location_id FROM locations WHERE location_id = ANY($1::text[])"

ERASED_KEY = "'erased:' || encode(sha256(convert_to({}, 'UTF8')), 'hex')"
"""SQL: what is left of a sender's own key once the person it may name was erased; HighLevel's name nobody, and stay."""

# In the order of their keys: two receivers that insert the same keys would otherwise lock each other out.
CLAIM_KEYS = f"""
    INSERT INTO delivery_keys (source, key, delivery_id)
    SELECT * FROM unnest($1::text[], $2::text[], $3::uuid[]) AS claimed (source, key, delivery_id)
    WHERE source = 'highlevel' OR NOT EXISTS (
        SELECT FROM delivery_keys kept
        WHERE kept.source = claimed.source AND kept.key = {ERASED_KEY.format("claimed.key")}
    )
    ORDER BY source, key
    ON CONFLICT DO NOTHING
    RETURNING delivery_id
"""  # noqa: S608 (no value in it)

# What was ignored when it came first, and would not be any more: its sender comes again so that something is done.
CLAIM_AGAIN = """
    UPDATE delivery_keys SET delivery_id = again.delivery_id
    FROM unnest($1::text[], $2::text[], $3::uuid[]) AS again (source, key, delivery_id)
    WHERE delivery_keys.source = again.source AND delivery_keys.key = again.key AND EXISTS (
        SELECT FROM deliveries first WHERE first.delivery_id = delivery_keys.delivery_id AND first.state = 'ignored'
    )
"""

KNOWN_KEYS = f"""
    SELECT source, key, delivery_id FROM delivery_keys
    WHERE (source, key) IN (SELECT * FROM unnest($1::text[], $2::text[]))
    UNION ALL
    SELECT asked.source, asked.key, delivery_id
    FROM unnest($1::text[], $2::text[]) AS asked (source, key) JOIN delivery_keys kept
        ON kept.source = asked.source AND kept.key = {ERASED_KEY.format("asked.key")}
    WHERE asked.source <> 'highlevel'
"""  # noqa: S608 (no value in it)

# What waits in a lane already keeps its turn.
RING_LANES = """
    INSERT INTO lanes (lane_id, location_id, subject, ready_at, due_at, starts_at)
    SELECT lane_id, location_id, subject, now(), due_at, starts_at
    FROM unnest($1::uuid[], $2::text[], $3::text[], $4::timestamptz[], $5::timestamptz[])
        AS rung (lane_id, location_id, subject, due_at, starts_at)
    ORDER BY location_id, subject
    ON CONFLICT (location_id, subject) DO UPDATE SET
        ready_at = LEAST(lanes.ready_at, excluded.ready_at),
        due_at = CASE WHEN lanes.ready_at IS NULL THEN excluded.due_at ELSE LEAST(lanes.due_at, excluded.due_at) END,
        starts_at = COALESCE(excluded.starts_at, lanes.starts_at)
    RETURNING lane_id, location_id, subject
"""

SOONER = 24
"""A delivery is due after this part of the time that is left to its booking: one that starts in ten minutes after 25
seconds, one that starts tomorrow after an hour. The sooner overtakes, and none waits for ever."""

OF_CONTACT = timedelta(minutes=15)
"""So is one that is about a contact after this: many may be changed at once, and nobody stands at a door for it."""

INSERT = """
    INSERT INTO deliveries (
        delivery_id, source, received_at, event, location_id, appointment_id, series_id, contact_id,
        calendar_id, lane_id, state, reason, finished_at, body
    )
    SELECT * FROM unnest(
        $1::uuid[], $2::text[], $3::timestamptz[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[],
        $9::text[], $10::uuid[], $11::text[], $12::text[], $13::timestamptz[], $14::bytea[]
    )
"""


async def record(connection: Connection, arrivals: Sequence[Arrival], *, ignored_kept: int) -> list[Recorded]:
    """Keep each arrival once; the answers come in the arrivals' order. The caller owns the transaction.

    Of the ignored, `ignored_kept` are kept whole per day and kind; beyond it they are only counted.
    """
    await connection.execute(WAIT_FOR_LOCKS)
    reasons = await _reasons(connection, arrivals)
    dropped = await _over_the_cap(connection, arrivals, reasons, ignored_kept)
    ids = await _claim_keys(connection, arrivals, reasons, dropped)
    fresh = [index for index, (_, known) in ids.items() if not known]
    lanes = await _ring_lanes(connection, [arrivals[index] for index in fresh if reasons[index] is None])
    rows = [_row(ids[index][0], arrivals[index], reasons[index], lanes) for index in fresh]
    if rows:
        await connection.execute(INSERT, *map(list, zip(*rows, strict=True)))
    return [
        Recorded(None, False, reasons[index]) if index in dropped else Recorded(*ids[index], reasons[index])
        for index in range(len(arrivals))
    ]


async def _reasons(connection: Connection, arrivals: Sequence[Arrival]) -> list[str | None]:
    """Why each is ignored: what the door found, or that nobody registered its location."""
    asked = {arrival.event.location_id for arrival in arrivals if not arrival.ignored and arrival.event.location_id}
    registered = {row["location_id"] for row in await connection.fetch(REGISTERED, sorted(asked))}
    return [arrival.ignored or _unregistered(arrival.event, registered) for arrival in arrivals]


def _unregistered(event: Event, registered: Collection[str]) -> str | None:
    # What is said of our app may well be why a location is registered.
    return None if event.of_app or event.location_id in registered else "the location is not registered"


async def _over_the_cap(
    connection: Connection, arrivals: Sequence[Arrival], reasons: Sequence[str | None], kept: int
) -> set[int]:
    """The ignored that are only counted; none is counted that is known already, or the twin of one just counted."""
    ignored = sorted((index for index, reason in enumerate(reasons) if reason), key=lambda i: str(reasons[i]))
    known = await _known(connection, {key for index in ignored if (key := _key(arrivals[index]))})
    over: set[int] = set()
    counted: dict[tuple[str, str], int] = {}
    for index in ignored:
        key = _key(arrivals[index])
        if key in known:
            continue
        if key in counted:
            over |= {index} if counted[key] in over else set()
            continue
        if await connection.fetchval(COUNT_IGNORED, reasons[index]) > kept:
            over.add(index)
        if key is not None:
            counted[key] = index
    return over


async def _claim_keys(
    connection: Connection, arrivals: Sequence[Arrival], reasons: Sequence[str | None], dropped: set[int]
) -> dict[int, tuple[UUID, bool]]:
    """For each arrival that is kept: its id, and whether that was known before."""
    ids: dict[int, tuple[UUID, bool]] = {}
    first: dict[tuple[str, str], int] = {}
    for index, arrival in enumerate(arrivals):
        if index in dropped:
            continue
        ids[index] = (new_id(), False)
        if (key := _key(arrival)) is not None:
            first.setdefault(key, index)
    claims = [(source, key, ids[index][0]) for (source, key), index in first.items()]
    if not claims:
        return ids
    claimed = {row["delivery_id"] for row in await connection.fetch(CLAIM_KEYS, *map(list, zip(*claims, strict=True)))}
    heeded = {ids[index][0] for index in first.values() if reasons[index] is None}
    if again := [claim for claim in claims if claim[2] in heeded - claimed]:
        await connection.execute(CLAIM_AGAIN, *map(list, zip(*again, strict=True)))
    if len(claimed) < len(claims) or len(claims) < len(ids):
        stored = await _known(connection, first)
        for index in ids:
            if (key := _key(arrivals[index])) is not None:
                ids[index] = (stored[key], stored[key] != ids[index][0])
    return ids


def _key(arrival: Arrival) -> tuple[str, str] | None:
    return None if arrival.event.key is None else (arrival.source, arrival.event.key)


async def _known(connection: Connection, keys: Collection[tuple[str, str]]) -> dict[tuple[str, str], UUID]:
    """Which of these keys are stored, each with the delivery that came with it first."""
    if not keys:
        return {}
    rows = await connection.fetch(KNOWN_KEYS, *map(list, zip(*keys, strict=True)))
    return {(row["source"], row["key"]): row["delivery_id"] for row in rows}


async def _ring_lanes(connection: Connection, arrivals: Iterable[Arrival]) -> dict[tuple[str, str], UUID]:
    rung: dict[tuple[str, str], tuple[datetime, datetime | None]] = {}
    for arrival in arrivals:
        due, starts = _due(arrival)
        subject = _subject(arrival.event)
        rung[subject] = (min(due, rung[subject][0]) if subject in rung else due, starts)
    if not rung:
        return {}
    subjects = sorted(rung)
    locations, names = map(list, zip(*subjects, strict=True))
    due_at, starts_at = map(list, zip(*(rung[subject] for subject in subjects), strict=True))
    rows = await connection.fetch(RING_LANES, [new_id() for _ in subjects], locations, names, due_at, starts_at)
    return {(row["location_id"], row["subject"]): row["lane_id"] for row in rows}


def _due(arrival: Arrival) -> tuple[datetime, datetime | None]:
    """When its turn should have come, and when its booking starts."""
    received, starts = arrival.received_at, arrival.event.starts
    if starts is None or starts <= received:
        return received + (OF_CONTACT if arrival.event.of_contact else timedelta()), starts
    return received + (starts - received) / SOONER, starts


def _subject(event: Event) -> tuple[str, str]:
    if event.of_app:
        return event.location_id or "", f"install:{event.company_id if event.location_id is None else ''}"
    assert event.location_id is not None
    if event.appointment_id is not None:
        return event.location_id, lane_subject(event.appointment_id)
    # No id of HighLevel's has a colon: these are lanes of their own.
    return event.location_id, f"contact:{event.contact_id}" if event.contact_id else f"{event.type}:"


def _row(
    delivery_id: UUID, arrival: Arrival, ignored: str | None, lanes: dict[tuple[str, str], UUID]
) -> tuple[Any, ...]:
    event = arrival.event
    return (
        delivery_id,
        arrival.source,
        arrival.received_at,
        event.type,
        event.location_id,
        event.appointment_id,
        series_of(event.appointment_id) if event.appointment_id else None,
        event.contact_id,
        event.calendar_id,
        None if ignored else lanes[_subject(event)],
        "ignored" if ignored else "waiting",
        ignored,
        arrival.received_at if ignored else None,
        arrival.body,
    )
