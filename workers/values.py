"""Values as rule authors write them: durations, clock times, moments, weekdays and hours."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Annotated, Final, TypeVar

from pydantic import BeforeValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from service.instants import FIRST_YEAR, LAST_YEAR, reckoned
from workers.other_words import nearest
from workers.words import fault, faults, shown, text_wanted, wrong

WEEKDAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
RANGES: Final = ("mon-fri", "sat-sun")
"""Of weekdays, for which others have a word."""
DAY_NAMES: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTH_NAMES: Final = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
YEARS: Final = f"date of the years {FIRST_YEAR} to {LAST_YEAR}"
"""Those that are reckoned with, as in a sentence: … is no date of them."""
UNITS: Final = (timedelta(weeks=1), timedelta(days=1), timedelta(hours=1), timedelta(minutes=1))

DURATION = re.compile(r"(?:(\d{1,4})w)?(?:(\d{1,4})d)?(?:(\d{1,4})h)?(?:(\d{1,4})m)?", re.ASCII)
IN_WORDS = re.compile(
    r"(?:(\d{1,4})\s*w(?:eeks?|ks?)?)?[\s,]*(?:(\d{1,4})\s*d(?:ays?)?)?[\s,]*"
    r"(?:(\d{1,4})\s*h(?:ours?|rs?)?)?[\s,]*(?:(\d{1,4})\s*m(?:in(?:ute)?s?)?)?",
    re.ASCII,
)
HALF_AN_HOUR = re.compile(r"(\d{1,4})[.,]50?\s*h(?:ours?|rs?)?", re.ASCII)
CLOCK = re.compile(r"(\d{1,2}):(\d\d)", re.ASCII)
DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
DATE_TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d)?(?:Z|[+-]\d\d:\d\d)?", re.ASCII)
SPAN = re.compile(r"(\S+?)\s*[-–]\s*(\S+)")

DateT = TypeVar("DateT", bound=date)


@dataclass(frozen=True)
class HoursRange:
    """Hours of a day, the end left out; one that ends no later than it starts goes over midnight. 24:00 is 00:00."""

    start: time
    end: time

    def __contains__(self, clock: time) -> bool:
        if self.over_midnight:
            return clock >= self.start or clock < self.end
        return self.start <= clock < self.end

    @property
    def over_midnight(self) -> bool:
        return self.end <= self.start

    def __str__(self) -> str:
        return f"{self.start:%H:%M}-{self.end:%H:%M}"


@dataclass(frozen=True)
class Days:
    """Weekdays (Monday is 0) and single dates."""

    weekdays: frozenset[int]
    dates: frozenset[date] = frozenset()

    def __contains__(self, day: date) -> bool:
        return day.weekday() in self.weekdays or day in self.dates


def read_duration(value: object) -> timedelta:
    """`90m`, `2h`, `1h30m`, `3d`, `2w`; m is minutes."""
    if isinstance(value, timedelta):
        return value
    if not isinstance(value, str):
        raise wrong(f"a duration such as 90m, 2h or 1h30m expected, found {shown(value)}")
    found = DURATION.fullmatch(value.strip())
    if not found or not any(found.groups()):
        raise wrong(f"{shown(value)} is not a duration such as 90m, 2h, 1h30m, 3d or 2w", short(value))
    parts = zip(found.groups("0"), UNITS, strict=True)
    return sum((int(number) * unit for number, unit in parts), timedelta())


def read_length(value: object) -> timedelta:
    """A duration, or with a minus one that lies before its event: `notice` and `gap` may."""
    said = value.strip() if isinstance(value, str) else ""
    before = said.startswith("-") and DURATION.fullmatch(said, 1)
    return -read_duration(said[1:]) if before else read_duration(value)


def short(text: str) -> str | None:
    """`2 hours` and `10min` as they are written here; None for what is no duration in any words."""
    if half := HALF_AN_HOUR.fullmatch(text.strip().casefold()):
        return f"{half[1]}h30m"
    found = IN_WORDS.fullmatch(text.strip().casefold())
    parts = zip(found.groups(), "wdhm", strict=True) if found else ()
    return "".join(f"{number}{unit}" for number, unit in parts if number) or None


def read_some_duration(value: object) -> timedelta:
    duration = read_duration(value)
    if duration <= timedelta():
        raise wrong("a duration longer than nothing expected")
    return duration


def write_duration(duration: timedelta) -> str:
    """As an author would write it, in days, hours and minutes; a duration before its event has a minus."""
    minutes = abs(duration) // timedelta(minutes=1)
    parts = {"d": minutes // 1440, "h": minutes // 60 % 24, "m": minutes % 60}
    text = "".join(f"{number}{unit}" for unit, number in parts.items() if number) or "0m"
    return f"-{text}" if duration < timedelta() and minutes else text


def read_clock(value: object) -> time:
    """`17:00`, on the location's clock."""
    if isinstance(value, time):
        return value
    if not isinstance(value, str):
        raise wrong(f"a clock time such as 17:00 expected, found {shown(value)}")
    found = CLOCK.fullmatch(value.strip())
    if not found or int(found[1]) > 23 or int(found[2]) > 59:
        raise wrong(f"{shown(value)} is not a clock time such as 17:00")
    return time(int(found[1]), int(found[2]))


def read_date(value: object) -> date:
    if not isinstance(value, str):
        raise text_wanted(value)
    if not DATE.fullmatch(value.strip()):
        raise wrong(f"{shown(value)} is not a date such as 2027-03-26")
    try:
        found = date.fromisoformat(value.strip())
    except ValueError:
        raise wrong(f"no calendar has the date {value.strip()}") from None
    return _reckoned(found, value)


def read_exact_moment(value: object) -> time | datetime:
    """A clock time, or a date with one; without an offset it is read on the location's clock."""
    if isinstance(value, time | datetime):
        return value
    if not isinstance(value, str):
        raise wrong(f"a clock time (17:00) or a moment (2027-03-26 17:00) expected, found {shown(value)}")
    text = value.strip()
    if CLOCK.fullmatch(text):
        return read_clock(text)
    try:
        if not DATE_TIME.fullmatch(text):
            raise ValueError
        found = datetime.fromisoformat(text)
    except ValueError:
        hint = "on" if DATE.fullmatch(text) else None
        message = f"{shown(value)} is neither a clock time (17:00) nor a moment (2027-03-26 17:00)"
        raise wrong(message, hint) from None
    return _reckoned(found, value)


def _reckoned(day: DateT, value: object) -> DateT:
    if not reckoned(day.year):
        raise wrong(f"{shown(value)} is no {YEARS}")
    return day


def read_moment(value: object) -> time | datetime:
    """Like `read_exact_moment`, and a date alone is its first moment."""
    if isinstance(value, str) and DATE.fullmatch(value.strip()):
        return datetime.combine(read_date(value), time())
    return read_exact_moment(value)


def read_hours(value: object) -> HoursRange:
    """`09:00-17:00`; `22:00-02:00` goes over midnight; 24:00 may stand at the end."""
    if isinstance(value, HoursRange):
        return value
    found = SPAN.fullmatch(value.strip()) if isinstance(value, str) else None
    if not found:
        raise wrong(f"hours such as 09:00-17:00 expected, found {shown(value)}")
    last = found[2] == "24:00"
    hours = HoursRange(read_clock(found[1]), time() if last else read_clock(found[2]))
    if hours.start == hours.end and not last:
        raise wrong(f"{shown(value)} is no time at all; a whole day is 00:00-24:00")
    return hours


def read_days(value: object) -> Days:
    """Weekdays, ranges of them and dates: `fri`, `mon-fri`, `[sat, 2027-03-26]`."""
    if isinstance(value, Days):
        return value
    if not isinstance(value, list):
        return read_day(value)
    days, wrongs = Days(frozenset()), []
    for index, each in enumerate(value):
        try:
            found = read_day(each)
        except PydanticCustomError as error:
            wrongs.append(fault(error, (index,)))
        else:
            days = Days(days.weekdays | found.weekdays, days.dates | found.dates)
    if wrongs:
        raise faults("days", wrongs)
    if not value:
        raise wrong("at least one day expected")
    return days


def read_day(value: object) -> Days:
    if not isinstance(value, str):
        raise wrong(f"a weekday (mon), a range (mon-fri) or a date (2027-03-26) expected, found {shown(value)}")
    if value.strip()[:1].isdigit():
        return Days(frozenset(), frozenset({read_date(value)}))
    return Days(_weekdays(value))


def read_weekdays(value: object) -> frozenset[int]:
    """Like `read_days` without dates; Monday is 0."""
    if isinstance(value, frozenset):
        return value
    days = read_days(value)
    if days.dates:
        raise wrong(f"weekdays expected, found the date {min(days.dates)}")
    return days.weekdays


def _weekdays(text: str) -> frozenset[int]:
    found = SPAN.fullmatch(text.strip())
    first, last = (_weekday(found[1]), _weekday(found[2])) if found else (_weekday(text), _weekday(text))
    return frozenset((first + step) % 7 for step in range((last - first) % 7 + 1))


def _weekday(text: str) -> int:
    word = text.strip().casefold()
    for index, name in enumerate(DAY_NAMES):
        if word in (WEEKDAYS[index], name.casefold()):
            return index
    raise wrong(f"{shown(text)} is not a weekday; known: {', '.join(WEEKDAYS)}", nearest(word, (*WEEKDAYS, *RANGES)))


def in_zone(moment: datetime, zone: tzinfo) -> datetime:
    """On the location's clock, where a moment written without an offset already is."""
    return moment.replace(tzinfo=zone) if moment.tzinfo is None else moment.astimezone(zone)


def elapsed(start: datetime, end: datetime) -> timedelta:
    """Between two times of one zone Python subtracts the clocks, which lose or gain an hour twice a year."""
    return end.astimezone(UTC) - start.astimezone(UTC)


def write_day(moment: datetime) -> str:
    return DAY_NAMES[moment.weekday()]


def write_date(moment: datetime) -> str:
    return f"{moment.day} {MONTH_NAMES[moment.month - 1]} {moment.year}"


def write_time(moment: datetime) -> str:
    return f"{moment:%H:%M}"


def write_moment(moment: datetime) -> str:
    """`Thursday 25 March 2027, 18:00`; the caller sees to the zone."""
    return f"{write_day(moment)} {write_date(moment)}, {write_time(moment)}"


def one_or_many(value: object) -> object:
    """A single value where a list may stand is a list of one."""
    return value if isinstance(value, list | tuple) else [value]


def _written(what: str, pattern: str, *examples: str) -> WithJsonSchema:
    """For editors and the reference: what it is, how it looks, roughly, and some."""
    return WithJsonSchema({"description": what, "type": "string", "pattern": pattern, "examples": list(examples)})


_DAY = {"description": "a weekday, a range of them or a date", "type": "string", "examples": [*WEEKDAYS, "mon-fri"]}
_WEEKDAY = {"description": "a weekday or a range of them", "type": "string", "examples": ["mon-fri", *WEEKDAYS]}
WEEKDAYS_SCHEMA: Final = WithJsonSchema({"anyOf": [_WEEKDAY, {"type": "array", "items": _WEEKDAY, "minItems": 1}]})
DAYS_SCHEMA: Final = WithJsonSchema({"anyOf": [_DAY, {"type": "array", "items": _DAY, "minItems": 1}]})
DURATION_SCHEMA: Final = _written(
    "a duration", r"^(?=\d)(\d+w)?(\d+d)?(\d+h)?(\d+m)?$", "90m", "2h", "1h30m", "3d", "2w"
)
LENGTH_SCHEMA: Final = _written(
    "a length of time", r"^-?(?=\d)(\d+w)?(\d+d)?(\d+h)?(\d+m)?$", "90m", "2h", "1h30m", "-15m"
)
MOMENT_SCHEMA: Final = _written(
    "a clock time or a moment", r"^(\d{4}-\d\d-\d\d)?([T ]?\d{1,2}:\d\d.*)?$", "17:00", "2027-03-26 17:00"
)

Duration = Annotated[timedelta, BeforeValidator(read_duration), DURATION_SCHEMA]
SomeDuration = Annotated[timedelta, BeforeValidator(read_some_duration), DURATION_SCHEMA]
ClockTime = Annotated[time, BeforeValidator(read_clock), _written("a clock time", r"^\d{1,2}:\d\d$", "17:00")]
Moment = Annotated[time | datetime, BeforeValidator(read_moment), MOMENT_SCHEMA]
HOURS_SCHEMA: Final = _written("hours of a day", r"^\d\d?:\d\d\s*[-–]\s*\d\d?:\d\d$", "09:00-17:00")
Hours = Annotated[HoursRange, BeforeValidator(read_hours), HOURS_SCHEMA]
Weekdays = Annotated[frozenset[int], BeforeValidator(read_weekdays), WEEKDAYS_SCHEMA]
