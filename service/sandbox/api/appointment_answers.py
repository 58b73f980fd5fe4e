"""Appointments as HighLevel shows them: three shapes, all after recorded answers, and a fourth in webhooks."""

from typing import Any

from service.sandbox.world.moments import local_text, stamp_text
from service.sandbox.world.records import Appointment, Location


def written(appointment: Appointment) -> dict[str, Any]:
    """The answer to create and update: no times, no assignee, the status twice and once misspelt."""
    return {
        "id": appointment.id,
        "calendarId": appointment.calendar_id,
        "locationId": appointment.location_id,
        "contactId": appointment.contact_id,
        "title": appointment.title,
        "status": "booked",
        "appointmentStatus": appointment.appointment_status,
        "appoinmentStatus": appointment.appointment_status,
        "address": appointment.address,
        "dateAdded": stamp_text(appointment.date_added),
        "dateUpdated": stamp_text(appointment.date_updated),
        "isRecurring": appointment.is_recurring,
    }


def listed(appointment: Appointment, location: Location) -> dict[str, Any]:
    """One of a list. What is empty is left out, but for the address."""
    optional = {
        "groupId": appointment.group_id,
        "assignedUserId": appointment.assigned_user_id,
        "users": list(appointment.users),
        "notes": appointment.notes,
        "description": appointment.description,
        "rrule": appointment.rrule,
        "masterEventId": appointment.master_event_id,
    }
    return {
        "appointmentStatus": appointment.appointment_status,
        "appoinmentStatus": appointment.appointment_status,
        "address": appointment.address,
        "calendarId": appointment.calendar_id,
        "contactId": appointment.contact_id,
        "dateAdded": stamp_text(appointment.date_added),
        "dateUpdated": stamp_text(appointment.date_updated),
        "endTime": local_text(appointment.end_time, location.timezone),
        "id": appointment.id,
        "locationId": appointment.location_id,
        "startTime": local_text(appointment.start_time, location.timezone),
        "title": appointment.title,
        "assignedResources": [],
        "isRecurring": appointment.is_recurring,
        "createdBy": {"source": appointment.created_by.source, "userId": appointment.created_by.user_id},
        "deleted": appointment.deleted,
        **{key: value for key, value in optional.items() if value},
    }


def read(appointment: Appointment, location: Location) -> dict[str, Any]:
    """One by itself."""
    return {**listed(appointment, location), "appointmentMeta": {"slotType": "custom"}}


def announced(appointment: Appointment, location: Location) -> dict[str, Any]:
    """Inside a webhook: the published keys in the published order, what is empty as an empty text (all are strings)."""
    return {
        "id": appointment.id,
        "address": appointment.address,
        "title": appointment.title,
        "calendarId": appointment.calendar_id,
        "contactId": appointment.contact_id,
        "groupId": appointment.group_id or "",
        "appointmentStatus": appointment.appointment_status,
        "assignedUserId": appointment.assigned_user_id or "",
        "users": list(appointment.users),
        "notes": appointment.notes,
        "source": appointment.created_by.source,
        "startTime": local_text(appointment.start_time, location.timezone),
        "endTime": local_text(appointment.end_time, location.timezone),
        "dateAdded": stamp_text(appointment.date_added),
        "dateUpdated": stamp_text(appointment.date_updated),
    }
