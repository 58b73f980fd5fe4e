"""Schedules of people in the sandbox."""

from typing import Any

from service.highlevel.schedules import (
    AddCalendarToSchedule,
    CreateSchedule,
    DeleteSchedule,
    EditSchedule,
    GetSchedule,
    RemoveCalendarFromSchedule,
    Schedule,
    SearchSchedules,
)
from service.sandbox import refusals
from service.sandbox.api.answers import filled, shown
from service.sandbox.api.appointments import here, known_calendar
from service.sandbox.booking.calendar_rules import check_rules
from service.sandbox.outcome import Handler, Outcome
from service.sandbox.world.moments import stamp_text
from service.sandbox.world.records import Location
from service.sandbox.world.world import World

PAGE = 50
"""So many a search lists where no limit is said (specification)."""


def search(world: World, location: Location, operation: SearchSchedules) -> Outcome:
    here(location, operation.location_id)
    wanted = [
        schedule
        for schedule in world.schedules.of(location.id)
        if schedule.user_id == operation.user_id
        and (operation.calendar_id is None or operation.calendar_id in schedule.calendar_ids)
    ]
    first = operation.skip or 0
    page = wanted[first : first + (operation.limit or PAGE)]
    return Outcome({"schedules": [_shown(schedule) for schedule in page]})


def create(world: World, location: Location, operation: CreateSchedule) -> Outcome:
    here(location, operation.location_id)
    check_rules(operation.rules)
    user = world.user(location, operation.user_id)
    if user is None:
        raise refusals.bad_request("The user id is not valid.")
    calendars = tuple(dict.fromkeys(operation.calendar_ids or ()))
    for calendar_id in calendars:
        _require_free(world, location, user.id, calendar_id)
    now = stamp_text(world.now())
    schedule = Schedule.model_validate(
        {
            "id": world.new_id(),
            "rules": [],
            **filled(operation),
            "calendarIds": calendars,
            "dateAdded": now,
            "dateUpdated": now,
            "deleted": False,
        }
    )
    world.schedules.put(location.id, schedule.id, schedule)
    return _written(world, location, schedule, "added")


def answer(world: World, location: Location, operation: GetSchedule) -> Outcome:
    return Outcome({"schedule": _shown(_known(world, location, operation.schedule_id))})


def edit(world: World, location: Location, operation: EditSchedule) -> Outcome:
    """`rules` replaces them all, which is our reading: it is not published."""
    before = _known(world, location, operation.schedule_id)
    check_rules(operation.rules)
    after = _changed(world, location, before, **filled(operation, "schedule_id"))
    return _written(world, location, after, "changed")


def delete(world: World, location: Location, operation: DeleteSchedule) -> Outcome:
    """For good (specification), but not while it holds for a calendar that there is (help pages)."""
    schedule = _known(world, location, operation.schedule_id)
    if any(world.calendar(location, calendar_id) for calendar_id in schedule.calendar_ids):
        raise refusals.bad_request("The schedule is active on a calendar and cannot be deleted.")
    world.schedules.remove(location.id, schedule.id)
    return _done(world, location, schedule, "deleted")


def add_calendar(world: World, location: Location, operation: AddCalendarToSchedule) -> Outcome:
    schedule = _known(world, location, operation.schedule_id)
    calendar_id = known_calendar(world, location, operation.calendar_id).id
    if calendar_id in schedule.calendar_ids:
        return Outcome({"success": True})
    _require_free(world, location, schedule.user_id or "", calendar_id)
    after = _changed(world, location, schedule, calendarIds=[*schedule.calendar_ids, calendar_id])
    return _done(world, location, after, f"holds for {_calendar(world, location, calendar_id)} now")


def remove_calendar(world: World, location: Location, operation: RemoveCalendarFromSchedule) -> Outcome:
    schedule = _known(world, location, operation.schedule_id)
    if operation.calendar_id not in schedule.calendar_ids:
        raise refusals.not_found("The calendar is not found.")
    left = [calendar_id for calendar_id in schedule.calendar_ids if calendar_id != operation.calendar_id]
    after = _changed(world, location, schedule, calendarIds=left)
    return _done(world, location, after, f"holds no longer for {_calendar(world, location, operation.calendar_id)}")


HANDLERS: dict[type[Any], Handler] = {
    SearchSchedules: search,
    CreateSchedule: create,
    GetSchedule: answer,
    EditSchedule: edit,
    DeleteSchedule: delete,
    AddCalendarToSchedule: add_calendar,
    RemoveCalendarFromSchedule: remove_calendar,
}


def _known(world: World, location: Location, schedule_id: str) -> Schedule:
    schedule = world.schedules.find(location.id, schedule_id)
    if schedule is None:
        raise refusals.not_found("The schedule is not found.")
    return schedule


def _require_free(world: World, location: Location, user_id: str, calendar_id: str) -> None:
    """Of a calendar whose team the user is on, and for which they have no schedule yet (help pages: one a user and
    calendar)."""
    if user_id not in known_calendar(world, location, calendar_id).team:
        raise refusals.not_on_the_team()
    for schedule in world.schedules.of(location.id):
        if schedule.user_id == user_id and calendar_id in schedule.calendar_ids:
            raise refusals.bad_request("The user has another schedule for this calendar.")


def _changed(world: World, location: Location, before: Schedule, **changes: Any) -> Schedule:
    after = Schedule.model_validate({**shown(before), **changes, "dateUpdated": stamp_text(world.now())})
    world.schedules.put(location.id, after.id, after)
    return after


def _written(world: World, location: Location, schedule: Schedule, what: str) -> Outcome:
    return Outcome({"schedule": _shown(schedule)}, told=_told(world, location, schedule, what))


def _done(world: World, location: Location, schedule: Schedule, what: str) -> Outcome:
    return Outcome({"success": True}, told=_told(world, location, schedule, what))


def _shown(schedule: Schedule) -> dict[str, Any]:
    return {"name": "", "rules": [], "calendarIds": [], "deleted": False, **shown(schedule)}


def _told(world: World, location: Location, schedule: Schedule, what: str) -> str:
    user = world.user(location, schedule.user_id or "")
    return f"Schedule {schedule.name!r} of {(user.name if user else None) or schedule.user_id}: {what}"


def _calendar(world: World, location: Location, calendar_id: str) -> str:
    calendar = world.calendar(location, calendar_id)
    return calendar.name if calendar else calendar_id
