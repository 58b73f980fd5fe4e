"""Calendars and the slots they offer."""

from datetime import datetime
from typing import Any

from pydantic import Field, field_validator, model_validator

from service.highlevel.operation import Operation, Reply


class TeamMember(Reply):
    user_id: str
    priority: float = 0.5


class OpeningHours(Reply):
    """Clock times in the location's time zone; `open_hour` 0 to 23, `close_hour` up to 24."""

    open_hour: int
    open_minute: int
    close_hour: int
    close_minute: int


class OpenDay(Reply):
    """Days are 0 (Sunday) to 6."""

    days_of_the_week: tuple[int, ...]
    hours: tuple[OpeningHours, ...]


class Calendar(Reply):
    """A calendar. List items leave out what is unset, so everything but its identity may be missing."""

    id: str
    location_id: str
    name: str = ""
    calendar_type: str = "round_robin"
    event_type: str | None = None
    event_title: str = "{{contact.name}}"
    team_members: tuple[TeamMember, ...] = ()
    slot_duration: int = 30
    slot_duration_unit: str = "mins"
    slot_interval: int = 30
    slot_interval_unit: str = "mins"
    open_hours: tuple[OpenDay, ...] = ()
    auto_confirm: bool = True
    is_active: bool = True

    @field_validator("open_hours", mode="before")
    @classmethod
    def an_empty_object_is_an_empty_list(cls, value: Any) -> Any:
        """Live calendars say `{}` for no hours (recorded answers)."""
        return () if value in ({}, None) else value

    @property
    def slot_minutes(self) -> int:
        return self.slot_duration * (60 if self.slot_duration_unit == "hours" else 1)

    @property
    def interval_minutes(self) -> int:
        return self.slot_interval * (60 if self.slot_interval_unit == "hours" else 1)

    @property
    def team(self) -> tuple[str, ...]:
        return tuple(member.user_id for member in self.team_members)


class CalendarReply(Reply):
    calendar: Calendar


class CalendarsReply(Reply):
    calendars: tuple[Calendar, ...] = ()


class FreeSlotsReply(Reply):
    """Offered slots by local day, as sent. A slot goes back verbatim."""

    days: dict[str, tuple[str, ...]] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def only_days(cls, answer: Any) -> Any:
        """The answer is a map of days with a `traceId` among them."""
        if not isinstance(answer, dict) or "days" in answer:
            return answer
        return {"days": {day: value["slots"] for day, value in answer.items() if isinstance(value, dict)}}

    @property
    def slots(self) -> tuple[str, ...]:
        """Every slot, earliest first."""
        return tuple(sorted((slot for day in self.days.values() for slot in day), key=datetime.fromisoformat))


class GetCalendar(Operation[CalendarReply], method="GET", path="/calendars/{calendar_id}"):
    calendar_id: str


class ListCalendars(Operation[CalendarsReply], method="GET", path="/calendars/"):
    location_id: str


class GetFreeSlots(Operation[FreeSlotsReply], method="GET", path="/calendars/{calendar_id}/free-slots"):
    """Slots on offer between two instants (epoch milliseconds), at most 31 days apart."""

    calendar_id: str
    start_date: int = Field(ge=0)
    end_date: int = Field(ge=0)
    timezone: str | None = None
    user_id: str | None = None

    @model_validator(mode="after")
    def at_most_31_days(self) -> "GetFreeSlots":
        if not 0 <= self.end_date - self.start_date <= 31 * 86_400_000:
            raise ValueError("free slots are read over at most 31 days, the start before the end")
        return self
