"""Tallies and budgets: what every process counts is added up once, and outlives them all."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest

from service.embedded import Servers
from service.highlevel.limits import Limits
from service.store import budgets, tallies
from service.store.database import Pool, prepare
from service.store.tallies import Flush, kept
from service.telemetry import Tally
from service.telemetry.tally import COUNTED, LONGEST_VALUE, MOST_SERIES, OTHER, Budget
from tests.house import pool_of
from tests.test_deliveries import rows

NOW = datetime(2027, 3, 1, 12, tzinfo=UTC)


async def counted(pool: Pool) -> dict[tuple[str, ...], float]:
    async with pool.acquire() as connection:
        every = await tallies.every(connection)
    return {(name, *(labels[label] for label in COUNTED[name])): value for name, labels, value in every}


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


async def test_a_server_that_took_over_and_never_saw_the_commit_gets_its_counts_again(pool: Pool) -> None:
    """After a failover to one that lagged, the number of the last transaction lies in its future."""
    tally = Tally()
    tally.add("deliveries", outcome="done")
    flush = Flush(pool, tally)
    flush._owed = tally.take()
    [(ahead,)] = await rows(pool, "SELECT (pg_current_xact_id()::text::bigint + 1000000)::text")
    flush._transaction = ahead
    tally.add("deliveries", outcome="failed")
    await flush.once()
    assert not flush.owed
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
