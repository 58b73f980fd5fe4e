"""A step until it is true: look whether it is in the world, send it if not, close it when it is.

Nothing is decided here. What a step sends was stored before it was first sent.
"""

import random
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, assert_never
from uuid import UUID

import structlog

from service.highlevel.appointments import DeleteEvent, EditAppointment
from service.highlevel.blocked_slots import EditBlockSlot
from service.highlevel.errors import HighLevelError, NotFound
from service.highlevel.operation import Api, Operation
from service.store import appointments, follows, steps
from service.store.database import Connection, Pool
from service.store.follows import Follow
from service.store.steps import Step
from workers.changes import after
from workers.lease import Lease
from workers.outcomes import Found, NotFoundYet, Outcome, Overtaken, answered, look

log = structlog.get_logger()

MOST_ATTEMPTS = 8
SETTLE_WITHIN = timedelta(hours=1)
"""After this long in doubt nobody is made to wait any more: the step is unknown, and on the on-call's page."""

LONGEST_WAIT = 60.0


@dataclass(frozen=True)
class Settler:
    """`api` carries out the step's calls; `settle_after` is how long a write that was sent may still be under way."""

    pool: Pool
    lease: Lease
    api: Api
    write_timeout: float
    settle_after: timedelta

    async def settle(self, step: Step, *, fresh: bool) -> timedelta | None:
        """Bring a step to its end: None when it has ended, else how long it must wait, holding no worker meanwhile.

        `fresh`: it was planned just now, by this worker, so nothing can have come between.
        """
        if step.wait > timedelta():
            return step.wait
        assert step.operation is not None
        try:
            operation = Operation.restored(step.operation)
        except KeyError:
            return await self._close(step, "failed", f"this version knows no {step.operation['operation']}")
        if not fresh:
            try:
                outcome = await self._look(step, operation)
            except HighLevelError as error:
                return await self._cannot_look(step, error)
            match outcome:
                case Found():
                    return await self._done(step, operation, outcome)
                case Overtaken(reason):
                    return await self._close(step, "unchanged", f"{reason}: left alone")
                case NotFoundYet():
                    pass
                case _:
                    assert_never(outcome)
            if step.since_sent is not None and step.since_sent < self.settle_after:
                return await self._later(
                    step, self.settle_after - step.since_sent, step.reason or "in doubt", in_doubt=True
                )
            if step.attempts >= MOST_ATTEMPTS:
                return await self._close(step, "failed", f"not in the world after {step.attempts} tries: {step.reason}")
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
        return await self._done(step, operation, answered(reply))

    async def _not_answered(self, step: Step, operation: Operation[Any], error: HighLevelError) -> timedelta | None:
        if error.may_have_happened:
            return await self._later(step, self._pause(step, error), str(error), in_doubt=True)
        if error.retry:
            if step.attempts + 1 >= MOST_ATTEMPTS and error.status != 429:
                return await self._close(step, "failed", f"given up after {step.attempts + 1} tries: {error}")
            return await self._later(step, self._pause(step, error), str(error), in_doubt=False)
        if isinstance(error, NotFound) and isinstance(operation, DeleteEvent | EditBlockSlot):
            return await self._block_is_gone(step, operation)
        return await self._close(step, "failed", str(error))

    async def _cannot_look(self, step: Step, error: HighLevelError) -> timedelta | None:
        """As long as nobody can look, nobody may send."""
        if step.since_sent is None and not error.retry:
            return await self._close(step, "failed", f"before sending: {error}")
        if step.since_sent is not None and (not error.retry or step.since_sent > SETTLE_WITHIN):
            return await self._close(step, "unknown", f"it was sent, and whether it came true cannot be seen: {error}")
        return await self._later(step, self._pause(step, error), str(error), in_doubt=step.since_sent is not None)

    async def _look(self, step: Step, operation: Operation[Any]) -> Outcome:
        assert step.planned_at is not None
        async with self.pool.acquire() as connection:
            others = await steps.written_ids(connection, step)
        return await look(self.api, operation, planned_at=step.planned_at, meant=step.meant, others=others)

    async def _done(self, step: Step, operation: Operation[Any], found: Found) -> timedelta | None:
        """Close it, and in the same transaction what has become true with it."""
        async with self.lease.transaction() as connection:
            await steps.close(connection, step.step_id, "done", written_id=found.written_id)
            if isinstance(operation, EditAppointment):
                await _fold(connection, step, operation, found)
            if "follow" in step.meant:
                await follows.keep(connection, _followed(step, step.meant["follow"], found))
        return None

    async def _block_is_gone(self, step: Step, operation: Operation[Any]) -> timedelta | None:
        """A block that somebody removed is not put back; it is followed no more until its booking is revived."""
        async with self.lease.transaction() as connection:
            removed = isinstance(operation, DeleteEvent)
            reason = "it was gone already" if removed else "somebody else removed the block: left alone"
            await steps.close(connection, step.step_id, "unchanged", reason=reason)
            if removed:
                await follows.keep(connection, _followed(step, step.meant["follow"], Found()))
            else:
                await follows.forget(connection, UUID(step.meant["follow"]["follow_id"]))
        return None

    async def _close(self, step: Step, state: str, reason: str) -> timedelta | None:
        async with self.lease.transaction() as connection:
            await steps.close(connection, step.step_id, state, reason=reason)
        log.info("step closed", step=str(step.step_id), state=state, action=step.action)
        return None

    async def _later(self, step: Step, wait: timedelta, reason: str, *, in_doubt: bool) -> timedelta:
        async with self.lease.transaction() as connection:
            await steps.later(connection, step.step_id, wait, reason, in_doubt=in_doubt)
        return wait

    def _pause(self, step: Step, error: HighLevelError) -> timedelta:
        """What HighLevel asks for, else twice as long each time, spread so that not all come back at once."""
        if error.retry_after is not None:
            return timedelta(seconds=min(error.retry_after, LONGEST_WAIT) + random.random() / 4)  # noqa: S311
        seconds = min(LONGEST_WAIT, 0.5 * 2**step.attempts)
        return timedelta(seconds=seconds * (0.75 + random.random() / 2))  # noqa: S311


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
