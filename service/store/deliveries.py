"""Deliveries: what was kept, taken up by a worker in the order of its lane, and brought to its end."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from service.event import Event, read_kept
from service.store.database import Connection, as_json
from service.store.ledger import Entry, Sheet
from service.trigger import Booking


@dataclass(frozen=True)
class Delivery:
    """An open delivery, as a worker takes it up."""

    delivery_id: UUID
    state: str
    received_at: datetime
    event: str
    """Its type, which tells how its body is read."""

    location_id: str
    """Empty for what is about an agency."""

    appointment_id: str | None
    """Or that of a service booking. None for an event that is about a contact or nothing."""

    calendar_id: str | None
    attempts: int
    """Times that something it needed could not be read."""

    surprises: int
    """Errors that nobody thought of."""

    wait: timedelta
    """Until it may be taken up again."""

    rulebook_id: UUID | None
    was: Booking | None
    booking: Booking | None
    body: bytes
    triggers: tuple[str, ...] = ()
    reason: str | None = None
    waits_for: str | None = None
    contact_id: str | None = None
    """Whose appointment it is about, or the contact itself."""

    def read(self) -> Event:
        """What its body says, about what it was found to be about when it came."""
        event = read_kept(self.event, self.body)
        return replace(
            event, appointment_id=self.appointment_id, calendar_id=self.calendar_id, contact_id=self.contact_id
        )


@dataclass(frozen=True)
class Unreadable:
    """An open delivery of which something that is stored cannot be read, as after a rollback of a release."""

    delivery_id: UUID
    surprises: int
    wait: timedelta
    error: Exception


OPEN = ("waiting", "judged")

COLUMNS = """
    delivery_id, state, received_at, event, COALESCE(location_id, '') AS location_id, appointment_id,
    contact_id, calendar_id, attempts, surprises, rulebook_id, was, booking, body, triggers, reason, waits_for,
    GREATEST(next_at - clock_timestamp(), interval '0') AS wait
"""

NEXT = f"""
    SELECT {COLUMNS}, claimed.lane_id FROM unnest($1::uuid[]) AS claimed (lane_id) CROSS JOIN LATERAL (
        SELECT * FROM deliveries WHERE deliveries.lane_id = claimed.lane_id AND state IN ('waiting', 'judged')
        ORDER BY arrival LIMIT 1
    ) AS first
"""  # noqa: S608 (no value in it)

FIND = f"SELECT {COLUMNS} FROM deliveries WHERE delivery_id = $1"  # noqa: S608 (no value in it)

OPENED = """
    SELECT delivery_id, surprises, COALESCE(GREATEST(next_at - clock_timestamp(), interval '0'), interval '0') AS wait
    FROM deliveries WHERE lane_id = $1 AND state IN ('waiting', 'judged') ORDER BY arrival LIMIT 1
"""

# Never backwards, whoever asks for it: what has ended is not opened by a worker, nor is judged again what was judged.
CHANGED = Sheet(
    10,
    """
    UPDATE deliveries SET
        state = new.state, triggers = ARRAY(SELECT jsonb_array_elements_text(new.triggers::jsonb)),
        rulebook_id = new.rulebook_id, was = new.was, booking = new.booking, reason = new.reason,
        waits_for = new.waits_for, next_at = clock_timestamp() + new.wait, attempts = new.attempts,
        surprises = new.surprises,
        finished_at = CASE WHEN new.state IN ('done', 'ignored', 'failed') THEN clock_timestamp() END
    FROM unnest(
        $1::uuid[], $2::text[], $3::text[], $4::uuid[], $5::jsonb[], $6::jsonb[], $7::text[], $8::text[],
        $9::interval[], $10::int[], $11::int[]
    ) AS new (
        delivery_id, state, triggers, rulebook_id, was, booking, reason, waits_for, wait, attempts, surprises
    )
    WHERE deliveries.delivery_id = new.delivery_id
        AND (deliveries.state = 'waiting' OR deliveries.state = 'judged' AND new.state <> 'waiting')
    """,
)

# Of what came so far nothing is touched: the worker that meets a surprise may know less of it than is stored.
PUT_OFF = Sheet(
    11,
    """
    UPDATE deliveries SET
        waits_for = new.waits_for, next_at = clock_timestamp() + new.wait, surprises = deliveries.surprises + 1
    FROM unnest($1::uuid[], $2::text[], $3::interval[]) AS new (delivery_id, waits_for, wait)
    WHERE deliveries.delivery_id = new.delivery_id AND state IN ('waiting', 'judged')
    """,
)

GIVE_UP = """
    UPDATE deliveries SET
        state = 'failed', reason = $2, waits_for = NULL, next_at = NULL, finished_at = clock_timestamp()
    WHERE delivery_id = $1 AND state IN ('waiting', 'judged')
"""


async def next_open(connection: Connection, lanes: Sequence[UUID]) -> dict[UUID, Delivery]:
    """The delivery whose turn it is in each of these lanes: the first that is not finished."""
    found = {}
    for row in await connection.fetch(NEXT, list(lanes)):
        values = dict(row)
        lane_id = values.pop("lane_id")
        found[lane_id] = _delivery(values)
    return found


async def find(connection: Connection, delivery_id: UUID) -> Delivery | None:
    """One of any state."""
    row = await connection.fetchrow(FIND, delivery_id)
    return None if row is None else _delivery(dict(row))


async def unreadable(connection: Connection, lane_id: UUID, error: Exception) -> Unreadable | None:
    """The same of one lane, whatever is in it."""
    row = await connection.fetchrow(OPENED, lane_id)
    return Unreadable(**row, error=error) if row else None


def put_off(delivery: Delivery | Unreadable, wait: timedelta, why: str) -> Entry:
    """Taken up again after a while, because of an error that nobody thought of."""
    return Entry(PUT_OFF, delivery.delivery_id, (delivery.delivery_id, why, wait))


async def give_up(connection: Connection, delivery: Delivery | Unreadable, reason: str) -> None:
    """It has failed, however far it had come."""
    await connection.execute(GIVE_UP, delivery.delivery_id, reason)


def changed(delivery: Delivery) -> Entry:
    """As it stands now: the part of it that changes. What it waits for it says, and how long."""
    row = (
        delivery.delivery_id,
        delivery.state,
        as_json(list(delivery.triggers)),
        delivery.rulebook_id,
        delivery.was.model_dump(mode="json") if delivery.was else None,
        delivery.booking.model_dump(mode="json") if delivery.booking else None,
        delivery.reason,
        delivery.waits_for,
        delivery.wait or None,
        delivery.attempts,
        delivery.surprises,
    )
    return Entry(CHANGED, delivery.delivery_id, row)


def _delivery(values: dict[str, Any]) -> Delivery:
    values["wait"] = values["wait"] or timedelta()
    values["triggers"] = tuple(values["triggers"])
    for name in ("was", "booking"):
        values[name] = Booking.model_validate(values[name]) if values[name] else None
    return Delivery(**values)
