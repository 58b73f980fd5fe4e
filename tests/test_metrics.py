"""Numbers: what is counted, left and waiting, as /metrics shows it."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import get_args

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from prometheus_client.parser import text_string_to_metric_families

from service import embedded
from service.console.metrics import COUNTERS, Metrics
from service.console.record import Record
from service.embedded import Servers
from service.receiver.door import UNKNOWN
from service.store import gauges, holds, migrations, sources
from service.store.database import Pool
from service.store.tallies import Flush
from service.telemetry import Tally
from service.telemetry.tally import COUNTED
from tests.house import House, in_days, pool_of
from tests.sandboxes import LOCATION, PLENTY
from workers.actions import ACTIONS

NOW = datetime(2027, 3, 1, 12, tzinfo=UTC)


async def scraped(pool: Pool) -> tuple[int, str, str]:
    app = web.Application()
    app.router.add_get("/metrics", Metrics(Record(pool), "1.2.3").show)
    async with TestClient(TestServer(app)) as client, client.get("/metrics") as answer:
        return answer.status, answer.headers["Content-Type"], await answer.text()


async def numbers(pool: Pool) -> dict[tuple[str, ...], float]:
    """Every sample by its name and its labels' values, those in the order of the labels' names."""
    status, _, text = await scraped(pool)
    assert status == 200
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    return {(sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value for sample in samples}


@pytest.fixture
def own_servers(tmp_path: Path) -> Iterator[Servers]:
    """Servers of this test's own, to be stopped and started."""
    with embedded.servers(tmp_path / "own") as running:
        migrations.migrate(running.database_url)
        yield running


def test_every_counter_is_shown() -> None:
    assert set(COUNTERS) == {name for name in COUNTED if not name.startswith("call_seconds")}


RULE = """
  - name: note
    mode: live
    when: appointment.created
    then: [{do: add_note, text: seen}]
"""


async def test_a_delivery_is_seen_in_every_number_that_it_touches(house: House) -> None:
    await house.rules(RULE)
    before = await numbers(house.pool)
    assert before["slotwright_deliveries_total", "done"] == 0
    assert before["slotwright_leases_taken_over_total",] == 0
    assert before["slotwright_unexpected_errors_total", "work"] == 0
    await house.book(in_days(30, "18:00"))
    await house.settled()
    await Flush(house.pool, house.work.tally).once()
    after = await numbers(house.pool)
    assert after["slotwright_deliveries_total", "done"] >= 1
    assert after["slotwright_arrivals_total", "accepted", "highlevel"] == after["slotwright_deliveries_total", "done"]
    assert after["slotwright_steps_total", "add_note", "done"] == 1
    assert after["slotwright_calls_total", "CreateNote", "2xx"] == 1
    buckets = [value for key, value in after.items() if key[::2] == ("slotwright_call_seconds_bucket", "CreateNote")]
    assert len(buckets) == 9
    assert buckets == sorted(buckets)
    assert buckets[-1] == after["slotwright_call_seconds_count", "CreateNote"] == 1
    assert after["slotwright_call_seconds_sum", "CreateNote"] > 0
    spent = len(await house.call("GET", "/_sandbox/calls"))
    assert PLENTY.burst - spent <= after["slotwright_budget_left", LOCATION, "10s"] <= PLENTY.burst
    assert PLENTY.daily - spent <= after["slotwright_budget_left", LOCATION, "day"] < PLENTY.daily
    assert after["slotwright_deliveries_waiting",] == 0
    assert after["slotwright_build_info", "1.2.3"] == 1


async def test_calls_are_told_apart_by_how_they_were_answered(pool: Pool) -> None:
    tally = Tally()
    for status in (200, 201, 404, 429, 502, None):
        tally.call("CreateNote", status, 0.3)
    tally.call("CreateNote", 200, 11)
    await Flush(pool, tally).once()
    found = await numbers(pool)
    classes = {key[2]: value for key, value in found.items() if key[0] == "slotwright_calls_total"}
    assert classes == {"2xx": 3, "4xx": 1, "429": 1, "5xx": 1, "none": 1}
    assert [found["slotwright_call_seconds_bucket", le, "CreateNote"] for le in ("0.25", "0.5", "10", "+Inf")] == [
        0, 6, 6, 7,
    ]  # fmt: skip


FILL = """
    INSERT INTO lanes (lane_id, location_id, subject)
        SELECT gen_random_uuid(), 'loc', 's' || n FROM generate_series(1, 5000) AS n;
    INSERT INTO deliveries (delivery_id, source, received_at, location_id, lane_id, state, body)
        SELECT gen_random_uuid(), 'highlevel', now(), 'loc', lane_id, 'done', '{}' FROM lanes, generate_series(1, 4);
    INSERT INTO steps (step_id, delivery_id, location_id, rule, place, part, action, state, sentence)
        SELECT gen_random_uuid(), delivery_id, 'loc', 'r', 0, 0, 'a', 'done', 's' FROM deliveries;
    UPDATE lanes SET ready_at = now() + interval '1 hour' WHERE subject LIKE 's2__';
    UPDATE lanes SET ready_at = now() - interval '1 minute', lease_until = now() + interval '1 hour'
        WHERE subject = 's300';
    UPDATE lanes SET ready_at = now() - interval '20 seconds' WHERE subject LIKE 's4_';
    UPDATE deliveries SET state = 'waiting', received_at = now() - interval '40 seconds' WHERE lane_id IN
        (SELECT lane_id FROM lanes WHERE subject LIKE 's4_');
    UPDATE steps SET state = 'sent' WHERE delivery_id IN (SELECT delivery_id FROM deliveries WHERE state = 'waiting');
    ANALYZE;
"""


async def test_gauges_are_read_from_indexes_of_what_is_open(pool: Pool) -> None:
    async with pool.acquire() as connection:
        await connection.execute(FILL)
        await connection.execute("VACUUM deliveries, steps, lanes")
        for statement, index in (
            (gauges.WAITING, "deliveries_by_state"),
            (gauges.READY, "lanes_ready"),
            (gauges.STEPS, "steps_open"),
        ):
            plan = "\n".join(row[0] for row in await connection.fetch(f"EXPLAIN {statement}"))
            assert index in plan or "deliveries_open" in plan, plan
            assert "Seq Scan" not in plan.replace("Seq Scan on holds", ""), plan
        found = await gauges.read(connection)
    assert (found.waiting, found.steps_open) == (40, {"sent": 40})
    assert 40 <= found.oldest_waiting < 100
    assert 20 <= found.oldest_ready < 60, "a lane that somebody works on, or whose time has not come, is not late"


async def test_no_worker_is_missed_for_what_is_held_back(pool: Pool) -> None:
    async with pool.acquire() as connection:
        await connection.execute(FILL)
        await holds.shut(connection, "location", "paused", location_id="loc", reason="")
        found = await gauges.read(connection)
        assert (found.oldest_ready, found.waiting, found.holds) == (0, 40, {"paused": 1})
        await holds.lift(connection, "location", ["paused"], location_id="loc")
        assert (await gauges.read(connection)).oldest_ready >= 20


async def test_a_schema_of_another_version_is_said_in_plain_words(pool: Pool) -> None:
    async with pool.acquire() as connection:
        await connection.execute("DROP TABLE tallies")
    status, _, text = await scraped(pool)
    assert (status, "slotwright migrate" in text) == (503, True)


async def test_an_empty_record_gives_numbers_too(pool: Pool) -> None:
    status, kind, _ = await scraped(pool)
    assert (status, kind) == (200, "text/plain; version=1.0.0; charset=utf-8")
    found = await numbers(pool)
    assert found["slotwright_oldest_ready_seconds",] == found["slotwright_oldest_waiting_seconds",] == 0
    assert found["slotwright_steps_open", "planned"] == 0


async def test_the_first_of_what_an_alert_asks_for_is_seen_as_a_rise(pool: Pool) -> None:
    """A series that begins with its first failure has not risen, as Prometheus sees it."""
    async with pool.acquire() as connection:
        await sources.add(
            connection, "front_desk", "external", secret=b"", locations=["loc"], paths={}, busy_status=429
        )
    found = await numbers(pool)
    for source in ("front_desk", "highlevel", UNKNOWN):
        assert found["slotwright_arrivals_total", "busy", source] == 0
        assert found["slotwright_arrivals_total", "refused", source] == 0
    for action in ACTIONS:
        [do] = get_args(action.model_fields["do"].annotation)
        assert found["slotwright_steps_total", do, "failed"] == found["slotwright_steps_total", do, "unknown"] == 0
    tally = Tally()
    tally.add("arrivals", source="front_desk", answer="busy")
    await Flush(pool, tally).once()
    assert (await numbers(pool))["slotwright_arrivals_total", "busy", "front_desk"] == 1


async def test_without_its_database_it_says_that_and_nothing_else(own_servers: Servers) -> None:
    async with pool_of(own_servers.database_url) as pool:
        there = await numbers(pool)
        assert (there["slotwright_build_info", "1.2.3"], there["slotwright_database_up",]) == (1, 1)
        own_servers.postgres.kill()
        status, kind, text = await scraped(pool)
    assert (status, kind) == (200, "text/plain; version=1.0.0; charset=utf-8")
    told = [line for line in text.splitlines() if not line.startswith("#")]
    assert told == ["slotwright_database_up 0.0", 'slotwright_build_info{version="1.2.3"} 1.0']
