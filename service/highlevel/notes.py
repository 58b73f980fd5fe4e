"""Notes on appointments."""

from collections.abc import AsyncIterator
from typing import Annotated

from pydantic import AwareDatetime, Field, StringConstraints

from service.highlevel.operation import Api, Operation
from service.highlevel.reply import Done, Reply

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
    """`has_more` is None where it was left out; then a page that is not full is the last."""

    notes: tuple[Note, ...]
    has_more: bool | None = None


class DeletedNoteReply(Done):
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
    """Every note of an appointment, none twice; none that stands throughout is missed, whatever comes and goes.

    Each page begins with the last note of the one before it. Where one begins with a note that is not known yet, some
    before it are gone, and what followed them has slid out of sight: then it goes back a page.
    """
    known: set[str] = set()
    offset = fruitless = 0
    while True:
        page = await api(ListNotes(appointment_id=appointment_id, limit=PAGE, offset=offset))
        slid = offset > 0 and not (page.notes and page.notes[0].id in known)
        new = [note for note in page.notes if note.id not in known]
        for note in new:
            known.add(note.id)
            yield note
        fruitless = 0 if new else fruitless + 1
        more = len(page.notes) == PAGE if page.has_more is None else page.has_more
        # All that is known fits on so many pages: who sends more of them promises more, and has none.
        if not (slid or more) or fruitless > len(known) // (PAGE - 1) + 3:
            return
        offset = max(0, offset - PAGE) if slid else offset + max(1, len(page.notes) - 1)
