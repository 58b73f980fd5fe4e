"""An Api that lets reads through and stops at writes: what would be, without making it so."""

from typing import cast

from service.highlevel.appointments import Appointment, AppointmentReply
from service.highlevel.operation import Api, Operation, ReplyT
from service.trigger import Booking


class StoppedAtWrite(Exception):
    """A dry run reached a write; nothing was sent."""


class DryRun:
    """Reads of the booking, where there is one, show it as the steps before would have left it."""

    def __init__(self, api: Api, booking: Booking | None) -> None:
        self._api = api
        self._booking = booking

    async def __call__(self, operation: Operation[ReplyT], /) -> ReplyT:
        if operation.changes:
            raise StoppedAtWrite(type(operation).__name__)
        reply = await self._api(operation)
        booking = self._booking
        if booking and isinstance(reply, AppointmentReply) and reply.appointment.id == booking.id:
            left = _as_left(reply.appointment, booking)
            return cast("ReplyT", reply.model_copy(update={"appointment": left}))
        return reply


def _as_left(appointment: Appointment, booking: Booking) -> Appointment:
    return appointment.model_copy(
        update={
            "start_time": booking.starts,
            "end_time": booking.ends,
            "assigned_user_id": booking.assignee,
            "appointment_status": booking.status,
            "title": booking.title,
            "calendar_id": booking.calendar_id,
        }
    )
