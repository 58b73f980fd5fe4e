"""What keeps a write that was decided from being sent after all: it is too late, or the booking is another by now."""

from datetime import datetime

from service.highlevel.appointments import AppointmentReply, GetAppointment
from service.highlevel.errors import NotFound
from service.highlevel.operation import Api, Operation, ReplyT
from service.store.steps import Step
from service.trigger import Booking
from workers.changes import words_for
from workers.lease import elapsed
from workers.record import Record

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
    return f"too late: it had to be done before {until}"


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
