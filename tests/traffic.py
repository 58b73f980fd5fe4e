"""Calls on their way to a server that counts exactly, in a time that passes in the test only: what the rate limit's
tests let its books loose on."""

import heapq
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import count, cycle
from typing import Any, Literal

from service.highlevel.books import SECOND, Books
from service.highlevel.limits import Limits
from service.highlevel.rate_limit import Grant, Wait

Fate = Literal["answered", "lost", "unsent", "silent"]
"""Of a call: its answer comes, or does not; it never leaves; whoever made it died."""

NOON = 1_700_000_000 * SECOND
"""When it begins."""


@dataclass
class Traffic:
    """Callers and the server, which counts exactly: in time that passes in the test only."""

    books: list[Books]
    latencies: Iterable[int]
    """Microseconds there, and back."""
    fates: Iterable[Fate] = ("answered",)
    most: int = 100
    interval: int = 10 * SECOND
    fixed: bool = False
    """Whether a window begins anew all at once, instead of sliding."""
    now: int = NOON
    done: int = 0
    backlog: int = 0
    refused: int = 0
    others: int = 0
    _counted: deque[int] = field(default_factory=deque)
    _due: list[tuple[int, int, Callable[..., None], Any]] = field(default_factory=list)
    _lines: dict[Books, deque[Books]] = field(default_factory=dict)
    _order: "count[int]" = field(default_factory=count)

    def __post_init__(self) -> None:
        self._latency, self._fate = cycle(self.latencies), cycle(self.fates)

    def at(self, moment: int, do: Callable[..., None], *told: Any) -> None:
        heapq.heappush(self._due, (moment, next(self._order), do, told))

    def run(self, calls: int) -> None:
        """Until so many calls came to an end."""
        while self._due and self.done < calls:
            self.now, _, do, told = heapq.heappop(self._due)
            do(*told)

    def call(self, books: Books) -> None:
        line = self._lines.setdefault(books, deque())
        line.append(books)
        if len(line) == 1:
            self._ask(line)

    def _ask(self, line: deque[Books]) -> None:
        """The first of those who wait asks; the next one once it has leave."""
        while line:
            leave = line[0].take(self.now, urgent=False)
            if isinstance(leave, Wait):
                assert 0 < leave.seconds <= self.interval / SECOND
                self.at(self.now + round(leave.seconds * SECOND), self._ask, line)
                return
            self._send(line.popleft(), leave, next(self._fate))

    def _send(self, books: Books, grant: Grant, fate: Fate) -> None:
        if fate == "unsent":
            self.at(self.now + next(self._latency), self._end, books.unsent, grant)
        else:
            self.at(self.now + next(self._latency), self._arrive, books, grant, fate)

    def spend(self, every: int) -> None:
        """Another app, which heeds nothing."""
        if self._left() > 0:
            self._counted.append(self.now)
            self.others += 1
        self.at(self.now + every, self.spend, every)

    def _arrive(self, books: Books, grant: Grant, fate: Fate) -> None:
        if fate == "silent":
            self.done += 1
        if self._left() <= 0:
            self.refused += 1
            self.at(self.now + next(self._latency), self._refuse, books, grant)
            return
        self._counted.append(self.now)
        told = Limits(burst_left=self._left(), burst_limit=self.most, interval=self.interval // 1000)
        if fate != "silent":
            limits = told if fate == "answered" else None
            self.at(self.now + next(self._latency), self._end, books.answered, grant, limits)

    def _end(self, tell: Callable[..., None], *told: Any) -> None:
        tell(self.now, *told)
        self.done += 1
        if self.backlog:
            self.backlog -= 1
            self.call(self.books[0])

    def _refuse(self, books: Books, grant: Grant) -> None:
        books.refused(self.now, grant, None, None)
        self.call(books)

    def _left(self) -> int:
        if self.fixed:
            begun = self.now // self.interval * self.interval
            while self._counted and self._counted[0] < begun:
                self._counted.popleft()
        while self._counted and self._counted[0] + self.interval <= self.now:
            self._counted.popleft()
        return self.most - len(self._counted)
