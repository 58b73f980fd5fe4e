"""Recurring appointments: the single ones that a rule makes of the first."""

import re
from collections.abc import Iterator, Set
from datetime import UTC, datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

from dateutil.rrule import rrulestr

from service.availability.hours import first_instant
from service.sandbox.world.records import Appointment

MOST = 500
"""So many are laid at most, of a rule that has no end or a late one; HighLevel's own figure is not known."""
LONGEST = timedelta(days=731)
FREQUENCIES = frozenset({"DAILY", "WEEKLY", "MONTHLY", "YEARLY"})
PARTS = frozenset({"FREQ", "INTERVAL", "COUNT", "UNTIL", "BYDAY", "BYMONTHDAY", "BYMONTH", "BYSETPOS", "WKST"})
LONGEST_TEXT = 10_000
DATE = re.compile(r"\d{8}", re.ASCII)
DAYS = re.compile(r"([+-]?\d{1,2})?(MO|TU|WE|TH|FR|SA|SU)", re.ASCII)
MOST_OF_A_DAY = {"MONTHLY": 5, "YEARLY": 53}
"""So many Mondays a month or a year can have; of a week or a day there is only the one."""
STAMP = re.compile(r"(\d{8})T(\d{6})(Z?)", re.ASCII)
LONGEST_MONTHS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def read_rule(text: str) -> tuple[dict[str, str], list[str]]:
    """The parts of `RRULE:FREQ=...;... EXDATE:...,...` (either half as HighLevel documents it) and the dates left out.
    Raises ValueError."""
    rule, _, left_out = text.strip().removeprefix("RRULE:").partition("EXDATE:")
    parts = dict(part.split("=", 1) for part in rule.strip().strip(";").upper().split(";") if "=" in part)
    if len(text) > LONGEST_TEXT or parts.get("FREQ") not in FREQUENCIES or parts.keys() - PARTS:
        raise ValueError("rrule must be a valid RRULE")
    _require_possible(parts)
    return parts, [each.strip() for each in left_out.split(",") if each.strip()]


def same_rule(text: str, other: str | None) -> bool:
    """Whether a rule says no more than another that may have exceptions by now."""
    return other is not None and text.strip() == other.partition("EXDATE:")[0].strip()


def with_exception(text: str, start: datetime) -> str:
    """The same rule without the appointment of this start."""
    rule, found, left_out = text.partition("EXDATE:")
    stamp = start.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
    return f"{rule}EXDATE:{left_out},{stamp}" if found else f"{rule.strip()} EXDATE:{stamp}"


def moved(text: str, before: datetime, after: datetime, zone: ZoneInfo) -> str:
    """The same rule, its exceptions moved as the first one is. Raises ValueError."""
    rule, found, _ = text.partition("EXDATE:")
    if not found or before == after:
        return text
    result = rule.strip()
    for stamp in read_rule(text)[1]:
        if DATE.fullmatch(stamp):
            stamp += f"T{before.astimezone(zone):%H%M%S}"
        result = with_exception(result, moved_moment(_instant(stamp, zone), before, after, zone))
    return result


def moved_moment(moment: datetime, before: datetime, after: datetime, zone: ZoneInfo) -> datetime:
    """Moved by as much as lies between the two others, by the clock on the wall."""
    shift = after.astimezone(zone).replace(tzinfo=None) - before.astimezone(zone).replace(tzinfo=None)
    return _at(moment.astimezone(zone).replace(tzinfo=None) + shift, zone)


def starts_of(text: str, first: datetime, zone: ZoneInfo) -> list[datetime]:
    """When the single ones start, the first among them, by the location's clock on the wall. Raises ValueError."""
    parts, left_out = read_rule(text)
    gone = {_instant(stamp, zone) for stamp in left_out if not DATE.fullmatch(stamp)}
    days = {_instant(stamp, zone).astimezone(zone).date() for stamp in left_out if DATE.fullmatch(stamp)}
    until = _instant(parts.pop("UNTIL"), zone) if "UNTIL" in parts else None
    wall = first.astimezone(zone).replace(tzinfo=None)
    last = min(until or first + LONGEST, first + LONGEST)
    starts = []
    try:
        rule = rrulestr(";".join(f"{name}={value}" for name, value in parts.items()), dtstart=wall)
        for each in islice(rule, MOST):
            start = _at(each, zone)
            if start > last:
                break
            if start not in gone and each.date() not in days:
                starts.append(start)
    except (IndexError, TypeError) as error:  # dateutil's, about parts that do not fit each other
        raise ValueError("rrule must be a valid RRULE") from error
    return starts


def instances(master: Appointment, zone: ZoneInfo) -> Iterator[Appointment]:
    """The single appointments of a series. Raises ValueError for a rule that cannot be read."""
    if master.rrule is None:
        return
    length = master.end_time - master.start_time
    for start in starts_of(master.rrule, master.start_time, zone):
        single = master.changed(start_time=start, end_time=start + length, master_event_id=master.id)
        yield single.changed(id=single_id(single, set()))


def single_id(single: Appointment, taken: Set[str]) -> str:
    """As HighLevel makes them, of the start in milliseconds and the length in seconds; of those that are not taken."""
    start = int(single.start_time.timestamp() * 1000)
    length = int((single.end_time - single.start_time).total_seconds())
    while (name := f"{single.master_event_id}_{start}_{length}") in taken:
        start += 1
    return name


def _at(wall: datetime, zone: ZoneInfo) -> datetime:
    minute = first_instant(wall.date(), wall.hour * 60 + wall.minute, zone)
    return minute + timedelta(seconds=wall.second, microseconds=wall.microsecond)


def _instant(stamp: str, zone: ZoneInfo) -> datetime:
    if DATE.fullmatch(stamp):
        stamp += "T235959"
    if not STAMP.fullmatch(stamp):
        raise ValueError("rrule must be a valid RRULE")
    moment = datetime.strptime(stamp.rstrip("Z"), "%Y%m%dT%H%M%S").replace(tzinfo=UTC if stamp[-1] == "Z" else zone)
    return moment.astimezone(UTC)


def _require_possible(parts: dict[str, str]) -> None:
    """A day that no month has would be looked for until the year 9999."""
    if int(parts.get("INTERVAL", 1)) < 1 or int(parts.get("COUNT", 1)) < 1:
        raise ValueError("rrule must be a valid RRULE")
    days = [int(day) for day in parts.get("BYMONTHDAY", "").split(",") if day]
    months = [int(month) for month in parts.get("BYMONTH", "").split(",") if month]
    if any(not 1 <= month <= 12 for month in months) or any(not 1 <= abs(day) <= 31 for day in days):
        raise ValueError("rrule must be a valid RRULE")
    longest = max((LONGEST_MONTHS[month - 1] for month in months), default=31)
    if days and min(map(abs, days)) > longest:
        raise ValueError("rrule must be a valid RRULE")
    for day in parts.get("BYDAY", "MO").split(","):
        found = DAYS.fullmatch(day.strip())
        if found is None or abs(int(found[1] or 0)) > MOST_OF_A_DAY.get(parts["FREQ"], 0):
            raise ValueError("rrule must be a valid RRULE")
    positions = [int(position) for position in parts.get("BYSETPOS", "").split(",") if position]
    if positions and (parts["FREQ"] in ("DAILY", "WEEKLY") or max(map(abs, positions)) > 5):
        raise ValueError("rrule must be a valid RRULE")
