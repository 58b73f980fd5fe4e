"""What a seed may say of a location, and what it becomes."""

import re
from datetime import date
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator, Field, model_validator

from service.availability.hours import DAY
from service.highlevel.calendar_settings import CalendarType
from service.highlevel.calendars import Calendar
from service.highlevel.contacts import Contact
from service.highlevel.groups import Group
from service.highlevel.users import User
from service.sandbox.records import Location, Record

WEEKDAYS = ("Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat")
"""As HighLevel counts them."""
TURNS = {
    "availability": "RoundRobin_OptimizeForAvailability",
    "equal": "RoundRobin_OptimizeForEqualDistribution",
}


def _minutes(value: object) -> object:
    """`09:30` as minutes after midnight; numbers pass."""
    if not isinstance(value, str):
        return value
    clock = re.fullmatch(r"(\d{1,2}):(\d{2})", value)
    if clock is None or int(clock[2]) > 59:
        raise ValueError("a time of day is written as in 09:30")
    return int(clock[1]) * 60 + int(clock[2])


ClockTime = Annotated[int, BeforeValidator(_minutes), Field(ge=0, le=DAY)]
"""Minutes after midnight by the location's clock, written `09:30` in a seed."""


class Hours(Record):
    opens: ClockTime
    closes: ClockTime

    @model_validator(mode="after")
    def of_some_length(self) -> Self:
        if self.opens >= self.closes:
            raise ValueError("it has to open before it closes")
        return self

    @property
    def on_the_wire(self) -> dict[str, int]:
        return {
            "openHour": self.opens // 60,
            "openMinute": self.opens % 60,
            "closeHour": self.closes // 60,
            "closeMinute": self.closes % 60,
        }


class Opening(Hours):
    days: tuple[Literal["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"], ...]


class SeededUser(Record):
    id: str
    name: str
    email: str | None = None

    def at(self, location_id: str) -> User:
        first, _, last = self.name.partition(" ")
        return User.model_validate(
            {
                "id": self.id,
                "name": self.name,
                "firstName": first,
                "lastName": last,
                "email": self.email or f"{first.lower()}@example.com",
                "roles": {"type": "account", "role": "user", "locationIds": [location_id]},
            }
        )


class SeededContact(Record):
    id: str
    name: str
    email: str | None = None
    phone: str | None = None
    owner: str | None = None
    tags: tuple[str, ...] = ()

    def at(self, location_id: str, added: str) -> Contact:
        first, _, last = self.name.partition(" ")
        said: dict[str, Any] = {
            "id": self.id,
            "locationId": location_id,
            "firstName": first,
            "lastName": last,
            "name": self.name,
            "email": self.email,
            "phone": self.phone,
            "assignedTo": self.owner,
            "tags": self.tags,
            "dateAdded": added,
            "dateUpdated": added,
        }
        return Contact.model_validate({name: value for name, value in said.items() if value is not None})


class SeededGroup(Record):
    id: str
    name: str
    slug: str
    description: str = ""

    def at(self, location_id: str) -> Group:
        return Group.model_validate({**self.model_dump(), "locationId": location_id, "isActive": True})


class SeededCalendar(Record):
    id: str
    name: str
    type: CalendarType = "round_robin"
    team: tuple[str, ...] = ()
    turns: Literal["availability", "equal"] = "equal"
    """How a round robin chooses among those who are free."""
    open_hours: tuple[Opening, ...] = ()
    dates: dict[date, tuple[Hours, ...]] = Field(default_factory=dict)
    """Hours of single days, in place of those of their weekday; none of them: closed."""
    slot_minutes: int = Field(default=30, gt=0)
    interval_minutes: int = Field(default=30, gt=0)
    minutes_before: int = Field(default=0, ge=0)
    minutes_after: int = Field(default=0, ge=0)
    """Kept free of other bookings."""
    per_slot: int = Field(default=1, ge=1)
    """Bookings of one slot and person; the seats of a class."""
    per_day: int | None = Field(default=None, ge=1)
    notice_hours: int | None = Field(default=None, ge=0)
    horizon_days: int | None = Field(default=None, ge=1)
    look_busy: int | None = Field(default=None, ge=0, le=100)
    """Percent of the slots that are hidden."""
    auto_confirm: bool = True
    event_title: str = "{{contact.name}}"
    group_id: str | None = None
    is_active: bool = True

    def at(self, location_id: str) -> Calendar:
        optional: dict[str, Any] = {
            "eventType": TURNS[self.turns] if self.type == "round_robin" else None,
            "groupId": self.group_id,
            "teamMembers": [self._member(user_id) for user_id in self.team] or None,
            "slotBuffer": self.minutes_after or None,
            "preBuffer": self.minutes_before or None,
            "appoinmentPerDay": self.per_day,
            "allowBookingAfter": self.notice_hours,
            "allowBookingAfterUnit": None if self.notice_hours is None else "hours",
            "allowBookingFor": self.horizon_days,
            "allowBookingForUnit": None if self.horizon_days is None else "days",
            "lookBusyConfig": None
            if self.look_busy is None
            else {"enabled": True, "LookBusyPercentage": self.look_busy},
            "availabilities": [
                {"date": f"{day}T00:00:00.000Z", "hours": [hours.on_the_wire for hours in opened], "deleted": False}
                for day, opened in self.dates.items()
            ]
            or None,
        }
        return Calendar.model_validate(
            {
                "id": self.id,
                "locationId": location_id,
                "name": self.name,
                "calendarType": self.type,
                "eventTitle": self.event_title,
                "slotDuration": self.slot_minutes,
                "slotDurationUnit": "mins",
                "slotInterval": self.interval_minutes,
                "slotIntervalUnit": "mins",
                "appoinmentPerSlot": self.per_slot,
                "openHours": [
                    {
                        "daysOfTheWeek": sorted(WEEKDAYS.index(day) for day in opening.days),
                        "hours": [opening.on_the_wire],
                    }
                    for opening in self.open_hours
                ],
                "autoConfirm": self.auto_confirm,
                "isActive": self.is_active,
                **{name: value for name, value in optional.items() if value is not None},
            }
        )

    def _member(self, user_id: str) -> dict[str, Any]:
        """The first of a collective calendar is its primary one."""
        primary = {"isPrimary": user_id == self.team[0]} if self.type == "collective" else {}
        return {"userId": user_id, "priority": 0.5, **primary}


class SeededLocation(Record):
    id: str
    name: str = ""
    timezone: ZoneInfo
    tokens: tuple[str, ...] = ()
    scopes: tuple[str, ...] | None = None
    users: tuple[SeededUser, ...] = ()
    contacts: tuple[SeededContact, ...] = ()
    groups: tuple[SeededGroup, ...] = ()
    calendars: tuple[SeededCalendar, ...] = ()

    @property
    def location(self) -> Location:
        return Location(id=self.id, name=self.name, timezone=self.timezone, tokens=self.tokens, scopes=self.scopes)
