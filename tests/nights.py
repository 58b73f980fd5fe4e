"""Nights in which the clocks change, and instants as the calendar has them."""

from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from service.availability.intervals import Interval

LONDON, NEW_YORK, SYDNEY = ZoneInfo("Europe/London"), ZoneInfo("America/New_York"), ZoneInfo("Australia/Sydney")
HOUR, DAY, MINUTE = timedelta(hours=1), timedelta(days=1), timedelta(minutes=1)

FORWARD: Final = {
    NEW_YORK: ("2027-03-14 01:59-05:00", "2027-03-14 03:00-04:00"),
    LONDON: ("2027-03-28 00:59+00:00", "2027-03-28 02:00+01:00"),
    SYDNEY: ("2027-10-03 01:59+10:00", "2027-10-03 03:00+11:00"),
}
BACK: Final = {
    NEW_YORK: ("2027-11-07 01:59-04:00", "2027-11-07 01:00-05:00"),
    LONDON: ("2027-10-31 01:59+01:00", "2027-10-31 01:00+00:00"),
    SYDNEY: ("2027-04-04 02:59+11:00", "2027-04-04 02:00+10:00"),
}
"""Of each zone the last minute that its clocks show before the change, and the first after it."""

NIGHTS: Final = [(zone, *minutes) for nights in (FORWARD, BACK) for zone, minutes in nights.items()]

SUNDAYS: Final = {zone: (FORWARD[zone][0][:10], BACK[zone][0][:10]) for zone in FORWARD}
"""On which the clocks go forward, and back."""

SANTIAGO, AZORES = ZoneInfo("America/Santiago"), ZoneInfo("Atlantic/Azores")

ODD_ZONES: Final = tuple(
    ZoneInfo(name)
    for name in (
        "America/Santiago",  # at midnight
        "Atlantic/Azores",  # an hour later: midnight comes twice
        "America/Nuuk",  # an hour before midnight
        "Africa/Cairo",  # at midnight, on a Friday
        "Australia/Lord_Howe",  # by half an hour
        "America/St_Johns",  # half an hour beside the others
        "Asia/Kathmandu",  # never
    )
)


def instant(text: str, zone: ZoneInfo = LONDON) -> datetime:
    """In UTC. An offset in the text counts before the zone; a time that comes twice is the first of the two."""
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)


def shown(moment: datetime, zone: ZoneInfo) -> str:
    """What the zone's clocks show then, and how they differ from UTC."""
    return f"{moment.astimezone(zone):%a %Y-%m-%d %H:%M %z}"


def told(opening: Interval, zone: ZoneInfo) -> str:
    """From when to when, and how long that is."""
    return f"{shown(opening.starts, zone)[:20]} - {shown(opening.ends, zone)[:20]}: {opening.ends - opening.starts}"
