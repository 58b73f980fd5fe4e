"""What becomes of what was read: remembered, made a delivery, or laid before somebody; each in one transaction."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from service.event import read_reconciled
from service.highlevel.appointments import Appointment
from service.store import appointments, arrivals, follows, layings, reconcilers, reconciliations
from service.store.appointments import LastSeen
from service.store.arrivals import Arrival
from service.store.database import GAVE_WAY, Connection
from service.store.locations import Location
from service.store.reconcilers import Claim
from service.store.reconciliations import Known
from service.store.sources import RECONCILER
from service.trigger import Booking
from workers.reconciliation.comparison import Comparison, body_of, compare, key_of, sentence
from workers.workplace import Workplace

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
        last, what = known.seen if known else None, self.compare(booking, known)
        if what == "same":
            return "same"
        # What is parked stays so until somebody tries it again, and what somebody skipped asks no rule.
        aside = await reconciliations.set_aside(connection, booking.location_id, booking.id)
        if what == "left" or aside == "parked":
            return "left"
        if what == "news" and aside is None:
            return await self._tell(connection, read, booking, last)
        at, kept = self.work.clock(), self.work.settings.ignored_kept
        remembered = await remember(connection, booking, last, body_of(read), at, kept, self.remembered)
        return "remembered" if remembered else "left"

    def compare(self, booking: Booking, known: Known | None) -> Comparison:
        """What a booking is that was just read."""
        return compare(booking, known, self.location.connected_at, self.claim.inventory_at, self.work.clock())

    async def _tell(
        self, connection: Connection, read: Appointment, booking: Booking, last: LastSeen | None
    ) -> Outcome:
        news = sentence(booking, last.booking if last else None, self.location.zone)
        body = body_of(read)
        waits = await reconciliations.waits(connection, booking.location_id, booking.id)
        spent = await reconciliations.acted(connection, booking.location_id)
        if waits or spent >= self.work.settings.reconciled_an_hour:
            await reconciliations.propose(connection, booking, news, body)
            return "waiting"
        at, kept = self.work.clock(), self.work.settings.ignored_kept
        delivery_id = await deliver(connection, body, key_of(booking), at, kept)
        if delivery_id is None:
            return "same"
        await reconciliations.note_acted(connection, booking, news, delivery_id)
        return "acted"


async def remember(
    connection: Connection,
    booking: Booking,
    last: LastSeen | None,
    body: bytes,
    at: datetime,
    ignored_kept: int,
    remembered: Remembered,
) -> bool:
    """Take it for seen and ask no rule; False where it was first seen by somebody else just now.

    What follows the booking is brought along by a delivery: to the worker that gets it it is an echo.
    """
    seen = last.told(booking) if last else LastSeen.first(booking)
    if last is not None:
        await appointments.keep(connection, seen)
    elif not await reconciliations.remember(connection, seen):
        return False
    if await follows.of_appointments(connection, [(booking.location_id, booking.id)]):
        await deliver(connection, body, None, at, ignored_kept)
    await remembered(connection, seen)
    return True


async def deliver(connection: Connection, body: bytes, key: str | None, at: datetime, ignored_kept: int) -> UUID | None:
    """Keep it as a delivery, in the lane of its appointment; None where one of that key was kept before."""
    event = read_reconciled(body, key)
    [recorded] = await arrivals.record(connection, [Arrival(RECONCILER, event, body, at)], ignored_kept=ignored_kept)
    return None if recorded.known or recorded.ignored else recorded.delivery_id


async def lay_again(connection: Connection, seen: LastSeen) -> None:
    """Its moments are laid when the timekeeper looks next."""
    await layings.again(connection, seen.booking.location_id)
