"""How fast a pass goes: it never makes more than its share of the calls that a location has."""

import asyncio
import time
from collections.abc import Awaitable, Callable

from service.highlevel.books import Allowance
from service.highlevel.limits import Limits

ALLOWANCE = Allowance()
"""Until an answer says otherwise."""

LONGEST = 60.0
"""Seconds between two calls, however little the share is: a location must not be lost meanwhile."""


class Pace:
    """Between two calls lies so much time that no window of HighLevel's holds more than `share` percent of what it
    allows; a call that the client tried again is paid for by a longer pause."""

    def __init__(
        self,
        share: int,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._share = share / 100
        self._clock = clock
        self._sleep = sleep
        self._free_at = clock()
        self._calls = ALLOWANCE.calls
        self._interval = ALLOWANCE.interval

    async def before(self) -> None:
        """Wait until another call may go out."""
        wait = self._free_at - self._clock()
        if wait > 0:
            await self._sleep(wait)

    def spent(self, limits: Limits | None) -> None:
        """A call went out; `limits` are what its answer says of the location's."""
        if limits is not None:
            self._calls = limits.burst_limit or self._calls
            self._interval = limits.interval / 1000 if limits.interval else self._interval
        apart = min(LONGEST, self._interval / (self._calls * self._share))
        self._free_at = max(self._free_at, self._clock()) + apart
