"""The appointment at this moment: read right before a write is decided, and left alone if it is not what was judged."""

from pydantic import TypeAdapter, ValidationError

from service.highlevel.appointments import Appointment, AppointmentStatus, GetAppointment
from service.highlevel.errors import NotFound
from service.trigger import Booking
from workers.actions.action import ActionContext, CannotAct, LeftAlone
from workers.changes import changed_words

STATUS: TypeAdapter[AppointmentStatus] = TypeAdapter(AppointmentStatus)

JUDGED = ("starts", "ends", "assignee", "status", "deleted", "calendar_id")


async def present(context: ActionContext) -> Appointment | LeftAlone:
    """The appointment, if time, assignee and status are what the rule was judged on (or our steps made of it)."""
    try:
        appointment = (await context.api(GetAppointment(event_id=context.booking.id))).appointment
    except NotFound:
        return LeftAlone("HighLevel does not know the appointment any more")
    now = Booking.of(appointment)
    if now.deleted and not context.booking.deleted:
        return LeftAlone("the appointment was deleted meanwhile; that is judged on its own")
    if any(getattr(now, name) != getattr(context.booking, name) for name in JUDGED):
        changed = changed_words(context.booking, now)
        return LeftAlone(f"somebody else changed its {changed} meanwhile; that change is judged on its own")
    return appointment


def before(booking: Booking) -> dict[str, object]:
    """What a write was decided on, as it is stored with its step."""
    return booking.model_dump(mode="json", include=set(JUDGED))


def as_status(appointment: Appointment) -> AppointmentStatus:
    """Its status, as a change must send it along. Raises CannotAct for one that HighLevel does not take back."""
    try:
        return STATUS.validate_python(appointment.appointment_status)
    except ValidationError:
        raise CannotAct(f"its status is {appointment.appointment_status!r}, which HighLevel does not take") from None
