"""The crash matrix: each action killed at every await, on both sides, and surprised there by an error; every call and
post of it cut and delayed."""

import asyncio
import contextlib
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import asyncpg
from rich.console import Console
from rich.table import Table

from tests.crash_desk import NO_MATTER, POST
from tests.crash_findings import Cut, Finding, Kind
from tests.crash_run import Stand, open_stand
from tests.crash_scenarios import SCENARIOS, Scenario
from tests.crash_worker import Kill, Raised

Run = tuple[Scenario, Kind]

WITHIN = 25 * 60.0
"""Seconds after which no run is begun any more."""

BACK_WITHIN = 5.0

SEED = 6

MARGIN = 4
"""Awaits beyond those that were counted: no two runs have quite as many."""

WHATS = (
    "drop",
    "drop_after",
    "500",
    "503,after",
    "html",
    "429,retry_after=1",
    "truncated",
    "invalid",
    "delay=1",
    "hold=1",
    "delay=6",
    "hold=6",
)
"""What befalls a call. The last two last longer than a write waits, and longer than another waits to take over."""

SLEPT_THROUGH = ("delay=6", "hold=6")


@dataclass(frozen=True)
class Crashes:
    """All that was found out."""

    counted: Sequence[Finding]
    """The runs in peace, which tell what there is to kill and cut."""
    findings: Sequence[Finding]
    left_out: int

    @property
    def faults(self) -> list[Finding]:
        return [finding for finding in (*self.counted, *self.findings) if finding.fault]

    @property
    def back(self) -> list[float]:
        """Seconds until dead workers' lanes were claimed again, ascending."""
        return sorted(finding.back for finding in self.findings if finding.back is not None)


def matrix(counted: Iterable[Finding]) -> list[Run]:
    """Every run, from what the runs in peace have shown; mixed, so that where time runs out each has had its share."""
    by_action = {scenario.action: scenario for scenario in SCENARIOS}
    runs: list[Run] = []
    for found in counted:
        scenario = by_action[found.action]
        runs.extend((scenario, kind) for kind in (*_strikes(found, scenario.every), *_cuts(found, scenario.every)))
    random.Random(SEED).shuffle(runs)
    return runs


def _strikes(found: Finding, every: int) -> list[Kind]:
    """At each await, on both sides; or at `every` so many-th, on one side after the other."""
    kinds: list[Kind] = []
    for place, at in enumerate(range(1, found.awaits + MARGIN + 1, every)):
        sides = ("before", "after") if every == 1 else (("before", "after")[place % 2],)
        kinds += [Raised(at), *(Kill(at, side) for side in sides)]
    return kinds


def _cuts(found: Finding, every: int) -> list[Kind]:
    """Of several lanes only those where another worker goes on: one that lives on does as it does with one lane."""
    calls = [(operation, what) for operation in found.asked for what in WHATS]
    calls = [(operation, what) for operation, what in calls if operation != POST or what not in NO_MATTER]
    lives = [Cut(operation, what, "lives") for operation, what in calls if every == 1]
    killed = [Cut(operation, what, "killed") for operation, what in calls]
    sleeps = [Cut(operation, what, "sleeps") for operation, what in calls if what in SLEPT_THROUGH]
    return [*lives, *killed, *sleeps]


async def crash(
    servers: tuple[str, str], folder: Path, *, stands: int, chosen: Callable[[list[Run]], list[Run]]
) -> Crashes:
    """Run the matrix, or what is `chosen` of it. `servers`: a database to copy for each stand, and a Valkey."""
    until = time.monotonic() + WITHIN
    async with contextlib.AsyncExitStack() as stack:
        databases = [await stack.enter_async_context(_copy(servers[0], number)) for number in range(stands)]
        opened = [await stack.enter_async_context(open_stand(url, servers[1], folder)) for url in databases]
        counted, _ = await _all(opened, [(scenario, Kill()) for scenario in SCENARIOS], until)
        runs = chosen(matrix(counted))
        findings, left_out = await _all(opened, runs, until)
        return Crashes(counted, findings, left_out)


async def _all(stands: Sequence[Stand], runs: Sequence[Run], until: float) -> tuple[list[Finding], int]:
    """Every run, each on the next stand that is free."""
    waiting, findings = list(reversed(runs)), list[Finding]()

    async def serve(stand: Stand) -> None:
        while waiting and time.monotonic() < until:
            findings.append(await stand.run(*waiting.pop()))

    async with asyncio.TaskGroup() as group:
        for stand in stands:
            group.create_task(serve(stand))
    return findings, len(waiting)


@contextlib.asynccontextmanager
async def _copy(template_url: str, number: int) -> AsyncIterator[str]:
    """A database of its own, as the template is."""
    template = template_url.partition("?")[0].rpartition("/")[2]
    name = f"crash_{number}"
    others = template_url.replace(f"/{template}?", "/postgres?", 1)
    await _carry_out(others, f"CREATE DATABASE {name} TEMPLATE {template}")
    try:
        yield template_url.replace(f"/{template}?", f"/{name}?", 1)
    finally:
        await _carry_out(others, f"DROP DATABASE {name} WITH (FORCE)")


async def _carry_out(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


def show(crashes: Crashes) -> None:
    """A line for each action and each way to strike at it."""
    table = Table("action", "struck by", *("runs", "lost", "doubled", "wrong", "unknown"))
    kinds: dict[tuple[str, str], list[Finding]] = {}
    for finding in crashes.findings:
        kinds.setdefault((finding.action, _words(finding)), []).append(finding)
    for (action, kind), found in sorted(kinds.items()):
        faults = Counter(finding.fault for finding in found)
        numbers = (len(found), *(faults[name] for name in ("lost", "doubled", "wrong", "unknown")))
        table.add_row(action, kind, *map(str, numbers))
    console = Console(width=120)
    console.print(table)
    for finding in crashes.faults:
        console.print(f"{finding.fault}: {finding.action}, {finding.kind}: {finding.words}", highlight=False)
    if back := crashes.back:
        half, most, last = back[len(back) // 2], back[len(back) * 99 // 100], back[-1]
        told = f"p50 {half:.2f} s, p99 {most:.2f} s, max {last:.2f} s ({len(back)} times)"
        console.print(f"back at work after a death: {told}", highlight=False)
    for finding in crashes.counted:
        console.print(f"{finding.action}: {finding.awaits} awaits; {', '.join(finding.asked)}", highlight=False)
    if crashes.left_out:
        console.print(f"{crashes.left_out} runs were left out for want of time")


def _words(finding: Finding) -> str:
    match finding.kind:
        case Kill(_, side) if finding.struck:
            return f"killed {side} an answer"
        case Raised() if finding.struck:
            return "an error at an await"
        case Kill() | Raised():
            return "nothing: it was done before"
        case Cut(_, what) if finding.struck:
            return what
        case Cut(operation):
            return f"nothing: {operation} was not asked for"
