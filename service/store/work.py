"""Work: lanes that a worker takes up, with all that it must know of each, read for all of them together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from service.store import appointments, deliveries, follows, lanes, locations, overrides, rulebooks, steps, verdicts
from service.store.appointments import LastSeen
from service.store.database import AWAY, UNFIT, Connection, Pool
from service.store.deliveries import Delivery, Unreadable
from service.store.follows import Follow
from service.store.lanes import Lane
from service.store.locations import Location, TokenUnreadable
from service.store.sealing import Keys
from service.store.steps import Step
from service.store.verdicts import Verdict


@dataclass(frozen=True)
class Work:
    """A lane, and the delivery in it whose turn it is. `rulebook_id` is the one that the delivery began with or, before
    it began, the one in force. What belongs to a delivery that has not begun is empty."""

    lane: Lane
    delivery: Delivery | None = None
    location: Location | TokenUnreadable | None = None
    rulebook_id: UUID | None = None
    seen: LastSeen | None = None
    follows: Sequence[Follow] = ()
    verdicts: Sequence[Verdict] = ()
    steps: Sequence[Step] = ()
    held_rules: Mapping[tuple[str, str], str] = field(default_factory=dict)
    """Why which rules are held back, by location ('' for all) and name."""

    overrides: Mapping[tuple[str, str], str] = field(default_factory=dict)
    """The mode that a rule has at most, by location ('' for all) and name."""

    unreadable: Unreadable | None = None
    """In the place of a delivery that cannot be read."""


async def take(
    pool: Pool, keys: Keys, worker: str, number: int, *, pivot: str, busy: Mapping[str, int], most: int, spare: int = 0
) -> list[Work]:
    """Claim lanes (as `lanes.claim` does) and read what is in them."""
    async with pool.acquire(timeout=5) as connection:
        claimed = await lanes.claim(connection, worker, number, pivot=pivot, busy=busy, most=most, spare=spare)
        return await _works(connection, keys, claimed) if claimed else []


async def _works(connection: Connection, keys: Keys, claimed: Sequence[Lane]) -> list[Work]:
    """Together, or lane by lane where something cannot be read: it keeps back its own lane only."""
    try:
        return await _read(connection, keys, claimed)
    except (*AWAY, *UNFIT):
        raise
    except Exception as error:
        if len(claimed) == 1:
            [lane] = claimed
            return [Work(lane, unreadable=await deliveries.unreadable(connection, lane.lane_id, error))]
    return [work for lane in claimed for work in await _works(connection, keys, [lane])]


async def _read(connection: Connection, keys: Keys, claimed: Sequence[Lane]) -> list[Work]:
    """What is in lanes; not read with the claim, for what came until it was done must be seen."""
    open_ = await deliveries.next_open(connection, [lane.lane_id for lane in claimed])
    found = [*open_.values()]
    where = sorted({delivery.location_id for delivery in found})
    about = sorted({(each.location_id, each.appointment_id) for each in found if each.appointment_id})
    begun = [delivery.delivery_id for delivery in found if delivery.state != "waiting"]
    known = await locations.several(connection, keys, where)
    in_force = await rulebooks.in_force_for(connection, where)
    held, modes = await overrides.of_rules(connection, where)
    seen = await appointments.several(connection, about) if about else {}
    bound = await follows.of_appointments(connection, about) if about else {}
    judged = await verdicts.of_deliveries(connection, begun) if begun else {}
    planned = await steps.of_deliveries(connection, begun) if begun else []
    works = []
    for lane in claimed:
        delivery = open_.get(lane.lane_id)
        if delivery is None:
            works.append(Work(lane))
            continue
        subject = (delivery.location_id, delivery.appointment_id or "")
        works.append(
            Work(
                lane,
                delivery,
                known.get(delivery.location_id),
                delivery.rulebook_id or in_force.get(delivery.location_id),
                seen.get(subject),
                bound.get(subject, ()),
                judged.get(delivery.delivery_id, ()),
                [step for step in planned if step.delivery_id == delivery.delivery_id],
                held,
                modes,
            )
        )
    return works
