"""What is looked at: a location, one of its calendars or people, a week, by the clock of a zone."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Any
from urllib.parse import quote, urlencode
from zoneinfo import ZoneInfo

from service.availability.hours import first_instant
from service.availability.intervals import Interval
from service.highlevel.calendars import Calendar
from service.highlevel.users import User
from service.sandbox.lever import ROOT
from service.sandbox.page.words import local, name_of
from service.sandbox.world.records import Location
from service.sandbox.world.world import World

WEEK_PATH = f"{ROOT}/"
PAGES = f"{ROOT}/page"
"""Where everything but the week is."""
YEARS = range(1971, 9000)
ZONES = ("UTC", "Europe/London", "Europe/Berlin", "America/New_York", "America/Los_Angeles", "Asia/Tokyo")
"""Offered beside the location's own; any other can be asked for by its name."""


class Unclear(Exception):
    """What is asked for is not there (404) or cannot be read (422), in words for people."""

    def __init__(self, status: int, title: str, detail: str) -> None:
        super().__init__(title)
        self.status = status
        self.title = title
        self.detail = detail


@dataclass(frozen=True)
class View:
    location: Location
    calendar: Calendar | None
    person: User | None
    """Neither, where a location has neither calendars nor people."""
    monday: date
    zone: ZoneInfo
    asked: Mapping[str, str]
    """What the address says of all this."""

    @cached_property
    def window(self) -> Interval:
        ends = self.monday + timedelta(days=7)
        return Interval(first_instant(self.monday, 0, self.zone), first_instant(ends, 0, self.zone))

    @cached_property
    def days(self) -> tuple[date, ...]:
        return tuple(self.monday + timedelta(days=number) for number in range(7))

    @property
    def listed(self) -> bool:
        """One day after another, on a wide screen too."""
        return "list" in self.asked

    @property
    def name(self) -> str:
        if self.calendar is not None:
            return self.calendar.name or self.calendar.id
        return name_of(self.person) if self.person is not None else self.location.name

    @property
    def of(self) -> str:
        if self.calendar is not None:
            return f"calendar:{self.calendar.id}"
        return f"person:{self.person.id}" if self.person is not None else ""

    @cached_property
    def query(self) -> str:
        return urlencode(self.asked)

    def link(self, path: str = WEEK_PATH, **changes: Any) -> str:
        """An address with the same view but for what is changed; None leaves something out."""
        query = self.query
        if changes:
            said = {**self.asked, **changes}
            query = urlencode({name: str(value) for name, value in said.items() if value is not None})
        return f"{path}?{query}" if query else path

    def booking_link(self, appointment_id: str, what: str = "", **changes: Any) -> str:
        return self.link(f"{PAGES}/bookings/{quote(appointment_id, safe='')}{what}", **changes)

    def drawn_link(self, booking_id: str, kind: str = "bookings") -> str:
        """Of a booking that stands in a week: its page knows which one."""
        return f"{PAGES}/{kind}/{quote(booking_id, safe='')}{self._weekless}"

    def service_link(self, booking_id: str) -> str:
        return self.drawn_link(booking_id, "service-bookings")

    def day_link(self, moment: datetime) -> str:
        """The week in which it is, or the nearest that is drawn."""
        return self.link(week=nearest(local(moment, self.zone).date()))

    def place_link(self, start: datetime) -> str:
        """Where a free place is booked."""
        return f"{self._place_link}{start:%Y-%m-%dT%H:%M:%SZ}"

    @cached_property
    def _place_link(self) -> str:
        return f"{self.link(f'{PAGES}/new')}{'&' if self.query else '?'}start="

    @cached_property
    def _weekless(self) -> str:
        query = urlencode({name: value for name, value in self.asked.items() if name != "week"})
        return f"?{query}" if query else ""


def read_view(world: World, query: Mapping[str, str]) -> View:
    """What is not said is the first location, its first calendar, this week and the location's clock. Raises
    Unclear."""
    asked = {name: query[name] for name in ("location", "of", "week", "zone", "list") if query.get(name)}
    location = _location(world, asked.get("location"))
    zone = _zone(asked["zone"]) if "zone" in asked else location.timezone
    day = _day(asked["week"]) if "week" in asked else world.now().astimezone(zone).date()
    calendar, person = _subject(world, location, asked.get("of"))
    return View(location, calendar, person, day - timedelta(days=day.weekday()), zone, asked)


def nearest(day: date) -> date:
    """Of which a week is drawn."""
    return min(max(day, date(YEARS[0], 1, 1)), date(YEARS[-1], 12, 31))


def people_of(world: World, location: Location) -> list[User]:
    """Those who are declared, and those whom a calendar names though nobody declared them."""
    members = (member for calendar in world.calendars.of(location.id) for member in calendar.team)
    known = {user.id: user for user in world.users.of(location.id) if not user.deleted}
    return [*known.values(), *(User(id=member, name="") for member in dict.fromkeys(members) if member not in known)]


def calendars_of(world: World, location: Location, person: User) -> list[Calendar]:
    """On which this person can be booked."""
    return [calendar for calendar in world.calendars.of(location.id) if person.id in calendar.team]


def _location(world: World, asked: str | None) -> Location:
    if not world.locations:
        raise Unclear(404, "Nothing is here", "The seed of this sandbox has no location.")
    found = next(iter(world.locations.values())) if asked is None else world.locations.get(asked)
    if found is None:
        raise Unclear(404, "No such location", f"The sandbox knows no location {asked!r}.")
    return found


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (LookupError, ValueError, OSError):
        raise Unclear(422, "No such time zone", f"{name!r} is no time zone; one is written as Europe/London.") from None


def _day(text: str) -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise Unclear(422, "No such week", f"{text!r} is no day; one is written as 2026-03-23.") from None
    if day.year not in YEARS:
        raise Unclear(422, "No such week", f"Weeks are drawn from {YEARS[0]} to {YEARS[-1]}.")
    return day


def _subject(world: World, location: Location, asked: str | None) -> tuple[Calendar | None, User | None]:
    if asked is None:
        calendar = next(iter(world.calendars.of(location.id)), None)
        return calendar, None if calendar else next(iter(people_of(world, location)), None)
    kind, _, subject_id = asked.partition(":")
    if kind == "calendar" and (calendar := world.calendar(location, subject_id)) is not None:
        return calendar, None
    if kind == "person":
        for person in people_of(world, location):
            if person.id == subject_id:
                return None, person
        if (user := world.user(location, subject_id)) is not None:
            return None, user
    raise Unclear(404, "Nobody is here", f"This location has neither a calendar nor a person {asked!r}.")
