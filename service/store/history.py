"""History: what came, what was judged, what was done, for whoever reads it at three in the morning."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from service.store.database import Connection

HEXADECIMAL = re.compile(r"[0-9a-fA-F]{1,32}")

LIST = """
    SELECT delivery_id, received_at, source, event, location_id, appointment_id, state, reason, waits_for, triggers,
        ARRAY(SELECT rule FROM verdicts v WHERE v.delivery_id = d.delivery_id AND held ORDER BY place) AS held,
        COALESCE((
            SELECT jsonb_agg(jsonb_build_object(
                'rule', rule, 'action', action, 'state', state, 'sentence', sentence, 'reason', reason
            ) ORDER BY planned_at, place, part)
            FROM steps s WHERE s.delivery_id = d.delivery_id
        ), '[]') AS steps
    FROM deliveries d
    WHERE ($1::text IS NULL OR state = $1)
        AND ($2::text IS NULL OR EXISTS (
            SELECT FROM verdicts v WHERE v.delivery_id = d.delivery_id AND v.rule = $2
        ))
        AND ($3::text IS NULL OR appointment_id = $3 OR series_id = $3)
        AND ($4::timestamptz IS NULL OR received_at >= $4)
        AND ($5::text IS NULL OR EXISTS (
            SELECT FROM steps s WHERE s.delivery_id = d.delivery_id AND s.state = $5
        ))
    ORDER BY delivery_id DESC LIMIT $6
"""

BETWEEN = "SELECT delivery_id FROM deliveries WHERE delivery_id BETWEEN $1 AND $2 ORDER BY delivery_id LIMIT $3"

DELIVERY = """
    SELECT d.delivery_id, d.received_at, d.source, d.event, d.location_id, d.appointment_id, d.contact_id, d.state,
        d.reason, d.waits_for, d.attempts, d.triggers, d.was, d.booking, d.finished_at, d.body,
        l.time_zone, r.version AS rulebook_version, r.message AS rulebook_message
    FROM deliveries d LEFT JOIN locations l USING (location_id) LEFT JOIN rulebooks r USING (rulebook_id)
    WHERE d.delivery_id = $1
"""

VERDICTS = "SELECT place, rule, mode, held, checks FROM verdicts WHERE delivery_id = $1 ORDER BY place"

STEPS = """
    SELECT step_id, rule, place, part, action, state, sentence, reason, operation, written_id, planned_at, sent_at,
        attempts, next_at, finished_at
    FROM steps WHERE delivery_id = $1 ORDER BY planned_at, place, part
"""

CALLS = """
    SELECT call_id, step_id, operation, status, milliseconds, request, answer, error, called_at
    FROM calls WHERE delivery_id = $1 ORDER BY call_id
"""

OPEN = """
    SELECT (SELECT count(*) FROM deliveries WHERE state IN ('waiting', 'judged'))
        + (SELECT count(*) FROM steps WHERE state IN ('planned', 'sent', 'waiting'))
"""

LATEST = "SELECT max(arrival) FROM deliveries"


async def listed(
    connection: Connection,
    *,
    status: str | None = None,
    rule: str | None = None,
    appointment: str | None = None,
    since: datetime | None = None,
    step: str | None = None,
    limit: int = 50,
) -> list[dict[str, Any]]:
    """Deliveries, newest first, each with the rules that `held` and its `steps`.

    `rule` was judged, whether or not it held; `step` is the state of one of its steps.
    """
    return [dict(row) for row in await connection.fetch(LIST, status, rule, appointment, since, step, limit)]


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
        **dict(delivery),
        "verdicts": [dict(row) for row in await connection.fetch(VERDICTS, delivery_id)],
        "steps": [dict(row) for row in await connection.fetch(STEPS, delivery_id)],
        "calls": [dict(row) for row in await connection.fetch(CALLS, delivery_id)],
    }


async def open_work(connection: Connection) -> int:
    """How many deliveries and steps have not ended."""
    return int(await connection.fetchval(OPEN))


async def latest_arrival(connection: Connection) -> int:
    """The number of the newest delivery, 0 when there is none."""
    return int(await connection.fetchval(LATEST) or 0)
