"""What is remembered of blocks: which time rules have blocked, and which bookings share it; found by their indexes."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from service.store import blocks, follows, steps
from service.store.blocks import Blocked
from service.store.database import Pool
from service.store.follows import Follow, Stretch
from service.store.identifiers import new_id
from service.store.ledger import write_down
from tests.house import register
from tests.sandboxes import DANA, KIM, LOCATION
from tests.test_deliveries import arrival, record

NOON = datetime(2027, 3, 25, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)

MANY = """
    INSERT INTO follows (follow_id, location_id, appointment_id, rule, side, length, title, block, wanted)
    SELECT gen_random_uuid(), location_id, 'a' || n, rule, side, length, title, block, wanted
        || jsonb_build_object('assignee', 'p' || n % 50, 'starts', '2027-' || n)
    FROM follows, generate_series(1, 3000) AS n;
    INSERT INTO steps (step_id, delivery_id, location_id, rule, place, part, action, state, sentence, meant)
    SELECT gen_random_uuid(), delivery_id, location_id, 'r', n, 0, 'a', 'done', 's',
        CASE WHEN n % 3 = 0 THEN jsonb_set(meant, '{blocks,whose}', to_jsonb('p' || n % 50)) ELSE '{}' END
    FROM steps, generate_series(1, 3000) AS n;
    ANALYZE
"""


async def keep(pool: Pool, blocked: Blocked, state: str = "done") -> UUID:
    """Keep a step that blocks time, as the plan of a block does."""
    [delivery] = await record(pool, arrival(f"d{new_id().hex[:20]}", ignored="a test"))
    assert delivery.delivery_id is not None
    step = steps.Step(
        new_id(), delivery.delivery_id, blocked.rule, 0, 0, "block_slot", state, "block", LOCATION, None, None,
        meant=blocked.meant(),
    )  # fmt: skip
    async with pool.acquire() as connection:
        await write_down(connection, [steps.kept(step)])
    return step.step_id


async def known(pool: Pool, *whose: str, before: UUID | None = None) -> blocks.Known:
    async with pool.acquire() as connection:
        return await blocks.known(connection, LOCATION, whose, NOON, NOON + HOUR, before=before)


def follow(appointment: str, whose: str = DANA, starts: datetime = NOON, **fields: Any) -> Follow:
    wanted = {
        "starts": starts.isoformat(),
        "ends": (starts + HOUR).isoformat(),
        "assignee": whose,
        "calendar": None,
        **fields,
    }
    block = {**wanted, "id": f"block of {appointment}"}
    return Follow(new_id(), LOCATION, appointment, "rule", "after", HOUR, "Tidy up", None, block, wanted)


async def bind(pool: Pool, *kept: Follow) -> None:
    async with pool.acquire() as connection:
        await write_down(connection, [follows.kept(each) for each in kept])


async def test_what_came_of_a_step_tells_whether_its_time_is_blocked(pool: Pool) -> None:
    await register(pool)
    remembered = {"planned", "sent", "waiting", "unknown", "parked", "done"}
    for state in (*sorted(remembered), "failed", "unchanged", "skipped", "shadow"):
        await keep(pool, Blocked("lunch", state, NOON, NOON + HOUR, repeated=True), state)
        fixed = (await known(pool, state)).fixed
        found = [Blocked("lunch", state, NOON, NOON + HOUR, repeated=True, open=state != "done")]
        assert fixed == (found if state in remembered else []), state


async def test_of_two_that_wait_the_older_goes_before_and_what_has_not_waited_before_both(pool: Pool) -> None:
    await register(pool)
    older, younger = [await keep(pool, Blocked(name, DANA, NOON, NOON + HOUR), "waiting") for name in ("old", "young")]
    await keep(pool, Blocked("planned", DANA, NOON, NOON + HOUR), "planned")
    assert [each.rule for each in (await known(pool, DANA, before=older)).fixed] == ["planned"]
    assert [each.rule for each in (await known(pool, DANA, before=younger)).fixed] == ["old", "planned"]


async def test_only_what_overlaps_is_told_and_only_of_whom_it_is_asked_of(pool: Pool) -> None:
    await register(pool)
    before = Blocked("before", DANA, NOON - HOUR, NOON)
    within = Blocked("within", KIM, NOON + HOUR / 2, NOON + 2 * HOUR)
    await keep(pool, before)
    await keep(pool, within)
    assert (await known(pool, DANA)).fixed == []
    assert (await known(pool, DANA, KIM)).fixed == [within]
    later = follow("later", starts=NOON + 5 * HOUR)
    await bind(pool, follow("a"), follow("b", KIM), later)
    assert (await known(pool, DANA)).following == {"block of a"}


async def test_blocks_of_other_bookings_are_found_around_a_time_of_the_same_person(pool: Pool) -> None:
    await register(pool)
    nobody = Follow(**{**vars(follow("nobody")), "wanted": None, "block": None})
    of_the_room = follow("room", assignee=None, calendar="room")
    far = follow("far", starts=NOON + timedelta(days=9))
    await bind(pool, follow("own"), follow("near"), follow("kim", KIM), nobody, of_the_room, far)

    async def around(*asked: Stretch) -> set[str]:
        async with pool.acquire() as connection:
            found = await follows.around(connection, LOCATION, asked, but="own")
        return {each.appointment_id for each in found}

    assert await around(Stretch(DANA, NOON, NOON + HOUR)) == {"near"}
    assert await around(Stretch("room", NOON, NOON + HOUR)) == {"room"}
    both = Stretch(DANA, NOON, NOON + HOUR), Stretch(DANA, NOON + timedelta(days=8), NOON + timedelta(days=9))
    assert await around(*both) == {"near", "far"}


async def test_what_is_asked_of_blocks_uses_their_indexes(pool: Pool) -> None:
    await register(pool)
    await keep(pool, Blocked("lunch", DANA, NOON, NOON + HOUR))
    await bind(pool, follow("a"))
    async with pool.acquire() as connection:
        await connection.execute(MANY)
        of_dana: list[Any] = [LOCATION, [DANA], NOON, NOON + HOUR]
        around = [LOCATION, [DANA], [NOON.isoformat()], [(NOON + HOUR).isoformat()], "a"]
        for statement, values, index in (
            (blocks.FIXED, [*of_dana, None], "steps_blocking"),
            (blocks.FOLLOWING, of_dana, "follows_by_time"),
            (follows.AROUND, around, "follows_by_time"),
        ):
            plan = "\n".join(row[0] for row in await connection.fetch(f"EXPLAIN {statement}", *values))
            assert index in plan, plan
