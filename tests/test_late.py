"""What comes too late is not done: it says so, and somebody is told."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from service.embedded import Servers
from service.store.alerts import raised as alert
from service.store.ledger import Entry, write_down
from tests.house import House, open_house
from tests.sandboxes import DANA, KIM, LOCATION
from tests.test_apply import rule
from tests.workshop import alerts, at_work, booking, calls, fault, hasten, heal, states, tell, until

GIVE = rule("give", "appointment.created", "do: assign, to: kim, replace: anybody")
IN_TIME = "not_after: 15m before start,"


@pytest.fixture
async def idle(database_url: str, servers: Servers) -> AsyncIterator[House]:
    """Nobody works until somebody is put to work."""
    async with open_house(database_url, servers.redis_url, working=False) as opened:
        yield opened


def in_minutes(minutes: float) -> datetime:
    return datetime.now(UTC) + timedelta(minutes=minutes)


async def told(house: House, minutes: float) -> str:
    """The id of a booking that starts then, and belongs to Dana."""
    new = booking(1, in_minutes(minutes), assignedUserId=DANA)
    await tell(house, new)
    return str(new["id"])


async def test_what_was_booked_before_its_start_and_comes_up_after_it_is_too_late(idle: House) -> None:
    await idle.rules(GIVE)
    booked = await told(idle, 30)
    idle.clock.ahead = timedelta(minutes=31)
    async with at_work(idle.work):
        await idle.settled()
    [step] = await idle.steps(booked)
    assert step["state"] == "unchanged"
    assert step["reason"].startswith("too late: the booking started at ")
    assert await calls(idle, "EditAppointment") == []
    assert await alerts(idle) == {("late", "give"): 1}


async def test_a_second_before_the_start_is_not_too_late(idle: House) -> None:
    await idle.rules(GIVE)
    booked = await told(idle, 30)
    idle.clock.ahead = timedelta(minutes=29)
    async with at_work(idle.work):
        await idle.settled()
    assert (await idle.appointment(booked))["assignedUserId"] == KIM
    assert await alerts(idle) == {}


async def test_what_happens_after_the_start_is_answered_after_the_start(idle: House) -> None:
    await idle.rules(GIVE)
    booked = await told(idle, -10)
    async with at_work(idle.work):
        await idle.settled()
    assert (await idle.appointment(booked))["assignedUserId"] == KIM
    assert await alerts(idle) == {}


async def test_a_note_is_written_after_the_start_all_the_same(idle: House) -> None:
    await idle.rules(rule("note", "appointment.created", "do: add_note, text: hello"))
    booked = await told(idle, 30)
    idle.clock.ahead = timedelta(minutes=31)
    async with at_work(idle.work):
        await idle.settled()
    assert await idle.notes(booked) == ["hello"]
    assert await alerts(idle) == {}


@pytest.mark.parametrize(("minutes", "state"), [(44, "done"), (46, "unchanged")])
async def test_a_rule_may_say_how_long_before_the_start_it_acts_at_the_latest(
    idle: House, minutes: int, state: str
) -> None:
    """Of a note as well, and by the real clock."""
    await idle.rules(rule("note", "appointment.created", "do: add_note, text: hello", more=IN_TIME))
    booked = await told(idle, 60)
    idle.clock.ahead = timedelta(minutes=minutes)
    async with at_work(idle.work):
        await idle.settled()
    [step] = await idle.steps(booked)
    late = "too late: it was to be done 15m before the start at the latest"
    assert (step["state"], step["reason"]) == (state, late if state == "unchanged" else None)
    assert await alerts(idle) == ({("late", "note"): 1} if state == "unchanged" else {})


async def test_what_is_done_otherwise_may_come_after_that_and_the_rule_is_told_of_once(idle: House) -> None:
    """It answers the very thing that was too late; only a write to the booking is too late then as well."""
    instead = "{do: add_note, text: instead}, {do: retitle, text: late}, {do: alert, text: call them}"
    give = f"do: assign, to: kim, replace: anybody, otherwise: [{instead}]"
    rules = rule("give", "appointment.created", give, "do: add_note, text: after", more=IN_TIME)
    await idle.rules(rules + rule("shy", "appointment.created", give, more=IN_TIME, mode="shadow"))
    booked = await told(idle, 60)
    idle.clock.ahead = timedelta(minutes=46)
    async with at_work(idle.work):
        await idle.settled()
    late = "too late: it was to be done 15m before the start at the latest"
    found = [(step["rule"], step["action"], step["state"], step["reason"]) for step in await idle.steps(booked)]
    assert found == [
        ("give", "assign", "unchanged", late),
        ("give", "add_note", "done", None),
        ("give", "retitle", "unchanged", late),
        ("give", "alert", "done", None),
        ("give", "add_note", "unchanged", late),
        ("shy", "assign", "shadow", f"would leave it: {late}"),
        ("shy", "add_note", "shadow", None),
        ("shy", "retitle", "shadow", f"would leave it: {late}"),
        ("shy", "alert", "shadow", None),
    ]
    assert await alerts(idle) == {("late", "give"): 1, ("alert", "give"): 1}


@pytest.mark.parametrize(
    ("rules", "write", "minutes"),
    [
        (GIVE, "EditAppointment", 61),
        (rule("give", "appointment.created", "do: block_slot, after: 15m"), "CreateBlockSlot", 61),
        (rule("give", "appointment.created", "do: add_note, text: hello", more=IN_TIME), "CreateNote", 46),
    ],
)
async def test_what_was_decided_in_time_and_had_to_wait_is_too_late_when_it_may_be_sent(
    idle: House, monkeypatch: pytest.MonkeyPatch, rules: str, write: str, minutes: int
) -> None:
    hasten(monkeypatch)
    await idle.rules(rules)
    await fault(idle, f"{write}:429*1000000")
    booked = await told(idle, 60)
    async with at_work(idle.work):
        await until(lambda: calls(idle, write, answered=429))
        idle.clock.ahead = timedelta(minutes=minutes)
        await heal(idle)
        await idle.settled()
    [step] = await idle.steps(booked)
    assert step["state"] == "unchanged"
    assert step["reason"].startswith("too late: it had to be done before ")
    assert await calls(idle, write, answered=200) + await calls(idle, write, answered=201) == []
    assert await alerts(idle) == {("late", "give"): 1}


async def test_what_is_in_doubt_is_not_sent_once_more_after_the_start(
    idle: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    hasten(monkeypatch, breakers=False)
    monkeypatch.setattr("workers.settle.MOST_DOUBTS", 1_000_000)
    await idle.rules(GIVE)
    await fault(idle, "EditAppointment:503*1000000")
    booked = await told(idle, 60)
    async with at_work(idle.work):
        await until(lambda: calls(idle, "EditAppointment", answered=503))
        idle.clock.ahead = timedelta(minutes=61)
        await heal(idle)
        await idle.settled()
    assert (await idle.appointment(booked))["assignedUserId"] == DANA
    [step] = await idle.steps(booked)
    assert step["state"] == "unchanged"
    assert step["reason"].startswith("too late: it had to be done before ")


async def test_what_is_in_doubt_and_came_true_is_done_whenever_that_is_seen(
    idle: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    hasten(monkeypatch, breakers=False)
    await idle.rules(GIVE)
    await fault(idle, "EditAppointment:503,after")
    await fault(idle, "GetAppointment:delay=0.001*2")
    await fault(idle, "GetAppointment:500*1000000")
    booked = await told(idle, 60)
    async with at_work(idle.work):
        await until(lambda: calls(idle, "GetAppointment", answered=500))
        idle.clock.ahead = timedelta(minutes=61)
        await heal(idle)
        await idle.settled()
    [step] = await idle.steps(booked)
    assert (step["state"], step["attempts"]) == ("done", 1)
    assert await alerts(idle) == {}


async def test_what_is_too_late_is_one_alert_with_a_count(idle: House) -> None:
    await idle.rules(GIVE)
    for number in range(6):
        await tell(idle, booking(number, in_minutes(30), assignedUserId=DANA))
    idle.clock.ahead = timedelta(minutes=31)
    async with at_work(idle.work):
        await idle.settled()
    assert await states(idle) == {"unchanged": 6}
    assert [tuple(row) for row in await idle.pool.fetch("SELECT kind, times FROM alerts")] == [("late", 6)]


async def test_the_same_that_two_raise_at_once_is_one_alert(idle: House) -> None:
    def raised() -> Entry:
        return alert("late", "not in time", location_id=LOCATION, rule="give")

    async with idle.pool.acquire() as one, idle.pool.acquire() as other:
        async with one.transaction():
            await write_down(one, [raised()])
            waiting = asyncio.create_task(write_down(other, [raised(), raised()]))
            locked = "SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%INTO alerts%'"
            await until(lambda: idle.pool.fetch(locked))
        await waiting
        await write_down(one, [raised()])
    assert [tuple(row) for row in await idle.pool.fetch("SELECT kind, times FROM alerts")] == [("late", 4)]
