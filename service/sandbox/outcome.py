"""What carrying out an operation comes to: the answer's body, and what is to be announced by webhook."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from service.highlevel.contacts import Contact
from service.highlevel.service_bookings import ServiceBooking
from service.sandbox.world.records import Appointment, Location
from service.sandbox.world.world import World

EventType = Literal["AppointmentCreate", "AppointmentUpdate", "AppointmentDelete"]


@dataclass(frozen=True)
class Announcement:
    """`quietly`: without setting off the account's own automations (`toNotify: false`)."""

    type: EventType
    appointment: Appointment
    quietly: bool = False


@dataclass(frozen=True)
class ContactChanged:
    contact: Contact
    location_id: str
    type: Literal["ContactUpdate", "ContactTagUpdate"] = "ContactUpdate"


@dataclass(frozen=True)
class ServiceBookingChanged:
    """Booked or changed. No event of HighLevel's own tells of it, and no workflow trigger of a deletion."""

    booking: ServiceBooking


AnyAnnouncement = Announcement | ContactChanged | ServiceBookingChanged


@dataclass(frozen=True)
class Outcome:
    """The body as JSON values, an object without its traceId. `told` says what was done, for people; empty where
    nothing was."""

    body: Any
    announcements: tuple[AnyAnnouncement, ...] = ()
    told: str = ""
    about: str = ""
    """The id of the appointment or service booking that it was done to, where no announcement says so."""

    @property
    def booking_id(self) -> str:
        announced = (each.appointment.id for each in self.announcements if isinstance(each, Announcement))
        return self.about or next(announced, "")


Handler = Callable[[World, Location, Any], Outcome]
"""Carries out one operation at once and without waiting, so that two calls never interleave. Raises Refusal."""
