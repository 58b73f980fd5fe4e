"""Contacts in the sandbox: look, give an owner, tag, set a task, put into a workflow."""

from datetime import datetime
from typing import Any

from service.highlevel.contacts import (
    AddContactTags,
    AddContactToWorkflow,
    ChangeContactOwner,
    Contact,
    CreateTask,
    GetContact,
    ListContactAppointments,
    ListTasks,
    RemoveContactFromWorkflow,
    RemoveContactTags,
    SearchContacts,
    Task,
    tag_key,
)
from service.highlevel.users import User
from service.sandbox import refusals
from service.sandbox.api.answers import said, shown
from service.sandbox.api.appointments import here
from service.sandbox.api.contact_search import search
from service.sandbox.outcome import ContactChanged, Handler, Outcome
from service.sandbox.world.moments import instant, stamp_text
from service.sandbox.world.records import Appointment, Enrolment, Location
from service.sandbox.world.world import World


def answer(world: World, location: Location, operation: GetContact) -> Outcome:
    return Outcome({"contact": _whole(_known(world, location, operation.contact_id))})


def search_contacts(world: World, location: Location, operation: SearchContacts) -> Outcome:
    here(location, operation.location_id)
    page, total = search((_whole(contact) for contact in world.contacts.of(location.id)), operation)
    return Outcome({"contacts": page, "total": total})


def change_owner(world: World, location: Location, operation: ChangeContactOwner) -> Outcome:
    before = _known(world, location, operation.contact_id)
    owner = operation.assigned_to or None
    user = _known_user(world, location, owner)
    if owner == before.assigned_to:
        return Outcome({"succeded": True, "contact": _whole(before)})
    after = _changed(world, location, before, assignedTo=owner)
    told = f"{_named(after)}: owned by {(user.name or user.id) if user else 'nobody'}"
    return Outcome({"succeded": True, "contact": _whole(after)}, (ContactChanged(after, location.id),), told)


def add_tags(world: World, location: Location, operation: AddContactTags) -> Outcome:
    before = _known(world, location, operation.contact_id)
    has = before.tags or ()
    known = {tag_key(tag) for tag in has}
    new = (key for key in map(tag_key, operation.tags) if key not in known)
    return _retagged(world, location, before, [*has, *new])


def remove_tags(world: World, location: Location, operation: RemoveContactTags) -> Outcome:
    before = _known(world, location, operation.contact_id)
    gone = {tag_key(tag) for tag in operation.tags}
    return _retagged(world, location, before, [tag for tag in before.tags or () if tag_key(tag) not in gone])


def create_task(world: World, location: Location, operation: CreateTask) -> Outcome:
    contact = _known(world, location, operation.contact_id)
    _known_user(world, location, operation.assigned_to or None)
    task = Task.model_validate({"id": world.new_id(), **said(operation)})
    world.tasks.put(contact.id, task.id, task)
    return Outcome({"task": shown(task)}, told=f"{_named(contact)}: task {operation.title!r}")


def list_tasks(world: World, location: Location, operation: ListTasks) -> Outcome:
    contact = _known(world, location, operation.contact_id)
    return Outcome({"tasks": [shown(task) for task in world.tasks.of(contact.id)]})


def add_to_workflow(world: World, location: Location, operation: AddContactToWorkflow) -> Outcome:
    contact = _known(world, location, operation.contact_id)
    about = operation.event_start_time
    enrolment = Enrolment(
        contact_id=contact.id,
        workflow_id=operation.workflow_id,
        event_start_time=instant(about) if about else None,
    )
    world.enrolments.put(contact.id, enrolment.workflow_id, enrolment)
    return Outcome({"succeded": True}, told=f"{_named(contact)}: put into workflow {enrolment.workflow_id}")


def remove_from_workflow(world: World, location: Location, operation: RemoveContactFromWorkflow) -> Outcome:
    contact = _known(world, location, operation.contact_id)
    enrolment = world.enrolments.find(contact.id, operation.workflow_id)
    if enrolment is None:
        return Outcome({"succeded": True})
    world.enrolments.remove(contact.id, operation.workflow_id)
    return Outcome({"succeded": True}, told=f"{_named(contact)}: taken out of workflow {enrolment.workflow_id}")


def list_appointments(world: World, location: Location, operation: ListContactAppointments) -> Outcome:
    """Without those that are deleted, as nothing here would say that they are, and a series by its single ones."""
    contact = _known(world, location, operation.contact_id)
    wanted = [
        appointment
        for appointment in world.diary.appointments.of(location.id)
        if appointment.contact_id == contact.id and not appointment.deleted and not appointment.is_series
    ]
    wanted.sort(key=lambda appointment: (appointment.interval, appointment.id))
    return Outcome({"events": [_listed(appointment, location) for appointment in wanted]})


HANDLERS: dict[type[Any], Handler] = {
    GetContact: answer,
    SearchContacts: search_contacts,
    ChangeContactOwner: change_owner,
    AddContactTags: add_tags,
    RemoveContactTags: remove_tags,
    CreateTask: create_task,
    ListTasks: list_tasks,
    AddContactToWorkflow: add_to_workflow,
    RemoveContactFromWorkflow: remove_from_workflow,
    ListContactAppointments: list_appointments,
}


def _known(world: World, location: Location, contact_id: str) -> Contact:
    contact = world.contact(location, contact_id)
    if contact is None:
        raise refusals.not_found("The contact is not found.")
    return contact


def _known_user(world: World, location: Location, user_id: str | None) -> User | None:
    user = world.user(location, user_id) if user_id else None
    if user_id and user is None:
        raise refusals.bad_request("The user id is not valid.")
    return user


def _whole(contact: Contact) -> dict[str, Any]:
    """With what every contact has (public captures)."""
    common: dict[str, Any] = {"type": "lead", "dnd": False, "tags": [], "customFields": []}
    return {"id": contact.id, "locationId": contact.location_id, **common, **shown(contact)}


def _changed(world: World, location: Location, before: Contact, **changes: Any) -> Contact:
    """By the wire's names."""
    after = Contact.model_validate({**shown(before), **changes, "dateUpdated": stamp_text(world.now())})
    world.contacts.put(location.id, after.id, after)
    return after


def _retagged(world: World, location: Location, before: Contact, tags: list[str]) -> Outcome:
    """Each tag once, in the order they came; new ones are kept in small letters."""
    tags = list(dict.fromkeys(tags))
    if tags == list(before.tags or ()):
        return Outcome({"tags": tags})
    after = _changed(world, location, before, tags=tags)
    told = f"{_named(after)}: tagged {', '.join(tags) or 'no more'}"
    return Outcome({"tags": tags}, (ContactChanged(after, location.id, "ContactTagUpdate"),), told)


def _named(contact: Contact) -> str:
    return contact.name or contact.id


def _listed(appointment: Appointment, location: Location) -> dict[str, Any]:
    """Its times by the location's clock, which they do not say."""

    def local(moment: datetime) -> str:
        return moment.astimezone(location.timezone).strftime("%Y-%m-%d %H:%M:%S")

    return {
        "id": appointment.id,
        "calendarId": appointment.calendar_id,
        "locationId": appointment.location_id,
        "contactId": appointment.contact_id,
        "groupId": appointment.group_id or "",
        "title": appointment.title,
        "status": "booked",
        "appointmentStatus": appointment.appointment_status,
        "assignedUserId": appointment.assigned_user_id or "",
        "users": list(appointment.users),
        "assignedResources": [],
        "address": appointment.address,
        "notes": appointment.notes,
        "startTime": local(appointment.start_time),
        "endTime": local(appointment.end_time),
        "dateAdded": local(appointment.date_added),
        "dateUpdated": local(appointment.date_updated),
    }
