"""Recurring appointments: the single ones that a rule makes of the first."""

import re
from collections.abc import Iterator
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
STAMP = re.compile(r"(\d{8})T(\d{6})(Z?)")
LONGEST_MONTHS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def read_rule(text: str) -> tuple[dict[str, str], list[str]]:
    """The parts of `RRULE:FREQ=...;... EXDATE:...,...` (either half as HighLevel documents it) and the dates left out.
    Raises ValueError."""
    rule, _, left_out = text.strip().removeprefix("RRULE:").partition("EXDATE:")
    parts = dict(part.split("=", 1) for part in rule.strip().strip(";").upper().split(";") if "=" in part)
    if parts.get("FREQ") not in FREQUENCIES or parts.keys() - PARTS:
        raise ValueError("rrule must be a valid RRULE")
    _require_possible(parts)
    return parts, [each.strip() for each in left_out.split(",") if each.strip()]


def with_exception(text: str, start: datetime) -> str:
    """The same rule without the appointment of this start."""
    rule, found, left_out = text.partition("EXDATE:")
    stamp = start.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
    return f"{rule}EXDATE:{left_out},{stamp}" if found else f"{rule.strip()} EXDATE:{stamp}"


def moved(text: str, before: datetime, after: datetime, zone: ZoneInfo) -> str:
    """The same rule, its exceptions moved as the first one is, by the clock on the wall."""
    rule, found, _ = text.partition("EXDATE:")
    if not found:
        return text
    shift = after.astimezone(zone).replace(tzinfo=None) - before.astimezone(zone).replace(tzinfo=None)
    walls = [_instant(stamp, zone).astimezone(zone).replace(tzinfo=None) + shift for stamp in read_rule(text)[1]]
    text = rule.strip()
    for wall in walls:
        text = with_exception(text, _at(wall, zone))
    return text


def starts_of(text: str, first: datetime, zone: ZoneInfo) -> list[datetime]:
    """When the single ones start, the first among them, by the location's clock on the wall. Raises ValueError."""
    parts, left_out = read_rule(text)
    gone = {_instant(stamp, zone) for stamp in left_out}
    until = _instant(parts.pop("UNTIL"), zone) if "UNTIL" in parts else None
    wall = first.astimezone(zone).replace(tzinfo=None)
    rule = rrulestr(";".join(f"{name}={value}" for name, value in parts.items()), dtstart=wall)
    last = min(until or first + LONGEST, first + LONGEST)
    starts = []
    for each in islice(rule, MOST):
        start = _at(each, zone)
        if start > last:
            break
        if start not in gone:
            starts.append(start)
    return starts


def instances(master: Appointment, zone: ZoneInfo) -> Iterator[Appointment]:
    """The single appointments of a series. Raises ValueError for a rule that cannot be read."""
    if master.rrule is None:
        return
    length = master.end_time - master.start_time
    for start in starts_of(master.rrule, master.start_time, zone):
        yield master.changed(
            id=f"{master.id}_{int(start.timestamp() * 1000)}_{int(length.total_seconds())}",
            start_time=start,
            end_time=start + length,
            master_event_id=master.id,
        )


def _at(wall: datetime, zone: ZoneInfo) -> datetime:
    minute = first_instant(wall.date(), wall.hour * 60 + wall.minute, zone)
    return minute + timedelta(seconds=wall.second, microseconds=wall.microsecond)


def _instant(stamp: str, zone: ZoneInfo) -> datetime:
    if re.fullmatch(r"\d{8}", stamp):
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
    if "BYSETPOS" in parts and parts["FREQ"] in ("DAILY", "WEEKLY"):
        raise ValueError("rrule must be a valid RRULE")
