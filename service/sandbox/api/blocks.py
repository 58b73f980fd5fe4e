"""Blocked time in the sandbox."""

from typing import Any

from service.highlevel.blocked_slots import CreateBlockSlot, EditBlockSlot, ListBlockedSlots
from service.sandbox import refusals
from service.sandbox.api.appointments import asked_window, here, known_calendar
from service.sandbox.api.sentences import block_changed, blocked
from service.sandbox.booking.checks import asked_times
from service.sandbox.outcome import Handler, Outcome
from service.sandbox.world.moments import local_text, stamp_text
from service.sandbox.world.records import Block, Location
from service.sandbox.world.world import World


def create(world: World, location: Location, operation: CreateBlockSlot) -> Outcome:
    _check_subject(world, location, operation)
    interval = asked_times(operation.start_time, operation.end_time)
    block = Block(
        id=world.new_id(),
        location_id=location.id,
        title=operation.title or "",
        start_time=interval.starts,
        end_time=interval.ends,
        calendar_id=operation.calendar_id,
        assigned_user_id=operation.assigned_user_id,
        date_added=world.now(),
    )
    world.diary.keep_block(block)
    return Outcome(_written(block, location), told=blocked(world, location, block))


def edit(world: World, location: Location, operation: EditBlockSlot) -> Outcome:
    before = world.block(location, operation.event_id)
    if before is None:
        raise refusals.not_found("The blocked slot is not found.")
    _check_subject(world, location, operation)
    interval = asked_times(
        operation.start_time or before.start_time.isoformat(), operation.end_time or before.end_time.isoformat()
    )
    given = operation.calendar_id or operation.assigned_user_id
    after = Block(
        id=before.id,
        location_id=location.id,
        title=before.title if operation.title is None else operation.title,
        start_time=interval.starts,
        end_time=interval.ends,
        calendar_id=operation.calendar_id if given else before.calendar_id,
        assigned_user_id=operation.assigned_user_id if given else before.assigned_user_id,
        date_added=before.date_added,
        date_updated=world.now(),
    )
    world.diary.keep_block(after)
    return Outcome(_written(after, location), told=block_changed(world, location, after))


def list_blocks(world: World, location: Location, operation: ListBlockedSlots) -> Outcome:
    """By overlap with the window; of everybody, unless somebody is named."""
    here(location, operation.location_id)
    window = asked_window(operation.start_time, operation.end_time)
    in_group = {calendar.id for calendar in world.calendars.of(location.id) if calendar.group_id == operation.group_id}
    wanted = [
        block
        for block in world.diary.blocks_of(("location", location.id), location.id, window)
        if operation.user_id in (None, block.assigned_user_id)
        and operation.calendar_id in (None, block.calendar_id)
        and (operation.group_id is None or block.calendar_id in in_group)
    ]
    wanted.sort(key=lambda block: (block.interval, block.id))
    return Outcome({"events": [_listed(world, location, block) for block in wanted]})


HANDLERS: dict[type[Any], Handler] = {CreateBlockSlot: create, EditBlockSlot: edit, ListBlockedSlots: list_blocks}


def _check_subject(world: World, location: Location, operation: CreateBlockSlot | EditBlockSlot) -> None:
    here(location, operation.location_id)
    if (
        operation.calendar_id is not None
        and known_calendar(world, location, operation.calendar_id).calendar_type != "event"
    ):
        raise refusals.not_an_event_calendar()
    if operation.assigned_user_id is not None and world.user(location, operation.assigned_user_id) is None:
        raise refusals.bad_request("The user id is not valid.")


def _listed(world: World, location: Location, block: Block) -> dict[str, Any]:
    """One of a list: of the shape of an appointment, in which the v3 document requires all of these and types them as
    text. No live one has been recorded; what a block has not got is empty here."""
    calendar = world.calendar(location, block.calendar_id or "")
    return {
        **_written(block, location),
        "calendarId": block.calendar_id or "",
        "contactId": "",
        "groupId": (calendar.group_id if calendar else None) or "",
        "appointmentStatus": "confirmed",
        "assignedUserId": block.assigned_user_id or "",
        "users": [],
        "address": "",
        "isRecurring": False,
        "assignedResources": [],
        "dateAdded": stamp_text(block.date_added),
        "dateUpdated": stamp_text(block.date_updated or block.date_added),
        "deleted": False,
    }


def _written(block: Block, location: Location) -> dict[str, Any]:
    whose = {"calendarId": block.calendar_id, "assignedUserId": block.assigned_user_id}
    return {
        "id": block.id,
        "locationId": block.location_id,
        "title": block.title,
        "startTime": local_text(block.start_time, location.timezone),
        "endTime": local_text(block.end_time, location.timezone),
        **{key: value for key, value in whose.items() if value},
    }
