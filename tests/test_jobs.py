"""The worker: which lanes it takes up beside those it has, and what it leaves when it is to stop."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from service.embedded import Servers
from service.store import turns
from tests.house import House, in_days, now, open_house
from tests.sandboxes import DANA, LOCATION
from tests.test_deliveries import rows
from tests.workshop import at_work, booking, meddle, tell, until

GIVE = """
  - {name: give, mode: live, when: appointment.created, then: [{do: assign, to: kim, replace: anybody}]}
"""

NOTE = "\n  - {name: note, mode: live, when: appointment.created, then: [{do: add_note, text: seen}]}\n"

AT_WORK = "SELECT starts_at > now() + interval '1 hour' FROM lanes WHERE worker IS NOT NULL ORDER BY 1"


@pytest.fixture
async def idle(database_url: str, servers: Servers) -> AsyncIterator[House]:
    """Nobody works in it yet."""
    async with open_house(database_url, servers.redis_url, working=False, worker_lanes=4) as opened:
        yield opened


async def test_a_worker_full_of_what_is_urgent_has_a_lane_for_what_is_not(
    idle: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    await idle.rules(NOTE)
    answered = asyncio.Event()
    meddle(monkeypatch, {("GetAppointment", number): answered.wait for number in range(1, 9)})
    soon, later = (now() + timedelta(minutes=minutes) for minutes in (30, 24 * 60))
    for number in range(6):
        await tell(idle, booking(number, soon if number < 4 else later))
    async with at_work(idle.work):
        await until(lambda: rows(idle.pool, f"SELECT FROM ({AT_WORK}) AS lanes HAVING count(*) = 3"))
        assert await rows(idle.pool, AT_WORK) == [(False,), (False,), (True,)]
        answered.set()
        await until(lambda: rows(idle.pool, "SELECT FROM deliveries HAVING bool_and(state = 'done')"))


async def test_who_waits_to_choose_somebody_chooses_nobody_any_more_when_the_worker_is_to_stop(idle: House) -> None:
    """Else each of all that wait would, one after the other."""
    await idle.rules(GIVE)
    async with idle.pool.acquire() as connection:
        assert await turns.claim(connection, LOCATION, timedelta(hours=1)), "somebody else, who takes long"
    await idle.book(in_days(3, "12:00"), assignedUserId=DANA)
    await until(lambda: rows(idle.pool, "SELECT FROM deliveries"))
    async with at_work(idle.work) as worker:
        await until(lambda: rows(idle.pool, AT_WORK))
        await asyncio.sleep(0.1)
        async with asyncio.timeout(1):
            await worker.stop()
    assert await rows(idle.pool, "SELECT state FROM deliveries") == [("judged",)]
    assert await rows(idle.pool, "SELECT count(*) FROM steps") == [(0,)]
    assert await rows(idle.pool, "SELECT worker FROM lanes") == [(None,)]
