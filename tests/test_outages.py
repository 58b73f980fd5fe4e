"""Valkey and Postgres go away and come back; nothing that was acknowledged is lost, nothing is there twice."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from service.embedded import Servers
from service.queue import Bell
from tests.house import House, event, open_house, signed
from tests.processes import worker
from tests.test_order import booking

pytestmark = pytest.mark.processes

RULE = """
  - {name: note, mode: live, when: appointment.created, then: [{do: add_note, text: seen}]}
"""


@pytest.fixture
async def idle(own_servers: Servers) -> AsyncIterator[House]:
    async with open_house(own_servers.database_url, own_servers.redis_url, working=False) as opened:
        await opened.rules(RULE)
        yield opened


async def test_valkey_flushed_while_200_deliveries_wait(idle: House, own_servers: Servers, tmp_path: Path) -> None:
    ids = await _post_200(idle)
    bell = Bell(own_servers.redis_url)
    assert await bell._redis.zcard("slotwright:rings") > 0, "there were rings to lose"
    await bell._redis.flushall()
    await bell.close()
    with worker(idle.settings, tmp_path / "worker.log"):
        await idle.settled()
    await _all_ended_once(idle, ids)


async def test_valkey_killed_and_started_again_under_a_running_worker(
    idle: House, own_servers: Servers, tmp_path: Path
) -> None:
    with worker(idle.settings, tmp_path / "worker.log") as process:
        first = await _post_200(idle)
        own_servers.valkey.kill()
        await idle.settled()
        own_servers.valkey.start()
        second = await _post_200(idle, begin=200)
        await idle.settled()
        assert process.poll() is None, "the worker outlives Valkey"
    await _all_ended_once(idle, first + second)


async def test_postgres_restarted_under_load(idle: House, own_servers: Servers, tmp_path: Path) -> None:
    """Answered 2xx: there exactly once. Answered otherwise: may be there, and its retry gets 200 with the same id."""
    bodies = {f"load{number:03}x0000000000": number for number in range(400)}
    answers: dict[str, tuple[int, Any]] = {}
    raws = {id_: json.dumps(event(booking(id_))).encode() for id_ in bodies}
    url = str(idle.door.make_url("/hooks/highlevel"))
    for id_ in [*bodies, "warm000x0000000000"]:
        await idle.call("PUT", f"/_sandbox/appointments/{id_}", booking(id_))
    with worker(idle.settings, tmp_path / "worker.log") as process:
        await idle.post(event(booking("warm000x0000000000")))
        await idle.settled()
        async with aiohttp.ClientSession() as session:

            async def post(id_: str) -> tuple[int, Any]:
                async with session.post(url, data=raws[id_], headers=signed(idle.key, raws[id_])) as answer:
                    return answer.status, await answer.json()

            async def some(ids: list[str]) -> None:
                for id_ in ids:
                    answers[id_] = await post(id_)

            names = list(bodies)
            load = [asyncio.create_task(some(names[part::8])) for part in range(8)]
            while len(answers) < 100:
                await asyncio.sleep(0.002)
            await asyncio.to_thread(own_servers.postgres.kill)
            # Until some were turned away, or there is nothing left to turn away.
            while len(answers) < 400 and not any(status == 429 for status, _ in answers.values()):
                await asyncio.sleep(0.002)
            own_servers.postgres.start()
            await asyncio.gather(*load)
            refused = {id_ for id_, (status, _) in answers.items() if status == 429}
            assert refused, "the load outlasted the restart, so some must have been turned away"
            assert {status for status, _ in answers.values()} == {202, 429}
            stored = await _stored(idle)
            for id_ in refused:
                status, answer = await post(id_)
                assert status == (200 if id_ in stored else 202)
                assert id_ not in stored or answer["delivery"] == stored[id_][0]
        await idle.settled()
        assert process.poll() is None, "the worker outlives Postgres"
    stored = await _stored(idle)
    for id_, (status, answer) in answers.items():
        assert len(stored[id_]) == 1, "exactly once"
        assert status != 202 or answer["delivery"] == stored[id_][0]
    await _all_ended_once(idle, [*bodies, "warm000x0000000000"])


async def _stored(house: House) -> dict[str, list[str]]:
    async with house.pool.acquire() as connection:
        rows = await connection.fetch(
            "SELECT appointment_id, array_agg(delivery_id::text) AS ids FROM deliveries GROUP BY appointment_id"
        )
    return {row["appointment_id"]: row["ids"] for row in rows}


async def _post_200(house: House, begin: int = 0) -> list[str]:
    ids = [f"wait{number:03}x0000000000" for number in range(begin, begin + 200)]
    for id_ in ids:
        await house.call("PUT", f"/_sandbox/appointments/{id_}", booking(id_))
    answers = await asyncio.gather(*(house.post(event(booking(id_))) for id_ in ids))
    assert [status for status, _ in answers] == [202] * 200
    return ids


async def _all_ended_once(house: House, ids: list[str]) -> None:
    async with house.pool.acquire() as connection:
        ended = await connection.fetchval("SELECT count(*) FROM deliveries WHERE state = 'done'")
        done = await connection.fetchval("SELECT count(*) FROM steps WHERE state = 'done'")
    assert (ended, done) == (len(ids), len(ids))
    for id_ in ids:
        assert await house.notes(id_) == ["seen"]
