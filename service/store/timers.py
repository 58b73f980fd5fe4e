"""Timers: the moments that rules wait for, one row each, and the deliveries that they turn into when they are due: open
ones for those that come in time, and ended ones, which nobody works on, for those that are missed.

Who fires timers holds their rows while it rings their lanes; who relays holds its lane's row, and so must not wait for
a timer. It passes over one that is being fired: that delivery comes after it in the same lane, and relays once more.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256
from typing import Any, Literal
from uuid import UUID

from service.event import read_moment
from service.event_types import MOMENT
from service.store import arrivals
from service.store.arrivals import Arrival
from service.store.database import BOUND, Connection
from service.store.identifiers import new_id
from service.trigger import Booking, series_of

PASSED = "it had passed already when it was laid"


@dataclass(frozen=True)
class Wanted:
    """A moment that a rule waits for. `never` says why it is not to come; `ahead`: it is in the future."""

    rule: str
    moment: str
    due_at: datetime
    until_at: datetime
    ahead: bool
    never: str | None = None


@dataclass(frozen=True)
class Timer:
    """One that is due. `time_zone` is its location's now."""

    timer_id: UUID
    location_id: str
    appointment_id: str
    contact_id: str | None
    rule: str
    moment: str
    due_at: datetime
    until_at: datetime
    time_zone: str
    starts: datetime | None = None
    """Its booking, as it was last seen."""
    since: UUID | None = None
    """The delivery that a burst of changes began with."""


@dataclass(frozen=True)
class Outcome:
    """What becomes of a timer. `missed`: why it does not fire. `again`: when it is due next, and until when."""

    timer: Timer
    missed: str | None = None
    again: tuple[datetime, datetime] | None = None


OF_APPOINTMENT = """
    SELECT timer_id, rule, moment, due_at, until_at, state FROM timers
    WHERE location_id = $1 AND appointment_id = $2
    FOR UPDATE SKIP LOCKED
"""

REMOVE = "DELETE FROM timers WHERE timer_id = ANY($1::uuid[])"

MOVE = """
    UPDATE timers SET
        due_at = moved.due_at, until_at = moved.until_at, state = moved.state, reason = moved.reason,
        delivery_id = NULL, ended_at = CASE moved.state WHEN 'past' THEN clock_timestamp() END
    FROM unnest($1::uuid[], $2::timestamptz[], $3::timestamptz[], $4::text[], $5::text[])
        AS moved (timer_id, due_at, until_at, state, reason)
    WHERE timers.timer_id = moved.timer_id
"""

LAY = """
    INSERT INTO timers (
        location_id, appointment_id, series_id, contact_id,
        timer_id, rule, moment, due_at, until_at, state, reason, ended_at
    )
    SELECT $1, $2, $3, $4, laid.*, CASE laid.state WHEN 'past' THEN clock_timestamp() END
    FROM unnest($5::uuid[], $6::text[], $7::text[], $8::timestamptz[], $9::timestamptz[], $10::text[], $11::text[])
        AS laid (timer_id, rule, moment, due_at, until_at, state, reason)
    ON CONFLICT (location_id, appointment_id, rule, moment) DO NOTHING
"""

PRUNE = """
    DELETE FROM timers WHERE timer_id IN (
        SELECT timer_id FROM timers WHERE location_id = $1 AND state = 'waiting'
            AND (rule, moment) NOT IN (SELECT * FROM unnest($2::text[], $3::text[]))
        FOR UPDATE SKIP LOCKED
    )
"""

DUE = f"""
    SELECT timer_id, location_id, appointment_id, timers.contact_id, rule, moment, due_at, until_at, time_zone,
        (booking->>'starts')::timestamptz AS starts, {BOUND}
    FROM timers JOIN locations USING (location_id) LEFT JOIN appointments USING (location_id, appointment_id)
    WHERE state = 'waiting' AND due_at <= $1
    ORDER BY due_at
    LIMIT $2
    FOR UPDATE OF timers SKIP LOCKED
"""  # noqa: S608 (no value in it)

# Under their keys like any other delivery, and in no lane: nobody has to take them up. What is known was not missed.
MISSED = """
    WITH missed AS (
        SELECT * FROM unnest(
            $1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::bytea[]
        ) AS missed (delivery_id, key, location_id, appointment_id, series_id, contact_id, reason, body)
    ),
    claimed AS (
        INSERT INTO delivery_keys (source, key, delivery_id)
        SELECT $9, key, delivery_id FROM missed ORDER BY key
        ON CONFLICT DO NOTHING
        RETURNING delivery_id
    )
    INSERT INTO deliveries (
        delivery_id, source, received_at, event, location_id, appointment_id, series_id, contact_id, state, reason,
        finished_at, body
    )
    SELECT delivery_id, $9, $10, $9, location_id, appointment_id, series_id, contact_id, 'done', reason,
        clock_timestamp(), body
    FROM missed JOIN claimed USING (delivery_id) ORDER BY delivery_id
    RETURNING delivery_id
"""

# What is due by the clock goes on to its next time; the row says of the last one what became of it.
END = """
    UPDATE timers SET
        state = ended.state, reason = ended.reason, delivery_id = ended.delivery_id, due_at = ended.due_at,
        until_at = ended.until_at, ended_at = clock_timestamp()
    FROM unnest($1::uuid[], $2::text[], $3::text[], $4::uuid[], $5::timestamptz[], $6::timestamptz[])
        AS ended (timer_id, state, reason, delivery_id, due_at, until_at)
    WHERE timers.timer_id = ended.timer_id
"""


def missed(rule: str, moment: str, why: str) -> str:
    """The reason of a delivery whose moment nobody was asked at in time."""
    return f"missed: {rule} was due {moment}; {why}"


async def relay(connection: Connection, booking: Booking, wanted: Sequence[Wanted] | None) -> None:
    """Lay, move and remove the timers of one booking; the caller keeps it as last seen in the same transaction.

    None is for rules that wait for no moment: nothing is asked of the database. What has fired for the same instant
    does not fire again; what is not wanted any more is removed unless it has ended.
    """
    if wanted is not None:
        await _relay(connection, booking.location_id, booking.id, wanted, booking.series_id, booking.contact_id)


async def relay_clock(connection: Connection, location_id: str, wanted: Sequence[Wanted]) -> None:
    """The same for the moments that the clock tells, which are about no booking."""
    await _relay(connection, location_id, "", wanted)


async def _relay(
    connection: Connection,
    location_id: str,
    appointment_id: str,
    wanted: Sequence[Wanted],
    series_id: str | None = None,
    contact_id: str | None = None,
) -> None:
    fresh = {(each.rule, each.moment): each for each in wanted}
    gone, moved = [], []
    for row in await connection.fetch(OF_APPOINTMENT, location_id, appointment_id):
        timer = fresh.pop((row["rule"], row["moment"]), None)
        if timer is None and row["state"] == "waiting":
            gone.append(row["timer_id"])
        elif timer is not None and (change := _change(row, timer)):
            moved.append((row["timer_id"], *_state(change)))
    if gone:
        await connection.execute(REMOVE, gone)
    if moved:
        await connection.execute(MOVE, *_columns(moved))
    if fresh:
        rows = [(new_id(), each.rule, each.moment, *_state(each)) for each in fresh.values()]
        await connection.execute(LAY, location_id, appointment_id, series_id, contact_id, *_columns(rows))


def _change(row: Mapping[str, Any], wanted: Wanted) -> Wanted | None:
    """What the row has to become; None when it stands as it should."""
    if row["due_at"] != wanted.due_at:
        return wanted
    if row["state"] == "past":
        return wanted if wanted.ahead and not wanted.never else None
    if row["state"] != "waiting":
        return None
    if wanted.never == PASSED:  # since it was laid; whether it is missed is for whoever takes it to say
        wanted = replace(wanted, never=None)
    return wanted if wanted.never or row["until_at"] != wanted.until_at else None


def _state(wanted: Wanted) -> tuple[datetime, datetime, Literal["past", "waiting"], str | None]:
    return wanted.due_at, wanted.until_at, "past" if wanted.never else "waiting", wanted.never


def _columns(rows: Iterable[tuple[Any, ...]]) -> list[list[Any]]:
    return list(map(list, zip(*rows, strict=True)))


async def prune(connection: Connection, location_id: str, kept: Iterable[tuple[str, str]]) -> None:
    """Remove what waits for other than these rules' moments; each is a rule's name and the moment's words."""
    pairs = list(kept)
    await connection.execute(PRUNE, location_id, [rule for rule, _ in pairs], [moment for _, moment in pairs])


async def of_clock(connection: Connection, location_id: str) -> dict[tuple[str, str], datetime]:
    """When what the clock tells is due next, by rule and moment. One that could not be read is due no more."""
    rows = await connection.fetch(OF_APPOINTMENT, location_id, "")
    return {(row["rule"], row["moment"]): row["due_at"] for row in rows if row["state"] == "waiting"}


async def due(connection: Connection, now: datetime, most: int) -> list[Timer]:
    """Take what is due, oldest first, and leave what another is taking; the caller's transaction ends them."""
    rows = await connection.fetch(DUE, now, most)
    return [Timer(**{name: row[name] for name in Timer.__dataclass_fields__ if name in row}) for row in rows]


async def end(
    connection: Connection, outcomes: Sequence[Outcome], now: datetime, *, ignored_kept: int
) -> list[UUID | None]:
    """Turn each into a delivery, one that fires in its appointment's lane, and say of each what became of it.

    A delivery's key is the instant's own: whatever else happens, a moment is delivered once. The ids are in the order
    of the outcomes; None for one that is missed and was delivered before all the same.
    """
    fired = [arrival(each.timer, now) for each in outcomes if each.missed is None]
    recorded = iter(await arrivals.record(connection, fired, ignored_kept=ignored_kept) if fired else ())
    lost = iter(await _miss(connection, [each for each in outcomes if each.missed is not None], now))
    ids, rows = [], []
    for each in outcomes:
        ids.append(next(recorded).delivery_id if each.missed is None else next(lost))
        state = "waiting" if each.again else "missed" if each.missed else "fired"
        times = each.again or (each.timer.due_at, each.timer.until_at)
        rows.append((each.timer.timer_id, state, each.missed, ids[-1], *times))
    await connection.execute(END, *_columns(rows))
    return ids


async def _miss(connection: Connection, outcomes: Sequence[Outcome], now: datetime) -> list[UUID | None]:
    rows = []
    for each in outcomes:
        timer, event = each.timer, arrival(each.timer, now)
        assert each.missed is not None
        reason, series_id = missed(timer.rule, timer.moment, each.missed), series_of(timer.appointment_id)
        whose = timer.location_id, timer.appointment_id or None, series_id, timer.contact_id
        rows.append((new_id(), event.event.key, *whose, reason, event.body))
    if not rows:
        return []
    kept = {row["delivery_id"] for row in await connection.fetch(MISSED, *_columns(rows), MOMENT, now)}
    return [row[0] if row[0] in kept else None for row in rows]


def arrival(timer: Timer, now: datetime) -> Arrival:
    """What it turns into."""
    identity = timer.location_id, timer.appointment_id, timer.rule, timer.moment, timer.due_at.isoformat()
    said = {
        "key": sha256("\n".join(identity).encode()).hexdigest(),
        "location_id": timer.location_id,
        "appointment_id": timer.appointment_id or None,
        "contact_id": timer.contact_id,
        "rule": timer.rule,
        "moment": timer.moment,
        "due": timer.due_at.isoformat(),
        "until": timer.until_at.isoformat(),
        "starts": timer.starts and timer.starts.isoformat(),
        "since": timer.since and str(timer.since),
    }
    body = json.dumps(said, ensure_ascii=False).encode()
    return Arrival(MOMENT, read_moment(body), body, now)
