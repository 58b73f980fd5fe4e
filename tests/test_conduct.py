"""What a rule may do only once, or only so often: counted with the decision, however many lanes decide at once."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest

from service.embedded import Servers
from service.store import holds
from service.store.conduct import Limit
from tests.house import House, in_days, open_house
from tests.sandboxes import CONSULTATIONS, DANA, LOCATION
from tests.test_apply import rule
from tests.workshop import alerts, at_work, booking, calls, fault, held, states, tell, until

GRACE = "cGrc7YwP2kVb9HsD4tQx"
NOON = datetime.fromisoformat(in_days(3, "12:00"))
DAY, HOUR = timedelta(days=1), timedelta(hours=1)


@pytest.fixture
async def idle(database_url: str, servers: Servers) -> AsyncIterator[House]:
    """Nobody works until somebody is put to work: what came meanwhile is taken up at once, by as many lanes."""
    async with open_house(database_url, servers.redis_url, working=False) as opened:
        yield opened


def note(more: str, when: str = "appointment.created") -> str:
    return rule("note", when, "do: add_note, text: hello", more=f"{more},")


async def tell_all(house: House, bookings: Sequence[dict[str, Any]]) -> None:
    for each in bookings:
        await tell(house, each)


def many(number: int, **fields: Any) -> list[dict[str, Any]]:
    """So many bookings, an hour after each other, the sooner the higher their number."""
    return [booking(each, NOON - each * HOUR, **fields) for each in range(number)]


async def counted(house: House) -> tuple[int, int]:
    """How many marks and uses there are."""
    row = await house.pool.fetchrow("SELECT (SELECT count(*) FROM marks), (SELECT count(*) FROM uses)")
    assert row is not None
    return row[0], row[1]


@pytest.mark.parametrize(
    ("once_per", "bookings"),
    [
        ("contact", [booking(1, NOON), booking(2, NOON + DAY), booking(3, NOON, contactId=GRACE)]),
        (
            "series",
            [
                booking(1, NOON, id="series1x000000000_1800000000000_3600"),
                booking(2, NOON + DAY, id="series1x000000000_1800086400000_3600"),
                booking(3, NOON),
            ],
        ),
        # By the location's clock: the last minutes of a day there.
        (
            "day",
            [
                booking(1, NOON.replace(hour=0)),
                booking(2, NOON.replace(hour=23, minute=30)),
                booking(3, NOON.replace(hour=0) + DAY),
            ],
        ),
        (
            "[calendar, starts]",
            [booking(1, NOON), booking(2, NOON, contactId=GRACE), booking(3, NOON, calendarId=CONSULTATIONS)],
        ),
        (
            "[assignee]",
            [booking(1, NOON), booking(2, NOON + DAY), booking(3, NOON + DAY, assignedUserId=DANA)],
        ),
    ],
)
async def test_a_rule_acts_once_for_each_group(idle: House, once_per: str, bookings: list[dict[str, Any]]) -> None:
    """The first two are of one group, the third is of another."""
    await idle.rules(note(f"once_per: {once_per}"))
    await tell_all(idle, bookings)
    async with at_work(idle.work):
        await idle.settled()
    shown = [delivery for each in bookings for delivery in await idle.deliveries(each["id"])]
    steps = [delivery["steps"][0] for delivery in shown]
    assert sorted(step["state"] for step in steps[:2]) == ["done", "unchanged"]
    assert steps[2]["state"] == "done"
    first, other = sorted(range(2), key=lambda which: steps[which]["state"])
    words = once_per.strip("[]").replace(", ", " and ")
    assert steps[other]["reason"] == f"once per {words}: it was taken up for delivery {shown[first]['delivery_id']}"
    assert len(await calls(idle, "CreateNote")) == 2
    assert await counted(idle) == (2, 0)


async def test_a_rule_acts_once_for_an_appointment_however_often_that_changes(house: House) -> None:
    await house.rules(note("once_per: appointment", "appointment.updated"))
    booked = [await house.book(in_days(3, clock), assignedUserId=DANA) for clock in ("10:00", "14:00")]
    for title in ("one", "two", "three"):
        for each in booked:
            await house.edit(each, title=title)
    await house.settled()
    assert [await house.notes(each) for each in booked] == [["hello"], ["hello"]]
    assert await states(house) == {"done": 2, "unchanged": 4}


async def test_of_twenty_deliveries_at_once_exactly_one_acts(idle: House) -> None:
    await idle.rules(note("once_per: contact"))
    await tell_all(idle, many(20))
    async with at_work(idle.work), at_work(idle.work):
        await idle.settled()
    assert await states(idle) == {"done": 1, "unchanged": 19}
    assert len(await calls(idle, "CreateNote")) == 1
    assert await counted(idle) == (1, 0)


async def test_all_that_a_rule_does_for_one_delivery_is_once(idle: House) -> None:
    three = ("do: assign, to: kim, replace: anybody", "do: add_note, text: one", "do: add_note, text: two")
    await idle.rules(rule("three", "appointment.created", *three, more="once_per: contact, limit: 1 per hour,"))
    await tell_all(idle, many(1))
    async with at_work(idle.work):
        await idle.settled()
    assert await states(idle) == {"done": 3}
    assert await counted(idle) == (1, 1)


async def test_the_group_is_the_one_that_was_judged_whatever_the_rule_makes_of_it(idle: House) -> None:
    """A booking that the rule has moved to another day is not the one of that day."""
    moves = "do: reschedule, to: next_free, notify: false, within: {hours: '09:00-11:00'}"
    await idle.rules(rule("day", "appointment.created", moves, "do: add_note, text: moved", more="once_per: day,"))
    await tell_all(idle, [booking(1, NOON, assignedUserId=DANA)])
    async with at_work(idle.work):
        await idle.settled()
        assert await states(idle) == {"done": 2}
        await tell_all(idle, [booking(2, NOON + DAY, assignedUserId=DANA)])
        await idle.settled()
    assert await states(idle) == {"done": 4}


async def test_of_twenty_deliveries_at_once_as_many_act_as_the_limit_says(idle: House) -> None:
    await idle.rules(note("limit: 7 per hour"))
    await tell_all(idle, many(20))
    async with at_work(idle.work), at_work(idle.work):
        await idle.settled()
        await until(lambda: held(idle))
    assert await states(idle) == {"done": 7, "parked": 13}
    assert await states(idle, "deliveries") == {"done": 7, "parked": 13}
    assert len(await calls(idle, "CreateNote")) == 7
    assert await counted(idle) == (0, 7)
    assert await held(idle) == [("rule", "breaker", "note")]
    reason = "the rule has reached its limit, 7 per hour, and is stopped"
    reasons = {row["reason"] for row in await idle.pool.fetch("SELECT reason FROM steps WHERE state = 'parked'")}
    assert reasons <= {reason, f"the rule is held: {reason}"}
    assert await alerts(idle) == {("parked", "note"): 13, ("breaker", "note"): 1}
    assert await idle.pool.fetchval("SELECT count(*) FROM alerts") == 2, "each is one, counted"


async def test_the_next_hour_a_stopped_rule_acts_again_once_it_is_let_go(idle: House) -> None:
    await idle.rules(note("limit: 2 per hour"))
    await tell_all(idle, many(3))
    async with at_work(idle.work):
        await idle.settled()
        await until(lambda: held(idle))
        await idle.pool.execute("UPDATE uses SET used_at = used_at - interval '61 minutes'")
        await tell(idle, booking(10, NOON))
        await idle.settled()
        assert await states(idle) == {"done": 2, "parked": 2}, "it is stopped until somebody lets it go"
        async with idle.pool.acquire() as connection:
            await holds.lift(connection, "rule", ["breaker"], location_id=LOCATION, rule="note")
        await tell_all(idle, [booking(number, NOON) for number in (11, 12, 13)])
        await idle.settled()
    assert await states(idle) == {"done": 4, "parked": 3}


async def test_another_rule_goes_on_when_one_is_stopped(idle: House) -> None:
    await idle.rules(note("limit: 1 per hour") + rule("other", "appointment.created", "do: add_note, text: other"))
    await tell_all(idle, many(3))
    async with at_work(idle.work):
        await idle.settled()
    rows = await idle.pool.fetch("SELECT rule, state, count(*) AS number FROM steps GROUP BY rule, state")
    found = {(row["rule"], row["state"]): row["number"] for row in rows}
    assert found == {("note", "done"): 1, ("note", "parked"): 2, ("other", "done"): 3}


async def test_a_rule_that_moves_bookings_has_a_limit_though_it_says_none(
    idle: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workers.rule.MOVES", Limit(2, HOUR))
    moves = "do: reschedule, to: next_free, notify: false"
    await idle.rules(rule("moves", "appointment.created", moves))
    await tell_all(idle, [booking(number, NOON + number * DAY, assignedUserId=DANA) for number in range(3)])
    async with at_work(idle.work):
        await idle.settled()
    assert await states(idle) == {"done": 2, "parked": 1}


async def test_a_decision_that_was_killed_before_it_was_kept_does_not_count(idle: House) -> None:
    await idle.rules(note("once_per: contact, limit: 1 per hour"))
    await tell_all(idle, many(1))
    waiting = "SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%INSERT INTO steps%'"
    async with idle.pool.acquire() as other:
        async with other.transaction():
            # Marked and counted, it comes no further than to the step.
            await other.execute("LOCK TABLE steps IN EXCLUSIVE MODE")
            async with at_work(idle.work):
                await until(lambda: idle.pool.fetch(waiting))
                assert await idle.pool.fetch(f"SELECT pg_terminate_backend(pid) FROM ({waiting}) AS stuck")
        assert await counted(idle) == (0, 0)
        assert await states(idle) == {}
        await other.execute("UPDATE lanes SET lease_until = NULL, worker = NULL")
    async with at_work(idle.work):
        await idle.settled()
    assert await states(idle) == {"done": 1}
    assert await counted(idle) == (1, 1)


async def test_a_decision_that_failed_does_not_count(idle: House) -> None:
    give = rule("give", "appointment.created", "do: assign, to: kim", more="once_per: contact, limit: 1 per hour,")
    await idle.rules(give)
    await fault(idle, "GetCalendar:403")
    await tell(idle, booking(1, NOON))
    async with at_work(idle.work):
        await idle.settled()
        assert await states(idle) == {"failed": 1}
        assert await counted(idle) == (0, 0)
        await tell(idle, booking(2, NOON + DAY))
        await idle.settled()
    assert await states(idle) == {"failed": 1, "done": 1}


async def test_what_has_nothing_to_do_does_not_count(idle: House) -> None:
    give = rule("give", "appointment.created", "do: assign, to: kim", more="once_per: contact, limit: 1 per hour,")
    await idle.rules(give)
    await tell(idle, booking(1, NOON, assignedUserId=DANA))  # has somebody, and the rule replaces nobody
    async with at_work(idle.work):
        await idle.settled()
        await tell(idle, booking(2, NOON + DAY))
        await idle.settled()
    assert await states(idle) == {"unchanged": 1, "done": 1}


async def test_in_shadow_nothing_counts(idle: House) -> None:
    await idle.rules(note("limit: 1 per hour").replace("live", "shadow"))
    await tell_all(idle, many(3))
    async with at_work(idle.work):
        await idle.settled()
    assert await states(idle) == {"shadow": 3}
    assert await counted(idle) == (0, 0)


async def test_a_turn_that_another_took_first_is_not_counted_twice(idle: House) -> None:
    robin = "do: assign, to: {round_robin: evening}"
    await idle.rules(rule("robin", "appointment.created", robin, more="once_per: appointment, limit: 8 per hour,"))
    await tell_all(idle, [booking(number, NOON + number * DAY) for number in range(8)])
    async with at_work(idle.work), at_work(idle.work):
        await idle.settled()
    assert await states(idle) == {"done": 8}
    assert await counted(idle) == (8, 8)
    given = await idle.pool.fetchval("SELECT version FROM turns")
    assert given == 8


async def test_bookings_of_no_contact_are_no_contact_of_their_own(idle: House) -> None:
    await idle.rules(note("once_per: contact"))
    await tell_all(idle, many(2, contactId=""))
    async with at_work(idle.work):
        await idle.settled()
    assert await states(idle) == {"done": 2}
