"""How much of HighLevel's rate is used, and how often it is exceeded: four processes and a backlog of 1,000 calls for
one location, against a sandbox that counts exactly, alone and beside an app that spends 30% of the calls.

What counts is what the sandbox has seen. The calls allowed in the time from the first call to the last are those of a
full window, which may all be made at once, and what comes free in that time; no client can do more. What the other app
spent, from one interval before on, is not ours to use. Beside the other app, which heeds nothing, it is also told how
often the sandbox refused it.
"""

import argparse
import asyncio
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import aiohttp
from redis.asyncio import Redis

from service.embedded.child import start_child
from service.embedded.valkey import Valkey
from tests.benchmarks.backlog import BACKLOG
from tests.processes import OURS, free_port, kill
from tests.sandboxes import LOCATION

BURST, WINDOW = 100, 10.0
"""HighLevel's: so many calls in so many seconds."""
PROCESSES = 4
OTHERS = 0.3
"""Of the calls, by the other app."""
ENOUGH = 0.95
"""Of what is allowed; the bar holds where nobody else calls."""
FEW = 0.01
"""Of the calls that were sent: refusals beside the other app."""


@dataclass(frozen=True)
class Found:
    """Of one run; `others` of the other app: calls taken and refused."""

    calls: int
    refused: int
    seconds: float
    interval: float
    others: int = 0
    others_refused: int = 0

    @property
    def share(self) -> float:
        """Of what was allowed to us, how much was used."""
        return self.calls / (BURST + BURST * self.seconds / self.interval - self.others)

    def line(self) -> str:
        words = (
            f"{self.calls} calls in {self.seconds:.2f} s, {self.refused} answers 429 "
            f"({self.refused / (self.calls + self.refused):.2%}), {self.share:.1%} of the allowed rate used"
        )
        return words + (f"; the other app: {self.others}, refused {self.others_refused}" if self.others else "")


class Spender:
    """The other app: evenly and heedlessly."""

    def __init__(self, session: aiohttp.ClientSession, every: float) -> None:
        self._session = session
        self._every = every
        self.spent: list[tuple[float, int]] = []

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            async with self._session.post("/_sandbox/spend", json={"location": LOCATION, "calls": 1}) as answer:
                self.spent.append((time.time(), (await answer.json())["spent"]))
            due += self._every
            await asyncio.sleep(due - loop.time())


@contextmanager
def sandbox(folder: Path, interval: float) -> Iterator[str]:
    port = free_port()
    words = ["sandbox", "--port", str(port), "--rate", str(BURST), "--interval", str(interval)]
    command = [sys.executable, "-m", "workers.cli", *words]
    with (folder / "sandbox.log").open("wb") as log:
        process = start_child(command, death_signal=signal.SIGKILL, env=os.environ, stdout=log, stderr=log)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        kill(process)


@contextmanager
def valkey(folder: Path) -> Iterator[str]:
    server = Valkey(folder)
    server.folder.create()
    server.launch()
    try:
        server.wait_ready()
        yield server.url
    finally:
        server.stop()


@contextmanager
def crew(base: str, redis_url: str, interval: float) -> Iterator["list[subprocess.Popen[str]]"]:
    """The processes, once all of them are ready."""
    command = [sys.executable, "-m", "tests.benchmarks.backlog", base, redis_url, str(interval), str(PROCESSES)]
    with ExitStack() as stack:
        crew = []
        for _ in range(PROCESSES):
            process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=OURS)
            stack.enter_context(process)
            stack.callback(process.kill)
            crew.append(process)
        for process in crew:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n", "a client ended"
        yield crew


async def reached(session: aiohttp.ClientSession) -> None:
    async with asyncio.timeout(30):
        while True:
            try:
                async with session.get("/_sandbox/limits"):
                    return
            except aiohttp.ClientError:
                await asyncio.sleep(0.05)


async def measure(
    base: str, redis_url: str, calls: int, interval: float, latency: float, *, beside_others: bool
) -> Found:
    async with aiohttp.ClientSession(base) as session, Redis.from_url(redis_url) as valkey:
        await reached(session)
        if latency:
            delay = {"operation": "*", "hold": latency, "times": None}
            async with session.post("/_sandbox/faults", json=delay, raise_for_status=True):
                pass
        await valkey.set(BACKLOG, calls)
        spender = Spender(session, interval / BURST / OTHERS)
        with crew(base, redis_url, interval) as processes:
            async with asyncio.TaskGroup() as tasks:
                spending = tasks.create_task(spender.run()) if beside_others else None
                # So that a whole window of the others' calls is there when ours begin.
                await asyncio.sleep(interval * 1.1 if beside_others else 0)
                for process in processes:
                    assert process.stdin is not None
                    print("go", file=process.stdin, flush=True)
                codes = [await asyncio.to_thread(process.wait) for process in processes]
                if spending is not None:
                    spending.cancel()
            # Nothing, unless Valkey was thought to be away.
            print(*(process.stdout.read() for process in processes if process.stdout), sep="", end="")
        assert codes == [0] * PROCESSES, "a client failed"
        async with session.get("/_sandbox/calls") as answer:
            seen = json.loads(await answer.read())
    statuses = [call["status"] for call in seen]
    moments = [datetime.fromisoformat(call["at"]).timestamp() for call in seen]
    first, last = min(moments), max(moments)
    others = [spent for moment, spent in spender.spent if first - interval < moment <= last]
    return Found(
        calls=statuses.count(200),
        refused=statuses.count(429),
        seconds=last - first,
        interval=interval,
        others=sum(others),
        others_refused=others.count(0),
    )


def run(calls: int, interval: float, latency: float, *, beside_others: bool) -> Found:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with sandbox(folder, interval) as base, valkey(folder / "servers") as redis_url:
            return asyncio.run(measure(base, redis_url, calls, interval, latency, beside_others=beside_others))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=1000)
    parser.add_argument("--interval", type=float, default=WINDOW, help="seconds of the window")
    parser.add_argument("--latency", type=float, default=0.0, help="seconds by which the sandbox delays each answer")
    parser.add_argument("--short", action="store_true", help="a window of one second")
    told = parser.parse_args()
    interval = 1.0 if told.short else told.interval
    alone = run(told.calls, interval, told.latency, beside_others=False)
    print(f"alone: {alone.line()}", flush=True)
    beside = run(told.calls, interval, told.latency, beside_others=True)
    print(f"beside an app that spends {OTHERS:.0%}: {beside.line()}", flush=True)
    if alone.calls != told.calls or beside.calls != told.calls:
        raise SystemExit("not every call was made exactly once")
    if alone.refused:
        raise SystemExit("alone there may be no refusal")
    # What calls take weighs more in a shorter window, and is not ours to answer for.
    if alone.share < ENOUGH and interval >= WINDOW and not told.latency:
        raise SystemExit(f"alone {ENOUGH:.0%} are to be used")
    if beside.refused > FEW * (beside.calls + beside.refused):
        raise SystemExit(f"beside another app {FEW:.0%} may be refused")


if __name__ == "__main__":
    main()
