"""Free slots: the times a calendar offers."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from functools import cached_property
from itertools import chain
from typing import Any, Self

from pydantic import Field, model_validator

from service.highlevel.operation import Api, Milliseconds, Operation
from service.highlevel.reply import Reply, no_refusal
from service.highlevel.windows import MONTH, Progress, windows

DAY = timedelta(days=1)


class Slot(str):
    """The beginning of an offered slot, as it was sent: booking it takes this very text."""

    __slots__ = ()

    @property
    def time(self) -> datetime:
        """The same instant, with the offset it was sent with."""
        return datetime.fromisoformat(self)


class FreeSlotsReply(Reply):
    """A day without a slot may be missing or empty; a slot that is no instant with an offset makes the answer
    unreadable."""

    texts: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """The slots of each day, as sent; what is asked of them are `days` and `slots`."""
    trace_id: str | None = None

    @model_validator(mode="before")
    @classmethod
    def days_apart(cls, answer: Any) -> Any:
        """The answer is a map of days with a `traceId` among them."""
        if not isinstance(no_refusal(answer), dict) or "texts" in answer:
            return answer
        days = {day: value for day, value in answer.items() if day[:1].isdigit()}
        others = {name: value for name, value in answer.items() if name not in days}
        slots = {day: _slots(value) for day, value in days.items()}
        return {**others, "texts": slots}

    @model_validator(mode="after")
    def every_slot_is_an_instant(self) -> Self:
        for slots in self.texts.values():
            if None in [moment.tzinfo for moment in map(datetime.fromisoformat, slots)]:
                raise ValueError("a slot has no offset")
        return self

    @cached_property
    def days(self) -> dict[str, tuple[Slot, ...]]:
        """By day (`YYYY-MM-DD`) of the zone asked for."""
        return {day: tuple(map(Slot, texts)) for day, texts in self.texts.items()}

    @cached_property
    def slots(self) -> tuple[Slot, ...]:
        """Every slot, earliest first."""
        return tuple(sorted(chain.from_iterable(self.days.values()), key=datetime.fromisoformat))


def _slots(day: Any) -> Any:
    found = day.get("slots") if isinstance(day, dict) else day
    return () if found is None and day is not None else found


class FreeSlots(Operation[FreeSlotsReply], method="GET", path="/calendars/{calendar_id}/free-slots"):
    """Slots on offer between two instants at most 31 days apart. A calendar that looks busy hides some."""

    calendar_id: str
    start_date: Milliseconds
    end_date: Milliseconds
    timezone: str | None = None
    user_id: str | None = None
    user_ids: tuple[str, ...] | None = None

    @model_validator(mode="after")
    def at_most_31_days(self) -> Self:
        if not 0 <= self.end_date - self.start_date <= MONTH // timedelta(milliseconds=1):
            raise ValueError("free slots are read over at most 31 days, end_date not before start_date")
        return self


async def free_slots_between(
    api: Api,
    calendar_id: str,
    start: datetime,
    end: datetime,
    *,
    timezone: str | None = None,
    user_id: str | None = None,
    user_ids: tuple[str, ...] | None = None,
    progress: Progress | None = None,
) -> AsyncIterator[Slot]:
    """Every slot that begins from `start` on and before `end`, earliest first, none twice.

    Windows overlap by a day, so that none is lost at a seam, whichever way HighLevel cuts a window off.
    """
    parts = windows(start, end, MONTH, overlap=DAY)
    latest: datetime | None = None
    for done, window in enumerate(parts, start=1):
        offered = await api(
            FreeSlots(
                calendar_id=calendar_id,
                start_date=window.start,
                end_date=window.end,
                timezone=timezone,
                user_id=user_id,
                user_ids=user_ids,
            )
        )
        for slot in offered.slots:
            time = slot.time
            if start <= time < end and (latest is None or latest < time):
                latest = time
                yield slot
        if progress is not None:
            progress(done, len(parts))
