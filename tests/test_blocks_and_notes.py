"""Blocks and notes: what goes over the wire, what is refused before, what is read."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from service.highlevel.blocked_slots import (
    BlockedSlotsReply,
    CreateBlockSlot,
    EditBlockSlot,
    ListBlockedSlots,
    WrittenBlock,
)
from service.highlevel.notes import CreateNote, DeletedNoteReply, DeleteNote, EditNote, ListNotes, NoteReply, NotesReply
from service.highlevel.operation import Operation
from service.highlevel.reply import Reply

SIX, SEVEN = "2026-03-26T18:00:00+01:00", "2026-03-26T19:00:00+01:00"
SIX_IN_UTC = datetime(2026, 3, 26, 17, tzinfo=UTC)
WINDOW: dict[str, Any] = {"location_id": "place", "start_time": 1, "end_time": 2}
BLOCK: dict[str, Any] = {"location_id": "place", "start_time": SIX, "end_time": SEVEN}
BLOCKS, NOTES = "/calendars/events/block-slots", "/calendars/appointments/e1/notes"


@pytest.mark.parametrize(
    ("operation", "sent"),
    [
        (
            CreateBlockSlot(**BLOCK, title="Lunch", assigned_user_id="kim"),
            (
                "POST",
                BLOCKS,
                {
                    "locationId": "place",
                    "startTime": SIX,
                    "endTime": SEVEN,
                    "title": "Lunch",
                    "assignedUserId": "kim",
                },
            ),
        ),
        (
            CreateBlockSlot(**BLOCK, calendar_id=None, assigned_user_id="kim"),
            ("POST", BLOCKS, {"locationId": "place", "startTime": SIX, "endTime": SEVEN, "assignedUserId": "kim"}),
        ),
        (
            EditBlockSlot(event_id="b1", location_id="place", title="Tea"),
            ("PUT", f"{BLOCKS}/b1", {"locationId": "place", "title": "Tea"}),
        ),
        (
            ListBlockedSlots(**WINDOW, group_id="all"),
            ("GET", "/calendars/blocked-slots?locationId=place&startTime=1&endTime=2&groupId=all", None),
        ),
        (ListNotes(appointment_id="e1", limit=20, offset=0), ("GET", f"{NOTES}?limit=20&offset=0", None)),
        (CreateNote(appointment_id="e1", body="Hello"), ("POST", NOTES, {"body": "Hello"})),
        (
            EditNote(appointment_id="e1", note_id="n1", body="Hello", user_id="kim"),
            ("PUT", f"{NOTES}/n1", {"body": "Hello", "userId": "kim"}),
        ),
        (DeleteNote(appointment_id="e1", note_id="n1"), ("DELETE", f"{NOTES}/n1", None)),
    ],
    ids=lambda each: type(each).__name__ if isinstance(each, Operation) else "",
)
def test_a_call_goes_out_as_it_is_written_down(operation: Operation[Any], sent: tuple[str, str, Any]) -> None:
    wire = operation.wire()
    assert (wire.method, wire.target, wire.body) == sent
    assert Operation.restored(operation.stored()) == operation


@pytest.mark.parametrize(
    ("operation", "fields", "reason"),
    [
        (CreateBlockSlot, BLOCK, "either calendar_id or assigned_user_id, not both"),
        (
            CreateBlockSlot,
            {**BLOCK, "calendar_id": "fair", "assigned_user_id": "kim"},
            "either calendar_id or assigned_user_id, not both",
        ),
        (
            EditBlockSlot,
            {**BLOCK, "event_id": "b1", "calendar_id": "fair", "assigned_user_id": "kim"},
            "either calendar_id or assigned_user_id, not both",
        ),
        (CreateBlockSlot, {**BLOCK, "calendar_id": "fair", "start_time": "2026-03-27T18:00:00Z"}, "end_time is before"),
        (EditBlockSlot, {**BLOCK, "event_id": "b1", "end_time": "2026-03-25T18:00:00Z"}, "end_time is before"),
        (CreateBlockSlot, {"location_id": "place", "calendar_id": "fair", "start_time": SIX}, "endTime"),
        (CreateBlockSlot, {**BLOCK, "calendar_id": ""}, "calendar_id or assigned_user_id is empty"),
        (CreateBlockSlot, {**BLOCK, "assigned_user_id": "", "calendar_id": None}, "is empty"),
        (EditBlockSlot, {**BLOCK, "event_id": "b1", "calendar_id": ""}, "is empty"),
        (ListBlockedSlots, WINDOW, "one of user_id, calendar_id or group_id is needed"),
        (ListBlockedSlots, {**WINDOW, "calendar_id": ""}, "one of user_id, calendar_id or group_id is needed"),
        (ListBlockedSlots, {**WINDOW, "user_id": "kim", "end_time": 0}, "end_time is before start_time"),
        (ListNotes, {"appointment_id": "e1", "limit": 21, "offset": 0}, "less than or equal to 20"),
        (ListNotes, {"appointment_id": "e1", "limit": 1, "offset": -1}, "greater than or equal to 0"),
        (CreateNote, {"appointment_id": "e1", "body": "x" * 5001}, "at most 5000 characters"),
        (EditNote, {"appointment_id": "e1", "note_id": "n1", "body": ""}, "at least 1 character"),
        (DeleteNote, {"appointment_id": "e1", "note_id": ".."}, "would change the path"),
    ],
)
def test_what_cannot_be_is_refused_before_it_is_sent(
    operation: type[Operation[Any]], fields: dict[str, Any], reason: str
) -> None:
    with pytest.raises(ValidationError, match=reason):
        operation.model_validate(fields)


def read(reply: type[Reply], answer: Any) -> Any:
    """From text, as the client does; and the same from values."""
    found = reply.read_json(json.dumps(answer).encode())
    assert found == reply.read(answer)
    return found


def test_blocks_are_read_as_written_and_as_listed() -> None:
    block = {"id": "b1", "locationId": "place", "title": "Lunch", "startTime": SIX, "endTime": SEVEN}
    written = read(WrittenBlock, {**block, "assignedUserId": "kim", "traceId": "t"})
    assert (written.assigned_user_id, written.calendar_id, written.start_time) == ("kim", None, SIX_IN_UTC)
    listed = {**block, "calendarId": "", "dateAdded": "2026-07-17T10:57:59.007Z", "deleted": True, "users": ["kim"]}
    (found,) = read(BlockedSlotsReply, {"events": [listed]}).events
    assert (found.calendar_id, found.deleted, found.users, found.date_added.year) == (None, True, ("kim",), 2026)


def test_notes_are_read_with_their_authors() -> None:
    note = {"id": "n1", "body": "Hello", "userId": None, "dateAdded": "2021-07-08T12:02:11.285Z", "contactId": "ada"}
    page = read(NotesReply, {"notes": [note, {**note, "createdBy": {"id": "kim", "name": "Kim"}}], "hasMore": True})
    assert [note.created_by.name if note.created_by else None for note in page.notes] == [None, "Kim"]
    assert (page.has_more, page.notes[0].user_id) == (True, None)
    assert read(NoteReply, {"note": note}).note.date_added == datetime(2021, 7, 8, 12, 2, 11, 285000, UTC)


def test_the_answer_to_a_deletion_says_whether_it_took_place() -> None:
    assert [read(DeletedNoteReply, answer).success for answer in ({}, {"success": False})] == [True, False]
