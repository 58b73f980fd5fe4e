"""Service bookings as HighLevel shows them, and what was done to them as sentences for people."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from service.highlevel.service_bookings import BookedService, ServiceBooking
from service.sandbox.api.answers import shown
from service.sandbox.world.moments import local_text
from service.sandbox.world.records import Location
from service.sandbox.world.world import World
from service.sandbox.zones import known_zone


def zone_of(booking: ServiceBooking, location: Location) -> ZoneInfo:
    return known_zone(booking.timezone) if booking.timezone else location.timezone


def end_of(services: Sequence[BookedService]) -> datetime | None:
    return max((service.service_end_time for service in services if service.service_end_time), default=None)


def remarks(booking: ServiceBooking, zone: ZoneInfo) -> list[str]:
    """What HighLevel does with an end that is not that of the services is not published; we keep it, and say so."""
    end = end_of(booking.services)
    if end is None or end == booking.end_time:
        return []
    return [f"The services end at {local_text(end, zone)}; endTime has been kept as it was asked for."]


def as_shown(booking: ServiceBooking, location: Location, zone: ZoneInfo | None = None) -> dict[str, Any]:
    zone = zone or zone_of(booking, location)
    body = shown(
        booking,
        startTime=local_text(booking.start_time, zone),
        endTime=local_text(booking.end_time, zone),
        services=[_service(service, zone) for service in booking.services],
    )
    if booking.meeting_location is None:
        body.pop("meetingLocation", None)
    return body


def _service(service: BookedService, zone: ZoneInfo) -> dict[str, Any]:
    times = {"serviceStartTime": service.service_start_time, "serviceEndTime": service.service_end_time}
    return shown(service, **{name: local_text(moment, zone) for name, moment in times.items() if moment})


def named(booking: ServiceBooking, location: Location) -> str:
    return f"{booking.title} on {booking.start_time.astimezone(location.timezone):%a %d %b %H:%M}"


def with_whom(world: World, location: Location, booking: ServiceBooking) -> str:
    people = dict.fromkeys(service.service_staff_id for service in booking.services if service.service_staff_id)
    users = [(person, world.user(location, person)) for person in people]
    return f" with {' and '.join((user.name if user else '') or person for person, user in users)}"


def changes(world: World, location: Location, before: ServiceBooking, after: ServiceBooking) -> str:
    """Each thing that is another now."""
    things = []
    if (after.start_time, after.end_time) != (before.start_time, before.end_time):
        things.append(f"was on {before.start_time.astimezone(location.timezone):%a %d %b %H:%M}")
    if [service.id for service in after.services] != [service.id for service in before.services] or with_whom(
        world, location, after
    ) != with_whom(world, location, before):
        things.append(f"other services{with_whom(world, location, after)}")
    if after.status != before.status:
        things.append(f"set to {after.status}")
    return ", ".join(things) or "changed"
