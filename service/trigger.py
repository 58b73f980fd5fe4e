"""What a delivery turns out to mean: the booking last seen against the booking now."""

import re
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Annotated, Any, Final, Literal, Self

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict

from service.highlevel.appointments import Appointment
from service.instants import bounded

INSTANCE_ID = re.compile(r"^(?P<master>.+)_\d{10,}_\d+$")
"""An instance of a recurring series is named `<master>_<start in ms>_<length in s>` (HighLevel's reference)."""


class Trigger(StrEnum):
    """The words that `when` knows; one delivery may be several of them."""

    CREATED = "appointment.created"
    """It was booked, after the location was connected."""
    UPDATED = "appointment.updated"
    """Anything of it changed that a rule can ask about."""
    RESCHEDULED = "appointment.rescheduled"
    """Its start or its end changed."""
    REASSIGNED = "appointment.reassigned"
    """It was given to somebody else, or to nobody."""
    CONFIRMED = "appointment.confirmed"
    """Its status became confirmed; one that is booked as confirmed is created, and not this."""
    CANCELLED = "appointment.cancelled"
    """Its status became cancelled."""
    SHOWED = "appointment.showed"
    """Its status became showed, or completed: the client was there."""
    NO_SHOW = "appointment.no_show"
    """Its status became noshow: the client did not come."""
    DELETED = "appointment.deleted"
    """It is gone: HighLevel changes nothing of it any more."""
    SERVICE_BOOKING_CREATED = "service_booking.created"
    """A service was booked (Services v2), which is no appointment."""
    SERVICE_BOOKING_UPDATED = "service_booking.updated"
    """Anything of a service booking changed that a rule can ask about."""
    SERVICE_BOOKING_CANCELLED = "service_booking.cancelled"
    """A service booking was cancelled."""
    CONTACT_UPDATED = "contact.updated"
    """A contact changed: a custom field, their details, their tags or their owner."""


class Subject(StrEnum):
    """What an event is about, and so what an action can act on, in the words of messages."""

    APPOINTMENT = "appointment"
    DELETED_APPOINTMENT = "deleted appointment"
    """Gone: HighLevel changes nothing of it any more."""

    SERVICE_BOOKING = "service booking"
    """Of Services v2: it has services, staff and a contact, and is no appointment: it has no calendar or notes, and
    other calls change it."""

    CONTACT = "contact"
    """A contact, and no booking of theirs."""

    NOTHING = "nothing"
    """A time of the clock's, or an event from elsewhere that names nothing."""


SUBJECTS: Final[Mapping[Trigger, Subject]] = MappingProxyType(
    {
        **{word: Subject.APPOINTMENT for word in Trigger if word.startswith("appointment.")},
        Trigger.DELETED: Subject.DELETED_APPOINTMENT,
        **{word: Subject.SERVICE_BOOKING for word in Trigger if word.startswith("service_booking.")},
        Trigger.CONTACT_UPDATED: Subject.CONTACT,
    }
)
"""What each is news of. Of words that are none of these, a moment of a booking's is about an appointment, one of the
clock's about nothing, and an event from elsewhere about what its body names, which nobody can tell from a rule."""


def storable(text: str) -> str:
    """As Postgres keeps it."""
    return text.replace("\0", "\ufffd").encode(errors="replace").decode()


Text = Annotated[str, AfterValidator(storable)]
"""As Postgres keeps it, without NUL and half surrogate pairs: what was kept must equal what is told again."""


Instant = Annotated[AwareDatetime, AfterValidator(bounded)]
"""The first or the last that is reckoned with, where what was told lies beyond."""


class Booking(BaseModel):
    """What one appointment, or service booking, looked like at one moment, whoever told us."""

    model_config = ConfigDict(frozen=True)

    id: Text
    location_id: Text
    calendar_id: Text
    starts: Instant
    ends: Instant
    status: Text
    contact_id: Text | None = None
    group_id: Text | None = None
    assignee: Text | None = None
    title: Text = ""
    address: Text = ""
    source: Text | None = None
    added: Instant | None = None
    updated: Instant | None = None
    deleted: bool = False
    kind: Literal["appointment", "service"] = "appointment"
    services: tuple[Text, ...] = ()
    """Ids of the catalogue, each once; of an appointment none."""

    add_ons: tuple[Text, ...] = ()

    @classmethod
    def of(cls, appointment: Appointment) -> Self:
        """The booking that an appointment read from the API is."""
        return cls(
            id=appointment.id,
            location_id=appointment.location_id,
            calendar_id=appointment.calendar_id,
            contact_id=appointment.contact_id or None,
            group_id=appointment.group_id,
            title=appointment.title,
            address=appointment.address or "",
            source=appointment.created_by.source if appointment.created_by else None,
            status=appointment.appointment_status,
            assignee=appointment.assigned_user_id,
            starts=appointment.start_time,
            ends=appointment.end_time,
            added=appointment.date_added,
            updated=appointment.date_updated,
            deleted=appointment.deleted,
        )

    @classmethod
    def told(cls, location_id: Any, appointment: Mapping[str, Any]) -> Self:
        """The booking that a webhook of HighLevel's tells of. Raises KeyError or pydantic's ValidationError."""
        return cls(
            id=appointment["id"],
            location_id=location_id,
            calendar_id=appointment["calendarId"],
            contact_id=appointment.get("contactId") or None,
            group_id=appointment.get("groupId") or None,
            title=appointment.get("title") or "",
            address=appointment.get("address") or "",
            source=appointment.get("source") or None,
            status=appointment["appointmentStatus"],
            assignee=appointment.get("assignedUserId") or None,
            starts=appointment["startTime"],
            ends=appointment["endTime"],
            added=appointment.get("dateAdded"),
            updated=appointment.get("dateUpdated"),
            deleted=appointment.get("deleted") is True,
        )

    @property
    def series_id(self) -> str | None:
        return series_of(self.id)

    @property
    def subject(self) -> Subject:
        if self.kind == "service":
            return Subject.SERVICE_BOOKING
        return Subject.DELETED_APPOINTMENT if self.deleted else Subject.APPOINTMENT

    def over(self, now: datetime) -> bool:
        """Past, gone or decided: what rules leave alone unless they ask for it."""
        return self.deleted or self.ends <= now or self.status in OVER

    def changed(self, **fields: object) -> Self:
        return self.model_copy(update=fields)


TAKES_NO_TIME = frozenset({"cancelled", "noshow", "invalid"})
"""Statuses of a booking that keeps nobody busy."""

OVER = frozenset({"cancelled", "noshow", "showed", "invalid", "completed"})

STATUS_TRIGGERS = {
    "confirmed": Trigger.CONFIRMED,
    "cancelled": Trigger.CANCELLED,
    "showed": Trigger.SHOWED,
    "completed": Trigger.SHOWED,
    "noshow": Trigger.NO_SHOW,
}

BORN = frozenset({"new", "confirmed"})
"""What a booking may be from its first moment; any other status was reached later, though we saw nothing of it."""


def series_of(appointment_id: str) -> str | None:
    """The series an instance belongs to; None for a single appointment."""
    instance = INSTANCE_ID.match(appointment_id)
    return instance["master"] if instance else None


def lane_subject(appointment_id: str) -> str:
    """What must happen in order: one appointment, or a whole series."""
    return series_of(appointment_id) or appointment_id


RULE_FIELDS = (
    "calendar_id",
    "starts",
    "ends",
    "status",
    "contact_id",
    "group_id",
    "assignee",
    "title",
    "address",
    "deleted",
    "services",
    "add_ons",
)
"""What a rule can ask about. A webhook that differs in none of them is an echo."""


def differences(was: Booking, now: Booking) -> frozenset[str]:
    """Names of the fields a rule can ask about that are not the same any more."""
    return frozenset(name for name in RULE_FIELDS if getattr(was, name) != getattr(now, name))


def triggers(was: Booking | None, now: Booking, *, connected: datetime) -> frozenset[Trigger]:
    """Everything that `now` is news of.

    `connected` is when the location was connected: a booking added before it was not created in front of us.
    """
    if was is None:
        return _first_sight(now, connected)
    if now.deleted:
        return frozenset() if was.deleted else frozenset({Trigger.DELETED})
    changed = differences(was, now)
    if not changed:
        return frozenset()
    found = {Trigger.UPDATED}
    if changed & {"starts", "ends"}:
        found.add(Trigger.RESCHEDULED)
    if "assignee" in changed:
        found.add(Trigger.REASSIGNED)
    if "status" in changed and now.status in STATUS_TRIGGERS:
        found.add(STATUS_TRIGGERS[now.status])
    return frozenset(found)


def _first_sight(now: Booking, connected: datetime) -> frozenset[Trigger]:
    if now.deleted:
        return frozenset({Trigger.DELETED})
    if now.added is None or now.added < connected:
        return frozenset({Trigger.UPDATED})
    found = {Trigger.CREATED}
    if now.status not in BORN and now.status in STATUS_TRIGGERS:
        found.add(STATUS_TRIGGERS[now.status])
    return frozenset(found)


def doubt(hint: str, told: Booking, last: Booking | None) -> str | None:
    """Why what a webhook tells cannot be taken at its word, so that the appointment must be read; None when it can.

    `hint` is the event's own type. The published samples of Update and Delete are byte for byte Creates.
    """
    if told.updated is None:
        return "the body has no dateUpdated"
    if last is None:
        return None
    if hint.endswith("Create"):
        return "created, it says, and yet it was seen before"
    if last.deleted and not told.deleted:
        return "it was seen deleted"
    if last.updated is not None and told.updated < last.updated:
        return "it is older than a write of ours"
    if told.updated == last.updated and differences(last, told):
        return "it differs from what was last seen at the same dateUpdated"
    return None


def stale(told: Booking, heard: datetime | None) -> bool:
    """Whether HighLevel told of something newer already; what is only older than a write of ours may be news."""
    return bool(heard and told.updated and told.updated < heard)
