"""What waits for approval, decided: made deliveries, or remembered without asking a rule."""

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Literal

from service.event import read_reconciled
from service.store import reconciliations
from service.store.appointments import LastSeen
from service.store.database import GAVE_WAY, Connection, Pool
from service.store.reconciliations import Known, Proposal
from service.trigger import Booking
from workers.reconciliation.comparison import key_of, overtaken
from workers.reconciliation.findings import Remembered, deliver, lay_again, remember

Clock = Callable[[], datetime]

Outcome = Literal["approved", "dismissed", "overtaken", "under way"]


async def waiting(pool: Pool, location_id: str) -> list[Proposal]:
    """Those that are still news: what a webhook told meanwhile is dropped."""
    async with pool.acquire() as connection:
        proposals = await reconciliations.waiting(connection, location_id)
        ids = [proposal.appointment_id for proposal in proposals]
        known = await reconciliations.known(connection, location_id, ids)
        gone = {each.appointment_id for each in proposals if not _news(each, known)}
        await reconciliations.overtake(connection, location_id, gone)
    return [proposal for proposal in proposals if proposal.appointment_id not in gone]


async def approve(pool: Pool, location_id: str, clock: Clock, ignored_kept: int) -> Counter[Outcome]:
    """Make deliveries of all that waits, oldest first; how many ended how."""

    async def do(connection: Connection, proposal: Proposal, booking: Booking, last: LastSeen | None) -> Outcome:
        if not await reconciliations.decide(connection, proposal, "approved"):
            return "overtaken"
        delivery_id = await deliver(connection, proposal.body, key_of(booking), clock(), ignored_kept)
        if delivery_id is None:
            return "overtaken"
        await reconciliations.link(connection, proposal, delivery_id)
        return "approved"

    return await _each(pool, location_id, do)


async def dismiss(
    pool: Pool, location_id: str, clock: Clock, ignored_kept: int, remembered: Remembered = lay_again
) -> Counter[Outcome]:
    """Remember all that waits as it was read, and ask no rule; how many ended how. What is under way waits on."""

    async def do(connection: Connection, proposal: Proposal, booking: Booking, last: LastSeen | None) -> Outcome:
        if not await reconciliations.decide(connection, proposal, "dismissed"):
            return "overtaken"
        at, body = clock(), proposal.body
        told = await remember(connection, booking, last, body, at, ignored_kept, remembered)
        return "dismissed" if told else "overtaken"

    return await _each(pool, location_id, do)


async def _each(
    pool: Pool,
    location_id: str,
    do: Callable[[Connection, Proposal, Booking, LastSeen | None], Awaitable[Outcome]],
) -> Counter[Outcome]:
    """In a transaction each, in which nothing else happens to the booking."""
    outcomes: Counter[Outcome] = Counter()
    for proposal in await waiting(pool, location_id):
        try:
            async with pool.acquire() as connection, connection.transaction():
                if not await reconciliations.quiet(connection, location_id, proposal.appointment_id):
                    outcomes["under way"] += 1
                    continue
                known = await reconciliations.known(connection, location_id, [proposal.appointment_id])
                last = known[proposal.appointment_id].seen if known else None
                outcomes[await do(connection, proposal, booking_of(proposal), last)] += 1
        except GAVE_WAY:
            outcomes["under way"] += 1
    return outcomes


def booking_of(proposal: Proposal) -> Booking:
    booking = read_reconciled(proposal.body).booking()
    assert booking is not None, "it was read before it was kept"
    return booking


def _news(proposal: Proposal, known: Mapping[str, Known]) -> bool:
    last = known.get(proposal.appointment_id)
    return last is None or not (last.erased or overtaken(booking_of(proposal), last.seen))
