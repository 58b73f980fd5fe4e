"""Rounds: one worker at a time drops what may go, from tables that do not grow for it."""

from datetime import datetime, timedelta
from uuid import UUID

import pytest

from service.highlevel.connection import open_session
from service.store import keeping, leftovers
from service.store.database import Pool
from service.store.identifiers import new_id
from service.store.keeping import Ages, RoundLost
from tests.house import now, register, settings_for
from tests.test_deliveries import rows
from tests.test_keeping import keep, kept
from workers.keeping import look, round_
from workers.workplace import Workplace


@pytest.fixture
async def store(pool: Pool) -> Pool:
    await register(pool)
    return pool


async def test_a_round_is_made_by_one_worker_and_taken_over_from_one_that_says_nothing_more(store: Pool) -> None:
    at_once = timedelta(0)
    async with store.acquire() as connection:
        assert await keeping.claim_round(connection, "a")
        assert not await keeping.claim_round(connection, "b")
        await keeping.hold_round(connection, "a")
        assert await keeping.claim_round(connection, "b", at_once)
        with pytest.raises(RoundLost):
            await keeping.hold_round(connection, "a")


async def test_a_worker_makes_the_round_that_is_due_and_no_other(store: Pool) -> None:
    for number in range(3):
        await kept(store, f"dLv{number}")
    async with open_session(1) as session:
        work = Workplace(settings_for("postgresql://", "unix:///"), store, session, lambda: now() + timedelta(days=15))
        await look(work, new_id())
        assert await rows(store, "SELECT count(*) FROM deliveries") == [(0,)]
        await kept(store, "dLv4")
        await look(work, new_id())
        assert await rows(store, "SELECT count(*) FROM deliveries") == [(1,)], "the next round is not due yet"
        with pytest.raises(RoundLost):
            await round_(work, new_id(), 0)
        assert await rows(store, "SELECT count(*) FROM deliveries") == [(1,)]


async def test_tables_do_not_grow_however_much_comes_and_goes(store: Pool) -> None:
    """A vacuum after each round, as autovacuum would: what was dropped makes room for what comes."""
    fill = """
        WITH lane AS (
            INSERT INTO lanes (lane_id, location_id, subject)
            SELECT gen_random_uuid(), 'loc', gen_random_uuid()::text FROM generate_series(1, 100) RETURNING lane_id
        ), came AS (
            INSERT INTO deliveries (delivery_id, source, received_at, lane_id, state, body)
            SELECT (lpad(to_hex($1::bigint + n), 12, '0') || '70008' || lpad(to_hex(n), 15, '0'))::uuid, 'highlevel',
                now(), lane_id, 'done', '{}'
            FROM (SELECT lane_id, row_number() OVER () AS n FROM lane) AS numbered RETURNING delivery_id
        ), keys AS (
            INSERT INTO delivery_keys SELECT 'highlevel', gen_random_uuid()::text, delivery_id FROM came
        )
        INSERT INTO verdicts SELECT delivery_id, 0, 'r', 'live', false, '[]' FROM came
    """
    tables = ("deliveries", "verdicts", "delivery_keys", "lanes", "calls", "keeping")
    sizes: list[list[int]] = []
    async with store.acquire() as connection:
        for number in range(6):
            # Each as if it had come a day later than the one before.
            begin = now() + timedelta(days=number)
            await connection.execute(fill, int(begin.timestamp() * 1000))
            assert (await keep(store, number + 31))["deliveries"] == 100
            for table in tables:
                await connection.execute(f"VACUUM {table}")
            sizes.append([await connection.fetchval(f"SELECT pg_relation_size('{table}')") for table in tables])
    assert all(later <= first for later, first in zip(sizes[-1], sizes[1], strict=True)), sizes


async def test_what_it_asks_of_large_tables_is_answered_by_an_index(store: Pool) -> None:
    async with store.acquire() as connection:
        await connection.execute("SET enable_seqscan = off")
        for statement, values, index in (
            (keeping.PICK, ["done", UUID(int=0), UUID(int=1), 9], "deliveries_by_state"),
            (keeping.DROP_LANES, [[UUID(int=1)]], "deliveries_by_lane"),
            (keeping.DROP_KEYS, [[UUID(int=1)]], "delivery_keys_by_delivery"),
            (leftovers.KEYS_NEXT, [UUID(int=0), UUID(int=1), 9], "delivery_keys_by_delivery"),
        ):
            plan = "\n".join(row[0] for row in await connection.fetch(f"EXPLAIN {statement}", *values))
            assert index in plan


def test_how_long_it_is_is_set() -> None:
    moment = datetime.fromisoformat("2027-07-05T10:00:00+00:00")
    ages = Ages.of(settings_for("postgresql://", "unix:///", keep_dull=3), moment)
    assert (moment - ages.dull, moment - ages.acted) == (timedelta(days=3), timedelta(days=400))
