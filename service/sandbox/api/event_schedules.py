"""Schedules of event calendars in the sandbox."""

from typing import Any

from service.highlevel.calendars import Calendar
from service.highlevel.event_calendar_schedules import (
    CreateEventCalendarSchedule,
    EditEventCalendarSchedule,
    EventCalendarSchedule,
    GetEventCalendarSchedule,
)
from service.sandbox import refusals
from service.sandbox.api.answers import filled, shown
from service.sandbox.api.appointments import known_calendar
from service.sandbox.booking.calendar_rules import check_rules
from service.sandbox.outcome import Handler, Outcome
from service.sandbox.world.moments import stamp_text
from service.sandbox.world.records import Location
from service.sandbox.world.world import World


def create(world: World, location: Location, operation: CreateEventCalendarSchedule) -> Outcome:
    calendar = _event_calendar(world, location, operation.calendar_id)
    if world.event_schedules.find(location.id, calendar.id) is not None:
        raise refusals.bad_request("The calendar has a schedule already.")
    check_rules(operation.rules)
    return _kept(world, location, calendar, {**filled(operation), "dateAdded": stamp_text(world.now())}, "added")


def answer(world: World, location: Location, operation: GetEventCalendarSchedule) -> Outcome:
    return Outcome({"schedule": shown(_known(world, location, operation.calendar_id))})


def edit(world: World, location: Location, operation: EditEventCalendarSchedule) -> Outcome:
    """`rules` replaces them all, which is our reading: it is not published."""
    calendar = _event_calendar(world, location, operation.calendar_id)
    before = _known(world, location, calendar.id)
    check_rules(operation.rules)
    return _kept(world, location, calendar, {**shown(before), **filled(operation)}, "changed")


HANDLERS: dict[type[Any], Handler] = {
    CreateEventCalendarSchedule: create,
    GetEventCalendarSchedule: answer,
    EditEventCalendarSchedule: edit,
}


def _event_calendar(world: World, location: Location, calendar_id: str) -> Calendar:
    calendar = known_calendar(world, location, calendar_id)
    if calendar.calendar_type != "event":
        raise refusals.not_an_event_calendar()
    return calendar


def _known(world: World, location: Location, calendar_id: str) -> EventCalendarSchedule:
    schedule = world.event_schedules.find(location.id, _event_calendar(world, location, calendar_id).id)
    if schedule is None:
        raise refusals.not_found("The schedule is not found.")
    return schedule


def _kept(world: World, location: Location, calendar: Calendar, fields: dict[str, Any], what: str) -> Outcome:
    schedule = EventCalendarSchedule.model_validate({**fields, "dateUpdated": stamp_text(world.now())})
    world.event_schedules.put(location.id, calendar.id, schedule)
    return Outcome({"schedule": shown(schedule)}, told=f"Schedule of {calendar.name}: {what}")
