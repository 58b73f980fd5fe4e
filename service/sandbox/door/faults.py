"""Faults on order: calls delayed, refused, dropped, or answered with what is no answer."""

import asyncio
import re
from collections.abc import Iterable
from difflib import get_close_matches
from random import Random
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

EVERY = "*"
INSTEAD = {
    "html": 502,
    "empty": 502,
    "expired_token": 401,
    "missing_scope": 401,
    "timed_out": 401,
    "blocked": 403,
}
"""Answers that stand in for the call's own, and their status where none is ordered."""
OF_THE_EDGE = frozenset({"html", "empty", "blocked"})
"""What the machines before the API say: no JSON."""
OF_ANY_STATUS = frozenset({"html", "empty"})
WITHOUT_BODY = frozenset({204, 205, 304})
"""Statuses whose answers have none, by the rules of HTTP."""

Answer = Literal["html", "empty", "expired_token", "missing_scope", "timed_out", "blocked", "invalid", "truncated"]


class Fault(BaseModel):
    """What befalls calls of one operation, or of all (`*`), named by its class or by method and path as declared
    (parameter names are free)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    operation: str | None = None
    method: str | None = None
    path: str | None = None
    times: int | None = Field(default=None, ge=1)
    """How many calls it befalls; None until the faults are cleared. Left out: one, or no end with a probability."""
    probability: float = Field(default=1, gt=0, le=1)
    seed: int = 0
    """Of the chance: the same seed hits the same of a row of calls."""
    delay: float = Field(default=0, ge=0, allow_inf_nan=False)
    """Seconds before the call is handled."""
    hold: float = Field(default=0, ge=0, allow_inf_nan=False)
    """Seconds between handling and answer."""
    slow: float = Field(default=0, ge=0, allow_inf_nan=False)
    """Seconds over which the answer's body comes."""
    drop: bool = False
    """The connection is cut and nothing answered."""
    status: int | None = Field(default=None, ge=200, le=599)
    """Answered instead of what the call came to."""
    message: str | None = None
    retry_after: int | None = Field(default=None, ge=0)
    answer: Answer | None = None
    """`invalid` and `truncated` spoil the call's own answer, the others stand in for it."""
    after_write: bool = False
    """Whether the call is carried out before `drop`, `status` or `answer`."""

    @model_validator(mode="before")
    @classmethod
    def once_unless_said(cls, fields: Any) -> Any:
        if isinstance(fields, dict) and "times" not in fields and "probability" not in fields:
            return {**fields, "times": 1}
        return fields

    @model_validator(mode="after")
    def makes_sense(self) -> "Fault":
        if (self.method is None) != (self.path is None) or (self.operation is None) == (self.method is None):
            raise ValueError("a fault names an operation, or a method and a path")
        if not (self.drop or self.status or self.answer or self.delay or self.hold or self.slow):
            raise ValueError("a fault delays, holds, slows, drops or answers something")
        spoils = self.answer is not None and self.answer not in INSTEAD
        if (self.drop and (self.status or self.answer)) or (spoils and self.status):
            raise ValueError("a call is either dropped, or answered otherwise, or its own answer is spoilt")
        if self.status is not None:
            self._status_fits(self.status)
        self._has_its_place()
        return self

    def _status_fits(self, status: int) -> None:
        if self.answer is not None and self.answer not in OF_ANY_STATUS and status != INSTEAD[self.answer]:
            raise ValueError(f"{self.answer} is answered with {INSTEAD[self.answer]}, not with {status}")
        if status < 400 and self.answer not in OF_ANY_STATUS:
            raise ValueError("only html or an empty body comes with a status below 400")
        if status in WITHOUT_BODY and self.answer == "html":
            raise ValueError(f"a {status} has no body, and so no html")

    def _has_its_place(self) -> None:
        """What would pass without a word where there is nothing that it could belong to."""
        if self.message is not None and (self.status is None or self.answer is not None):
            raise ValueError("a message goes with a status and no other answer")
        if self.retry_after is not None and (self.drop or not self.stands_in):
            raise ValueError("retry_after goes with a status, or with an answer that stands in for the call's own")
        if self.after_write and not self.stands_in:
            raise ValueError("after (after_write) goes with a drop, a status or an answer that stands in for the own")
        if self.slow and (self.drop or self.answer == "empty"):
            raise ValueError("where no body comes, none is slow")

    @property
    def stands_in(self) -> bool:
        """Whether the call's own answer is never seen."""
        return self.drop or self.status is not None or self.answer in INSTEAD

    @property
    def prevents(self) -> bool:
        """Whether the call is not carried out."""
        return self.stands_in and not self.after_write

    @property
    def answered_status(self) -> int:
        """Of an answer that stands in."""
        return self.status or INSTEAD.get(self.answer or "", 500)

    @property
    def unseen(self) -> bool:
        """Whether the API never comes to see the call, and so does not count it."""
        return self.prevents and (
            self.drop or self.answer in OF_THE_EDGE or self.answered_status == 429 or self.answered_status >= 500
        )


class Waiting:
    """A fault that has been ordered, and how often it may still strike."""

    def __init__(self, fault: Fault, names: frozenset[str] | None) -> None:
        self.fault = fault
        self.left = fault.times
        self._names = names
        self._chance = Random(fault.seed)  # noqa: S311

    def strikes(self, name: str) -> bool:
        if self._names is not None and name not in self._names:
            return False
        if self.fault.probability < 1 and self._chance.random() >= self.fault.probability:
            return False
        if self.left is not None:
            self.left -= 1
        return True


class Faults:
    """Those still to come, oldest first, and the answers being held."""

    def __init__(self, calls: Iterable[tuple[str, str, str]]) -> None:
        """`calls`: name, method and path of all that faults may befall."""
        self._calls = tuple(calls)
        self._named = {(method, _nameless(path)): name for name, method, path in self._calls}
        self._waiting: list[Waiting] = []
        self._release = asyncio.Event()

    def order(self, fault: Fault) -> None:
        """Raises LookupError, which names the nearest that is served, when this is not."""
        self._waiting.append(Waiting(fault, self._names(fault)))

    def _names(self, fault: Fault) -> frozenset[str] | None:
        if fault.operation == EVERY:
            return None
        if fault.operation is not None:
            name = fault.operation if fault.operation in self._named.values() else None
        else:
            name = self._named.get((str(fault.method).upper(), _nameless(str(fault.path))))
        if name is None:
            raise LookupError(self._not_served(fault))
        return frozenset({name})

    def _not_served(self, fault: Fault) -> str:
        """In the terms in which it was asked for."""
        asked = fault.operation or f"{str(fault.method).upper()} {fault.path}"
        served = {name if fault.operation else f"{method} {path}" for name, method, path in self._calls}
        nearest = get_close_matches(asked, sorted(served), n=1, cutoff=0)
        return f"the sandbox does not serve {asked}; the nearest that it serves is {''.join(nearest)}"

    def take(self, name: str) -> Fault | None:
        """The oldest that strikes a call of this name, used up once."""
        for at, waiting in enumerate(self._waiting):
            if waiting.strikes(name):
                if waiting.left == 0:
                    del self._waiting[at]
                return waiting.fault
        return None

    def listed(self) -> list[dict[str, Any]]:
        """Oldest first, each with what is `left` of its times (None: no end)."""
        return [
            {**waiting.fault.model_dump(mode="json", exclude_defaults=True), "left": waiting.left}
            for waiting in self._waiting
        ]

    def clear(self) -> None:
        """Forget them all, and let the held answers go."""
        self._waiting.clear()
        self._release.set()
        self._release = asyncio.Event()

    async def hold(self, seconds: float) -> None:
        release = self._release
        try:
            async with asyncio.timeout(seconds):
                await release.wait()
        except TimeoutError:
            return


def _nameless(path: str) -> str:
    return re.sub(r"{\w+}", "{}", path).rstrip("/")
