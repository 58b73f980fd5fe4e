"""What a delivery turns out to mean: the booking last seen against the booking now."""

import re
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Self

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict

from service.highlevel.appointments import Appointment

INSTANCE_ID = re.compile(r"^(?P<master>.+)_\d{10,}_\d+$")
"""An instance of a recurring series is named `<master>_<start in ms>_<length in s>` (HighLevel's reference)."""


class Trigger(StrEnum):
    """The words that `when` knows; one delivery may be several of them."""

    CREATED = "appointment.created"
    UPDATED = "appointment.updated"
    RESCHEDULED = "appointment.rescheduled"
    REASSIGNED = "appointment.reassigned"
    CONFIRMED = "appointment.confirmed"
    CANCELLED = "appointment.cancelled"
    SHOWED = "appointment.showed"
    NO_SHOW = "appointment.no_show"
    DELETED = "appointment.deleted"


def storable(text: str) -> str:
    """As Postgres keeps it."""
    return text.replace("\0", "\ufffd").encode(errors="replace").decode()


Text = Annotated[str, AfterValidator(storable)]
"""As Postgres keeps it, without NUL and half surrogate pairs: what was kept must equal what is told again."""


class Booking(BaseModel):
    """What one appointment looked like at one moment, whoever told us."""

    model_config = ConfigDict(frozen=True)

    id: Text
    location_id: Text
    calendar_id: Text
    starts: AwareDatetime
    ends: AwareDatetime
    status: Text
    contact_id: Text | None = None
    group_id: Text | None = None
    assignee: Text | None = None
    title: Text = ""
    address: Text = ""
    source: Text | None = None
    added: AwareDatetime | None = None
    updated: AwareDatetime | None = None
    deleted: bool = False

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

    @property
    def series_id(self) -> str | None:
        return series_of(self.id)

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
