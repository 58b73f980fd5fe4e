"""Long stretches of time read window by window, from the real sandbox."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from itertools import pairwise
from typing import cast

import pytest

from service.highlevel.appointments import CreateAppointment, DeleteEvent, events_between
from service.highlevel.blocked_slots import CreateBlockSlot, blocks_between
from service.highlevel.client import HighLevel
from service.highlevel.free_slots import FreeSlots, free_slots_between
from service.highlevel.notes import CreateNote, ListNotes, notes_of
from service.highlevel.operation import Operation, ReplyT, milliseconds
from service.highlevel.windows import MONTH, windows
from tests.sandboxes import ADA, CONSULTATIONS, DANA, LOCATION, MONDAY, ROOM, running

HOUR, DAY, MILLISECOND = timedelta(hours=1), timedelta(days=1), timedelta(milliseconds=1)
END = MONDAY + 4 * DAY


@pytest.fixture
async def api() -> AsyncIterator[HighLevel]:
    async with (
        running(told=False) as sandbox,
        HighLevel(str(sandbox.client.make_url("")), "pit-sandbox-demo") as client,
    ):
        yield client


async def book(api: HighLevel, start: datetime, length: timedelta, title: str) -> str:
    booked = await api(
        CreateAppointment(
            calendar_id=ROOM,
            location_id=LOCATION,
            contact_id=ADA,
            start_time=start.isoformat(),
            end_time=(start + length).isoformat(),
            title=title,
            ignore_free_slot_validation=True,
        )
    )
    return booked.id


@pytest.fixture
async def week(api: HighLevel) -> list[str]:
    """What stands in the training room, by its beginning: within a day, from one to the next, over several."""
    booked = [
        await book(api, start, length, title)
        for start, length, title in (
            (MONDAY - 2 * HOUR, 3 * HOUR, "begun before"),
            (MONDAY, DAY, "exactly a day"),
            (MONDAY + 20 * HOUR, 8 * HOUR, "over a seam"),
            (MONDAY + DAY, 2 * DAY, "over all of several windows"),
            (MONDAY + 3 * DAY, HOUR, "from a seam on"),
            (END - HOUR, 2 * HOUR, "ending later"),
        )
    ]
    await api(DeleteEvent(event_id=booked[4]))
    await book(api, MONDAY - 5 * HOUR, HOUR, "over before")
    await book(api, END + HOUR, HOUR, "begun later")
    return booked


@pytest.mark.parametrize("window", [MONTH, DAY, 7 * HOUR, timedelta(hours=2, microseconds=1)], ids=str)
async def test_appointments_come_once_and_in_order_whatever_the_window(
    api: HighLevel, week: list[str], window: timedelta
) -> None:
    told: list[tuple[int, int]] = []
    found = [
        event
        async for event in events_between(
            api,
            LOCATION,
            MONDAY,
            END,
            calendar_id=ROOM,
            window=window,
            progress=lambda done, of: told.append((done, of)),
        )
    ]
    assert [event.id for event in found] == week
    assert [event.id for event in found if event.deleted] == [week[4]]
    assert told == [(done, len(told)) for done in range(1, len(told) + 1)]
    assert len(told) == -((MONDAY - END) // (window // MILLISECOND * MILLISECOND))


@pytest.mark.parametrize("window", [MONTH, 5 * HOUR], ids=str)
async def test_blocks_come_once_and_in_order_whatever_the_window(api: HighLevel, window: timedelta) -> None:
    written = [
        await api(
            CreateBlockSlot(
                location_id=LOCATION,
                start_time=(MONDAY + hours * HOUR).isoformat(),
                end_time=(MONDAY + (hours + 8) * HOUR).isoformat(),
                assigned_user_id=DANA,
            )
        )
        for hours in (3, 30, 55)
    ]
    found = [block.id async for block in blocks_between(api, LOCATION, MONDAY, END, user_id=DANA, window=window)]
    assert found == [block.id for block in written]


async def test_free_slots_of_a_long_range_are_those_of_each_day_of_it(api: HighLevel) -> None:
    start, end = MONDAY + timedelta(hours=2, minutes=30), MONDAY + 70 * DAY
    told: list[tuple[int, int]] = []
    found = [
        slot
        async for slot in free_slots_between(
            api, CONSULTATIONS, start, end, timezone="Asia/Kolkata", progress=lambda done, of: told.append((done, of))
        )
    ]
    daily = [
        slot
        for day in range(70)
        for slot in (
            await api(
                FreeSlots(
                    calendar_id=CONSULTATIONS,
                    start_date=milliseconds(MONDAY + day * DAY),
                    end_date=milliseconds(MONDAY + (day + 1) * DAY),
                    timezone="Asia/Kolkata",
                )
            )
        ).slots
    ]
    assert found == [slot for slot in daily if slot.time >= start]
    assert found[0] == "2026-03-23T16:00:00+05:30"
    assert len(set(found)) == len(found) > 500
    assert told == [(1, 3), (2, 3), (3, 3)]


async def test_free_slots_keep_to_the_range_also_where_whole_days_are_answered(api: HighLevel) -> None:
    """HighLevel may take its days as they are, so what it offers may lie outside of what was asked."""

    async def by_days(operation: Operation[ReplyT], /) -> ReplyT:
        assert isinstance(operation, FreeSlots)
        day, longest = DAY // MILLISECOND, MONTH // MILLISECOND
        first = operation.start_date // day * day
        last = min(-(-operation.end_date // day) * day, first + longest)
        return await api(
            cast("Operation[ReplyT]", operation.model_copy(update={"start_date": first, "end_date": last}))
        )

    start, end = MONDAY + timedelta(hours=3, minutes=15), MONDAY + 39 * DAY + timedelta(hours=6)
    exact, rounded = [
        [slot async for slot in free_slots_between(asked, CONSULTATIONS, start, end)] for asked in (api, by_days)
    ]
    assert rounded == exact
    assert (exact[0].time, exact[-1].time < end) == (MONDAY + timedelta(hours=3, minutes=30), True)


async def test_no_free_slot_is_lost_at_a_seam_also_where_it_must_end_within_its_window(api: HighLevel) -> None:
    async def ending_within(operation: Operation[ReplyT], /) -> ReplyT:
        assert isinstance(operation, FreeSlots)
        earlier = operation.end_date - HOUR // 2 // MILLISECOND
        return await api(cast("Operation[ReplyT]", operation.model_copy(update={"end_date": earlier})))

    start, end = MONDAY + 3 * HOUR, MONDAY + 70 * DAY - 6 * HOUR
    exact, within = [
        [slot async for slot in free_slots_between(asked, CONSULTATIONS, start, end)] for asked in (api, ending_within)
    ]
    assert within == exact


def test_windows_cover_a_stretch_to_its_last_millisecond() -> None:
    parts = windows(MONDAY, MONDAY + 70 * DAY, MONTH, overlap=DAY)
    assert (parts[0].start, parts[-1].end) == (milliseconds(MONDAY), milliseconds(MONDAY + 70 * DAY))
    assert [one.end - other.start for one, other in pairwise(parts)] == [86_400_000] * 2
    assert max(part.end - part.start for part in parts) == 31 * 86_400_000
    assert [len(windows(MONDAY, MONDAY + length, MONTH)) for length in (0 * DAY, MONTH, MONTH + HOUR)] == [1, 1, 2]


@pytest.mark.parametrize(
    ("start", "end", "length"),
    [
        (MONDAY.replace(tzinfo=None), END, DAY),
        (MONDAY, END.replace(tzinfo=None), DAY),
        (MONDAY, MONDAY - DAY, DAY),
        (MONDAY, END, timedelta()),
        (MONDAY, END, timedelta(microseconds=999)),
        (MONDAY, END, -DAY),
    ],
)
def test_a_stretch_that_leads_nowhere_is_refused(start: datetime, end: datetime, length: timedelta) -> None:
    with pytest.raises(ValueError, match=r"offset|before|longer"):
        windows(start, end, length)


async def test_a_listing_of_nobody_is_refused_before_anything_is_asked(api: HighLevel) -> None:
    with pytest.raises(ValueError, match="user_id, calendar_id or group_id"):
        events_between(api, LOCATION, MONDAY, END)
    with pytest.raises(ValueError, match="user_id, calendar_id or group_id"):
        blocks_between(api, LOCATION, MONDAY, END)


NOTES = 45


@pytest.fixture
async def noted(api: HighLevel) -> tuple[str, list[str]]:
    """An appointment, and the ids of its notes in their order."""
    booked = await book(api, MONDAY, HOUR, "with notes")
    notes = [await api(CreateNote(appointment_id=booked, body=str(number))) for number in range(NOTES)]
    return booked, [note.note.id for note in notes]


class Going:
    """The sandbox, whose list of notes loses its first so many, each time that so many pages are read."""

    def __init__(self, api: HighLevel, gone: dict[int, int], **said: bool | None) -> None:
        self.api, self.gone, self.said = api, gone, said
        self.pages: list[int] = []

    async def __call__(self, operation: Operation[ReplyT], /) -> ReplyT:
        assert isinstance(operation, ListNotes)
        slid = sum(number for pages, number in self.gone.items() if pages <= len(self.pages))
        self.pages.append(operation.offset)
        left = operation.model_copy(update={"offset": operation.offset + slid})
        reply = await self.api(cast("Operation[ReplyT]", left))
        return reply.model_copy(update=self.said)


@pytest.mark.parametrize(
    "gone",
    [{}, {1: 1}, {1: 2}, {1: 20}, {1: 19, 2: 1}, {2: 3}, {1: 1, 2: 1, 3: 1, 4: 1}, {2: 30}, {1: 40}, {1: 45}],
    ids=str,
)
@pytest.mark.parametrize("said", [{}, {"has_more": None}], ids=["said", "unsaid"])
async def test_no_note_is_missed_when_others_go_meanwhile(
    api: HighLevel, noted: tuple[str, list[str]], gone: dict[int, int], said: dict[str, bool | None]
) -> None:
    booked, ids = noted
    losing = Going(api, gone, **said)
    found = [note.id async for note in notes_of(losing, booked)]
    assert len(set(found)) == len(found)
    assert set(ids[sum(gone.values()) :]) <= set(found)
    assert gone or (found, losing.pages) == (ids, [0, 19, 38])


async def test_a_list_that_promises_more_than_it_has_comes_to_an_end(
    api: HighLevel, noted: tuple[str, list[str]]
) -> None:
    booked, ids = noted
    assert [note.id async for note in notes_of(Going(api, {}, has_more=True), booked)] == ids
