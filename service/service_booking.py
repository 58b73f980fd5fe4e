"""A service booking as a booking: what rules ask about of either stands in the same place; and what it is news of.

None of Services v2 was ever recorded; fields and statuses are those of the specification.
"""

from datetime import datetime

from service.highlevel.service_bookings import ServiceBooking
from service.trigger import Booking, Trigger, differences

STATUSES = {"no_show": "noshow"}
"""HighLevel's words here that are others on appointments."""


def booking_of(read: ServiceBooking) -> Booking:
    """One that was read from the API. It has no calendar. Who does it is each service's; told is who does the first."""
    staff = (service.service_staff_id for service in read.services if service.service_staff_id)
    status = read.status or ""
    return Booking(
        kind="service",
        id=read.booking_id,
        location_id=read.location_id,
        calendar_id="",
        contact_id=read.contact_id,
        title=read.title or "",
        address=read.meeting_location or "",
        source=read.created_by.source if read.created_by else None,
        status=STATUSES.get(status, status),
        assignee=next(staff, None),
        starts=read.start_time,
        ends=read.end_time,
        added=read.date_added,
        updated=read.date_updated,
        deleted=read.deleted,
        services=tuple(dict.fromkeys(service.id for service in read.services)),
        add_ons=tuple(dict.fromkeys(one.id for service in read.services for one in service.service_add_ons)),
    )


def service_triggers(was: Booking | None, now: Booking, *, connected: datetime) -> frozenset[Trigger]:
    """Everything that `now` is news of; `was` is None where no service booking of that id was seen.

    To be deleted is to be cancelled too: there is no other word for it. `connected` as in `triggers`.
    """
    found = set[Trigger]()
    if was is None:
        ours = now.added is not None and now.added >= connected and not now.deleted
        found.add(Trigger.SERVICE_BOOKING_CREATED if ours else Trigger.SERVICE_BOOKING_UPDATED)
    elif differences(was, now):
        found.add(Trigger.SERVICE_BOOKING_UPDATED)
    if _cancelled(now) and not (was and _cancelled(was)):
        found.add(Trigger.SERVICE_BOOKING_CANCELLED)
    return frozenset(found)


def _cancelled(booking: Booking) -> bool:
    return booking.deleted or booking.status == "cancelled"
