"""Calendars, their free slots, and the location they belong to, in the sandbox."""

from typing import Any
from zoneinfo import ZoneInfo

from service.availability.intervals import Interval
from service.availability.slots import hidden
from service.highlevel.calendars import Calendar, GetCalendar, ListCalendars
from service.highlevel.free_slots import FreeSlots
from service.highlevel.locations import GetLocation
from service.sandbox import refusals
from service.sandbox.answers import shown
from service.sandbox.appointments import here, known_calendar
from service.sandbox.moments import from_milliseconds
from service.sandbox.offers import Offers
from service.sandbox.outcome import Handler, Outcome
from service.sandbox.records import Location
from service.sandbox.world import World


def answer(world: World, location: Location, operation: GetCalendar) -> Outcome:
    return Outcome({"calendar": _alone(known_calendar(world, location, operation.calendar_id))})


def list_calendars(world: World, location: Location, operation: ListCalendars) -> Outcome:
    here(location, operation.location_id)
    return Outcome({"calendars": [_as_listed(calendar) for calendar in world.calendars.of(location.id)]})


def free_slots(world: World, location: Location, operation: FreeSlots) -> Outcome:
    """By day of the zone asked for, else of the location; a day without slots is missing."""
    calendar = known_calendar(world, location, operation.calendar_id)
    asked = None if operation.user_id is None and operation.user_ids is None else _asked_people(operation)
    if not set(asked or ()) <= set(calendar.team):
        raise refusals.not_on_the_team()
    zone = location.timezone if operation.timezone is None else _zone(operation.timezone)
    window = Interval(from_milliseconds(operation.start_date), from_milliseconds(operation.end_date))
    found = Offers(world, location, calendar).between(window, people=asked)
    if calendar.look_busy_config is not None and calendar.look_busy_config.enabled:
        found = hidden(found, calendar.look_busy_config.look_busy_percentage, calendar.id, location.timezone)
    days: dict[str, Any] = {}
    for offer in found:
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


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise refusals.unprocessable("timezone must be a valid IANA time zone") from error


def _as_listed(calendar: Calendar) -> dict[str, Any]:
    """As in a list: what is unset is left out, but for what a recorded answer shows all the same."""
    settings = shown(calendar)
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


def _alone(calendar: Calendar) -> dict[str, Any]:
    """By itself, where some more is shown though it is unset (a recorded answer)."""
    unset = {"notifications": [], "teamMembers": [], "slotBuffer": 0, "guestType": "collect_detail", "preBuffer": 0}
    return {**unset, **_as_listed(calendar)}
