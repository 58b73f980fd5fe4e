"""What people have on: whether they are free at the time of a booking, and how many bookings they have around it."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from service.availability.intervals import Interval
from service.availability.slots import Booking as Taken
from service.availability.slots import Person, is_free
from service.highlevel.appointments import Appointment, ListEvents
from service.highlevel.blocked_slots import ListBlockedSlots
from service.highlevel.operation import Api, milliseconds
from service.store.reservations import Reservation
from service.trigger import TAKES_NO_TIME, Booking
from workers.assignment.period import Period, bounds


@dataclass(frozen=True)
class Engaged:
    """`counts`: bookings that start in each of the periods that were asked for."""

    free: bool
    counts: Mapping[Period, int]


class Agenda:
    """Reads through `api`. What was decided and may not show there yet counts too; the booking itself never does."""

    def __init__(self, api: Api, booking: Booking, zone: ZoneInfo, reserved: Sequence[Reservation] = ()) -> None:
        """`reserved`: what was, at the latest, when the first of HighLevel's lists is read."""
        self._api = api
        self._booking = booking
        self._starts = booking.starts.astimezone(zone)
        self._reserved = reserved

    async def of(self, user_id: str, periods: Collection[Period] = ()) -> Engaged:
        """What this person has on, over all calendars. Periods are those of the booking, on the location's clock."""
        stretches = {period: bounds(self._starts, period) for period in periods}
        booked = await self._booked(user_id, *hull(self._booking, stretches.values()))
        counts = {
            period: sum(first <= starts < end for starts, _ in booked.values())
            for period, (first, end) in stretches.items()
        }
        return Engaged(await self._free(user_id, booked.values()), counts)

    async def _free(self, user_id: str, booked: Iterable[tuple[datetime, datetime]]) -> bool:
        """Whether nothing of this person, booking or block, overlaps the booking."""
        wanted = Interval(self._booking.starts, self._booking.ends)
        taken = [Taken(stretch) for stretch in _stretches(booked)]
        if not is_free(Person(user_id, (), taken), wanted):
            return False
        answer = await self._api(
            ListBlockedSlots(
                location_id=self._booking.location_id,
                user_id=user_id,
                start_time=milliseconds(wanted.starts),
                end_time=milliseconds(wanted.ends),
            )
        )
        blocks = (block for block in answer.events if not block.deleted)
        blocked = _stretches((block.start_time, block.end_time) for block in blocks)
        return is_free(Person(user_id, (), blocked=blocked), wanted)

    async def _booked(self, user_id: str, first: datetime, end: datetime) -> dict[str, tuple[datetime, datetime]]:
        """Start and end of each booking that keeps them busy between these, by its appointment."""
        answer = await self._api(
            ListEvents(
                location_id=self._booking.location_id,
                user_id=user_id,
                start_time=milliseconds(first),
                end_time=milliseconds(end),
            )
        )
        # Of an appointment that HighLevel shows with them already, it knows better than what we had in mind.
        shown = {
            event.id: (event.start_time, event.end_time) if _takes_time(event) else None for event in answer.events
        }
        reserved = {each.appointment_id: (each.starts, each.ends) for each in self._reserved if each.user_id == user_id}
        return {
            appointment_id: times
            for appointment_id, times in {**reserved, **shown}.items()
            if times and appointment_id != self._booking.id and times[0] < end and first < times[1]
        }


def hull(booking: Booking, stretches: Iterable[tuple[datetime, datetime]]) -> tuple[datetime, datetime]:
    """The shortest stretch that holds the booking and all of these."""
    every = [(booking.starts, booking.ends), *stretches]
    return min(first for first, _ in every), max(end for _, end in every)


def _takes_time(event: Appointment) -> bool:
    return not event.deleted and event.appointment_status not in TAKES_NO_TIME


def _stretches(times: Iterable[tuple[datetime, datetime]]) -> list[Interval]:
    """Those of some length; HighLevel's own samples have some that end when they start."""
    return [Interval(starts, ends) for starts, ends in times if starts < ends]
