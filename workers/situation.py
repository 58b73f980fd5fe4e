"""The situation of one delivery: what its steps are decided by, and where what was decided is kept."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property, partial
from typing import Any
from uuid import UUID

from service.store import blocks, follows, ledger, steps, turns
from service.store.appointments import LastSeen
from service.store.deliveries import Delivery
from service.store.follows import Bound
from service.store.locations import Location
from service.store.steps import OPEN, Step
from service.store.turns import Turn, Turns
from service.trigger import Booking
from workers.actions.action import ActionContext
from workers.conduct import count, is_counted
from workers.drafts import Drafts
from workers.known_facts import facts_of
from workers.lookups import Lookup, Reading
from workers.obstacles import Watched
from workers.record import Record
from workers.rulebook import Entry
from workers.workplace import Workplace


@dataclass(frozen=True)
class Situation:
    """`was`: the booking before the delivery; `looked`: what was looked up for it so far."""

    work: Workplace
    record: Record
    location: Location
    was: Booking | None
    looked: dict[Lookup, Any]

    @property
    def delivery(self) -> Delivery:
        return self.record.delivery

    @cached_property
    def drafts(self) -> Drafts:
        return Drafts(self.record, self.location.location_id, self.work.clock, self.at)

    @cached_property
    def at(self) -> datetime:
        """When that happened which the delivery tells of."""
        return self.delivery.read().said_at or self.delivery.received_at

    @cached_property
    def reading(self) -> Reading:
        return self.work.reading(self.location, self.record)

    def context(self, entry: Entry) -> ActionContext:
        """What an action of this rule plans with, on the booking as it is now."""
        return self.on(entry, self.record.seen if self.delivery.appointment_id is not None else None)

    def on(self, entry: Entry, seen: LastSeen | None) -> ActionContext:
        """The same on a booking that is given, or at an event that is about none."""
        event = self.delivery.read()
        booking = seen.booking if seen else None
        zone, names = self.location.zone, entry.names
        return ActionContext(
            api=Watched(self.work.client(self.location, self.record), self.record),
            rule=entry.rule.name,
            delivery_id=self.delivery.delivery_id,
            location_id=self.location.location_id,
            zone=zone,
            now=self.work.clock(),
            last_seen=seen,
            facts=facts_of(booking, was=self.was, event=event, at=self.at, zone=zone, names=names, looked=self.looked),
            names=names,
            turns=self._turns,
            reserved=self.reading.reserved,
            blocked=self._blocked,
            bound=partial(self._bound, entry.rule.name),
            event_contact=event.contact_id,
        )

    def judged(self, entry: Entry) -> ActionContext:
        """The same on the booking that the rule was judged on."""
        context, judged = self.context(entry), self.delivery.booking
        return context if judged is None else self.on(entry, replace(context.seen, booking=judged))

    async def keep(self, rows: Sequence[Step], turn: Turn | None = None, entry: Entry | None = None) -> None:
        """Keep what was decided, whose turn it was, and that its rule acts once more, before anything of it is sent.
        Raises TurnMoved, DoneBefore and LimitReached, having kept nothing."""
        if turn or (entry and is_counted(entry.rule)):
            async with self.record.lease.transaction() as connection:
                if turn:
                    await turns.take(connection, self.location.location_id, turn)
                if entry:
                    await count(connection, entry.rule, self.judged(entry))
                await ledger.write_down(connection, [steps.kept(row) for row in rows])
        self.record.keep(rows)
        for row in rows:
            if row.state not in OPEN:
                self.record.counts.append(("steps", {"action": row.action, "state": row.state}))

    async def _blocked(self, whose: Sequence[str], starts: datetime, ends: datetime) -> blocks.Known:
        async with self.work.pool.acquire() as connection:
            return await blocks.known(connection, self.location.location_id, whose, starts, ends)

    async def _bound(self, rule: str) -> Bound:
        record, delivery = self.record, self.delivery
        kept = [each for each in record.follows if each.rule == rule]
        here = [step.meant["follow"] for step in record.steps_of(rule) if "follow" in step.meant]
        async with self.work.pool.acquire() as connection:
            booking = delivery.appointment_id or ""
            gone = await follows.gone(
                connection, self.location.location_id, booking, rule, kept, but=delivery.delivery_id
            )
        return Bound(kept, frozenset(UUID(each["follow_id"]) for each in here), gone)

    async def _turns(self, accounts: Sequence[str]) -> Turns:
        async with self.work.pool.acquire() as connection:
            return await turns.read(connection, self.location.location_id, accounts)
