"""Appointments in the sandbox: book, change, read, list, delete."""

from datetime import datetime, timedelta
from typing import Any

from service.availability.intervals import Interval
from service.highlevel.appointments import CreateAppointment, DeleteEvent, EditAppointment, GetAppointment, ListEvents
from service.sandbox import refusals
from service.sandbox.agenda import Subject
from service.sandbox.appointment_answers import listed, read, written
from service.sandbox.moments import MILLISECOND, from_milliseconds, instant
from service.sandbox.offers import Offer, offer_at
from service.sandbox.outcome import Announcement, Handler, Outcome
from service.sandbox.records import Appointment, Calendar, Location
from service.sandbox.world import World


def create(world: World, location: Location, operation: CreateAppointment) -> Outcome:
    here(location, operation.location_id)
    calendar = known_calendar(world, location, operation.calendar_id)
    contact = world.contact(location, operation.contact_id)
    if contact is None:
        raise refusals.bad_request("The contact id is not valid.")
    interval = _asked_interval(calendar, operation.start_time, operation.end_time)
    assignee = operation.assigned_user_id or None
    if assignee is not None and assignee not in calendar.team:
        raise refusals.not_on_the_team()
    if not operation.ignore_free_slot_validation:
        offer = _offered(
            world, location, calendar, interval, person=assignee, past=bool(operation.ignore_date_range), but=None
        )
        assignee = assignee or _next_in_turn(world, calendar, offer)
    elif calendar.team and assignee is None:
        # Without a check of the slots HighLevel does not choose either (its own issue tracker, number 23).
        raise refusals.bad_request("assignedUserId is required when ignoreFreeSlotValidation is set.")
    now = world.now()
    appointment = Appointment(
        id=world.new_id(),
        calendar_id=calendar.id,
        location_id=location.id,
        contact_id=contact.id,
        group_id=calendar.group_id,
        title=operation.title or calendar.event_title.replace("{{contact.name}}", contact.name) or calendar.name,
        appointment_status=_stored(operation.appointment_status)
        if operation.appointment_status
        else ("confirmed" if calendar.auto_confirm else "new"),
        assigned_user_id=assignee,
        address=operation.address or "",
        description=operation.description or "",
        start_time=interval.starts,
        end_time=interval.ends,
        date_added=now,
        date_updated=now,
    )
    world.keep(appointment)
    return Outcome(written(appointment), (Announcement("AppointmentCreate", appointment),))


def edit(world: World, location: Location, operation: EditAppointment) -> Outcome:
    before = _known(world, location, operation.event_id)
    if before.deleted:
        raise refusals.bad_request("The appointment has been deleted.")
    calendar_id = operation.calendar_id or before.calendar_id
    # A placed appointment may be of a calendar that nobody declared: then there is no team and no slot to check.
    calendar = world.calendar(location, calendar_id)
    if calendar is None and operation.calendar_id:
        raise refusals.not_found("The calendar is not found.")
    assignee = operation.assigned_user_id or before.assigned_user_id
    asked = operation.assigned_user_id or (operation.calendar_id and before.assigned_user_id)
    if calendar is not None and asked and asked not in calendar.team:
        raise refusals.not_on_the_team()
    interval = _moved_interval(before, calendar, operation)
    moves = interval != before.interval or calendar_id != before.calendar_id
    if moves and not operation.ignore_free_slot_validation:
        if calendar is None:
            raise refusals.slot_taken()
        past = bool(operation.ignore_date_range)
        _offered(world, location, calendar, interval, person=assignee, past=past, but=before.id)
    changes = {
        "calendar_id": calendar_id,
        "group_id": calendar.group_id if calendar is not None else before.group_id,
        "appointment_status": _stored(operation.appointment_status),
        "assigned_user_id": assignee,
        "start_time": interval.starts,
        "end_time": interval.ends,
        "title": before.title if operation.title is None else operation.title,
        "address": before.address if operation.address is None else operation.address,
        "description": before.description if operation.description is None else operation.description,
        "date_updated": _next_moment(world, before),
    }
    after = before.model_copy(update=changes)
    world.keep(after)
    return Outcome(written(after), (Announcement("AppointmentUpdate", after),))


def answer(world: World, location: Location, operation: GetAppointment) -> Outcome:
    return Outcome({"appointment": read(_known(world, location, operation.event_id), location)})


def list_events(world: World, location: Location, operation: ListEvents) -> Outcome:
    """By overlap with the window; deleted ones are among them, blocks are not."""
    here(location, operation.location_id)
    window = asked_window(operation.start_time, operation.end_time)
    wanted = [
        appointment
        for appointment in world.appointments(_subject(operation), window)
        if appointment.location_id == location.id
        and operation.user_id in (None, appointment.assigned_user_id)
        and operation.calendar_id in (None, appointment.calendar_id)
        and operation.group_id in (None, appointment.group_id)
    ]
    wanted.sort(key=lambda appointment: (appointment.interval, appointment.id))
    return Outcome({"events": [listed(appointment, location) for appointment in wanted]})


def delete(world: World, location: Location, operation: DeleteEvent) -> Outcome:
    """Softly: the appointment keeps its status and its dateUpdated (a recorded answer); a block is gone."""
    if world.block(location, operation.event_id) is not None:
        world.remove_block(operation.event_id)
        return Outcome({"succeeded": True})
    before = _known(world, location, operation.event_id)
    if before.deleted:
        return Outcome({"succeeded": True})
    after = before.model_copy(update={"deleted": True})
    world.keep(after)
    return Outcome({"succeeded": True}, (Announcement("AppointmentDelete", after),))


HANDLERS: dict[type[Any], Handler] = {
    CreateAppointment: create,
    EditAppointment: edit,
    GetAppointment: answer,
    ListEvents: list_events,
    DeleteEvent: delete,
}


def here(location: Location, location_id: str) -> None:
    """A token speaks for its own location only."""
    if location_id != location.id:
        raise refusals.other_location()


def known_calendar(world: World, location: Location, calendar_id: str) -> Calendar:
    calendar = world.calendar(location, calendar_id)
    if calendar is None:
        raise refusals.not_found("The calendar is not found.")
    return calendar


def asked_window(start_milliseconds: int, end_milliseconds: int) -> Interval:
    if end_milliseconds < start_milliseconds:
        raise refusals.unprocessable("endTime must not be before startTime")
    return Interval(from_milliseconds(start_milliseconds), from_milliseconds(end_milliseconds))


def asked_times(start: str, end: str) -> Interval:
    starts, ends = instant(start), instant(end)
    if ends <= starts:
        raise refusals.unprocessable("endTime must be after startTime")
    return Interval(starts, ends)


def _known(world: World, location: Location, appointment_id: str) -> Appointment:
    appointment = world.appointment(location, appointment_id)
    if appointment is None:
        raise refusals.not_found("The appointment is not found.")
    return appointment


def _subject(operation: ListEvents) -> Subject:
    if operation.calendar_id is not None:
        return "calendar", operation.calendar_id
    if operation.user_id is not None:
        return "person", operation.user_id
    return "group", operation.group_id or ""


def _asked_interval(calendar: Calendar, start: str, end: str | None) -> Interval:
    """Without an end the calendar's duration applies."""
    if end is not None:
        return asked_times(start, end)
    starts = instant(start)
    return Interval(starts, starts + timedelta(minutes=calendar.slot_minutes))


def _moved_interval(before: Appointment, calendar: Calendar | None, operation: EditAppointment) -> Interval:
    if operation.start_time is not None and operation.end_time is None and calendar is not None:
        return _asked_interval(calendar, operation.start_time, None)
    if operation.start_time is None and operation.end_time is None:
        return before.interval
    start = operation.start_time or before.start_time.isoformat()
    length = before.end_time - before.start_time
    return asked_times(start, operation.end_time or (instant(start) + length).isoformat())


def _offered(
    world: World,
    location: Location,
    calendar: Calendar,
    interval: Interval,
    *,
    person: str | None,
    past: bool,
    but: str | None,
) -> Offer:
    """The slot of exactly this time, or the refusal HighLevel has for it."""
    if interval.ends - interval.starts != timedelta(minutes=calendar.slot_minutes):
        raise refusals.wrong_duration()
    offer = offer_at(world, location, calendar, interval.starts, person=person, but=but, past=past)
    if offer is None:
        raise refusals.slot_taken()
    return offer


def _next_in_turn(world: World, calendar: Calendar, offer: Offer) -> str | None:
    """Who of the free has the fewest bookings on this calendar; among equals the first of the team."""
    return min(offer.people, key=lambda person: world.bookings(calendar, person), default=None)


def _stored(status: str) -> str:
    """`completed` is kept as `showed` (reference, section 10)."""
    return "showed" if status == "completed" else status


def _next_moment(world: World, before: Appointment) -> datetime:
    """Now, yet always later than the last change: dateUpdated is the only mark of one."""
    return max(world.now(), before.date_updated + MILLISECOND)
