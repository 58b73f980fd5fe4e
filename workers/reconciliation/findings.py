"""What becomes of what was read: remembered, made a delivery, or laid before somebody; each in one transaction."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal
from uuid import UUID

from service.event import read_reconciled
from service.highlevel.appointments import Appointment
from service.store import appointments, arrivals, layings, reconcilers, reconciliations
from service.store.appointments import LastSeen
from service.store.arrivals import Arrival
from service.store.database import GAVE_WAY, Connection
from service.store.locations import Location
from service.store.reconcilers import Claim
from service.trigger import Booking
from workers.reconciliation.comparison import body_of, compare, key_of, sentence
from workers.workplace import Workplace

SOURCE = "reconciler"
"""Whose deliveries they are; nobody can post as it."""

Remembered = Callable[[Connection, LastSeen], Awaitable[None]]
"""Told, in the transaction that remembers it, of a booking that no delivery will tell of: its moments are laid here."""

Outcome = Literal["same", "remembered", "acted", "waiting", "left"]


@dataclass(frozen=True)
class Findings:
    """Of a pass over a location."""

    work: Workplace
    location: Location
    claim: Claim
    remembered: Remembered

    async def settle(self, read: Appointment, began: datetime) -> Outcome:
        """What becomes of one that was read after `began`, on the database's clock. Raises ClaimLost.

        What is under way, or has changed since, may differ for no other reason, and is left to the next pass.
        """
        try:
            async with self.work.pool.acquire() as connection, connection.transaction():
                await reconcilers.hold(connection, self.claim)
                return await self._settle(connection, read, began)
        except GAVE_WAY:
            return "left"

    async def _settle(self, connection: Connection, read: Appointment, began: datetime) -> Outcome:
        booking = Booking.of(read)
        if not await reconciliations.quiet(connection, booking.location_id, booking.id):
            return "left"
        known = (await reconciliations.known(connection, booking.location_id, [booking.id])).get(booking.id)
        if known is not None and known.changed_at >= began:
            return "left"
        last = known.seen if known else None
        match compare(booking, last, self.location.connected_at):
            case "same":
                return "same"
            case "remember":
                return await self._remember(connection, booking, last)
            case "news":
                return await self._tell(connection, read, booking, last)

    async def _remember(self, connection: Connection, booking: Booking, last: LastSeen | None) -> Outcome:
        seen = last.told(booking) if last else LastSeen.first(booking)
        if last is not None:
            await appointments.keep(connection, seen)
        elif not await reconciliations.remember(connection, seen):
            return "left"
        await self.remembered(connection, seen)
        return "remembered"

    async def _tell(
        self, connection: Connection, read: Appointment, booking: Booking, last: LastSeen | None
    ) -> Outcome:
        if self.claim.inventory_at is None:
            return "left"
        news = sentence(booking, last.booking if last else None, self.location.zone)
        body = body_of(read)
        waits = await reconciliations.waits(connection, booking.location_id, booking.id)
        spent = await reconciliations.acted(connection, booking.location_id)
        if waits or spent >= self.work.settings.reconciled_an_hour:
            await reconciliations.propose(connection, booking, news, body)
            return "waiting"
        delivery_id = await deliver(connection, booking, body, self.work.clock(), self.work.settings.ignored_kept)
        if delivery_id is None:
            return "same"
        await reconciliations.note_acted(connection, booking, news, delivery_id)
        return "acted"


async def deliver(
    connection: Connection, booking: Booking, body: bytes, at: datetime, ignored_kept: int
) -> UUID | None:
    """Keep it as a delivery, in the lane of its appointment; None where the same was delivered before."""
    event = replace(read_reconciled(body), key=key_of(booking))
    [recorded] = await arrivals.record(connection, [Arrival(SOURCE, event, body, at)], ignored_kept=ignored_kept)
    return None if recorded.known or recorded.ignored else recorded.delivery_id


async def lay_again(connection: Connection, seen: LastSeen) -> None:
    """Its moments are laid when the timekeeper looks next."""
    await layings.again(connection, seen.booking.location_id)
