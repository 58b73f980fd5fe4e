"""What a HighLevel webhook's body says. Pure; its own `type` is a hint and no more."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from service.trigger import Booking

APPOINTMENT_EVENTS = ("AppointmentCreate", "AppointmentUpdate", "AppointmentDelete")
LONGEST_ID = 200
NO_APP = "not an app's id"


class NotAnEvent(ValueError):
    """Not JSON, or JSON that is no object."""


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

    @property
    def not_understood(self) -> str | None:
        """Why no rule can be asked about it; None for an appointment event that names what it is about."""
        if self.type not in APPOINTMENT_EVENTS:
            return f"{self.type or 'an event without type'} is not an appointment event"
        if self.location_id is None:
            return f"{self.type} names no location"
        if self.appointment_id is None:
            return f"{self.type} names no appointment"
        return None

    @property
    def truncated(self) -> bool:
        """Over 256 KB HighLevel cuts the payload and says so."""
        return bool(self.body.get("payloadTooLarge"))

    def booking(self) -> Booking | None:
        """The appointment as the body describes it; None when it does not describe it whole.

        A deletion's never does: it repeats the appointment, of whatever age, and has no deleted flag.
        """
        told = self.body.get("appointment")
        if not isinstance(told, dict) or self.truncated or self.type == "AppointmentDelete":
            return None
        try:
            return Booking(
                id=told["id"],
                location_id=self.body["locationId"],
                calendar_id=told["calendarId"],
                contact_id=told.get("contactId") or None,
                group_id=told.get("groupId") or None,
                title=told.get("title") or "",
                address=told.get("address") or "",
                source=told.get("source") or None,
                status=told["appointmentStatus"],
                assignee=told.get("assignedUserId") or None,
                starts=told["startTime"],
                ends=told["endTime"],
                added=told.get("dateAdded"),
                updated=told.get("dateUpdated"),
                deleted=told.get("deleted") is True,
            )
        except (KeyError, ValidationError):
            return None


def read_event(body: bytes) -> Event:
    """Read a body; raises NotAnEvent, in words for the sender."""
    try:
        value = json.loads(body, parse_constant=_refuse)
    except (ValueError, RecursionError):
        raise NotAnEvent("the body is not JSON") from None
    if not isinstance(value, dict):
        raise NotAnEvent("the body is JSON but not an object")
    appointment = value.get("appointment")
    told = appointment if isinstance(appointment, dict) else {}
    return Event(
        body=value,
        type=_id(value.get("type")) or "",
        key=_id(value.get("webhookId")),
        app_id=None if value.get("appId") is None else _id(value["appId"]) or NO_APP,
        location_id=_id(value.get("locationId")),
        appointment_id=_id(told.get("id")),
        contact_id=_id(told.get("contactId")),
        said_at=_moment(value.get("timestamp")),
    )


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON, though Python reads it")


def _id(value: Any) -> str | None:
    usable = isinstance(value, str) and 0 < len(value) <= LONGEST_ID and value.isprintable()
    return value if usable else None


def _moment(value: Any) -> datetime | None:
    try:
        moment = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return None
    return moment if moment.tzinfo else None
