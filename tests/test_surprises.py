"""Errors that nobody thought of: what was sent before one is not forgotten, what cannot be read is in nobody's way."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from service.embedded import Servers
from service.store import interventions, steps
from service.store.database import Pool
from service.store.steps import EITHER, NOT_RUN
from service.telemetry import Tally
from tests.house import House, in_days, open_house
from tests.test_deliveries import rows
from tests.test_record import begun, step
from tests.workshop import at_work, fault, hasten, until
from workers.actions import AddNote
from workers.surprises import MOST, Surprises

TWO = """
  - {name: it, mode: live, when: appointment.created, then: [{do: add_note, text: one}, {do: add_note, text: two}]}
"""

NOW = ("UPDATE deliveries SET next_at = now()", "UPDATE lanes SET ready_at = now() WHERE worker IS NULL")

SURPRISED = "SELECT FROM deliveries WHERE surprises = 1 AND waits_for LIKE 'an unexpected RuntimeError%'"


def once(usual: Callable[..., Any], when: Callable[..., bool]) -> Callable[..., Any]:
    """As it is, but that it breaks the first time that is so."""
    broken: list[int] = []

    def call(*values: Any) -> Any:
        if not broken and when(*values):
            broken.append(1)
            raise RuntimeError("nobody thought of this")
        return usual(*values)

    return call


async def surprised(house: House) -> None:
    """It has been; and nobody waits for it to be taken up again."""
    await until(lambda: house.pool.fetch(SURPRISED))
    for statement in NOW:
        await house.pool.execute(statement)


async def test_a_surprise_undoes_nothing_that_was_committed(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first action is done and known by then; judged again the delivery would be an echo of it."""
    monkeypatch.setattr(AddNote, "plan", once(AddNote.plan, lambda action, _: action.text.source == "two"))
    await house.rules(TWO)
    booked = await house.book(in_days(20, "10:00"))
    await surprised(house)
    await house.settled()
    assert sorted(await house.notes(booked)) == ["one", "two"]
    [delivery] = await house.deliveries(booked)
    assert (delivery["state"], delivery["triggers"]) == ("done", ["appointment.created"])
    assert [kept["state"] for kept in delivery["steps"]] == ["done", "done"]


async def test_a_write_that_a_surprise_left_in_doubt_is_settled(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workers.settle.answered", once(lambda *_: None, lambda *_: True))
    await house.rules(TWO)
    booked = await house.book(in_days(20, "10:00"))
    await until(lambda: house.pool.fetch(SURPRISED))
    monkeypatch.undo()
    assert await rows(house.pool, "SELECT state FROM deliveries") == [("judged",)]
    assert await rows(house.pool, "SELECT state, attempts FROM steps") == [("sent", 1)]
    await surprised(house)
    await house.settled()
    assert sorted(await house.notes(booked)) == ["one", "two"]
    assert await house.writes("CreateNote") == 2


async def test_a_surprise_at_storing_that_something_waits_is_counted_as_any(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the lane would come back for ever, each time its lease has ended."""
    hasten(monkeypatch, breakers=False)
    await house.pool.execute(
        "ALTER TABLE deliveries ADD CONSTRAINT surprise CHECK (waits_for NOT LIKE 'a step waits%')"
    )
    await house.rules(TWO)
    await fault(house, "CreateNote:503*1")
    booked = await house.book(in_days(20, "10:00"))
    await until(lambda: house.pool.fetch("SELECT FROM deliveries WHERE surprises = 1"))
    await house.pool.execute("ALTER TABLE deliveries DROP CONSTRAINT surprise")
    for statement in NOW:
        await house.pool.execute(statement)
    await house.settled()
    assert sorted(await house.notes(booked)) == ["one", "two"]


async def test_what_is_given_up_leaves_nothing_open_and_can_be_tried_again(pool: Pool) -> None:
    """Neither what was noted last is believed nor that a step would not be there."""
    of, tally = await begun(pool), Tally()
    states = ("planned", "sent", "done", "failed")
    of.change(state="judged", triggers=("created",), surprises=MOST - 1)
    planned = [replace(step(of, place, state), operation={"operation": "any"}) for place, state in enumerate(states)]
    of.keep(planned)
    await of.commit()
    of.end("done")
    await Surprises(tally).met_by(of.delivery, of.lease, RuntimeError("the last"))
    ended = [("failed", NOT_RUN), ("unknown", EITHER), ("done", None), ("failed", None)]
    assert await rows(pool, "SELECT state, reason FROM steps ORDER BY place") == ended
    assert await rows(pool, "SELECT count(*) FROM steps WHERE finished_at IS NULL OR next_at IS NOT NULL") == [(0,)]
    stands = "SELECT state, reason, triggers, finished_at IS NOT NULL FROM deliveries"
    reason = "an unexpected RuntimeError; the log has more"
    assert await rows(pool, stands) == [("failed", reason, ["created"], True)]
    assert await rows(pool, "SELECT worker, ready_at FROM lanes") == [(None, None)]
    counted = tally.take().values
    assert counted["steps", (("action", "a"), ("state", "unknown"))] == 1
    assert counted["steps", (("action", "a"), ("state", "failed"))] == 1
    assert counted["deliveries", (("outcome", "failed"),)] == 1
    async with pool.acquire() as connection, connection.transaction():
        assert await interventions.carry_out(connection, "retry", [of.delivery.delivery_id], "ada")
        again = await steps.of_deliveries(connection, [of.delivery.delivery_id])
    assert [each.state for each in again] == ["waiting", "sent", "done", "waiting"]


@pytest.mark.parametrize(
    "broken",
    [
        """UPDATE deliveries SET was = '{"id": "x"}' WHERE appointment_id = $1""",
        """INSERT INTO appointments (location_id, appointment_id, booking)
            SELECT location_id, appointment_id, '{"id": "x"}' FROM deliveries WHERE appointment_id = $1""",
    ],
    ids=["delivery", "appointment"],
)
async def test_what_cannot_be_read_is_put_off_and_given_up_and_keeps_no_other_lane_back(
    database_url: str, servers: Servers, broken: str
) -> None:
    async with open_house(database_url, servers.redis_url, working=False) as house:
        await house.rules(TWO)
        poison, *others = [await house.book(in_days(20, f"{hour}:00")) for hour in (10, 12, 14)]
        await until(lambda: all_came(house, 3))
        await house.pool.execute(broken, poison)
        async with at_work(house.work):
            await until(lambda: house.pool.fetch("SELECT FROM deliveries WHERE surprises = 1"))
            await until(lambda: ended(house, 2))
            await house.pool.execute("UPDATE deliveries SET surprises = $1 WHERE surprises = 1", MOST - 1)
            for statement in NOW:
                await house.pool.execute(statement)
            await until(lambda: ended(house, 3))
        assert [await house.notes(each) for each in others] == [["one", "two"]] * 2
        stands = "SELECT state, reason, body <> '' FROM deliveries WHERE appointment_id = $1"
        reason = "an unexpected ValidationError; the log has more"
        assert await rows(house.pool, stands, poison) == [("failed", reason, True)]


def all_came(house: House, number: int) -> Awaitable[Any]:
    return house.pool.fetch("SELECT FROM deliveries HAVING count(*) = $1", number)


def ended(house: House, number: int) -> Awaitable[Any]:
    return house.pool.fetch("SELECT FROM deliveries WHERE finished_at IS NOT NULL HAVING count(*) = $1", number)
