"""Overview: what needs a person now, who works on what, and what is left of the day's budgets."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from service.store import alerts, held
from service.store.database import Connection
from service.store.held import Held

Row = Mapping[str, Any]

NOTABLE = ("failed", "unknown", "parked")
"""States of steps that nothing but a person will change."""

LONGEST = 20
"""Rows of each list: what is beyond it the history shows."""

ALERTED = timedelta(days=1)
"""For so long an alert is shown after it was last raised."""

COUNTED = 1000
"""As far as is counted: beyond it a number says no more."""

WAITING = "SELECT count(*) AS number, min(received_at) AS oldest FROM deliveries WHERE state IN ('waiting', 'judged')"

# What is held back is so whatever else it waits for.
WAITING_FOR = """
    WITH held AS MATERIALIZED (
        SELECT DISTINCT ON (location_id) location_id, scope || ' ' || kind AS held_by FROM holds
        WHERE scope IN ('all', 'location') AND (until IS NULL OR until > now())
        ORDER BY location_id, kind = 'budget', kind
    )
    SELECT COALESCE(everything.held_by, mine.held_by) AS held_by,
        CASE WHEN everything.held_by IS NULL AND mine.held_by IS NULL THEN d.waits_for ELSE '' END AS waits_for,
        count(*) AS number, min(received_at) AS oldest
    FROM deliveries d LEFT JOIN held mine ON mine.location_id = d.location_id
        LEFT JOIN held everything ON everything.location_id = ''
    WHERE d.state IN ('waiting', 'judged')
    GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2 LIMIT $1
"""

OLDEST_WAITING = f"""
    SELECT d.delivery_id, d.received_at, d.state, d.reason, d.waits_for, d.next_at, d.appointment_id, d.location_id,
        l.name AS location_name, l.time_zone, {held.OF_DELIVERY} AS held_by
    FROM deliveries d LEFT JOIN locations l USING (location_id)
    WHERE d.state IN ('waiting', 'judged')
    ORDER BY d.received_at, d.delivery_id LIMIT $1
"""  # noqa: S608 (no value in it)

STANDING = """
    SELECT d.delivery_id, d.received_at, d.state, d.reason, d.waits_for, d.appointment_id, d.location_id,
        l.name AS location_name, l.time_zone
    FROM deliveries d LEFT JOIN locations l USING (location_id)
    WHERE d.state = $1
    ORDER BY d.delivery_id DESC LIMIT $2
"""

STANDING_NUMBER = "SELECT count(*) FROM (SELECT FROM deliveries WHERE state = $1 LIMIT $2) AS standing"

# Each state by itself, or the newest of a few could only be found by sorting all of them.
STEPS = """
    SELECT s.step_id, s.delivery_id, s.rule, s.action, s.state, s.sentence, s.reason, s.appointment_id, s.location_id,
        COALESCE(s.finished_at, s.planned_at) AS since, l.name AS location_name, l.time_zone
    FROM steps s LEFT JOIN locations l USING (location_id)
    WHERE s.state = $1 AND s.state IN ('failed', 'unknown', 'parked')
    ORDER BY s.step_id DESC LIMIT $2
"""

STEPS_NUMBER = """
    SELECT count(*) FROM (
        SELECT FROM steps WHERE state = $1 AND state IN ('failed', 'unknown', 'parked') LIMIT $2
    ) AS notable
"""

LANES = """
    SELECT n.lane_id, n.subject, n.location_id, n.worker, n.lease_until, n.lease_until < clock_timestamp() AS lapsed,
        o.delivery_id, l.name AS location_name, l.time_zone
    FROM lanes n LEFT JOIN locations l USING (location_id)
        LEFT JOIN LATERAL (
            SELECT delivery_id FROM deliveries d
            WHERE d.lane_id = n.lane_id AND d.state IN ('waiting', 'judged') ORDER BY d.arrival LIMIT 1
        ) AS o ON true
    WHERE n.ready_at IS NOT NULL AND n.worker IS NOT NULL
    ORDER BY n.lease_until, n.lane_id LIMIT $1
"""

READY = f"""
    SELECT count(*) AS number, min(ready_at) AS oldest FROM lanes
    WHERE ready_at <= now() AND (lease_until IS NULL OR lease_until < now()) AND {held.LANE_IS_NOT}
"""  # noqa: S608

BUDGETS = """
    SELECT b.location_id, b.burst_left, b.burst_limit, b.day_left, b.day_limit, b.seen_at, l.name AS location_name,
        l.time_zone
    FROM budgets b LEFT JOIN locations l USING (location_id)
    ORDER BY b.day_left NULLS LAST, b.location_id LIMIT $1
"""

IGNORED = "SELECT reason, times FROM ignored_counts WHERE day = current_date ORDER BY times DESC, reason LIMIT $1"

LOCATIONS = """
    SELECT l.location_id, l.name, l.time_zone, l.mode, l.connected_at, r.location_id IS NOT NULL AS own, r.version,
        r.message, r.applied_at, (
            SELECT count(*) FROM reconciliations f WHERE f.location_id = l.location_id AND f.state = 'waiting'
        ) AS proposals
    FROM locations l LEFT JOIN LATERAL (
        SELECT location_id, version, message, applied_at FROM rulebooks b
        WHERE b.location_id IS NULL OR b.location_id = l.location_id AND NOT (
            SELECT shared FROM rulebooks n WHERE n.location_id = l.location_id ORDER BY version DESC LIMIT 1
        )
        ORDER BY b.location_id IS NULL, version DESC LIMIT 1
    ) AS r ON true
    ORDER BY l.name, l.location_id LIMIT $1
"""

PROPOSALS_NUMBER = """
    SELECT count(*) FROM (SELECT FROM reconciliations WHERE state = 'waiting' LIMIT $1) AS proposed
"""

ALERTS_NUMBER = """
    SELECT count(*) FROM (SELECT FROM alerts WHERE last_at > now() - $1::interval LIMIT $2) AS alerted
"""

CHOICES = "SELECT location_id, name, time_zone FROM locations ORDER BY name, location_id LIMIT $1"


@dataclass(frozen=True)
class Notable:
    """Steps in a state that needs a person: how many, COUNTED at most, and the newest of them."""

    state: str
    number: int
    newest: list[Row]


@dataclass(frozen=True)
class Overview:
    """How things stand. `waiting_for` tells apart what open deliveries wait for; nothing where they just have to be
    taken up. Each number with a list beside it is COUNTED at most."""

    held: list[Held]
    held_number: int
    alerts: list[Row]
    alerts_number: int
    waiting: int
    oldest: datetime | None
    waiting_for: list[Row]
    oldest_waiting: list[Row]
    failed_number: int
    failed: list[Row]
    parked_number: int
    parked: list[Row]
    proposals_number: int
    """Bookings that no webhook told of and that wait for approval."""
    steps: list[Notable]
    lanes: list[Row]
    ready: int
    ready_since: datetime | None
    budgets: list[Row]
    ignored: list[Row]
    locations: list[Row]


async def now(connection: Connection) -> Overview:
    """All of it at one moment."""
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        waiting = await connection.fetchrow(WAITING)
        ready = await connection.fetchrow(READY)
        assert waiting is not None
        assert ready is not None
        return Overview(
            held=await held.shown(connection, LONGEST),
            held_number=await held.number(connection, COUNTED),
            alerts=[*await alerts.latest(connection, ALERTED, LONGEST)],
            alerts_number=await connection.fetchval(ALERTS_NUMBER, ALERTED, COUNTED),
            waiting=waiting["number"],
            oldest=waiting["oldest"],
            waiting_for=_in_words(await _rows(connection, WAITING_FOR, LONGEST)),
            oldest_waiting=_in_words(await _rows(connection, OLDEST_WAITING, LONGEST)),
            failed_number=await connection.fetchval(STANDING_NUMBER, "failed", COUNTED),
            failed=await _rows(connection, STANDING, "failed", LONGEST),
            parked_number=await connection.fetchval(STANDING_NUMBER, "parked", COUNTED),
            parked=await _rows(connection, STANDING, "parked", LONGEST),
            proposals_number=await connection.fetchval(PROPOSALS_NUMBER, COUNTED),
            steps=[await _notable(connection, state) for state in NOTABLE],
            lanes=await _rows(connection, LANES, LONGEST),
            ready=ready["number"],
            ready_since=ready["oldest"],
            budgets=await _rows(connection, BUDGETS, LONGEST),
            ignored=await _rows(connection, IGNORED, LONGEST),
            locations=await _rows(connection, LOCATIONS, COUNTED),
        )


async def choices(connection: Connection) -> list[Row]:
    """The registered locations, to choose one from."""
    return await _rows(connection, CHOICES, COUNTED)


async def _notable(connection: Connection, state: str) -> Notable:
    number = await connection.fetchval(STEPS_NUMBER, state, COUNTED)
    return Notable(state, number, await _rows(connection, STEPS, state, LONGEST))


async def _rows(connection: Connection, statement: str, *values: Any) -> list[Row]:
    return [dict(row) for row in await connection.fetch(statement, *values)]


def _in_words(rows: Sequence[Row]) -> list[Row]:
    return [{**row, "held_by": held.waits(row["held_by"])} for row in rows]
