"""Calendars as HighLevel shows them: four shapes, all after recorded answers."""

from typing import Any

from service.highlevel.calendars import Calendar
from service.sandbox.api.answers import shown

UNTOLD = ("createdBy", "version")
"""What HighLevel keeps of a calendar and shows only as it goes."""
PLACE_OF_NONE = {"kind": "custom", "position": 0, "meetingId": "custom_0"}
"""Where a calendar meets of which nothing was said."""


def listed(calendar: Calendar) -> dict[str, Any]:
    """One of a list: what is unset is left out, but for what a recorded answer shows all the same."""
    settings = {name: value for name, value in shown(calendar).items() if name not in UNTOLD}
    always: dict[str, Any] = {
        "eventTitle": calendar.event_title,
        "eventColor": "#039BE5",
        "slotDuration": 30,
        "slotDurationUnit": "mins",
        "slotInterval": 30,
        "slotIntervalUnit": "mins",
        "slotBufferUnit": "mins",
        "appoinmentPerSlot": 1,
        "enableRecurring": False,
        "autoConfirm": True,
        "googleInvitationEmails": True,
        "allowReschedule": True,
        "allowCancellation": True,
        "formSubmitType": "ThankYouMessage",
        "preBufferUnit": "mins",
        "isActive": True,
    }
    days = [{**day, "date": f"{day['date']}T00:00:00.000Z"} for day in settings.get("availabilities", [])]
    return {
        **always,
        **settings,
        "appointmentPerSlot": settings.get("appoinmentPerSlot", 1),
        "openHours": settings.get("openHours") or {},  # an object, not a list, when there are none (a recorded answer)
        "availabilities": days,
    }


def read(calendar: Calendar) -> dict[str, Any]:
    """By itself, where some more is shown though it is unset (a recorded answer)."""
    unset = {"notifications": [], "teamMembers": [], "slotBuffer": 0, "guestType": "collect_detail", "preBuffer": 0}
    return {**unset, **listed(calendar)}


def written(calendar: Calendar) -> dict[str, Any]:
    """The answer to create and update: as read, but for two lists that a recorded answer lacks when they are empty."""
    return {
        name: value
        for name, value in read(calendar).items()
        if value or name not in ("notifications", "availabilities")
    }


def gone(calendar: Calendar, *, trace_id: str, timestamp: str) -> dict[str, Any]:
    """As it is shown for the last time, not yet as deleted. Trace and time are for one that a seed made."""
    kept = shown(calendar)
    made = {"channel": "OAUTH", "source": "INTEGRATION", "timestamp": timestamp, "traceId": trace_id}
    return {
        "id": calendar.id,
        "name": calendar.name,
        "deleted": False,
        "calendarType": calendar.calendar_type,
        "locationConfigurations": kept.get("locationConfigurations") or [PLACE_OF_NONE],
        "createdBy": kept.get("createdBy", made),
        "version": kept.get("version", 1),
    }
