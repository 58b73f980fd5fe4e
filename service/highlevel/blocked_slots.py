"""Blocked slots: time in which nobody can book."""

from pydantic import AwareDatetime, Field, model_validator

from service.highlevel.appointments import OptionalText
from service.highlevel.operation import Moment, Operation, Reply


class BlockedSlot(Reply):
    id: str
    location_id: str
    title: str = ""
    start_time: AwareDatetime
    end_time: AwareDatetime
    calendar_id: OptionalText = None
    assigned_user_id: OptionalText = None
    date_added: AwareDatetime | None = None
    deleted: bool = False


class BlockedSlotsReply(Reply):
    events: tuple[BlockedSlot, ...] = ()


class _BlockSlot(Operation[BlockedSlot]):
    """Whom it blocks: a person on every calendar or one calendar of type `event`; HighLevel refuses both."""

    location_id: str
    start_time: Moment
    end_time: Moment
    title: str | None = None
    calendar_id: str | None = None
    assigned_user_id: str | None = None

    @model_validator(mode="after")
    def of_one(self) -> "_BlockSlot":
        if (self.calendar_id is None) == (self.assigned_user_id is None):
            raise ValueError("either calendar_id or assigned_user_id, not both")
        return self


class CreateBlockSlot(_BlockSlot, method="POST", path="/calendars/events/block-slots", success=201):
    """Block time."""


class EditBlockSlot(_BlockSlot, method="PUT", path="/calendars/events/block-slots/{event_id}", success=201):
    """Move a block, or give it to somebody else."""

    event_id: str


class ListBlockedSlots(Operation[BlockedSlotsReply], method="GET", path="/calendars/blocked-slots"):
    """Blocks that overlap a window (epoch milliseconds)."""

    location_id: str
    start_time: int = Field(ge=0)
    end_time: int = Field(ge=0)
    user_id: str | None = None
    calendar_id: str | None = None
    group_id: str | None = None
