"""Workers as real processes, to be killed, and ways to stop them at an exact point."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import asyncpg

from service.embedded import spawn
from service.settings import Settings
from tests.house import SECRET

POINT = 42
"""The advisory lock that a held-up worker waits for."""

HOLD = f"""
    CREATE FUNCTION hold_here() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN PERFORM pg_advisory_xact_lock({POINT}); RETURN NEW; END $$
"""


@contextmanager
def worker(settings: Settings, log: Path) -> Any:
    """`slotwright work` in a process of its own, which is killed at the end if it still runs."""
    environment = {
        **os.environ,
        "DATABASE_URL": settings.database_url,
        "REDIS_URL": settings.redis_url,
        "SECRET_KEY": SECRET.get_secret_value(),
        "HIGHLEVEL_URL": settings.highlevel_url,
        "SETTLE_AFTER": str(settings.settle_after),
        "HIGHLEVEL_APP_IDS": ",".join(settings.highlevel_app_ids),
    }
    with log.open("ab") as file:
        process = spawn([sys.executable, "-m", "workers.cli", "work"], env=environment, stdout=file, stderr=file)
    try:
        yield process
    finally:
        kill(process)


def kill(process: "subprocess.Popen[bytes]") -> None:
    """As the kernel does when memory runs out."""
    process.kill()
    process.wait()


@asynccontextmanager
async def held_at(database_url: str, state: str) -> AsyncIterator["Point"]:
    """Every worker stops right before a step is stored as `state`: what came before is committed, what follows is not
    begun. The hold is a trigger in the test's own database; nothing of it is in the product."""
    connection = await asyncpg.connect(database_url)
    try:
        await connection.execute(HOLD)
        await connection.execute(
            "CREATE TRIGGER hold_here BEFORE UPDATE ON steps FOR EACH ROW "
            f"WHEN (NEW.state = '{state}' AND OLD.state <> '{state}') EXECUTE FUNCTION hold_here()"
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
        await self._connection.execute("SELECT pg_advisory_unlock($1)", POINT)

    async def _waiting(self) -> int:
        return int(
            await self._connection.fetchval(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'advisory'"
            )
        )
