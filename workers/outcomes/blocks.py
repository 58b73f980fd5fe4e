"""Blocks looked for: those that were made, moved and removed."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from service.highlevel.appointments import DeleteEvent
from service.highlevel.blocked_slots import BlockedSlot, CreateBlockSlot, EditBlockSlot, ListBlockedSlots
from service.highlevel.operation import Api, milliseconds
from workers.outcomes.outcome import CLOCK_SKEW, Found, NotFoundYet, Outcome, Overtaken, Taken, ours

END_OF_TIME = 4_102_444_800_000
"""In milliseconds; HighLevel takes windows of any length (recorded)."""


async def new_block(api: Api, wanted: CreateBlockSlot, planned_at: datetime, taken: Taken) -> Outcome:
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
    return await ours(same, taken)


async def moved_block(api: Api, wanted: EditBlockSlot, was: Mapping[str, Any]) -> Outcome:
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


async def removed_block(api: Api, wanted: DeleteEvent, location_id: str, was: Mapping[str, Any]) -> Outcome:
    return NotFoundYet() if await _block(api, location_id, wanted.event_id, was) else Found()


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
