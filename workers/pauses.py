"""How long to wait before HighLevel is asked again."""

import random
from datetime import timedelta

from service.highlevel.errors import HighLevelError, TokenRefused

SHORTEST, LONGEST = 0.5, 60.0
LONGEST_ASKED = 900.0
"""Seconds of a Retry-After that are believed; then it is time to ask whether it still holds."""


def passes(error: HighLevelError) -> bool:
    """Whether it may be over in a while: also when somebody has connected the location again, or given it a token."""
    return error.retry or isinstance(error, TokenRefused)


def pause(error: HighLevelError, tries: int) -> timedelta:
    """What HighLevel asks for, else twice as long after each of the `tries`; spread, so that not all come at once."""
    if error.retry_after is not None:
        return timedelta(seconds=min(max(error.retry_after, SHORTEST), LONGEST_ASKED) + random.random() / 4)  # noqa: S311
    seconds = min(LONGEST, SHORTEST * 2 ** min(tries, 10))
    return timedelta(seconds=seconds * (0.75 + random.random() / 2))  # noqa: S311
