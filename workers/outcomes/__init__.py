"""Whether a write is in the world: looked up by what it is, one way for each operation.

The operation says how its outcome is recognised, not the action that planned it: a follow, which no rule stands behind
any more, is settled by the same look.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from service.highlevel.appointments import CreateAppointment, DeleteEvent, EditAppointment, WrittenAppointment
from service.highlevel.blocked_slots import CreateBlockSlot, EditBlockSlot, WrittenBlock
from service.highlevel.contacts import (
    AddContactTags,
    AddContactToWorkflow,
    ChangeContactOwner,
    CreateTask,
    RemoveContactFromWorkflow,
    RemoveContactTags,
    TaskReply,
)
from service.highlevel.notes import CreateNote, NoteReply
from service.highlevel.operation import Api, Operation
from service.highlevel.reply import Reply
from workers.outcomes import appointments, blocks, contacts
from workers.outcomes.appointments import brought_about, is_as_before
from workers.outcomes.outcome import CLOCK_SKEW, Found, NotFoundYet, Outcome, Overtaken, Taken, Unseeable

__all__ = [
    "CLOCK_SKEW",
    "CREATES",
    "Found",
    "NotFoundYet",
    "Outcome",
    "Overtaken",
    "Taken",
    "Unseeable",
    "answered",
    "brought_about",
    "is_as_before",
    "look",
]

CREATES = (CreateAppointment, CreateNote, CreateBlockSlot, CreateTask, AddContactToWorkflow)
"""Writes that leave something new behind, which cannot be there before they are sent."""


def answered(operation: Operation[Any], reply: Reply) -> Found:
    """What the answer to a write tells of its outcome."""
    match reply:
        case NoteReply():
            return Found(reply.note.id)
        case TaskReply():
            return Found(reply.task.id)
        case WrittenBlock() if isinstance(operation, CreateBlockSlot):
            return Found(reply.id)
        case WrittenAppointment() if isinstance(operation, CreateAppointment):
            return Found(reply.id)
        case WrittenAppointment():
            return Found(updated=reply.date_updated)
        case _:
            return Found()


async def look(
    api: Api, operation: Operation[Any], *, planned_at: datetime, meant: Mapping[str, Any], taken: Taken
) -> Outcome:
    """Look for exactly this write. Raises HighLevelError."""
    match operation:
        case CreateNote():
            return await appointments.note(api, operation, planned_at, taken)
        case CreateBlockSlot():
            return await blocks.new_block(api, operation, planned_at, taken)
        case EditBlockSlot():
            return await blocks.moved_block(api, operation, meant["block"])
        case DeleteEvent():
            return await blocks.removed_block(api, operation, meant["location_id"], meant["block"])
        case CreateAppointment():
            return await appointments.new_appointment(api, operation, planned_at, taken)
        case EditAppointment():
            return await appointments.appointment(api, operation, meant)
        case AddContactTags() | RemoveContactTags():
            return await contacts.tags(api, operation)
        case ChangeContactOwner():
            return await contacts.owner(api, operation, meant["owner"])
        case CreateTask():
            return await contacts.task(api, operation, taken)
        case AddContactToWorkflow():
            return contacts.IN_A_WORKFLOW
        case RemoveContactFromWorkflow():
            # Nobody can look for this either; but to be taken out twice is to be taken out once.
            return NotFoundYet()
        case _:
            raise TypeError(f"nobody knows how to look for {type(operation).__name__}")
