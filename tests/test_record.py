"""A delivery as it is worked on: what is noted of it stands in the store as it stood here, once it is committed."""

from datetime import timedelta

from service.event import read_event
from service.store import steps
from service.store.appointments import LastSeen
from service.store.database import Pool
from service.store.follows import Follow
from service.store.identifiers import new_id
from service.store.sealing import Keys
from service.store.steps import Step
from service.store.verdicts import Verdict
from service.store.work import Work, take
from service.telemetry import Tally
from tests.house import SECRET, register
from tests.sandboxes import LOCATION
from tests.test_deliveries import arrival, record, rows
from workers.lease import Lease, elapsed
from workers.record import Record


async def taken(pool: Pool, number: int = 1) -> list[Work]:
    return await take(pool, Keys(SECRET), "a worker", number, pivot="", busy={}, most=number)


async def begun(pool: Pool) -> Record:
    await register(pool)
    await record(pool, arrival("app"))
    [work] = await taken(pool)
    return Record(Lease(pool, work.lane, elapsed()), work)


def step(of: Record, place: int, state: str) -> Step:
    """As one that was decided, or that came so far."""
    planned = Step(new_id(), of.delivery.delivery_id, "r", place, 0, "a", "planned", "s", LOCATION, "app", None)
    return planned.sent() if state == "sent" else planned if state == "planned" else planned.ended(state)


async def test_what_is_open_of_a_delivery_that_is_given_up_is_closed_as_it_must_be(pool: Pool) -> None:
    of = await begun(pool)
    states = ("planned", "sent", "done", "unchanged", "failed", "shadow")
    of.keep([step(of, place, state) for place, state in enumerate(states)])
    await of.commit()
    of.end("failed", "why")
    await of.commit()
    async with pool.acquire() as connection:
        after = [step.state for step in await steps.of_deliveries(connection, [of.delivery.delivery_id])]
    assert after == ["failed", "unknown", "done", "unchanged", "failed", "shadow"]
    assert after == [step.state for step in of.steps]
    ended = "SELECT state, reason, finished_at IS NOT NULL FROM deliveries"
    assert await rows(pool, ended) == [("failed", "why", True)]


async def test_what_was_noted_is_what_the_next_worker_finds(pool: Pool) -> None:
    """And what belongs to one delivery is found with no other, of however many that are taken up together."""
    of = await begun(pool)
    booking = read_event(arrival("app").body).booking()
    assert booking is not None
    seen = LastSeen.first(booking).written(booking.changed(title="ours")).told(booking.changed(title="theirs"))
    minutes = timedelta(minutes=15)
    bound, other = (Follow(new_id(), LOCATION, "app", "r", "after", minutes, n, None, {"id": n}) for n in "ab")
    of.change(state="judged", triggers=("created",), was=None, booking=booking)
    of.judge([Verdict(place, "r", "live", held, [{"fact": "f"}]) for place, held in enumerate((True, None))])
    of.see(seen)
    of.keep([step(of, 0, "done"), step(of, 1, "sent")])
    of.bind(bound)
    of.bind(other)
    of.unbind(other.follow_id)
    of.wait(timedelta(), "a step waits", failed=True)
    await of.lease.give_back()
    await record(pool, arrival("another"), arrival("a third"))
    works = {work.lane.subject: work for work in await taken(pool, 9)}
    assert works.keys() == {"app", "another", "a third"}
    found = works["app"]
    assert found.delivery == of.delivery
    assert (found.seen, list(found.follows)) == (seen, [bound])
    assert list(found.verdicts) == list(of.verdicts)
    assert [(s.step_id, s.state) for s in found.steps] == [(s.step_id, s.state) for s in of.steps]
    for fresh in (works["another"], works["a third"]):
        assert (fresh.seen, [*fresh.follows, *fresh.verdicts, *fresh.steps]) == (None, [])
        assert fresh.delivery is not None
        assert fresh.delivery.appointment_id == fresh.lane.subject


async def test_what_is_written_is_counted_once(pool: Pool) -> None:
    of, tally = await begun(pool), Tally()
    of.keep([step(of, 0, "planned")])
    of.end("failed")
    of.count(tally)
    of.count(tally)
    assert tally.take().values == {
        ("steps", (("action", "a"), ("state", "failed"))): 1,
        ("deliveries", (("outcome", "failed"),)): 1,
    }
