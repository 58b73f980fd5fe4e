"""The `slotwright` command, one file per noun. Nothing is imported here that takes a while: see `main`."""

import gc
import os
import signal
import sys
from io import TextIOWrapper
from types import FrameType

TERMINATED = 128 + signal.SIGTERM


def main() -> None:
    # The kernel drops a signal that process 1 of a container has no handler for; what a role needs takes a while to
    # import before it has its own, and a command that ends by itself never has one.
    signal.signal(signal.SIGTERM, _end)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            # A terminal that has no ✓ gets a question mark and not a traceback.
            stream.reconfigure(errors="replace")
    # What is imported stays: to look through it for garbage, now and at the end, is a quarter of what a start costs.
    # It is looked for again once the command is loaded.
    gc.disable()
    from workers.cli.commands import slotwright

    slotwright()


def _end(_number: int, _frame: FrameType | None) -> None:
    # At once, as the kernel ends any other process: raised in the middle of a loop's work it would be a traceback.
    os._exit(TERMINATED)
