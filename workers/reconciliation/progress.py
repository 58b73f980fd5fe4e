"""How far a pass is and what it has found: kept after each list, so that another worker can go on from there."""

from datetime import datetime
from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict

Kind = Literal["calendar", "user", "elsewhere", "blocks_of_user", "blocks_of_calendar"]


class Part(BaseModel):
    """One list to be read. `elsewhere`: bookings that no list can show, on no calendar and of nobody that is listed."""

    model_config = ConfigDict(frozen=True)

    kind: Kind
    id: str = ""


class Found(BaseModel):
    """What a pass has found."""

    model_config = ConfigDict(frozen=True)

    bookings: int = 0
    """That were listed."""
    remembered: int = 0
    acted: int = 0
    waiting: int = 0
    """For approval."""
    left: int = 0
    """To the next pass, for something about them is under way, or parked."""
    blocks_gone: tuple[str, ...] = ()
    """Follows whose block is not where we put it."""
    skipped: tuple[str, ...] = ()
    """Lists that HighLevel refuses, or fails to give again and again, and how."""

    def more(self, **counts: int) -> "Found":
        return self.model_copy(update={name: getattr(self, name) + count for name, count in counts.items()})


class Progress(BaseModel):
    """The parts of a pass and how many of them are done."""

    model_config = ConfigDict(frozen=True)

    began_at: AwareDatetime
    parts: tuple[Part, ...]
    calendars: tuple[str, ...]
    users: tuple[str, ...]
    done: int = 0
    found: Found = Found()

    def too_old(self, now: datetime, seconds: float) -> bool:
        return (now - self.began_at).total_seconds() > seconds
