"""Service bookings in the sandbox: book, change, read, list, delete."""

from datetime import datetime
from typing import Any

from service.availability.intervals import Interval
from service.highlevel.appointments import CreatedBy
from service.highlevel.service_bookings import (
    CreateServiceBooking,
    DeleteServiceBooking,
    EditServiceBooking,
    GetServiceBooking,
    ListServiceBookings,
    ServiceBooking,
)
from service.highlevel.service_locations import ServiceLocation
from service.sandbox import refusals
from service.sandbox.api.appointments import asked_window, here
from service.sandbox.api.service_booking_answers import (
    as_shown,
    changes,
    end_of,
    named,
    remarks,
    with_whom,
    zone_of,
)
from service.sandbox.api.service_locations import known_place
from service.sandbox.api.service_times import ServiceTimes
from service.sandbox.api.services import known_service
from service.sandbox.booking.checks import asked_times
from service.sandbox.outcome import Handler, Outcome, ServiceBookingChanged
from service.sandbox.world.diary import touches
from service.sandbox.world.moments import MILLISECOND, instant
from service.sandbox.world.records import Location
from service.sandbox.world.world import World
from service.sandbox.zones import known_zone

IGNORED = "Meeting location is not supported for the selected service location and has been ignored."
"""The one message of HighLevel's that is known (specification)."""


def create(world: World, location: Location, operation: CreateServiceBooking) -> Outcome:
    here(location, operation.location_id)
    zone = known_zone(operation.timezone)
    contact = world.contact(location, operation.contact_id)
    if contact is None:
        raise refusals.bad_request("The contact id is not valid.")
    place = _place(world, location, operation.service_location_id)
    asked = asked_times(operation.start_time, operation.end_time)
    _require_ahead(world, asked.starts, operation)
    times = ServiceTimes(world, location, unchecked=bool(operation.override_availability))
    services = times.laid(operation.services, asked.starts)
    names = " + ".join(known_service(world, location, service.id).name for service in services)
    now = world.now()
    booking = ServiceBooking(
        booking_id=world.new_id(),
        location_id=location.id,
        contact_id=contact.id,
        service_location_id=place.id,
        title=operation.title or (f"{contact.name} - {names}" if contact.name else names),
        start_time=asked.starts,
        end_time=asked.ends,
        services=services,
        timezone=operation.timezone,
        status=operation.status or "confirmed",
        deleted=False,
        date_added=now,
        date_updated=now,
        created_by=CreatedBy(source="third_party"),
    )
    messages = remarks(booking, zone)
    if place.location_type == "ask_booker":
        booking = _at(booking, operation.meeting_location)
    elif operation.meeting_location:
        messages.append(IGNORED)
    return _written(world, location, booking, messages, f"booked{with_whom(world, location, booking)}")


def edit(world: World, location: Location, operation: EditServiceBooking) -> Outcome:
    """A status, a title or a place by itself is checked against nobody's time."""
    before = _known(world, location, operation.booking_id)
    if before.deleted:
        raise refusals.bad_request("The service booking has been deleted.")
    if operation.services is not None and not operation.services:
        raise refusals.unprocessable("services should not be empty")
    if operation.timezone is not None:
        known_zone(operation.timezone)
    after = before.model_copy(
        update={
            **{name: value for name in ("title", "status", "timezone") if (value := getattr(operation, name))},
            "date_updated": max(world.now(), (before.date_updated or world.now()) + MILLISECOND),
        }
    )
    messages: list[str] = []
    if operation.services is not None or operation.start_time is not None or operation.end_time is not None:
        after = after.model_copy(update=_timed(world, location, before, operation))
        messages += remarks(after, zone_of(after, location))
    if operation.service_location_id is not None or operation.meeting_location is not None:
        place = _place(world, location, operation.service_location_id or before.service_location_id)
        after = after.model_copy(update={"service_location_id": place.id})
        if place.location_type == "ask_booker":
            after = _at(after, operation.meeting_location or before.meeting_location)
        else:
            after = after.model_copy(update={"meeting_location": None})
            messages += [IGNORED] if operation.meeting_location else []
    return _written(world, location, after, messages, changes(world, location, before, after))


def answer(world: World, location: Location, operation: GetServiceBooking) -> Outcome:
    """Deleted ones too, as with appointments."""
    return Outcome(as_shown(_known(world, location, operation.booking_id), location))


def list_bookings(world: World, location: Location, operation: ListServiceBookings) -> Outcome:
    """By overlap with the window, in the zone asked for, else each in its own; without those that are deleted."""
    here(location, operation.location_id)
    window = asked_window(operation.start_time, operation.end_time)
    zone = None if operation.timezone is None else known_zone(operation.timezone)
    wanted = [
        booking
        for booking in world.service_bookings.of(location.id)
        if not booking.deleted
        and operation.service_location_id in (None, booking.service_location_id)
        and touches(Interval(booking.start_time, booking.end_time), window)
    ]
    wanted.sort(key=lambda booking: (booking.start_time, booking.end_time, booking.booking_id))
    return Outcome({"bookings": [as_shown(booking, location, zone) for booking in wanted]})


def delete(world: World, location: Location, operation: DeleteServiceBooking) -> Outcome:
    """Softly: it can still be read."""
    before = _known(world, location, operation.booking_id)
    done = {"success": True, "message": "Service booking deleted successfully"}
    if before.deleted:
        return Outcome(done)
    after = before.model_copy(update={"deleted": True})
    world.service_bookings.put(location.id, after.booking_id, after)
    return Outcome(done, told=f"{named(before, location)}: deleted", about=after.booking_id)


HANDLERS: dict[type[Any], Handler] = {
    CreateServiceBooking: create,
    EditServiceBooking: edit,
    GetServiceBooking: answer,
    ListServiceBookings: list_bookings,
    DeleteServiceBooking: delete,
}


def _known(world: World, location: Location, booking_id: str) -> ServiceBooking:
    """Deleted ones too."""
    booking = world.service_bookings.find(location.id, booking_id)
    if booking is None:
        raise refusals.not_found("The service booking is not found.")
    return booking


def _place(world: World, location: Location, place_id: str | None) -> ServiceLocation:
    """The one named, or the first that is active."""
    if place_id:
        return known_place(world, location, place_id)
    for place in world.service_locations.of(location.id):
        if place.is_active:
            return place
    raise refusals.bad_request("There is no active service location.")


def _at(booking: ServiceBooking, meeting_location: str | None) -> ServiceBooking:
    if not meeting_location:
        raise refusals.unprocessable("meetingLocation is required for this service location")
    return booking.model_copy(update={"meeting_location": meeting_location})


def _require_ahead(world: World, start: datetime, operation: CreateServiceBooking | EditServiceBooking) -> None:
    if start < world.now() and not (operation.skip_scheduling_notice or operation.override_availability):
        raise refusals.slot_taken()


def _timed(world: World, location: Location, before: ServiceBooking, operation: EditServiceBooking) -> dict[str, Any]:
    """When it is and who does what then. New services are laid anew; without them all moves with the start."""
    start = before.start_time if operation.start_time is None else instant(operation.start_time)
    by = start - before.start_time
    if by or operation.services is not None:
        _require_ahead(world, start, operation)
    times = ServiceTimes(world, location, but=before.booking_id, unchecked=bool(operation.override_availability))
    if operation.services is not None:
        services = times.laid(operation.services, start)
        end = end_of(services) or start
    else:
        services = times.moved(before.services, by) if by else before.services
        end = before.end_time + by
    if operation.end_time is not None:
        end = asked_times(start.isoformat(), operation.end_time).ends
    return {"services": services, "start_time": start, "end_time": end}


def _written(world: World, location: Location, booking: ServiceBooking, messages: list[str], what: str) -> Outcome:
    # Shown before it is kept: a time that its zone has no date for is refused.
    body = {**as_shown(booking, location), "messages": messages}
    world.service_bookings.put(location.id, booking.booking_id, booking)
    told = f"{named(booking, location)}: {what}"
    return Outcome(body, (ServiceBookingChanged(booking),), told, booking.booking_id)
