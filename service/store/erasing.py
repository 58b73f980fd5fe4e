"""Erasing: a person taken out of what is remembered, a window at a time; what is left are ids, digests, numbers.

A delivery keeps its id, that of its appointment, its times, how it ended, and the digest that its body had; a step what
it did and how that ended. Contact ids go: with one of them whatever else is known of the person could be joined again.
That somebody was erased is proved by the receipt, which holds digests of contact ids and of what was asked, made under
SECRET_KEY: who asks with the same words and has the key finds it, and nobody reads an address out of it.

A booking of theirs is marked `erased`: HighLevel has it still, and neither the reconciler nor a moment may learn it
from there again. A webhook that tells of it ends that.

Begun and not ended, a receipt holds in `pending` who they were found to be: what told it may be erased already when
somebody goes on. That goes with its end.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from pydantic import SecretStr

from service.store import contacts, reconciliations
from service.store import deliveries as kept
from service.store.appointments import LastSeen
from service.store.arrivals import ERASED_KEY
from service.store.database import BOUND, Connection
from service.store.identifiers import new_id
from service.store.interventions import FREE_LANES, IN_DOUBT
from service.store.person import Person, digest
from service.store.privacy import Sought, elsewhere, looked, sought

BEGUN = """
    SELECT erasure_id, pending FROM erasures
    WHERE asked = $1 AND location_id IS NOT DISTINCT FROM $2 AND finished_at IS NULL ORDER BY erasure_id LIMIT 1
"""

BEGIN = """
    INSERT INTO erasures (erasure_id, kind, asked, location_id, who, pending) VALUES ($1, $2, $3, $4, $5, $6::jsonb)
    ON CONFLICT (erasure_id) DO UPDATE SET pending = excluded.pending
"""

COUNTS = "SELECT counts FROM erasures WHERE erasure_id = $1 FOR UPDATE"

COUNT = """
    UPDATE erasures SET counts = $2::jsonb, pending = pending || $3::jsonb
        || jsonb_build_object('deliveries', COALESCE(pending->'deliveries', '[]') || $4::jsonb)
    WHERE erasure_id = $1
"""

FINISH = """
    UPDATE erasures SET contacts = $2::text[], pending = NULL, finished_at = clock_timestamp()
    WHERE erasure_id = $1 RETURNING erasure_id, kind, who, counts, began_at, finished_at, location_id, contacts
"""

# What is kept for good says whom and what was erased: of nobody and nothing it says nothing.
FORGET = "DELETE FROM erasures WHERE erasure_id = $1"

RECEIPTS = """
    SELECT erasure_id, kind, who, counts, began_at, finished_at, location_id, contacts FROM erasures
    WHERE $1::text[] IS NULL OR asked = ANY($1::text[]) OR contacts && $1::text[] ORDER BY erasure_id DESC LIMIT $2
"""

# Whoever has one of them loses it at the next write; in the order in which receivers ring them.
FENCE = f"""
    WITH theirs AS (
        SELECT lane_id, worker, lease_until, {BOUND} FROM lanes
        WHERE lane_id IN (SELECT lane_id FROM deliveries WHERE delivery_id = ANY($1::uuid[]))
            AND (worker IS NOT NULL OR ready_at IS NOT NULL)
        ORDER BY location_id, subject FOR UPDATE
    )
    UPDATE lanes SET fence = fence + 1, worker = NULL, ready_at = clock_timestamp() FROM theirs
    WHERE lanes.lane_id = theirs.lane_id RETURNING theirs.lease_until
"""  # noqa: S608 (no value in it)

UNDER_WAY = f"SELECT EXISTS (SELECT FROM steps WHERE delivery_id = ANY($1::uuid[]) AND {IN_DOUBT})"  # noqa: S608

UNSEEN = f"""
    SELECT {kept.COLUMNS} FROM deliveries d
    WHERE delivery_id = ANY($1::uuid[]) AND rulebook_id IS NULL AND state <> 'ignored' AND appointment_id IS NOT NULL
        AND body_digest IS NULL AND NOT EXISTS (
            SELECT FROM appointments a WHERE a.location_id = d.location_id AND a.appointment_id = d.appointment_id
        )
    ORDER BY arrival DESC
"""  # noqa: S608 (no value in it)

LEFT = "SELECT GREATEST($1::timestamptz - clock_timestamp(), interval '0')"

DELIVERIES = """
    UPDATE deliveries SET
        body_digest = sha256(body), body = convert_to('{"erased": true}', 'UTF8'), was = NULL, booking = NULL,
        contact_id = NULL, waits_for = NULL, next_at = NULL, reason = 'erased',
        state = CASE WHEN state IN ('waiting', 'judged', 'parked') THEN 'done' ELSE state END,
        finished_at = COALESCE(finished_at, clock_timestamp())
    WHERE delivery_id = ANY($1::text[]::uuid[]) AND body_digest IS NULL
"""

# What these were is one of a few words, a time or somebody of the house; any other value may tell of the person.
VERDICTS = """
    UPDATE verdicts SET checks = (
        SELECT COALESCE(jsonb_agg(CASE
            WHEN one->>'fact' IN (
                'calendar', 'calendar.name', 'group', 'status', 'source', 'starts', 'ends', 'duration', 'assignee',
                'assignee.name', 'recurring', 'was.starts', 'was.assignee', 'was.assignee.name', 'was.status',
                'booked', 'lead', 'notice', 'now'
            ) THEN one ELSE one || '{"actual": "erased", "expected": "erased"}'
        END ORDER BY place), '[]') FROM jsonb_array_elements(checks) WITH ORDINALITY AS listed (one, place)
    )
    WHERE (delivery_id, place) IN (
        SELECT split_part(key, ' ', 1)::uuid, split_part(key, ' ', 2)::int FROM unnest($1::text[]) AS asked (key)
    )
"""

STEPS = """
    UPDATE steps SET
        sentence = 'erased', operation = NULL, meant = '{}', contact_id = NULL, next_at = NULL,
        reason = CASE
            WHEN state = 'sent' THEN 'erased when it had been sent: nobody looked whether it came true'
            WHEN state = 'unknown' THEN 'erased when nobody knew whether it came true'
            WHEN state IN ('planned', 'waiting', 'parked') THEN 'erased before it was sent'
            ELSE 'erased'
        END,
        state = CASE
            WHEN state IN ('planned', 'sent', 'waiting', 'unknown', 'parked') THEN 'skipped' ELSE state
        END,
        finished_at = COALESCE(finished_at, clock_timestamp())
    WHERE step_id = ANY($1::text[]::uuid[])
"""

CALLS = """
    UPDATE calls SET
        request = '{"erased": true}', answer = CASE WHEN answer IS NOT NULL THEN '{"erased": true}'::jsonb END,
        error = CASE WHEN error IS NOT NULL THEN 'erased' END
    WHERE call_id = ANY($1::text[]::uuid[])
"""

# What came while it was being erased, of a call that was under way when it began.
LATE_CALLS = """
    UPDATE calls SET request = '{"erased": true}', answer = NULL, error = NULL
    WHERE delivery_id = ANY($1::uuid[]) AND request <> '{"erased": true}'
"""

TIMERS = "DELETE FROM timers WHERE timer_id = ANY($1::text[]::uuid[])"

RECONCILIATIONS = "DELETE FROM reconciliations WHERE reconciliation_id = ANY($1::text[]::uuid[])"

# Not dropped: what is told of it next is no creation.
APPOINTMENTS = """
    UPDATE appointments SET erased = true, contact_id = NULL, ours = ours - 'title', told = NULL,
        changed_at = clock_timestamp(), booking = (
        SELECT COALESCE(jsonb_object_agg(key, value), '{}') FROM jsonb_each(booking) WHERE key IN (
            'id', 'location_id', 'calendar_id', 'starts', 'ends', 'status', 'group_id', 'assignee', 'source', 'added',
            'updated', 'deleted', 'kind', 'services', 'add_ons'
        )
    )
    WHERE location_id || ' ' || appointment_id = ANY($1::text[])
"""

FOLLOWS = "DELETE FROM follows WHERE follow_id = ANY($1::text[]::uuid[])"

# Under another id: the same that is raised again within that quarter of an hour is an alert of its own, with its text.
ALERTS = "UPDATE alerts SET text = 'erased', alert_id = gen_random_uuid() WHERE alert_id = ANY($1::text[]::uuid[])"

INTERVENTIONS = "UPDATE interventions SET what = 'erased' WHERE intervention_id = ANY($1::text[]::uuid[])"

MARKS = "DELETE FROM marks WHERE location_id || ' ' || rule || ' ' || mark = ANY($1::text[])"

LANES = "UPDATE lanes SET subject = 'erased:' || lane_id WHERE lane_id = ANY($1::text[]::uuid[])"

DELIVERY_KEYS = f"""
    UPDATE delivery_keys SET key = {ERASED_KEY.format("key")} WHERE source || ' ' || key = ANY($1::text[])
"""  # noqa: S608 (no value in it)

ERASE: Mapping[str, str] = {
    "deliveries": DELIVERIES,
    "verdicts": VERDICTS,
    "steps": STEPS,
    "calls": CALLS,
    "timers": TIMERS,
    "reconciliations": RECONCILIATIONS,
    "appointments": APPOINTMENTS,
    "contacts": contacts.ERASE,
    "follows": FOLLOWS,
    "alerts": ALERTS,
    "interventions": INTERVENTIONS,
    "marks": MARKS,
    "lanes": LANES,
    "delivery_keys": DELIVERY_KEYS,
}
"""By table. What is not here stays as it is: rulebooks are their author's, and versions do not change."""


@dataclass(frozen=True)
class Receipt:
    """That somebody was erased. `contacts` are digests; `finished_at` is None where it was broken off."""

    erasure_id: UUID
    kind: str
    who: str
    counts: Mapping[str, int]
    began_at: datetime
    finished_at: datetime | None
    location_id: str | None
    contacts: Sequence[str]

    @property
    def erased(self) -> bool:
        """Whether anything was."""
        return any(self.counts.values())


class Erasure:
    """One that was begun; each of its parts can be done again. The caller owns the transactions."""

    def __init__(self, erasure_id: UUID, who: Sought, pending: Mapping[str, Any]) -> None:
        """`pending`: what was noted of it before it was broken off."""
        self.who = who
        self._id = erasure_id
        self._deliveries = [UUID(each) for each in pending.get("deliveries", ())]
        self._until = datetime.fromisoformat(pending["until"]) if pending.get("until") else None

    async def elsewhere(self, connection: Connection) -> None:
        """What is theirs besides deliveries. Before those, so that no timer makes another; and after them, for what a
        worker wrote that had not lost their lane yet."""
        await self._erase(connection, await elsewhere(connection, self.who, self._deliveries))

    async def window(self, connection: Connection, first: UUID, last: UUID) -> None:
        """Deliveries between two ids, and what came of them; whoever works on one of them has lost it."""
        found = await looked(connection, self.who, first, last)
        concerned = sorted({row["delivery_id"] for rows in found.values() for row in rows})
        if not concerned:
            return
        under_way = await connection.fetchval(UNDER_WAY, concerned)
        leases = [row["lease_until"] for row in await connection.fetch(FENCE, concerned) if row["lease_until"]]
        # Nothing is written any more by who had them: now it is all there.
        under_way = under_way or await connection.fetchval(UNDER_WAY, concerned)
        if under_way and leases:
            self._until = max([*leases, *([self._until] if self._until else [])])
        found = await looked(connection, self.who, first, last)
        deliveries = [row["delivery_id"] for row in found["deliveries"]]
        keys = {table: [row["key"] for row in rows] for table, rows in found.items()}
        await self._remember(connection, deliveries)
        await self._erase(connection, keys, deliveries)
        await connection.execute(FREE_LANES, concerned)
        self._deliveries += deliveries

    async def _remember(self, connection: Connection, deliveries: Sequence[UUID]) -> None:
        """What nobody was asked about yet would be news to whoever finds it at HighLevel: it was seen, and is marked
        with what is theirs elsewhere."""
        for row in await connection.fetch(UNSEEN, deliveries):
            booking = kept.Delivery(**row).read().booking()
            if booking is not None and booking.contact_id in self.who.contacts:
                await reconciliations.remember(connection, LastSeen.first(booking))

    async def left(self, connection: Connection) -> timedelta:
        """How long a write may still be under way that was sent before its lane was lost: no longer than its lease."""
        wait: timedelta = await connection.fetchval(LEFT, self._until)
        return wait if self._until else timedelta()

    async def end(self, connection: Connection, key: SecretStr) -> Receipt:
        """It is kept only where something was theirs."""
        await connection.execute(LATE_CALLS, self._deliveries)
        contacts = [digest(key, "contact", contact) for contact in sorted(self.who.contacts)]
        row = await connection.fetchrow(FINISH, self._id, contacts)
        assert row is not None
        receipt = Receipt(**row)
        if not receipt.erased:
            await connection.execute(FORGET, self._id)
        return receipt

    async def _erase(
        self, connection: Connection, found: Mapping[str, Sequence[str]], deliveries: Sequence[UUID] = ()
    ) -> None:
        counts: dict[str, int] = await connection.fetchval(COUNTS, self._id)
        for table, keys in found.items():
            if keys and table in ERASE:
                answer = await connection.execute(ERASE[table], keys)
                counts[table] = counts.get(table, 0) + int(answer.rpartition(" ")[2])
        until = {"until": self._until.isoformat()} if self._until else {}
        await connection.execute(COUNT, self._id, counts, until, [str(each) for each in deliveries])


async def begin(connection: Connection, person: Person, location_id: str | None, *, by: str, key: SecretStr) -> Erasure:
    """Find out who it is and note that it was begun, or go on with what was broken off. `by`: on whose word."""
    asked = person.digest(key)
    who = await sought(connection, person, location_id)
    before = await connection.fetchrow(BEGUN, asked, location_id)
    pending: Mapping[str, Any] = (before and before["pending"]) or {}
    contacts = who.contacts | frozenset(pending.get("contacts", ()))
    appointments = who.appointments | frozenset(pending.get("appointments", ()))
    who = Sought.by(person, location_id, contacts, appointments)
    erasure_id = before["erasure_id"] if before else new_id()
    told = {**pending, "contacts": sorted(contacts), "appointments": sorted(appointments)}
    await connection.execute(BEGIN, erasure_id, person.kind, asked, location_id, by, told)
    return Erasure(erasure_id, who, pending)


async def receipts(connection: Connection, digests: Sequence[str] | None, *, limit: int = 100) -> list[Receipt]:
    """Newest first; all, or those of whom one of the digests is."""
    return [Receipt(**row) for row in await connection.fetch(RECEIPTS, digests, limit)]
