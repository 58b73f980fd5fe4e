"""Bookings and blocks, as a seed writes them: by name, on days that follow the sandbox's start."""

from collections.abc import Collection, Iterable
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
from service.sandbox.seeds.document import Place
from service.sandbox.seeds.hours import ClockTime, clock
from service.sandbox.seeds.names import Faults, Id, Names
from service.sandbox.seeds.reasons import why_not
from service.sandbox.seeds.words import quoted
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

    id: Id | None = None
    calendar: str
    contact: str
    with_: str | None = Field(default=None, alias="with")
    day: OpenDay
    at: ClockTime
    title: str | None = None
    status: AppointmentStatus | None = None
    weekly: int | None = Field(default=None, ge=2, le=52)

    def lay(self, world: World, location: Location, known: "Known", place: Place, faults: Faults) -> None:
        """Into the diary, telling nobody."""
        calendar_id = known.calendars.id_of(self.calendar, (*place, "calendar"), faults)
        contact_id = known.contacts.id_of(self.contact, (*place, "contact"), faults)
        whom = None if self.with_ is None else known.users.id_of(self.with_, (*place, "with"), faults)
        calendar = world.calendars.find(location.id, calendar_id)
        if calendar is None or calendar_id in known.unusable:
            return
        if contact_id and world.contact(location, contact_id) is None:
            faults.hidden = True
        if whom and whom not in calendar.team:
            faults.add((*place, "with"), f"{quoted(self.with_ or '')} is not on the team of {calendar.name}")
        if whom is None and self.weekly is not None and calendar.team:
            whom = calendar.team[0]
            if len(calendar.team) > 1:
                faults.add((*place, "with"), "has to be said of a series")
        day = open_day(self.day, [calendar], world.now(), location.timezone)
        if day is None:
            faults.add((*place, "day"), f"{calendar.name} is not open on so many days of a year")
        if day is None or faults:
            return
        starts = first_instant(day, self.at, location.timezone)
        said: dict[str, Any] = {
            "title": self.title,
            "appointment_status": self.status,
            "assigned_user_id": whom,
            **({} if self.weekly is None else {"rrule": f"RRULE:FREQ=WEEKLY;COUNT={self.weekly}", **UNCHECKED}),
        }
        operation = CreateAppointment(
            calendar_id=calendar.id,
            location_id=location.id,
            contact_id=contact_id,
            start_time=starts.isoformat(),
            ignore_date_range=True,
            **{name: value for name, value in said.items() if value is not None},
        )
        if self.id is not None and world.diary.appointment(self.id) is not None:
            faults.add((*place, "id"), f"another booking has the id {quoted(self.id)}")
        elif (
            self.weekly is None
            and Offers(world, location, calendar).at(starts, people=_only(whom), any_date=True) is None
        ):
            faults.add((*place, "at"), why_not(world, location, calendar, starts, whom))
        else:
            try:
                outcome = book(world, location, operation, CreatedBy(source=SOURCE))
            except Refusal as refusal:
                faults.add(place, str(refusal.message))
                return
            for announcement in outcome.announcements:
                if isinstance(announcement, Announcement):
                    self._place(world, location, calendar, announcement.appointment, place, faults)

    def _place(
        self, world: World, location: Location, calendar: Calendar, made: Appointment, place: Place, faults: Faults
    ) -> None:
        """Under its id, made when people would have made it; each of a series has to have a slot of its own."""
        added = min(made.date_added, made.start_time - MADE_BEFORE)
        kept = made.changed(id=self.id or made.id, date_added=added, date_updated=added)
        if calendar.calendar_type == "collective":
            kept = kept.changed(users=tuple(each for each in calendar.team if each != kept.assigned_user_id))
        for each in (*instances(made, location.timezone), made):
            world.diary.remove(each)
        offers = Offers(world, location, calendar)
        for each in instances(kept, location.timezone):
            whom = _only(kept.assigned_user_id)
            if each.takes_time and offers.at(each.start_time, people=whom, any_date=True) is None:
                first = each.start_time == kept.start_time
                said = why_not(world, location, calendar, each.start_time, kept.assigned_user_id)
                faults.add((*place, "at" if first else "weekly"), said)
                return
            world.diary.keep(each)
        world.diary.keep(kept)


class SeededBlock(Record):
    """Time that is taken from a user on every calendar, or from a calendar of type `event`."""

    id: Id | None = None
    who: str
    day: OpenDay
    starts: ClockTime = Field(alias="from")
    until: ClockTime
    title: str = ""

    @model_validator(mode="after")
    def of_some_length(self) -> "SeededBlock":
        if self.starts >= self.until:
            raise ValueError(f"{clock(self.starts)} to {clock(self.until)}: it has to start before it ends")
        return self

    def lay(self, world: World, location: Location, known: "Known", place: Place, faults: Faults) -> None:
        """Into the diary."""
        whose = known.subjects.id_of(self.who, (*place, "who"), faults)
        if faults or whose in known.unusable:
            return
        calendar = world.calendars.find(location.id, whose)
        if calendar is None and world.user(location, whose) is None:
            return
        calendars = [calendar] if calendar else [each for each in world.calendars.of(location.id) if whose in each.team]
        day = open_day(self.day, calendars, world.now(), location.timezone)
        if day is None:
            faults.add((*place, "day"), f"{quoted(self.who)} is not open on so many days of a year")
            return
        operation = CreateBlockSlot(
            location_id=location.id,
            title=self.title,
            start_time=first_instant(day, self.starts, location.timezone).isoformat(),
            end_time=first_instant(day, self.until, location.timezone).isoformat(),
            **({"calendar_id": whose} if calendar else {"assigned_user_id": whose}),
        )
        if self.id is not None and world.block(location, self.id) is not None:
            faults.add((*place, "id"), f"another block has the id {quoted(self.id)}")
            return
        try:
            made = world.block(location, blocks.create(world, location, operation).body["id"])
        except Refusal as refusal:
            faults.add((*place, "who"), str(refusal.message))
            return
        if made is not None and self.id is not None:
            world.diary.remove_block(made)
            world.diary.keep_block(made.model_copy(update={"id": self.id}))


class Known:
    """Who and what bookings may name at a location; a block may name a user or a calendar."""

    def __init__(
        self, users: Names, contacts: Names, calendars: Names, subjects: Names, unusable: Collection[str] = ()
    ) -> None:
        self.users = users
        self.contacts = contacts
        self.calendars = calendars
        self.subjects = subjects
        self.unusable = unusable
        """Ids of calendars in which something is wrong: of their days and slots nothing can be said."""


def open_day(number: int, calendars: Iterable[Calendar], now: datetime, zone: ZoneInfo) -> date | None:
    """The day of this number, counted from today, on which any of the calendars is open; without calendars every day
    is. None when so many of a year are not."""
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
    return None


def _only(person: str | None) -> tuple[str, ...] | None:
    return None if person is None else (person,)
