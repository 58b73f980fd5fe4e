"""Steps: the stored row of one write. What it will send is decided once, and stays."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from service.store.database import Connection
from service.store.ledger import Entry, Sheet
from service.trigger import lane_subject

OPEN = ("planned", "sent", "waiting")

NOT_RUN = "not run: its delivery was given up"

EITHER = "it was sent, and its delivery was given up: either it was done, or never"


@dataclass(frozen=True)
class Step:
    """One write. `place` is the action's in its rule, `part` the write's in its action; `meant` says what else becomes
    true once it is done (a follow to keep). `since_sent` is its age on the database's clock, None if not sent."""

    step_id: UUID
    delivery_id: UUID
    rule: str
    place: int
    part: int
    action: str
    state: str
    sentence: str
    location_id: str
    appointment_id: str | None
    contact_id: str | None
    series_id: str | None = None
    reason: str | None = None
    operation: Mapping[str, Any] | None = None
    meant: Mapping[str, Any] = field(default_factory=dict)
    written_id: str | None = None
    planned_at: datetime | None = None
    """On the database's clock once it was read again; before, on the worker's."""

    attempts: int = 0
    doubts: int = 0
    """Times that it was sent and no answer told what became of it."""

    looks: int = 0
    """Times that it was kept from being sent, or nobody could look whether it may be, other than by a spent budget."""

    since_sent: timedelta | None = None
    wait: timedelta = timedelta()
    """Until it may be taken up again."""

    def sent(self) -> "Step":
        """From here on the write may be in the world."""
        return replace(self, state="sent", attempts=self.attempts + 1, since_sent=timedelta(), wait=timedelta())

    def later(self, wait: timedelta, reason: str, *, in_doubt: bool, doubts: int = 0) -> "Step":
        """Taken up again after a while: as it is when the write may be in the world, else as if never sent."""
        since_sent = self.since_sent if in_doubt else None
        state = "sent" if in_doubt else "waiting"
        return replace(self, state=state, since_sent=since_sent, wait=wait, reason=reason, doubts=self.doubts + doubts)

    def ended(self, state: str, reason: str | None = None, written_id: str | None = None) -> "Step":
        return replace(self, state=state, reason=reason, written_id=written_id, wait=timedelta())

    def given_up(self) -> "Step":
        """With its delivery: nobody will come back to it, but for whoever tries that again."""
        return self.ended("unknown", EITHER) if self.state == "sent" else self.ended("failed", NOT_RUN)


MAY_BE_DONE = """(steps.state IN ('sent', 'done', 'unknown')
    OR steps.sent_at IS NOT NULL AND steps.state IN ('parked', 'skipped'))"""
"""SQL: whether a step's write counts as done: what is in doubt does, whatever was made of the step since."""

COLUMNS = """
    step_id, delivery_id, rule, place, part, action, state, sentence, location_id, appointment_id, contact_id,
    series_id, reason, operation, meant, written_id, planned_at, attempts, doubts, looks,
    clock_timestamp() - sent_at AS since_sent,
    GREATEST(next_at - clock_timestamp(), interval '0') AS wait
"""

OF_DELIVERIES = f"""
    SELECT {COLUMNS} FROM steps WHERE delivery_id = ANY($1::uuid[]) ORDER BY planned_at, place, part
"""  # noqa: S608 (no value in it)

# A step that was just sent has been so for no time: only then is the clock read anew.
KEEP = Sheet(
    40,
    """
    INSERT INTO steps AS kept (
        step_id, delivery_id, rule, place, part, action, state, sentence, location_id, appointment_id, contact_id,
        series_id, reason, operation, meant, written_id, attempts, doubts, looks, sent_at, next_at, finished_at
    )
    SELECT step_id, delivery_id, rule, place, part, action, state, sentence, location_id, appointment_id, contact_id,
        series_id, reason, operation, meant, written_id, attempts, doubts, looks, clock_timestamp() - since_sent,
        clock_timestamp() + wait,
        CASE WHEN state NOT IN ('planned', 'sent', 'waiting', 'parked') THEN clock_timestamp() END
    FROM unnest(
        $1::uuid[], $2::uuid[], $3::text[], $4::int[], $5::int[], $6::text[], $7::text[], $8::text[], $9::text[],
        $10::text[], $11::text[], $12::text[], $13::text[], $14::jsonb[], $15::jsonb[], $16::text[], $17::int[],
        $18::int[], $19::int[], $20::interval[], $21::interval[]
    ) AS new (
        step_id, delivery_id, rule, place, part, action, state, sentence, location_id, appointment_id, contact_id,
        series_id, reason, operation, meant, written_id, attempts, doubts, looks, since_sent, wait
    )
    ON CONFLICT (step_id) DO UPDATE SET
        state = excluded.state, reason = excluded.reason, written_id = excluded.written_id,
        attempts = excluded.attempts, doubts = excluded.doubts, looks = excluded.looks, next_at = excluded.next_at,
        sent_at = CASE WHEN excluded.attempts > kept.attempts THEN excluded.sent_at
            WHEN excluded.sent_at IS NULL THEN NULL ELSE COALESCE(kept.sent_at, excluded.sent_at) END,
        finished_at = excluded.finished_at
    """,
)

GIVE_UP = """
    UPDATE steps SET
        state = CASE state WHEN 'sent' THEN 'unknown' ELSE 'failed' END,
        reason = CASE state WHEN 'sent' THEN $2 ELSE $3 END, next_at = NULL, finished_at = clock_timestamp()
    WHERE delivery_id = $1 AND state IN ('planned', 'sent', 'waiting')
    RETURNING action, state
"""

# What is in doubt counts as done, and a change of a whole series as one of each that is of it.
CHANGED_BY = f"""
    SELECT rule FROM steps
    WHERE location_id = $1 AND {MAY_BE_DONE}
        AND (appointment_id = $2 OR meant ? 'series' AND operation -> 'fields' ->> 'event_id' = $5)
        AND COALESCE(sent_at, planned_at) > now() - $4::interval AND operation ->> 'operation' = 'EditAppointment'
        AND CASE $3::text
            WHEN 'any' THEN true
            WHEN 'move' THEN COALESCE(
                    (operation -> 'fields' ->> 'start_time')::timestamptz
                        <> (meant -> 'before' ->> 'starts')::timestamptz,
                    false
                ) OR (operation -> 'fields' ->> 'calendar_id') <> (meant -> 'before' ->> 'calendar_id')
            ELSE operation -> 'fields' ->> 'assigned_user_id' IS DISTINCT FROM meant -> 'before' ->> 'assignee'
                AND operation -> 'fields' ? 'assigned_user_id'
        END
    ORDER BY sent_at
"""  # noqa: S608 (no value in it)

TAKEN = "SELECT written_id FROM steps WHERE location_id = $1 AND written_id = ANY($2::text[]) AND step_id <> $3"


def kept(step: Step) -> Entry:
    """As it stands now. What it will send stays as it was decided."""
    row = (
        step.step_id,
        step.delivery_id,
        step.rule,
        step.place,
        step.part,
        step.action,
        step.state,
        step.sentence,
        step.location_id,
        step.appointment_id,
        step.contact_id,
        step.series_id,
        step.reason,
        dict(step.operation) if step.operation is not None else None,
        dict(step.meant),
        step.written_id,
        step.attempts,
        step.doubts,
        step.looks,
        step.since_sent,
        step.wait or None,
    )
    return Entry(KEEP, step.step_id, row)


async def of_deliveries(connection: Connection, deliveries: Sequence[UUID]) -> list[Step]:
    """The steps of deliveries in the order they were decided in."""
    return [_step(row) for row in await connection.fetch(OF_DELIVERIES, list(deliveries))]


async def give_up(connection: Connection, delivery_id: UUID) -> list[tuple[str, str]]:
    """What is open of a delivery that nobody may be able to read: the action of each, and how it ended."""
    rows = await connection.fetch(GIVE_UP, delivery_id, EITHER, NOT_RUN)
    return [(row["action"], row["state"]) for row in rows]


async def rules_that_changed(
    connection: Connection, location_id: str, appointment_id: str, change: str, *, within: timedelta
) -> list[str]:
    """The rules by which a booking was moved (`move`), given to somebody (`assign`) or changed at all (`any`) lately,
    one for each time."""
    rows = await connection.fetch(CHANGED_BY, location_id, appointment_id, change, within, lane_subject(appointment_id))
    return [row["rule"] for row in rows]


async def taken(connection: Connection, step: Step, ids: Iterable[str]) -> frozenset[str]:
    """Which of these another step of the location is known to have made: none of them can be this step's doing."""
    rows = await connection.fetch(TAKEN, step.location_id, sorted(ids), step.step_id)
    return frozenset(row["written_id"] for row in rows)


def _step(row: Mapping[str, Any]) -> Step:
    values = dict(row)
    values["wait"] = values["wait"] or timedelta()
    return Step(**values)
