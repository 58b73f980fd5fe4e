"""Alerts: what somebody should look at. The same of one rule and kind within a quarter of an hour is one, counted."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from service.store.database import Connection
from service.store.identifiers import new_id
from service.store.ledger import Entry, Sheet

TOGETHER = timedelta(minutes=15)

# Two at once that find none yet agree on the id of the new one, and the second counts it.
RAISE = Sheet(
    85,
    """
    WITH new AS (
        SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::uuid[])
            AS new (alert_id, location_id, rule, kind, text, delivery_id)
    ),
    first AS (SELECT DISTINCT ON (location_id, rule, kind) * FROM new ORDER BY location_id, rule, kind, alert_id),
    times AS (SELECT location_id, rule, kind, count(*)::int AS times FROM new GROUP BY location_id, rule, kind),
    known AS (
        UPDATE alerts SET times = alerts.times + times.times, last_at = clock_timestamp()
        FROM times
        WHERE alerts.alert_id = (
            SELECT alert_id FROM alerts latest
            WHERE latest.location_id = times.location_id AND latest.rule = times.rule AND latest.kind = times.kind
                AND latest.first_at > now() - interval '15 minutes' AND latest.text <> 'erased'
            ORDER BY first_at DESC LIMIT 1
        )
        RETURNING alerts.location_id, alerts.rule, alerts.kind
    )
    INSERT INTO alerts (alert_id, location_id, rule, kind, text, delivery_id, times)
    SELECT md5(concat_ws(' ', location_id, rule, kind, extract(epoch FROM now())::bigint / 900))::uuid,
        location_id, rule, kind, text, delivery_id, times
    FROM first JOIN times USING (location_id, rule, kind)
    WHERE NOT EXISTS (
        SELECT FROM known WHERE known.location_id = first.location_id AND known.rule = first.rule
            AND known.kind = first.kind
    )
    ON CONFLICT (alert_id) DO UPDATE SET times = alerts.times + excluded.times, last_at = clock_timestamp()
    """,
)

LATEST = """
    SELECT a.alert_id, a.location_id, a.rule, a.kind, a.text, a.delivery_id, a.times, a.first_at, a.last_at,
        l.name AS location_name, l.time_zone
    FROM alerts a LEFT JOIN locations l USING (location_id)
    WHERE a.last_at > now() - $1::interval ORDER BY a.last_at DESC LIMIT $2
"""


def raised(kind: str, text: str, *, location_id: str = "", rule: str = "", delivery_id: UUID | None = None) -> Entry:
    """`kind` is a word for what happened, such as `parked`; `text` is for whoever is on call and names no person."""
    alert_id = new_id()
    return Entry(RAISE, alert_id, (alert_id, location_id, rule, kind, text, delivery_id))


def missed(moment: str, location_id: str, rule: str, delivery_id: UUID) -> Entry:
    """That a rule was not asked at a moment that it waited for."""
    text = f"{moment}: the moment was missed"
    return raised("late", text, location_id=location_id, rule=rule, delivery_id=delivery_id)


async def latest(connection: Connection, within: timedelta, limit: int) -> list[Mapping[str, Any]]:
    """Those that were last raised within this time, the newest first."""
    return [dict(row) for row in await connection.fetch(LATEST, within, limit)]
