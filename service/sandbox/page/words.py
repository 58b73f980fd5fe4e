"""Words of the page: how names, moments, statuses and texts from elsewhere are written."""

import unicodedata
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from markupsafe import Markup

from service.highlevel.contacts import Contact
from service.highlevel.users import User

STATUSES = {
    "new": "not confirmed",
    "noshow": "no-show",
    "no_show": "no-show",
    "active": "not paid",
}
"""Statuses that people call otherwise."""
MARKS = {"confirmed": "●", "new": "○", "cancelled": "✕", "noshow": "✕", "no_show": "✕", "invalid": "✕", "showed": "✓"}
LAID_OUT = "\n\t"
JOINERS = "\u200c\u200d"
"""Emoji and several scripts are written with them."""
HIDING = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
MIDNIGHT = "24:00"
LONGEST = 4096
"""Characters drawn of one text."""


def name_of(person: User | Contact | None, otherwise: str = "") -> str:
    return otherwise if person is None else person.name or person.id


def status_words(status: str) -> str:
    return STATUSES.get(status, status)


def mark_of(status: str) -> str:
    return MARKS.get(status, "●")


def local(moment: datetime, zone: ZoneInfo) -> datetime:
    """What the zone would move over the calendar's edge is its first or last moment."""
    try:
        return moment.astimezone(zone)
    except OverflowError:
        first, last = datetime.min.replace(tzinfo=zone), datetime.max.replace(tzinfo=zone)
        return first if moment.year == first.year else last


def comes_twice(local: datetime) -> bool:
    """Whether clocks go back, so that this one shows the same once more."""
    return local.utcoffset() != local.replace(fold=1 - local.fold).utcoffset()


def clock(moment: datetime, zone: ZoneInfo) -> str:
    """`09:00`; `01:30 BST` of an hour that comes twice."""
    return _clock(local(moment, zone))


def day_and_clock(moment: datetime, zone: ZoneInfo) -> str:
    at = local(moment, zone)
    return f"{at:%a} {at.day} {at:%b %Y}, {_clock(at)}"


def clock_on(day: date, moment: datetime, zone: ZoneInfo) -> str:
    """Without the date where it is that day, the end of that day among it."""
    at = local(moment, zone)
    if at.date() == day:
        return _clock(at)
    if (at.date() - day).days == 1 and at.time() == time():
        return MIDNIGHT
    year = "" if at.year == day.year else f" {at.year}"
    return f"{at:%a} {at.day} {at:%b}{year}, {_clock(at)}"


def times_words(starts: datetime, ends: datetime, zone: ZoneInfo) -> str:
    """`09:00–10:00`, with both days where it ends on another one."""
    until = clock_on(local(starts, zone).date(), ends, zone)
    since = clock(starts, zone) if until == MIDNIGHT else clock_on(local(ends, zone).date(), starts, zone)
    return f"{since}–{until}"


def span_words(starts: datetime, ends: datetime, zone: ZoneInfo) -> str:
    return f"{day_and_clock(starts, zone)}–{clock_on(local(starts, zone).date(), ends, zone)}"


def moment_words(moment: datetime, zone: ZoneInfo) -> str:
    """With seconds: when something was done."""
    at = local(moment, zone)
    return f"{at:%a} {at.day} {at:%b %H:%M:%S}"


def zone_words(zone: ZoneInfo, *moments: datetime) -> str:
    """`Europe/London (UTC+00:00, then UTC+01:00)`: as the clocks are at these moments."""
    offsets = (f"{local(moment, zone):%z}" for moment in moments)
    return f"{zone.key} ({', then '.join(dict.fromkeys(f'UTC{offset[:3]}:{offset[3:5]}' for offset in offsets))})"


def length_words(length: timedelta) -> str:
    """`1 d 2 h`, `3 min`: the two largest units."""
    seconds, parts = int(abs(length).total_seconds()), []
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60), ("s", 1)):
        number, seconds = divmod(seconds, size)
        if number:
            parts.append(f"{number} {unit}")
    return " ".join(parts[:2]) or "0 s"


def shown(value: Any) -> Any:
    """What every expression of a template goes through before it is escaped: nothing in it hides or turns round what
    stands beside it, or cannot be sent at all."""
    if not isinstance(value, str) or isinstance(value, Markup):
        return value
    if len(value) > LONGEST:
        value = f"{value[:LONGEST]} … and {len(value) - LONGEST} characters more"
    if value.isprintable():
        return value
    hiding = {
        ord(character): "\N{REPLACEMENT CHARACTER}"
        for character in set(value)
        if unicodedata.category(character) in HIDING and character not in LAID_OUT + JOINERS
    }
    return value.translate(hiding)


def _clock(local: datetime) -> str:
    return f"{local:%H:%M} {local:%Z}" if comes_twice(local) else f"{local:%H:%M}"
