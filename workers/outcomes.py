"""Whether a write is in the world: looked up by what it is, one way for each operation.

The operation says how its outcome is recognised, not the action that planned it: a follow, which no rule stands behind
any more, is settled by the same look.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from service.highlevel.appointments import DeleteEvent, EditAppointment, GetAppointment
from service.highlevel.blocked_slots import BlockedSlot, CreateBlockSlot, EditBlockSlot, ListBlockedSlots
from service.highlevel.errors import NotFound
from service.highlevel.notes import CreateNote, notes_of
from service.highlevel.operation import Api, Operation, Reply, milliseconds
from service.store.appointments import OWNED
from service.trigger import Booking
from workers.changes import after, changed_words

CLOCK_SKEW = timedelta(seconds=60)
"""How far HighLevel's clock may be from our database's."""


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
    """It is not as we meant it, nor as it was: somebody else has changed it since."""

    reason: str


Outcome = Found | NotFoundYet | Overtaken


def answered(reply: Reply) -> Found:
    """What the answer to a write tells of its outcome."""
    note, id_ = getattr(reply, "note", None), getattr(reply, "id", None)
    return Found(note.id if note else id_, getattr(reply, "date_updated", None))


async def look(
    api: Api, operation: Operation[Any], *, planned_at: datetime, meant: Mapping[str, Any], others: frozenset[str]
) -> Outcome:
    """Look for exactly this write. `others`: ids known to have been written by other steps. Raises HighLevelError."""
    match operation:
        case CreateNote():
            return await _note(api, operation, planned_at, others)
        case CreateBlockSlot():
            window = (operation.start_time, operation.end_time)
            for block in await _blocks(api, operation, window):
                new = block.date_added is None or block.date_added >= planned_at - CLOCK_SKEW
                if _is(block, operation) and block.id not in others and new:
                    return Found(block.id)
            return NotFoundYet()
        case EditBlockSlot():
            return await _moved_block(api, operation, meant)
        case DeleteEvent():
            return await _deleted_block(api, operation, meant)
        case EditAppointment():
            return await _appointment(api, operation, meant)
        case _:
            raise TypeError(f"nobody knows how to look for {type(operation).__name__}")


async def _note(api: Api, wanted: CreateNote, planned_at: datetime, others: frozenset[str]) -> Outcome:
    async for note in notes_of(api, wanted.appointment_id):
        if note.body == wanted.body and note.date_added >= planned_at - CLOCK_SKEW and note.id not in others:
            return Found(note.id)
    return NotFoundYet()


async def _moved_block(api: Api, wanted: EditBlockSlot, meant: Mapping[str, Any]) -> Outcome:
    for block in await _blocks(api, wanted, (wanted.start_time, wanted.end_time)):
        if block.id == wanted.event_id and _is(block, wanted):
            return Found(block.id)
    was = meant["block"]
    standing = await _block_as_it_was(api, wanted.location_id, wanted.event_id, was)
    return NotFoundYet() if standing else Overtaken("somebody else moved or removed the block")


async def _deleted_block(api: Api, wanted: DeleteEvent, meant: Mapping[str, Any]) -> Outcome:
    location_id = meant["location_id"]
    standing = await _block_as_it_was(api, location_id, wanted.event_id, meant["block"])
    return NotFoundYet() if standing else Found()


async def _block_as_it_was(api: Api, location_id: str, block_id: str, was: Mapping[str, Any]) -> bool:
    whom = {"calendar_id": was["calendar"]} if was.get("calendar") else {"user_id": was["assignee"]}
    listing = ListBlockedSlots(
        location_id=location_id,
        start_time=_milliseconds(was["starts"]),
        end_time=_milliseconds(was["ends"]),
        **whom,
    )
    return any(block.id == block_id and not block.deleted for block in (await api(listing)).events)


async def _blocks(
    api: Api, wanted: CreateBlockSlot | EditBlockSlot, window: tuple[str, str]
) -> tuple[BlockedSlot, ...]:
    whom = {"calendar_id": wanted.calendar_id} if wanted.calendar_id else {"user_id": str(wanted.assigned_user_id)}
    listing = ListBlockedSlots(
        location_id=wanted.location_id,
        start_time=_milliseconds(window[0]),
        end_time=_milliseconds(window[1]),
        **whom,
    )
    return (await api(listing)).events


def _is(block: BlockedSlot, wanted: CreateBlockSlot | EditBlockSlot) -> bool:
    return (
        block.start_time == datetime.fromisoformat(wanted.start_time)
        and block.end_time == datetime.fromisoformat(wanted.end_time)
        and block.title == (wanted.title or "")
        and (wanted.assigned_user_id is None or block.assigned_user_id == wanted.assigned_user_id)
        and not block.deleted
    )


async def _appointment(api: Api, wanted: EditAppointment, meant: Mapping[str, Any]) -> Outcome:
    try:
        appointment = (await api(GetAppointment(event_id=wanted.event_id))).appointment
    except NotFound:
        return Overtaken("HighLevel does not know the appointment any more")
    now = Booking.of(appointment)
    if now.deleted:
        return Overtaken("the appointment was deleted")
    if _same(now, after(wanted, now)):
        return Found(updated=now.updated)
    was = now.changed(**Booking.model_validate({**now.model_dump(), **meant["before"]}).model_dump(include=set(OWNED)))
    if _same(now, was):
        return NotFoundYet()
    return Overtaken(f"somebody else changed its {changed_words(was, now)} since")


def _same(one: Booking, other: Booking) -> bool:
    return all(getattr(one, name) == getattr(other, name) for name in OWNED)


def _milliseconds(moment: str) -> int:
    return milliseconds(datetime.fromisoformat(moment))
