"""Calendars, their free slots, and the location they belong to, in the sandbox."""

from typing import Any

from service.availability.intervals import Interval
from service.highlevel.calendars import GetCalendar, ListCalendars
from service.highlevel.free_slots import FreeSlots
from service.highlevel.locations import GetLocation
from service.sandbox import refusals
from service.sandbox.api.appointments import here, known_calendar
from service.sandbox.api.calendar_answers import listed, read
from service.sandbox.booking.offers import Offers
from service.sandbox.outcome import Handler, Outcome
from service.sandbox.world.moments import from_milliseconds
from service.sandbox.world.records import Location
from service.sandbox.world.world import World
from service.sandbox.zones import known_zone


def answer(world: World, location: Location, operation: GetCalendar) -> Outcome:
    return Outcome({"calendar": read(known_calendar(world, location, operation.calendar_id))})


def list_calendars(world: World, location: Location, operation: ListCalendars) -> Outcome:
    """A draft is a calendar that is not active."""
    here(location, operation.location_id)
    wanted = [
        calendar
        for calendar in world.calendars.of(location.id)
        if operation.group_id in (None, calendar.group_id)
        and (calendar.is_active or operation.show_drafted is not False)
    ]
    return Outcome({"calendars": [listed(calendar) for calendar in wanted]})


def free_slots(world: World, location: Location, operation: FreeSlots) -> Outcome:
    """By day of the zone asked for, else of the location; a day without slots is missing."""
    calendar = known_calendar(world, location, operation.calendar_id)
    asked = None if operation.user_id is None and operation.user_ids is None else _asked_people(operation)
    if not set(asked or ()) <= set(calendar.team):
        raise refusals.not_on_the_team()
    zone = location.timezone if operation.timezone is None else known_zone(operation.timezone)
    window = Interval(from_milliseconds(operation.start_date), from_milliseconds(operation.end_date))
    days: dict[str, Any] = {}
    for offer in Offers(world, location, calendar).shown(window, people=asked):
        start = offer.start.astimezone(zone).isoformat(timespec="seconds")
        days.setdefault(start[:10], {"slots": []})["slots"].append(start)
    return Outcome(days)


def answer_location(world: World, location: Location, operation: GetLocation) -> Outcome:
    here(location, operation.location_id)
    zone = location.timezone.key
    return Outcome(
        {"location": {"id": location.id, "companyId": world.company_id, "name": location.name, "timezone": zone}}
    )


HANDLERS: dict[type[Any], Handler] = {
    GetCalendar: answer,
    ListCalendars: list_calendars,
    FreeSlots: free_slots,
    GetLocation: answer_location,
}


def _asked_people(operation: FreeSlots) -> tuple[str, ...]:
    alone = () if operation.user_id is None else (operation.user_id,)
    return (*alone, *(operation.user_ids or ()))
