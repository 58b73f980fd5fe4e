"""What the sandbox's world is made of: frozen records."""

import re
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel

from service.availability.hours import DAY, OpenTime
from service.availability.intervals import Interval

WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
CalendarType = Literal["round_robin", "event", "class_booking", "collective", "service_booking", "personal"]
FREEING = frozenset({"cancelled", "noshow", "invalid"})
"""A booking of such a status takes nobody's time."""


class Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


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


class Opening(Record):
    days: tuple[Literal["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"], ...]
    opens: ClockTime
    closes: ClockTime

    @model_validator(mode="after")
    def of_some_length(self) -> "Opening":
        if self.opens >= self.closes:
            raise ValueError("it has to open before it closes")
        return self

    @property
    def weekdays(self) -> tuple[int, ...]:
        """Monday is 0."""
        return tuple(WEEKDAYS.index(day) for day in self.days)


class User(Record):
    id: str
    name: str


class Contact(Record):
    id: str
    name: str


class Calendar(Record):
    id: str
    name: str
    type: CalendarType = "round_robin"
    team: tuple[str, ...] = ()
    open_hours: tuple[Opening, ...] = ()
    slot_minutes: int = Field(default=30, gt=0)
    interval_minutes: int = Field(default=30, gt=0)
    auto_confirm: bool = True
    event_title: str = "{{contact.name}}"
    group_id: str | None = None
    is_active: bool = True

    @property
    def week(self) -> tuple[OpenTime, ...]:
        return tuple(
            OpenTime(weekday, opening.opens, opening.closes)
            for opening in self.open_hours
            for weekday in opening.weekdays
        )


class Location(Record):
    id: str
    name: str = ""
    timezone: ZoneInfo
    tokens: tuple[str, ...] = ()
    scopes: tuple[str, ...] | None = None
    """What its tokens may do; all when left out."""
    users: tuple[User, ...] = ()
    contacts: tuple[Contact, ...] = ()
    calendars: tuple[Calendar, ...] = ()


class Client(Record):
    """An app that OAuth knows, installed by one agency, to which all locations belong."""

    id: str
    secret: str
    company_id: str
    redirect_uris: tuple[str, ...] = ()
    """Where its users may be sent back to; anywhere when there are none."""


class CreatedBy(Record):
    model_config = ConfigDict(alias_generator=to_camel, validate_by_name=True)

    source: str = "third_party"
    user_id: str | None = None


class Appointment(Record):
    """Its aliases are the wire's names: a published or recorded one can be placed as it is."""

    model_config = ConfigDict(alias_generator=to_camel, validate_by_name=True)

    id: str
    calendar_id: str
    location_id: str
    contact_id: str = ""
    group_id: str | None = None
    title: str = ""
    appointment_status: str = "confirmed"
    assigned_user_id: str | None = None
    users: tuple[str, ...] = ()
    address: str = ""
    notes: str = ""
    description: str = ""
    is_recurring: bool = False
    rrule: str | None = None
    master_event_id: str | None = None
    start_time: AwareDatetime
    end_time: AwareDatetime
    date_added: AwareDatetime
    date_updated: AwareDatetime
    created_by: CreatedBy = CreatedBy()
    deleted: bool = False

    @model_validator(mode="after")
    def in_order(self) -> "Appointment":
        if self.end_time < self.start_time:
            raise ValueError("endTime is before startTime")
        return self

    @property
    def interval(self) -> Interval:
        return Interval(self.start_time, self.end_time)

    @property
    def takes_time(self) -> bool:
        return not self.deleted and self.appointment_status not in FREEING


class Block(Record):
    """Time taken from one person on every calendar, or from one calendar of type `event`."""

    id: str
    location_id: str
    title: str
    interval: Interval
    calendar_id: str | None = None
    assigned_user_id: str | None = None
    date_added: AwareDatetime


class Note(Record):
    id: str
    appointment_id: str
    body: str
    user_id: str | None
    contact_id: str
    date_added: AwareDatetime
