"""Whose time service bookings take, and when."""

from collections.abc import Iterator
from datetime import timedelta

from service.availability.intervals import Interval
from service.availability.slots import Booking
from service.highlevel.services import Service
from service.sandbox.records import Location
from service.sandbox.world import World

FREEING = frozenset({"cancelled", "no_show", "invalid"})
"""A service booking of such a status takes nobody's time."""


def engagements(
    world: World, location: Location, extent: Interval, *, but: str | None = None
) -> Iterator[tuple[str, Booking]]:
    """Each person with each stretch that overlaps the extent; `but` is a booking that does not count."""
    for booking in world.service_bookings.of(location.id):
        if booking.deleted or booking.status in FREEING or booking.booking_id == but:
            continue
        for booked in booking.services:
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
