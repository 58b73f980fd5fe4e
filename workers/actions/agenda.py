"""What people have on: read at HighLevel, as far as it takes to know whether they can have a booking."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from service.availability.hours import hours_of_schedule
from service.availability.intervals import Interval, intersect
from service.availability.slots import Terms
from service.highlevel.appointments import Appointment, ListEvents
from service.highlevel.blocked_slots import ListBlockedSlots
from service.highlevel.calendars import Calendar, ListCalendars
from service.highlevel.errors import Refused
from service.highlevel.operation import Api, milliseconds
from service.highlevel.schedules import SearchSchedules
from service.store.reservations import Reservation
from service.trigger import TAKES_NO_TIME, Booking
from workers.assignment.diary import Diary, Taken
from workers.assignment.hindrances import (
    LONGEST_BUFFER,
    NO_BUFFERS,
    Buffers,
    Wanted,
    blocked,
    busy,
    calendars_near,
    off,
)
from workers.names import Profile
from workers.periods import Period, bounds
from workers.values import in_zone


@dataclass(frozen=True)
class Engaged:
    """`hindrance`: why they cannot have the booking, in words that follow their name. `counts`: bookings that start in
    each of the periods that were asked for."""

    hindrance: str | None
    counts: Mapping[Period, int] = field(default_factory=dict)


class Agenda:
    """Reads through `api`, of a person at a time, and no further than to the first thing that is in the way. What was
    decided and may not show there yet counts too; the booking itself never does."""

    def __init__(
        self, api: Api, booking: Booking, zone: ZoneInfo, calendar: Calendar, reserved: Sequence[Reservation] = ()
    ) -> None:
        """`calendar` is the booking's. `reserved`: what was, at the latest, when the first of HighLevel's lists is
        read."""
        self._api = api
        self._booking = booking
        self._zone = zone
        self._reserved = reserved
        self._buffers = {calendar.id: buffers_of(calendar)}
        self._every_calendar_read = False
        self._has_schedules = True
        starts, ends = in_zone(booking.starts, zone), in_zone(booking.ends, zone)
        self.wanted = Wanted(starts, ends, calendar.id, self._buffers[calendar.id], _per_slot(calendar))

    def off_by_file(self, profile: Profile) -> str | None:
        """By what the file says of the person's hours alone, for which nothing is read."""
        hours = profile.hours
        return off(self.wanted, hours.openings(self.wanted.starts, self.wanted.ends)) if hours else None

    async def of(self, user_id: str, profile: Profile, periods: Collection[Period] = ()) -> Engaged:
        """What this person has on, over all calendars. Periods are those of the booking, on the location's clock."""
        wanted = self.wanted
        asked: set[Period] = {*periods, "day"} if profile.per_day else {*periods}
        stretches = {period: bounds(wanted.starts, period) for period in asked}
        diary = await self._diary(user_id, *hull(self._booking, (around(self._booking), *stretches.values())))
        counts = {period: diary.count(*stretch) for period, stretch in stretches.items()}
        in_the_way = busy(wanted, diary, self._buffers, profile.buffer)
        if in_the_way is None and calendars_near(wanted, diary) - self._buffers.keys():
            await self._read_calendars()
            in_the_way = busy(wanted, diary, self._buffers, profile.buffer)
        full = profile.per_day is not None and counts["day"] >= profile.per_day
        if in_the_way is None and not full:
            in_the_way = blocked(wanted, await self._blocks(user_id)) or await self._off(user_id, profile)
        return Engaged(in_the_way, counts)

    async def _diary(self, user_id: str, first: datetime, end: datetime) -> Diary:
        """Each booking that keeps them busy between these."""
        answer = await self._api(
            ListEvents(
                location_id=self._booking.location_id,
                user_id=user_id,
                start_time=milliseconds(first),
                end_time=milliseconds(end),
            )
        )
        # Of an appointment that HighLevel shows with them already, it knows better than what we had in mind.
        shown = {event.id: _taken(event) if _takes_time(event) else None for event in answer.events}
        # On which calendar it is nobody remembers; the booking's own is as good a guess as any.
        reserved = {
            each.appointment_id: Taken(each.starts.timestamp(), each.ends.timestamp(), self._booking.calendar_id)
            for each in self._reserved
            if each.user_id == user_id
        }
        taken = {**reserved, **shown}
        taken.pop(self._booking.id, None)
        return Diary(each for each in taken.values() if each)

    async def _read_calendars(self) -> None:
        """The buffers of all calendars of the location, in one call."""
        if self._every_calendar_read:
            return
        listed = await self._api(ListCalendars(location_id=self._booking.location_id))
        self._buffers = {calendar.id: buffers_of(calendar) for calendar in listed.calendars} | self._buffers
        self._every_calendar_read = True

    async def _blocks(self, user_id: str) -> list[Interval]:
        time = self.wanted.interval
        answer = await self._api(
            ListBlockedSlots(
                location_id=self._booking.location_id,
                user_id=user_id,
                start_time=milliseconds(time.starts),
                end_time=milliseconds(time.ends),
            )
        )
        # HighLevel's own samples have some that end when they start.
        blocks = (block for block in answer.events if not block.deleted and block.start_time < block.end_time)
        return [Interval(block.start_time, block.end_time) for block in blocks]

    async def _off(self, user_id: str, profile: Profile) -> str | None:
        """By their schedule for the booking's calendar, if they have one, and by what the file says.

        The calendar's own hours are not asked: whoever booked at that time was offered it, or wanted it all the same.
        """
        if not self._has_schedules:
            return None
        asked = SearchSchedules(
            location_id=self._booking.location_id, user_id=user_id, calendar_id=self._booking.calendar_id
        )
        try:
            found = (await self._api(asked)).schedules
        except Refused:
            # An account has schedules only once they are switched on, and says no to everybody's before.
            self._has_schedules = False
            return None
        wanted = self.wanted
        window = Interval(*hull(self._booking, [bounds(wanted.starts, "day")]))
        schedules = [schedule for schedule in found if not schedule.deleted]
        if not schedules:
            return None
        try:
            openings = [
                opening
                for schedule in schedules
                for opening in hours_of_schedule(schedule.rules, schedule.timezone).openings(window)
            ]
        except ValueError as error:
            return f"has a schedule at HighLevel that cannot be read: {error}"
        if profile.hours:
            openings = intersect(openings, profile.hours.openings(wanted.starts, wanted.ends))
        return off(wanted, openings)


def buffers_of(calendar: Calendar) -> Buffers:
    """None where HighLevel shows lengths that cannot be."""
    try:
        terms = Terms.of(calendar)
    except ValueError:
        return NO_BUFFERS
    return Buffers(terms.before, terms.after)


def around(booking: Booking) -> tuple[datetime, datetime]:
    """The stretch in which others may be too near."""
    return booking.starts - LONGEST_BUFFER, booking.ends + LONGEST_BUFFER


def hull(booking: Booking, stretches: Iterable[tuple[datetime, datetime]]) -> tuple[datetime, datetime]:
    """The shortest stretch that holds the booking and all of these."""
    every = [(booking.starts, booking.ends), *stretches]
    return min(first for first, _ in every), max(end for _, end in every)


def _per_slot(calendar: Calendar) -> int:
    return max(int(calendar.appointment_per_slot or 1), 1)


def _taken(event: Appointment) -> Taken:
    return Taken(event.start_time.timestamp(), event.end_time.timestamp(), event.calendar_id)


def _takes_time(event: Appointment) -> bool:
    return not event.deleted and event.appointment_status not in TAKES_NO_TIME
