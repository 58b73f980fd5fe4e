"""HighLevel is away for an hour and comes back: what waited is done at its pace, the urgent first, the late not."""

from datetime import UTC, datetime, timedelta

import pytest

from service.embedded import Servers
from service.highlevel.books import Allowance
from service.highlevel.local_rate_limit import LocalRateLimit
from service.sandbox.limits import Limits
from service.store import lanes
from tests.house import House, open_house
from tests.sandboxes import DANA
from tests.test_apply import rule
from tests.workshop import alerts, at_work, booking, calls, fault, hasten, heal, held, states, tell, until

BLOCK = rule("block", "appointment.created", "do: block_slot, after: 15m")
MINUTE = timedelta(minutes=1)
BURST, WINDOW = 16, 0.2
"""So many calls in any so many seconds: HighLevel's hundred in ten, for a test that lasts no minute."""
STARTED = [-55 + 9 * number for number in range(6)]
"""Minutes from HighLevel's return to the start of those that began while it was away."""
WITHIN_THE_HOUR = [4 + 9 * number for number in range(6)]
LATER = [65 + 60 * number for number in range(28)]
LANES = 4


async def test_an_hour_without_highlevel_loses_nothing_and_ends_at_the_pace_it_allows(
    database_url: str, servers: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    hasten(monkeypatch)
    back = datetime.now(UTC).replace(microsecond=0)
    rate_limit = LocalRateLimit(Allowance(calls=BURST, interval=WINDOW, kept=BURST // 4))
    limits = Limits(burst=BURST, interval=WINDOW)
    async with open_house(
        database_url, servers.redis_url, working=False, worker_lanes=LANES, limits=limits, rate_limit=rate_limit
    ) as house:
        # What is told of now was booked an hour ago, by every clock but the database's.
        house.clock.ahead = timedelta(minutes=-61)
        await house.rules(BLOCK)
        await fault(house, "*:drop%100")
        starts = [back + minutes * MINUTE for minutes in reversed(STARTED + WITHIN_THE_HOUR + LATER)]
        for number, start in enumerate(starts):
            await tell(house, booking(number, start, minutes=15, assignedUserId=DANA))
        async with at_work(house.work):
            await until(lambda: is_shut(house))
            assert await states(house) == {}, "nothing is decided while nothing can be read"
            assert (await states(house, "deliveries")).total() == 40
            house.clock.ahead = timedelta()
            await heal(house)
            await house.call("DELETE", "/_sandbox/calls", status=204)
            await until(lambda: all_ended(house))
        assert await states(house) == {"done": 34, "unchanged": 6}
        assert await states(house, "deliveries") == {"done": 40}
        asked = await house.call("GET", "/_sandbox/calls")
        assert [call for call in asked if call["status"] == 429] == [], "at the pace that is allowed"
        assert len(asked) > 2 * BURST, "and more than can be asked at once"
        rows = await house.pool.fetch("SELECT appointment_id, state, reason FROM steps ORDER BY finished_at")
        numbers = [int(row["appointment_id"][4:7]) for row in rows if row["state"] == "done"]
        minutes = [(starts[number] - back) // MINUTE for number in numbers]
        urgent = [place for place, start in enumerate(minutes) if start <= 60]
        assert len(urgent) == len(WITHIN_THE_HOUR)
        assert max(urgent) < len(WITHIN_THE_HOUR) + LANES, minutes
        late = [row for row in rows if row["state"] == "unchanged"]
        assert {(starts[int(row["appointment_id"][4:7])] - back) // MINUTE for row in late} == set(STARTED)
        # When it was planned, or where that was in time when it was sent.
        said = ("too late: the booking started at ", "too late: it had to be done before ")
        assert [row["reason"] for row in late if not row["reason"].startswith(said)] == []
        assert (await alerts(house))["late", "block"] == len(STARTED)
        assert len(await house.blocks(DANA)) == 34, "each once"
        assert len(await calls(house, "CreateBlockSlot")) == 34
        assert await held(house) == []


async def is_shut(house: House) -> bool:
    return ("all", "breaker", "") in await held(house)


async def all_ended(house: House) -> bool:
    return not (await states(house, "deliveries")).keys() & {"waiting", "judged"}


@pytest.mark.parametrize("backlog", [3, 100])
async def test_what_starts_within_the_hour_goes_before_all_that_has_been_due_for_long(
    database_url: str, servers: Servers, backlog: int
) -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    async with open_house(database_url, servers.redis_url, working=False) as house:
        house.clock.ahead = timedelta(hours=-5)
        for number in range(backlog):
            await tell(house, booking(number, now + 2 * timedelta(hours=1) + number * MINUTE))
        house.clock.ahead = timedelta()
        await tell(house, booking(999, now + 30 * MINUTE))
        async with house.pool.acquire() as connection:
            first, *rest = await lanes.claim(connection, "a-worker", 2)
    assert first.subject == "book999x0000000000"
    assert [lane.subject for lane in rest] == ["book000x0000000000"]
