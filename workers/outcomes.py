"""Whether a write is in the world: looked up by what it is, one way for each operation.

The operation says how its outcome is recognised, not the action that planned it: a follow, which no rule stands behind
any more, is settled by the same look.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from service.highlevel.appointments import DeleteEvent, EditAppointment, GetAppointment, WrittenAppointment
from service.highlevel.blocked_slots import BlockedSlot, CreateBlockSlot, EditBlockSlot, ListBlockedSlots, WrittenBlock
from service.highlevel.errors import NotFound
from service.highlevel.notes import CreateNote, NoteReply, notes_of
from service.highlevel.operation import Api, Operation, milliseconds
from service.highlevel.reply import Reply
from service.store.appointments import OWNED
from service.trigger import Booking, differences
from workers.changes import after, changed_words

CLOCK_SKEW = timedelta(seconds=60)
"""How far HighLevel's clock may be from our database's."""

END_OF_TIME = 4_102_444_800_000
"""In milliseconds; HighLevel takes windows of any length (recorded)."""


@dataclass(frozen=True)
class Found:
    """It is in the world. `written_id`: of what it created; `updated`: HighLevel's dateUpdated of the appointment."""

    written_id: str | None = None
    updated: datetime | None = None


@dataclass(frozen=True)
class NotFoundYet:
    """It is not in the world, and may be sent once nothing can be under way any more."""


@dataclass(frozen=True)
class Overtaken:
    """It is not as we meant it, nor as it was: somebody else changed it. `gone`: there is nothing left to change.
    `as_before`: what we were to change they left as it was."""

    reason: str
    gone: bool = False
    as_before: bool = False


Outcome = Found | NotFoundYet | Overtaken

Taken = Callable[[Sequence[str]], Awaitable[frozenset[str]]]
"""Which of some ids other steps are known to have made."""

CREATES = (CreateNote, CreateBlockSlot)
"""Writes that leave something new behind, which cannot be there before they are sent."""


def answered(operation: Operation[Any], reply: Reply) -> Found:
    """What the answer to a write tells of its outcome."""
    if isinstance(reply, NoteReply):
        return Found(reply.note.id)
    if isinstance(operation, CreateBlockSlot) and isinstance(reply, WrittenBlock):
        return Found(reply.id)
    return Found(updated=reply.date_updated if isinstance(reply, WrittenAppointment) else None)


async def look(
    api: Api, operation: Operation[Any], *, planned_at: datetime, meant: Mapping[str, Any], taken: Taken
) -> Outcome:
    """Look for exactly this write. Raises HighLevelError."""
    match operation:
        case CreateNote():
            return await _note(api, operation, planned_at, taken)
        case CreateBlockSlot():
            return await _new_block(api, operation, planned_at, taken)
        case EditBlockSlot():
            return await _moved_block(api, operation, meant["block"])
        case DeleteEvent():
            block = await _block(api, meant["location_id"], operation.event_id, meant["block"])
            return NotFoundYet() if block else Found()
        case EditAppointment():
            return await _appointment(api, operation, meant["before"])
        case _:
            raise TypeError(f"nobody knows how to look for {type(operation).__name__}")


async def _note(api: Api, wanted: CreateNote, planned_at: datetime, taken: Taken) -> Outcome:
    same = [
        note.id
        async for note in notes_of(api, wanted.appointment_id)
        if note.body == wanted.body and note.date_added >= planned_at - CLOCK_SKEW
    ]
    return await _ours(same, taken)


async def _new_block(api: Api, wanted: CreateBlockSlot, planned_at: datetime, taken: Taken) -> Outcome:
    listing = ListBlockedSlots(
        location_id=wanted.location_id,
        start_time=milliseconds(datetime.fromisoformat(wanted.start_time)),
        end_time=milliseconds(datetime.fromisoformat(wanted.end_time)),
        **_whose(wanted.calendar_id, wanted.assigned_user_id),
    )
    same = [
        block.id
        for block in (await api(listing)).events
        if _is(block, wanted) and (block.date_added is None or block.date_added >= planned_at - CLOCK_SKEW)
    ]
    return await _ours(same, taken)


async def _ours(same: Sequence[str], taken: Taken) -> Outcome:
    """The first of these that no other step has made."""
    others = await taken(same) if same else frozenset()
    return next((Found(id_) for id_ in same if id_ not in others), NotFoundYet())


async def _moved_block(api: Api, wanted: EditBlockSlot, was: Mapping[str, Any]) -> Outcome:
    now = await _block(api, wanted.location_id, wanted.event_id, was)
    if now is None or wanted.assigned_user_id != was["assignee"]:
        # A block that was handed on stands with its new person.
        whose = {"assignee": wanted.assigned_user_id, "calendar": wanted.calendar_id}
        now = await _block(api, wanted.location_id, wanted.event_id, whose) or now
    if now is None:
        return Overtaken("somebody else removed the block", gone=True)
    if _is(now, wanted):
        return Found()
    as_it_was = (datetime.fromisoformat(was["starts"]), datetime.fromisoformat(was["ends"]))
    return NotFoundYet() if (now.start_time, now.end_time) == as_it_was else Overtaken("somebody else moved the block")


async def _block(api: Api, location_id: str, block_id: str, whose: Mapping[str, Any]) -> BlockedSlot | None:
    """A block of this person or calendar, wherever it stands by now."""
    listing = ListBlockedSlots(
        location_id=location_id,
        start_time=0,
        end_time=END_OF_TIME,
        **_whose(whose.get("calendar"), whose.get("assignee")),
    )
    return next((block for block in (await api(listing)).events if block.id == block_id and not block.deleted), None)


def _whose(calendar_id: str | None, user_id: str | None) -> dict[str, str]:
    return {"calendar_id": calendar_id} if calendar_id else {"user_id": str(user_id)}


def _is(block: BlockedSlot, wanted: CreateBlockSlot | EditBlockSlot) -> bool:
    return (
        (wanted.start_time is None or block.start_time == datetime.fromisoformat(wanted.start_time))
        and (wanted.end_time is None or block.end_time == datetime.fromisoformat(wanted.end_time))
        and block.title == (wanted.title or "")
        and (wanted.assigned_user_id is None or block.assigned_user_id == wanted.assigned_user_id)
        and not block.deleted
    )


async def _appointment(api: Api, wanted: EditAppointment, before: Mapping[str, Any]) -> Outcome:
    try:
        appointment = (await api(GetAppointment(event_id=wanted.event_id))).appointment
    except NotFound:
        return Overtaken("HighLevel does not know the appointment any more")
    now = Booking.of(appointment)
    as_before = is_as_before(wanted, now, before)
    if now.deleted:
        return Overtaken("the appointment was deleted", as_before=as_before)
    was = Booking.model_validate({**now.model_dump(), **before})
    then = after(wanted, was)
    # What it sends along unchanged, the status first of all, is not what it was meant to bring about.
    if _agree(now, then, differences(was, then)):
        return Found(updated=now.updated)
    if _agree(now, was, (*OWNED, "calendar_id")):
        return NotFoundYet()
    return Overtaken(f"somebody else changed its {changed_words(was, now)} since", as_before=as_before)


def is_as_before(wanted: EditAppointment, now: Booking, before: Mapping[str, Any]) -> bool:
    """Whether all that a write was to change is still what it was `before`."""
    was = Booking.model_validate({**now.model_dump(), **before})
    return _agree(now, was, differences(was, after(wanted, was)))


def _agree(one: Booking, other: Booking, fields: Iterable[str]) -> bool:
    return all(getattr(one, name) == getattr(other, name) for name in fields)
