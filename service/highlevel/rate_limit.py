"""How fast a client may go: leave is taken for every call, and what became of it is told."""

from dataclasses import dataclass
from typing import Protocol

from service.highlevel.limits import Limits


@dataclass(frozen=True)
class Grant:
    """Leave to send one call."""

    ticket: str


@dataclass(frozen=True)
class Wait:
    """No leave for now; in so many seconds it makes sense to ask again."""

    seconds: float


class RateLimit(Protocol):
    """The calls that a location may make, shared by whoever makes them. Never raises."""

    async def take(self, location: str, *, urgent: bool, within: float) -> Grant | Wait:
        """Leave for one call, of those kept for urgent ones too if it is `urgent`; it may be waited for, for `within`
        seconds. Where that cannot be enough the answer comes at once. A grant of which nothing is told counts as
        sent."""
        ...

    async def answered(self, location: str, grant: Grant, limits: Limits | None) -> None:
        """The call was, or may have been, counted; `limits` is what its answer said is left."""
        ...

    async def refused(self, location: str, grant: Grant, limits: Limits | None, retry_after: float | None) -> None:
        """The answer was 429: others spend from the same budget, or it is smaller than was thought."""
        ...

    async def unsent(self, location: str, grant: Grant) -> None:
        """The call never left: its leave can be given to another."""
        ...


class Unlimited:
    """As fast as it goes."""

    _always = Grant("")

    async def take(self, location: str, *, urgent: bool, within: float) -> Grant | Wait:
        return self._always

    async def answered(self, location: str, grant: Grant, limits: Limits | None) -> None:
        pass

    async def refused(self, location: str, grant: Grant, limits: Limits | None, retry_after: float | None) -> None:
        pass

    async def unsent(self, location: str, grant: Grant) -> None:
        pass
