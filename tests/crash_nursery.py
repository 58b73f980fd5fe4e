"""Where crashing workers come from: one process that has loaded everything, which forks them on order."""

import asyncio
import contextlib
import itertools
import json
import os
import signal
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from service.settings import Settings
from tests.processes import OURS, environment


@dataclass(frozen=True)
class Kill:
    """At which await of a lane a worker ends itself, and on which side of it; at 0 never."""

    at: int = 0
    side: str = "before"


@dataclass(frozen=True)
class Raised:
    """At which await of a lane an error comes that nobody thought of; the worker lives on."""

    at: int


@dataclass(eq=False)
class Forked:
    """A worker's process."""

    process: int
    log: Path
    told: Path
    ended: "asyncio.Future[int]"
    """Its exit code; of one that was killed the signal, below 0."""

    def send(self, number: signal.Signals) -> float:
        """The moment of it, on the clock of this machine."""
        with contextlib.suppress(ProcessLookupError):
            if not self.ended.done():
                os.kill(self.process, number)
        return time.time()

    async def kill(self) -> float:
        moment = self.send(signal.SIGKILL)
        await self.ended
        return moment

    @property
    def words(self) -> str:
        """What it told: when it was struck, or how many awaits its longest take of lanes had."""
        return self.told.read_text() if self.told.exists() else ""


class Nursery:
    def __init__(self, process: asyncio.subprocess.Process, folder: Path) -> None:
        self._process = process
        self._folder = folder
        self._numbers = itertools.count()
        self._awaited: dict[int, asyncio.Future[tuple[int, asyncio.Future[int]]]] = {}
        self._ends: dict[int, asyncio.Future[int]] = {}

    async def worker(self, settings: Settings, strike: Kill | Raised | None = None, **more: str) -> Forked:
        """`slotwright work`; with `strike`, one whose awaits are counted. `more`: of its environment."""
        number = next(self._numbers)
        log, told = self._folder / f"worker-{number}.log", self._folder / f"worker-{number}.told"
        order = {
            "number": number,
            "environment": environment(
                settings, OURS, WRITE_TIMEOUT=str(settings.write_timeout), LOG_LEVEL="warning", **more
            ),
            "log": str(log),
            "told": str(told) if strike else "",
            "strike_at": strike.at if strike else 0,
            "side": strike.side if isinstance(strike, Kill) else "raised",
        }
        loop = asyncio.get_running_loop()
        self._awaited[number] = loop.create_future()
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(order).encode() + b"\n")
        process, ended = await self._awaited[number]
        return Forked(process, log, told, ended)

    async def listen(self) -> None:
        """Heed what it says, until it ends."""
        assert self._process.stdout is not None
        loop = asyncio.get_running_loop()
        while line := await self._process.stdout.readline():
            said = json.loads(line)
            if "ended" in said:
                self._ends.pop(said["ended"]).set_result(said["status"])
            else:
                self._ends[said["started"]] = ended = loop.create_future()
                self._awaited.pop(said["number"]).set_result((said["started"], ended))


@contextlib.asynccontextmanager
async def open_nursery(folder: Path) -> AsyncIterator[Nursery]:
    """`folder`: where what workers say is kept. None of them outlives it."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-P",
        "-m",
        "tests.crashing_worker",
        env={**os.environ, "PYTHONPATH": str(OURS), "PYTHONDONTWRITEBYTECODE": "1"},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    nursery = Nursery(process, folder)
    listening = asyncio.create_task(nursery.listen())
    try:
        yield nursery
    finally:
        assert process.stdin is not None
        process.stdin.close()
        await process.wait()
        await listening
