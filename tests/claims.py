"""Claims: lanes as a worker takes them up, works on them and gives them back, without the worker."""

from dataclasses import replace
from datetime import timedelta

from service.store import deliveries, lanes, ledger
from service.store.database import Connection
from service.store.deliveries import Delivery
from service.store.lanes import LEASE, Lane
from service.store.ledger import Entry, Page, released

AT_ONCE = timedelta()


def page(lane: Lane, *entries: Entry) -> Page:
    """Of several with one key the last."""
    return Page(lane, {(entry.sheet, entry.key): entry for entry in entries})


async def claimed(connection: Connection, worker: str = "a worker") -> Lane:
    """The one lane that is claimed next."""
    [lane] = await lanes.claim(connection, worker)
    return lane


async def expire(connection: Connection, lane: Lane) -> None:
    """As if its worker had said nothing for the length of a lease."""
    await connection.execute(
        "UPDATE lanes SET lease_until = lease_until - $2::interval WHERE lane_id = $1", lane.lane_id, LEASE
    )


async def release(connection: Connection, lane: Lane, after: timedelta = AT_ONCE) -> bool:
    """Give it back: False where it was not ours any more."""
    async with connection.transaction():
        [ours] = await ledger.write(connection, [page(lane, released(lane, after))])
    return ours


async def next_in(connection: Connection, lane: Lane) -> Delivery | None:
    """The delivery whose turn it is."""
    return (await deliveries.next_open(connection, [lane.lane_id])).get(lane.lane_id)


async def end(connection: Connection, delivery: Delivery, state: str = "done") -> None:
    await ledger.write_down(connection, [deliveries.changed(replace(delivery, state=state, wait=timedelta()))])


async def any_ready(connection: Connection) -> bool:
    """Whether there is a lane to take, whoever may take it."""
    return bool(await connection.fetchval(f"SELECT EXISTS (SELECT FROM lanes WHERE {lanes.FREE})"))
