"""What people and calendars have on: appointments and service bookings."""

from collections.abc import Iterator
from datetime import timedelta

from service.availability.intervals import Interval
from service.availability.slots import Booking, Terms
from service.highlevel.services import Service
from service.sandbox.world.agenda import Subject
from service.sandbox.world.records import Location
from service.sandbox.world.world import World

FREEING = frozenset({"cancelled", "no_show", "invalid"})
"""A service booking of such a status takes nobody's time."""


def bookings(
    world: World, location: Location, subject: Subject, extent: Interval, *, here: str = "", but: str | None = None
) -> list[Booking]:
    """What a person, or a calendar, has on in the extent: appointments on all calendars and service bookings, at this
    location. One id at two locations is two people.

    `here` is the calendar that is asked about; `but` is an appointment, a series or a service booking that does not
    count.
    """
    kind, name = subject
    buffers_of: dict[str, tuple[timedelta, timedelta]] = {}
    found = []
    for appointment in world.diary.appointments_of(subject, extent):
        if appointment.location_id != location.id:
            continue
        if appointment.takes_time and not appointment.is_or_belongs_to(but):
            calendar_id = appointment.calendar_id
            if calendar_id not in buffers_of:
                buffers_of[calendar_id] = _buffers_on(world, location, calendar_id)
            found.append(Booking(appointment.interval, *buffers_of[calendar_id], here=calendar_id == here))
    if kind == "person":
        found += [booking for _, booking in engagements(world, location, extent, but, person=name)]
    return found


def _buffers_on(world: World, location: Location, calendar_id: str) -> tuple[timedelta, timedelta]:
    calendar = world.calendars.find(location.id, calendar_id)
    terms = None if calendar is None else Terms.of(calendar)
    return (timedelta(), timedelta()) if terms is None else (terms.before, terms.after)


def engagements(
    world: World, location: Location, extent: Interval, but: str | None = None, *, person: str | None = None
) -> Iterator[tuple[str, Booking]]:
    """Whose time service bookings take, and when; everybody's, unless a person is named."""
    for booking in world.service_bookings.of(location.id):
        if booking.deleted or booking.status in FREEING or booking.booking_id == but:
            continue
        for booked in booking.services:
            if person not in (None, booked.service_staff_id):
                continue
            if not (booked.service_staff_id and booked.service_start_time and booked.service_end_time):
                continue
            taken = Interval(booked.service_start_time, booked.service_end_time)
            if taken.overlaps(extent):
                yield booked.service_staff_id, Booking(taken, *buffers(world.services.find(location.id, booked.id)))


def buffers(service: Service | None) -> tuple[timedelta, timedelta]:
    """To be kept free before and after."""
    if service is None:
        return timedelta(), timedelta()
    return length(service.pre_buffer, service.pre_buffer_unit), length(service.post_buffer, service.post_buffer_unit)


def length(amount: float | None, unit: str | None) -> timedelta:
    return max(timedelta(), timedelta(hours=amount or 0) if unit == "hours" else timedelta(minutes=amount or 0))
