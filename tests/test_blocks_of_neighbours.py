"""Blocks that follow bookings side by side: none lies over another, and none leaves free what it should cover."""

import asyncio
from datetime import datetime, timedelta
from random import Random
from typing import Any

from tests.house import House, in_days
from tests.sandboxes import DANA, KIM
from tests.test_apply import rule

AROUND = rule("around", "appointment.created", "do: block_slot, before: 15m, after: 15m, follow: true")

Times = list[tuple[datetime, datetime]]


def at(clock: str) -> datetime:
    """On the day of the tests."""
    return datetime.fromisoformat(in_days(3, clock))


def times(*spans: str) -> Times:
    """`09:45-10:00` on that day."""
    bounds = (span.split("-") for span in spans)
    return [(at(start), at(end)) for start, end in bounds]


async def book(house: House, clock: str, **fields: Any) -> str:
    start = at(clock)
    more = {"endTime": (start + timedelta(hours=1)).isoformat(), "ignoreFreeSlotValidation": True, **fields}
    return await house.book(start.isoformat(), **{"assignedUserId": DANA, **more})


async def move(house: House, booking: str, clock: str) -> None:
    start = at(clock)
    ends = start + timedelta(hours=1)
    await house.edit(booking, startTime=start.isoformat(), endTime=ends.isoformat(), ignoreFreeSlotValidation=True)


async def test_the_younger_of_two_blocks_covers_what_the_older_leaves_and_all_of_it_once_that_goes(
    house: House,
) -> None:
    await house.rules(AROUND)
    first = await book(house, "10:00")
    await house.settled()
    second = await book(house, "11:10")
    await house.settled()
    shared = times("09:45-10:00", "10:55-11:00", "11:00-11:15", "12:10-12:25")
    assert await house.blocks(DANA) == shared
    await house.edit(first, appointmentStatus="cancelled")
    await house.settled()
    assert await house.blocks(DANA) == times("10:55-11:10", "12:10-12:25"), "what the other covered is covered still"
    await house.edit(first, appointmentStatus="confirmed")
    await house.settled()
    assert await house.blocks(DANA) == shared
    await house.edit(first, assignedUserId=KIM)
    await house.settled()
    assert await house.blocks(DANA) == times("10:55-11:10", "12:10-12:25")
    assert await house.blocks(KIM) == times("09:45-10:00", "11:00-11:15")
    await move(house, second, "15:00")
    await house.settled()
    assert await house.blocks(DANA) == times("14:45-15:00", "16:00-16:15")
    assert {step["state"] for id_ in (first, second) for step in await house.steps(id_)} == {"done"}


async def test_of_two_rules_for_one_booking_the_longer_block_stands_alone(house: House) -> None:
    await house.rules(
        rule("short", "appointment.created", "do: block_slot, after: 15m, follow: true")
        + rule("long", "appointment.created", "do: block_slot, after: 30m, follow: true")
    )
    booked = await book(house, "10:00")
    await house.settled()
    assert await house.blocks(DANA) == times("11:00-11:30")
    await move(house, booked, "13:00")
    await house.settled()
    assert await house.blocks(DANA) == times("14:00-14:30")
    sentences = [step["sentence"] for step in await house.steps(booked)]
    assert "remove the block after the booking: others cover all of its time" in sentences


async def test_however_bookings_move_at_once_each_time_is_blocked_once_that_should_be(house: House) -> None:
    await house.rules(
        rule("before", "appointment.created", "do: block_slot, before: 40m, follow: true")
        + rule("after", "appointment.created", "do: block_slot, after: 25m, follow: true")
    )
    random = Random(11)
    clocks = [f"{hour:02}:{minute:02}" for hour in (10, 11, 12) for minute in (0, 10, 20, 30, 40, 50)]
    booked = list(await asyncio.gather(*(book(house, clock) for clock in random.sample(clocks, 3))))
    await house.settled()
    for _ in range(3):
        await asyncio.gather(*(move(house, each, random.choice(clocks)) for each in booked))
        await house.settled()
        starts = [datetime.fromisoformat((await house.appointment(each))["startTime"]) for each in booked]
        wanted = {
            minute
            for start in starts
            for minute in (*range(-40, 0), *range(60, 85))
            for minute in [int(start.timestamp()) // 60 + minute]
        }
        blocked = [
            minute
            for begin, end in await house.blocks(DANA)
            for minute in range(int(begin.timestamp()) // 60, int(end.timestamp()) // 60)
        ]
        assert len(blocked) == len(set(blocked)), "none twice"
        assert set(blocked) == wanted, "none left free, and none too many"


async def test_a_block_that_somebody_removed_covers_nothing_for_others(house: House) -> None:
    await house.rules(AROUND)
    first = await book(house, "10:00")
    await house.settled()
    [after] = [step for step in await house.steps(first) if "after" in step["sentence"]]
    await house.call("DELETE", f"/calendars/events/{after['written_id']}", {})
    await book(house, "11:10")
    await house.settled()
    assert await house.blocks(DANA) == times("09:45-10:00", "10:55-11:10", "12:10-12:25")
