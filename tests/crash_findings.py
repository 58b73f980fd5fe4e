"""What a run of the crash matrix came to: by what is seen in HighLevel, at the other system, and in the store."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal
from uuid import UUID

from tests.crash_desk import POST, Desk
from tests.crash_scenarios import Scenario
from tests.crash_statements import LEFT_OVER, STORED
from tests.crash_worker import Kill, Raised
from tests.house import House

Fault = Literal["", "lost", "doubled", "wrong", "unknown"]


@dataclass(frozen=True)
class Cut:
    """A call that is not answered as it should be, in the sandbox's notation of faults; and what befalls the worker
    then: it goes on, is killed, or sleeps until another has taken over."""

    operation: str
    what: str
    end: Literal["lives", "killed", "sleeps"]

    @property
    def in_doubt(self) -> bool:
        """Whether it may have been carried out, for all that the worker knows."""
        taken = self.what in ("drop_after", "503,after", "delay=6", "hold=6")
        return taken or (self.end != "lives" and self.what not in ("drop", "500", "html", "429,retry_after=1"))


Kind = Kill | Raised | Cut


@dataclass(frozen=True)
class Finding:
    """What became of a run. `back`: seconds from the worker's death until its last lane was claimed again."""

    action: str
    kind: Kind
    struck: bool
    """Whether the worker died or was surprised, or the fault struck, at all."""
    fault: Fault = ""
    words: str = ""
    back: float | None = None
    awaits: int = 0
    """Of the longest take of lanes, where the worker was only watched; and what it asked HighLevel."""
    asked: tuple[str, ...] = ()


@dataclass(frozen=True)
class Before:
    """How things stood when the worker was struck."""

    booked: Sequence[str]
    rule: str
    counted: Counter[str]
    """By the store, before anything began."""
    begun: frozenset[str] = frozenset()
    """Bookings about which the rules had been asked, so that what they said then holds."""
    stored: Mapping[UUID, Any] | None = None
    """Decisions, by their steps."""


async def stored(house: House, booked: Sequence[str]) -> dict[UUID, Any]:
    """What each step sends, as it was decided."""
    async with house.pool.acquire() as connection:
        return {row["step_id"]: row["operation"] for row in await connection.fetch(STORED, booked)}


async def judged(house: House, desk: Desk, scenario: Scenario, kind: Kind, before: Before, *, struck: bool) -> Finding:
    finding = Finding(scenario.action, kind, struck)
    async with house.pool.acquire() as connection:
        left = await connection.fetch(LEFT_OVER, before.booked)
    unknown = [row for row in left if scenario.unknowable and (row["what"], row["state"]) == ("a step", "unknown")]
    fault, words = await _effects(house, desk, scenario, before)
    if fault and not (fault == "lost" and unknown):
        return replace(finding, fault=fault, words=words)
    if desk.most() > _most_posts(kind, struck=struck):
        return replace(finding, fault="doubled", words=f"one post came {desk.most()} times, for no reason")
    now = await stored(house, before.booked)
    if any(now.get(step) != operation for step, operation in (before.stored or {}).items()):
        return replace(finding, fault="wrong", words="a stored decision was changed")
    left = [row for row in left if row not in unknown]
    said = "; ".join(f"{row['what']}, {row['state']}: {row['reason']}" for row in left)
    return replace(finding, fault="unknown" if left else "", words=said)


async def _effects(house: House, desk: Desk, scenario: Scenario, before: Before) -> tuple[Fault, str]:
    """What is wrong with what must be seen of it, and how often it was counted."""
    every: list[Any] = []
    for first in range(0, len(before.booked), scenario.shared):
        group = before.booked[first : first + scenario.shared]
        seen = tuple([each for id_ in group for each in await scenario.seen(house, id_, desk.posts)])
        every.extend(seen)
        if len(seen) != len(scenario.first):
            return ("lost" if len(seen) < len(scenario.first) else "doubled"), str(seen)
        allowed = {scenario.first} if before.begun.issuperset(group) else {scenario.first, scenario.anew}
        if seen not in allowed:
            return "wrong", f"{seen}, not {scenario.first}"
    if scenario.counted is None:
        return "", ""
    counted = await scenario.counted(house, before.rule)
    counted.subtract(before.counted)
    owed = await scenario.owed(house, before.booked)
    if counted != owed:
        return ("lost" if counted < owed else "doubled"), f"counted {dict(counted)}, done {dict(owed)}"
    return "", ""


def _most_posts(kind: Kind, *, struck: bool) -> int:
    """How often the same may be posted: again only where nobody could know whether it was taken."""
    in_doubt = kind.in_doubt and kind.operation == POST if isinstance(kind, Cut) else True
    return 2 if struck and in_doubt else 1
