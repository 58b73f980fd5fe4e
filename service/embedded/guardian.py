"""A small process that outlives ours by a moment and ends our children, where the kernel does not do so.

Run as a program it reads lines `<pid> <signal>` until the pipe ends, which is when we have died, and then sends the
signals. It must run with nothing but the standard library.
"""

import contextlib
import os
import select
import signal
import sys
from typing import ClassVar, Self

LOOK_EVERY = 0.5
"""Seconds between looks for children that have ended: their ids may be given to strangers later on."""


class Guardian:
    """Our side of the pipe; one guardian serves all children of a process."""

    known: ClassVar[dict[int, "Guardian"]] = {}

    def __init__(self) -> None:
        read_end, self.pipe = os.pipe()
        self.pid = os.posix_spawn(
            sys.executable,
            [sys.executable, "-I", "-S", __file__],
            {},
            file_actions=[(os.POSIX_SPAWN_DUP2, read_end, 0)],
            setsid=True,
        )
        os.close(read_end)

    @classmethod
    def of_this_process(cls) -> Self:
        """The guardian of the current process; a fork gets one of its own."""
        ours = cls.known.get(os.getpid())
        if not isinstance(ours, cls):
            ours = cls.known[os.getpid()] = cls()
        return ours

    def watch(self, pid: int, death_signal: int) -> None:
        """Send `death_signal` to `pid` once we are gone."""
        os.write(self.pipe, b"%d %d\n" % (pid, death_signal))


def guard() -> None:
    """Wait for the end of standard input, then send each child still there its signal."""
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    children: dict[int, int] = {}
    unread = b""
    while True:
        readable, _, _ = select.select([0], [], [], LOOK_EVERY)
        if not readable:
            children = {pid: number for pid, number in children.items() if is_alive(pid)}
            continue
        received = os.read(0, 4096)
        if not received:
            break
        *lines, unread = (unread + received).split(b"\n")
        for line in lines:
            child, death_signal = map(int, line.split())
            children[child] = death_signal
    for child, death_signal in children.items():
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(child, death_signal)


def is_alive(pid: int) -> bool:
    """Whether there is a process `pid`."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


if __name__ == "__main__":
    guard()
