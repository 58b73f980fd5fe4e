"""Commits: what lanes write at the same time is committed together, and one that cannot be takes no other with it."""

import asyncio

import asyncpg
import pytest

from service.store import lanes
from service.store.database import Pool
from service.store.lanes import Lane, LeaseLost
from service.store.ledger import released
from tests.claims import AT_ONCE, expire, page
from tests.house import register
from tests.test_deliveries import arrival, record, rows
from tests.test_ledger import KEPT, kept
from workers.commits import LARGEST, Commits

TRANSACTIONS = "SELECT count(DISTINCT xmin::text) FROM follows"


async def claim(pool: Pool, number: int) -> list[Lane]:
    await register(pool)
    await record(pool, *(arrival(f"lane {each:03}") for each in range(number)))
    async with pool.acquire() as connection:
        found = await lanes.claim(connection, "a worker", number)
    assert len(found) == number
    return sorted(found, key=lambda lane: lane.subject)


async def test_what_is_written_at_the_same_time_shares_a_transaction(pool: Pool) -> None:
    held = await claim(pool, LARGEST + 5)
    commits = Commits(pool)
    await asyncio.gather(*(commits.write(page(lane, kept(lane.subject))) for lane in held))
    assert await rows(pool, KEPT) == [(lane.subject, "") for lane in held]
    [(transactions,)] = await rows(pool, TRANSACTIONS)
    assert transactions == 2, "at most so many at once, else as few as can be"


async def test_each_learns_when_its_own_is_there_and_not_before(pool: Pool) -> None:
    [lane] = await claim(pool, 1)
    commits = Commits(pool)
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute("SELECT FROM lanes FOR UPDATE")
        writing = asyncio.create_task(commits.write(page(lane, kept("one"))))
        await asyncio.sleep(0.05)
        assert not writing.done()
        assert await rows(pool, KEPT) == []
    await writing
    assert await rows(pool, KEPT) == [("one", "")]


async def test_one_that_cannot_be_written_takes_no_other_with_it(pool: Pool) -> None:
    a, lost, broken, d = await claim(pool, 4)
    async with pool.acquire() as connection:
        await expire(connection, lost)
        assert len(await lanes.claim(connection, "another", 4)) == 1
    pages = [
        page(a, kept("a"), released(a, AT_ONCE)),
        page(lost, kept("lost")),
        page(broken, kept("whole"), kept("broken", side="beside")),
        page(d, kept("d")),
    ]
    commits = Commits(pool)
    async with asyncio.timeout(10):
        answers = await asyncio.gather(*(commits.write(each) for each in pages), return_exceptions=True)
    assert [type(answer) for answer in answers] == [type(None), LeaseLost, asyncpg.CheckViolationError, type(None)]
    assert await rows(pool, KEPT) == [("a", ""), ("d", "")]
    assert await rows(pool, "SELECT count(*) FROM lanes WHERE worker = 'a worker'") == [(2,)]


async def test_what_gave_way_to_another_transaction_is_written_again(pool: Pool) -> None:
    [lane] = await claim(pool, 1)
    await rows(
        pool,
        """CREATE FUNCTION gives_way() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            IF nextval('times') = 1 THEN RAISE EXCEPTION 'deadlock' USING ERRCODE = 'deadlock_detected'; END IF;
            RETURN NEW;
        END $$""",
    )
    await rows(pool, "CREATE SEQUENCE times")
    await rows(pool, "CREATE TRIGGER gives_way BEFORE INSERT ON follows FOR EACH ROW EXECUTE FUNCTION gives_way()")
    await Commits(pool).write(page(lane, kept("one")))
    assert await rows(pool, KEPT) == [("one", "")]


async def test_who_stops_waiting_for_its_commit_keeps_no_other_from_theirs(pool: Pool) -> None:
    a, b = await claim(pool, 2)
    commits = Commits(pool)
    gone, stays = [asyncio.create_task(commits.write(page(lane, kept(lane.subject)))) for lane in (a, b)]
    await asyncio.sleep(0)
    gone.cancel()
    async with asyncio.timeout(10):
        await stays
    with pytest.raises(asyncio.CancelledError):
        await gone
    assert (b.subject, "") in await rows(pool, KEPT)
