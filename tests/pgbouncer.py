"""A real PgBouncer in transaction mode before the tests' Postgres, set up as an operator would leave it."""

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from service.embedded import Servers
from service.embedded.child import start_child
from service.embedded.identity import choose_identity
from tests.processes import free_port, kill

PROGRAM = shutil.which("pgbouncer") or shutil.which("/usr/sbin/pgbouncer")
needs_pgbouncer = pytest.mark.skipif(
    PROGRAM is None, reason="PgBouncer is not installed (tests/system-packages does it)"
)

WITHIN = 10.0

# Fewer connections than its clients have, so that they are really shared. All else is PgBouncer's own default: no
# startup parameter is ignored, nothing is reset between transactions, no prepared statement is known.
CONFIGURATION = """
[databases]
* = host={sockets} port={port} user=postgres
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {listen}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 12
{more}
"""


class PgBouncer:
    """From the main thread only. PgBouncer refuses root, so it runs as whoever Postgres runs as."""

    def __init__(self, servers: Servers, more: str = "") -> None:
        assert PROGRAM is not None
        self._program = Path(PROGRAM)
        postgres = servers.postgres
        self._identity = choose_identity(postgres.folder.path, postgres.data, self._program)
        room = postgres.folder.open_room("pgbouncer", self._identity)
        self._port = free_port()
        self._configuration = room / f"{self._port}.ini"
        self._log = room / f"{self._port}.log"
        where = parse_qs(urlsplit(servers.database_url).query)
        self._configuration.write_text(
            CONFIGURATION.format(
                sockets=where["host"][0],
                port=where["port"][0],
                listen=self._port,
                more=more,
            )
        )
        if os.geteuid() == 0:
            os.chown(self._configuration, self._identity.uid, self._identity.gid)
        self._process: subprocess.Popen[bytes] | None = None

    def url(self, database_url: str) -> str:
        """That of the same database through PgBouncer."""
        return f"postgresql://postgres@127.0.0.1:{self._port}{urlsplit(database_url).path}"

    def start(self) -> None:
        command = [self._program, self._configuration]
        with self._log.open("ab") as log:
            self._process = start_child(
                command, death_signal=signal.SIGKILL, identity=self._identity, stdout=log, stderr=log
            )
        until = time.monotonic() + WITHIN
        while not self._listens():
            assert self._process.poll() is None, self.log
            assert time.monotonic() < until, self.log
            time.sleep(0.01)

    def kill(self) -> None:
        """Every connection through it breaks, in the middle of whatever it is."""
        if self._process is not None:
            kill(self._process)

    @property
    def log(self) -> str:
        return self._log.read_text()

    def _listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self._port)) == 0


@contextmanager
def pgbouncer(servers: Servers, *, more: str = "") -> Iterator[PgBouncer]:
    """One that runs for the length of the body; `more` lines of its configuration."""
    bouncer = PgBouncer(servers, more)
    bouncer.start()
    try:
        yield bouncer
    finally:
        bouncer.kill()
