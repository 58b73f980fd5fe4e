"""Commits: what lanes write at the same time is committed together, and one that cannot be takes no other with it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from urllib.parse import parse_qs, urlsplit

import asyncpg
import pytest

from service.highlevel.call import Call
from service.store import calls, lanes
from service.store.database import AWAY, GAVE_WAY, Pool
from service.store.identifiers import new_id
from service.store.lanes import Lane, LeaseLost
from service.store.ledger import released
from tests.claims import AT_ONCE, expire, page
from tests.house import now, pool_of, register
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


async def test_a_lane_whose_row_somebody_has_keeps_only_its_own_page_waiting(pool: Pool) -> None:
    """A receiver that was stopped in the middle of ringing it."""
    a, rung, c = await claim(pool, 3)
    commits = Commits(pool)
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute("SELECT FROM lanes WHERE lane_id = $1 FOR UPDATE", rung.lane_id)
        waits = asyncio.create_task(commits.write(page(rung, kept("rung"))))
        async with asyncio.timeout(1):
            await commits.write(page(a, kept("a")))
            await commits.write(page(c, kept("c")))
        assert not waits.done()
    await waits
    assert await rows(pool, KEPT) == [("a", ""), ("c", ""), ("rung", "")]


async def test_what_may_be_committed_already_is_not_written_again(pool: Pool, database_url: str) -> None:
    """The line breaks before the answer is there. Written again it would look as if it were at fault itself."""
    held = await claim(pool, 3)
    call = Call("GetAppointment", {}, 200, {}, None, 1.0)
    async with cut_at_commit(database_url) as url, pool_of(url) as cut:
        commits = Commits(cut)
        pages = [
            page(lane, calls.made(call, delivery_id=new_id(), step_id=None, location_id="here", called_at=now()))
            for lane in held
        ]
        answers = await asyncio.gather(*(commits.write(each) for each in pages), return_exceptions=True)
    assert all(isinstance(answer, AWAY) and not isinstance(answer, GAVE_WAY) for answer in answers), answers
    assert await rows(pool, "SELECT count(*), count(DISTINCT xmin::text) FROM calls") == [(3, 1)]


@contextlib.asynccontextmanager
async def cut_at_commit(database_url: str) -> AsyncIterator[str]:
    """The database at the end of a line that breaks once, when something was committed and before that is said."""
    place = parse_qs(urlsplit(database_url).query)
    [sockets], [port] = place["host"], place["port"]
    whole = True

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal whole
        from_there, to_there = await asyncio.open_unix_connection(f"{sockets}/.s.PGSQL.{port}")
        committing = asyncio.Event()

        async def there() -> None:
            writes = False
            while said := await reader.read(65536):
                writes = writes or b"INSERT" in said
                if whole and writes and b"COMMIT;" in said:
                    committing.set()
                to_there.write(said)

        asking = asyncio.create_task(there())
        while answer := await from_there.read(65536):
            if committing.is_set():
                whole = False
                break
            writer.write(answer)
        asking.cancel()
        to_there.close()
        writer.close()

    server = await asyncio.start_server(carry, "127.0.0.1", 0)
    try:
        name = urlsplit(database_url)
        yield f"postgresql://{name.username}@127.0.0.1:{server.sockets[0].getsockname()[1]}{name.path}?sslmode=disable"
    finally:
        server.close()


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
