"""Child processes that end with us, however we end."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

from service.embedded.error import EmbeddedError
from service.embedded.guardian import Guardian
from service.embedded.identity import Account, Identity, Namespace
from service.embedded.libc import die_with_parent

Stream = int | IO[bytes] | None


def spawn(
    command: Sequence[str],
    *,
    env: Mapping[str, str] | None = None,
    stdout: Stream = None,
    stderr: Stream = None,
) -> subprocess.Popen[bytes]:
    """Start `command` as ourselves, in a session of its own: Ctrl-C does not reach it, our death does (SIGKILL)."""
    return start_child(command, death_signal=signal.SIGKILL, env=env, stdout=stdout, stderr=stderr)


def start_child(
    command: Sequence[str | Path],
    *,
    death_signal: signal.Signals,
    identity: Identity | None = None,
    env: Mapping[str, str] | None = None,
    stdin: Stream = subprocess.DEVNULL,
    stdout: Stream = None,
    stderr: Stream = None,
    pass_fds: Sequence[int] = (),
) -> subprocess.Popen[bytes]:
    """Start `command` as `identity`; it gets `death_signal` when we die."""
    require_main_thread()
    parent = os.getpid()
    drops = isinstance(identity, Namespace | Account)

    def prepare() -> None:
        if identity is not None:
            identity.assume()
        if sys.platform == "linux":
            die_with_parent(death_signal, parent)

    guardian = None if sys.platform == "linux" else Guardian.of_this_process()
    try:
        process = subprocess.Popen(  # noqa: S603
            [os.fspath(word) for word in command],
            env=None if env is None else dict(env),
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            pass_fds=pass_fds,
            start_new_session=True,
            preexec_fn=prepare if drops or sys.platform == "linux" else None,
        )
    except (OSError, subprocess.SubprocessError) as error:
        reason = error.strerror if isinstance(error, OSError) else "the system refused to prepare its process"
        raise EmbeddedError(f"Cannot run {command[0]} ({reason}): check that it exists and may be executed") from error
    if guardian is not None:
        guardian.watch(process.pid, death_signal)
    return process


def require_main_thread() -> None:
    """Raise in any other thread: the kernel takes the end of the thread that forked for the end of the parent."""
    if threading.current_thread() is not threading.main_thread():
        raise EmbeddedError("A thread cannot start processes that end with this one: start them from the main thread")
