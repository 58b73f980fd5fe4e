"""The console's queries: each suits the schema, and none reads all that was ever kept."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from service.store import alerts, condition, held, history, interventions, notices, overview
from service.store.database import Pool
from service.store.identifiers import new_id
from tests.house import now

FILL = """
    INSERT INTO lanes (lane_id, location_id, subject)
        SELECT gen_random_uuid(), 'loc' || n % 40, 's' || n FROM generate_series(1, 5000) AS n;
    INSERT INTO deliveries (delivery_id, source, received_at, location_id, appointment_id, series_id, lane_id, state,
            body)
        SELECT gen_random_uuid(), 'highlevel', now() - random() * interval '365 days', location_id, subject,
            CASE WHEN subject LIKE '%7' THEN 'series' || subject END, lane_id, 'done', '{}'
        FROM lanes, generate_series(1, 6);
    UPDATE deliveries SET state = 'failed', source = 'rare' WHERE appointment_id LIKE 's12_';
    UPDATE deliveries SET state = 'waiting' WHERE appointment_id LIKE 's13_';
    INSERT INTO verdicts (delivery_id, place, rule, mode, held, checks)
        SELECT delivery_id, 0, CASE WHEN appointment_id LIKE 's14_' THEN 'rare' ELSE 'r' END, 'live', true, '[]'
        FROM deliveries;
    INSERT INTO steps (step_id, delivery_id, location_id, appointment_id, rule, place, part, action, state, sentence)
        SELECT gen_random_uuid(), delivery_id, location_id, appointment_id, 'r', 0, 0, 'a',
            CASE WHEN appointment_id LIKE 's15_' THEN 'unknown' ELSE 'done' END, 's'
        FROM deliveries;
    INSERT INTO alerts (alert_id, location_id, rule, kind, text, last_at)
        SELECT gen_random_uuid(), 'loc' || n % 40, 'r' || n, 'parked', 't', now() - n * interval '1 hour'
        FROM generate_series(1, 5000) AS n;
    INSERT INTO interventions (intervention_id, delivery_id, what, who)
        SELECT gen_random_uuid(), delivery_id, 'retry', 'ada' FROM deliveries;
    INSERT INTO holds (scope, location_id, kind)
        SELECT 'location', 'loc' || n, 'paused' FROM generate_series(1, 9) AS n;
    UPDATE lanes SET ready_at = now(), worker = 'w', lease_until = now() WHERE subject LIKE 's16_';
    ANALYZE;
"""

HALF_A_YEAR_AGO = now() - timedelta(days=180)
TABLES = ("deliveries", "steps", "verdicts", "lanes", "alerts", "interventions")
MIDDLE = UUID("80000000-0000-4000-8000-000000000000")

LISTS: list[tuple[dict[str, Any], str]] = [
    ({}, "deliveries_pkey"),
    ({"before": MIDDLE}, "deliveries_pkey"),
    ({"after": MIDDLE}, "deliveries_pkey"),
    ({"status": "failed"}, "deliveries_by_state"),
    ({"status": "parked"}, "deliveries_by_state"),
    ({"status": "failed", "before": MIDDLE}, "deliveries_by_state"),
    ({"open": None}, "deliveries_"),
    ({"rule": "rare"}, "verdicts_by_rule"),
    ({"rule": "r"}, "deliveries_pkey"),
    ({"step": "unknown"}, "steps_of_note"),
    ({"step": "done"}, "deliveries_pkey"),
    ({"appointment": "s77"}, "deliveries_of_appointment"),
    ({"appointment": "seriess77"}, "deliveries_of_series"),
    ({"location": "loc7"}, "deliveries_by_location"),
    ({"source": "rare"}, "deliveries_by_source"),
    ({"since": HALF_A_YEAR_AGO, "first": MIDDLE}, "deliveries_pkey"),
    ({"until": HALF_A_YEAR_AGO, "last": MIDDLE}, "deliveries_pkey"),
]

PARTS: list[tuple[str, list[Any], str]] = [
    (overview.WAITING, [], "deliveries_"),
    (overview.WAITING_FOR, [20], "deliveries_"),
    (overview.OLDEST_WAITING, [20], "deliveries_"),
    (overview.STANDING, ["failed", 20], "deliveries_by_state"),
    (overview.STANDING, ["parked", 20], "deliveries_by_state"),
    (overview.STANDING_NUMBER, ["parked", 1000], "deliveries_by_state"),
    (overview.ALERTS_NUMBER, [overview.ALERTED, 1000], "alerts_by_time"),
    (alerts.LATEST, [overview.ALERTED, 20], "alerts_by_time"),
    (notices.NEXT, ["sentry", ["urgent"], ["Europe/London"], *[timedelta(days=1)] * 3, MIDDLE], "alerts_by_time"),
    (condition.ALERTS, [], "alerts_by_time"),
    (held.SHOWN, [20], "holds"),
    (held.NUMBER, [1000], "holds"),
    (history.DECISIONS, [[MIDDLE]], "steps_delivery_id_rule_place_part_key"),
    (interventions.OF_DELIVERY, [MIDDLE], "interventions_by_delivery"),
    (overview.STEPS, ["unknown", 20], "steps_of_note"),
    (overview.STEPS_NUMBER, ["unknown", 1000], "steps_of_note"),
    (overview.LANES, [20], "lanes_ready"),
    (overview.READY, [], "lanes_ready"),
]


@pytest.fixture
async def filled(pool: Pool) -> Pool:
    """A year of forty busy salons."""
    async with pool.acquire() as connection:
        await connection.execute(FILL)
    return pool


async def test_every_list_suits_the_schema(pool: Pool) -> None:
    async with pool.acquire() as connection:
        for names in (history.CONDITIONS, *([name] for name in history.CONDITIONS)):
            await connection.prepare(history.list_statement(names))
            await connection.prepare(history.list_statement(names, newest_first=False))


async def test_no_page_reads_all_that_was_ever_kept(filled: Pool) -> None:
    async with filled.acquire() as connection:

        async def plan(statement: str, *values: Any) -> str:
            rows = await connection.fetch(f"EXPLAIN {statement}", *values)
            return "\n".join(row[0] for row in rows)

        for wanted, index in LISTS:
            values = [value for value in wanted.values() if value is not None]
            statement = history.list_statement(wanted, newest_first="after" not in wanted)
            told = await plan(statement, 51, *values)
            assert index in told, (wanted, told)
            assert not any(f"Seq Scan on {table}" in told for table in TABLES), told
        for statement, values, index in PARTS:
            told = await plan(statement, *values)
            assert index in told, told
            assert not any(f"Seq Scan on {table}" in told for table in TABLES), told


async def test_each_list_is_planned_for_what_it_asks_for_however_often_another_was_asked(filled: Pool) -> None:
    async with filled.acquire() as connection:
        for _ in range(12):
            await history.listed(connection, status="failed")
        plans = await connection.fetch(
            "SELECT generic_plans, custom_plans FROM pg_prepared_statements WHERE statement LIKE '%d.state' || ' = $%'"
        )
        assert [tuple(row) for row in plans] == [(0, 12)]


async def test_an_id_is_made_when_its_delivery_is_received(pool: Pool) -> None:
    """What `since` and `until` go by; clocks may be an hour apart."""
    before = datetime.now(UTC) - timedelta(seconds=1)
    made = new_id()
    after = datetime.now(UTC) + timedelta(seconds=1)
    assert history._id_at(before) < made < history._id_at(after)
    assert history._id_at(datetime(1969, 1, 1, tzinfo=UTC)) == UUID(int=0)
