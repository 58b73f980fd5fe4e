"""What an alert says where it is sent to, and the hours in which it is sent. Pure."""

from collections.abc import Iterable
from datetime import UTC, datetime, time
from typing import Final
from zoneinfo import ZoneInfo

from service.store.notices import Notice

DAY: Final = (time(8), time(20))
"""The location's day, on its own clock: what is not urgent waits for it."""

LONGEST: Final = 1500
"""Characters of a text; the console has the rest. Some receivers take no more than 2,000 in all."""


def awake(zones: Iterable[str], now: datetime) -> list[str]:
    """The zones in which it is day."""
    begin, end = DAY
    return [zone for zone in zones if begin <= now.astimezone(ZoneInfo(zone)).time() < end]


def said(notice: Notice) -> str:
    """In the markup of Slack, which takes `<` for the begin of a link or of a word to all."""
    where = notice.location_name or notice.location_id
    heading = ", ".join(filter(None, (where, notice.rule, notice.kind)))
    text = notice.text if len(notice.text) <= LONGEST else notice.text[: LONGEST - 1] + "…"
    found = f"\nslotwright history show {notice.delivery_id}" if notice.delivery_id else ""
    return _escaped(f"{heading}: {text}{_times(notice)}{found}")


def _times(notice: Notice) -> str:
    more = notice.telling - notice.told
    clock = notice.first_at.astimezone(ZoneInfo(notice.time_zone) if notice.time_zone else UTC)
    if notice.told:
        return f" (and {more} more since {clock:%H:%M})"
    return f" ({more} times since {clock:%H:%M})" if more > 1 else ""


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
