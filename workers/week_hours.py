"""Hours by the week, as a file declares them under `hours`: from when to when on which weekdays."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Annotated, Any, Final

from pydantic import BeforeValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from service.availability.hours import first_instant
from service.availability.intervals import Interval, merged
from workers.values import HOURS_SCHEMA, WEEKDAYS, HoursRange, one_or_many, read_hours, read_weekdays
from workers.words import fault, faults, shown, wrong

ONE_DAY = timedelta(days=1)


@dataclass(frozen=True)
class WeekHours:
    """`days`: the hours of each weekday, Monday first; those that go over midnight belong to the day they begin on."""

    days: tuple[tuple[HoursRange, ...], ...]

    def __contains__(self, moment: datetime) -> bool:
        """Whether this moment, on the location's clock, is one of them."""
        if moment.fold:
            # Shown for the second time: what begins or ends then did so at the first.
            instant = moment.astimezone(UTC)
            return any(opening.starts <= instant < opening.ends for opening in self.openings(moment, moment))
        clock, today = moment.time(), moment.weekday()
        if any(clock in hours and (not hours.over_midnight or clock >= hours.start) for hours in self.days[today]):
            return True
        return any(hours.over_midnight and clock < hours.end for hours in self.days[today - 1])

    def holds(self, starts: datetime, ends: datetime) -> bool:
        """Whether all the time from `starts` to `ends`, both on the location's clock, is within them."""
        wanted = Interval(starts, ends)
        return any(opening.contains(wanted) for opening in self.openings(starts, ends))

    def openings(self, starts: datetime, ends: datetime) -> list[Interval]:
        """What is open around this stretch, both on the location's clock."""
        return openings(starts, ends, starts.tzinfo or UTC, lambda day: self.days[day.weekday()])

    def __str__(self) -> str:
        return "; ".join(
            f"{WEEKDAYS[day]} {', '.join(str(hours) for hours in ranges)}"
            for day, ranges in enumerate(self.days)
            if ranges
        )


CLOSED: Final = WeekHours(((),) * 7)


def openings(
    starts: datetime, ends: datetime, zone: tzinfo, hours_of: Callable[[date], Iterable[HoursRange]]
) -> list[Interval]:
    """What is open around this stretch by the hours that begin on each day, as few intervals as possible. A clock time
    that comes twice is its first coming, one that never comes the moment of the change."""
    # What began the night before is still open.
    day, last, found = starts.astimezone(zone).date() - ONE_DAY, ends.astimezone(zone).date(), list[Interval]()
    while day <= last:
        found.extend(_opening(day, hours, zone) for hours in hours_of(day))
        day += ONE_DAY
    return merged(found)


def _opening(day: date, hours: HoursRange, zone: tzinfo) -> Interval:
    opens = first_instant(day, hours.start.hour * 60 + hours.start.minute, zone)
    last = day + ONE_DAY if hours.over_midnight else day
    # Where the clocks go forward over both, nothing is left between them.
    return Interval(opens, max(opens, first_instant(last, hours.end.hour * 60 + hours.end.minute, zone)))


def read_week_hours(value: object) -> WeekHours:
    """`{mon-fri: ["08:30-12:30", "13:30-18:00"], sat: 09:00-14:00}`; a weekday that is not named is closed."""
    if isinstance(value, WeekHours):
        return value
    if not isinstance(value, Mapping):
        raise wrong(f"hours by weekday such as {{mon-fri: 09:00-17:00}} expected, found {shown(value)}")
    if not value:
        raise wrong("at least one weekday expected")
    days: dict[int, tuple[HoursRange, ...]] = {}
    found: list[Any] = []
    for key, said in value.items():
        try:
            weekdays = read_weekdays(key)
            if twice := sorted(weekdays & days.keys()):
                raise wrong(f"{WEEKDAYS[twice[0]]} stands here twice")
        except PydanticCustomError as error:
            found.append(fault(wrong(error.message(), (error.context or {}).get("hint"), key=True), (key,)))
            continue
        ranges = []
        for index, each in enumerate(_listed(said)):
            try:
                ranges.append(read_hours(each))
            except PydanticCustomError as error:
                found.append(fault(error, (key, index) if isinstance(said, list) else (key,)))
        days |= dict.fromkeys(weekdays, tuple(ranges))
    if found:
        raise faults("hours", found)
    return WeekHours(tuple(days.get(day, ()) for day in range(7)))


def _listed(said: object) -> Iterator[object]:
    listed = one_or_many(said)
    return iter(listed if isinstance(listed, list | tuple) else ())


_RANGE = HOURS_SCHEMA.json_schema

WEEK_HOURS_SCHEMA: Final[dict[str, Any]] = {
    "description": "hours by weekday",
    "type": "object",
    "minProperties": 1,
    "additionalProperties": {"anyOf": [_RANGE, {"type": "array", "items": _RANGE, "minItems": 1}]},
    "examples": [{"mon-fri": ["08:30-12:30", "13:30-18:00"], "sat": "09:00-14:00"}],
}

AnyWeekHours = Annotated[WeekHours, BeforeValidator(read_week_hours), WithJsonSchema(WEEK_HOURS_SCHEMA)]
