"""A long stretch of time, read window by window."""

from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Generic, Protocol, Self, TypeVar

from pydantic import model_validator

from service.highlevel.operation import Api, Milliseconds, Operation, ReplyT, ReplyT_co, milliseconds

MONTH = timedelta(days=31)

Progress = Callable[[int, int], None]
"""Told after each window how many are done, and of how many."""


@dataclass(frozen=True)
class Window:
    """From, and up to, in milliseconds since 1970."""

    start: int
    end: int


class Timed(Protocol):
    """What has an id and a beginning: an appointment, a block."""

    @property
    def id(self) -> str: ...

    @property
    def start_time(self) -> datetime: ...


TimedT = TypeVar("TimedT", bound=Timed)


def windows(start: datetime, end: datetime, length: timedelta, overlap: timedelta = timedelta()) -> tuple[Window, ...]:
    """One or more that cover the stretch, each beginning `overlap` before the end of the one before it.

    Raises ValueError for naive times, for an end before the start and for windows that lead nowhere.
    """
    if start.tzinfo is None or end.tzinfo is None:
        raise ValueError("start and end need an offset")
    if end < start:
        raise ValueError("end is before start")
    whole, step = length // timedelta(milliseconds=1), (length - overlap) // timedelta(milliseconds=1)
    if step < 1:
        raise ValueError("a window is longer than nothing")
    first, last = milliseconds(start), milliseconds(end)
    found = [Window(first, min(first + whole, last))]
    while found[-1].end < last:
        begin = found[-1].start + step
        found.append(Window(begin, min(begin + whole, last)))
    return tuple(found)


class Overlapping(Operation[ReplyT_co], Generic[ReplyT_co]):
    """What overlaps a window, of a user, a calendar or a group: HighLevel wants one of them at least."""

    location_id: str
    start_time: Milliseconds
    end_time: Milliseconds
    user_id: str | None = None
    calendar_id: str | None = None
    group_id: str | None = None

    @model_validator(mode="after")
    def of_somebody(self) -> Self:
        if not (self.user_id or self.calendar_id or self.group_id):
            raise ValueError("one of user_id, calendar_id or group_id is needed")
        if self.end_time < self.start_time:
            raise ValueError("end_time is before start_time")
        return self


async def each_once(
    api: Api,
    listing: Overlapping[ReplyT],
    windows: Sequence[Window],
    items_of: Callable[[ReplyT], Iterable[TimedT]],
    progress: Progress | None,
) -> AsyncIterator[TimedT]:
    """By their beginning; what overlaps two windows, or moves while they are read, comes once, as first seen."""
    known: set[str] = set()
    for done, window in enumerate(windows, start=1):
        reply = await api(listing.model_copy(update={"start_time": window.start, "end_time": window.end}))
        for item in sorted(items_of(reply), key=lambda item: (item.start_time, item.id)):
            if item.id not in known:
                known.add(item.id)
                yield item
        if progress is not None:
            progress(done, len(windows))
