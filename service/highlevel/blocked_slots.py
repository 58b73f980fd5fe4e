"""Blocked slots: time in which nobody can book."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Self

from pydantic import AwareDatetime, model_validator

from service.highlevel.appointments import CreatedBy, OptionalText, refuse_backwards
from service.highlevel.operation import Api, Milliseconds, Moment, Operation, Reply
from service.highlevel.windows import MONTH, Progress, Window, each_once, windows


class WrittenBlock(Reply):
    """The answer to create and update."""

    id: str
    location_id: str
    title: str = ""
    start_time: AwareDatetime
    end_time: AwareDatetime
    calendar_id: OptionalText = None
    assigned_user_id: OptionalText = None


class BlockedSlot(WrittenBlock):
    """A block as listed, with the fields of an appointment; what only those have may be missing."""

    contact_id: OptionalText = None
    group_id: OptionalText = None
    appointment_status: str | None = None
    users: tuple[str, ...] = ()
    notes: str | None = None
    description: str | None = None
    address: str | None = None
    is_recurring: bool = False
    rrule: str | None = None
    master_event_id: str | None = None
    assigned_resources: tuple[str, ...] = ()
    date_added: AwareDatetime | None = None
    date_updated: AwareDatetime | None = None
    created_by: CreatedBy | None = None
    deleted: bool = False


class BlockedSlotsReply(Reply):
    events: tuple[BlockedSlot, ...] = ()


class CreateBlockSlot(Operation[WrittenBlock], method="POST", path="/calendars/events/block-slots", success=201):
    """Block time: of a person on every calendar, or of one calendar of type `event`; HighLevel refuses both."""

    location_id: str
    start_time: Moment
    end_time: Moment
    title: str | None = None
    calendar_id: str | None = None
    assigned_user_id: str | None = None

    @model_validator(mode="after")
    def of_one(self) -> Self:
        if (self.calendar_id is None) == (self.assigned_user_id is None):
            raise ValueError("either calendar_id or assigned_user_id, not both")
        refuse_backwards(self.start_time, self.end_time)
        return self


class EditBlockSlot(
    Operation[WrittenBlock], method="PUT", path="/calendars/events/block-slots/{event_id}", success=201
):
    """Move a block, rename it, or give it to somebody else."""

    event_id: str
    location_id: str
    start_time: Moment | None = None
    end_time: Moment | None = None
    title: str | None = None
    calendar_id: str | None = None
    assigned_user_id: str | None = None

    @model_validator(mode="after")
    def of_one(self) -> Self:
        if self.calendar_id is not None and self.assigned_user_id is not None:
            raise ValueError("either calendar_id or assigned_user_id, not both")
        refuse_backwards(self.start_time, self.end_time)
        return self


class ListBlockedSlots(Operation[BlockedSlotsReply], method="GET", path="/calendars/blocked-slots"):
    """Blocks that overlap a window. The specification wants one of `user_id`, `calendar_id`, `group_id`."""

    location_id: str
    start_time: Milliseconds
    end_time: Milliseconds
    user_id: str | None = None
    calendar_id: str | None = None
    group_id: str | None = None

    @model_validator(mode="after")
    def ends_after_it_begins(self) -> Self:
        if self.end_time < self.start_time:
            raise ValueError("end_time is before start_time")
        return self


def blocks_between(
    api: Api,
    location_id: str,
    start: datetime,
    end: datetime,
    *,
    user_id: str | None = None,
    calendar_id: str | None = None,
    group_id: str | None = None,
    window: timedelta = MONTH,
    progress: Progress | None = None,
) -> AsyncIterator[BlockedSlot]:
    """Every block that overlaps the stretch, by its beginning, none twice."""
    parts = windows(start, end, window)
    whose = {"user_id": user_id, "calendar_id": calendar_id, "group_id": group_id}
    first = ListBlockedSlots(location_id=location_id, start_time=parts[0].start, end_time=parts[0].end, **whose)

    async def read(part: Window) -> tuple[BlockedSlot, ...]:
        listing = first.model_copy(update={"start_time": part.start, "end_time": part.end})
        return (await api(listing)).events

    return each_once(parts, read, progress)
