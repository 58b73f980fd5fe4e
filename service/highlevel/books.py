"""The calls of one location, as a rate limit keeps its books of them. Pure: every moment is passed in.

HighLevel counts a call somewhere between our asking for leave and its answer. So a call takes a place from its grant
until one interval after its answer: then no window of theirs, fixed or sliding, can hold more than we granted, however
the network delays what it carries.

Others may spend the same calls. An answer says how many are used; those of ours that may be among them and those that
must be say how many are not ours, at least and at most. What is believed of the others moves only when an answer
contradicts it: in a rush of calls, when little is certain, it stays as it was.

`service/rate_limit/books.lua` does the same in Valkey for all processes; a test holds that both answer alike.
"""

from dataclasses import dataclass
from math import inf

from service.highlevel.limits import Limits
from service.highlevel.rate_limit import Grant, Wait

SECOND = 1_000_000
HOUR = 3600 * SECOND
DAY = 24 * HOUR
NOTHING = Limits()


@dataclass(frozen=True)
class Allowance:
    """What a location may do until its answers say otherwise (HighLevel documents 100 calls in 10 s, 200,000 a day)."""

    calls: int = 100
    interval: float = 10.0
    day: int = 200_000
    kept: int = 0
    """Calls of the window that only urgent ones may use; never more than half."""
    longest: float = 30.0
    """Seconds after its grant when a call of which nothing was told can no longer be under way."""

    def __post_init__(self) -> None:
        if min(self.calls, self.day) < 1 or self.kept < 0 or not (0 < self.interval < inf and 0 <= self.longest < inf):
            raise ValueError("an allowance has at least one call, in more than no time, and keeps none or some")


@dataclass(frozen=True)
class _Call:
    granted: int
    answered: int
    """Or when it will have been at the latest: in the future for a call under way."""


class Books:
    """Of one location. All moments are microseconds of one clock."""

    def __init__(self, allowance: Allowance, processes: int = 1, name: str = "own") -> None:
        """`processes` share the calls without knowing of each other: each grants only its part of them. Tickets begin
        with `name`."""
        self._name = name
        self._kept, self._longest = allowance.kept, round(allowance.longest * SECOND)
        self._processes = processes
        self._calls: dict[str, _Call] = {}
        self._max, self._interval = allowance.calls, round(allowance.interval * SECOND)
        self._usual = self._interval
        self._foreign = 0
        self._news: int | None = None
        self._paused, self._struck, self._strikes = 0, 0, 0
        self._day_limit, self._day_left, self._day_ends = allowance.day, 0, 0
        self._number = 0

    def take(self, now: int, *, urgent: bool) -> Grant | Wait:
        self._turn(now)
        wait = self._wait(now, urgent)
        if wait > 0:
            return Wait(wait / SECOND)
        self._number += 1
        grant = Grant(f"{self._name}-{self._number}")
        self.note(now, grant)
        return grant

    def note(self, now: int, grant: Grant) -> None:
        """A call for which another gave leave."""
        self._turn(now)
        self._calls[grant.ticket] = _Call(now, now + self._longest)
        self._day_left -= 1

    def answered(self, now: int, grant: Grant, limits: Limits | None) -> None:
        self._turn(now)
        granted = self._granted(now, grant)
        self._calls[grant.ticket] = _Call(granted, now)
        unheard = self._news is None or granted - self._news > self._interval
        self._news = now
        if granted >= self._struck:
            self._strikes = 0
        self._learn(now, limits or NOTHING)
        if limits is not None and limits.burst_left is not None:
            self._reckon(now, granted, self._max - limits.burst_left, unheard)

    def refused(self, now: int, grant: Grant, limits: Limits | None, retry_after: float | None) -> None:
        self._turn(now)
        granted = self._granted(now, grant)
        self.unsent(now, grant)
        self._news = now
        self._learn(now, limits or NOTHING)
        # Of the calls that were under way together only the first teaches to wait longer.
        if granted >= self._struck:
            self._strikes = min(self._strikes + 1, 10)
            self._struck = now + 1
        pause = min(self._interval // 40 * 2 ** max(self._strikes - 1, 0), self._interval)
        if retry_after is not None:
            pause = min(max(round(retry_after * SECOND), 0), HOUR)
        self._paused = max(self._paused, now + pause)
        if self._day_left > 0:
            self._foreign = max(self._foreign, self._max - self._count(now - self._interval))

    def unsent(self, now: int, grant: Grant) -> None:
        self._turn(now)
        if self._calls.pop(grant.ticket, None) is not None:
            self._day_left += 1

    def idle(self, now: int) -> bool:
        """Whether nothing is left to remember."""
        return now >= max(self._day_ends, self._paused)

    def _turn(self, now: int) -> None:
        """To this moment: the day, and calls that no answer under way can be compared with any more."""
        if now >= self._day_ends:
            self._day_left, self._day_ends = self._day_limit // self._processes, now + DAY
        over = now - self._interval - self._longest
        for ticket in [ticket for ticket, call in self._calls.items() if call.answered <= over]:
            del self._calls[ticket]

    def _wait(self, now: int, urgent: bool) -> int:
        """Microseconds until it makes sense to ask again; 0: there is leave."""
        if now < self._paused:
            return self._paused - now
        if self._day_left <= 0:
            return min(self._day_ends - now, HOUR)
        kept = 0 if urgent else min(self._kept, self._max // 2)
        # Who spends beside us does not do so evenly.
        margin = 1 + min(self._foreign, self._max - self._foreign) // 20 if self._foreign else 0
        whole = self._max - self._foreign - margin - kept
        room = min(max(self._max // self._processes, 1) - kept // self._processes, whole)
        taken = sorted(call.answered for call in self._calls.values() if call.answered > now - self._interval)
        if len(taken) < room:
            # After a silence a few go ahead, and the rest once they have told how much the others use.
            silence = self._interval // 4 if self._foreign else self._interval
            ahead = max(self._max // 10 // self._processes, 1)
            if (self._news is None or now - self._news > silence) and self._lately(now) >= ahead:
                return self._interval // 200
            return 0
        if not taken or (self._foreign and len(taken) == self._count(now)):
            # The others use everything, as far as we know, or what we lost sight of does; only a call can tell.
            if self._lately(now):
                return self._interval // 4
            return 0 if self._news is None else max(self._news + self._interval // 4 - now, 0)
        # A call under way may be answered any moment.
        return min(taken[min(len(taken) - room, len(taken) - 1)], now) + self._interval - now

    def _lately(self, now: int) -> int:
        """Calls under way that were granted a moment ago; of those before, some may never be told of."""
        return self._count(max(now, now - self._interval // 4 + self._longest))

    def _learn(self, now: int, limits: Limits) -> None:
        self._max = limits.burst_limit or self._max
        if limits.interval:
            # What cannot be meant would lift the limit, or let no call through that could tell better.
            self._interval = min(max(limits.interval * 1000, self._usual // 10), self._usual * 6)
        self._day_limit = limits.day_limit or self._day_limit
        if limits.day_left is not None:
            self._day_left = (limits.day_left - self._count(now)) // self._processes
        if limits.day_reset is not None:
            self._day_ends = now + min(limits.day_reset * 1000, DAY)
        elif limits.day_left == 0:
            self._day_ends = now + HOUR

    def _reckon(self, now: int, granted: int, used: int, unheard: bool) -> None:
        """What an answer proves of the others. Where nothing was known of them it is taken for as much as it can be."""
        if unheard:
            self._foreign = self._max
        self._foreign = max(self._foreign, used - self._count(granted - self._interval))
        if self._foreign:
            ours = 1 + sum(
                call.answered < granted and call.granted > now - self._interval for call in self._calls.values()
            )
            self._foreign = min(self._foreign, max(used - ours, 0))

    def _count(self, after: int) -> int:
        return sum(call.answered > after for call in self._calls.values())

    def _granted(self, now: int, grant: Grant) -> int:
        call = self._calls.get(grant.ticket)
        return now if call is None else call.granted
