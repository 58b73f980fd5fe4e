"""Filters: what the history is asked for by its address, read strictly, and the links that keep it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID
from zoneinfo import ZoneInfo

STATES = ("open", "waiting", "judged", "parked", "done", "ignored", "failed")
"""How a delivery stands; `open` is what has not ended: waiting or judged."""

STEP_STATES = (
    *("planned", "sent", "waiting"),
    *("done", "unchanged", "failed", "unknown", "parked", "skipped", "shadow"),
)

WORDS = ("rule", "appointment", "location", "source")
MOMENTS = ("since", "until")
PLACES = ("before", "after")
NAMES = ("status", "step", *WORDS, *MOMENTS, *PLACES)

LONGEST = 200
AGO = re.compile(r"(\d{1,6})\s*(s|m|min|h|d|w)")
SECONDS = {"s": 1, "m": 60, "min": 60, "h": 3600, "d": 86400, "w": 604800}
YEARS = range(2000, 2200)
"""In which a booking system's moments lie; outside, arithmetic with them may fail."""


@dataclass(frozen=True)
class Filters:
    """`values` are what the store's list takes, `given` the texts as they were typed, `faults` what is wrong with
    which of them."""

    values: Mapping[str, Any] = field(default_factory=dict)
    given: Mapping[str, str] = field(default_factory=dict)
    faults: Mapping[str, str] = field(default_factory=dict)

    @property
    def chosen(self) -> dict[str, str]:
        """Without the place in the pages."""
        return {name: text for name, text in self.given.items() if name not in PLACES}

    def link(self, **changed: object) -> str:
        """The history with these filters, from its newest delivery on or as `changed` says."""
        return history_link(**{**self.chosen, **changed})


def history_link(**filters: object) -> str:
    kept = {name: value for name, value in filters.items() if value not in (None, "")}
    return f"/history?{urlencode(kept)}" if kept else "/history"


def read_filters(query: Sequence[tuple[str, str]], now: datetime, zones: Mapping[str, ZoneInfo]) -> Filters:
    """`zones` are the locations' time zones: a clock time without one is that of the location asked for, or UTC."""
    given: dict[str, str] = {}
    faults: dict[str, str] = {}
    for name, text in query:
        if name not in NAMES:
            faults[name] = f"There is no such filter. There are: {', '.join(NAMES)}."
        elif name in given:
            faults[name] = "This is given twice; one of them will do."
        elif text.strip():
            given[name] = text.strip()
    zone = zones.get(given.get("location", ""), ZoneInfo("UTC"))
    values: dict[str, Any] = {}
    for name, text in given.items():
        try:
            values[name] = _read(name, text, now, zone)
        except ValueError as error:
            faults[name] = str(error)
    if "before" in values and "after" in values:
        faults["before"] = "Either before or after; not both."
    return Filters(values, given, faults)


def _read(name: str, text: str, now: datetime, zone: ZoneInfo) -> Any:
    """Raises ValueError in words for the page."""
    if name == "status":
        return _one_of(STATES, text)
    if name == "step":
        return _one_of(STEP_STATES, text)
    if name in MOMENTS:
        return _moment(text, now, zone)
    if name in PLACES:
        try:
            return UUID(text)
        except ValueError:
            raise ValueError("This is no delivery's id: 32 hexadecimal digits.") from None
    if len(text) > LONGEST or not text.isprintable():
        raise ValueError(f"Nothing is called so: at most {LONGEST} characters, all of them visible.")
    return text


def _one_of(allowed: Sequence[str], text: str) -> str:
    if text not in allowed:
        raise ValueError(f"This is none of them. Allowed: {', '.join(allowed)}.")
    return text


def _moment(text: str, now: datetime, zone: ZoneInfo) -> datetime:
    if ago := AGO.fullmatch(text):
        at = now - timedelta(seconds=min(int(ago[1]) * SECONDS[ago[2]], 50 * 366 * 86400))
        return at if at.year in YEARS else at.replace(year=YEARS.start)
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError("Allowed: a time ago such as 2h or 3d, a day, or a moment such as 2027-03-26T18:00.") from None
    if at.year not in YEARS[1:-1]:
        raise ValueError(f"Allowed: years from {YEARS[1]} to {YEARS[-2]}.")
    return at if at.tzinfo else at.replace(tzinfo=zone)
