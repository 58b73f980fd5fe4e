"""Steps: what is remembered of a write while it is brought to its end."""

from dataclasses import replace
from datetime import datetime, timedelta

from service.store import steps
from service.store.database import Connection, Pool
from service.store.identifiers import new_id
from service.store.ledger import write_down
from service.store.steps import Step
from tests.house import register
from tests.sandboxes import LOCATION
from tests.test_deliveries import arrival, record


async def planned(pool: Pool) -> Step:
    """A step that is not stored yet, of a delivery that is."""
    await register(pool)
    [delivery] = await record(pool, arrival())
    assert delivery.delivery_id is not None
    return Step(
        new_id(), delivery.delivery_id, "rule", 0, 0, "add_note", "planned", "write", LOCATION, "app", "con",
        operation={"body": "a\\u0000b"}, meant={"follow": "x"},
    )  # fmt: skip


async def stored(connection: Connection, step: Step) -> Step:
    """As it is read again once it was kept."""
    await write_down(connection, [steps.kept(step)])
    [found] = await steps.of_deliveries(connection, [step.delivery_id])
    return found


async def test_a_step_says_how_far_it_came(pool: Pool) -> None:
    step = await planned(pool)
    async with pool.acquire() as connection:
        fresh = await stored(connection, step)
        assert fresh == replace(step, planned_at=fresh.planned_at)
        assert (fresh.state, fresh.attempts, fresh.since_sent, fresh.wait) == ("planned", 0, None, timedelta())
        sent = await stored(connection, fresh.sent())
        assert (sent.state, sent.attempts) == ("sent", 1)
        assert sent.since_sent is not None
        doubted = await stored(connection, sent.later(timedelta(minutes=1), "no answer", in_doubt=True, doubts=1))
        assert (doubted.state, doubted.reason, doubted.doubts) == ("sent", "no answer", 1)
        assert doubted.since_sent is not None, "the write may be in the world"
        assert timedelta(seconds=50) < doubted.wait <= timedelta(minutes=1)
        refused = await stored(connection, doubted.later(timedelta(), "refused for now", in_doubt=False))
        assert (refused.state, refused.since_sent, refused.wait) == ("waiting", None, timedelta())
        again = await stored(connection, refused.sent())
        assert (again.state, again.attempts) == ("sent", 2)
        closed = await stored(connection, again.ended("done", written_id="note"))
        assert (closed.state, closed.reason, closed.written_id) == ("done", None, "note")
        assert await steps.taken(connection, step, ["note", "other"]) == frozenset()
        other = Step(new_id(), step.delivery_id, "rule", 1, 0, "a", "unchanged", "s", LOCATION, "app", None)
        assert await steps.taken(connection, other, ["note", "other"]) == {"note"}


async def test_what_a_step_sends_stays_as_it_was_decided(pool: Pool) -> None:
    step = await planned(pool)
    async with pool.acquire() as connection:
        fresh = await stored(connection, step)
        other = replace(fresh.sent(), operation={"body": "otherwise"}, meant={}, sentence="otherwise", action="assign")
        found = await stored(connection, other)
        assert found == replace(fresh, state="sent", attempts=1, since_sent=found.since_sent)


async def test_a_step_that_was_sent_has_been_so_since_it_was_sent_however_often_it_is_kept(pool: Pool) -> None:
    """On the database's clock, whatever of its age those remember who keep it."""
    step = await planned(pool)

    async def sent_at() -> datetime:
        found = await connection.fetchval("SELECT sent_at FROM steps")
        assert isinstance(found, datetime)
        return found

    async with pool.acquire() as connection:
        sent = step.sent()
        await stored(connection, sent)
        first = await sent_at()
        await stored(connection, sent.later(timedelta(), "no answer", in_doubt=True))
        assert await sent_at() == first
        await connection.execute("UPDATE steps SET sent_at = sent_at - interval '1 hour'")
        [known] = await steps.of_deliveries(connection, [step.delivery_id])
        assert known.since_sent is not None
        assert known.since_sent >= timedelta(hours=1)
        await stored(connection, known.later(timedelta(), "no answer", in_doubt=True))
        assert await sent_at() == first - timedelta(hours=1)
        await stored(connection, known.sent())
        assert await sent_at() > first
        await stored(connection, known.sent().ended("done"))
        assert await connection.fetchval("SELECT finished_at >= sent_at FROM steps")


async def test_steps_of_several_deliveries_come_in_the_order_they_were_decided_in(pool: Pool) -> None:
    first = await planned(pool)
    [delivery] = await record(pool, arrival())
    assert delivery.delivery_id is not None
    of_one = [replace(first, step_id=new_id(), rule=rule, place=place) for rule in "ba" for place in (0, 1)]
    of_other = [replace(each, step_id=new_id(), delivery_id=delivery.delivery_id) for each in of_one]
    async with pool.acquire() as connection:
        await write_down(connection, [steps.kept(step) for pair in zip(of_one, of_other, strict=True) for step in pair])
        found = await steps.of_deliveries(connection, [first.delivery_id, delivery.delivery_id])
    for mine in (of_one, of_other):
        assert [s.step_id for s in found if s.delivery_id == mine[0].delivery_id] == [s.step_id for s in mine]
