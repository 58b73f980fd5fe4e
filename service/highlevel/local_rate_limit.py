"""The rate limit as one process can keep it for itself."""

import time
from collections.abc import Callable
from uuid import uuid4

from service.highlevel.books import SECOND, Allowance, Books
from service.highlevel.limits import Limits
from service.highlevel.rate_limit import Grant, Wait
from service.highlevel.turns import Turns

MANY = 1_000
"""Locations from which on those of which nothing has to be remembered are forgotten."""


class LocalRateLimit:
    """What `allowance` says for each location, followed as its answers tell more, or this process's part of it.

    `processes` share the calls of a location, none knowing of the others. `clock` gives seconds that never go back.
    """

    def __init__(
        self,
        allowance: Allowance | None = None,
        *,
        processes: int = 1,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if processes < 1:
            raise ValueError("there is at least one process")
        self._allowance = allowance or Allowance()
        self._processes = processes
        self._clock = clock
        self._name = f"own-{uuid4().hex}"
        self._books: dict[str, Books] = {}
        self._turns = Turns(self.ask, self._allowance.interval / max(self._allowance.calls // processes, 1))

    async def take(self, location: str, *, urgent: bool, within: float) -> Grant | Wait:
        return await self._turns.take(location, urgent=urgent, within=within)

    async def answered(self, location: str, grant: Grant, limits: Limits | None) -> None:
        self._of(location).answered(self._now(), grant, limits)

    async def refused(self, location: str, grant: Grant, limits: Limits | None, retry_after: float | None) -> None:
        self._of(location).refused(self._now(), grant, limits, retry_after)

    async def unsent(self, location: str, grant: Grant) -> None:
        self._of(location).unsent(self._now(), grant)

    async def ask(self, location: str, urgent: bool) -> Grant | Wait:
        """As `take`, but waits for nobody."""
        return self._of(location).take(self._now(), urgent=urgent)

    def note(self, location: str, grant: Grant) -> None:
        """A call of this process for which another rate limit gave leave."""
        self._of(location).note(self._now(), grant)

    def _now(self) -> int:
        return round(self._clock() * SECOND)

    def _of(self, location: str) -> Books:
        if location not in self._books:
            if len(self._books) >= MANY:
                now = self._now()
                self._books = {name: books for name, books in self._books.items() if not books.idle(now)}
            self._books[location] = Books(self._allowance, self._processes, self._name)
        return self._books[location]
