"""Calendars, their free slots, and the location they belong to, in the sandbox."""

from typing import Any
from zoneinfo import ZoneInfo

from service.availability.intervals import Interval
from service.highlevel.calendars import GetCalendar, ListCalendars
from service.highlevel.free_slots import FreeSlots
from service.highlevel.locations import GetLocation
from service.sandbox import refusals
from service.sandbox.appointments import here, known_calendar
from service.sandbox.moments import from_milliseconds, local_text
from service.sandbox.offers import offers
from service.sandbox.outcome import Handler, Outcome
from service.sandbox.records import Calendar, Location
from service.sandbox.world import World


def answer(world: World, location: Location, operation: GetCalendar) -> Outcome:
    calendar = known_calendar(world, location, operation.calendar_id)
    only_alone = {
        "notifications": [],
        "teamMembers": _team(calendar),
        "slotBuffer": 0,
        "guestType": "collect_detail",
        "preBuffer": 0,
    }
    return Outcome({"calendar": {**_shown(calendar, location), **only_alone}})


def list_calendars(world: World, location: Location, operation: ListCalendars) -> Outcome:
    here(location, operation.location_id)
    return Outcome({"calendars": [_shown(calendar, location) for calendar in location.calendars]})


def free_slots(world: World, location: Location, operation: FreeSlots) -> Outcome:
    """By day of the zone asked for, else of the location; a day without slots is missing."""
    calendar = known_calendar(world, location, operation.calendar_id)
    if operation.user_id is not None and operation.user_id not in calendar.team:
        raise refusals.not_on_the_team()
    zone = location.timezone if operation.timezone is None else _zone(operation.timezone)
    window = Interval(from_milliseconds(operation.start_date), from_milliseconds(operation.end_date))
    days: dict[str, Any] = {}
    for offer in offers(world, location, calendar, window, person=operation.user_id):
        day = offer.start.astimezone(zone).date().isoformat()
        days.setdefault(day, {"slots": []})["slots"].append(local_text(offer.start, zone))
    return Outcome(days)


def answer_location(world: World, location: Location, operation: GetLocation) -> Outcome:
    here(location, operation.location_id)
    return Outcome({"location": {"id": location.id, "name": location.name, "timezone": location.timezone.key}})


HANDLERS: dict[type[Any], Handler] = {
    GetCalendar: answer,
    ListCalendars: list_calendars,
    FreeSlots: free_slots,
    GetLocation: answer_location,
}


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise refusals.unprocessable("timezone must be a valid IANA time zone") from error


def _team(calendar: Calendar) -> list[dict[str, Any]]:
    return [{"userId": member, "priority": 0.5} for member in calendar.team]


def _open_hours(calendar: Calendar) -> list[dict[str, Any]] | dict[str, Any]:
    """Sunday is 0; an object, not a list, when there are none (a recorded answer)."""
    return [
        {
            "daysOfTheWeek": [(weekday + 1) % 7 for weekday in opening.weekdays],
            "hours": [
                {
                    "openHour": opening.opens // 60,
                    "openMinute": opening.opens % 60,
                    "closeHour": opening.closes // 60,
                    "closeMinute": opening.closes % 60,
                }
            ],
        }
        for opening in calendar.open_hours
    ] or {}


def _shown(calendar: Calendar, location: Location) -> dict[str, Any]:
    """As in a list, which leaves out what is unset (a recorded answer)."""
    shown: dict[str, Any] = {
        "id": calendar.id,
        "locationId": location.id,
        "name": calendar.name,
        "calendarType": calendar.type,
        "eventTitle": calendar.event_title,
        "eventColor": "#039BE5",
        "slotDuration": calendar.slot_minutes,
        "slotDurationUnit": "mins",
        "slotInterval": calendar.interval_minutes,
        "slotIntervalUnit": "mins",
        "slotBufferUnit": "mins",
        "appoinmentPerSlot": 1,
        "appointmentPerSlot": 1,
        "openHours": _open_hours(calendar),
        "enableRecurring": False,
        "autoConfirm": calendar.auto_confirm,
        "googleInvitationEmails": True,
        "allowReschedule": True,
        "allowCancellation": True,
        "formSubmitType": "ThankYouMessage",
        "availabilities": [],
        "preBufferUnit": "mins",
        "isActive": calendar.is_active,
    }
    if calendar.team:
        shown["teamMembers"] = _team(calendar)
    if calendar.type == "round_robin":
        shown["eventType"] = "RoundRobin_OptimizeForEqualDistribution"
    if calendar.group_id:
        shown["groupId"] = calendar.group_id
    return shown
