"""What a failed call is answered with: how long to wait, what is held back meanwhile, and when it is enough."""

import random
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from service.highlevel.errors import HighLevelError, NotSent, RateLimited, TokenRefused
from service.outgoing.errors import OutgoingError

SHORTEST, LONGEST = 0.5, 60.0
LONGEST_ASKED = 900.0
"""Seconds of a Retry-After that are believed; then it is time to ask whether it still holds."""


@dataclass(frozen=True)
class Policy:
    """`holds`: what keeps the whole location back meanwhile. `tries`: after so many it is parked; None is never, for it
    was not taken, and is owed however often that is said."""

    tries: int | None
    holds: Literal["budget", "token"] | None = None


BUDGET = Policy(None, "budget")
TOKEN = Policy(8, "token")
"""Refused however often a probe found the token well: it is refused for this kind of call alone. While the probe is
refused as well nothing is tried."""
AWAY = Policy(20)
"""Nothing left this machine. An outage of all of HighLevel costs few tries: the breaker keeps them back."""
FAILED = Policy(8)
"""Taken, and failed or not answered."""


def policy(error: HighLevelError) -> Policy | None:
    """None for what will not be otherwise however often it is tried."""
    match error:
        case RateLimited():
            return BUDGET
        case TokenRefused():
            return TOKEN
        case NotSent():
            return AWAY
        case _:
            return FAILED if error.retry else None


def pause(error: HighLevelError | OutgoingError, tries: int) -> timedelta:
    """What was asked for, else twice as long after each of the `tries`; spread, so that not all come at once."""
    if error.retry_after is not None:
        return timedelta(seconds=min(max(error.retry_after, SHORTEST), LONGEST_ASKED) + random.random() / 4)  # noqa: S311
    seconds = min(LONGEST, SHORTEST * 2 ** min(tries, 10))
    return timedelta(seconds=seconds * (0.75 + random.random() / 2))  # noqa: S311
