"""When the services of a booking are done, one after another, and by whom."""

import math
from collections.abc import Sequence
from datetime import datetime, timedelta

from service.availability.hours import hours_of_schedule
from service.availability.intervals import Interval, merged
from service.availability.slots import Person, is_free
from service.highlevel.service_bookings import BookedAddOn, BookedService, ServiceChoice
from service.highlevel.services import Service
from service.sandbox import refusals
from service.sandbox.api.services import category_of, known_service
from service.sandbox.booking.engagements import bookings, buffers, length
from service.sandbox.booking.offers import AROUND
from service.sandbox.world.records import Location
from service.sandbox.world.world import World

UNSAID = timedelta(minutes=30)
"""How long a service takes that says nothing of it."""
LONGEST = timedelta(days=31)
"""Nobody's hours last longer."""


class ServiceTimes:
    """As things stand now. `but` is a booking whose own time counts as free; `unchecked` takes anybody as free."""

    def __init__(self, world: World, location: Location, *, but: str | None = None, unchecked: bool = False) -> None:
        self._world = world
        self._location = location
        self._but = but
        self._unchecked = unchecked

    def laid(self, choices: Sequence[ServiceChoice], starts: datetime) -> tuple[BookedService, ...]:
        """By their positions, then those without one, in the order given. Raises Refusal."""
        booked = []
        for choice in sorted(choices, key=lambda choice: math.inf if choice.position is None else choice.position):
            service = known_service(self._world, self._location, choice.id)
            interval = Interval(starts, starts + _length(service, choice))
            booked.append(self._booked(service, choice, interval))
            starts = interval.ends
        return tuple(booked)

    def moved(self, booked: Sequence[BookedService], by: timedelta) -> tuple[BookedService, ...]:
        """The same, each with whom it is, at another time. Raises Refusal."""
        after = []
        for each in booked:
            if each.service_start_time is not None and each.service_end_time is not None:
                interval = Interval(each.service_start_time + by, each.service_end_time + by)
                service = self._world.services.find(self._location.id, each.id)
                if each.service_staff_id and not self._is_free(each.service_staff_id, service, interval):
                    raise refusals.slot_taken()
                times = {"service_start_time": interval.starts, "service_end_time": interval.ends}
                each = each.model_copy(update=times)
            after.append(each)
        return tuple(after)

    def _booked(self, service: Service, choice: ServiceChoice, interval: Interval) -> BookedService:
        return BookedService(
            id=service.id,
            service_category_id=category_of(service, self._location),
            service_staff_id=self._staff(service, choice.staff_id, interval),
            service_start_time=interval.starts,
            service_end_time=interval.ends,
            service_resources=(),
            service_add_ons=tuple(
                BookedAddOn(id=add_on.id, quantity=1 if add_on.quantity is None else add_on.quantity)
                for add_on in choice.add_ons or ()
            ),
        )

    def _staff(self, service: Service, named: str | None, interval: Interval) -> str:
        """Who was named, or the first of those who do the service and are free."""
        people = [member.id for member in service.staff]
        if named:
            if named not in people:
                raise refusals.bad_request("The staff member does not do this service.")
            people = [named]
        for person in people:
            if self._is_free(person, service, interval):
                return person
        raise refusals.slot_taken()

    def _is_free(self, person: str, service: Service | None, interval: Interval) -> bool:
        """On every calendar, with the buffers there and here, and within the hours of any schedule of theirs."""
        if self._unchecked:
            return True
        if not self._works(person, interval):
            return False
        before, after = buffers(service)
        extent = Interval(interval.starts - AROUND, interval.ends + AROUND)
        blocks = self._world.diary.blocks_of(("person", person), self._location.id, extent)
        taken = bookings(self._world, self._location, ("person", person), extent, but=self._but)
        asked = Person(person, (), taken, [block.interval for block in blocks])
        return is_free(asked, interval, before=before, after=after)

    def _works(self, person: str, interval: Interval) -> bool:
        schedules = [schedule for schedule in self._world.schedules.of(self._location.id) if schedule.user_id == person]
        if not schedules:
            return True
        if interval.ends - interval.starts > LONGEST:
            return False
        opened = merged(
            opening
            for schedule in schedules
            for opening in hours_of_schedule(schedule.rules, schedule.timezone).openings(interval)
        )
        return any(opening.contains(interval) for opening in opened)


def _length(service: Service, choice: ServiceChoice) -> timedelta:
    """With what is added to it."""
    added = sum(
        (
            length(add_on.duration, "mins") * max(1 if add_on.quantity is None else add_on.quantity, 0)
            for add_on in choice.add_ons or ()
        ),
        timedelta(),
    )
    return (length(service.service_duration, service.service_duration_unit) or UNSAID) + added
