"""Workers that are struck, as processes."""

import asyncio
import contextlib
import itertools
import signal
import time
from dataclasses import dataclass
from pathlib import Path

from service.settings import Settings
from tests.nursery import OURS, nursery
from tests.processes import Process, environment

NUMBERS = itertools.count()


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
class Worker:
    """One that is struck, or that lives on beside it."""

    process: Process
    told: Path
    ended: "asyncio.Future[int]"
    """Its exit code; of one that was killed the signal, below 0."""

    def send(self, number: signal.Signals) -> float:
        """The moment of it, on the clock of this machine."""
        self.process.send_signal(number)
        return time.time()

    async def kill(self) -> float:
        moment = self.send(signal.SIGKILL)
        await self.ended
        return moment

    @property
    def words(self) -> str:
        """What it told: when it was struck, or how many awaits its longest take of lanes had."""
        return self.told.read_text() if self.told.exists() else ""


def begin_worker(settings: Settings, folder: Path, strike: Kill | Raised | None = None, **more: str) -> Worker:
    """`slotwright work`, what it says kept in `folder`; with `strike`, one whose awaits are counted. `more`: of its
    environment."""
    number, loop = next(NUMBERS), asyncio.get_running_loop()
    log, told = folder / f"worker-{number}.log", folder / f"worker-{number}.told"
    ended: asyncio.Future[int] = loop.create_future()

    def over(code: int) -> None:
        with contextlib.suppress(RuntimeError):  # the loop was closed before
            loop.call_soon_threadsafe(ended.set_result, code)

    side = strike.side if isinstance(strike, Kill) else "raised"
    process = nursery().start(
        ["work"],
        environment(settings, OURS, WRITE_TIMEOUT=str(settings.write_timeout), LOG_LEVEL="warning", **more),
        log,
        first=["tests.crash_hook:watch", strike.at, side, str(told)] if strike else (),
        at_its_end=over,
    )
    return Worker(process, told, ended)
