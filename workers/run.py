"""The steps of one delivery: each rule that held, in order, each step on the booking as the steps before left it."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property
from typing import Self

from service.highlevel.errors import HighLevelError
from service.store import ledger, reservations, steps, turns
from service.store.appointments import LastSeen
from service.store.conduct import DoneBefore, LimitReached
from service.store.deliveries import Delivery
from service.store.locations import Location
from service.store.reservations import Reservation
from service.store.steps import OPEN, Step
from service.store.turns import Turn, TurnMoved, Turns
from service.telemetry import working_on
from service.trigger import Booking
from workers.actions import Action
from workers.actions.action import ActionContext, CannotAct, LeftAlone, Plan
from workers.conduct import (
    count,
    count_again,
    done_before,
    give_back,
    hold_back,
    is_counted,
    is_counted_again,
    limit_reached,
    stop,
)
from workers.drafts import Drafts
from workers.event_facts import facts_of
from workers.obstacles import Watched
from workers.pauses import Policy, policy
from workers.record import Record
from workers.restraints import MOST_CHANGES, RING_WITHIN, TooLate, changes, reason_to_leave, ring_of
from workers.rulebook import Entry
from workers.settle import Settler
from workers.templates import TextError
from workers.workplace import Workplace

NOT_REACHED = {"not_reached": True}
"""What tells a step that was not run from one that had nothing to do: it is run when the one before is tried again."""

ENDED_BADLY = frozenset({"failed", "unknown"})
"""States that end the rest of a rule."""

STOPS = ENDED_BADLY | {"parked"}


class Waits(Exception):
    """The delivery cannot go on now; it is taken up again after a while, and its lane with it."""

    def __init__(self, wait: timedelta, reason: str, *, failed: bool = False) -> None:
        """`failed`: something that the delivery needed could not be read."""
        super().__init__(reason)
        self.wait = wait
        self.reason = reason
        self.failed = failed

    @classmethod
    def after(cls, error: HighLevelError, record: Record, doing: str) -> Self:
        """Until HighLevel may be asked again."""
        kept = policy(error)
        counts = kept is None or kept.tries is not None
        return cls(record.met(error, record.delivery.attempts), f"{doing}: {error}", failed=counts)


def given_up(kept: Policy, delivery: Delivery) -> bool:
    """Whether it is enough of trying to read what the delivery needs."""
    return kept.tries is not None and delivery.attempts + 1 >= kept.tries


@dataclass(frozen=True)
class Run:
    """The steps of one delivery. `was` is the booking before it."""

    work: Workplace
    record: Record
    location: Location
    was: Booking | None
    held_rules: Mapping[tuple[str, str], str]
    """Which rules are held back, by location ('' for all) and name, and why."""

    stopping: Callable[[], bool]

    @property
    def delivery(self) -> Delivery:
        return self.record.delivery

    async def rule(self, entry: Entry, written: dict[str, str]) -> None:
        """Bring the steps of a rule that held to their end; `written` tells which rule wrote what in this delivery."""
        with working_on(rule=entry.rule.name), self.work.tracer.span("rule", rule=entry.rule.name):
            if await self._held(entry):
                return
            for place, action in enumerate(entry.rule.then):
                states = await self._action(entry, place, action, written)
                if "done" in states:
                    written.update(dict.fromkeys(action.writes() - {"blocks"}, entry.rule.name))
                if states & ENDED_BADLY:
                    await self._not_reached(entry, place + 1)
                if states & STOPS:
                    break
            give_back(self.record, entry.rule)

    async def _held(self, entry: Entry) -> bool:
        """Whether the rule is held back: what it has to do is parked until it is let go. What it began it ends."""
        rule, location_id = entry.rule.name, self.location.location_id
        why = self.held_rules.get((location_id, rule)) or self.held_rules.get(("", rule))
        if why is None or self.record.steps_of(rule):
            return False
        parked = self.drafts.parked(entry, 0, entry.rule.then[0], f"the rule is held: {why}")
        return await hold_back(self.record, entry.rule, parked)

    async def _not_reached(self, entry: Entry, begin: int) -> None:
        """Say of the rest of a rule that it was not run, so that nobody looks for it."""
        if self.record.steps_of(entry.rule.name, begin):
            return
        booking = self.drafts.booking
        reason = "not reached: a step before it failed"
        row = self.drafts.row
        rest = [
            replace(row(entry.rule.name, place, 0, action.do, "unchanged", booking, reason=reason), meant=NOT_REACHED)
            for place, action in enumerate(entry.rule.then)
            if place >= begin
        ]
        await self.keep(rest)

    async def _action(self, entry: Entry, place: int, action: Action, written: dict[str, str]) -> set[str]:
        """Plan an action unless that was done, settle its steps, and tell how they ended."""
        planned = self.record.steps_of(entry.rule.name, place)
        if not planned:
            if self.stopping():
                raise Waits(timedelta(), "the worker stops")
            if self.record.acted:
                # Before somebody is asked anew, which may take its time.
                await self.record.commit()
            with self.work.tracer.span(f"plan {action.do}", rule=entry.rule.name):
                alone = (
                    self.work.deciding.at(self.location.location_id, self.stopping)
                    if action.decides_alone
                    else nullcontext()
                )
                async with alone:
                    if self.stopping():
                        raise Waits(timedelta(), "the worker stops")
                    await self._plan(entry, place, action, written)
        elif is_counted_again(entry.rule, planned):
            await count_again(self.record, entry.rule, self._judged(entry), planned)
        planned = self.record.steps_of(entry.rule.name, place)
        await self.settle([step for step in planned if step.state in OPEN])
        return {step.state for step in self.record.steps_of(entry.rule.name, place)}

    async def _plan(self, entry: Entry, place: int, action: Action, written: dict[str, str]) -> None:
        """Decide, once, and keep the decision before anything of it is sent."""
        while True:
            context = self.context(entry)
            decided: Plan | LeftAlone | CannotAct
            try:
                decided = reason_to_leave(context, entry, action, written, self.at) or await action.plan(context)
                if isinstance(decided, TooLate):
                    self.record.alert("late", f"{action.do} was not done in time", entry.rule.name)
                elif isinstance(decided, Plan) and (ring := await self._ring(decided, context)):
                    return self._keep_ring(entry, place, action, decided, context, ring)
            except (CannotAct, TextError) as error:
                decided = CannotAct(str(error))
            except HighLevelError as error:
                kept = policy(error)
                if kept is not None and given_up(kept, self.delivery):
                    return self.record.close(self.drafts.parked(entry, place, action, f"planning it failed: {error}"))
                if kept is not None:
                    raise Waits.after(error, self.record, f"planning {action.do}") from None
                decided = CannotAct(str(error))
            try:
                turn = None if isinstance(decided, CannotAct) else decided.turn
                rows = self.drafts.rows(entry, place, action.do, decided, self.drafts.booking)
                return await self.keep(rows, turn, entry if isinstance(decided, Plan) else None)
            except TurnMoved:
                continue
            except DoneBefore as before:
                left = LeftAlone(done_before(entry.rule, before))
                return await self.keep(self.drafts.rows(entry, place, action.do, left, self.drafts.booking))
            except LimitReached:
                parked = self.drafts.parked(entry, place, action, limit_reached(entry.rule))
                return await stop(self.record, entry.rule, [parked])

    async def _ring(self, plan: Plan, context: ActionContext) -> str | None:
        """Whether rules move the booking, or hand it on, from one to the other and back: who does, in words."""
        if context.last_seen is None:
            return None
        kinds = [kind for write in plan.writes if (kind := changes(write.operation, context.booking))]
        for kind in kinds:
            async with self.work.pool.acquire() as connection:
                done = await steps.rules_that_changed(
                    connection, self.location.location_id, context.booking.id, kind, within=RING_WITHIN
                )
            if len(done) >= MOST_CHANGES[kind]:
                return ring_of(kind, done, context.rule)
        return None

    def _keep_ring(
        self, entry: Entry, place: int, action: Action, plan: Plan, context: ActionContext, ring: str
    ) -> None:
        """As decided, for somebody to let through; no turn is taken by it."""
        for row in self.drafts.rows(entry, place, action.do, plan, self.drafts.booking):
            self.record.close(replace(row, state="parked", reason=ring))

    async def keep(self, rows: Sequence[Step], turn: Turn | None = None, entry: Entry | None = None) -> None:
        """Keep what was decided, whose turn it was, and that its rule acts once more, before anything of it is sent.
        Raises TurnMoved, DoneBefore and LimitReached, having kept nothing."""
        if turn or (entry and is_counted(entry.rule)):
            async with self.record.lease.transaction() as connection:
                if turn:
                    await turns.take(connection, self.location.location_id, turn)
                if entry:
                    await count(connection, entry.rule, self._judged(entry))
                await ledger.write_down(connection, [steps.kept(row) for row in rows])
        self.record.keep(rows)
        for row in rows:
            if row.state not in OPEN:
                self.record.counts.append(("steps", {"action": row.action, "state": row.state}))

    @cached_property
    def drafts(self) -> Drafts:
        return Drafts(self.record, self.location.location_id, self.work.clock, self.at)

    @cached_property
    def at(self) -> datetime:
        """When that happened which the delivery tells of."""
        return self.delivery.read().said_at or self.delivery.received_at

    async def settle(self, planned: Sequence[Step]) -> None:
        """Bring steps to their end, one after the other. Raises Waits where one cannot end now."""
        for step in planned:
            if self.stopping():
                raise Waits(timedelta(), "the worker stops")
            api = Watched(self.work.client(self.location, self.record, step.step_id), self.record)
            settler = Settler(
                self.work.pool,
                self.record,
                api,
                self.work.settings.write_timeout,
                self.work.settle_after,
                self.work.clock,
                self.work.poster(self.location, self.record, step.step_id),
            )
            step_id = str(step.step_id)
            with (
                working_on(rule=step.rule, step=step_id),
                self.work.tracer.span(f"settle {step.action}", rule=step.rule, step=step_id) as span,
            ):
                wait = await settler.settle(step)
                span.tell(ended=wait is None)
            if wait is not None:
                why = next((each.reason for each in self.record.steps if each.step_id == step.step_id), None)
                raise Waits(wait, f"a step waits: {why}" if why else "a step waits")

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
            facts=facts_of(booking, was=self.was, event=event, at=self.at, zone=zone, names=names),
            names=names,
            turns=self._turns,
            reserved=self._reserved,
        )

    def _judged(self, entry: Entry) -> ActionContext:
        """The same on the booking that the rule was judged on."""
        context, judged = self.context(entry), self.delivery.booking
        return context if judged is None else self.on(entry, replace(context.seen, booking=judged))

    async def _turns(self, accounts: Sequence[str]) -> Turns:
        async with self.work.pool.acquire() as connection:
            return await turns.read(connection, self.location.location_id, accounts)

    async def _reserved(self, starts: datetime, ends: datetime) -> list[Reservation]:
        async with self.work.pool.acquire() as connection:
            return await reservations.between(connection, self.location.location_id, starts, ends)
