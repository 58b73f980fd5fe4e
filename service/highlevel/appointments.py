"""Appointments: create, change, read, list, delete."""

from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BeforeValidator, Field, model_validator

from service.highlevel.operation import Moment, Operation, Reply

AppointmentStatus = Literal["new", "confirmed", "cancelled", "showed", "noshow", "invalid", "completed", "active"]

OptionalText = Annotated[str | None, BeforeValidator(lambda value: value or None)]


class CreatedBy(Reply):
    source: str | None = None
    user_id: str | None = None


class Appointment(Reply):
    """An appointment as read.

    HighLevel leaves out `groupId`, `assignedUserId`, `users` and `notes` when empty; a deleted one still answers
    with its old status and `deleted: true` (recorded answers).
    """

    id: str
    calendar_id: str
    location_id: str
    contact_id: str | None = None
    group_id: OptionalText = None
    title: str = ""
    appointment_status: str = "confirmed"
    assigned_user_id: OptionalText = None
    users: tuple[str, ...] = ()
    address: str | None = None
    is_recurring: bool = False
    rrule: str | None = None
    master_event_id: str | None = None
    start_time: AwareDatetime
    end_time: AwareDatetime
    date_added: AwareDatetime | None = None
    date_updated: AwareDatetime | None = None
    created_by: CreatedBy | None = None
    deleted: bool = False


class WrittenAppointment(Reply):
    """The answer to create and update: flat, without times and assignee (recorded answers)."""

    id: str
    calendar_id: str
    location_id: str
    contact_id: str | None = None
    title: str = ""
    appointment_status: str | None = None
    date_added: AwareDatetime | None = None
    date_updated: AwareDatetime | None = None


class AppointmentReply(Reply):
    appointment: Appointment

    @model_validator(mode="before")
    @classmethod
    def either_wrapper(cls, answer: Any) -> Any:
        """Live answers wrap it as `appointment`, the specification says `event`."""
        if isinstance(answer, dict) and "event" in answer and "appointment" not in answer:
            return {**answer, "appointment": answer["event"]}
        return answer


class EventsReply(Reply):
    events: tuple[Appointment, ...] = ()


class DeletedReply(Reply):
    succeeded: bool = True


class _AppointmentFields(Operation[WrittenAppointment]):
    """What may be said of an appointment, new or not."""

    end_time: Moment | None = None
    title: str | None = None
    assigned_user_id: str | None = None
    description: str | None = None
    address: str | None = None
    ignore_date_range: bool | None = None
    ignore_free_slot_validation: bool | None = None
    to_notify: bool | None = None


class CreateAppointment(_AppointmentFields, method="POST", path="/calendars/events/appointments"):
    """Book. Without `ignore_free_slot_validation` the start must be an offered slot, verbatim."""

    calendar_id: str
    location_id: str
    contact_id: str
    start_time: Moment
    appointment_status: AppointmentStatus | None = None


class EditAppointment(_AppointmentFields, method="PUT", path="/calendars/events/appointments/{event_id}"):
    """Change.

    `appointment_status` is required here though not by HighLevel: left out, it has been seen to fall back to
    `confirmed`; a stale one would revive a cancelled booking.
    """

    event_id: str
    appointment_status: AppointmentStatus
    calendar_id: str | None = None
    start_time: Moment | None = None


class GetAppointment(Operation[AppointmentReply], method="GET", path="/calendars/events/appointments/{event_id}"):
    event_id: str


class ListEvents(Operation[EventsReply], method="GET", path="/calendars/events"):
    """Appointments that overlap a window (epoch milliseconds); deleted ones are among them. HighLevel wants one of
    `user_id`, `calendar_id`, `group_id`."""

    location_id: str
    start_time: int = Field(ge=0)
    end_time: int = Field(ge=0)
    user_id: str | None = None
    calendar_id: str | None = None
    group_id: str | None = None

    @model_validator(mode="after")
    def of_somebody(self) -> "ListEvents":
        if self.user_id is None and self.calendar_id is None and self.group_id is None:
            raise ValueError("one of user_id, calendar_id or group_id is needed")
        return self


class DeleteEvent(Operation[DeletedReply], method="DELETE", path="/calendars/events/{event_id}"):
    """Delete an appointment or a block. Soft: an appointment still answers, with `deleted: true`."""

    event_id: str
