"""`within`: the days and hours that a new time may have."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Any, ClassVar
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator, Field, TypeAdapter, ValidationInfo, WithJsonSchema

from service.availability.intervals import Interval
from workers.names import HOURS_NAME_SCHEMA, names_in
from workers.operands import DayList
from workers.values import DAYS_SCHEMA, HOURS_SCHEMA, WEEKDAYS, Days, Hours, HoursRange, Weekdays, one_or_many
from workers.week_hours import WEEK_HOURS_SCHEMA, WeekHours, openings, read_week_hours
from workers.words import Words

WHOLE_DAY = (HoursRange(datetime.min.time(), datetime.min.time()),)

_RANGES: TypeAdapter[tuple[HoursRange, ...]] = TypeAdapter(Annotated[tuple[Hours, ...], Field(min_length=1)])
_DAYS: TypeAdapter[Days] = TypeAdapter(DayList)


@dataclass(frozen=True)
class SaidHours:
    """Hours by the week, and how an author calls them."""

    said: str
    week: WeekHours
    named: bool = False
    """Whether that is a name under `hours`."""

    def __str__(self) -> str:
        return f"within the hours `{self.said}`" if self.named else f"within {self.said}"


@dataclass(frozen=True)
class LeftOut:
    """Days that are left out, and how an author calls them."""

    said: str
    days: Days
    named: bool = False
    """Whether that is a name under `holidays`."""

    def __str__(self) -> str:
        return f"`{self.said}`" if self.named else self.said


def _read_hours(value: object, info: ValidationInfo) -> SaidHours:
    """Ranges that hold on every day, a name under `hours`, or hours by weekday."""
    if isinstance(value, SaidHours):
        return value
    if isinstance(value, WeekHours | Mapping):
        week = read_week_hours(value)
        return SaidHours(str(week), week)
    names = names_in(info)
    if isinstance(value, str) and (value in names.hours or not any(sign.isdigit() for sign in value)):
        return SaidHours(value, names.hours_of(value), named=True)
    ranges = tuple(dict.fromkeys(_RANGES.validate_python(one_or_many(value))))
    return SaidHours(", ".join(map(str, ranges)), WeekHours((ranges,) * 7))


def _read_left_out(value: object, info: ValidationInfo) -> tuple[LeftOut, ...]:
    listed = one_or_many(value)
    assert isinstance(listed, list | tuple)
    if all(isinstance(each, LeftOut) for each in listed) and listed:
        return tuple(each for each in listed if isinstance(each, LeftOut))
    days = [_DAYS.validate_python(value, context=info.context)] if not isinstance(value, list) else []
    if isinstance(value, list):
        _DAYS.validate_python(value, context=info.context)  # every fault of it at once, each at its place
        days = [_DAYS.validate_python(each, context=info.context) for each in listed]
    holidays = names_in(info).holidays
    return tuple(LeftOut(str(said), each, said in holidays) for said, each in zip(listed, days, strict=True))


_HOURS: list[Any] = [HOURS_SCHEMA.json_schema, HOURS_NAME_SCHEMA, WEEK_HOURS_SCHEMA]
_SEVERAL = {"type": "array", "items": HOURS_SCHEMA.json_schema, "minItems": 1}


class Within(Words):
    """The days and hours that a new time may have; all of the booking must lie in them, its end too. Hours that go over
    midnight belong to the day they begin on."""

    called: ClassVar[str] = "within"

    days: Weekdays | None = None
    """Weekdays, and ranges of them."""

    hours: Annotated[
        SaidHours | None,
        BeforeValidator(_read_hours),
        WithJsonSchema({"anyOf": [*_HOURS, _SEVERAL]}),
    ] = None
    """Hours such as 09:00-12:00, several of them, or a name under `hours`."""

    left_out: Annotated[tuple[LeftOut, ...], BeforeValidator(_read_left_out), DAYS_SCHEMA] = Field(
        default=(), validation_alias="except", serialization_alias="except"
    )
    """Days on which it may not be: names under `holidays`, dates, weekdays."""

    @classmethod
    def _example(cls) -> str:
        return "days and hours such as {days: mon-fri, hours: 09:00-12:00}"

    def why_not(self, starts: datetime, ends: datetime, zone: ZoneInfo) -> str | None:
        """What keeps a booking from being then, in words that go behind a number of slots; None for nothing."""
        wanted = Interval(starts, ends)
        if any(opening.contains(wanted) for opening in openings(starts, ends, zone, self._hours_of)):
            return None
        day = starts.astimezone(zone).date()
        if closed := next((each for each in self.left_out if day in each.days), None):
            return f"on {closed.said}"
        if self.days is not None and day.weekday() not in self.days:
            return "on other days"
        return "outside the hours" if self.hours else "that run into a day left out"

    def _hours_of(self, day: date) -> tuple[HoursRange, ...]:
        if self.days is not None and day.weekday() not in self.days:
            return ()
        if any(day in each.days for each in self.left_out):
            return ()
        return self.hours.week.days[day.weekday()] if self.hours else WHOLE_DAY

    def __str__(self) -> str:
        days = f"on {_weekdays(self.days)}" if self.days is not None else ""
        when = " ".join(filter(None, (days, str(self.hours) if self.hours else "")))
        left_out = f"except on {', '.join(map(str, self.left_out))}" if self.left_out else ""
        return ", ".join(filter(None, (when, left_out)))


def _weekdays(days: frozenset[int]) -> str:
    """`mon-wed, sat`."""
    runs: list[list[int]] = []
    for day in sorted(days):
        if runs and day == runs[-1][-1] + 1:
            runs[-1].append(day)
        else:
            runs.append([day])
    words = [[WEEKDAYS[day] for day in run] for run in runs]
    return ", ".join(f"{run[0]}-{run[-1]}" if len(run) > 2 else ", ".join(run) for run in words)
