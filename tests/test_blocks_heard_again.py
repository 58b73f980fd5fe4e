"""Blocks of rules that hear of the same thing again, late or at once: each is made once, and people win."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from service.availability.intervals import Interval
from service.highlevel.blocked_slots import CreateBlockSlot, EditBlockSlot
from service.store import interventions
from service.store.blocks import Blocked, Known
from service.store.follows import Bound, Follow
from service.store.identifiers import new_id
from service.store.turns import Turn
from tests.house import House
from tests.planning import Planning, planning
from tests.rule_files import action
from tests.sandboxes import DANA, LOCATION
from tests.test_apply import rule
from tests.test_blocks_kept import DAYS, LUNCH, in_force, live, spans, told
from tests.test_blocks_of_neighbours import book, move, times
from tests.test_contact_actions import BOOKED, at
from tests.test_external_events import open_source
from tests.test_settle import fault
from workers.actions import BlockSlot
from workers.actions.action import LeftAlone, Plan
from workers.actions.following import Side, rule_write

BLOCKS = {"method": "POST", "path": "/calendars/events/block-slots"}
HEARING = "appointment.created, appointment.updated, appointment.rescheduled"
QUARTER = timedelta(minutes=15)


@pytest.fixture
async def planned() -> AsyncIterator[Planning]:
    async with planning() as opened:
        yield opened


async def retry(house: House, delivery: UUID) -> None:
    async with house.pool.acquire() as connection, connection.transaction():
        assert await interventions.carry_out(connection, "retry", [delivery], "ada") == [delivery]
    await house.settled()


# Blocks that follow


async def test_a_rule_that_hears_of_a_booking_again_binds_nothing_again_and_what_was_removed_stays_so(
    house: House,
) -> None:
    await house.rules(rule("rest", HEARING, "do: block_slot, after: 15m, follow: true"))
    booked = await book(house, "10:00")
    await house.settled()
    for title in ("one", "two"):
        await house.edit(booked, title=title)
        await house.settled()
    await move(house, booked, "12:00")
    await house.settled()
    assert await house.blocks(DANA) == times("13:00-13:15")
    assert [await house.writes(each) for each in ("CreateBlockSlot", "EditBlockSlot", "DeleteEvent")] == [1, 1, 0]
    [block] = await house.pool.fetch("SELECT block->>'id' AS id FROM follows")
    await house.call("DELETE", f"/calendars/events/{block['id']}", {})
    for clock in ("14:00", "16:00"):
        await move(house, booked, clock)
        await house.settled()
    assert await house.blocks(DANA) == [], "people win"


async def test_a_rule_that_says_another_length_by_now_makes_its_block_as_long(house: House) -> None:
    await house.rules(rule("rest", HEARING, "do: block_slot, after: 15m, follow: true"))
    booked = await book(house, "10:00")
    await house.settled()
    await house.rules(rule("rest", HEARING, "do: block_slot, after: 30m, follow: true"))
    await house.edit(booked, title="one")
    await house.settled()
    assert await house.blocks(DANA) == times("11:00-11:30")
    assert (await house.steps(booked))[-1]["sentence"] == "make the block after the booking 30m, 11:00 to 11:30"
    assert await house.pool.fetchval("SELECT length FROM follows") == 2 * QUARTER
    assert await house.writes("CreateBlockSlot") == 1


def bound(minutes: int, side: Side = "after") -> Follow:
    block = {
        "id": "block",
        "starts": BOOKED.ends.isoformat(),
        "ends": (BOOKED.ends + QUARTER).isoformat(),
        "assignee": BOOKED.assignee,
        "calendar": None,
    }
    length = timedelta(minutes=minutes)
    return Follow(new_id(), LOCATION, BOOKED.id, "told", side, length, "Rest", None, block, block)


SHORT, LONG = bound(15), bound(40)
HERE = frozenset({SHORT.follow_id})


@pytest.mark.parametrize(
    ("known", "written"),
    [
        (Bound(), CreateBlockSlot),
        (Bound([bound(30, "before")]), CreateBlockSlot),
        (Bound([bound(30)]), None),
        (Bound([SHORT]), EditBlockSlot),
        (Bound([replace(SHORT, block=None)]), CreateBlockSlot),
        (Bound([SHORT], here=HERE), CreateBlockSlot),
        (Bound([SHORT], gone=frozenset({("after", 2 * QUARTER)})), None),
        (Bound(gone=frozenset({("after", QUARTER)})), None),
        (Bound(gone=frozenset({("before", 2 * QUARTER)})), CreateBlockSlot),
    ],
)
async def test_what_a_rule_has_bound_before_tells_what_it_has_to_write(known: Bound, written: type | None) -> None:
    async def all_bound() -> Bound:
        return known

    context = replace(at(), bound=all_bound)
    write = await rule_write(context, "after", 2 * QUARTER, title="Rest", calendar_id=None)
    assert (type(write.operation) if write else None) is written


async def test_of_two_blocks_the_one_nearest_in_length_is_changed() -> None:
    async def both() -> Bound:
        return Bound([SHORT, LONG])

    context = replace(at(), bound=both)
    write = await rule_write(context, "after", 2 * QUARTER, title="Rest", calendar_id=None)
    assert write
    assert write.meant["follow"]["follow_id"] == str(LONG.follow_id)


async def test_two_that_are_bound_at_once_share_their_time(house: House) -> None:
    await house.rules(rule("long", "appointment.created", "do: block_slot, after: 30m, follow: true"))
    for _ in range(2):
        await fault(house, BLOCKS, hold=0.3)
    await asyncio.gather(book(house, "10:00"), book(house, "10:10"))
    await house.settled()
    assert await house.blocks(DANA) in (times("11:00-11:30", "11:30-11:40"), times("11:00-11:10", "11:10-11:40"))


# Blocks that failed, and were made meanwhile


async def test_what_is_tried_again_is_not_blocked_where_another_run_has_blocked_it_meanwhile(house: House) -> None:
    await open_source(house)
    await in_force(house, live(f"from: '12:00', until: '13:00', {LUNCH}, for: dana"))
    await fault(house, BLOCKS, status=400)
    failed = await told(house, "m1")
    assert failed[0]["state"] == "failed"
    await told(house, "m2")
    lunches = spans([DAYS[0], DAYS[1], DAYS[3]])
    assert await house.blocks(DANA) == lunches
    delivery = await house.pool.fetchval("SELECT delivery_id FROM steps WHERE state = 'failed'")
    await retry(house, delivery)
    assert await house.blocks(DANA) == lunches
    [step, *_] = (await house.shown(str(delivery)))["steps"]
    assert (step["state"], step["reason"]) == ("unchanged", "its time is blocked already")


@pytest.mark.parametrize(
    ("said", "status", "state"), [("from: '11:00', until: '11:15'", 400, "failed"), ("after: 15m", 502, "unknown")]
)
async def test_what_is_there_in_truth_is_not_blocked_again_when_it_is_tried_again(
    house: House, said: str, status: int, state: str
) -> None:
    """Made by us though nobody knew, or by somebody by hand since."""
    await house.rules(rule("rest", "appointment.created", f"do: block_slot, {said}"))
    await fault(house, BLOCKS, status=status, after_write=True)
    if state == "unknown":
        await fault(house, {"method": "GET", "path": "/calendars/blocked-slots"}, status=403)
    booked = await book(house, "10:00")
    await house.settled()
    assert [step["state"] for step in await house.steps(booked)] == [state]
    await house.pool.execute("UPDATE steps SET sent_at = sent_at - interval '1 minute'")
    await retry(house, (await house.deliveries(booked))[0]["delivery_id"])
    assert [step["state"] for step in await house.steps(booked)] != [state]
    assert await house.blocks(DANA) == times("11:00-11:15")
    assert await house.writes("CreateBlockSlot") == 1


async def test_a_block_that_follows_is_not_bound_once_more_when_it_is_tried_again(house: House) -> None:
    await house.rules(rule("rest", HEARING, "do: block_slot, after: 15m, follow: true"))
    await fault(house, BLOCKS, status=400)
    booked = await book(house, "10:00")
    await house.settled()
    await house.edit(booked, title="one")
    await house.settled()
    assert await house.blocks(DANA) == times("11:00-11:15")
    await retry(house, (await house.deliveries(booked))[0]["delivery_id"])
    assert await house.writes("CreateBlockSlot") == 2
    assert await house.pool.fetchval("SELECT count(*) FROM follows") == 1


# Blocks that stay where they are


@pytest.mark.parametrize("said", ["after: 15m", "from: '12:00', until: '13:00', for: dana"])
async def test_blocks_that_stay_are_decided_in_turn(planned: Planning, said: str) -> None:
    words = f"do: block_slot, {said}"
    plan = await planned.decided(f"{{{words}}}", await planned.booked("2026-03-24T10:00:00Z", assignedUserId=DANA))
    assert isinstance(plan, Plan)
    assert plan.turn == Turn(7)
    assert action(f"{{{words}}}").decides_alone
    assert not action("{do: block_slot, after: 15m, follow: true}").decides_alone


LUNCHTIME = "{do: block_slot, from: '12:00', until: '13:00', for: dana}"


async def test_what_is_about_to_be_blocked_is_blocked_already(planned: Planning) -> None:
    booked = await planned.read(await planned.booked("2026-03-24T10:00:00Z", assignedUserId=DANA))
    noon = booked.starts.replace(hour=12)
    lunch = Blocked("another", DANA, noon, noon + timedelta(hours=1), open=True)
    planned.known = Known([lunch])
    assert isinstance(await planned.decided(LUNCHTIME, booked.id), LeftAlone)
    planned.known = Known([replace(lunch, open=False)])
    assert isinstance(await planned.decided(LUNCHTIME, booked.id), Plan), "somebody has removed it"


async def test_what_follows_a_booking_counts_for_nothing_for_it_may_leave(planned: Planning) -> None:
    booked = await planned.read(await planned.booked("2026-03-24T10:00:00Z", assignedUserId=DANA))
    noon = Interval(booked.starts.replace(hour=12), booked.starts.replace(hour=13))
    times_of_it = {"start_time": noon.starts.isoformat(), "end_time": noon.ends.isoformat()}
    block = await planned.api(CreateBlockSlot(location_id=LOCATION, assigned_user_id=DANA, title="A", **times_of_it))
    assert isinstance(await planned.decided(LUNCHTIME, booked.id), LeftAlone)
    planned.known = Known(following=frozenset({block.id}))
    assert isinstance(await planned.decided(LUNCHTIME, booked.id), Plan)


async def test_what_is_past_is_not_blocked(planned: Planning) -> None:
    booked = await planned.booked("2026-03-24T10:00:00Z", assignedUserId=DANA)
    two_days = "{do: block_slot, from: '05:00', until: '06:00', on: [2026-03-23, 2026-03-24], ahead: 3d, for: dana}"
    write = await planned.write(two_days, booked)
    assert isinstance(write.operation, CreateBlockSlot)
    assert write.operation.start_time.startswith("2026-03-24")
    assert isinstance(action(two_days), BlockSlot)
