"""PostgreSQL from its wheel: one database, reached through a socket only."""

import shutil
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path

from service.embedded.binaries import find_postgres
from service.embedded.error import EmbeddedError
from service.embedded.identity import Identity
from service.embedded.lock import Lock
from service.embedded.server import Server

DATABASE = "slotwright"
SUPERUSER = "postgres"
PORT = 5432
"""Nothing listens there; it names the socket."""

SETTINGS = {
    "listen_addresses": "",
    "port": str(PORT),
    "unix_socket_permissions": "0700",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_destination": "stderr",
    "logging_collector": "off",
    # The default leaves files in /dev/shm after a crash; these lie in the data folder.
    "dynamic_shared_memory_type": "mmap",
}


class Postgres(Server):
    """PostgreSQL over `folder`."""

    title = "PostgreSQL"
    name = "postgres"
    # Immediate shutdown: the postmaster takes its backends along, and the next start recovers from the log.
    death_signal = signal.SIGQUIT
    # Fast shutdown: whatever is connected is sent away.
    stop_signal = signal.SIGINT

    @property
    def url(self) -> str:
        """For asyncpg and SQLAlchemy; the port is named lest a PGPORT of the shell be taken."""
        return f"postgresql://{SUPERUSER}@/{DATABASE}?host={self.folder.sockets}&port={PORT}"

    def program(self) -> Path:
        """The postmaster."""
        return find_postgres() / "postgres"

    def command(self) -> list[str | Path]:
        """Everything that matters is said here, so that data of any age get it."""
        settings = SETTINGS | {"unix_socket_directories": str(self.folder.sockets)}
        return [
            self.program(),
            "-D",
            self.data,
            *(word for name, value in settings.items() for word in ("-c", f"{name}={value}")),
        ]

    def prepare(self, identity: Identity, lock: Lock) -> None:
        """Create the data if there are none."""
        if not self.data.exists() or not any(self.data.iterdir()):
            self.create(identity, lock)
        self.folder.open_room(self.name, identity)
        self.compare_versions()

    def leftovers(self) -> Sequence[Path]:
        """PostgreSQL trusts the process ids in two of them, but a stranger may have got that of a dead predecessor."""
        socket = self.folder.sockets / f".s.PGSQL.{PORT}"
        return self.data / "postmaster.pid", socket, socket.with_name(f"{socket.name}.lock")

    def create(self, identity: Identity, lock: Lock) -> None:
        """Make the data under another name first: either all of it is there or nothing."""
        draft = self.folder.open_room(f"{self.name}.draft", identity)
        shutil.rmtree(draft)
        self.folder.open_room(draft.name, identity)
        initdb: list[str | Path] = [find_postgres() / "initdb", "--pgdata", draft]
        initdb += ["--username", SUPERUSER, "--auth", "trust", "--encoding", "UTF8", "--no-instructions"]
        initdb += ["--locale", "C", "--locale-provider", "builtin", "--builtin-locale", "C.UTF-8"]
        if not self.run_to_end(initdb, identity, lock):
            raise EmbeddedError(f"PostgreSQL could not create its data: {self.last_words()} (see {self.log})")
        single: list[str | Path] = [self.program(), "--single", "-D", draft, "-c", "exit_on_error=on", "postgres"]
        if not self.run_to_end(single, identity, lock, b"CREATE DATABASE %s\n" % DATABASE.encode()):
            raise EmbeddedError(f"PostgreSQL could not create its database: {self.last_words()} (see {self.log})")
        draft.rename(self.data)

    def compare_versions(self) -> None:
        """Refuse data that another major version made."""
        try:
            made_by = (self.data / "PG_VERSION").read_text().strip()
        except FileNotFoundError as error:
            raise EmbeddedError(f"{self.data} holds no PostgreSQL data: move it away") from error
        said = subprocess.run(  # noqa: S603
            [self.program(), "--version"], capture_output=True, text=True
        ).stdout
        ours = said.split()[-1].split(".")[0] if said else made_by
        if made_by != ours:
            raise EmbeddedError(
                f"The data in {self.data} were made by PostgreSQL {made_by}, this is {ours}: "
                "dump and restore them, or choose another folder"
            )

    def is_ready(self, process: subprocess.Popen[bytes]) -> bool:
        """What the postmaster writes in the eighth line of its lock file (pg_ctl waits for the same)."""
        try:
            lines = (self.data / "postmaster.pid").read_text().splitlines()
        except OSError:
            return False
        return len(lines) >= 8 and lines[0] == str(process.pid) and lines[7].strip() == "ready"
