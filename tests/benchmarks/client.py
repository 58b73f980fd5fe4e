"""CPU time per call: our client beside the official SDK and a bare aiohttp request, against a sandbox on loopback.

Each contender is a process of its own, and so is the sandbox: what is counted is what the calls cost their caller. They
take turns, in several rounds; what is judged is the median of the rounds' ratios, so that what else the machine does
falls on all of them alike.
"""

import asyncio
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median

import aiohttp

from service.embedded.child import start_child
from tests.benchmarks.contenders import CONTENDERS
from tests.benchmarks.salon import SEED, events
from tests.processes import OURS, free_port, kill

ROUNDS = 9
CALLS = {"create appointment": 120, "free slots": 60, "list events": 12}
"""Of each case in a round."""

BARS = {
    ("create appointment", "official"): 0.6,
    ("create appointment", "bare"): 2.0,
    ("free slots", "official"): 0.6,
    ("free slots", "bare"): 2.0,
    ("list events", "bare"): 3.5,
}
"""How much of another's CPU time ours may take."""

Spent = dict[tuple[str, str], list[float]]
"""By case and contender: seconds of CPU time a call, round by round."""


class Contender:
    """A process that makes calls and says what they cost."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def spend(self, case: str, calls: int) -> float:
        """Seconds of CPU time a call."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(calls, case, file=self._process.stdin, flush=True)
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit(f"a contender ended: {self._process.wait()}")
        return float(json.loads(line)) / calls


@contextmanager
def contender(name: str, url: str) -> Iterator[Contender]:
    command = [sys.executable, "-m", "tests.benchmarks.contenders", name, url]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=OURS) as process:
        try:
            yield Contender(process)
        finally:
            process.kill()


@contextmanager
def sandbox(
    folder: Path, text: str = SEED, placed: Callable[[], Mapping[str, Mapping[str, object]]] = events
) -> Iterator[str]:
    """The address of one without rate limits, in a process of its own; the seed's `text`, and appointments by id."""
    seed, port = folder / "seed.yaml", free_port()
    seed.write_text(text)
    command = [sys.executable, "-m", "workers.cli", "sandbox", "--no-limits", "--seed", str(seed), "--port", str(port)]
    with (folder / "sandbox.log").open("wb") as log:
        process = start_child(command, death_signal=signal.SIGKILL, env=os.environ, stdout=log, stderr=log)
    try:
        url = f"http://127.0.0.1:{port}"
        try:
            asyncio.run(fill(url, placed()))
        except TimeoutError:
            raise SystemExit(f"no sandbox: {(folder / 'sandbox.log').read_text()}") from None
        yield url
    finally:
        kill(process)


async def fill(url: str, placed: Mapping[str, Mapping[str, object]]) -> None:
    """Its full calendar, once the sandbox answers."""
    async with aiohttp.ClientSession(raise_for_status=True) as session, asyncio.timeout(30):
        while True:
            try:
                await session.get(f"{url}/_sandbox/calls")
                break
            except aiohttp.ClientConnectorError:
                await asyncio.sleep(0.05)
        for event_id, fields in placed.items():
            await session.put(f"{url}/_sandbox/appointments/{event_id}", json=fields)


def measured(rounds: int) -> Spent:
    spent: Spent = {(case, name): [] for case in CALLS for name in CONTENDERS}
    with ExitStack() as stack:
        url = stack.enter_context(sandbox(Path(stack.enter_context(tempfile.TemporaryDirectory()))))
        running = {name: stack.enter_context(contender(name, url)) for name in CONTENDERS}
        for number in range(-1, rounds):
            for case, calls in CALLS.items():
                for name, one in running.items():
                    seconds = one.spend(case, calls)
                    if number >= 0:  # the first round warms up
                        spent[case, name].append(seconds)
    return spent


def ratio(spent: Spent, case: str, other: str) -> float:
    return median(mine / theirs for mine, theirs in zip(spent[case, "ours"], spent[case, other], strict=True))


def main() -> None:
    spent = measured(ROUNDS)
    print(f"CPU time per call, median of {ROUNDS} rounds\n")
    print(f"{'':20}{'ours':>10}{'official':>12}{'bare':>10}{'of official':>20}{'of bare':>20}")
    missed = False
    for case in CALLS:
        times = [f"{median(spent[case, name]) * 1000:.2f} ms" for name in ("ours", "official", "bare")]
        judged = []
        for other in ("official", "bare"):
            found, bar = ratio(spent, case, other), BARS.get((case, other))
            missed = missed or (bar is not None and found > bar)
            judged.append(f"{found:.2f}" + (f" (at most {bar})" if bar else ""))
        print(f"{case:20}{times[0]:>10}{times[1]:>12}{times[2]:>10}{judged[0]:>20}{judged[1]:>20}")
    if missed:
        raise SystemExit("a bar is missed")


if __name__ == "__main__":
    main()
