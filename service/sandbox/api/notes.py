"""Notes on appointments in the sandbox."""

from typing import Any

from service.highlevel.notes import CreateNote, DeleteNote, EditNote, ListNotes
from service.sandbox import refusals
from service.sandbox.api.appointments import known_appointment
from service.sandbox.api.sentences import note_changed, note_removed, noted
from service.sandbox.outcome import Handler, Outcome
from service.sandbox.world.moments import stamp_text
from service.sandbox.world.records import Appointment, Location, Note
from service.sandbox.world.world import World


def create(world: World, location: Location, operation: CreateNote) -> Outcome:
    appointment = known_appointment(world, location, operation.appointment_id)
    _require_user(world, location, operation.user_id)
    note = Note(
        id=world.new_id(),
        appointment_id=appointment.id,
        body=operation.body,
        user_id=operation.user_id,
        contact_id=appointment.contact_id,
        date_added=world.now(),
    )
    world.notes.put(appointment.id, note.id, note)
    told = noted(world, location, appointment, note.body)
    return Outcome({"note": _shown(note, world, location)}, told=told, about=appointment.id)


def edit(world: World, location: Location, operation: EditNote) -> Outcome:
    """It keeps its place, its date and, where nobody else is named, its author."""
    appointment, before = _known(world, location, operation)
    _require_user(world, location, operation.user_id)
    note = before.model_copy(update={"body": operation.body, "user_id": operation.user_id or before.user_id})
    world.notes.put(appointment.id, note.id, note)
    told = note_changed(world, location, appointment, note.body)
    return Outcome({"note": _shown(note, world, location)}, told=told, about=appointment.id)


def list_notes(world: World, location: Location, operation: ListNotes) -> Outcome:
    appointment = known_appointment(world, location, operation.appointment_id)
    notes = world.notes.of(appointment.id)
    end = operation.offset + operation.limit
    page = [_shown(note, world, location) for note in notes[operation.offset : end]]
    return Outcome({"notes": page, "hasMore": end < len(notes)})


def delete(world: World, location: Location, operation: DeleteNote) -> Outcome:
    appointment, note = _known(world, location, operation)
    world.notes.remove(appointment.id, note.id)
    told = note_removed(world, location, appointment)
    return Outcome({"success": True}, told=told, about=appointment.id)


HANDLERS: dict[type[Any], Handler] = {
    CreateNote: create,
    EditNote: edit,
    ListNotes: list_notes,
    DeleteNote: delete,
}


def _known(world: World, location: Location, operation: EditNote | DeleteNote) -> tuple[Appointment, Note]:
    appointment = known_appointment(world, location, operation.appointment_id)
    note = world.notes.find(appointment.id, operation.note_id)
    if note is None:
        raise refusals.not_found("The note is not found.")
    return appointment, note


def _require_user(world: World, location: Location, user_id: str | None) -> None:
    if user_id is not None and world.user(location, user_id) is None:
        raise refusals.bad_request("The user id is not valid.")


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
