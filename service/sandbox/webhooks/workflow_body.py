"""What the Webhook action of a workflow posts about a booking: flat, unsigned, by the location's clock."""

from datetime import datetime
from typing import Any
from uuid import NAMESPACE_OID, uuid5

from service.highlevel.contacts import Contact
from service.highlevel.service_bookings import ServiceBooking
from service.highlevel.users import User
from service.sandbox.outcome import Announcement
from service.sandbox.webhooks.envelopes import compact
from service.sandbox.world.moments import stamp_text
from service.sandbox.world.records import Appointment, Location
from service.sandbox.world.world import World


def sets_off_workflows(announcement: Announcement) -> bool:
    """No trigger is for what was deleted, and those for appointments leave recurring ones out unless told otherwise."""
    appointment = announcement.appointment
    recurring = appointment.is_recurring or appointment.master_event_id is not None
    return not (announcement.type == "AppointmentDelete" or announcement.quietly or recurring)


def workflow_body(world: World, appointment: Appointment) -> bytes:
    """Keys and their order as in public captures; what is not known as an empty text."""
    location = world.locations[appointment.location_id]
    contact = world.contact(location, appointment.contact_id)
    user = world.user(location, appointment.assigned_user_id) if appointment.assigned_user_id else None
    return compact(
        {
            **_contact(contact or Contact(id=appointment.contact_id)),
            "location": _location(location),
            "calendar": _calendar(world, location, appointment, contact),
            **({} if user is None else {"user": _user(user)}),
            "workflow": {"id": str(uuid5(NAMESPACE_OID, location.id)), "name": "Appointments"},
            "triggerData": {},
            "customData": {},
        }
    )


def service_workflow_body(world: World, booking: ServiceBooking) -> bytes:
    """As public captures have it of appointments, without what is known of none: no body about a service booking was
    captured. `customData` is what the workflow's author was asked to put there."""
    location = world.locations[booking.location_id]
    contact = world.contact(location, booking.contact_id) if booking.contact_id else None
    return compact(
        {
            **_contact(contact or Contact(id=booking.contact_id or "")),
            "location": _location(location),
            "workflow": {"id": str(uuid5(NAMESPACE_OID, f"services of {location.id}")), "name": "Service bookings"},
            "triggerData": {},
            "customData": {"service_booking": booking.booking_id},
        }
    )


def _contact(contact: Contact) -> dict[str, Any]:
    return {
        "contact_id": contact.id,
        "first_name": contact.first_name or "",
        "last_name": contact.last_name or "",
        "full_name": contact.name or "",
        "email": contact.email or "",
        "phone": contact.phone or "",
        "tags": ",".join(contact.tags or ()),
        "country": contact.country or "",
        "timezone": contact.timezone or "",
        "date_created": stamp_text(contact.date_added) if contact.date_added else "",
        "website": contact.website or "",
        "contact_source": contact.source or "",
        "full_address": " ".join(part for part in (contact.address1, contact.city, contact.state) if part),
        "contact_type": contact.type or "lead",
    }


def _location(location: Location) -> dict[str, Any]:
    unknown = dict.fromkeys(("address", "city", "state", "country", "postalCode", "fullAddress"), "")
    return {"name": location.name, **unknown, "id": location.id}


def _calendar(world: World, location: Location, appointment: Appointment, contact: Contact | None) -> dict[str, Any]:
    calendar = world.calendar(location, appointment.calendar_id)
    created_by = appointment.created_by
    creator = world.user(location, created_by.user_id) if created_by.user_id else contact

    def local(moment: datetime) -> str:
        return moment.astimezone(location.timezone).replace(tzinfo=None).isoformat(timespec="seconds")

    return {
        "title": appointment.title,
        "selectedTimezone": location.timezone.key,
        "appointmentId": appointment.id,
        "startTime": local(appointment.start_time),
        "endTime": local(appointment.end_time),
        "status": "booked",
        "appoinmentStatus": appointment.appointment_status,
        "address": appointment.address,
        "notes": appointment.notes,
        "date_created": stamp_text(appointment.date_added),
        "created_by": (creator.name if creator else None) or "",
        "created_by_user_id": created_by.user_id or "",
        "created_by_meta": {"source": created_by.source},
        "last_updated_by_meta": {"source": created_by.source, "channel": "web_app"},
        "id": appointment.calendar_id,
        "calendarName": calendar.name if calendar else "",
    }


def _user(user: User) -> dict[str, Any]:
    first, _, last = (user.name or "").partition(" ")
    return {"firstName": user.first_name or first, "lastName": user.last_name or last, "email": user.email or ""}
