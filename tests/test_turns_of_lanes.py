"""Turns of lanes: which of those that are ready a worker takes up, fair between locations and what is due first."""

import asyncio
import json
import string
from collections import Counter
from collections.abc import Mapping
from datetime import timedelta
from random import Random
from typing import Any

import pytest

from service.store import lanes
from service.store.database import Connection, Pool
from service.store.lanes import LEASE, Lane
from tests.claims import any_ready
from tests.test_deliveries import rows

MINUTE = timedelta(minutes=1)

FILL = """
    INSERT INTO lanes (lane_id, location_id, subject, ready_at, due_at, starts_at)
    SELECT gen_random_uuid(), $1, lpad(number::text, 5, '0'), now() - interval '1 minute',
        now() - interval '1 day' + number * interval '1 second' + $3::interval, now() + $4::interval
    FROM generate_series(0, $2::int - 1) AS number
"""

URGENT = "UPDATE lanes SET starts_at = now() + interval '1 minute'"

HOLD = """
    INSERT INTO holds (scope, location_id, rule, kind, until, urgent_until)
    VALUES ($1, $2, $3, $4, now() + $5::interval, now() + $6::interval)
"""


async def fill(
    pool: Pool, location: str, number: int, *, later: timedelta = timedelta(), starts: timedelta | None = None
) -> None:
    """Lanes 00000, 00001, … of a location, each due a second after the one before; `later` than those of others.
    `starts`: from now, what they are about."""
    await rows(pool, FILL, location, number, later, starts)


async def hold(
    pool: Pool,
    scope: str,
    location: str,
    kind: str,
    *,
    until: timedelta | None = None,
    urgent_until: timedelta | None = None,
    rule: str = "",
) -> None:
    await rows(pool, HOLD, scope, location, rule, kind, until, urgent_until)


async def claim(pool: Pool, number: int, **more: Any) -> list[Lane]:
    async with pool.acquire() as connection:
        return await lanes.claim(connection, "w", number, **more)


async def took(pool: Pool, number: int, **more: Any) -> list[str]:
    """The locations and subjects of what a claim takes, in its order."""
    return [f"{lane.location_id} {lane.subject}" for lane in await claim(pool, number, **more)]


async def locations(pool: Pool, number: int, **more: Any) -> Counter[str]:
    """How many lanes of which location a claim takes."""
    return Counter(lane.location_id for lane in await claim(pool, number, **more))


async def test_lanes_of_a_location_come_in_the_order_in_which_they_are_due(pool: Pool) -> None:
    await fill(pool, "a", 5, later=MINUTE)
    await rows(pool, "UPDATE lanes SET subject = 'later' || subject, ready_at = ready_at - interval '1 hour'")
    await fill(pool, "a", 3)
    assert await took(pool, 4) == ["a 00000", "a 00001", "a 00002", "a later00000"]
    assert await took(pool, 9) == [f"a later0000{number}" for number in (1, 2, 3, 4)]


async def test_a_location_with_a_thousand_lanes_keeps_none_waiting_that_has_a_few(pool: Pool) -> None:
    await fill(pool, "a", 1000)
    await fill(pool, "b", 2, later=timedelta(hours=1))
    await fill(pool, "c", 5, later=timedelta(hours=2))
    assert await locations(pool, 8) == {"a": 3, "b": 2, "c": 3}
    assert await locations(pool, 8) == {"a": 6, "c": 2}
    assert await locations(pool, 8) == {"a": 8}, "nobody waits for those who have nothing"


async def test_a_location_that_is_at_work_already_comes_behind_those_that_are_not(pool: Pool) -> None:
    for location, later in (("a", -MINUTE), ("b", -MINUTE), ("c", MINUTE)):
        await fill(pool, location, 10, later=later)
    assert await locations(pool, 3, busy={"a": 1, "b": 2}) == {"a": 1, "c": 2}


async def test_a_location_at_its_most_is_passed_over(pool: Pool) -> None:
    await fill(pool, "a", 10)
    await fill(pool, "b", 2, later=timedelta(hours=1))
    assert await locations(pool, 6, busy={"a": 3}, most=3) == {"b": 2}
    assert await locations(pool, 6, busy={"a": 3}, most=3) == {}
    assert (await locations(pool, 6, busy={"a": 2}, most=3))["a"] > 0


async def test_a_location_gets_no_more_than_its_most_with_one_claim_either(pool: Pool) -> None:
    await fill(pool, "a", 10)
    assert await locations(pool, 6, busy={"a": 1}, most=3) == {"a": 2}


async def test_what_is_urgent_goes_first_wherever_it_is(pool: Pool) -> None:
    await fill(pool, "a", 3)
    await fill(pool, "b", 1, later=timedelta(hours=1))
    await fill(pool, "c", 1, later=timedelta(hours=2), starts=timedelta(minutes=59))
    await fill(pool, "d", 1, starts=timedelta(minutes=61))
    await fill(pool, "e", 1, starts=-MINUTE)
    await rows(pool, f"{URGENT} WHERE location_id = 'a' AND subject = '00002'")
    found = await claim(pool, 6)
    assert [(lane.location_id, lane.subject, lane.urgent) for lane in found] == [
        ("a", "00002", True),
        ("c", "00000", True),
        ("a", "00000", False),
        ("d", "00000", False),
        ("e", "00000", False),
        ("b", "00000", False),
    ]


async def test_what_is_urgent_goes_first_however_much_was_due_before_it(pool: Pool) -> None:
    """As after an outage, when much has been due for long."""
    await fill(pool, "a", 500)
    await fill(pool, "b", 500)
    await rows(pool, f"{URGENT} WHERE location_id = 'b' AND subject = '00400'")
    assert (await took(pool, 2))[0] == "b 00400"


async def test_a_stream_of_what_is_urgent_leaves_a_few_places_for_all_else(pool: Pool) -> None:
    for location in "ab":
        await fill(pool, location, 50, starts=MINUTE)
    await fill(pool, "c", 3, later=timedelta(hours=1))
    await fill(pool, "d", 1, later=timedelta(hours=2))
    assert await locations(pool, 8, spare=2) == {"a": 3, "b": 3, "c": 1, "d": 1}
    assert await locations(pool, 4, spare=0) == {"a": 2, "b": 2}
    assert await locations(pool, 1, spare=2) == {"c": 1}, "of one place as well"
    assert await locations(pool, 4, spare=2) == {"a": 2, "b": 1, "c": 1}, "none is kept for what is not there"
    await fill(pool, "e", 10, starts=MINUTE)
    await rows(pool, "UPDATE lanes SET starts_at = NULL WHERE location_id = 'e' AND subject = '00009'")
    own = [lane.urgent for lane in await claim(pool, 9, spare=1, busy=dict.fromkeys("ab", 5), most=5)]
    assert own == [*[True] * 4, False], "nor does a location's own stream"


@pytest.mark.parametrize("kind", ["paused", "breaker", "token", "budget"])
async def test_what_a_location_is_held_by_keeps_its_lanes_back_and_no_others(pool: Pool, kind: str) -> None:
    for location in "ab":
        await fill(pool, location, 2)
    await hold(pool, "location", "a", kind)
    assert await locations(pool, 9) == {"b": 2}
    await rows(pool, "UPDATE holds SET until = now() + interval '1 minute'")
    assert await locations(pool, 9) == {}
    await rows(pool, "UPDATE holds SET until = now() - interval '1 second'")
    assert await locations(pool, 9) == {"a": 2}, "it ended"


@pytest.mark.parametrize("kind", ["paused", "breaker"])
async def test_what_all_are_held_by_keeps_every_lane_back(pool: Pool, kind: str) -> None:
    for location in "ab":
        await fill(pool, location, 2, starts=MINUTE)
    await hold(pool, "all", "", kind)
    assert await locations(pool, 9) == {}
    await rows(pool, "DELETE FROM holds")
    assert await locations(pool, 9) == {"a": 2, "b": 2}


async def test_what_a_rule_is_held_by_keeps_no_lane_back(pool: Pool) -> None:
    await fill(pool, "a", 2)
    await hold(pool, "rule", "a", "paused", rule="evening cuts")
    await hold(pool, "rule", "", "paused", rule="evening cuts")
    assert await locations(pool, 9) == {"a": 2}


async def test_the_rest_of_a_budget_is_for_what_is_urgent_until_it_is_spent_too(pool: Pool) -> None:
    await fill(pool, "a", 3)
    await rows(pool, f"{URGENT} WHERE subject = '00002'")
    await hold(pool, "location", "a", "budget", until=MINUTE, urgent_until=MINUTE)
    assert await took(pool, 9) == []
    await rows(pool, "UPDATE holds SET urgent_until = now() - interval '1 second'")
    assert await took(pool, 9) == ["a 00002"]
    await fill(pool, "b", 1, starts=MINUTE)
    await hold(pool, "location", "b", "budget", until=MINUTE)
    await hold(pool, "location", "b", "paused")
    assert await took(pool, 9) == [], "held by more than its budget"


async def test_of_more_locations_than_one_claim_looks_at_all_come_to_their_turn(pool: Pool) -> None:
    """Wherever the pivots are: those before them come last, and those that came to it have more."""
    for name in NAMES:
        await fill(pool, name, 2)
    chance = Random(7)
    for _ in range(300):
        await claim(pool, 4, pivot=chance.choice(NAMES))
        if not await rows(pool, NEVER_AT_WORK):
            return
    pytest.fail(f"{await rows(pool, NEVER_AT_WORK)} never came to their turn")


NAMES = ["".join(Random(number).choices(string.ascii_letters + string.digits, k=20)) for number in range(300)]
"""As HighLevel's ids look."""

NEVER_AT_WORK = "SELECT location_id FROM lanes GROUP BY location_id HAVING sum(fence) = 0 ORDER BY 1"


@pytest.mark.parametrize("pivot", ["", "a", "b", "bb", "z", "zzz"])
async def test_a_claim_looks_at_every_location_from_its_pivot_on_and_round(pool: Pool, pivot: str) -> None:
    for location in ("a", "b", "c", "z"):
        await fill(pool, location, 2)
    assert await locations(pool, 8, pivot=pivot) == {"a": 2, "b": 2, "c": 2, "z": 2}


async def test_two_workers_never_take_the_same_lane_and_between_them_take_all(pool: Pool) -> None:
    for location in "abcde":
        await fill(pool, location, 20)
    async with pool.acquire() as first, pool.acquire() as second:
        taken: list[Lane] = []

        async def work(connection: Connection, worker: str) -> None:
            while await any_ready(connection):
                taken.extend(await lanes.claim(connection, worker, 7))

        async with asyncio.timeout(20):
            await asyncio.gather(work(first, "first"), work(second, "second"))
    assert len(taken) == len({lane.lane_id for lane in taken}) == 100


@pytest.mark.parametrize("held", [False, True], ids=["free", "held"])
async def test_ten_thousand_lanes_of_a_location_are_not_looked_through(pool: Pool, held: bool) -> None:
    await fill(pool, "a", 10_000)
    for location in "bcd":
        await fill(pool, location, 10)
    if held:
        await hold(pool, "location", "a", "paused")
    async with pool.acquire() as connection:
        await connection.execute("ANALYZE lanes")
        values = ["w", LEASE, 16, "", ["a"], [3], 12, 5]
        told = await connection.fetchval(f"EXPLAIN (ANALYZE, TIMING OFF, FORMAT json) {lanes.CLAIM}", *values)
    plan = nodes(json.loads(told)[0]["Plan"])
    assert {node["Index Name"] for node in plan if "Index Name" in node} >= {"lanes_due", "lanes_pkey"}
    assert not [node for node in plan if node["Node Type"] == "Seq Scan" and node["Relation Name"] == "lanes"]
    read = max((node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"] for node in plan)
    assert read <= 4 * 16 * 4


def nodes(plan: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [plan, *(each for below in plan.get("Plans", ()) for each in nodes(below))]
