"""Notes on appointments in the sandbox."""

from typing import Any

from service.highlevel.notes import CreateNote, ListNotes
from service.sandbox import refusals
from service.sandbox.appointments import known_appointment
from service.sandbox.moments import stamp_text
from service.sandbox.outcome import Handler, Outcome
from service.sandbox.records import Location, Note
from service.sandbox.sentences import noted
from service.sandbox.world import World


def create(world: World, location: Location, operation: CreateNote) -> Outcome:
    appointment = known_appointment(world, location, operation.appointment_id)
    if operation.user_id is not None and world.user(location, operation.user_id) is None:
        raise refusals.bad_request("The user id is not valid.")
    note = Note(
        id=world.new_id(),
        appointment_id=appointment.id,
        body=operation.body,
        user_id=operation.user_id,
        contact_id=appointment.contact_id,
        date_added=world.now(),
    )
    world.notes.put(appointment.id, note.id, note)
    return Outcome({"note": _shown(note, world, location)}, told=noted(world, location, appointment, note.body))


def list_notes(world: World, location: Location, operation: ListNotes) -> Outcome:
    appointment = known_appointment(world, location, operation.appointment_id)
    notes = world.notes.of(appointment.id)
    end = operation.offset + operation.limit
    page = [_shown(note, world, location) for note in notes[operation.offset : end]]
    return Outcome({"notes": page, "hasMore": end < len(notes)})


HANDLERS: dict[type[Any], Handler] = {CreateNote: create, ListNotes: list_notes}


def _shown(note: Note, world: World, location: Location) -> dict[str, Any]:
    """Without an author `userId` is null (seen on a contact's note)."""
    shown: dict[str, Any] = {
        "id": note.id,
        "body": note.body,
        "userId": note.user_id,
        "dateAdded": stamp_text(note.date_added),
        "contactId": note.contact_id,
    }
    author = note.user_id and world.user(location, note.user_id)
    if author:
        shown["createdBy"] = {"id": author.id, "name": author.name}
    return shown
