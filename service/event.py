"""What a webhook's body says: HighLevel's own, a workflow's, any other system's. Pure; its `type` is a hint."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import ValidationError

from service.event_types import (
    APPOINTMENT_EVENTS,
    CONTACT_EVENTS,
    EXTERNAL,
    INSTALL,
    MOMENT,
    NEIGHBOUR,
    OF_CONTACT,
    OF_SERVICE_BOOKING,
    RECONCILED,
    UNINSTALL,
    WORKFLOW,
)
from service.highlevel.appointments import Appointment
from service.highlevel.operation import is_id
from service.json_object import LONGEST_NAME, read_instant, read_name, read_object
from service.json_object import NotAnEvent as NotAnEvent
from service.json_object import at_path as at_path
from service.trigger import Booking

SOURCE_NAME = re.compile(r"[a-z][a-z0-9_-]{0,39}", re.ASCII)
"""What a source may be called: it stands in an address and in `when: external.<source>`."""

WORKFLOW_PATHS: Mapping[str, str] = {
    "location": "location.id",
    "appointment": "calendar.appointmentId",
    "contact": "contact_id",
    "calendar": "calendar.id",
    "service_booking": "customData.service_booking",
    "about": "customData.about",
}
"""Where a workflow's body has its ids (public captures); the last two its author adds: the id of a service booking, or
`contact` where it is about nothing else."""

PATHS = ("location", "appointment", "contact", "calendar")
"""The ids that a source may say where to find."""

LONGEST_ID = LONGEST_NAME
NO_APP = "not an app's id"


@dataclass(frozen=True)
class Event:
    """The parts of a body that decide where it goes. Empty text or None where the body does not say."""

    body: dict[str, Any]
    type: str
    key: str | None
    """`webhookId`: the same on every attempt. Only published samples lack it; they are never taken for known."""
    app_id: str | None
    """None only where the body names no app at all."""

    location_id: str | None
    appointment_id: str | None
    contact_id: str | None
    said_at: datetime | None
    calendar_id: str | None = None

    @property
    def external(self) -> bool:
        """Whether it says that something happened elsewhere, and nothing of how an appointment looks."""
        return self.type.startswith(EXTERNAL)

    @property
    def news(self) -> frozenset[str]:
        """What it is news of by itself, whatever became of the appointment."""
        words = self.body["moment"] if self.type == MOMENT else self.type
        return frozenset({words}) if self.external or self.type == MOMENT else frozenset()

    @property
    def rule(self) -> str | None:
        """The one rule that a moment is for."""
        return self.body["rule"] if self.type == MOMENT else None

    @property
    def until(self) -> datetime | None:
        """How late a moment may be asked about."""
        return read_instant(self.body["until"]) if self.type == MOMENT else None

    @property
    def of_contact(self) -> bool:
        """Whether it says that something of a contact changed."""
        return self.type in (*CONTACT_EVENTS, OF_CONTACT)

    @property
    def of_service_booking(self) -> bool:
        """Whether `appointment_id` is the id of a service booking."""
        return self.type == OF_SERVICE_BOOKING

    @property
    def since(self) -> UUID | None:
        """The delivery that a burst of changes began with, at its end."""
        return UUID(self.body["since"]) if self.type == MOMENT and self.body.get("since") else None

    @property
    def of_app(self) -> bool:
        """Whether it says where our app is installed."""
        return self.type in (INSTALL, UNINSTALL)

    @property
    def company_id(self) -> str | None:
        """The agency, as those say that are of an app."""
        return _id(self.body.get("companyId"))

    @property
    def not_understood(self) -> str | None:
        """Why no rule can be asked about it; None for one that names what it is about."""
        if self.external:
            return None if self.location_id else "it names no location"
        if self.of_app:
            # The signature proves HighLevel, and not that it is about an app of ours.
            if self.app_id is None:
                return f"{self.type} names no app"
            return None if self.location_id or self.company_id else f"{self.type} names neither location nor agency"
        if self.type not in (*APPOINTMENT_EVENTS, *CONTACT_EVENTS, WORKFLOW, OF_SERVICE_BOOKING, OF_CONTACT):
            return f"{self.type or 'an event without type'} is no event of an appointment or a contact"
        if self.location_id is None:
            return f"{self.type} names no location"
        if self.of_contact:
            return None if self.contact_id else f"{self.type} names no contact"
        if self.appointment_id is None:
            where = f" at {WORKFLOW_PATHS['appointment']}" if self.type == WORKFLOW else ""
            return f"{self.type} names no appointment{where}"
        return None

    @property
    def starts(self) -> datetime | None:
        """When the appointment starts, as far as the body says so: a hint, by which what is urgent is told."""
        if self.type == MOMENT:
            return read_instant(self.body.get("starts"))
        told = self.body if self.type == RECONCILED else self.body.get("appointment")
        return read_instant(told.get("startTime")) if isinstance(told, dict) else None

    @property
    def truncated(self) -> bool:
        """Over 256 KB HighLevel cuts the payload and says so."""
        return bool(self.body.get("payloadTooLarge"))

    def booking(self) -> Booking | None:
        """The appointment as the body describes it; None when it does not describe it whole.

        A deletion's never does: it repeats the appointment, of whatever age, and has no deleted flag. Nor does a
        workflow's: its times are on some clock or other, and it does not say how old it is.
        """
        if self.type == RECONCILED:
            return self._read_booking()
        told = self.body.get("appointment") if self.type in APPOINTMENT_EVENTS else None
        if not isinstance(told, dict) or self.truncated or self.type == "AppointmentDelete":
            return None
        try:
            return Booking.told(self.body["locationId"], told)
        except (KeyError, ValidationError):
            return None

    def _read_booking(self) -> Booking | None:
        try:
            return Booking.of(Appointment.read(self.body))
        except ValidationError:
            return None


def read_event(body: bytes) -> Event:
    """Read a body that HighLevel signed; raises NotAnEvent, in words for the sender."""
    value = read_object(body)
    appointment = value.get("appointment")
    told = appointment if isinstance(appointment, dict) else {}
    type_ = read_name(value.get("type")) or ""
    # What the other doors call theirs, HighLevel does not.
    type_ = "" if type_.partition(".")[0] in (WORKFLOW, RECONCILED, MOMENT, NEIGHBOUR, EXTERNAL.rstrip(".")) else type_
    return Event(
        body=value,
        type=type_,
        key=read_name(value.get("webhookId")),
        app_id=None if value.get("appId") is None else read_name(value["appId"]) or NO_APP,
        location_id=_id(value.get("locationId")),
        appointment_id=None if type_ in CONTACT_EVENTS else _id(told.get("id")),
        contact_id=_id(value.get("id") if type_ in CONTACT_EVENTS else told.get("contactId")),
        said_at=read_instant(value.get("timestamp")),
        calendar_id=_id(told.get("calendarId")),
    )


def read_workflow(body: bytes) -> Event:
    """Read what a workflow's Webhook action posts; raises NotAnEvent.

    It has no id of its own and is never taken for known: it makes the worker read what it is about, and if that shows
    nothing new it sets off nothing.
    """
    value = read_object(body)
    ids = {name: _id(at_path(value, path)) for name, path in WORKFLOW_PATHS.items()}
    of_contact = ids["about"] == "contact" and ids["service_booking"] is None
    return Event(
        body=value,
        type=OF_SERVICE_BOOKING if ids["service_booking"] else OF_CONTACT if of_contact else WORKFLOW,
        key=None,
        app_id=None,
        location_id=ids["location"],
        appointment_id=ids["service_booking"] or (None if of_contact else ids["appointment"]),
        contact_id=ids["contact"],
        said_at=None,
        calendar_id=ids["calendar"],
    )


def read_external(body: bytes, source: str, key: str, paths: Mapping[str, str]) -> Event:
    """Read what another system posts; `paths` say where its JSON has which of PATHS. Raises NotAnEvent."""
    value = read_object(body)
    ids = {name: _id(_counted(at_path(value, path))) for name, path in paths.items()}
    return Event(
        body=value,
        type=EXTERNAL + source,
        key=key,
        app_id=None,
        location_id=ids.get("location"),
        appointment_id=ids.get("appointment"),
        contact_id=ids.get("contact"),
        said_at=None,
        calendar_id=ids.get("calendar"),
    )


def read_moment(body: bytes) -> Event:
    """Read what `service.store.timers` wrote, who knows it; `said_at` is when the moment was due."""
    value = read_object(body)
    ids = {name: value[name] for name in ("key", "location_id", "appointment_id", "contact_id")}
    return Event(body=value, type=MOMENT, app_id=None, said_at=read_instant(value["due"]), **ids)


def read_neighbour(body: bytes, key: str | None = None) -> Event:
    """Read what one booking's block says to another's, as `service.store.follows` writes it."""
    value = read_object(body)
    ids = {name: value[name] for name in ("location_id", "appointment_id")}
    return Event(body=value, type=NEIGHBOUR, key=key, app_id=None, contact_id=None, said_at=None, **ids)


def read_reconciled(body: bytes, key: str | None = None) -> Event:
    """Read an appointment that was read from the API; raises NotAnEvent. When it was deleted it does not say."""
    value = read_object(body)
    return Event(
        body=value,
        type=RECONCILED,
        key=key,
        app_id=None,
        location_id=_id(value.get("locationId")),
        appointment_id=_id(value.get("id")),
        contact_id=_id(value.get("contactId")),
        said_at=None if value.get("deleted") else read_instant(value.get("dateUpdated")),
        calendar_id=_id(value.get("calendarId")),
    )


def read_kept(type_: str, body: bytes) -> Event:
    """The event of a delivery that was kept as of this type. Ids of an external one stand in its row."""
    if type_ == RECONCILED:
        return read_reconciled(body)
    if type_.startswith(EXTERNAL):
        return read_external(body, type_.removeprefix(EXTERNAL), "", {})
    if type_ == MOMENT:
        return read_moment(body)
    if type_ == NEIGHBOUR:
        return read_neighbour(body)
    return read_workflow(body) if type_ in (WORKFLOW, OF_SERVICE_BOOKING, OF_CONTACT) else read_event(body)


def _id(value: Any) -> str | None:
    """Of something at HighLevel. What the client would refuse to ask about is none."""
    name = read_name(value)
    return name if name is not None and is_id(name) else None


def _counted(value: Any) -> Any:
    """Other systems number what HighLevel names."""
    return str(value) if type(value) is int and abs(value) < 10**18 else value
