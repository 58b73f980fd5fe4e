"""Turns: those of one process who wait for leave to call, in their order, so that only the first of them asks."""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from itertools import chain

from service.highlevel.rate_limit import Grant, Wait

Ask = Callable[[str, bool], Awaitable[Grant | Wait]]
"""For a location, urgently or not: leave, or when to ask again. Does not wait."""


WHILE_ANOTHER_ASKS = 0.5
"""Seconds that also who will not wait waits for the one before to be told."""


class Turns:
    """First come, first served, for each location; urgent ones before all others."""

    def __init__(self, ask: Ask, pace: float) -> None:
        """`pace`: seconds by which each who stands before us is thought to delay us while there is no leave."""
        self._ask = ask
        self._pace = pace
        self._lines: dict[str, _Line] = {}

    async def take(self, location: str, *, urgent: bool, within: float) -> Grant | Wait:
        """As RateLimit's."""
        line = self._lines.setdefault(location, _Line())
        waiter = _Waiter(urgent, time.monotonic() + within)
        line.join(waiter)
        try:
            return await self._wait(location, line, waiter)
        finally:
            line.leave(waiter)
            if not line:
                self._lines.pop(location, None)

    async def _wait(self, location: str, line: "_Line", waiter: "_Waiter") -> Grant | Wait:
        while True:
            waiter.woken.clear()
            if line.first is waiter:
                leave = await self._ask(location, waiter.urgent)
                if isinstance(leave, Grant):
                    return leave
                line.due = time.monotonic() + leave.seconds
                self._tell(line)
            wait, now = self._expected(line, waiter), time.monotonic()
            if wait is not None and now + wait > waiter.until:
                return Wait(wait)
            if wait is None and now >= waiter.latest:
                return Wait(self._pace * (line.before(waiter) + 1))
            try:
                # Who is not first is woken when he is, or when he would have to wait too long.
                async with asyncio.timeout(wait if line.first is waiter else waiter.latest - now):
                    await waiter.woken.wait()
            except TimeoutError:
                pass

    def _expected(self, line: "_Line", waiter: "_Waiter") -> float | None:
        """Seconds; None while the first one asks and may get leave at once, as all others then."""
        wait = line.due - time.monotonic()
        if line.first is waiter:
            return max(wait, 0.0)
        return wait + line.before(waiter) * self._pace if wait > 0 else None

    def _tell(self, line: "_Line") -> None:
        """Those who will not wait so long."""
        for position, waiter in enumerate(line):
            if line.due + position * self._pace > waiter.until:
                waiter.woken.set()


class _Waiter:
    def __init__(self, urgent: bool, until: float) -> None:
        self.urgent = urgent
        self.until = until
        """The moment to which there is patience."""
        self.latest = max(until, time.monotonic() + WHILE_ANOTHER_ASKS)
        self.woken = asyncio.Event()


class _Line:
    """Of one location."""

    def __init__(self) -> None:
        self._urgent: deque[_Waiter] = deque()
        self._others: deque[_Waiter] = deque()
        self.due = 0.0
        """When the first of them is to ask again."""

    def __bool__(self) -> bool:
        return bool(self._urgent or self._others)

    def __iter__(self) -> Iterator[_Waiter]:
        return chain(self._urgent, self._others)

    @property
    def first(self) -> _Waiter:
        return (self._urgent or self._others)[0]

    def before(self, waiter: _Waiter) -> int:
        """How many stand before it."""
        return self._urgent.index(waiter) if waiter.urgent else len(self._urgent) + self._others.index(waiter)

    def join(self, waiter: _Waiter) -> None:
        (self._urgent if waiter.urgent else self._others).append(waiter)

    def leave(self, waiter: _Waiter) -> None:
        """The next one becomes the first, if this one was."""
        (self._urgent if waiter.urgent else self._others).remove(waiter)
        if self:
            self.first.woken.set()
