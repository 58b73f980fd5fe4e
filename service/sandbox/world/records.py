"""What the sandbox's world is made of where the API's own shapes do not say it: frozen records."""

from datetime import datetime
from functools import cached_property
from typing import Annotated, Any, Self
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, model_validator
from pydantic.alias_generators import to_camel

from service.availability.intervals import Interval
from service.sandbox.world.moments import FIRST_YEAR, LAST_YEAR, is_out_of_range

FREEING = frozenset({"cancelled", "noshow", "invalid"})
"""A booking of such a status takes nobody's time."""


def _in_range(moment: datetime) -> datetime:
    if is_out_of_range(moment):
        raise ValueError(f"a date out of range: years are {FIRST_YEAR} to {LAST_YEAR}")
    return moment


Instant = Annotated[AwareDatetime, AfterValidator(_in_range)]


class Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Location(Record):
    id: str
    name: str = ""
    timezone: ZoneInfo
    tokens: tuple[str, ...] = ()
    scopes: tuple[str, ...] | None = None
    """What its tokens may do; all when left out."""

    def with_tokens(self, tokens: tuple[str, ...]) -> Self:
        """In place of its own, if there are any."""
        return self.model_copy(update={"tokens": tokens}) if tokens else self


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
    """Who is on it besides the one it is assigned to."""
    address: str = ""
    notes: str = ""
    description: str = ""
    meeting_location_type: str | None = None
    meeting_location_id: str | None = None
    is_recurring: bool = False
    rrule: str | None = None
    master_event_id: str | None = None
    start_time: Instant
    end_time: Instant
    date_added: Instant
    date_updated: Instant
    created_by: CreatedBy = CreatedBy()
    deleted: bool = False
    apart: bool = False
    """One of a series that somebody has moved by itself: it does not move with the others any more."""

    @model_validator(mode="after")
    def in_order(self) -> Self:
        if self.end_time < self.start_time:
            raise ValueError("endTime is before startTime")
        return self

    def changed(self, **changes: Any) -> "Appointment":
        """The same with other values, unchecked."""
        copy = self.model_copy(update=changes)
        copy.__dict__.pop("interval", None)  # the copy has what was cached, of other times
        return copy

    @cached_property
    def interval(self) -> Interval:
        return Interval(self.start_time, self.end_time)

    @property
    def is_series(self) -> bool:
        """What stands for a whole series: it is read and changed by its id, and is in no list and nobody's way."""
        return self.is_recurring and self.rrule is not None and self.master_event_id is None

    @property
    def takes_time(self) -> bool:
        return not (self.deleted or self.appointment_status in FREEING or self.is_series)

    def is_or_belongs_to(self, appointment_id: str | None) -> bool:
        """Whether it is that one, or a single one of that series."""
        return appointment_id is not None and appointment_id in (self.id, self.master_event_id)

    @property
    def people(self) -> tuple[str, ...]:
        """Everybody whose time it takes."""
        first = () if self.assigned_user_id is None else (self.assigned_user_id,)
        return (*first, *(user for user in self.users if user != self.assigned_user_id))


class Block(Record):
    """Time taken from one person on every calendar, or from one calendar of type `event`."""

    id: str
    location_id: str
    title: str
    start_time: Instant
    end_time: Instant
    calendar_id: str | None = None
    assigned_user_id: str | None = None
    date_added: Instant
    date_updated: Instant | None = None
    """None: not since it was added."""

    @cached_property
    def interval(self) -> Interval:
        return Interval(self.start_time, self.end_time)


class Note(Record):
    id: str
    appointment_id: str
    body: str
    user_id: str | None
    contact_id: str
    date_added: Instant


class Enrolment(Record):
    """A contact in a workflow."""

    contact_id: str
    workflow_id: str
    event_start_time: Instant | None = None
