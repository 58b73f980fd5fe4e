"""What may be said of a calendar: creating and changing one."""

from datetime import date
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, PlainSerializer, WithJsonSchema, model_validator

from service.highlevel.calendars import CalendarReply
from service.highlevel.operation import Number, Operation, Part

CalendarType = Literal["round_robin", "event", "class_booking", "collective", "service_booking", "personal"]
EventType = Literal["RoundRobin_OptimizeForAvailability", "RoundRobin_OptimizeForEqualDistribution"]
MeetingKind = Literal[
    "custom",
    "zoom_conference",
    "google_conference",
    "inbound_call",
    "outbound_call",
    "physical",
    "booker",
    "ms_teams_conference",
]
LengthUnit = Literal["mins", "hours"]
NoticeUnit = Literal["mins", "hours", "days", "weeks", "months"]
HorizonUnit = Literal["days", "weeks", "months"]

NOT_ON_EVENT_CALENDARS = frozenset({"zoom_conference", "google_conference", "ms_teams_conference"})
NEED_A_TEAM = frozenset({"round_robin", "collective", "class_booking", "service_booking"})


def _known_priority(priority: float) -> float:
    if priority not in (0, 0.5, 1):
        raise ValueError("a priority is 0, 0.5 or 1")
    return priority


Priority = Annotated[
    int | float, AfterValidator(_known_priority), WithJsonSchema({"type": "number", "enum": [0, 0.5, 1]})
]

WrittenDate = Annotated[
    date,
    PlainSerializer(lambda day: f"{day.isoformat()}T00:00:00.000Z", return_type=str),
]
"""A day of the location's calendar, written as if it were midnight UTC."""


class MeetingPlace(Part):
    """`location` is an address, a number or a link; a conference that HighLevel sets up has none."""

    kind: MeetingKind
    location: str | None = None


class Member(Part):
    """One of the team; `is_primary` is wanted of exactly one on a collective calendar."""

    user_id: str
    priority: Priority | None = None
    is_primary: bool | None = None
    location_configurations: tuple[MeetingPlace, ...] | None = None


class Hours(Part):
    """Clock times in the location's time zone; to 0:00 is to the day's end."""

    open_hour: int = Field(ge=0, le=23)
    open_minute: int = Field(ge=0, le=60)
    close_hour: int = Field(ge=0, le=23)
    close_minute: int = Field(ge=0, le=60)

    @model_validator(mode="after")
    def ends_after_it_starts(self) -> Self:
        opens, closes = self.open_hour * 60 + self.open_minute, self.close_hour * 60 + self.close_minute
        if 0 < closes <= opens:
            raise ValueError("hours close after they open; over midnight takes two, on two days")
        return self


class WeekdayHours(Part):
    """Days are 0 (Sunday) to 6."""

    days_of_the_week: tuple[Annotated[int, Field(ge=0, le=6)], ...]
    hours: tuple[Hours, ...]


class DateHours(Part):
    """The hours of one date. One that is there already is changed or deleted by its `id`, which only an edit takes."""

    date: WrittenDate
    hours: tuple[Hours, ...]
    deleted: bool | None = None
    id: str | None = None


class Recurrence(Part):
    """`booking_option` says what becomes of a repetition whose slot is taken."""

    freq: Literal["DAILY", "WEEKLY", "MONTHLY"] | None = None
    count: int | None = Field(default=None, le=24)
    booking_option: Literal["skip", "continue", "book_next"] | None = None
    booking_overlap_default_status: Literal["confirmed", "new"] | None = None


class BusyLook(Part):
    """How many percent of the slots on offer are hidden."""

    enabled: bool
    look_busy_percentage: Number = Field(
        validation_alias="LookBusyPercentage", serialization_alias="LookBusyPercentage"
    )


class InlineNotice(Part):
    """Deprecated in favour of the calendar's notifications, which have operations of their own."""

    type: Literal["email"] | None = None
    should_send_to_contact: bool
    should_send_to_guest: bool
    should_send_to_user: bool
    should_send_to_selected_users: bool
    selected_users: str
    """Addresses with commas between them."""


class _CalendarFields(Operation[CalendarReply]):
    """What may be said of a calendar, new or not. `open_hours`, `availabilities`, `availability_type` and
    `notifications` are deprecated by HighLevel and still work."""

    group_id: str | None = None
    description: str | None = None
    slug: str | None = None
    widget_slug: str | None = None
    widget_type: Literal["default", "classic"] | None = None
    event_type: EventType | None = None
    event_title: str | None = None
    event_color: str | None = None
    is_active: bool | None = None
    team_members: tuple[Member, ...] | None = None
    location_configurations: tuple[MeetingPlace, ...] | None = None
    slot_duration: Number | None = None
    slot_duration_unit: LengthUnit | None = None
    slot_interval: Number | None = None
    slot_interval_unit: LengthUnit | None = None
    slot_buffer: Number | None = None
    pre_buffer: Number | None = None
    pre_buffer_unit: LengthUnit | None = None
    appointment_per_slot: Number | None = Field(
        default=None, validation_alias="appoinmentPerSlot", serialization_alias="appoinmentPerSlot"
    )
    appointment_per_day: Number | None = Field(
        default=None, validation_alias="appoinmentPerDay", serialization_alias="appoinmentPerDay"
    )
    allow_booking_after: Number | None = None
    allow_booking_after_unit: NoticeUnit | None = None
    allow_booking_for: Number | None = None
    allow_booking_for_unit: HorizonUnit | None = None
    open_hours: tuple[WeekdayHours, ...] | None = None
    availability_type: Literal[0, 1] | None = None
    """1: only `availabilities` count, 0: only `open_hours`, an explicit None: both."""
    availabilities: tuple[DateHours, ...] | None = None
    enable_recurring: bool | None = None
    recurring: Recurrence | None = None
    form_id: str | None = None
    form_submit_type: Literal["RedirectURL", "ThankYouMessage"] | None = None
    form_submit_redirect_url: str | None = Field(
        default=None, validation_alias="formSubmitRedirectURL", serialization_alias="formSubmitRedirectURL"
    )
    form_submit_thanks_message: str | None = None
    sticky_contact: bool | None = None
    is_live_payment_mode: bool | None = None
    auto_confirm: bool | None = None
    should_send_alert_emails_to_assigned_member: bool | None = None
    alert_email: str | None = None
    google_invitation_emails: bool | None = None
    allow_reschedule: bool | None = None
    allow_cancellation: bool | None = None
    should_assign_contact_to_team_member: bool | None = None
    should_skip_assigning_contact_for_existing: bool | None = None
    notes: str | None = None
    pixel_id: str | None = None
    guest_type: Literal["count_only", "collect_detail"] | None = None
    consent_label: str | None = None
    calendar_cover_image: str | None = None
    look_busy_config: BusyLook | None = None
    notifications: tuple[InlineNotice, ...] | None = None

    @model_validator(mode="after")
    def one_is_primary_at_most(self) -> Self:
        if sum(bool(member.is_primary) for member in self.team_members or ()) > 1:
            raise ValueError("only one of team_members can be is_primary")
        return self


class CreateCalendar(_CalendarFields, method="POST", path="/calendars/"):
    """Set up a calendar. Its type stays; without `calendar_type` it does not become one of type `event`."""

    location_id: str
    name: str
    calendar_type: CalendarType | None = None
    slot_buffer_unit: LengthUnit | None = None

    @model_validator(mode="after")
    def has_what_its_type_needs(self) -> Self:
        """As the specification's texts say; what it says nothing of is left to HighLevel."""
        team = self.team_members or ()
        if self.calendar_type in NEED_A_TEAM and not team:
            raise ValueError(f"a calendar_type of {self.calendar_type} needs team_members")
        if self.calendar_type == "personal" and len(team) != 1:
            raise ValueError("a calendar_type of personal needs exactly one of team_members")
        if self.calendar_type == "collective" and not any(member.is_primary for member in team):
            raise ValueError("a calendar_type of collective needs one of team_members to be is_primary")
        if any(hours.id is not None for hours in self.availabilities or ()):
            raise ValueError("availabilities of a new calendar have no id yet")
        if self.calendar_type == "event":
            kinds = {place.kind for place in self.location_configurations or ()} & NOT_ON_EVENT_CALENDARS
            if kinds:
                raise ValueError(f"a calendar_type of event has no {', '.join(sorted(kinds))}")
        return self


class EditCalendar(_CalendarFields, method="PUT", path="/calendars/{calendar_id}"):
    """Change a calendar; its type, its location and the unit of `slot_buffer` stay as they are."""

    calendar_id: str
    name: str | None = None
