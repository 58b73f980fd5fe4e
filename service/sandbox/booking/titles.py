"""Titles of appointments, made from a calendar's template."""

import re

from service.highlevel.calendars import Calendar
from service.highlevel.contacts import Contact
from service.highlevel.users import User

PLACE = re.compile(r"{{\s*([\w.]+)\s*}}")


def title_of(calendar: Calendar, contact: Contact, user: User | None) -> str:
    """The calendar's `eventTitle`, filled in; what it names and nobody knows is left empty."""
    known = {
        "contact.name": contact.name,
        "contact.first_name": contact.first_name,
        "contact.last_name": contact.last_name,
        "contact.email": contact.email,
        "contact.phone": contact.phone,
        "contact.company_name": contact.company_name,
        "calendar.name": calendar.name,
        "user.name": user.name if user else None,
        "user.first_name": user.first_name if user else None,
        "appointment.user.name": user.name if user else None,
    }
    return PLACE.sub(lambda place: known.get(place[1]) or "", calendar.event_title).strip()
