"""History: what came, what was judged, what was done, for whoever reads it at three in the morning."""

import base64
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from service.store import held, interventions
from service.store.database import Connection

HEXADECIMAL = re.compile(r"[0-9a-fA-F]{1,32}")

CLOCKS_APART = timedelta(hours=1)
"""An id and the time of receipt beside it are made a moment apart, by clocks that may be set."""

COLUMNS = f"""
    d.delivery_id, d.received_at, d.source, d.event, d.location_id, d.appointment_id, d.state, d.reason, d.waits_for,
    d.triggers, l.name AS location_name, l.time_zone, {held.OF_DELIVERY} AS held_by,
    ARRAY(SELECT rule FROM verdicts v WHERE v.delivery_id = d.delivery_id AND held ORDER BY place) AS held,
    COALESCE((
        SELECT jsonb_agg(jsonb_build_object(
            'rule', rule, 'action', action, 'state', state, 'sentence', sentence, 'reason', reason
        ) ORDER BY planned_at, place, part)
        FROM steps s WHERE s.delivery_id = d.delivery_id
    ), '[]') AS steps
"""  # noqa: S608 (no value in it)

CONDITIONS: Mapping[str, str] = {
    "status": "d.state = {}",
    "open": "d.state IN ('waiting', 'judged')",
    "rule": "EXISTS (SELECT FROM verdicts v WHERE v.delivery_id = d.delivery_id AND v.rule = {})",
    "step": "EXISTS (SELECT FROM steps s WHERE s.delivery_id = d.delivery_id AND s.state = {})",
    "appointment": "(d.appointment_id = {0} OR d.series_id = {0})",
    "location": "d.location_id = {}",
    "source": "d.source = {}",
    "since": "d.received_at >= {}",
    "until": "d.received_at < {}",
    "first": "d.delivery_id >= {}",
    "last": "d.delivery_id <= {}",
    "before": "d.delivery_id < {}",
    "after": "d.delivery_id > {}",
}
"""What may be asked of deliveries; each is written only where it is asked, so that its index serves it."""

BETWEEN = "SELECT delivery_id FROM deliveries WHERE delivery_id BETWEEN $1 AND $2 ORDER BY delivery_id LIMIT $3"

DELIVERY = f"""
    SELECT d.delivery_id, d.received_at, d.source, d.event, d.location_id, d.appointment_id, d.series_id, d.contact_id,
        d.state, d.reason, d.waits_for, d.next_at, d.attempts, d.triggers, d.was, d.booking, d.finished_at, d.body,
        l.name AS location_name, l.time_zone, r.version AS rulebook_version, r.message AS rulebook_message,
        {held.OF_DELIVERY} AS held_by
    FROM deliveries d LEFT JOIN locations l USING (location_id) LEFT JOIN rulebooks r USING (rulebook_id)
    WHERE d.delivery_id = $1
"""  # noqa: S608 (no value in it)

VERDICTS = "SELECT place, rule, mode, held, checks FROM verdicts WHERE delivery_id = $1 ORDER BY place"

STEPS = """
    SELECT step_id, rule, place, part, action, state, sentence, reason, operation, written_id, planned_at, sent_at,
        attempts, next_at, finished_at, meant->'candidates' AS candidates
    FROM steps WHERE delivery_id = $1 ORDER BY planned_at, place, part
"""

CALLS = """
    SELECT call_id, step_id, operation, status, milliseconds, request, answer, error, called_at
    FROM calls WHERE delivery_id = $1 ORDER BY call_id
"""

DECISIONS = """
    SELECT delivery_id, rule, action, state, sentence, reason, operation IS NOT NULL AS decided,
        sent_at IS NOT NULL AS sent, meant ? 'not_reached' AS not_reached
    FROM steps WHERE delivery_id = ANY($1::uuid[]) ORDER BY delivery_id, planned_at, place, part
"""

OPEN = """
    SELECT (SELECT count(*) FROM deliveries WHERE state IN ('waiting', 'judged'))
        + (SELECT count(*) FROM steps WHERE state IN ('planned', 'sent', 'waiting'))
"""

LATEST = "SELECT max(arrival) FROM deliveries"


def list_statement(conditions: Iterable[str], *, newest_first: bool = True) -> str:
    """Deliveries for which all of CONDITIONS named hold; $1 is how many, then come the values in their order.

    That how many is a parameter keeps Postgres from settling on one plan for all values: it would look for the few
    deliveries that failed among all that did not.
    """
    number, wanted = 1, []
    for name in conditions:
        number += "{" in CONDITIONS[name]
        wanted.append(CONDITIONS[name].format(f"${number}"))
    return f"""
        SELECT {COLUMNS} FROM deliveries d LEFT JOIN locations l USING (location_id)
        WHERE {" AND ".join(wanted) or "true"}
        ORDER BY d.delivery_id {"DESC" if newest_first else ""} LIMIT $1
    """  # noqa: S608 (no value in it)


async def listed(
    connection: Connection,
    *,
    status: str | None = None,
    rule: str | None = None,
    appointment: str | None = None,
    location: str | None = None,
    source: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    step: str | None = None,
    before: UUID | None = None,
    after: UUID | None = None,
    limit: int = 50,
) -> list[dict[str, Any]]:
    """Deliveries, newest first, each with the rules that `held`, its `steps`, and what it is `held_by`, if anything.

    `status` is a state, or `open` for what has not ended; `rule` was judged, whether or not it held; `step` is the
    state of one of its steps; `appointment` may be a series. Of what is `after` a delivery the next ones are given.
    """
    wanted: dict[str, Any] = {
        "open" if status == "open" else "status": status,
        "rule": rule,
        "appointment": appointment,
        "location": location,
        "source": source,
        "since": since,
        "first": since and _id_at(since - CLOCKS_APART),
        "until": until,
        "last": until and _id_at(until + CLOCKS_APART),
        "step": step,
        "before": before,
        "after": after,
    }
    asked = {name: value for name, value in wanted.items() if value is not None}
    values = [value for name, value in asked.items() if name != "open"]
    statement = list_statement(asked, newest_first=after is None)
    rows = [_in_words(row) for row in await connection.fetch(statement, limit, *values)]
    return rows if after is None else rows[::-1]


def _in_words(row: Mapping[str, Any]) -> dict[str, Any]:
    return {**row, "held_by": held.waits(row["held_by"])}


def _id_at(moment: datetime) -> UUID:
    """Before every id made from that moment on."""
    return UUID(int=max(0, int(moment.timestamp() * 1000)) << 80)


async def beginning_with(connection: Connection, prefix: str, *, limit: int) -> list[UUID]:
    """The ids of deliveries that begin so, oldest first. Raises ValueError when no id can begin so."""
    digits = prefix.replace("-", "")
    if not HEXADECIMAL.fullmatch(digits):
        raise ValueError(prefix)
    first, last = UUID(hex=digits.ljust(32, "0")), UUID(hex=digits.ljust(32, "f"))
    return [row["delivery_id"] for row in await connection.fetch(BETWEEN, first, last, limit)]


async def shown(connection: Connection, delivery_id: UUID) -> Mapping[str, Any] | None:
    """Everything that is known of one delivery; None when there is no such delivery."""
    delivery = await connection.fetchrow(DELIVERY, delivery_id)
    if delivery is None:
        return None
    return {
        **_in_words(delivery),
        "verdicts": [dict(row) for row in await connection.fetch(VERDICTS, delivery_id)],
        "steps": [dict(row) for row in await connection.fetch(STEPS, delivery_id)],
        "calls": [dict(row) for row in await connection.fetch(CALLS, delivery_id)],
        "interventions": await interventions.of_delivery(connection, delivery_id),
    }


async def decisions(connection: Connection, deliveries: Sequence[UUID]) -> dict[UUID, list[Mapping[str, Any]]]:
    """The steps of deliveries, as far as it matters for what somebody may do to them: whether it was `decided` what
    they send, whether it was `sent` and may be in the world, and whether they were just `not_reached`."""
    found: dict[UUID, list[Mapping[str, Any]]] = {delivery_id: [] for delivery_id in deliveries}
    for row in await connection.fetch(DECISIONS, list(deliveries)):
        found[row["delivery_id"]].append(dict(row))
    return found


def with_body(shown: Mapping[str, Any]) -> dict[str, Any]:
    """For JSON, with the body byte for byte: as text where it is UTF-8, else in base64."""
    fields = dict(shown)
    raw = fields.pop("body")
    try:
        return {**fields, "body": raw.decode()}
    except UnicodeDecodeError:
        return {**fields, "body_base64": base64.b64encode(raw).decode()}


def plain(value: Any) -> Any:
    """What JSON lacks, as text: ids, and moments in ISO 8601."""
    return value.isoformat() if isinstance(value, datetime) else str(value)


async def open_work(connection: Connection) -> int:
    """How many deliveries and steps have not ended."""
    return int(await connection.fetchval(OPEN))


async def latest_arrival(connection: Connection) -> int:
    """The number of the newest delivery, 0 when there is none."""
    return int(await connection.fetchval(LATEST) or 0)
