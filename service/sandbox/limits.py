"""The rate limits: how many calls each spender may make at a location, counted exactly."""

import math
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass

DAY = 86_400.0
MOST_AT_ONCE = 1_000_000
MOST_A_DAY = 100_000_000
"""Limits above these are none."""
Spender = tuple[str, str]
"""A token (or the app that its tokens belong to) and the location it is used at."""


@dataclass(frozen=True)
class Limits:
    """No more than `burst` calls in any `interval` (seconds), and `daily` in the day that begins with a spender's first
    call: recorded answers of 10:58 said that their day would end at 10:04."""

    burst: int = 100
    interval: float = 10.0
    daily: int = 200_000
    retry_after: bool = False
    """Whether a refusal says how long to wait; HighLevel documents no such header."""


class Budget:
    """One spender's: when it called within the last interval, and how often since its day began."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._calls: deque[float] = deque()
        self._day = -math.inf
        self._today = 0

    def spend(self, now: float, calls: int = 1) -> int:
        """How many of so many calls fit; those are counted."""
        fitting = min(calls, self.left(now), self.left_today(now))
        if fitting and not self._today:
            self._day = now
        self._today += fitting
        self._calls.extend([now] * fitting)
        return fitting

    def left(self, now: float) -> int:
        """In the interval that ends now; a call stops counting exactly one interval after it was made."""
        while self._calls and self._calls[0] + self._limits.interval <= now:
            self._calls.popleft()
        return self._limits.burst - len(self._calls)

    def left_today(self, now: float) -> int:
        if self._day + DAY <= now:
            self._day, self._today = -math.inf, 0
        return self._limits.daily - self._today

    def wait(self, now: float) -> float:
        """Seconds until one more call fits."""
        if self.left_today(now) <= 0:
            return self._day + DAY - now
        return self._calls[0] + self._limits.interval - now if self.left(now) <= 0 else 0.0

    def headers(self, now: float) -> dict[str, str]:
        left, left_today = self.left(now), self.left_today(now)
        reset = self._day + DAY - now if self._today else DAY
        return {
            "X-RateLimit-Max": str(self._limits.burst),
            "X-RateLimit-Remaining": str(left),
            "X-RateLimit-Interval-Milliseconds": str(round(self._limits.interval * 1000)),
            "X-RateLimit-Limit-Daily": str(self._limits.daily),
            "X-RateLimit-Daily-Remaining": str(left_today),
            "X-RateLimit-Daily-Reset": str(round(reset * 1000)),
        }


class Meter:
    """Every spender's budget. `clock` gives seconds that never go back."""

    def __init__(self, limits: Limits | None, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._budgets: dict[Spender, Budget] = {}
        self.limits = limits

    def set(self, limits: Limits | None) -> None:
        """Counting begins anew."""
        self.limits = limits
        self._budgets.clear()

    def spend(self, spender: Spender, calls: int = 1) -> int:
        """How many of so many calls fit; those are counted. All of them where there is no limit."""
        budget = self._budget(spender)
        return calls if budget is None else budget.spend(self._clock(), calls)

    def has_room(self, spender: Spender) -> bool:
        budget = self._budget(spender)
        return budget is None or not budget.wait(self._clock())

    def headers(self, spender: Spender) -> Mapping[str, str]:
        """What every answer to this spender says; nothing where there is no limit."""
        budget = self._budget(spender)
        return {} if budget is None else budget.headers(self._clock())

    def refusal_headers(self, spender: Spender) -> Mapping[str, str]:
        budget = self._budget(spender)
        if budget is None or self.limits is None or not self.limits.retry_after:
            return self.headers(spender)
        now = self._clock()
        return {**budget.headers(now), "Retry-After": str(math.ceil(budget.wait(now)))}

    def _budget(self, spender: Spender) -> Budget | None:
        if self.limits is None:
            return None
        if spender not in self._budgets:
            self._budgets[spender] = Budget(self.limits)
        return self._budgets[spender]
