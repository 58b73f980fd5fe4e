"""Whether somebody is free then, against what is on offer."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import HealthCheck, given, settings

from service.availability.intervals import Interval
from service.availability.slots import Booking, Person, Terms, is_free, offers
from tests.availability_oracle import World, moment_of
from tests.availability_worlds import worlds

MINUTE = timedelta(minutes=1)
UTC_ZONE = ZoneInfo("Etc/UTC")
NINE = datetime(2026, 6, 1, 9, tzinfo=UTC)


def interval(start: int, length: int) -> Interval:
    return Interval(moment_of(start), moment_of(start + length))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(world=worlds(together=False))
def test_somebody_is_free_for_a_booking_of_their_own_where_a_slot_is_on_offer(world: World) -> None:
    said = world.conditions
    terms = Terms(said.duration * MINUTE, said.duration * MINUTE, said.before * MINUTE, said.after * MINUTE)
    earliest, latest = moment_of(world.earliest), moment_of(world.latest)
    always = [Interval(earliest, latest + terms.duration)]
    for person in world.people:
        taken = [
            Booking(interval(one.starts, one.length), one.before * MINUTE, one.after * MINUTE) for one in person.taken
        ]
        somebody = Person(person.id, always, taken, [interval(*block) for block in person.blocked])
        offered = offers(terms, [somebody], zone=UTC_ZONE, earliest=earliest, latest=latest)
        starts = [earliest + number * terms.duration for number in range((latest - earliest) // terms.duration)]
        free = [
            start
            for start in starts
            if is_free(somebody, Interval(start, start + terms.duration), before=terms.before, after=terms.after)
        ]
        assert free == [offer.start for offer in offered if offer.start in starts]


def test_an_instant_within_a_booking_is_not_free() -> None:
    somebody = Person("kim", (), [Booking(Interval(NINE, NINE + 30 * MINUTE))])
    assert not is_free(somebody, Interval(NINE + MINUTE, NINE + MINUTE))
    assert is_free(somebody, Interval(NINE + 30 * MINUTE, NINE + 30 * MINUTE))
