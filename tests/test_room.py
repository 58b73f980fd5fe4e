"""Room: a worker most of whose lanes one location holds up takes up what others have meanwhile."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from service.embedded import Servers
from tests.house import House, event, open_house, register
from tests.test_apply import rule
from tests.test_deliveries import rows
from tests.workshop import at_work, booking, calls, fault, heal, tell, until

ELSEWHERE = "eLsewhere000000000001"
LANES = 4
NOON = datetime(2031, 5, 5, 12, tzinfo=UTC)

ENDED = "SELECT FROM deliveries WHERE location_id = $1 AND state = 'done'"


@pytest.fixture
async def idle(database_url: str, servers: Servers) -> AsyncIterator[House]:
    async with open_house(database_url, servers.redis_url, working=False, worker_lanes=LANES) as opened:
        yield opened


async def test_what_holds_up_most_lanes_keeps_nothing_of_another_location(idle: House) -> None:
    await idle.rules(rule("note", "appointment.created", "do: add_note, text: x", more="if: {calendar: cuts},"))
    await register(idle.pool, ELSEWHERE)
    await fault(idle, "CreateNote:hold=10*8")
    for number in range(8):
        await tell(idle, booking(number, NOON))
    async with at_work(idle.work):

        async def held_up() -> bool:
            return len(await calls(idle, "CreateNote")) == LANES * 3 // 4

        await until(held_up)
        other = {**booking(99, NOON), "locationId": ELSEWHERE, "calendarId": "other"}
        await idle.post(event(other, locationId=ELSEWHERE))
        await until(lambda: rows(idle.pool, ENDED, ELSEWHERE))
        assert not await rows(idle.pool, "SELECT FROM steps WHERE doubts > 0"), "those are held up still"
        await heal(idle)
