"""Bookings and blocks, as a seed writes them: by name, on days that follow the sandbox's start."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, model_validator

from service.availability.hours import ONE_DAY, first_instant, hours_of_calendar
from service.availability.intervals import Interval
from service.highlevel.appointments import AppointmentStatus, CreateAppointment
from service.highlevel.blocked_slots import CreateBlockSlot
from service.highlevel.calendars import Calendar
from service.sandbox.api import blocks
from service.sandbox.api.appointments import book
from service.sandbox.booking.offers import Offers
from service.sandbox.booking.series import instances
from service.sandbox.outcome import Announcement
from service.sandbox.refusals import Refusal
from service.sandbox.seeds.hours import ClockTime
from service.sandbox.seeds.names import Names
from service.sandbox.world.records import Appointment, CreatedBy, Location, Record
from service.sandbox.world.world import World

SOURCE = "booking_widget"
"""Where seeded bookings say that they come from."""
MADE_BEFORE = timedelta(days=3)
"""So long before its time a booking of the past was made."""
UNCHECKED = {"ignore_free_slot_validation": True}
"""Without this HighLevel heeds no rule of a series; each of its slots is looked at all the same."""
LOOKED_AT = 366
"""Days among which an open one is looked for."""


def _not_today(day: int) -> int:
    if day == 0:
        raise ValueError("1 is the first open day after today, -1 the last one before it")
    return day


OpenDay = Annotated[int, Field(ge=-LOOKED_AT, le=LOOKED_AT), AfterValidator(_not_today)]
"""Counted from the day on which the sandbox starts, among the days that are open."""


class SeededBooking(Record):
    """Of one slot that the calendar offers; `weekly` makes so many of it, a week apart."""

    id: str | None = None
    calendar: str
    contact: str
    with_: str | None = Field(default=None, alias="with")
    day: OpenDay
    at: ClockTime
    title: str | None = None
    status: AppointmentStatus | None = None
    weekly: int | None = Field(default=None, ge=2, le=52)

    def lay(self, world: World, location: Location, known: "Known", place: str) -> None:
        """Into the diary, telling nobody. Raises ValueError."""
        calendar_id = known.calendars.id_of(self.calendar, f"{place}.calendar")
        calendar = world.calendars.find(location.id, calendar_id)
        if calendar is None:
            raise ValueError(f"{place}.calendar: a booking is of a calendar that the seed has")
        day = open_day(self.day, [calendar], world.now(), location.timezone, place)
        starts = first_instant(day, self.at, location.timezone)
        said: dict[str, Any] = {
            "title": self.title,
            "appointment_status": self.status,
            "assigned_user_id": self._whom(calendar, known, place),
            **({} if self.weekly is None else {"rrule": f"RRULE:FREQ=WEEKLY;COUNT={self.weekly}", **UNCHECKED}),
        }
        operation = CreateAppointment(
            calendar_id=calendar.id,
            location_id=location.id,
            contact_id=known.contacts.id_of(self.contact, f"{place}.contact"),
            start_time=starts.isoformat(),
            ignore_date_range=True,
            **{name: value for name, value in said.items() if value is not None},
        )
        try:
            outcome = book(world, location, operation, CreatedBy(source=SOURCE))
        except Refusal as refusal:
            raise ValueError(f"{place}: {_when(calendar, starts, location)}: {refusal.message}") from refusal
        for announcement in outcome.announcements:
            if isinstance(announcement, Announcement):
                self._place(world, location, calendar, announcement.appointment, place)

    def _whom(self, calendar: Calendar, known: "Known", place: str) -> str | None:
        """None where the calendar chooses, which it does not for a series."""
        if self.with_ is not None:
            return known.users.id_of(self.with_, f"{place}.with")
        if self.weekly is None or not calendar.team:
            return None
        if len(calendar.team) > 1:
            raise ValueError(f"{place}.with: has to be said of a series")
        return calendar.team[0]

    def _place(self, world: World, location: Location, calendar: Calendar, made: Appointment, place: str) -> None:
        """Under its id, made when people would have made it; each of a series has to have a slot of its own."""
        added = min(made.date_added, made.start_time - MADE_BEFORE)
        kept = made.changed(id=self.id or made.id, date_added=added, date_updated=added)
        if calendar.calendar_type == "collective":
            kept = kept.changed(users=tuple(each for each in calendar.team if each != kept.assigned_user_id))
        for each in (*instances(made, location.timezone), made):
            world.diary.remove(each)
        if world.appointment(location, kept.id) is not None:
            raise ValueError(f"{place}.id: another booking has it")
        whom = (kept.assigned_user_id,) if kept.assigned_user_id else None
        offers = Offers(world, location, calendar)
        for each in instances(kept, location.timezone):
            if each.takes_time and offers.at(each.start_time, people=whom, any_date=True) is None:
                raise ValueError(f"{place}.weekly: {_when(calendar, each.start_time, location)}: it is no free slot")
            world.diary.keep(each)
        world.diary.keep(kept)


class SeededBlock(Record):
    """Time that is taken from a user on every calendar, or from a calendar of type `event`."""

    id: str | None = None
    who: str
    day: OpenDay
    starts: ClockTime = Field(alias="from")
    until: ClockTime
    title: str = ""

    @model_validator(mode="after")
    def of_some_length(self) -> "SeededBlock":
        if self.starts >= self.until:
            raise ValueError("it has to start before it ends")
        return self

    def lay(self, world: World, location: Location, known: "Known", place: str) -> None:
        """Into the diary. Raises ValueError."""
        whose = known.subjects.id_of(self.who, f"{place}.who")
        calendar = world.calendars.find(location.id, whose)
        calendars = [calendar] if calendar else [each for each in world.calendars.of(location.id) if whose in each.team]
        day = open_day(self.day, calendars, world.now(), location.timezone, place)
        operation = CreateBlockSlot(
            location_id=location.id,
            title=self.title,
            start_time=first_instant(day, self.starts, location.timezone).isoformat(),
            end_time=first_instant(day, self.until, location.timezone).isoformat(),
            **({"calendar_id": whose} if calendar else {"assigned_user_id": whose}),
        )
        try:
            blocks.create(world, location, operation)
        except Refusal as refusal:
            raise ValueError(f"{place}: {refusal.message}") from refusal


class Known:
    """Who and what bookings may name at a location; a block may name a user or a calendar."""

    def __init__(self, users: Names, contacts: Names, calendars: Names, subjects: Names) -> None:
        self.users = users
        self.contacts = contacts
        self.calendars = calendars
        self.subjects = subjects


def open_day(number: int, calendars: Iterable[Calendar], now: datetime, zone: ZoneInfo, place: str) -> date:
    """The day of this number, counted from today, on which any of the calendars is open; without calendars every day
    is. Raises ValueError when none of a year is."""
    today = now.astimezone(zone).date()
    way = ONE_DAY if number > 0 else -ONE_DAY
    hours = [hours_of_calendar(calendar, zone) for calendar in calendars]
    day, left = today, abs(number)
    for _ in range(LOOKED_AT):
        day += way
        whole = Interval(first_instant(day, 0, zone), first_instant(day + ONE_DAY, 0, zone))
        if not hours or any(each.openings(whole) for each in hours):
            left -= 1
        if left == 0:
            return day
    raise ValueError(f"{place}.day: it is not open on so many days of a year")


def _when(calendar: Calendar, starts: datetime, location: Location) -> str:
    return f"{calendar.name}, {starts.astimezone(location.timezone):%a %d %b %H:%M}"
