"""Blocked slots: time in which nobody can book."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any, Self

from pydantic import AwareDatetime, model_validator

from service.highlevel.appointments import CreatedBy, OptionalText, refuse_backwards
from service.highlevel.operation import Api, Moment, Operation
from service.highlevel.reply import Reply, SentTime
from service.highlevel.windows import MONTH, Overlapping, Progress, each_once, windows


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
    date_added: SentTime = None
    date_updated: SentTime = None
    created_by: CreatedBy | None = None
    deleted: bool = False


class BlockedSlotsReply(Reply):
    events: tuple[BlockedSlot, ...]


class CreateBlockSlot(Operation[WrittenBlock], method="POST", path="/calendars/events/block-slots", success=201):
    """Block time: of a person on every calendar, or of one calendar of type `event`; HighLevel refuses both.

    None for one of the two is as if it was not said, and stays off the wire.
    """

    location_id: str
    start_time: Moment
    end_time: Moment
    title: str | None = None
    calendar_id: str | None = None
    assigned_user_id: str | None = None

    @model_validator(mode="before")
    @classmethod
    def none_is_not_said(cls, said: Any) -> Any:
        return {name: value for name, value in said.items() if value is not None} if isinstance(said, dict) else said

    @model_validator(mode="after")
    def of_one(self) -> Self:
        if (self.calendar_id is None) == (self.assigned_user_id is None):
            raise ValueError("either calendar_id or assigned_user_id, not both")
        _refuse_nobody(self.calendar_id, self.assigned_user_id)
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
        _refuse_nobody(self.calendar_id, self.assigned_user_id)
        refuse_backwards(self.start_time, self.end_time)
        return self


class ListBlockedSlots(Overlapping[BlockedSlotsReply], method="GET", path="/calendars/blocked-slots"):
    """Blocks that overlap a window."""


def _refuse_nobody(*ids: str | None) -> None:
    if "" in ids:
        raise ValueError("calendar_id or assigned_user_id is empty")


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
    return each_once(api, first, parts, lambda reply: reply.events, progress)
