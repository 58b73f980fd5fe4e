"""Calendars in the sandbox: set up, change, delete."""

from collections.abc import Iterable
from typing import Any

from service.highlevel.calendar_settings import CreateCalendar, EditCalendar
from service.highlevel.calendars import Calendar, DeleteCalendar
from service.sandbox import refusals
from service.sandbox.api.answers import said, shown
from service.sandbox.api.appointments import here, known_calendar
from service.sandbox.api.calendar_answers import gone, written
from service.sandbox.booking.calendar_rules import check, check_hours
from service.sandbox.outcome import Handler, Outcome
from service.sandbox.world.moments import stamp_text
from service.sandbox.world.records import Location
from service.sandbox.world.world import World

Said = dict[str, Any]
"""JSON values by the wire's names."""

ARE_NONE_WHEN_EMPTY = ("groupId", "slug", "widgetSlug")


def create(world: World, location: Location, operation: CreateCalendar) -> Outcome:
    here(location, operation.location_id)
    asked = _asked(said(operation), of=())
    kind = operation.calendar_type or "round_robin"  # without a team, too: HighLevel wants nothing but a name
    made: Said = {
        "channel": "OAUTH",
        "source": "INTEGRATION",
        "timestamp": stamp_text(world.now()),
        "traceId": world.new_uuid(),
    }
    calendar: Said = {
        "id": world.new_id(),
        "isActive": True,
        **_settings(asked),
        "calendarType": kind,
        "createdBy": made,
        "version": 1,
    }
    if kind == "round_robin":
        calendar.setdefault("eventType", "RoundRobin_OptimizeForAvailability")
    check(world, location, calendar, asked)
    calendar["availabilities"] = _days(world, [], asked.get("availabilities") or [])
    check_hours(calendar, asked)
    return _kept(world, location, calendar, f"Calendar {operation.name} set up")


def edit(world: World, location: Location, operation: EditCalendar) -> Outcome:
    """What is said takes the place of what was; null takes a setting back, and single dates go by their ids."""
    before = known_calendar(world, location, operation.calendar_id)
    asked = _asked(said(operation, "calendar_id"), of=before.team)
    kept = shown(before)
    calendar = _settings({**kept, **asked}) | {"version": kept.get("version", 1) + 1}
    check(world, location, calendar, asked)
    days = kept.get("availabilities") or []
    if "availabilities" in asked:
        days = _days(world, days, asked["availabilities"] or [])
    calendar["availabilities"] = days
    check_hours(calendar, asked)
    if calendar.get("groupId") != before.group_id:
        regroup(world, location, before.id, calendar.get("groupId"))
    changes = ", ".join(name for name in asked if asked[name] != kept.get(name)) or "written again as it was"
    return _kept(world, location, calendar, f"Calendar {before.name}: {changes}")


def delete(world: World, location: Location, operation: DeleteCalendar) -> Outcome:
    """Its appointments stay; who knew it knows it no more."""
    calendar = known_calendar(world, location, operation.calendar_id)
    world.calendars.remove(location.id, calendar.id)
    world.event_schedules.remove(location.id, calendar.id)
    for notification in world.notifications.of(calendar.id):
        world.notifications.remove(calendar.id, notification.id or "")
    for schedule in world.schedules.of(location.id):
        if calendar.id in schedule.calendar_ids:
            others = _without(calendar.id, schedule.calendar_ids)
            world.schedules.put(location.id, schedule.id, schedule.model_copy(update={"calendar_ids": others}))
    for resource in world.resources.of(location.id):
        if calendar.id in (resource.calendar_ids or ()):
            others = _without(calendar.id, resource.calendar_ids or ())
            world.resources.put(location.id, resource.id or "", resource.model_copy(update={"calendar_ids": others}))
    last = gone(calendar, trace_id=world.new_uuid(), timestamp=stamp_text(world.now()))
    return Outcome({"message": "calendar deleted", "calendar": last}, told=f"Calendar {calendar.name} deleted")


HANDLERS: dict[type[Any], Handler] = {CreateCalendar: create, EditCalendar: edit, DeleteCalendar: delete}


def regroup(world: World, location: Location, calendar_id: str, group_id: str | None) -> None:
    """Its appointments are of the group that it is in now; that changes nothing else of them."""
    for appointment in world.diary.appointments.of(location.id):
        if appointment.calendar_id == calendar_id and appointment.group_id != group_id:
            world.diary.keep(appointment.changed(group_id=group_id))


def _kept(world: World, location: Location, settings: Said, told: str) -> Outcome:
    if not settings["availabilities"]:
        del settings["availabilities"]
    calendar = Calendar.model_validate(settings)
    world.calendars.put(location.id, calendar.id, calendar)
    return Outcome({"calendar": written(calendar)}, told=told)


def _asked(asked: Said, *, of: tuple[str, ...]) -> Said:
    """Without what says nothing: no name, and no team for a calendar that has none anyway."""
    nothing = {"name"} if asked.get("name", "") is None else set()
    if not (of or asked.get("teamMembers")):
        nothing.add("teamMembers")
    return {name: value for name, value in asked.items() if name not in nothing}


def _settings(asked: Said) -> Said:
    """Without what is null or says of an id that there is none; places with ids to choose them by."""
    settings = {
        name: value
        for name, value in asked.items()
        if value is not None and not (name in ARE_NONE_WHEN_EMPTY and value == "")
    }
    if settings.get("name") == "":
        raise refusals.unprocessable("name should not be empty")
    if "locationConfigurations" in settings:
        settings["locationConfigurations"] = _places(settings["locationConfigurations"])
    if "teamMembers" in settings:
        settings["teamMembers"] = [_member(member) for member in settings["teamMembers"]]
    return settings


def _member(asked: Said) -> Said:
    member = {"priority": 0.5} | {name: value for name, value in asked.items() if value is not None}
    if "locationConfigurations" in member:
        member["locationConfigurations"] = _places(member["locationConfigurations"])
    return member


def _places(asked: Iterable[Said]) -> list[Said]:
    """An appointment names one of them by its `meetingId` (a recorded answer has `custom_0`)."""
    return [
        {
            **{name: value for name, value in place.items() if value is not None},
            "position": position,
            "meetingId": f"{place['kind']}_{position}",
        }
        for position, place in enumerate(asked)
    ]


def _days(world: World, before: Iterable[Said], asked: Iterable[Said]) -> list[Said]:
    """Single dates after a change: one with an id is changed or deleted, one without is added."""
    days = list(before)
    for position, day in enumerate(asked):
        at = len(days)
        if day.get("id") is not None:
            at = next((index for index, known in enumerate(days) if known.get("id") == day["id"]), -1)
            if at < 0:
                raise refusals.unprocessable(f"availabilities.{position}.id must be of one that the calendar has")
        now = [] if day.get("deleted") else [{**day, "id": day.get("id") or world.new_id(), "deleted": False}]
        days[at : at + 1] = now
    return days


def _without(calendar_id: str, calendar_ids: Iterable[str]) -> tuple[str, ...]:
    return tuple(each for each in calendar_ids if each != calendar_id)
