"""Schedules: when a user can be booked, on one calendar or several."""

import datetime
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from service.highlevel.operation import Operation, Part
from service.highlevel.reply import Done, Reply, SentTime


def _known(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError("a time zone goes by its IANA name, as in Europe/Berlin") from None
    return name


TimeZone = Annotated[str, AfterValidator(_known)]
"""An IANA name. The specification's pattern would refuse America/Argentina/Buenos_Aires and UTC; we leave that to
HighLevel."""

ClockTime = Annotated[str, StringConstraints(pattern=r"^([01]?[0-9]|2[0-3]):[0-5][0-9]$")]
"""HH:MM in the schedule's own time zone."""

Day = Literal["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"]


def _minutes(clock: str) -> int:
    hour, minute = clock.split(":")
    return int(hour) * 60 + int(minute)


class ScheduleInterval(Part):
    """From one clock time to a later one of the same day; to 00:00 is to the day's end. The wire says `from`, `to`."""

    start: ClockTime = Field(validation_alias="from", serialization_alias="from")
    end: ClockTime = Field(validation_alias="to", serialization_alias="to")

    @model_validator(mode="after")
    def ends_after_it_starts(self) -> Self:
        if 0 < _minutes(self.end) <= _minutes(self.start):
            raise ValueError("an interval ends after it starts; over midnight takes two, on two days")
        return self


class ScheduleRule(Part):
    """The hours of a weekday (`wday`) or, instead of those, of one date (`date`). No intervals: not at all."""

    type: Literal["wday", "date"]
    intervals: tuple[ScheduleInterval, ...]
    day: Day | None = None
    date: datetime.date | None = None

    @model_validator(mode="after")
    def says_when(self) -> Self:
        if self.type == "wday" and (self.day is None or self.date is not None):
            raise ValueError("a rule of type wday has a day and no date")
        if self.type == "date" and (self.date is None or self.day is not None):
            raise ValueError("a rule of type date has a date and no day")
        return self


class KeptInterval(Reply):
    start: str = Field(validation_alias="from", serialization_alias="from")
    end: str = Field(validation_alias="to", serialization_alias="to")


class KeptRule(Reply):
    """A rule as read."""

    type: str
    intervals: tuple[KeptInterval, ...] = ()
    day: str | None = None
    date: datetime.date | None = None

    def to_send(self) -> ScheduleRule:
        """The same rule, for an edit that shall not lose it. Raises pydantic's ValidationError for a rule of a
        kind that is not known here."""
        said = {"type": self.type, "day": self.day, "date": self.date}
        intervals = [{"start": interval.start, "end": interval.end} for interval in self.intervals]
        return ScheduleRule.model_validate(
            {"intervals": intervals, **{name: value for name, value in said.items() if value is not None}}
        )


class Schedule(Reply):
    id: str
    name: str | None = None
    location_id: str
    user_id: str | None = None
    timezone: str
    rules: tuple[KeptRule, ...] = ()
    calendar_ids: tuple[str, ...] = ()
    date_added: SentTime = None
    date_updated: SentTime = None
    deleted: bool = False


class ScheduleReply(Reply):
    schedule: Schedule


class SchedulesReply(Reply):
    schedules: tuple[Schedule, ...]


class ScheduleDone(Done):
    """The answer to deleting a schedule and to giving it a calendar or taking one from it."""

    success: bool = True


class SearchSchedules(Operation[SchedulesReply], method="GET", path="/calendars/schedules/search"):
    """One page of a user's schedules, 50 where no `limit` is said. The answer does not say whether there are more."""

    location_id: str
    user_id: str
    calendar_id: str | None = None
    skip: int | None = Field(default=None, ge=0)
    limit: int | None = Field(default=None, ge=1, le=500)


class CreateSchedule(Operation[ScheduleReply], method="POST", path="/calendars/schedules", success=201):
    """Add a schedule. Schedules must be switched on for the account (Labs); a user has at most one a calendar."""

    name: str
    location_id: str
    user_id: str
    timezone: TimeZone
    rules: tuple[ScheduleRule, ...] | None = None
    calendar_ids: tuple[str, ...] | None = None


class GetSchedule(Operation[ScheduleReply], method="GET", path="/calendars/schedules/{schedule_id}"):
    schedule_id: str


class EditSchedule(Operation[ScheduleReply], method="PUT", path="/calendars/schedules/{schedule_id}"):
    """Change what is said. Whether `rules` replaces them all is not published: send those that stay too
    (`KeptRule.to_send`)."""

    schedule_id: str
    name: str | None = None
    rules: tuple[ScheduleRule, ...] | None = None
    timezone: TimeZone | None = None


class DeleteSchedule(Operation[ScheduleDone], method="DELETE", path="/calendars/schedules/{schedule_id}"):
    schedule_id: str


class AddCalendarToSchedule(
    Operation[ScheduleDone],
    method="PUT",
    path="/calendars/schedules/{schedule_id}/associations/{calendar_id}",
    sends_body=False,
):
    """Let a schedule hold for a team calendar too."""

    schedule_id: str
    calendar_id: str


class RemoveCalendarFromSchedule(
    Operation[ScheduleDone],
    method="DELETE",
    path="/calendars/schedules/{schedule_id}/associations/{calendar_id}",
):
    schedule_id: str
    calendar_id: str
