"""What keeps a write that was decided from being sent after all: it is too late, the booking is another by now, or its
time is blocked already."""

from datetime import datetime, timedelta

from service.availability.intervals import Interval
from service.highlevel.appointments import AppointmentReply, GetAppointment
from service.highlevel.blocked_slots import CreateBlockSlot
from service.highlevel.errors import NotFound
from service.highlevel.operation import Api, Operation, ReplyT
from service.store import blocks
from service.store.database import Pool
from service.store.steps import Step
from service.trigger import Booking
from workers.actions.blocked_time import shown
from workers.blocking.shares import without
from workers.changes import words_for
from workers.lease import elapsed
from workers.record import TOO_LATE, Record

FRESH = 1.0
"""Seconds for which a reading of the booking holds; what is decided and sent at once needs no second one."""


class Watched:
    """An Api that remembers how the record's booking looked when it was read, until something is written."""

    def __init__(self, api: Api, record: Record) -> None:
        self._api = api
        self._record = record

    async def __call__(self, operation: Operation[ReplyT], /) -> ReplyT:
        if operation.changes:
            self._record.read = None
        asked_at = elapsed()
        reply = await self._api(operation)
        if isinstance(reply, AppointmentReply) and reply.appointment.id == self._record.delivery.appointment_id:
            self._record.read = (asked_at, Booking.of(reply.appointment))
        return reply


def too_late(step: Step, now: datetime) -> str | None:
    """Why it must not be sent any more, by what was decided when it was planned."""
    until = step.meant.get("until")
    if until is None or now < datetime.fromisoformat(until):
        return None
    return f"{TOO_LATE}it had to be done before {until}"


async def conflict(step: Step, record: Record, api: Api) -> str | None:
    """What somebody changed of the booking since the step was decided. Raises HighLevelError."""
    if step.appointment_id is None or "before" not in step.meant:
        return None
    read = record.read
    if read is None or elapsed() - read[0] > FRESH or read[1].id != step.appointment_id:
        try:
            await api(GetAppointment(event_id=step.appointment_id))
        except NotFound:
            return "HighLevel does not know the appointment any more"
        read = record.read
    if read is None:
        return "HighLevel shows another appointment in its place"
    now = read[1]
    before = Booking.model_validate({**now.model_dump(), **step.meant["before"]})
    changed = [name for name in step.meant["before"] if getattr(now, name) != getattr(before, name)]
    return f"somebody else changed its {words_for(changed)} since" if changed else None


async def blocked_since(step: Step, operation: CreateBlockSlot, record: Record, pool: Pool, api: Api) -> str | None:
    """Why a rule's block need not be made any more. One that failed counts for nothing, so that by the time when
    somebody tries it again its rule may have made another, somebody may have blocked it by hand, or it is there though
    HighLevel refused it. What is left of it in part is made whole. Raises HighLevelError."""
    if follow := step.meant.get("follow"):
        length = timedelta(seconds=follow["seconds"])
        asked = (step.rule, follow["side"], length)
        bound = any((each.rule, each.side, each.length) == asked for each in record.follows)
        return "such a block goes along with the booking already" if bound else None
    kept = step.meant[blocks.BLOCKS]
    time = Interval(datetime.fromisoformat(kept["starts"]), datetime.fromisoformat(kept["ends"]))
    async with pool.acquire() as connection:
        known = await blocks.known(
            connection, step.location_id, [kept["whose"]], time.starts, time.ends, before=step.step_id
        )
    covered = [
        Interval(each.starts, each.ends)
        for each in known.fixed
        if each.open or (kept["repeated"] and each.repeated and each.rule == step.rule)
    ]
    covered += await shown(api, step.location_id, time, operation.assigned_user_id, operation.calendar_id, known)
    return None if without(time, covered) else "its time is blocked already"
