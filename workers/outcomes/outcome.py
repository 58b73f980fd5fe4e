"""What there is to say of a write that was looked for: it is there, not yet, overtaken, or nobody can tell."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from service.trigger import Booking

CLOCK_SKEW = timedelta(seconds=60)
"""How far HighLevel's clock may be from our database's."""


@dataclass(frozen=True)
class Found:
    """It is in the world. `written_id`: of what it created; `updated`: HighLevel's dateUpdated of the appointment;
    `single`: the one of a whole series that the step is about, as it is now."""

    written_id: str | None = None
    updated: datetime | None = None
    single: Booking | None = None


@dataclass(frozen=True)
class NotFoundYet:
    """It is not in the world, and may be sent once nothing can be under way any more."""


@dataclass(frozen=True)
class Overtaken:
    """It is not as we meant it, nor as it was: somebody else changed it. `gone`: there is nothing left to change.
    `as_before`: what we were to change they left as it was."""

    reason: str
    gone: bool = False
    as_before: bool = False


@dataclass(frozen=True)
class Unseeable:
    """HighLevel shows nobody whether it is in the world, and twice would be too often: why, in words."""

    reason: str


Outcome = Found | NotFoundYet | Overtaken | Unseeable

Taken = Callable[[Sequence[str]], Awaitable[frozenset[str]]]
"""Which of some ids other steps are known to have made."""


async def ours(same: Sequence[str], taken: Taken) -> Outcome:
    """The first of these that no other step has made."""
    others = await taken(same) if same else frozenset()
    return next((Found(id_) for id_ in same if id_ not in others), NotFoundYet())
