"""Calendars and schedules, as a seed writes them."""

from datetime import date
from typing import Any, Literal

from pydantic import Field

from service.highlevel.calendar_settings import CalendarType
from service.highlevel.calendars import Calendar
from service.highlevel.schedules import Schedule
from service.sandbox.seeds.document import Place
from service.sandbox.seeds.hours import Hours, Opening, rules_of
from service.sandbox.seeds.names import Faults, Id, Names
from service.sandbox.world.records import Location, Record

TURNS = {
    "availability": "RoundRobin_OptimizeForAvailability",
    "equal": "RoundRobin_OptimizeForEqualDistribution",
}


class SeededCalendar(Record):
    id: Id
    name: str
    description: str | None = None
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

    def at(self, location_id: str, users: Names, groups: Names, place: Place, faults: Faults) -> Calendar:
        team = users.ids_of(self.team, (*place, "team"), faults)
        optional: dict[str, Any] = {
            "description": self.description,
            "eventType": TURNS[self.turns] if self.type == "round_robin" else None,
            "groupId": None if self.group_id is None else groups.id_of(self.group_id, (*place, "group_id"), faults),
            "teamMembers": [self._member(user_id, team) for user_id in team] or None,
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
                    {"daysOfTheWeek": opening.weekdays, "hours": [opening.on_the_wire]} for opening in self.open_hours
                ],
                "autoConfirm": self.auto_confirm,
                "isActive": self.is_active,
                **{name: value for name, value in optional.items() if value is not None},
            }
        )

    def _member(self, user_id: str, team: list[str]) -> dict[str, Any]:
        """The first of a collective calendar is its primary one."""
        primary = {"isPrimary": user_id == team[0]} if self.type == "collective" else {}
        return {"userId": user_id, "priority": 0.5, **primary}


class SeededSchedule(Record):
    """When one user can be booked on some calendars, in place of their own hours."""

    id: Id
    name: str
    who: str
    calendars: tuple[str, ...] = ()
    open_hours: tuple[Opening, ...] = ()

    def at(
        self, location: Location, added: str, users: Names, calendars: Names, place: Place, faults: Faults
    ) -> Schedule:
        """By the clock of the location's zone."""
        return Schedule.model_validate(
            {
                "id": self.id,
                "name": self.name,
                "locationId": location.id,
                "userId": users.id_of(self.who, (*place, "who"), faults),
                "timezone": location.timezone.key,
                "rules": rules_of(self.open_hours),
                "calendarIds": calendars.ids_of(self.calendars, (*place, "calendars"), faults),
                "dateAdded": added,
                "dateUpdated": added,
                "deleted": False,
            }
        )
