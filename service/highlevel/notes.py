"""Notes on appointments."""

from collections.abc import AsyncIterator
from typing import Annotated

from pydantic import AwareDatetime, Field, StringConstraints

from service.highlevel.operation import Api, Operation, Reply

PAGE = 20
"""HighLevel's largest page of notes."""

NoteText = Annotated[str, StringConstraints(min_length=1, max_length=5000)]


class NoteAuthor(Reply):
    id: str | None = None
    name: str | None = None


class Note(Reply):
    id: str
    body: str = ""
    user_id: str | None = None
    contact_id: str | None = None
    date_added: AwareDatetime
    created_by: NoteAuthor | None = None


class NoteReply(Reply):
    note: Note


class NotesReply(Reply):
    notes: tuple[Note, ...] = ()
    has_more: bool = False


class DeletedNoteReply(Reply):
    success: bool = True


class ListNotes(Operation[NotesReply], method="GET", path="/calendars/appointments/{appointment_id}/notes"):
    """One page of notes, in the order HighLevel keeps."""

    appointment_id: str
    limit: int = Field(ge=1, le=PAGE)
    offset: int = Field(ge=0)


class CreateNote(
    Operation[NoteReply], method="POST", path="/calendars/appointments/{appointment_id}/notes", success=201
):
    """Write a note on an appointment."""

    appointment_id: str
    body: NoteText
    user_id: str | None = None


class EditNote(Operation[NoteReply], method="PUT", path="/calendars/appointments/{appointment_id}/notes/{note_id}"):
    """Write a note anew."""

    appointment_id: str
    note_id: str
    body: NoteText
    user_id: str | None = None


class DeleteNote(
    Operation[DeletedNoteReply], method="DELETE", path="/calendars/appointments/{appointment_id}/notes/{note_id}"
):
    appointment_id: str
    note_id: str


async def notes_of(api: Api, appointment_id: str) -> AsyncIterator[Note]:
    """Every note of an appointment, to the end of the list; one added meanwhile may come twice, none is missed."""
    offset = 0
    while True:
        page = await api(ListNotes(appointment_id=appointment_id, limit=PAGE, offset=offset))
        for note in page.notes:
            yield note
        if not page.has_more or not page.notes:
            return
        offset += len(page.notes)
