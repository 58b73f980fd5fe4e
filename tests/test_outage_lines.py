"""Who cannot go on says so once, and once that it can again; and whatever is said is a line that machines read."""

import asyncio
import json
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import structlog

from service.embedded import Servers
from service.store import rulebooks
from tests.house import House, event, open_house
from tests.processes import end_of, start
from tests.test_deliveries import rows
from tests.test_order import booking

RULE = """
  - {name: note, mode: live, when: appointment.created, then: [{do: add_note, text: seen}]}
"""
LONG_ENOUGH = 1.0
"""Seconds of an outage, in which a worker and its sweep try a few times each."""


@pytest.fixture
async def idle(own_servers: Servers) -> AsyncIterator[House]:
    async with open_house(own_servers.database_url, own_servers.redis_url, working=False) as opened:
        await opened.rules(RULE)
        yield opened


async def posted(house: House, begin: int, end: int) -> list[int]:
    """Deliveries of as many lanes; the statuses of the answers."""
    ids = [f"wait{number:03}x0000000000" for number in range(begin, end)]
    for id_ in ids:
        await house.call("PUT", f"/_sandbox/appointments/{id_}", booking(id_))
    return [status for status, _ in await asyncio.gather(*(house.post(event(booking(id_))) for id_ in ids))]


def said(lines: list[Any], words: str) -> int:
    return sum(words in line["event"] for line in lines)


def grave(lines: list[Any]) -> list[str]:
    return [line["event"] for line in lines if line.get("level", line.get("log_level")) in ("warning", "error")]


@pytest.mark.processes
async def test_a_worker_says_once_that_postgres_and_once_that_valkey_is_away(
    idle: House, own_servers: Servers, tmp_path: Path
) -> None:
    log = tmp_path / "worker.log"

    def lines() -> list[Any]:
        """Each of them JSON, whoever wrote it."""
        return [json.loads(line) for line in log.read_text().splitlines(keepends=True) if line.endswith("\n")]

    async def until(words: str) -> None:
        async with asyncio.timeout(30):
            while not (log.exists() and said(lines(), words)):
                assert process.poll() is None, log.read_text()
                await asyncio.sleep(0.02)

    await posted(idle, 0, 60)
    process = start(idle.settings, log, "work", LOG_FORMAT="json")
    await until("working")
    while not await rows(idle.pool, "SELECT 1 FROM steps"):
        await asyncio.sleep(0.01)
    own_servers.postgres.kill()
    await until("the database is away")
    await asyncio.sleep(LONG_ENOUGH)
    own_servers.postgres.start()
    await until("the database is back")
    await idle.settled()
    own_servers.valkey.kill()
    await until("no rings: Valkey is away")
    await asyncio.sleep(LONG_ENOUGH)
    await posted(idle, 60, 70)
    await idle.settled()
    own_servers.valkey.start()
    await until("rings come again")
    process.send_signal(signal.SIGTERM)
    assert await end_of(process) == 0
    everything = lines()
    # That it is shared again is said at the next call, if there is one.
    assert sorted(line for line in grave(everything) if line != "the rate limit is shared again") == sorted(
        [
            "the database is away; the worker waits for it",
            "the database is back",
            "no rings: Valkey is away, the sweep goes on",
            "rings come again: Valkey is back",
            "the rate limit is kept by each process for itself: Valkey is away",
        ]
    )
    assert {"event", "level", "timestamp", "role"} <= set.intersection(*(set(line) for line in everything))
    counted = await rows(idle.pool, "SELECT value FROM tallies WHERE name = 'deliveries'")
    assert counted == [(70.0,)], "each is counted once, outage or not"
    assert await rows(idle.pool, "SELECT FROM tallies WHERE name = 'leases_taken_over'") == [], "no worker died"


async def test_a_receiver_says_once_that_it_keeps_nothing(idle: House, own_servers: Servers) -> None:
    assert await posted(idle, 0, 1) == [202]
    with structlog.testing.capture_logs() as lines:
        own_servers.postgres.kill()
        for batch in range(4):
            assert set(await posted(idle, 10 * batch, 10 * batch + 10)) == {429}
        own_servers.postgres.start()
        async with asyncio.timeout(20):
            while set(await posted(idle, 100, 101)) == {429}:
                await asyncio.sleep(0.05)
    assert said(lines, "cannot keep deliveries") == said(lines, "keeps deliveries again") == 1


async def test_a_schema_that_is_not_there_is_said_once_and_no_delivery_is_blamed(house: House) -> None:
    await house.rules(RULE)
    with structlog.testing.capture_logs() as lines:
        async with house.pool.acquire() as connection:
            await connection.execute("ALTER TABLE verdicts RENAME TO gone")
        assert set(await posted(house, 0, 5)) == {202}
        async with asyncio.timeout(20):
            while (await rows(house.pool, "SELECT max(fence) FROM lanes")) < [(3,)]:
                await asyncio.sleep(0.05)
            while not await rows(house.pool, "SELECT FROM lanes WHERE fence > 0 AND worker IS NULL"):
                await asyncio.sleep(0.02)  # given back, and not left until the lease ends
        assert said(lines, "run slotwright migrate") == 1
        assert await rows(house.pool, "SELECT sum(surprises) FROM deliveries") == [(0,)]
        async with house.pool.acquire() as connection:
            await connection.execute("ALTER TABLE gone RENAME TO verdicts")
        await house.settled()
    assert await rows(house.pool, "SELECT DISTINCT state FROM deliveries") == [("done",)]
    assert grave(lines) == ["the database lacks this version's schema: run slotwright migrate"]
    counted = house.work.tally.take().values
    assert counted["unexpected_errors", (("role", "work"),)] == 1
    assert ("leases_taken_over", ()) not in counted


async def test_giving_way_to_another_transaction_is_no_outage(house: House) -> None:
    await house.rules(RULE)
    async with house.pool.acquire() as connection:
        await connection.execute(
            """
            CREATE SEQUENCE tries;
            CREATE FUNCTION give_way() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                IF nextval('tries') <= 2 THEN RAISE EXCEPTION USING ERRCODE = 'deadlock_detected'; END IF;
                RETURN NEW;
            END $$;
            CREATE TRIGGER give_way BEFORE INSERT ON verdicts FOR EACH ROW EXECUTE FUNCTION give_way();
            """
        )
    with structlog.testing.capture_logs() as lines:
        assert await posted(house, 0, 1) == [202]
        await house.settled()
    assert await rows(house.pool, "SELECT state, surprises FROM deliveries") == [("done", 0)]
    assert await rows(house.pool, "SELECT last_value FROM tries") == [(3,)]
    assert grave(lines) == []
    assert ("leases_taken_over", ()) not in house.work.tally.take().values


LATER = (
    "rules: [{name: later, mode: live, when: appointment.foreseen, then: [{do: add_note, text: seen}]}]",
    "rules: [{name: later, mode: live, when: appointment.created, then: [{do: foresee}]}]",
)
"""As a later release may read them: this one cannot tell when to ask the first, or what the second does."""


@pytest.mark.parametrize("later", LATER)
async def test_rules_that_only_another_release_reads_are_waited_for(house: House, later: str) -> None:
    """Nothing is given up: after a rollback what came goes on once the rules suit the code, or the code the rules."""
    async with house.pool.acquire() as connection, connection.transaction():
        await rulebooks.apply(connection, None, {"later.yaml": later}, "later", "a later release")
    waiting = "SELECT DISTINCT state, waits_for FROM deliveries WHERE next_at > now() + interval '50 seconds'"
    with structlog.testing.capture_logs() as lines:
        assert await posted(house, 0, 3) == [202] * 3
        async with asyncio.timeout(20):
            while await rows(house.pool, "SELECT count(waits_for) FROM deliveries") != [(3,)]:
                await asyncio.sleep(0.02)
        [(state, reason)] = await rows(house.pool, waiting)
        assert state == "waiting"
        assert reason.startswith("this release cannot read the rules: run the release that applied them, or apply")
        assert "later.yaml:1:" in reason
        assert said(lines, "cannot read the rules") == 1
        await house.rules(RULE)
        async with house.pool.acquire() as connection:
            await connection.execute("UPDATE deliveries SET next_at = now()")
            await connection.execute("UPDATE lanes SET ready_at = now()")
        await house.settled()
    assert await rows(house.pool, "SELECT DISTINCT state, attempts FROM deliveries") == [("done", 0)]
    assert await rows(house.pool, "SELECT DISTINCT state FROM steps") == [("done",)]
    assert (len(grave(lines)), said(lines, "can be read again")) == (2, 1)
