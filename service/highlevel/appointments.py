"""Appointments: create, change, read, list, delete."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Annotated, Literal, Self

from pydantic import AliasChoices, AwareDatetime, Field, GetPydanticSchema, model_validator
from pydantic_core import core_schema

from service.highlevel.operation import Api, Moment, Operation
from service.highlevel.reply import Done, Reply, SentTime
from service.highlevel.windows import MONTH, Overlapping, Progress, each_once, windows

AppointmentStatus = Literal["new", "confirmed", "cancelled", "showed", "noshow", "invalid", "completed", "active"]
MeetingLocationType = Literal["custom", "zoom", "gmeet", "phone", "address", "ms_teams", "google"]

OptionalText = Annotated[
    str | None,
    GetPydanticSchema(
        lambda _source, _handler: core_schema.nullable_schema(
            core_schema.chain_schema(
                [
                    core_schema.str_schema(),
                    core_schema.with_default_schema(
                        core_schema.str_schema(min_length=1), default=None, on_error="default"
                    ),
                ]
            )
        )
    ),
]
"""An empty text is read as None; without a call of Python's for each, since lists of events are full of them."""


class CreatedBy(Reply):
    source: str | None = None
    user_id: str | None = None


class Appointment(Reply):
    """An appointment as read.

    HighLevel leaves out `groupId`, `assignedUserId`, `users` and `notes` when empty; a deleted one still answers
    with its old status and `deleted: true` (recorded answers).
    """

    id: str
    """Of one of a series: `<master_event_id>_<start in milliseconds>_<length in seconds>`."""
    calendar_id: str
    location_id: str
    contact_id: OptionalText = None
    group_id: OptionalText = None
    title: str = ""
    appointment_status: str = "confirmed"
    assigned_user_id: OptionalText = None
    users: tuple[str, ...] = ()
    """Who is on it besides `assigned_user_id`."""
    notes: str | None = None
    """What the booker wrote; the notes that can be written on an appointment are others."""
    description: str | None = None
    address: str | None = None
    is_recurring: bool = False
    rrule: str | None = None
    master_event_id: str | None = None
    assigned_resources: tuple[str, ...] = ()
    start_time: AwareDatetime
    end_time: AwareDatetime
    date_added: SentTime = None
    date_updated: SentTime = None
    created_by: CreatedBy | None = None
    deleted: bool = False


class WrittenAppointment(Reply):
    """The answer to create and update: flat, and seen without times and assignee (recorded answers)."""

    id: str
    calendar_id: str
    location_id: str
    contact_id: str | None = None
    title: str = ""
    appointment_status: str | None = None
    assigned_user_id: OptionalText = None
    meeting_location_type: str | None = None
    address: str | None = None
    is_recurring: bool = False
    rrule: str | None = None
    start_time: SentTime = None
    end_time: SentTime = None
    date_added: SentTime = None
    date_updated: SentTime = None


class AppointmentReply(Reply):
    """Live answers wrap it as `appointment`, the specification says `event`."""

    appointment: Appointment = Field(
        validation_alias=AliasChoices("appointment", "event"), serialization_alias="appointment"
    )


class EventsReply(Reply):
    events: tuple[Appointment, ...]


class DeletedReply(Done):
    succeeded: bool = True


class _AppointmentFields(Operation[WrittenAppointment]):
    """What may be said of an appointment, new or not.

    `ignore_free_slot_validation` allows double booking, wants an `assigned_user_id` where the calendar has a team, and
    alone makes HighLevel heed an `rrule` (RFC 5545, without DTSTART). `to_notify` false keeps automations quiet.
    """

    end_time: Moment | None = None
    title: str | None = None
    meeting_location_type: MeetingLocationType | None = None
    meeting_location_id: str | None = None
    """As in the `location_configurations` of the calendar or of one of its team."""
    override_location_config: bool | None = None
    """True where only the type of the meeting's location is given, false where only its id is."""
    assigned_user_id: str | None = None
    description: str | None = None
    address: str | None = None
    ignore_date_range: bool | None = None
    ignore_free_slot_validation: bool | None = None
    to_notify: bool | None = None
    rrule: str | None = None

    @model_validator(mode="after")
    def is_heeded(self) -> Self:
        if self.rrule is not None and not self.ignore_free_slot_validation:
            raise ValueError("rrule is only heeded with ignore_free_slot_validation")
        return self


class CreateAppointment(_AppointmentFields, method="POST", path="/calendars/events/appointments"):
    """Book. Without `ignore_free_slot_validation` the start must be an offered slot, verbatim."""

    calendar_id: str
    location_id: str
    contact_id: str
    start_time: Moment
    appointment_status: AppointmentStatus | None = None

    @model_validator(mode="after")
    def ends_after_it_begins(self) -> Self:
        refuse_backwards(self.start_time, self.end_time)
        return self


class EditAppointment(_AppointmentFields, method="PUT", path="/calendars/events/appointments/{event_id}"):
    """Change one appointment, or by its `master_event_id` a whole series.

    `appointment_status` is required here though not by HighLevel: left out, it has been seen to fall back to
    `confirmed`; a stale one would revive a cancelled booking.
    """

    event_id: str
    appointment_status: AppointmentStatus
    calendar_id: str | None = None
    start_time: Moment | None = None

    @model_validator(mode="after")
    def ends_after_it_begins(self) -> Self:
        refuse_backwards(self.start_time, self.end_time)
        return self


class GetAppointment(Operation[AppointmentReply], method="GET", path="/calendars/events/appointments/{event_id}"):
    event_id: str


class ListEvents(Overlapping[EventsReply], method="GET", path="/calendars/events"):
    """Appointments that overlap a window; deleted ones are among them."""


class DeleteEvent(Operation[DeletedReply], method="DELETE", path="/calendars/events/{event_id}", sends_body=True):
    """Delete an appointment or a block. Soft: an appointment still answers, with `deleted: true`."""

    event_id: str


def refuse_backwards(start: str | None, end: str | None) -> None:
    """Raises ValueError when both are said and the end is before the start."""
    if start is not None and end is not None and datetime.fromisoformat(end) < datetime.fromisoformat(start):
        raise ValueError("end_time is before start_time")


def events_between(
    api: Api,
    location_id: str,
    start: datetime,
    end: datetime,
    *,
    user_id: str | None = None,
    calendar_id: str | None = None,
    group_id: str | None = None,
    window: timedelta = MONTH,
    progress: Progress | None = None,
) -> AsyncIterator[Appointment]:
    """Every appointment that overlaps the stretch, by its beginning, none twice; deleted ones are among them."""
    parts = windows(start, end, window)
    whose = {"user_id": user_id, "calendar_id": calendar_id, "group_id": group_id}
    first = ListEvents(location_id=location_id, start_time=parts[0].start, end_time=parts[0].end, **whose)
    return each_once(api, first, parts, lambda reply: reply.events, progress)
