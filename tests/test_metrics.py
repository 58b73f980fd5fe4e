"""Numbers: what every process counts is added up once, outlives them, and is read at /metrics."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from prometheus_client.parser import text_string_to_metric_families

from service import embedded
from service.console.metrics import COUNTERS, Metrics
from service.embedded import Servers
from service.highlevel.limits import Limits
from service.store import budgets, gauges, migrations, tallies
from service.store.database import Pool, prepare
from service.store.tallies import Flush, kept
from service.telemetry import Tally
from service.telemetry.tally import COUNTED, LONGEST_VALUE, MOST_SERIES, OTHER, Budget
from tests.house import House, in_days, pool_of
from tests.sandboxes import LOCATION
from tests.test_deliveries import rows

NOW = datetime(2027, 3, 1, 12, tzinfo=UTC)


async def counted(pool: Pool) -> dict[tuple[str, ...], float]:
    async with pool.acquire() as connection:
        every = await tallies.every(connection)
    return {(name, *(labels[label] for label in COUNTED[name])): value for name, labels, value in every}


async def scraped(pool: Pool) -> tuple[int, str, str]:
    app = web.Application()
    app.router.add_get("/metrics", Metrics(pool, "1.2.3").show)
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


async def test_what_many_processes_count_at_once_is_added_up(pool: Pool) -> None:
    """In whatever order each of them met the names: one that took the rows in its own order would deadlock."""
    actions = [f"action_{number}" for number in range(40)]

    async def process(number: int) -> None:
        tally = Tally()
        flush = Flush(pool, tally)
        for _ in range(10):
            for action in actions if number % 2 else reversed(actions):
                tally.add("steps", action=action, state="done")
            await flush.once()
        assert not flush.owed

    await asyncio.gather(*(process(number) for number in range(8)))
    assert await counted(pool) == {("steps", action, "done"): 80 for action in actions}


async def test_what_is_counted_is_kept_while_the_body_runs_and_at_its_end(
    pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tallies, "FLUSH_EVERY", 0.02)
    tally = Tally()
    async with kept(pool, tally):
        tally.add("leases_taken_over")
        async with asyncio.timeout(10):
            while not await counted(pool):
                await asyncio.sleep(0.01)
        monkeypatch.setattr(tallies, "FLUSH_EVERY", 60)
        tally.add("leases_taken_over", 2)
    assert await counted(pool) == {("leases_taken_over",): 3}


async def test_a_database_that_is_away_gets_the_counts_when_it_is_back(
    own_servers: Servers,
) -> None:
    tally = Tally()
    async with pool_of(own_servers.database_url) as pool:
        flush = Flush(pool, tally)
        tally.add("deliveries", outcome="done")
        tally.budget(Budget("here", NOW, 9, 100))
        own_servers.postgres.kill()
        for _ in range(3):
            await flush.once()
            tally.add("deliveries", outcome="done")
        status, _, text = await scraped(pool)
        assert (status, text) == (503, "The database is away, and with it all numbers.\n")
        own_servers.postgres.start()
        await flush.once()
        await flush.once()
        assert not flush.owed
        assert await counted(pool) == {("deliveries", "done"): 4}
        assert await rows(pool, "SELECT location_id, burst_left FROM budgets") == [("here", 9)]


@pytest.mark.parametrize("committed", [True, False])
async def test_a_commit_whose_answer_is_lost_adds_nothing_twice_and_loses_nothing(
    pool: Pool, database_url: str, committed: bool
) -> None:
    """The commit is held up inside the server; meanwhile the connection breaks."""
    async with pool.acquire() as connection:
        await connection.execute(
            """
            CREATE FUNCTION hold_up() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN PERFORM pg_advisory_xact_lock(7); RETURN NULL; END $$;
            CREATE CONSTRAINT TRIGGER hold_up AFTER INSERT ON tallies DEFERRABLE INITIALLY DEFERRED
            FOR EACH ROW EXECUTE FUNCTION hold_up();
            """
        )
        await connection.execute("SELECT pg_advisory_lock(7)")
        used: list[Any] = []

        async def remember(opened: Any) -> None:
            used.append(opened)
            await prepare(opened)

        async with asyncpg.create_pool(database_url, min_size=0, max_size=1, init=remember) as fragile:
            tally = Tally()
            tally.add("deliveries", outcome="done")
            flush = Flush(fragile, tally)
            task = asyncio.create_task(flush.once())
            waits = "SELECT pid FROM pg_stat_activity WHERE wait_event = 'advisory' AND datname = current_database()"
            async with asyncio.timeout(10):
                while not (held := await connection.fetchval(waits)):
                    await asyncio.sleep(0.01)
            if committed:
                used[0].terminate()
            else:
                await connection.execute("SELECT pg_terminate_backend($1)", held)
            await task
            await connection.execute("SELECT pg_advisory_unlock(7)")
            async with asyncio.timeout(10):
                while await connection.fetchval("SELECT count(*) FROM pg_stat_activity WHERE pid = $1", held):
                    await asyncio.sleep(0.01)
            assert await counted(pool) == ({("deliveries", "done"): 1} if committed else {})
            tally.add("deliveries", outcome="failed")
            await flush.once()
    assert await counted(pool) == {("deliveries", "done"): 1, ("deliveries", "failed"): 1}


def test_what_nobody_declared_is_not_counted() -> None:
    tally = Tally()
    for name, labels in (("visitors", {}), ("deliveries", {}), ("deliveries", {"outcome": "done", "name": "Ada"})):
        with pytest.raises(ValueError, match="not counted"):
            tally.add(name, 1, **labels)
    assert not tally.take()


def test_labels_that_somebody_makes_up_without_end_are_told_apart_only_so_far() -> None:
    tally = Tally()
    for number in range(MOST_SERIES + 500):
        tally.add("arrivals", source=f"s{number}\0" + "x" * 300, answer="refused")
    taken = tally.take()
    assert len(taken.values) == MOST_SERIES + 1
    assert taken.values["arrivals", (("source", OTHER), ("answer", OTHER))] == 500
    assert max(len(value) for _, labels in taken.values for _, value in labels) == LONGEST_VALUE
    assert not any("\0" in value for _, labels in taken.values for _, value in labels)


def test_every_counter_is_shown() -> None:
    assert set(COUNTERS) == {name for name in COUNTED if not name.startswith("call_seconds")}


async def test_a_budget_stays_as_it_was_seen_last(pool: Pool) -> None:
    async def keep(budget: Budget) -> list[Any]:
        async with pool.acquire() as connection:
            await budgets.keep(connection, [budget])
        return await rows(pool, "SELECT burst_left, burst_limit, day_left, day_limit FROM budgets")

    assert await keep(Budget("here", NOW, 97, 100, 5000, 200_000)) == [(97, 100, 5000, 200_000)]
    silent = Budget("here", NOW + timedelta(seconds=1), None, None, 4999, None)
    assert await keep(silent) == [(97, 100, 4999, 200_000)], "what it does not say stays"
    assert await keep(Budget("here", NOW, 1, 1, 1, 1)) == [(97, 100, 4999, 200_000)], "another process saw more"


async def test_a_window_that_has_passed_is_a_whole_one_again(pool: Pool) -> None:
    just = datetime.now(UTC)
    async with pool.acquire() as connection:
        await budgets.keep(
            connection,
            [
                Budget("busy", just, 3, 100, 7, 200),
                Budget("idle", just - timedelta(minutes=1), 3, 100, 7, 200),
                Budget("silent", just - timedelta(days=2), 3, None, 7, None),
            ],
        )
        assert await budgets.left(connection) == [("busy", 3, 7), ("idle", 100, 7), ("silent", None, None)]


@pytest.mark.parametrize(
    ("headers", "read"),
    [
        ({}, None),
        ({"X-RateLimit-Remaining": "97", "X-RateLimit-Max": "100"}, Limits(97, 100)),
        ({"X-RateLimit-Daily-Remaining": " 7 ", "X-RateLimit-Limit-Daily": "many"}, Limits(day_left=7)),
        ({"X-RateLimit-Remaining": "-3"}, Limits(0)),
        ({"X-RateLimit-Remaining": "9" * 15}, Limits(2**31 - 1)),
        ({"X-RateLimit-Remaining": "9" * 5000}, None),
        ({"X-RateLimit-Remaining": "٣", "X-RateLimit-Max": ""}, None),
    ],
)
def test_headers_about_limits_may_say_anything(headers: dict[str, str], read: Limits | None) -> None:
    assert Limits.read(headers) == read


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
    assert after["slotwright_budget_left", LOCATION, "10s"] in (97, 100)
    assert after["slotwright_budget_left", LOCATION, "day"] == 199_641
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
            assert "Seq Scan" not in plan, plan
        found = await gauges.read(connection)
    assert (found.waiting, found.steps_open) == (40, {"sent": 40})
    assert 40 <= found.oldest_waiting < 100
    assert 20 <= found.oldest_ready < 60, "a lane that somebody works on, or whose time has not come, is not late"


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
