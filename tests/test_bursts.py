"""A burst of changes is answered once, when nothing has changed for a while."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from service.store import holds
from tests.house import House, in_days
from tests.rule_files import faults
from tests.sandboxes import LOCATION
from tests.test_apply import rule
from tests.workshop import until
from workers import timekeeper
from workers.conduct_words import read_pause, write_pause

PAUSE = timedelta(seconds=30)
TELL = "do: add_note, text: 'From {{ was.starts | time }} to {{ starts | time }}'"
MOVED = rule("moved", "appointment.rescheduled", TELL, more="debounce: 30s,")
START = in_days(3, "12:00")


@contextlib.asynccontextmanager
async def held(house: House) -> AsyncIterator[None]:
    """Nothing is done at the location meanwhile; what comes waits in its lane."""
    async with house.pool.acquire() as connection, connection.transaction():
        await holds.shut(connection, "location", "paused", location_id=LOCATION, reason="a test", who="ada")
    yield
    async with house.pool.acquire() as connection, connection.transaction():
        await holds.lift(connection, "location", ["paused"], location_id=LOCATION)


async def waiting(house: House, number: int) -> bool:
    query = "SELECT count(*) FROM deliveries WHERE state = 'waiting'"
    return bool(await house.pool.fetchval(query) == number)


def hour(number: int) -> tuple[str, str]:
    starts = datetime.fromisoformat(in_days(3, f"{number}:00"))
    return starts.isoformat(), (starts + timedelta(hours=1)).isoformat()


async def move(house: House, booked: str, number: int) -> None:
    starts, ends = hour(number)
    await house.edit(booked, startTime=starts, endTime=ends)
    await house.settled()


async def fire(house: House, after: timedelta) -> None:
    """What is due so long from now."""
    now = house.clock() + after
    await timekeeper.fire(replace(house.work, clock=lambda: now))
    await house.settled()


async def test_a_burst_of_changes_is_answered_once_with_what_it_was_before(house: House) -> None:
    await house.rules(MOVED)
    booked = await house.book(START)
    for number in (13, 14, 15):
        await move(house, booked, number)
    assert await house.notes(booked) == []
    await fire(house, PAUSE - timedelta(seconds=10))
    assert await house.notes(booked) == [], "it has not been quiet for long enough"
    await fire(house, PAUSE + timedelta(seconds=1))
    assert await house.notes(booked) == ["From 12:00 to 15:00"]
    await fire(house, 2 * PAUSE)
    assert await house.notes(booked) == ["From 12:00 to 15:00"], "it is answered once"


async def test_the_next_burst_begins_anew(house: House) -> None:
    await house.rules(MOVED)
    booked = await house.book(START)
    await move(house, booked, 13)
    await fire(house, PAUSE + timedelta(seconds=1))
    await move(house, booked, 14)
    await fire(house, PAUSE + timedelta(seconds=1))
    assert sorted(await house.notes(booked)) == ["From 12:00 to 13:00", "From 13:00 to 14:00"]


async def test_every_change_of_a_burst_says_that_it_is_waited_for_quiet(house: House) -> None:
    await house.rules(MOVED)
    booked = await house.book(START)
    await move(house, booked, 13)
    *_, latest = await house.deliveries(booked)
    [verdict] = (await house.shown(str(latest["delivery_id"])))["verdicts"]
    assert verdict["held"] is False
    [check] = verdict["checks"]
    assert (check["fact"], check["actual"]) == ("debounce", "asked once it has been quiet for 30s")


async def test_conditions_are_judged_on_the_booking_as_it_is_when_the_burst_is_over(house: House) -> None:
    await house.rules(rule("late", "appointment.updated", TELL, more="debounce: 30s, if: {starts: {after: '14:00'}},"))
    booked = await house.book(START)
    await move(house, booked, 15)
    await move(house, booked, 13)
    await fire(house, PAUSE + timedelta(seconds=1))
    assert await house.notes(booked) == []


async def test_a_rule_that_is_gone_is_not_asked(house: House) -> None:
    await house.rules(MOVED)
    booked = await house.book(START)
    await move(house, booked, 13)
    await house.rules(rule("other", "appointment.created", "do: add_note, text: x"))
    await timekeeper.lay(house.work)
    await fire(house, PAUSE + timedelta(seconds=1))
    assert await house.notes(booked) == []


async def test_a_burst_outlives_another_pause_in_the_rules(house: House) -> None:
    await house.rules(MOVED)
    booked = await house.book(START)
    await move(house, booked, 13)
    await house.rules(MOVED.replace("30s", "1m"))
    await timekeeper.lay(house.work)
    await fire(house, PAUSE + timedelta(seconds=1))
    assert await house.notes(booked) == ["From 12:00 to 13:00"]


async def test_an_answer_comes_however_late(house: House) -> None:
    await house.rules(MOVED)
    booked = await house.book(START)
    await move(house, booked, 13)
    await fire(house, timedelta(hours=20))
    assert await house.notes(booked) == ["From 12:00 to 13:00"]


async def test_a_change_before_the_answer_was_given_puts_it_off_once_more(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both stand in the lane, the change first: what was fired already must not answer beside the next."""
    await house.rules(MOVED)
    booked = await house.book(START)
    await move(house, booked, 13)
    async with held(house):
        starts, ends = hour(14)
        await house.edit(booked, startTime=starts, endTime=ends)
        await until(lambda: waiting(house, 1))
        now = house.clock() + PAUSE + timedelta(seconds=1)
        await timekeeper.fire(replace(house.work, clock=lambda: now))
        await until(lambda: waiting(house, 2))
    await house.settled()
    assert await house.notes(booked) == []
    await fire(house, 3 * PAUSE)
    assert await house.notes(booked) == ["From 12:00 to 14:00"]


async def test_a_rule_that_another_stops_waits_for_nothing(house: House) -> None:
    stops = rule("stops", "appointment.rescheduled", "do: add_note, text: stopped", more="stop_others: true,")
    await house.rules(stops + MOVED)
    booked = await house.book(START)
    await move(house, booked, 13)
    await fire(house, PAUSE + timedelta(seconds=1))
    assert await house.notes(booked) == ["stopped"]


@pytest.mark.parametrize("word", ["external.desk", "contact.updated", "1h before start", "every day at 09:00"])
def test_only_changes_of_a_booking_come_in_bursts(word: str) -> None:
    text = f"- {{name: a, when: [{word}], debounce: 30s, then: [{{do: call, url: 'https://example.com'}}]}}"
    [told] = faults(text)
    assert told.endswith(f"debounce waits until a booking has changed no more, and {word} is no change of one")


@pytest.mark.parametrize("said", ["30s", "2m", "1h", "90s"])
def test_a_pause_is_written_as_it_was_read(said: str) -> None:
    assert write_pause(read_pause(said)) == said
