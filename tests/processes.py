"""Roles as real processes, of this release or of another, to be ended and killed, and ways to stop them at a point."""

import asyncio
import contextlib
import itertools
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg

from service.embedded.child import start_child
from service.settings import Settings
from tests.house import SECRET
from tests.nursery import OURS as OURS
from tests.nursery import Forked, nursery

Process = subprocess.Popen[bytes] | Forked

WITHIN = 30.0
"""Seconds that a start and an end may take on a machine that does other things as well."""

NO_TLS = {"SSL_CERT_FILE": os.devnull, "SSL_CERT_DIR": os.devnull}
"""What we start speaks no TLS, and aiohttp would read the machine's certificates at each start, twice."""

POINT = 42
"""The advisory lock that a held-up worker waits for."""

HOLD = f"""
    CREATE FUNCTION hold_here() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN
        IF NOT EXISTS (SELECT FROM steps WHERE step_id = NEW.step_id AND state = NEW.state) THEN
            PERFORM pg_advisory_xact_lock({POINT});
        END IF;
        RETURN NEW;
    END $$
"""


def environment(settings: Settings, code: Path = OURS, **more: str) -> dict[str, str]:
    """What a process is told; it takes our packages from `code`, before those that the venv knows."""
    return {
        **os.environ,
        "PYTHONPATH": str(code),
        "PYTHONDONTWRITEBYTECODE": "1",
        **NO_TLS,
        "DATABASE_URL": settings.database_url,
        "DATABASE_STATEMENT_CACHE": str(settings.database_statement_cache),
        "REDIS_URL": settings.redis_url,
        "SECRET_KEY": SECRET.get_secret_value(),
        "HIGHLEVEL_URL": settings.highlevel_url,
        "SETTLE_AFTER": str(settings.settle_after),
        "HIGHLEVEL_APP_IDS": ",".join(settings.highlevel_app_ids),
        **more,
    }


def start(settings: Settings, log: Path, *words: str, code: Path = OURS, said: str = "", **more: str) -> Process:
    """`slotwright …`, told `said`, which ends with us at the latest; what it says is added to `log`. `code`: that of
    another release is a folder that its wheel was unpacked into; our libraries serve both."""
    if code == OURS:
        return nursery().start(words, environment(settings, code, **more), log, said)
    # -P: what lies in the current folder is none of its modules.
    command = [sys.executable, "-P", "-m", "workers.cli", *words]
    death, told = signal.SIGKILL, environment(settings, code, **more)
    with log.open("ab") as file, tempfile.TemporaryFile() as stdin:
        stdin.write(said.encode())
        stdin.seek(0)
        return start_child(command, death_signal=death, env=told, stdin=stdin, stdout=file, stderr=file)


async def run(settings: Settings, log: Path, *words: str, code: Path = OURS, said: str = "") -> tuple[int, str]:
    """A command to its end: its exit code, and what `log` says then."""
    process = start(settings, log, *words, code=code, said=said)
    return await end_of(process), log.read_text()


async def end_of(process: Process) -> int:
    """Its exit code. One that does not end is killed, and the test with it."""
    try:
        return await asyncio.to_thread(process.wait, WITHIN)
    finally:
        kill(process)


@contextmanager
def worker(settings: Settings, log: Path) -> Iterator[Process]:
    """`slotwright work` in a process of its own, which is killed at the end if it still runs."""
    process = start(settings, log, "work")
    try:
        yield process
    finally:
        kill(process)


def kill(process: Process) -> None:
    """As the kernel does when memory runs out."""
    process.kill()
    process.wait()


_PORTS = itertools.cycle(range(20_000 + 500 * (int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:]) % 24), 32_000))


def free_port() -> int:
    """One that nobody listens on. Not of those that the system hands out, or somebody's connection may have it by the
    time it is used, and no other test process asks for it first."""
    for port in _PORTS:
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            return port
    raise AssertionError("cycles have no end")


async def ready(process: Process, port: int, log: Path) -> None:
    """Return once a receiver answers; its log is the error if it ends before."""
    async with asyncio.timeout(WITHIN), aiohttp.ClientSession() as session:
        while True:
            assert process.poll() is None, log.read_text()
            try:
                async with session.get(f"http://127.0.0.1:{port}/readyz") as answer:
                    if answer.status == 200:
                        return
            except aiohttp.ClientError:
                pass
            await asyncio.sleep(0.02)


async def working(process: Process, log: Path) -> None:
    """Return once a worker looks for work."""
    async with asyncio.timeout(WITHIN):
        while "working" not in log.read_text():
            assert process.poll() is None, log.read_text()
            await asyncio.sleep(0.02)


@asynccontextmanager
async def held_at(database_url: str, *states: str) -> AsyncIterator["Point"]:
    """Every worker stops right before a step is stored as one of `states`: what came before is committed, what follows
    is not begun. The hold is a trigger in the test's own database; nothing of it is in the product."""
    connection = await asyncpg.connect(database_url)
    try:
        await connection.execute(HOLD)
        await connection.execute(
            "CREATE TRIGGER hold_here BEFORE INSERT OR UPDATE ON steps FOR EACH ROW "
            f"WHEN (NEW.state = ANY('{{{','.join(states)}}}')) EXECUTE FUNCTION hold_here()"
        )
        await connection.execute("SELECT pg_advisory_lock($1)", POINT)
        yield Point(connection)
    finally:
        await connection.close()


class Point:
    """Where workers are held up."""

    def __init__(self, connection: "asyncpg.Connection[Any]") -> None:
        self._connection = connection

    async def reached_by(self, number: int) -> None:
        """Return when so many steps are held up."""
        async with asyncio.timeout(20):
            while await self._waiting() < number:
                await asyncio.sleep(0.02)

    async def end_those_held(self) -> None:
        """End the sessions of dead workers, so that none of their statements comes true after all; hold no more."""
        await self._connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND wait_event = 'advisory'"
        )
        async with asyncio.timeout(10):
            while await self._waiting():
                await asyncio.sleep(0.01)
        await self._connection.execute("DROP TRIGGER hold_here ON steps")
        await self.let_go()

    async def let_go(self) -> None:
        """Those that are held up go on; nobody is held up for long any more."""
        await self._connection.execute("SELECT pg_advisory_unlock($1)", POINT)

    async def _waiting(self) -> int:
        return int(
            await self._connection.fetchval(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'advisory'"
            )
        )
