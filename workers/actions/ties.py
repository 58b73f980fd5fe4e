"""Ties: whom the contact of a booking belongs to already, because of an earlier booking or as their owner."""

from datetime import timedelta

from service.highlevel.appointments import GetAppointment
from service.highlevel.contacts import ListContactAppointments
from service.highlevel.errors import NotFound
from service.trigger import TAKES_NO_TIME, Booking
from workers.actions.action import ActionContext, LeftAlone
from workers.actions.contact import contact_now
from workers.names import Named

LOOKS = 3
"""Earlier bookings that are read, until one is still there: the contact's list does not tell of deleted ones."""


async def served_before(context: ActionContext, within: timedelta | None) -> Named | str:
    """Who had the contact's latest booking before this one, or why there is nobody. Raises HighLevelError."""
    booking = context.booking
    if not booking.contact_id:
        return "the booking has no contact"
    try:
        listed = (await context.api(ListContactAppointments(contact_id=booking.contact_id))).events
    except NotFound:
        return "HighLevel does not know the contact any more"
    since = booking.starts - within if within else None
    earlier = [
        (starts, each.id)
        for each in listed
        if each.id != booking.id
        and each.assigned_user_id
        and each.appointment_status not in TAKES_NO_TIME
        and (starts := each.start_time.at(context.zone)) < booking.starts
        and (since is None or since <= starts)
    ]
    for _, appointment_id in sorted(earlier, reverse=True)[:LOOKS]:
        try:
            before = Booking.of((await context.api(GetAppointment(event_id=appointment_id))).appointment)
        except NotFound:
            continue
        if before.assignee and not before.deleted and before.status not in TAKES_NO_TIME:
            return context.names.person_with(before.assignee)
    return "nobody before"


async def owner(context: ActionContext) -> Named | str:
    """Who owns the contact, or why there is nobody. Raises HighLevelError."""
    contact = await contact_now(context)
    if isinstance(contact, LeftAlone):
        return contact.reason
    return context.names.person_with(contact.assigned_to) if contact.assigned_to else "nobody owns the contact"
