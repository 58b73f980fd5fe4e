"""What HighLevel's answers say of the calls that a location has left (headers `X-RateLimit-…`)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

MOST = 2**31 - 1


@dataclass(frozen=True)
class Limits:
    """Calls left, and allowed, in the window (of ten seconds) and in the day; None where the answer did not say."""

    burst_left: int | None = None
    burst_limit: int | None = None
    day_left: int | None = None
    day_limit: int | None = None
    interval: int | None = None
    """Milliseconds that the window lasts."""
    day_reset: int | None = None
    """Milliseconds until the day's calls are whole again (seen in recorded answers, not documented)."""

    @classmethod
    def read(cls, headers: Mapping[str, str]) -> Self | None:
        """None when the answer says nothing of them. What is no number counts as not said."""
        limits = cls(
            _number(headers.get("X-RateLimit-Remaining")),
            _number(headers.get("X-RateLimit-Max")),
            _number(headers.get("X-RateLimit-Daily-Remaining")),
            _number(headers.get("X-RateLimit-Limit-Daily")),
            _number(headers.get("X-RateLimit-Interval-Milliseconds")),
            _number(headers.get("X-RateLimit-Daily-Reset")),
        )
        return None if limits == cls() else limits


def _number(header: str | None) -> int | None:
    text = (header or "").strip()
    if not (text.isascii() and text.removeprefix("-").isdigit() and len(text) <= 20):
        return None
    return min(max(int(text), 0), MOST)
