"""Slots on offer: the hours of a calendar and its people, less what they have on."""

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from dateutil.relativedelta import relativedelta

from service.availability.hours import first_instant, hours_of_calendar, hours_of_schedule
from service.availability.intervals import Interval
from service.availability.slots import INSTANT, Booking, Offer, Person, Terms, hidden, offers
from service.highlevel.calendars import Calendar
from service.highlevel.event_calendar_schedules import EventCalendarSchedule
from service.highlevel.schedules import Schedule
from service.sandbox.booking.engagements import bookings
from service.sandbox.world.agenda import Subject
from service.sandbox.world.records import Location
from service.sandbox.world.world import World

AROUND = timedelta(days=2)
"""Further away than this no opening and no buffer reaches."""
FAR = timedelta(days=400 * 365)
END = datetime(9991, 1, 1, tzinfo=UTC)


class Offers:
    """What one calendar offers, as things stand now."""

    def __init__(self, world: World, location: Location, calendar: Calendar) -> None:
        self._world = world
        self._location = location
        self._calendar = calendar
        self._terms = Terms.of(calendar)
        self._openings: dict[tuple[str, Interval], list[Interval]] = {}

    def between(
        self, window: Interval, *, people: tuple[str, ...] | None = None, but: str | None = None, any_date: bool = False
    ) -> list[Offer]:
        """Slots that start in the window, earliest first; without a team their `people` are none.

        `people` asks about those of the team only; `but` is an appointment whose own time counts as free; `any_date`
        offers what is over, too soon or too far away, too.
        """
        calendar, window = self._calendar, _within_all_calendars(window)
        if not calendar.is_active:
            return []
        first, last = (window.starts, window.ends) if any_date else self._bookable(window)
        if first >= last:
            return []
        extent = Interval(first - AROUND, last + AROUND)
        if calendar.team:
            asked = calendar.team if people is None or self._terms.together else people
            persons = [self._person(member, extent, but) for member in calendar.team if member in asked]
        else:
            persons = [self._nobody(extent, but)]
        found = offers(
            self._terms,
            persons,
            zone=self._location.timezone,
            earliest=first,
            latest=last,
            booked=self._booked(extent, but) if self._terms.per_day else {},
        )
        return found if calendar.team else [Offer(offer.start, ()) for offer in found]

    def at(
        self, start: datetime, *, people: tuple[str, ...] | None = None, but: str | None = None, any_date: bool = False
    ) -> Offer | None:
        """The slot that starts at this very instant."""
        found = self.between(Interval(start, start + INSTANT), people=people, but=but, any_date=any_date)
        return found[0] if found else None

    def shown(self, window: Interval, *, people: tuple[str, ...] | None = None) -> list[Offer]:
        """What is shown of them: all, unless the calendar looks busy. Then some are hidden of each whole day of the
        location, what is over, too soon or too far away among it, so that every window shows the same ones."""
        busy, zone = self._calendar.look_busy_config, self._location.timezone
        window = _within_all_calendars(window)
        if busy is None or not busy.enabled or window.starts >= window.ends:
            return self.between(window, people=people)
        days = Interval(_midnight(window.starts, zone), _midnight(window.ends - INSTANT, zone, days_later=1))
        left = hidden(
            self.between(days, people=people, any_date=True), busy.look_busy_percentage, self._calendar.id, zone
        )
        first, last = self._bookable(window)
        return [offer for offer in left if first <= offer.start < last]

    def openings(self, window: Interval, *, person: str | None = None) -> list[Interval]:
        """When it can be booked as far as hours go: of anybody on the team, or of one `person`."""
        members = self._calendar.team or (None,) if person is None else (person,)
        return [opening for member in dict.fromkeys(members) for opening in self._openings_of(member, window)]

    def _bookable(self, window: Interval) -> tuple[datetime, datetime]:
        """The window, from the shortest notice on and up to the horizon."""
        calendar, now = self._calendar, self._world.now()
        zone = self._location.timezone
        first = max(window.starts, _later(now, calendar.allow_booking_after, calendar.allow_booking_after_unit, zone))
        if not calendar.allow_booking_for:
            return first, window.ends
        return first, min(window.ends, _later(now, calendar.allow_booking_for, calendar.allow_booking_for_unit, zone))

    def _person(self, member: str, extent: Interval, but: str | None) -> Person:
        return Person(
            id=member,
            open_times=self._openings_of(member, extent),
            bookings=self._bookings(("person", member), extent, but),
            blocked=[
                *self._blocked(("person", member), extent),
                *self._blocked(("calendar", self._calendar.id), extent),
            ],
        )

    def _nobody(self, extent: Interval, but: str | None) -> Person:
        """The calendar itself, where it has no team."""
        subject = ("calendar", self._calendar.id)
        return Person(
            id="",
            open_times=self._openings_of(None, extent),
            bookings=self._bookings(subject, extent, but),
            blocked=self._blocked(subject, extent),
        )

    def _openings_of(self, member: str | None, extent: Interval) -> list[Interval]:
        """Those of the person's schedule for this calendar, or of an event calendar's own, or the calendar's hours."""
        of_their_own = None if member is None else self._schedule_of(member)
        schedule = of_their_own or self._event_schedule()
        key = ("" if of_their_own is None else of_their_own.id, extent)
        if key not in self._openings:
            hours = (
                hours_of_calendar(self._calendar, self._location.timezone)
                if schedule is None
                else hours_of_schedule(schedule.rules, schedule.timezone)
            )
            self._openings[key] = hours.openings(extent)
        return self._openings[key]

    def _event_schedule(self) -> EventCalendarSchedule | None:
        return self._world.event_schedules.find(self._location.id, self._calendar.id)

    def _schedule_of(self, member: str) -> Schedule | None:
        for schedule in self._world.schedules.of(self._location.id):
            if schedule.user_id == member and self._calendar.id in schedule.calendar_ids:
                return schedule
        return None

    def _blocked(self, subject: Subject, extent: Interval) -> list[Interval]:
        return [block.interval for block in self._world.diary.blocks_of(subject, self._location.id, extent)]

    def _bookings(self, subject: Subject, extent: Interval, but: str | None) -> list[Booking]:
        return bookings(self._world, self._location, subject, extent, here=self._calendar.id, but=but)

    def _booked(self, extent: Interval, but: str | None) -> Mapping[date, int]:
        """How many bookings this calendar has on each day."""
        zone = self._location.timezone
        return Counter(
            appointment.start_time.astimezone(zone).date()
            for appointment in self._world.diary.appointments_of(("calendar", self._calendar.id), extent)
            if appointment.location_id == self._location.id
            and appointment.takes_time
            and not appointment.is_or_belongs_to(but)
        )


def _within_all_calendars(window: Interval) -> Interval:
    """Nothing is on offer after the last day that anything can be reckoned around."""
    return Interval(min(window.starts, END), min(window.ends, END))


def _midnight(moment: datetime, zone: ZoneInfo, *, days_later: int = 0) -> datetime:
    return first_instant(moment.astimezone(zone).date() + timedelta(days=days_later), 0, zone)


def _later(now: datetime, amount: float | None, unit: str | None, zone: ZoneInfo) -> datetime:
    """Days and longer by the calendar on the wall: tomorrow at the same time, whatever the clocks do."""
    length = max(amount or 0, 0)
    try:
        match unit:
            case "mins":
                return now + timedelta(minutes=length)
            case "hours":
                return now + timedelta(hours=length)
            case "weeks":
                step = relativedelta(weeks=int(length))
            case "months":
                step = relativedelta(months=int(length))
            case _:
                step = relativedelta(days=int(length))
        return now.astimezone(zone) + step
    except (OverflowError, ValueError):
        return now + FAR
