"""The steps of one delivery: each rule that held, in order, each step on the booking as the steps before left it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Self

from service.highlevel.errors import HighLevelError
from service.store import appointments, steps, turns
from service.store.appointments import LastSeen
from service.store.deliveries import Delivery
from service.store.identifiers import new_id
from service.store.locations import Location
from service.store.steps import OPEN, Step
from service.store.turns import TurnMoved, Turns
from service.telemetry import working_on
from service.trigger import Booking
from workers.actions import Action
from workers.actions.action import ActionContext, CannotAct, LeftAlone, Plan, Turn, Write
from workers.event_facts import facts_of
from workers.lease import Lease
from workers.pauses import passes, pause
from workers.rulebook import Entry
from workers.settle import Settler
from workers.templates import TextError
from workers.workplace import Workplace

ENDED_BADLY = frozenset({"failed", "unknown"})
"""States that stop the rest of a rule."""


class Waits(Exception):
    """The delivery cannot go on now; it is taken up again after a while, and its lane with it."""

    def __init__(self, wait: timedelta, reason: str, *, failed: bool = False) -> None:
        """`failed`: something that the delivery needed could not be read."""
        super().__init__(reason)
        self.wait = wait
        self.reason = reason
        self.failed = failed

    @classmethod
    def after(cls, error: HighLevelError, delivery: Delivery, doing: str) -> Self:
        """Until HighLevel may be asked again."""
        return cls(pause(error, delivery.attempts), f"{doing}: {error}", failed=True)


@dataclass(frozen=True)
class Run:
    """The steps of one delivery. `was` is the booking before it."""

    work: Workplace
    lease: Lease
    delivery: Delivery
    location: Location
    was: Booking | None
    stopping: Callable[[], bool]

    async def rule(self, entry: Entry, written: dict[str, str]) -> None:
        """Bring the steps of a rule that held to their end; `written` tells which rule wrote what in this delivery."""
        with working_on(rule=entry.rule.name), self.work.tracer.span("rule", rule=entry.rule.name):
            for place, action in enumerate(entry.rule.then):
                states = await self._action(entry, place, action, written)
                if "done" in states:
                    written.update(dict.fromkeys(action.writes() - {"blocks"}, entry.rule.name))
                if states & ENDED_BADLY:
                    await self._not_reached(entry, place + 1)
                    break

    async def without_booking(self, entry: Entry, mode: str) -> None:
        """Say of a rule that held on an event about no appointment that its actions have nothing to act on."""
        if await self.steps_of(entry.rule.name):
            return
        state = "shadow" if mode == "shadow" else "unchanged"
        rows = [
            self.row(entry.rule.name, place, 0, action.do, state, None, reason="the event is about no appointment")
            for place, action in enumerate(entry.rule.then)
        ]
        await self.keep(rows)

    async def _not_reached(self, entry: Entry, begin: int) -> None:
        """Say of the rest of a rule that it was not run, so that nobody looks for it."""
        if await self.steps_of(entry.rule.name, begin):
            return
        booking = (await self.context(entry)).booking
        reason = "not reached: a step before it failed"
        rest = [
            self.row(entry.rule.name, place, 0, action.do, "unchanged", booking, reason=reason)
            for place, action in enumerate(entry.rule.then)
            if place >= begin
        ]
        await self.keep(rest)

    async def _action(self, entry: Entry, place: int, action: Action, written: dict[str, str]) -> set[str]:
        """Plan an action unless that was done, settle its steps, and tell how they ended."""
        planned = await self.steps_of(entry.rule.name, place)
        if not planned:
            if self.stopping():
                raise Waits(timedelta(), "the worker stops")
            with self.work.tracer.span(f"plan {action.do}", rule=entry.rule.name):
                await self._plan(entry, place, action, written)
            planned = await self.steps_of(entry.rule.name, place)
        await self.settle([step for step in planned if step.state in OPEN])
        return {step.state for step in await self.steps_of(entry.rule.name, place)}

    async def _plan(self, entry: Entry, place: int, action: Action, written: dict[str, str]) -> None:
        """Decide, once, and keep the decision before anything of it is sent."""
        while True:
            context = await self.context(entry)
            decided: Plan | LeftAlone | CannotAct
            try:
                decided = reason_to_leave(context, entry, action, written) or await action.plan(context)
            except (CannotAct, TextError) as error:
                decided = CannotAct(str(error))
            except HighLevelError as error:
                if passes(error):
                    raise Waits.after(error, self.delivery, f"planning {action.do}") from None
                decided = CannotAct(str(error))
            try:
                turn = None if isinstance(decided, CannotAct) else decided.turn
                return await self.keep(self._rows(entry, place, action.do, decided, context.booking), turn)
            except TurnMoved:
                continue

    async def keep(self, rows: Sequence[Step], turn: Turn | None = None) -> None:
        """Keep what was decided, and whose turn it was, before anything of it is sent. Raises TurnMoved."""
        async with self.lease.transaction() as connection:
            if turn:
                await turns.take(connection, self.location.location_id, turn.team, turn.version, turn.person)
            await steps.plan(connection, rows)
        for row in rows:
            if row.state not in OPEN:
                self.work.tally.add("steps", action=row.action, state=row.state)

    def _rows(
        self, entry: Entry, place: int, action: str, decided: Plan | LeftAlone | CannotAct, booking: Booking
    ) -> list[Step]:
        match decided:
            case Plan(writes):
                return [
                    self.row(entry.rule.name, place, part, action, "planned", booking, write)
                    for part, write in enumerate(writes)
                ]
            case LeftAlone(reason):
                return [self.row(entry.rule.name, place, 0, action, "unchanged", booking, reason=reason)]
            case CannotAct():
                return [self.row(entry.rule.name, place, 0, action, "failed", booking, reason=str(decided))]

    def row(
        self,
        rule: str,
        place: int,
        part: int,
        action: str,
        state: str,
        booking: Booking | None,
        write: Write | None = None,
        reason: str | None = None,
    ) -> Step:
        return Step(
            step_id=new_id(),
            delivery_id=self.delivery.delivery_id,
            rule=rule,
            place=place,
            part=part,
            action=action,
            state=state,
            sentence=write.sentence if write else action.replace("_", " "),
            reason=reason,
            operation=write.operation.stored() if write else None,
            meant=write.meant if write else {},
            location_id=self.location.location_id,
            appointment_id=booking.id if booking else None,
            series_id=booking.series_id if booking else None,
            contact_id=booking.contact_id if booking else None,
        )

    async def settle(self, planned: Sequence[Step]) -> None:
        """Bring steps to their end, one after the other. Raises Waits where one cannot end now."""
        for step in planned:
            if self.stopping():
                raise Waits(timedelta(), "the worker stops")
            api = self.work.client(self.location, self.delivery, step.step_id)
            settler = Settler(
                self.work.pool,
                self.lease,
                api,
                self.work.settings.write_timeout,
                self.work.settle_after,
                self.work.tally,
            )
            step_id = str(step.step_id)
            with (
                working_on(rule=step.rule, step=step_id),
                self.work.tracer.span(f"settle {step.action}", rule=step.rule, step=step_id) as span,
            ):
                wait = await settler.settle(step)
                span.tell(ended=wait is None)
            if wait is not None:
                raise Waits(wait, "a step waits")

    async def context(self, entry: Entry) -> ActionContext:
        """What an action of this rule plans with, on the booking as it is now."""
        assert self.delivery.appointment_id is not None, "without_booking is for those"
        async with self.work.pool.acquire() as connection:
            seen = await appointments.find(connection, self.location.location_id, self.delivery.appointment_id)
        assert seen is not None, "it was kept with the verdicts"
        return self.on(entry, seen)

    def on(self, entry: Entry, seen: LastSeen) -> ActionContext:
        """The same on a booking that is given."""
        event = self.delivery.read()
        at = event.said_at or self.delivery.received_at
        zone, names = self.location.zone, entry.names
        return ActionContext(
            api=self.work.client(self.location, self.delivery),
            rule=entry.rule.name,
            location_id=self.location.location_id,
            zone=zone,
            now=self.work.clock(),
            seen=seen,
            facts=facts_of(seen.booking, was=self.was, event=event, at=at, zone=zone, names=names),
            names=names,
            turns=self._turns,
        )

    async def _turns(self, team: str) -> Turns:
        async with self.work.pool.acquire() as connection:
            return await turns.read(connection, self.location.location_id, team)

    async def steps_of(self, rule: str | None = None, place: int | None = None) -> list[Step]:
        """The steps of this delivery so far: all, a rule's, or those of one of its actions."""
        async with self.work.pool.acquire() as connection:
            every = await steps.of_delivery(connection, self.delivery.delivery_id)
        return [step for step in every if rule in (None, step.rule) and place in (None, step.place)]


def reason_to_leave(
    context: ActionContext, entry: Entry, action: Action, written: Mapping[str, str]
) -> LeftAlone | None:
    """What stands above every action: what is over stays alone, people win, the first rule in order wins."""
    fields = action.writes()
    booking = context.booking
    if fields and booking.over(context.now) and not entry.rule.asks_about & {"status", "ends"}:
        what = "deleted" if booking.deleted else "past" if booking.ends <= context.now else booking.status
        return LeftAlone(f"the booking is {what}, and the rule does not ask for that")
    if others := sorted(fields & context.seen.others):
        return LeftAlone(f"somebody else changed its {' and '.join(others)} after we had")
    for name in sorted(fields & written.keys()):
        if written[name] != entry.rule.name:
            return LeftAlone(f"a conflict: the rule {written[name]} wrote its {name} already")
    return None
