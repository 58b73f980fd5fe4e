"""Decisions by hand beside others at work: what becomes another meanwhile, and what is on its way."""

import asyncio
import io
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from service.store import interventions, lanes
from service.store.database import Pool
from service.store.interventions import Intervention
from tests.claims import claimed
from tests.consoles import arrive, step
from tests.house import register
from tests.test_deliveries import arrival, record, rows
from tests.test_interventions import said_of

LEFT = "had become another meanwhile, and are left alone"
STATE = "SELECT state FROM deliveries WHERE delivery_id = $1"


class Yes(io.BytesIO):
    """Somebody who says yes, once something else was done while the question stood there."""

    def __init__(self, first: Callable[[], Coroutine[Any, Any, object]]) -> None:
        super().__init__(b"y\n")
        self._first, self._loop = first, asyncio.get_running_loop()

    def read1(self, size: int | None = -1, /) -> bytes:
        asyncio.run_coroutine_threadsafe(self._first(), self._loop).result(10)
        return super().read1(size)


@pytest.mark.parametrize(
    ("words", "found", "meanwhile", "then"),
    [
        ("skip --status parked", "parked", "judged", "judged"),
        ("skip --rule note", "parked", "judged", "judged"),
        ("skip --status waiting", "waiting", "judged", "judged"),
        ("skip --status open", "waiting", "judged", "done"),
        ("park --rule note", "waiting", "judged", "parked"),
        ("skip --rule note", "parked", "parked", "done"),
    ],
)
async def test_what_becomes_another_while_somebody_is_asked_is_left_alone(
    words: str, found: str, meanwhile: str, then: str, database_url: str, pool: Pool
) -> None:
    """But that it is judged, where it was chosen as open, is nobody's decision."""
    await register(pool)
    chosen = await arrive(pool, state=found)
    await rows(pool, "INSERT INTO verdicts VALUES ($1, 0, 'note', 'live', true, '[]')", chosen)

    async def another() -> None:
        await rows(pool, "UPDATE deliveries SET state = $2 WHERE delivery_id = $1", chosen, meanwhile)

    told = await said_of(database_url, *words.split(), input=Yes(another))
    assert await rows(pool, STATE, chosen) == [(then,)]
    assert (LEFT in told) is (then == meanwhile), told


async def test_a_step_that_another_has_seen_to_meanwhile_is_left_alone(database_url: str, pool: Pool) -> None:
    await register(pool)
    failed = await arrive(pool, state="done")
    for state in ("failed", "unknown"):
        await step(pool, failed, state, rule=state)

    async def seen_to() -> None:
        await rows(pool, "UPDATE steps SET state = 'done' WHERE state = 'failed'")

    assert f"1 {LEFT}" in await said_of(database_url, "retry", "--step", "failed", input=Yes(seen_to))
    assert await rows(pool, STATE, failed) == [("done",)]


@pytest.mark.parametrize("what", ["skip", "park"])
@pytest.mark.parametrize("state", ["sent", "planned"])
async def test_a_lane_is_nobodys_until_what_was_sent_from_it_has_come_to_its_end(
    what: Intervention, state: str, pool: Pool
) -> None:
    await register(pool)
    [first, later] = [each.delivery_id for each in await record(pool, arrival(), arrival()) if each.delivery_id]
    async with pool.acquire() as connection:
        lane = await claimed(connection)
        await step(pool, first, state)
        await rows(pool, "UPDATE steps SET sent_at = now() WHERE state = 'sent'")
        await interventions.carry_out(connection, what, [first], "mo")
        assert await lanes.hold(connection, [lane]) == set(), "who had it writes nothing more"
        assert bool(await lanes.claim(connection, "another")) is (state != "sent")
        await rows(pool, "UPDATE lanes SET worker = NULL WHERE worker = 'another'")
        if state == "sent":
            await interventions.carry_out(connection, what, [later], "mo")
            await interventions.carry_out(connection, "retry", [later], "mo")
            assert await lanes.claim(connection, "another") == [], "nor does another decision free it"
            await rows(pool, "UPDATE lanes SET lease_until = now()")
            assert await lanes.claim(connection, "another")


@pytest.mark.parametrize(
    ("what", "delivery", "state", "words"),
    [
        ("retry", "parked", "unknown", "sends it again with the same webhook-id: "),
        ("retry", "parked", "parked", "sends it again with the same webhook-id: "),
        ("park", "judged", "sent", "keeps it; retry sends it again with the same webhook-id: "),
        ("skip", "judged", "sent", "does not send it again: "),
    ],
)
async def test_of_a_call_no_dry_run_says_that_it_is_looked_for(
    what: str, delivery: str, state: str, words: str, database_url: str, pool: Pool
) -> None:
    """Nobody can look whether it came there."""
    await register(pool)
    chosen = await arrive(pool, state=delivery)
    await step(pool, chosen, state)
    await rows(pool, "UPDATE steps SET action = 'call', operation = '{}', sent_at = now()")
    assert words in await said_of(database_url, what, str(chosen), "--dry-run")
