"""Moments as HighLevel writes them."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

MILLISECOND = timedelta(milliseconds=1)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LAST = datetime(9999, 12, 30, tzinfo=UTC)
FIRST_YEAR, LAST_YEAR = 1900, 9990
"""Times outside of these are refused: what is reckoned around them would fall over the calendar's edge."""


def instant(text: str) -> datetime:
    """An ISO 8601 time with offset, in UTC."""
    return datetime.fromisoformat(text).astimezone(UTC)


def from_milliseconds(milliseconds: int) -> datetime:
    """Epoch milliseconds, in UTC; what no calendar can hold becomes its last day."""
    if milliseconds >= (LAST - EPOCH) // MILLISECOND:
        return LAST
    return EPOCH + milliseconds * MILLISECOND


def is_out_of_range(moment: datetime) -> bool:
    """Too early or too late, by its own clock or in UTC."""
    try:
        return any(not FIRST_YEAR <= each.year <= LAST_YEAR for each in (moment, moment.astimezone(UTC)))
    except OverflowError:
        return True


def whole_milliseconds(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(microsecond=moment.microsecond // 1000 * 1000)


def local_text(moment: datetime, zone: ZoneInfo) -> str:
    """As in `2026-07-20T12:00:00+02:00`: start and end times (recorded answers)."""
    return moment.astimezone(zone).isoformat(timespec="seconds")


def stamp_text(moment: datetime) -> str:
    """As in `2026-07-17T10:58:08.987Z`: when something was added or updated (recorded answers)."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
