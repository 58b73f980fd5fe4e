"""Appointments in the sandbox: book, change, read, list, delete."""

from typing import Any

from service.availability.intervals import Interval
from service.highlevel.appointments import CreateAppointment, DeleteEvent, EditAppointment, GetAppointment, ListEvents
from service.highlevel.calendars import Calendar
from service.sandbox import refusals
from service.sandbox.api.appointment_answers import listed, read, written
from service.sandbox.api.sentences import block_removed, booked, changed, deleted
from service.sandbox.booking.checks import (
    asked_interval,
    moved_interval,
    next_moment,
    offered,
    people_on,
    stored_status,
)
from service.sandbox.booking.recurrence import lay, leave_out, planned, singles, with_rule
from service.sandbox.booking.series import same_rule
from service.sandbox.booking.titles import title_of
from service.sandbox.outcome import Announcement, ContactChanged, EventType, Handler, Outcome
from service.sandbox.world.agenda import Subject
from service.sandbox.world.moments import from_milliseconds
from service.sandbox.world.records import Appointment, Block, CreatedBy, Location
from service.sandbox.world.world import World

PLAIN = ("title", "address", "description", "meeting_location_type", "meeting_location_id")
"""Fields that are kept as they were said."""


def create(world: World, location: Location, operation: CreateAppointment) -> Outcome:
    return book(world, location, operation, CreatedBy())


def book(world: World, location: Location, operation: CreateAppointment, created_by: CreatedBy) -> Outcome:
    here(location, operation.location_id)
    calendar = known_calendar(world, location, operation.calendar_id)
    contact = world.contact(location, operation.contact_id)
    if contact is None:
        raise refusals.bad_request("The contact id is not valid.")
    interval = asked_interval(calendar, operation.start_time, operation.end_time)
    asked, offer = operation.assigned_user_id or None, None
    if asked is not None and asked not in calendar.team:
        raise refusals.not_on_the_team()
    if not operation.ignore_free_slot_validation:
        offer = offered(world, location, calendar, interval, operation, person=asked)
    elif calendar.team and asked is None:
        # Without a check of the slots HighLevel does not choose either (its own issue tracker, number 23).
        raise refusals.nobody_named()
    assignee, others = people_on(world, calendar, asked=asked, kept=None, offer=offer)
    now = world.now()
    appointment = Appointment(
        id=world.new_id(),
        calendar_id=calendar.id,
        location_id=location.id,
        contact_id=contact.id,
        group_id=calendar.group_id,
        title=operation.title
        or title_of(calendar, contact, world.user(location, assignee) if assignee else None)
        or calendar.name,
        appointment_status=stored_status(operation.appointment_status)
        if operation.appointment_status
        else ("confirmed" if calendar.auto_confirm else "new"),
        assigned_user_id=assignee,
        users=others,
        address=operation.address or "",
        description=operation.description or "",
        meeting_location_type="custom" if operation.address else operation.meeting_location_type,
        meeting_location_id=operation.meeting_location_id,
        is_recurring=operation.rrule is not None,
        rrule=operation.rrule,
        start_time=interval.starts,
        end_time=interval.ends,
        date_added=now,
        date_updated=now,
        created_by=created_by,
    )
    lay(world, location, appointment)
    told = booked(world, location, calendar, appointment)
    return _announced(
        "AppointmentCreate", appointment, operation.to_notify, told, *_owned(world, location, calendar, appointment)
    )


def edit(world: World, location: Location, operation: EditAppointment) -> Outcome:
    before = known_appointment(world, location, operation.event_id)
    if before.deleted:
        raise refusals.bad_request("The appointment has been deleted.")
    calendar_id = operation.calendar_id or before.calendar_id
    # A placed appointment may be of a calendar that nobody declared: then there is no team and no slot to check.
    calendar = world.calendar(location, calendar_id)
    if calendar is None and operation.calendar_id:
        raise refusals.not_found("The calendar is not found.")
    if calendar is not None and operation.assigned_user_id and operation.assigned_user_id not in calendar.team:
        raise refusals.not_on_the_team()
    interval = moved_interval(before, calendar, operation)
    moves = interval != before.interval or calendar_id != before.calendar_id
    if moves and calendar is None and not operation.ignore_free_slot_validation:
        raise refusals.slot_taken()
    assignee, others = _people_after(world, location, calendar, before, operation, interval)
    plain = {name: value for name in PLAIN if (value := getattr(operation, name)) is not None}
    if operation.address:
        plain["meeting_location_type"] = "custom"
    after = before.changed(
        **plain,
        calendar_id=calendar_id,
        group_id=calendar.group_id if calendar is not None else before.group_id,
        appointment_status=stored_status(operation.appointment_status),
        assigned_user_id=assignee,
        users=others,
        start_time=interval.starts,
        end_time=interval.ends,
        date_updated=next_moment(world.now(), before),
        apart=before.apart or (before.master_event_id is not None and moves),
    )
    rule = None if operation.rrule is None or same_rule(operation.rrule, before.rrule) else operation.rrule
    if before.master_event_id is None:
        after = with_rule(before, after, rule, location)
    if before.is_series or after.is_series:
        changes = planned(world, location, before, after, rule=rule)
        if calendar is not None and not operation.ignore_free_slot_validation:
            for single in changes.elsewhere:
                person = single.assigned_user_id
                offered(world, location, calendar, single.interval, operation, person=person, but=before.id)
        changes.keep(world)
    else:
        world.diary.keep(after)
        if after.apart and not before.apart:
            leave_out(world, location, before)
    return _announced("AppointmentUpdate", after, operation.to_notify, changed(world, location, before, after))


def _people_after(
    world: World,
    location: Location,
    calendar: Calendar | None,
    before: Appointment,
    operation: EditAppointment,
    interval: Interval,
) -> tuple[str | None, tuple[str, ...]]:
    """Whom it is assigned to then, and who else is on it: who has it keeps it, unless another is named or the calendar
    it moves to has another team. Raises Refusal, also where the time is no offered slot."""
    asked, kept = operation.assigned_user_id or None, before.assigned_user_id
    others = tuple(user for user in before.users if user != asked)
    if calendar is None:
        return asked or kept, others
    elsewhere = calendar.id != before.calendar_id
    kept = kept if not elsewhere or kept in calendar.team else None
    offer = None
    if (elsewhere or interval != before.interval) and not operation.ignore_free_slot_validation:
        if not before.is_series:
            offer = offered(world, location, calendar, interval, operation, person=asked or kept, but=before.id)
    elif elsewhere and calendar.team and not (asked or kept):
        raise refusals.nobody_named() if before.assigned_user_id is None else refusals.not_on_the_team()
    if not elsewhere and calendar.calendar_type != "collective" and (asked or kept):
        return asked or kept, others
    return people_on(world, calendar, asked=asked, kept=kept, offer=offer)


def answer(world: World, location: Location, operation: GetAppointment) -> Outcome:
    return Outcome({"appointment": read(known_appointment(world, location, operation.event_id), location)})


def list_events(world: World, location: Location, operation: ListEvents) -> Outcome:
    """By overlap with the window; deleted ones are among them, blocks are not."""
    here(location, operation.location_id)
    window = asked_window(operation.start_time, operation.end_time)
    wanted = [
        appointment
        for appointment in world.diary.appointments_of(_subject(operation), window)
        if appointment.location_id == location.id
        and (operation.user_id is None or operation.user_id in appointment.people)
        and operation.calendar_id in (None, appointment.calendar_id)
        and operation.group_id in (None, appointment.group_id)
    ]
    wanted.sort(key=lambda appointment: (appointment.interval, appointment.id))
    return Outcome({"events": [listed(appointment, location) for appointment in wanted]})


def delete(world: World, location: Location, operation: DeleteEvent) -> Outcome:
    """Softly: the appointment keeps its status and its dateUpdated (a recorded answer); a block is gone."""
    block = world.block(location, operation.event_id)
    if block is not None:
        return _remove_block(world, location, block)
    before = known_appointment(world, location, operation.event_id)
    if before.deleted:
        return Outcome({"succeeded": True})
    after = before.changed(deleted=True)
    world.diary.keep(after)
    for single in singles(world, before) if before.is_series else ():
        world.diary.keep(single.changed(deleted=True))
    if before.master_event_id is not None:
        leave_out(world, location, before)
    return Outcome({"succeeded": True}, (Announcement("AppointmentDelete", after),), deleted(world, location, before))


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


def known_appointment(world: World, location: Location, appointment_id: str) -> Appointment:
    """Deleted ones too."""
    appointment = world.appointment(location, appointment_id)
    if appointment is None:
        raise refusals.not_found("The appointment is not found.")
    return appointment


def asked_window(start_milliseconds: int, end_milliseconds: int) -> Interval:
    if end_milliseconds < start_milliseconds:
        raise refusals.unprocessable("endTime must not be before startTime")
    return Interval(from_milliseconds(start_milliseconds), from_milliseconds(end_milliseconds))


def _announced(
    kind: EventType, appointment: Appointment, to_notify: bool | None, told: str, *more: ContactChanged
) -> Outcome:
    announcement = Announcement(kind, appointment, quietly=to_notify is False)
    return Outcome(written(appointment), (announcement, *more), told)


def _owned(
    world: World, location: Location, calendar: Calendar, appointment: Appointment
) -> tuple[ContactChanged, ...]:
    """Some calendars give the contact to who gets the booking; some of them only one who has no owner yet."""
    contact = world.contacts.find(location.id, appointment.contact_id)
    if contact is None or appointment.assigned_user_id in (None, contact.assigned_to):
        return ()
    if not calendar.should_assign_contact_to_team_member:
        return ()
    if contact.assigned_to is not None and calendar.should_skip_assigning_contact_for_existing:
        return ()
    owned = contact.model_copy(update={"assigned_to": appointment.assigned_user_id, "date_updated": world.now()})
    world.contacts.put(location.id, contact.id, owned)
    return (ContactChanged(owned, location.id),)


def _subject(operation: ListEvents) -> Subject:
    if operation.calendar_id is not None:
        return "calendar", operation.calendar_id
    if operation.user_id is not None:
        return "person", operation.user_id
    return "group", operation.group_id or ""


def _remove_block(world: World, location: Location, block: Block) -> Outcome:
    world.diary.remove_block(block)
    return Outcome({"succeeded": True}, told=block_removed(world, location, block))
