"""One embedded server as a child process of ours: start, stop, kill, and word of its end."""

import contextlib
import re
import signal
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from service.embedded.child import Stream, require_main_thread, start_child
from service.embedded.error import EmbeddedError
from service.embedded.folder import Folder
from service.embedded.identity import Identity, choose_identity
from service.embedded.lock import Lock

ENVIRONMENT = {"LC_ALL": "C", "PATH": "/usr/bin:/bin", "TZ": "UTC"}
"""All that a server gets to see: a PGPORT or a locale of the shell is none of its business."""

PREDECESSOR_PATIENCE = 10.0
START_PATIENCE = 120.0
"""Seconds; recovery after a crash may have much to read."""
STOP_PATIENCE = 10.0
KILL_PATIENCE = 6.0
"""Seconds; after five PostgreSQL ends those of its processes that do not listen."""
LOOK_EVERY = 0.005

GRAVE = re.compile(r"PANIC:|FATAL:|error:")
LINE_START = re.compile(r"^\d{4}-\d\d-\d\d .*? \[\d+\] |^\d+:[A-Z] .*? [#*] ")
"""When, and by which process, before the words themselves."""


class Server(ABC):
    """A server over `folder`; from the main thread only."""

    title: ClassVar[str]
    name: ClassVar[str]
    death_signal: ClassVar[signal.Signals]
    """Ends the server at once, and safely."""
    stop_signal: ClassVar[signal.Signals]
    """Ends the server in good order."""

    def __init__(self, folder: Path) -> None:
        self.folder = Folder(folder)
        self.data = self.folder.path / self.name
        self.log = self.folder.path / f"{self.name}.log"
        self.process: subprocess.Popen[bytes] | None = None

    @property
    @abstractmethod
    def url(self) -> str:
        """Where clients connect; the same at each start."""

    @abstractmethod
    def program(self) -> Path:
        """The server's program."""

    @abstractmethod
    def command(self) -> list[str | Path]:
        """The program and its arguments; the data folder is among them."""

    @abstractmethod
    def prepare(self, identity: Identity, lock: Lock) -> None:
        """Make the data ready."""

    @abstractmethod
    def leftovers(self) -> Sequence[Path]:
        """The files that a server removes at its end, unless it dies."""

    def clear(self) -> None:
        """Remove the leftovers; only with the lock, that is when no process of this server is left."""
        for left in self.leftovers():
            left.unlink(missing_ok=True)

    @abstractmethod
    def is_ready(self, process: subprocess.Popen[bytes]) -> bool:
        """Whether the server takes requests."""

    def start(self) -> None:
        """Start and wait until requests are taken."""
        self.launch()
        try:
            self.wait_ready()
        except BaseException:
            self.kill()
            raise

    def launch(self) -> None:
        """Start, without waiting."""
        require_main_thread()
        if self.process is not None and self.process.poll() is None:
            raise EmbeddedError(f"{self.title} is running already: stop it first")
        program = self.program()
        self.folder.create()
        # The server's processes inherit this lock: once we have it, none of a predecessor's is left.
        lock = Lock(self.folder.path / f"{self.name}.lock")
        if not lock.take(PREDECESSOR_PATIENCE):
            raise EmbeddedError(
                f"{self.title} of an earlier run still uses {self.data} ({lock.holder()}): end that process"
            )
        try:
            identity = choose_identity(self.folder.path, self.data, program)
            self.folder.open_sockets(identity)
            self.prepare(identity, lock)
            self.clear()
            self.process = self.run(self.command(), identity, lock, self.death_signal)
            lock.sign(self.process.pid)
        except OSError as error:
            raise EmbeddedError(
                f"{self.title} cannot use {error.filename or self.data} ({error.strerror}): "
                "remove what is in the way, or choose another folder"
            ) from error
        finally:
            lock.release()

    def run(
        self,
        command: Sequence[str | Path],
        identity: Identity,
        lock: Lock,
        death_signal: signal.Signals,
        stdin: Stream = subprocess.DEVNULL,
    ) -> subprocess.Popen[bytes]:
        """Start a process of this server: its identity, its log, its lock."""
        with self.folder.open_log(self.log.name, identity) as log:
            return start_child(
                command,
                death_signal=death_signal,
                identity=identity,
                env=ENVIRONMENT,
                stdin=stdin,
                stdout=log,
                stderr=log,
                pass_fds=[lock.descriptor],
            )

    def run_to_end(self, command: Sequence[str | Path], identity: Identity, lock: Lock, said: bytes = b"") -> bool:
        """Run a process that tells `said` from standard input; whether it ended well."""
        # Killed outright, these would leave a segment of shared memory behind.
        process = self.run(command, identity, lock, signal.SIGTERM, subprocess.PIPE)
        try:
            process.communicate(said)
        except BaseException:
            process.terminate()
            process.wait()
            raise
        return process.returncode == 0

    def wait_ready(self) -> None:
        """Wait until requests are taken; stop and raise if that does not come to pass."""
        until = time.monotonic() + START_PATIENCE
        while not (self.process is not None and self.process.poll() is None and self.is_ready(self.process)):
            if self.process is None or self.process.poll() is not None:
                self.kill()
                raise EmbeddedError(f"{self.title} did not start: {self.last_words()} (see {self.log})")
            if time.monotonic() >= until:
                self.kill()
                raise EmbeddedError(
                    f"{self.title} was not ready within {START_PATIENCE:.0f} s: {self.last_words()} (see {self.log})"
                )
            time.sleep(LOOK_EVERY)

    def stop(self) -> None:
        """End gracefully; after STOP_PATIENCE seconds by force."""
        try:
            if self.process is not None:
                self.process.send_signal(self.stop_signal)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self.process.wait(STOP_PATIENCE)
        finally:
            # An impatient second Ctrl-C ends here too.
            self.kill()

    def kill(self) -> None:
        """End at once, as our own death would; harmless if nothing runs."""
        if self.process is not None:
            self.process.send_signal(self.death_signal)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(KILL_PATIENCE)
            self.process.kill()
            self.process.wait()
            self.process = None
            lock = Lock(self.folder.path / f"{self.name}.lock")
            if lock.take():
                self.clear()
                lock.release()
        self.folder.close_sockets()

    def check(self) -> None:
        """Raise EmbeddedError if the server has ended although nobody stopped it."""
        if self.process is not None and self.process.poll() is not None:
            raise EmbeddedError(
                f"{self.title} ended unexpectedly ({self.process.returncode}): {self.last_words()} (see {self.log})"
            )

    def last_words(self) -> str:
        """The line of the log that most likely says why the server ended."""
        try:
            lines = self.log.read_text(errors="replace").splitlines()
        except OSError:
            lines = []
        spoken = [line.strip() for line in lines if line.strip()]
        grave = [line for line in spoken if GRAVE.search(line)]
        return LINE_START.sub("", (grave or spoken or ["its log is empty"])[-1])[:300]
