"""Words and marks of the pages: how a state, a text from elsewhere, a moment and a length of time are written."""

import unicodedata
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from markupsafe import Markup, escape

MARKS: Mapping[str, tuple[str, str]] = {
    "done": ("✓", "good"),
    "unchanged": ("=", "quiet"),
    "shadow": ("~", "info"),
    "failed": ("✗", "bad"),
    "unknown": ("?", "bad"),
    "parked": ("!", "warn"),
    "skipped": ("»", "quiet"),
    "ignored": ("–", "quiet"),
    # Of what is held back, and of alerts.
    "paused": ("‖", "warn"),
    "breaker": ("✗", "bad"),
    "token": ("✗", "bad"),
    "budget": ("…", "quiet"),
    "late": ("!", "bad"),
    "alert": ("!", "warn"),
    "urgent": ("✗", "bad"),
}
"""For each state its mark and its tone; what is not here is under way."""

UNDER_WAY = ("…", "warn")

KEPT_CONTROLS = "\n\t"
JOINERS = "\u200c\u200d"
"""Emoji and several scripts are written with them."""

LONGEST = 8192
"""Characters drawn of one text; no address of ours is longer."""

UNITS = (("d", 86400), ("h", 3600), ("min", 60), ("s", 1))


def said(text: str) -> str:
    """Text from elsewhere without what would hide it or turn it round: control, format and unassigned characters."""
    hidden = {
        ord(character): "\N{REPLACEMENT CHARACTER}"
        for character in set(text)
        if unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp")
        and character not in KEPT_CONTROLS
        and character not in JOINERS
    }
    return text.translate(hidden) if hidden else text


def cut(text: str, longest: int) -> str:
    """A text as far as it is drawn, and how much was left out."""
    left = len(text) - longest
    return f"{text[:longest]} … and {left} characters more" if left > 0 else text


def whole(text: str) -> Markup:
    """A text that is bounded already, for a template to draw to its end."""
    return escape(said(text))


def shown(value: Any) -> Any:
    """What every expression in a template goes through before it is escaped."""
    return said(cut(value, LONGEST)) if isinstance(value, str) and not isinstance(value, Markup) else value


def mark_of(state: str) -> str:
    return MARKS.get(state, UNDER_WAY)[0]


def tone_of(state: str) -> str:
    return MARKS.get(state, UNDER_WAY)[1]


@lru_cache(maxsize=256)
def zone_of(name: str | None) -> ZoneInfo:
    """A location's time zone; UTC where there is none, or none of that name any more."""
    try:
        return ZoneInfo(name or "UTC")
    except (ValueError, OSError, LookupError):
        return ZoneInfo("UTC")


def moment(at: datetime, time_zone: str | None, style: str = "%a %-d %b %Y, %H:%M:%S %Z") -> Markup:
    """A moment by the location's clock; UTC, which every log line speaks, in its title."""
    utc = at.astimezone(UTC)
    local = at.astimezone(zone_of(time_zone))
    return Markup('<time datetime="{}" title="{}">{}</time>').format(
        f"{utc:%Y-%m-%dT%H:%M:%S.%f}"[:-3] + "Z", f"{utc:%Y-%m-%d %H:%M:%S} UTC", local.strftime(style)
    )


def length(time: timedelta) -> str:
    """`45 s`, `3 min`, `2 h 5 min`, `4 d 1 h`: the two largest units at most."""
    seconds = max(0, int(time.total_seconds()))
    parts = []
    for unit, size in UNITS:
        number, seconds = divmod(seconds, size)
        if number:
            parts.append(f"{number} {unit}")
        elif parts:
            break
    return " ".join(parts[:2]) or "0 s"


def trigger_words(triggers: Iterable[str]) -> str:
    return ", ".join(trigger.removeprefix("appointment.") for trigger in triggers)
