"""A step until it is true: look whether it is in the world, send it if not, close it when it is.

Nothing is decided here. What a step sends was stored before it was first sent.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, assert_never
from uuid import UUID

import structlog

from service.highlevel.appointments import DeleteEvent, EditAppointment
from service.highlevel.blocked_slots import CreateBlockSlot
from service.highlevel.errors import HighLevelError, NotFound
from service.highlevel.operation import Api, Operation
from service.outgoing.client import LONGEST
from service.outgoing.errors import OutgoingError
from service.outgoing.posting import Posting, is_posting
from service.store import steps
from service.store.alerts import Alarm, is_alarm
from service.store.database import Pool
from service.store.steps import Step
from workers.actions.following import followed
from workers.drafts import FOLLOW
from workers.fold import fold, fold_doubt
from workers.obstacles import blocked_since, conflict, too_late
from workers.outcomes import CREATES, Found, NotFoundYet, Outcome, Overtaken, Unseeable, answered, look
from workers.pauses import Policy, pause, policy
from workers.record import Record

log = structlog.get_logger()

MOST_DOUBTS = 8
"""Sends of which no answer came, each found not to be in the world, before it is parked."""

MOST_POSTS = 8
"""Times that something is posted before it is given up: some two minutes."""

UNSEEN = "it was sent, and whether it came true cannot be seen: "

Post = Callable[[Posting], Awaitable[None]]
"""Carries out a post, as the step's id. Raises OutgoingError."""

LOOK_AGAIN = 0.5
"""Seconds until a change that was answered and does not show is looked for once more."""

SETTLE_WITHIN = timedelta(hours=1)
"""After this long in doubt nobody is made to wait any more: the step is unknown, and on the on-call's page."""


@dataclass(frozen=True)
class Settler:
    """`api` carries out the step's calls, `post` its posts; `settle_after` is how long a write that was sent may still
    be under way."""

    pool: Pool
    record: Record
    api: Api
    write_timeout: float
    settle_after: timedelta
    clock: Callable[[], datetime]
    post: Post

    async def settle(self, step: Step) -> timedelta | None:
        """Bring a step to its end: None when it has ended, else how long it must wait, holding no worker meanwhile."""
        if step.wait > timedelta():
            return step.wait
        assert step.operation is not None
        if step.since_sent is None and (late := too_late(step, self.clock())):
            return self._late(step, late)
        if is_posting(step.operation):
            return await self._post(step, Posting.restored(step.operation))
        if is_alarm(step.operation):
            # Ours to write, in the one transaction that also ends the step: there is nothing to look for.
            alarm = Alarm.restored(step.operation)
            self.record.alert(alarm.kind, alarm.text, step.rule)
            return self._close(step, "done", None)
        try:
            operation = Operation.restored(step.operation)
        except KeyError:
            return self._close(step, "failed", f"this version knows no {step.operation['operation']}")
        try:
            if blocked := await self._blocked_since(step, operation):
                return self._close(step, "unchanged", blocked)
            outcome = await self._before_it_is_sent(step, operation)
        except HighLevelError as error:
            return self._cannot_look(step, error)
        if isinstance(outcome, Found):
            return self._done(step, operation, outcome, sent=step.attempts > 0)
        if isinstance(outcome, Unseeable):
            return self._close(step, "unknown", UNSEEN + outcome.reason)
        if step.since_sent is not None and step.since_sent < self.settle_after:
            wait = self.settle_after - step.since_sent
            return self._later(step, wait, step.reason or "it may be under way", in_doubt=True)
        if isinstance(outcome, Overtaken):
            return self._overtaken(step, operation, outcome)
        if step.since_sent is not None and isinstance(operation, CREATES):
            # Neither there nor under way: as if it had never been sent, and so on what was judged or not at all.
            return await self.settle(replace(step, since_sent=None))
        if step.doubts >= MOST_DOUBTS:
            return self._park(step, f"not in the world after {step.doubts} tries: {step.reason}")
        if late := too_late(step, self.clock()):
            return self._late(step, late)
        return await self._send(step, operation)

    async def _send(self, step: Step, operation: Operation[Any]) -> timedelta | None:
        step = await self._sent(step, self.write_timeout)
        try:
            reply = await self.api(operation)
        except HighLevelError as error:
            return self._not_answered(step, operation, error)
        found = answered(operation, reply)
        return (
            await self._read_back(step, operation, found)
            if isinstance(operation, EditAppointment)
            else self._done(step, operation, found, sent=True)
        )

    async def _sent(self, step: Step, within: float) -> Step:
        """It is stored that it may be in the world; the call must follow, and end within so many seconds."""
        # Whoever cannot be sure of the lane learns it before the write is in doubt.
        await self.record.lease.lasts(within)
        step = step.sent()
        self.record.keep([step])
        await self.record.commit()
        # The write cannot outlive the lease: whoever takes over must find it settled or over.
        await self.record.lease.lasts(within)
        return step

    async def _post(self, before: Step, posting: Posting) -> timedelta | None:
        """Nobody can look what became of a post. So in doubt it is sent again, and its id tells that it is the same."""
        step = await self._sent(before, LONGEST)
        try:
            await self.post(posting)
        except OutgoingError as error:
            doubtful = error.may_have_happened or before.since_sent is not None
            if error.retry and step.attempts < MOST_POSTS:
                wait, doubts = pause(error, before.attempts), int(error.may_have_happened)
                return self._later(step, wait, str(error), in_doubt=doubtful, doubts=doubts)
            if doubtful and not error.may_have_happened:
                return self._close(step, "unknown", f"an earlier try may have come there; the last did not: {error}")
            return self._close(step, "unknown" if doubtful else "parked" if error.retry else "failed", str(error))
        self.record.close(step.ended("done"))
        self.record.acted = True
        return None

    async def _before_it_is_sent(self, step: Step, operation: Operation[Any]) -> Outcome:
        """Whether it is there, or may be sent. Raises HighLevelError."""
        # What is made anew cannot be there before it is sent. What is changed must be as it was when that was decided,
        # until right before it is sent: a change sends the status along, and would undo a cancellation.
        if step.since_sent is None and isinstance(operation, CREATES):
            return await self._as_judged(step)
        outcome = await self._look(step, operation)
        if isinstance(outcome, NotFoundYet) and step.since_sent is not None and step.since_sent >= self.settle_after:
            # What held up the write may have held up the look beside it, and be over for both, with the look the first
            # to come in: so it is looked once more after an answer.
            outcome = await self._look(step, operation)
        return outcome

    async def _blocked_since(self, step: Step, operation: Operation[Any]) -> str | None:
        """Whether what had to wait was done by others meanwhile. Raises HighLevelError."""
        if step.state != "waiting" or step.action == FOLLOW or not isinstance(operation, CreateBlockSlot):
            return None
        return await blocked_since(step, operation, self.record, self.pool, self.api)

    async def _as_judged(self, step: Step) -> Outcome:
        """Whether the booking is still what the rule was judged on. Raises HighLevelError."""
        changed = await conflict(step, self.record, self.api)
        return Overtaken(changed) if changed else NotFoundYet()

    async def _read_back(self, step: Step, operation: EditAppointment, found: Found) -> timedelta | None:
        """See that what was answered has come true: once more after a moment, if it does not show at once."""
        outcome: Outcome = NotFoundYet()
        for after_a_while in (0.0, LOOK_AGAIN):
            await asyncio.sleep(after_a_while)
            try:
                outcome = await self._look(step, operation)
            except HighLevelError as error:
                return self._done(step, operation, found, sent=True, reason=f"answered, and not read back: {error}")
            if not isinstance(outcome, NotFoundYet):
                break
        match outcome:
            case Found():
                return self._done(step, operation, outcome, sent=True)
            case Overtaken(reason):
                return self._done(step, operation, found, sent=True, reason=f"{reason}, right after it was done")
            case NotFoundYet() | Unseeable():
                both = "either somebody undid it at once, or HighLevel did not do what it said"
                return self._close(step, "unknown", f"answered, and it looks as before: {both}")
            case _:
                assert_never(outcome)

    def _not_answered(self, step: Step, operation: Operation[Any], error: HighLevelError) -> timedelta | None:
        if error.may_have_happened:
            return self._later(step, pause(error, step.attempts), str(error), in_doubt=True, doubts=1)
        if kept := policy(error):
            step = _kept_from(step, kept)
            if kept.tries is not None and step.looks >= kept.tries:
                return self._park(replace(step, since_sent=None), f"{step.looks} tries: {error}")
            wait = self.record.met(error, step.looks if kept.tries else step.attempts)
            return self._later(step, wait, str(error), in_doubt=False)
        if isinstance(error, NotFound) and isinstance(operation, DeleteEvent):
            return self._done(step, operation, Found(), sent=False)
        return self._close(step, "failed", str(error))

    def _cannot_look(self, step: Step, error: HighLevelError) -> timedelta | None:
        """As long as nobody can look, nobody may send."""
        kept, age = policy(error), step.since_sent
        if kept is None and age is None:
            return self._close(step, "failed", f"before sending: {error}")
        if kept is None or (age is not None and age > SETTLE_WITHIN):
            return self._close(step, "unknown", UNSEEN + str(error))
        step = _kept_from(step, kept)
        if age is None and kept.tries is not None and step.looks >= kept.tries:
            return self._park(step, f"before sending, {step.looks} tries: {error}")
        return self._later(step, self.record.met(error, step.looks), str(error), in_doubt=age is not None)

    async def _look(self, step: Step, operation: Operation[Any]) -> Outcome:
        assert step.planned_at is not None

        async def taken(ids: Sequence[str]) -> frozenset[str]:
            async with self.pool.acquire() as connection:
                return await steps.taken(connection, step, ids)

        return await look(self.api, operation, planned_at=step.planned_at, meant=step.meant, taken=taken)

    def _done(
        self, step: Step, operation: Operation[Any], found: Found, *, sent: bool, reason: str | None = None
    ) -> timedelta | None:
        """Close it, and note with it what has become true."""
        state = "done" if sent else "unchanged"
        reason = reason if sent else "it is so already"
        self.record.close(step.ended(state, reason, found.written_id))
        self.record.acted = True
        if isinstance(operation, EditAppointment):
            fold(self.record, step, operation, found)
        if "follow" in step.meant:
            assert step.appointment_id is not None
            self.record.bind(followed(step.location_id, step.appointment_id, step.meant["follow"], found.written_id))
        return None

    def _overtaken(self, step: Step, operation: Operation[Any], outcome: Overtaken) -> timedelta | None:
        """Somebody else was here: left alone. A block that they removed is followed no more."""
        if outcome.gone and "follow" in step.meant:
            self.record.unbind(UUID(step.meant["follow"]["follow_id"]))
        if step.since_sent is None or outcome.as_before:
            return self._close(step, "unchanged", f"a conflict: {outcome.reason}: left alone")
        if isinstance(operation, EditAppointment):
            fold_doubt(self.record, step, operation)
        both = "either it was done before that, or never"
        return self._close(step, "unknown", f"it was sent, and {outcome.reason}: {both}; left alone")

    def _late(self, step: Step, reason: str) -> timedelta | None:
        self.record.late(step.action, step.rule)
        return self._close(step, "unchanged", reason)

    def _park(self, step: Step, reason: str) -> timedelta | None:
        return self._close(step, "parked", reason)

    def _close(self, step: Step, state: str, reason: str | None) -> timedelta | None:
        log.info("step closed", step=str(step.step_id), state=state, action=step.action)
        self.record.close(step.ended(state, reason))
        return None

    def _later(self, step: Step, wait: timedelta, reason: str, *, in_doubt: bool, doubts: int = 0) -> timedelta | None:
        self.record.keep([step.later(wait, reason, in_doubt=in_doubt, doubts=doubts)])
        return wait


def _kept_from(step: Step, kept: Policy) -> Step:
    """One more time it was kept from being sent, or looked for. A budget that is spent keeps others from it as well,
    and is not counted."""
    return step if kept.tries is None else replace(step, looks=step.looks + 1)
