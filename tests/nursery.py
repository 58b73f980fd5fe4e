"""Where processes of ours come from that tests start by the dozen: one that has loaded everything forks them on order.
A command that is started so is the same from its first line on; what it is spared is a second of imports.
"""

import atexit
import contextlib
import functools
import gc
import importlib
import itertools
import json
import os
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from service.embedded.child import start_child
from service.embedded.libc import die_with_parent

OURS = Path(__file__).parents[1]
"""The code of this release."""

LOADED = (
    "workers.cli.commands",
    "workers.cli.receive",
    "workers.cli.work",
    "workers.cli.sandbox",
    "workers.cli.migrate",
)


class Forked:
    """A process as `subprocess.Popen` shows it, as far as tests ask."""

    def __init__(self, words: Sequence[str]) -> None:
        self.args = words
        self.pid = 0
        self.returncode: int | None = None
        self._started, self._ended = threading.Event(), threading.Event()
        self.at_its_end: Callable[[int], object] | None = None
        """Called with its exit code, in another thread."""

    def poll(self) -> int | None:
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        if not self._ended.wait(timeout):
            raise subprocess.TimeoutExpired(self.args, timeout or 0)
        assert self.returncode is not None
        return self.returncode

    def send_signal(self, number: int) -> None:
        if self.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def started(self, pid: int | None = None) -> None:
        """Told of by the nursery with its process; else: return once it was."""
        if pid is None:
            assert self._started.wait(30), "the nursery says nothing"
        else:
            self.pid = pid
            self._started.set()

    def ended(self, code: int) -> None:
        self.returncode = code
        self._ended.set()
        if self.at_its_end is not None:
            self.at_its_end(code)


class Nursery:
    """Ends with us, and all that it forked with it."""

    def __init__(self) -> None:
        environment = {**os.environ, "PYTHONPATH": str(OURS), "PYTHONDONTWRITEBYTECODE": "1"}
        self._process = start_child(
            [sys.executable, "-P", "-m", "tests.nursery"],
            death_signal=signal.SIGKILL,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self._numbers = itertools.count()
        self._ordered: dict[int, Forked] = {}
        self._alive: dict[int, Forked] = {}
        threading.Thread(target=self._listen, daemon=True).start()
        atexit.register(self._close)

    def start(
        self,
        words: Sequence[str],
        environment: Mapping[str, str],
        log: Path,
        said: str = "",
        *,
        first: Sequence[Any] = (),
        at_its_end: Callable[[int], object] | None = None,
    ) -> Forked:
        """`slotwright …` with nothing in its environment but this, told `said`; what it says is added to `log`.

        `first`: a function that it calls before, as `module:name`, and what with.
        """
        log.touch()  # at once, as its starter expects
        number, forked = next(self._numbers), Forked(words)
        forked.at_its_end = at_its_end
        self._ordered[number] = forked
        order = {"number": number, "words": words, "environment": environment, "log": str(log)}
        order |= {"said": said, "first": first}
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(order).encode() + b"\n")
        self._process.stdin.flush()
        forked.started()
        return forked

    def _close(self) -> None:
        self._process.kill()
        self._process.wait()

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            said = json.loads(line)
            if "number" in said:
                forked = self._alive[said["pid"]] = self._ordered.pop(said["number"])
                forked.started(said["pid"])
            else:
                self._alive.pop(said["pid"]).ended(said["code"])


@functools.cache
def nursery() -> Nursery:
    """That of this process, opened when it is first asked for."""
    return Nursery()


def become(order: Mapping[str, Any], parent: int) -> None:
    """The command, in the process that this is."""
    die_with_parent(signal.SIGKILL, parent)
    os.setsid()
    log = os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    stdin, told = os.pipe()
    os.write(told, order["said"].encode())
    for source, target in ((stdin, 0), (log, 1), (log, 2)):
        os.dup2(source, target)
    # With the pipe's other end: what was told is all there is.
    os.closerange(3, 64)
    os.environ.clear()
    os.environ.update(order["environment"])
    if order["first"]:
        name, *values = order["first"]
        module, _, function = name.partition(":")
        getattr(importlib.import_module(module), function)(*values)
    sys.argv = ["slotwright", *order["words"]]
    from workers.cli import main

    main()


def fork(order: Mapping[str, Any], parent: int) -> int:
    child = os.fork()
    if child:
        return child
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    raise Become(order, parent)


class Become(BaseException):
    """Unwinds the child to the bottom of the stack, so that it ends as any program does, exit handlers included."""

    def __init__(self, order: Mapping[str, Any], parent: int) -> None:
        super().__init__()
        self.order = order
        self.parent = parent


def say(**words: int) -> None:
    os.write(1, json.dumps(words).encode() + b"\n")


def serve() -> None:
    """Fork a command for each order, a line of JSON, and say its process; say of each that ended with which code."""
    for module in LOADED:
        importlib.import_module(module)
    gc.collect()
    gc.freeze()
    read, write = os.pipe()
    os.set_blocking(write, False)
    signal.set_wakeup_fd(write)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    parent, rest = os.getpid(), b""
    while True:
        ready, _, _ = select.select([0, read], [], [])
        if read in ready:
            os.read(read, 4096)
            while (ended := reap()) is not None:
                say(pid=ended[0], code=ended[1])
        if 0 in ready:
            more = os.read(0, 1 << 20)
            if not more:
                return
            *lines, rest = (rest + more).split(b"\n")
            for line in lines:
                order = json.loads(line)
                say(number=order["number"], pid=fork(order, parent))


def reap() -> tuple[int, int] | None:
    try:
        process, status = os.waitpid(-1, os.WNOHANG)
    except ChildProcessError:
        return None
    return (process, os.waitstatus_to_exitcode(status)) if process else None


if __name__ == "__main__":
    try:
        serve()
    except Become as begun:
        become(begun.order, begun.parent)
