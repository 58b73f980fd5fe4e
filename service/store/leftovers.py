"""Leftovers: what is dropped by age once its delivery is gone, or without ever having had one."""

from collections import Counter
from collections.abc import Mapping

from service.store.database import Connection
from service.store.keeping import (
    DROP_KEYS,
    MOVE,
    POSITION,
    Ages,
    Batch,
    Task,
    delete,
    first_id,
    ids_of,
    move,
    number,
    position,
)

NARROW = 500
"""Rows of a transaction: a row is all that goes."""

KEYS_NEXT = """
    SELECT delivery_id FROM delivery_keys WHERE delivery_id > $1 AND delivery_id < $2 ORDER BY delivery_id LIMIT $3
"""

CALLS_NEXT = "SELECT call_id, delivery_id FROM calls WHERE call_id > $1 AND call_id < $2 ORDER BY call_id LIMIT $3"

DROP_CALLS = "DELETE FROM calls WHERE call_id = ANY($1::uuid[])"

GONE = """
    SELECT asked.delivery_id FROM unnest($1::uuid[]) AS asked (delivery_id)
    WHERE NOT EXISTS (SELECT FROM deliveries WHERE deliveries.delivery_id = asked.delivery_id)
"""

APPOINTMENTS_NEXT = """
    SELECT location_id, appointment_id, (booking->>'ends')::timestamptz < $3 AND changed_at < $3 AS over
    FROM appointments WHERE (location_id, appointment_id) > ($1, $2)
    ORDER BY location_id, appointment_id LIMIT $4
"""

DROP_APPOINTMENTS = """
    WITH dropped AS (
        DELETE FROM appointments
        WHERE (location_id, appointment_id) IN (SELECT * FROM unnest($1::text[], $2::text[])) AND changed_at < $3
        RETURNING location_id, appointment_id
    ), left_behind AS (
        DELETE FROM follows USING dropped
        WHERE follows.location_id = dropped.location_id AND follows.appointment_id = dropped.appointment_id
    )
    SELECT count(*) FROM dropped
"""

# What was missed or is past was never laid again, and so is a timer that fired for as long as its row is there.
DROP_TIMERS = """
    DELETE FROM timers WHERE ctid IN (
        SELECT ctid FROM timers WHERE state <> 'waiting' AND ended_at < $1 AND due_at < $1 LIMIT $2
    )
"""

DROP_BURSTS = """
    DELETE FROM bursts WHERE ctid IN (
        SELECT ctid FROM bursts WHERE delivery_id IS NOT NULL AND due_at < $1 LIMIT $2
    )
"""

# As `workers.restraints.mark_of` writes them. What is marked once for a booking stays as long as last seen does, which
# is longer than the booking is ahead, and what is once for a day until that is over.
DROP_MARKS = """
    DELETE FROM marks WHERE ctid IN (
        SELECT ctid FROM marks WHERE marked_at < $1 AND CASE split_part(mark, ' ', 1)
            WHEN 'appointment' THEN NOT EXISTS (
                SELECT FROM appointments a
                WHERE a.location_id = marks.location_id AND a.appointment_id = substr(mark, length('appointment ') + 1)
            )
            WHEN 'series' THEN NOT EXISTS (
                SELECT FROM appointments a
                WHERE a.location_id = marks.location_id AND a.appointment_id = substr(mark, length('series ') + 1)
            ) AND NOT EXISTS (
                SELECT FROM appointments a
                WHERE a.location_id = marks.location_id AND a.series_id = substr(mark, length('series ') + 1)
            )
            WHEN 'day' THEN substr(mark, length('day ') + 1) < to_char($1::timestamptz, 'YYYY-MM-DD')
            ELSE true
        END LIMIT $2
    )
"""

DROP_CONTACTS = "DELETE FROM contacts WHERE ctid IN (SELECT ctid FROM contacts WHERE looked_at < $1 LIMIT $2)"

DROP_USES = "DELETE FROM uses WHERE ctid IN (SELECT ctid FROM uses WHERE used_at < $1 LIMIT $2)"

DROP_INTERVENTIONS = """
    DELETE FROM interventions WHERE ctid IN (
        SELECT ctid FROM interventions WHERE intervened_at < $1
            AND NOT EXISTS (SELECT FROM deliveries WHERE deliveries.delivery_id = interventions.delivery_id)
        LIMIT $2
    )
"""

DROP_ALERTS = "DELETE FROM alerts WHERE ctid IN (SELECT ctid FROM alerts WHERE last_at < $1 LIMIT $2)"

DROP_IGNORED_COUNTS = """
    DELETE FROM ignored_counts WHERE ctid IN (SELECT ctid FROM ignored_counts WHERE day < $1::timestamptz LIMIT $2)
"""

DROP_DULL_COUNTS = """
    DELETE FROM dull_counts WHERE ctid IN (SELECT ctid FROM dull_counts WHERE day < $1::timestamptz LIMIT $2)
"""

SMALL: Mapping[str, str] = {
    "timers": DROP_TIMERS,
    "bursts": DROP_BURSTS,
    "marks": DROP_MARKS,
    "contacts": DROP_CONTACTS,
    "uses": DROP_USES,
    "interventions": DROP_INTERVENTIONS,
    "alerts": DROP_ALERTS,
    "ignored_counts": DROP_IGNORED_COUNTS,
    "dull_counts": DROP_DULL_COUNTS,
}
"""Tables that are looked through whole, for what is as old as the acted may become."""


async def _keys(connection: Connection, ages: Ages) -> Batch:
    """Of deliveries that are gone; the others' go with them."""
    begin = await position(connection, "keys")
    ids = await ids_of(connection, KEYS_NEXT, begin, first_id(ages.keys), NARROW)
    if not ids:
        return Batch(False)
    await move(connection, "keys", ids[-1])
    gone = await ids_of(connection, GONE, ids)
    return Batch(len(ids) == NARROW, Counter(keys=await delete(connection, DROP_KEYS, gone)))


async def _calls(connection: Connection, ages: Ages) -> Batch:
    """Of what is no delivery, or is none any more."""
    rows = await connection.fetch(CALLS_NEXT, await position(connection, "calls"), first_id(ages.dull), NARROW)
    if not rows:
        return Batch(False)
    await move(connection, "calls", rows[-1]["call_id"])
    gone = frozenset(await ids_of(connection, GONE, sorted({row["delivery_id"] for row in rows})))
    ids = [row["call_id"] for row in rows if row["delivery_id"] in gone]
    return Batch(len(rows) == NARROW, Counter(calls=await delete(connection, DROP_CALLS, ids)))


async def _appointments(connection: Connection, ages: Ages) -> Batch:
    """Some of them each round, round and round; with what follows them."""
    place = await connection.fetchval(POSITION, "appointments") or ["", ""]
    rows = await connection.fetch(APPOINTMENTS_NEXT, *place, ages.acted, NARROW)
    more = len(rows) == NARROW
    last = [rows[-1]["location_id"], rows[-1]["appointment_id"]] if more else ["", ""]
    await connection.execute(MOVE, "appointments", last)
    over = [(row["location_id"], row["appointment_id"]) for row in rows if row["over"]]
    if not over:
        return Batch(False)
    dropped = await connection.fetchval(DROP_APPOINTMENTS, *map(list, zip(*over, strict=True)), ages.acted)
    return Batch(False, Counter(appointments=dropped))


def _small(table: str) -> Task:
    async def small(connection: Connection, ages: Ages) -> Batch:
        dropped = number(await connection.execute(SMALL[table], ages.acted, NARROW))
        return Batch(dropped == NARROW, Counter({table: dropped}))

    return small


TASKS: Mapping[str, Task] = {
    "keys": _keys,
    "calls": _calls,
    "appointments": _appointments,
    **{table: _small(table) for table in SMALL},
}
"""As those of `keeping`."""
