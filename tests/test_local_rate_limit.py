"""The rate limit that one process keeps for itself."""

from service.highlevel.books import Allowance
from service.highlevel.limits import Limits
from service.highlevel.local_rate_limit import MANY, LocalRateLimit
from service.highlevel.rate_limit import Grant, Wait


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


async def granted(limit: LocalRateLimit, location: str) -> int:
    """How many have leave at once."""
    number = 0
    while isinstance(await limit.take(location, urgent=False, within=0), Grant):
        number += 1
    return number


async def test_each_location_has_its_own_calls_and_its_answers_are_followed() -> None:
    clock = Clock()
    limit = LocalRateLimit(Allowance(calls=3), clock=clock)
    grant = await limit.take("one", urgent=False, within=0)
    assert isinstance(grant, Grant)
    await limit.answered("one", grant, Limits(burst_left=4, burst_limit=5, interval=2000))
    assert await granted(limit, "one") == 4
    assert await granted(limit, "other") == 1, "carefully, until it is answered"
    clock.now += 2
    again = await limit.take("one", urgent=False, within=0)
    assert isinstance(again, Grant)
    await limit.refused("one", again, None, 60)
    waited = await limit.take("one", urgent=True, within=0)
    assert isinstance(waited, Wait)
    assert 59 < waited.seconds <= 60


async def test_a_call_is_waited_for_within_the_bound() -> None:
    limit = LocalRateLimit(Allowance(calls=1, interval=0.02))
    first = await limit.take("one", urgent=False, within=0)
    assert isinstance(first, Grant)
    await limit.answered("one", first, None)
    assert isinstance(await limit.take("one", urgent=False, within=0), Wait)
    assert isinstance(await limit.take("one", urgent=False, within=5), Grant)


async def test_locations_of_which_nothing_has_to_be_remembered_are_forgotten() -> None:
    clock = Clock()
    limit = LocalRateLimit(clock=clock)
    for number in range(MANY):
        await limit.take(str(number), urgent=False, within=0)
    await limit.take("of the same day", urgent=False, within=0)
    assert len(limit._books) == MANY + 1
    clock.now += 24 * 3600
    await limit.take("of the next", urgent=False, within=0)
    assert len(limit._books) == 1
