"""A step until it is true: look whether it is in the world, send it if not, close it when it is.

Nothing is decided here. What a step sends was stored before it was first sent.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, assert_never
from uuid import UUID

import structlog

from service.highlevel.appointments import DeleteEvent, EditAppointment
from service.highlevel.errors import HighLevelError, NotFound
from service.highlevel.operation import Api, Operation
from service.store import appointments, follows, steps
from service.store.database import Connection, Pool
from service.store.follows import Follow
from service.store.steps import Step
from service.telemetry import Tally
from workers.changes import after
from workers.lease import Lease
from workers.outcomes import CREATES, Found, NotFoundYet, Outcome, Overtaken, answered, look
from workers.pauses import passes, pause

log = structlog.get_logger()

MOST_DOUBTS = 8
"""Sends of which no answer came, each found not to be in the world, before it is given up."""

SETTLE_WITHIN = timedelta(hours=1)
"""After this long in doubt nobody is made to wait any more: the step is unknown, and on the on-call's page."""


@dataclass(frozen=True)
class Settler:
    """`api` carries out the step's calls; `settle_after` is how long a write that was sent may still be under way."""

    pool: Pool
    lease: Lease
    api: Api
    write_timeout: float
    settle_after: timedelta
    tally: Tally = field(default_factory=Tally)

    async def settle(self, step: Step) -> timedelta | None:
        """Bring a step to its end: None when it has ended, else how long it must wait, holding no worker meanwhile."""
        if step.wait > timedelta():
            return step.wait
        assert step.operation is not None
        try:
            operation = Operation.restored(step.operation)
        except KeyError:
            return await self._close(step, "failed", f"this version knows no {step.operation['operation']}")
        # What is made anew cannot be there before it is sent. What is changed must be as it was when that was decided,
        # until right before it is sent: a change sends the status along, and would undo a cancellation.
        if step.since_sent is None and isinstance(operation, CREATES):
            return await self._send(step, operation)
        try:
            outcome = await self._look(step, operation)
        except HighLevelError as error:
            return await self._cannot_look(step, error)
        match outcome:
            case Found():
                return await self._done(step, operation, outcome, sent=step.attempts > 0)
            case Overtaken():
                return await self._overtaken(step, outcome)
            case NotFoundYet():
                pass
            case _:
                assert_never(outcome)
        if step.since_sent is not None and step.since_sent < self.settle_after:
            wait = self.settle_after - step.since_sent
            return await self._later(step, wait, step.reason or "it may be under way", in_doubt=True)
        if step.doubts >= MOST_DOUBTS:
            return await self._close(step, "failed", f"not in the world after {step.doubts} tries: {step.reason}")
        return await self._send(step, operation)

    async def _send(self, step: Step, operation: Operation[Any]) -> timedelta | None:
        # Renewed first, so that the write cannot outlive the lease: whoever takes over must find it settled or over.
        await self.lease.renew()
        async with self.lease.transaction() as connection:
            await steps.mark_sent(connection, step.step_id)
        await self.lease.lasts(self.write_timeout)
        try:
            reply = await self.api(operation)
        except HighLevelError as error:
            return await self._not_answered(step, operation, error)
        return await self._done(step, operation, answered(operation, reply), sent=True)

    async def _not_answered(self, step: Step, operation: Operation[Any], error: HighLevelError) -> timedelta | None:
        if error.may_have_happened:
            return await self._later(step, pause(error, step.attempts), str(error), in_doubt=True, doubts=1)
        if passes(error):
            # It was not taken: however often that is said, the effect is still owed.
            return await self._later(step, pause(error, step.attempts), str(error), in_doubt=False)
        if isinstance(error, NotFound) and isinstance(operation, DeleteEvent):
            return await self._done(step, operation, Found(), sent=False)
        return await self._close(step, "failed", str(error))

    async def _cannot_look(self, step: Step, error: HighLevelError) -> timedelta | None:
        """As long as nobody can look, nobody may send."""
        if step.since_sent is None and not passes(error):
            return await self._close(step, "failed", f"before sending: {error}")
        if step.since_sent is not None and (not passes(error) or step.since_sent > SETTLE_WITHIN):
            return await self._close(step, "unknown", f"it was sent, and whether it came true cannot be seen: {error}")
        return await self._later(step, pause(error, step.attempts), str(error), in_doubt=step.since_sent is not None)

    async def _look(self, step: Step, operation: Operation[Any]) -> Outcome:
        assert step.planned_at is not None

        async def taken(ids: Sequence[str]) -> frozenset[str]:
            async with self.pool.acquire() as connection:
                return await steps.taken(connection, step, ids)

        return await look(self.api, operation, planned_at=step.planned_at, meant=step.meant, taken=taken)

    async def _done(self, step: Step, operation: Operation[Any], found: Found, *, sent: bool) -> timedelta | None:
        """Close it, and in the same transaction what has become true with it."""
        state, reason = ("done", None) if sent else ("unchanged", "it is so already")
        async with self.lease.transaction() as connection:
            await steps.close(connection, step.step_id, state, reason=reason, written_id=found.written_id)
            if isinstance(operation, EditAppointment):
                await _fold(connection, step, operation, found)
            if "follow" in step.meant:
                await follows.keep(connection, _followed(step, step.meant["follow"], found))
        self._count(step, state)
        return None

    async def _overtaken(self, step: Step, outcome: Overtaken) -> timedelta | None:
        """Somebody else was here: left alone. A block that they removed is followed no more."""
        async with self.lease.transaction() as connection:
            await steps.close(connection, step.step_id, "unchanged", reason=f"{outcome.reason}: left alone")
            if outcome.gone and "follow" in step.meant:
                await follows.forget(connection, UUID(step.meant["follow"]["follow_id"]))
        self._count(step, "unchanged")
        return None

    async def _close(self, step: Step, state: str, reason: str) -> timedelta | None:
        async with self.lease.transaction() as connection:
            await steps.close(connection, step.step_id, state, reason=reason)
        log.info("step closed", step=str(step.step_id), state=state, action=step.action)
        self._count(step, state)
        return None

    def _count(self, step: Step, state: str) -> None:
        self.tally.add("steps", action=step.action, state=state)

    async def _later(
        self, step: Step, wait: timedelta, reason: str, *, in_doubt: bool, doubts: int = 0
    ) -> timedelta | None:
        async with self.lease.transaction() as connection:
            await steps.later(connection, step.step_id, wait, reason, in_doubt=in_doubt, doubts=doubts)
        return wait


async def _fold(connection: Connection, step: Step, operation: EditAppointment, found: Found) -> None:
    """Last seen becomes what we made of it, so that the webhook it brings back is known for an echo."""
    seen = await appointments.find(connection, step.location_id, operation.event_id)
    if seen is None:
        return
    now = after(operation, seen.booking)
    await appointments.keep(connection, seen.written(now.changed(updated=found.updated or now.updated)))


def _followed(step: Step, kept: Mapping[str, Any], found: Found) -> Follow:
    block = kept["block"]
    if block is not None and found.written_id:
        block = {**block, "id": found.written_id}
    assert step.appointment_id is not None
    return Follow(
        follow_id=UUID(kept["follow_id"]),
        location_id=step.location_id,
        appointment_id=step.appointment_id,
        rule=kept["rule"],
        side=kept["side"],
        length=timedelta(seconds=kept["seconds"]),
        title=kept["title"],
        calendar_id=kept["calendar_id"],
        block=block,
    )
