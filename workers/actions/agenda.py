"""What people have on: whether they are free at the time of a booking, and how many bookings they have around it."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Literal, assert_never
from zoneinfo import ZoneInfo

from service.availability.intervals import Interval
from service.availability.slots import Booking as Taken
from service.availability.slots import Person, is_free
from service.highlevel.appointments import Appointment, ListEvents
from service.highlevel.blocked_slots import BlockedSlot, ListBlockedSlots
from service.highlevel.operation import Api, milliseconds
from service.trigger import TAKES_NO_TIME, Booking

Period = Literal["day", "week", "month"]


class Agenda:
    """Reads through `api`; the booking itself never counts."""

    def __init__(self, api: Api, booking: Booking, zone: ZoneInfo) -> None:
        self._api = api
        self._booking = booking
        self._zone = zone

    async def free(self, user_id: str) -> bool:
        """Whether nothing of this person, booking or block, overlaps the booking."""
        starts, ends = self._booking.starts, self._booking.ends
        wanted = Interval(starts, ends)
        booked = [Taken(stretch) for stretch in _stretches(await self._events(user_id, starts, ends))]
        if not is_free(Person(user_id, (), booked), wanted):
            return False
        blocks = await self._api(
            ListBlockedSlots(
                location_id=self._booking.location_id,
                user_id=user_id,
                start_time=milliseconds(starts),
                end_time=milliseconds(ends),
            )
        )
        blocked = _stretches(block for block in blocks.events if not block.deleted)
        return is_free(Person(user_id, (), blocked=blocked), wanted)

    async def count(self, user_id: str, period: Period) -> int:
        """Bookings of this person in the day, week (from Monday) or month of the booking, on the location's clock."""
        starts, ends = bounds(self._booking.starts.astimezone(self._zone), period)
        return len(await self._events(user_id, starts, ends))

    async def _events(self, user_id: str, starts: datetime, ends: datetime) -> list[Appointment]:
        answer = await self._api(
            ListEvents(
                location_id=self._booking.location_id,
                user_id=user_id,
                start_time=milliseconds(starts),
                end_time=milliseconds(ends),
            )
        )
        return [
            event
            for event in answer.events
            if event.id != self._booking.id
            and event.start_time < ends
            and starts < event.end_time
            and not event.deleted
            and event.appointment_status not in TAKES_NO_TIME
        ]


def _stretches(events: Iterable[Appointment | BlockedSlot]) -> list[Interval]:
    """Those of some length; HighLevel's own samples have some that end when they start."""
    return [Interval(event.start_time, event.end_time) for event in events if event.start_time < event.end_time]


def bounds(moment: datetime, period: Period) -> tuple[datetime, datetime]:
    """The first moment of the period that holds `moment`, and of the one after it, in its zone."""
    day = moment.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    match period:
        case "day":
            return day, day + timedelta(days=1)
        case "week":
            monday = day - timedelta(days=day.weekday())
            return monday, monday + timedelta(days=7)
        case "month":
            first = day.replace(day=1)
            return first, (first + timedelta(days=32)).replace(day=1)
        case _:
            assert_never(period)
