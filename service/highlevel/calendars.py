"""Calendars: read, list, delete. What may be said of one is in `calendar_settings`."""

from datetime import date
from typing import Annotated

from pydantic import BeforeValidator, Field

from service.highlevel.operation import Number, Operation
from service.highlevel.reply import Done, Reply

LocalDate = Annotated[date, BeforeValidator(lambda text: text[:10] if isinstance(text, str) else text)]
"""Written as midnight UTC, but meant as a day of the location's calendar."""


class LocationConfiguration(Reply):
    """Where a meeting takes place; its `meeting_id` is the `meeting_location_id` of an appointment."""

    kind: str
    location: str | None = None
    meeting_id: str | None = None


class TeamMember(Reply):
    user_id: str
    priority: float = 0.5
    is_primary: bool | None = None
    location_configurations: tuple[LocationConfiguration, ...] = ()
    meeting_location_type: str | None = None
    meeting_location: str | None = None


class OpeningHours(Reply):
    """Clock times in the location's time zone; `open_hour` 0 to 23, `close_hour` up to 24."""

    open_hour: int
    open_minute: int
    close_hour: int
    close_minute: int


class OpenDay(Reply):
    """Days are 0 (Sunday) to 6."""

    days_of_the_week: tuple[int, ...]
    hours: tuple[OpeningHours, ...]


class Availability(Reply):
    """The hours of one date, in place of those of its weekday."""

    id: str | None = None
    date: LocalDate
    hours: tuple[OpeningHours, ...] = ()
    deleted: bool = False


class Recurring(Reply):
    freq: str | None = None
    count: Number | None = None
    booking_option: str | None = None
    booking_overlap_default_status: str | None = None


class LookBusy(Reply):
    """How many percent of the slots on offer are hidden."""

    enabled: bool = False
    look_busy_percentage: Number = Field(
        default=0, validation_alias="LookBusyPercentage", serialization_alias="LookBusyPercentage"
    )


class InlineNotification(Reply):
    """Deprecated in favour of the calendar's notifications, which have operations of their own."""

    type: str = "email"
    should_send_to_contact: bool = False
    should_send_to_guest: bool = False
    should_send_to_user: bool = False
    should_send_to_selected_users: bool = False
    selected_users: str = ""


class Calendar(Reply):
    """A calendar. List items leave out what is unset, so everything but its identity may be missing."""

    id: str
    location_id: str
    name: str = ""
    group_id: str | None = None
    description: str | None = None
    slug: str | None = None
    widget_slug: str | None = None
    widget_type: str | None = None
    calendar_type: str = "round_robin"
    event_type: str | None = None
    event_title: str = "{{contact.name}}"
    event_color: str | None = None
    is_active: bool = True
    team_members: tuple[TeamMember, ...] = ()
    location_configurations: tuple[LocationConfiguration, ...] = ()
    meeting_location: str | None = None
    slot_duration: Number = 30
    slot_duration_unit: str = "mins"
    slot_interval: Number = 30
    slot_interval_unit: str = "mins"
    slot_buffer: Number | None = None
    slot_buffer_unit: str | None = None
    pre_buffer: Number | None = None
    pre_buffer_unit: str | None = None
    appointment_per_slot: Number | None = Field(
        default=None, validation_alias="appoinmentPerSlot", serialization_alias="appoinmentPerSlot"
    )
    appointment_per_day: Number | None = Field(
        default=None, validation_alias="appoinmentPerDay", serialization_alias="appoinmentPerDay"
    )
    allow_booking_after: Number | None = None
    allow_booking_after_unit: str | None = None
    allow_booking_for: Number | None = None
    allow_booking_for_unit: str | None = None
    open_hours: Annotated[tuple[OpenDay, ...], BeforeValidator(lambda value: () if value in ({}, None) else value)] = ()
    """Live calendars say `{}` for none (recorded answers)."""
    availability_type: int | None = None
    """1: only `availabilities` count, 0: only `open_hours`, None: both."""
    availabilities: tuple[Availability, ...] = ()
    enable_recurring: bool = False
    recurring: Recurring | None = None
    form_id: str | None = None
    form_submit_type: str | None = None
    form_submit_redirect_url: str | None = Field(
        default=None, validation_alias="formSubmitRedirectURL", serialization_alias="formSubmitRedirectURL"
    )
    form_submit_thanks_message: str | None = None
    sticky_contact: bool | None = None
    is_live_payment_mode: bool | None = None
    auto_confirm: bool = True
    should_send_alert_emails_to_assigned_member: bool | None = None
    alert_email: str | None = None
    google_invitation_emails: bool | None = None
    allow_reschedule: bool | None = None
    allow_cancellation: bool | None = None
    should_assign_contact_to_team_member: bool | None = None
    should_skip_assigning_contact_for_existing: bool | None = None
    notes: str | None = None
    pixel_id: str | None = None
    guest_type: str | None = None
    consent_label: str | None = None
    calendar_cover_image: str | None = None
    look_busy_config: LookBusy | None = None
    notifications: tuple[InlineNotification, ...] = ()

    @property
    def slot_minutes(self) -> int:
        return _minutes(self.slot_duration, self.slot_duration_unit)

    @property
    def interval_minutes(self) -> int:
        return _minutes(self.slot_interval, self.slot_interval_unit)

    @property
    def team(self) -> tuple[str, ...]:
        return tuple(member.user_id for member in self.team_members)


class CalendarReply(Reply):
    calendar: Calendar


class CalendarsReply(Reply):
    calendars: tuple[Calendar, ...]


class DeletedCalendar(Reply):
    """A calendar as it goes: without its location, and not yet `deleted` (recorded answers)."""

    id: str
    name: str = ""
    calendar_type: str | None = None
    location_configurations: tuple[LocationConfiguration, ...] = ()
    deleted: bool = False


class DeletedCalendarReply(Done):
    """Live answers have `message` and `calendar`, the specification has `success`."""

    success: bool = True
    message: str | None = None
    calendar: DeletedCalendar | None = None


class GetCalendar(Operation[CalendarReply], method="GET", path="/calendars/{calendar_id}"):
    calendar_id: str


class ListCalendars(Operation[CalendarsReply], method="GET", path="/calendars/"):
    """Every calendar of a location, or of a group; there are no pages. Drafts are among them unless left out."""

    location_id: str
    group_id: str | None = None
    show_drafted: bool | None = None


class DeleteCalendar(Operation[DeletedCalendarReply], method="DELETE", path="/calendars/{calendar_id}"):
    calendar_id: str


def _minutes(length: float, unit: str) -> int:
    return round(length * (60 if unit == "hours" else 1))
