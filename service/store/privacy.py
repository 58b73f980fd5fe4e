"""Privacy: where a person stands in what is remembered, found a part at a time, and shown as it is.

What is theirs: deliveries of their contacts, and of their bookings where no contact is named; what came of those; and
every other row that says their contact id or address anywhere. A database of any size is read in windows of deliveries,
from the oldest to the newest: a database filters coarsely, `Person` looks closely.
"""

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias
from uuid import UUID

from service.store.database import Connection
from service.store.person import Person, people

WINDOW = 1000
"""Deliveries, with all that came of them, that one look goes through."""

PATIENCE = 600.0
"""Seconds that a look through a whole table may take."""

FIRST, LAST = UUID(int=0), UUID(int=(1 << 128) - 1)


def _said(text: str) -> str:
    """SQL: whether a text may say it. $1 are words, $2 is digits."""
    return f"""(EXISTS (SELECT FROM unnest($1::text[]) AS word WHERE position(word IN lower({text})) > 0)
        OR position($2::text IN regexp_replace({text}, '[^0-9]+', '', 'g')) > 0)"""


THEIR_BOOKING = "(contact_id = ANY($3::text[]) OR contact_id IS NULL AND appointment_id = ANY($4::text[]))"
IN_LOCATION = "($5::text IS NULL OR location_id = $5)"

EDGE = "SELECT delivery_id FROM deliveries WHERE delivery_id > $1 ORDER BY delivery_id OFFSET $2 LIMIT 1"

# An escape, of JSON's or of a byte beyond ASCII, may hide what is said: those we look at ourselves.
IN_DELIVERIES = f"""
    SELECT delivery_id::text AS key, delivery_id, contact_id, body, jsonb_build_array(was, booking, reason, waits_for)
        AS texts, {THEIR_BOOKING} IS TRUE AS theirs
    FROM deliveries WHERE body_digest IS NULL AND delivery_id > $6 AND delivery_id <= $7 AND {IN_LOCATION} AND (
        {THEIR_BOOKING} OR (position('\\' IN encode(body, 'escape')) > 0 AND cardinality($1::text[]) > 0)
        OR {_said("concat_ws(' ', encode(body, 'escape'), was, booking, reason, waits_for)")}
    ) ORDER BY delivery_id
"""  # noqa: S608 (no value in it)

OF_DELIVERY = "delivery_id = ANY($3::uuid[])"

IN_VERDICTS = f"""
    SELECT delivery_id || ' ' || place AS key, delivery_id, d.contact_id, NULL::bytea AS body, checks AS texts,
        {OF_DELIVERY} AS theirs
    FROM verdicts JOIN deliveries d USING (delivery_id)
    WHERE delivery_id > $6 AND delivery_id <= $7 AND {IN_LOCATION} AND cardinality($4::text[]) >= 0
        AND ({OF_DELIVERY} OR {_said("checks::text")})
"""  # noqa: S608 (no value in it)

IN_STEPS = f"""
    SELECT step_id::text AS key, delivery_id, contact_id, NULL::bytea AS body,
        jsonb_build_array(sentence, reason, operation, meant) AS texts,
        ({OF_DELIVERY} OR contact_id = ANY($4::text[])) IS TRUE AS theirs
    FROM steps WHERE delivery_id > $6 AND delivery_id <= $7 AND {IN_LOCATION} AND (
        {OF_DELIVERY} OR contact_id = ANY($4::text[])
        OR {_said("concat_ws(' ', sentence, reason, operation, meant)")}
    )
"""  # noqa: S608 (no value in it)

IN_CALLS = f"""
    SELECT call_id::text AS key, delivery_id, d.contact_id, NULL::bytea AS body,
        jsonb_build_array(request, answer, error) AS texts, {OF_DELIVERY} AS theirs
    FROM calls c LEFT JOIN deliveries d USING (delivery_id)
    WHERE delivery_id > $6 AND delivery_id <= $7 AND ($5::text IS NULL OR c.location_id = $5)
        AND cardinality($4::text[]) >= 0 AND ({OF_DELIVERY} OR {_said("concat_ws(' ', request, answer, error)")})
"""  # noqa: S608 (no value in it)

OF_DELIVERIES: Mapping[str, str] = {"verdicts": IN_VERDICTS, "steps": IN_STEPS, "calls": IN_CALLS}
"""What came of deliveries. $3 are deliveries that are theirs, $4 contacts."""


def _elsewhere(table: str, key: str, theirs: str, *texts: str, body: str = "NULL::bytea") -> str:
    """$6 are deliveries that are theirs."""
    escaped = f"position('\\' IN encode({body}, 'escape')) > 0 AND cardinality($1::text[]) > 0"
    said = _said(f"concat_ws(' ', encode({body}, 'escape'), {', '.join(texts)})")
    return f"""
        SELECT {key} AS key, NULL::uuid AS delivery_id, NULL::text AS contact_id, {body} AS body,
            jsonb_build_array({", ".join(texts)}) AS texts, ({theirs}) IS TRUE AS theirs
        FROM {table} WHERE cardinality($3::text[]) + cardinality($4::text[]) + cardinality($6::uuid[]) >= 0
            AND {IN_LOCATION} AND ({theirs} OR {escaped} OR {said})
    """  # noqa: S608 (no value in it)


OF_THEIR_DELIVERY = "delivery_id = ANY($6::uuid[])"

IN_APPOINTMENTS = _elsewhere(
    "appointments", "location_id || ' ' || appointment_id", "contact_id = ANY($3::text[])", "booking", "ours", "told"
)
# Of a table of their own, so that a contact's id is not taken for that of whose row it is.
IN_CONTACTS = _elsewhere("contacts", "location_id || ' ' || contact_id", "contact_id = ANY($3::text[])", "contact_id")
IN_FOLLOWS = _elsewhere("follows", "follow_id::text", "appointment_id = ANY($4::text[])", "title", "block")
IN_TIMERS = _elsewhere("timers", "timer_id::text", THEIR_BOOKING, "moment", "reason")
IN_RECONCILIATIONS = _elsewhere(
    "reconciliations", "reconciliation_id::text", THEIR_BOOKING, "news", body="COALESCE(body, '')"
)
IN_ALERTS = _elsewhere("alerts", "alert_id::text", f"{OF_THEIR_DELIVERY} AND text <> 'erased'", "text")
IN_INTERVENTIONS = _elsewhere(
    "(SELECT *, NULL::text AS location_id FROM interventions) AS interventions",
    "intervention_id::text",
    f"{OF_THEIR_DELIVERY} AND what <> 'erased'",
    "what",
)
IN_MARKS = _elsewhere("marks", "location_id || ' ' || rule || ' ' || mark", "false", "mark")
IN_LANES = _elsewhere("lanes", "lane_id::text", "false", "subject")
# HighLevel's are numbers of its own; what another system calls its events may be anything.
IN_KEYS = _elsewhere(
    "(SELECT k.*, location_id FROM delivery_keys k LEFT JOIN deliveries USING (delivery_id)) AS delivery_keys",
    "source || ' ' || key",
    f"{OF_THEIR_DELIVERY} AND source <> 'highlevel' AND key NOT LIKE 'erased:%'",
    "key",
)
IN_RULEBOOKS = _elsewhere("rulebooks", "rulebook_id::text", "false", "files", "message")

ELSEWHERE: Mapping[str, str] = {
    "timers": IN_TIMERS,
    "reconciliations": IN_RECONCILIATIONS,
    "appointments": IN_APPOINTMENTS,
    "contacts": IN_CONTACTS,
    "follows": IN_FOLLOWS,
    "alerts": IN_ALERTS,
    "interventions": IN_INTERVENTIONS,
    "marks": IN_MARKS,
    "lanes": IN_LANES,
    "delivery_keys": IN_KEYS,
    "rulebooks": IN_RULEBOOKS,
}

BOOKINGS = """
    SELECT appointment_id FROM appointments
    WHERE contact_id = ANY($1::text[]) AND ($2::text IS NULL OR location_id = $2)
    UNION
    SELECT appointment_id FROM deliveries d
    WHERE contact_id = ANY($1::text[]) AND appointment_id IS NOT NULL AND ($2::text IS NULL OR location_id = $2)
        AND NOT EXISTS (
            SELECT FROM appointments a WHERE a.location_id = d.location_id AND a.appointment_id = d.appointment_id
                AND a.contact_id <> ALL($1::text[])
        )
"""

OF_LOCATIONS = (
    "locations",
    "deliveries",
    "lanes",
    "appointments",
    "contacts",
    "follows",
    "reconciliations",
    "marks",
    "timers",
    "calls",
)
REMEMBERED = "SELECT " + " OR ".join(f"EXISTS (SELECT FROM {each} WHERE location_id = $1)" for each in OF_LOCATIONS)  # noqa: S608

KEYS: Mapping[str, str] = {
    "deliveries": "delivery_id::text",
    "verdicts": "delivery_id || ' ' || place",
    "steps": "step_id::text",
    "calls": "call_id::text",
    "timers": "timer_id::text",
    "reconciliations": "reconciliation_id::text",
    "appointments": "location_id || ' ' || appointment_id",
    "contacts": "location_id || ' ' || contact_id",
    "follows": "follow_id::text",
    "alerts": "alert_id::text",
    "interventions": "intervention_id::text",
    "marks": "location_id || ' ' || rule || ' ' || mark",
    "lanes": "lane_id::text",
    "delivery_keys": "source || ' ' || key",
}

Found: TypeAlias = Mapping[str, Sequence[str]]
"""Keys of rows, by their table."""


@dataclass(frozen=True)
class Sought:
    """Everything that a row is theirs by. `beside`: contacts whose rows only mention the address."""

    person: Person
    location_id: str | None = None
    contacts: frozenset[str] = frozenset()
    appointments: frozenset[str] = frozenset()
    beside: frozenset[str] = frozenset()
    needles: Sequence[Person] = field(default=(), repr=False)

    @classmethod
    def by(
        cls, person: Person, location_id: str | None, contacts: frozenset[str], appointments: frozenset[str]
    ) -> "Sought":
        alone = person.kind == "contact"
        needles = [*([] if alone else [person]), *people(sorted(contacts | ({person.asked} if alone else set())))]
        return cls(person, location_id, contacts, appointments, needles=needles)

    def words(self) -> tuple[list[str], str | None]:
        return [needle.word for needle in self.needles if needle.word], self.person.digits

    def says(self, row: Mapping[str, Any]) -> bool:
        """Whether a row is theirs, looked at closely."""
        return row["theirs"] or any(needle.mentioned_in(*_values(row)) for needle in self.needles)


async def remembered(connection: Connection, location_id: str) -> bool:
    """Whether a location is registered, or something of it is kept."""
    return bool(await connection.fetchval(REMEMBERED, location_id, timeout=PATIENCE))


async def sought(connection: Connection, person: Person, location_id: str | None) -> Sought:
    """Find out which contacts somebody is, and which bookings are theirs."""
    contacts: frozenset[str] = frozenset({person.asked}) if person.kind == "contact" else frozenset()
    beside: set[str] = set()
    if person.kind != "contact":
        alone = Sought.by(person, location_id, frozenset(), frozenset())
        async for first, last in windows(connection):
            for rows in (await looked(connection, alone, first, last)).values():
                for row in rows:
                    contacts |= person.owners(row["contact_id"], *_values(row))
                    beside |= {row["contact_id"]} - {None}
    booked = await connection.fetch(BOOKINGS, sorted(contacts), location_id, timeout=PATIENCE)
    found = Sought.by(person, location_id, contacts, frozenset(row["appointment_id"] for row in booked))
    return Sought(**{**vars(found), "beside": frozenset(beside) - contacts})


async def windows(connection: Connection) -> AsyncIterator[tuple[UUID, UUID]]:
    """After which delivery, and up to which."""
    first = FIRST
    while first < LAST:
        last = await connection.fetchval(EDGE, first, WINDOW - 1) or LAST
        yield first, last
        first = last


async def looked(connection: Connection, who: Sought, first: UUID, last: UUID) -> dict[str, list[Mapping[str, Any]]]:
    """Rows of a window that are theirs, by their table."""
    words, digits = who.words()
    contacts, place = sorted(who.contacts), who.location_id

    async def rows(statement: str, *mine: Any) -> list[Mapping[str, Any]]:
        found = await connection.fetch(statement, words, digits, *mine, place, first, last, timeout=PATIENCE)
        return [row for row in found if who.says(row)]

    found = {"deliveries": await rows(IN_DELIVERIES, contacts, sorted(who.appointments))}
    theirs = [row["delivery_id"] for row in found["deliveries"]]
    for table, statement in OF_DELIVERIES.items():
        found[table] = await rows(statement, theirs, contacts)
    return found


async def elsewhere(connection: Connection, who: Sought, deliveries: Sequence[UUID]) -> dict[str, list[str]]:
    """Keys of what is theirs besides deliveries and what came of them; `deliveries` are theirs."""
    words, digits = who.words()
    values = (words, digits, sorted(who.contacts), sorted(who.appointments), who.location_id, deliveries)
    found: dict[str, list[str]] = {}
    for table, statement in ELSEWHERE.items():
        rows = await connection.fetch(statement, *values, timeout=PATIENCE)
        found[table] = [row["key"] for row in rows if who.says(row)]
    return found


async def find(connection: Connection, who: Sought) -> Found:
    """All that is theirs."""
    found: dict[str, list[str]] = {}
    async for first, last in windows(connection):
        for table, rows in (await looked(connection, who, first, last)).items():
            found.setdefault(table, []).extend(row["key"] for row in rows)
    return found | await elsewhere(connection, who, [UUID(key) for key in found["deliveries"]])


async def export(connection: Connection, found: Found) -> dict[str, list[dict[str, Any]]]:
    """The rows themselves, by their table, ready for JSON."""
    shown: dict[str, list[dict[str, Any]]] = {}
    for table, keys in found.items():
        if keys and table in KEYS:
            statement = f"SELECT to_jsonb(t) AS row, to_jsonb(t)->>'body' IS NOT NULL AS bodied FROM {table} t"  # noqa: S608 (names of ours)
            statement += f" WHERE {KEYS[table]} = ANY($1::text[]) ORDER BY {KEYS[table]}"
            rows = await connection.fetch(statement, keys, timeout=PATIENCE)
            shown[table] = [_readable(row["row"]) if row["bodied"] else row["row"] for row in rows]
    return shown


def _readable(row: dict[str, Any]) -> dict[str, Any]:
    raw = bytes.fromhex(row["body"].removeprefix("\\x"))
    try:
        return {**row, "body": json.loads(raw)}
    except ValueError:
        return {**row, "body": raw.decode(errors="replace")}


def _values(row: Mapping[str, Any]) -> tuple[Any, ...]:
    return (row["texts"],) if row["body"] is None else (row["body"], row["texts"])
