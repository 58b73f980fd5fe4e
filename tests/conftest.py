"""What tests share: one Postgres and one Valkey a run, a database a test from a migrated template."""

import asyncio
import functools
import gc
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import structlog
from xdist.scheduler import LoadScopeScheduling

from service import embedded
from service.embedded import Servers
from service.settings import Settings
from service.store import migrations
from service.store.database import Pool
from tests.house import House, open_house, pool_of

# What a shell exports for its own use must not reach what is tested.
for name in (*Settings.model_fields, "slotwright_folder", "sandbox_signing_key"):
    os.environ.pop(name.upper(), None)
for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
    os.environ.pop(name, None)
    os.environ.pop(name.upper(), None)

# Colours and the values around a traceback take longer to draw than most tests, and nobody looks.
PLAIN = structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)
structlog.configure(processors=[*structlog.get_config()["processors"][:-1], PLAIN])

CONNECTION: Any = asyncpg.Connection
ask_of_types = CONNECTION._introspect_types
TYPES: dict[frozenset[int], Any] = {}
"""What asyncpg asks about types on each connection: the same in all databases of a run."""


async def known_types(connection: Any, oids: Iterable[int], timeout: float | None) -> Any:
    asked = frozenset(oids)
    if asked not in TYPES:
        TYPES[asked] = await ask_of_types(connection, asked, timeout)
    return TYPES[asked]


CONNECTION._introspect_types = known_types

NUMBERS = count(1)
TEMPLATE = "slotwright_template"


MEMORY, ENOUGH = Path("/dev/shm"), 2 << 30
"""A file system in memory, and the bytes that must be free there: a database is made and dropped there in a tenth of
the time, and most of our tests do that."""


def memory() -> Path | None:
    """Where temporary folders for servers' data are best made; None for where all others are."""
    return MEMORY if os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > ENOUGH else None


@pytest.fixture(scope="session")
def in_memory() -> Iterator[Path]:
    """A folder for servers' data."""
    with tempfile.TemporaryDirectory(prefix="swtest-", dir=memory()) as folder:
        yield Path(folder)


@pytest.fixture(scope="session")
def servers(in_memory: Path) -> Iterator[Servers]:
    with embedded.servers(in_memory / "servers") as running:
        _admin(running, f"CREATE DATABASE {TEMPLATE}")
        migrations.migrate(named(running.database_url, TEMPLATE))
        yield running


@pytest.fixture
def own_servers(in_memory: Path) -> Iterator[Servers]:
    """Servers of this test's own, to be stopped and started."""
    folder = in_memory / f"own-{next(NUMBERS)}"
    with embedded.servers(folder) as running:
        migrations.migrate(running.database_url)
        yield running
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def administer(servers: Servers) -> Iterator[Callable[[str], object]]:
    """Gives Postgres a statement; by one connection, since to open one takes as long as to make a database."""
    with asyncio.Runner() as runner:
        connection = runner.run(asyncpg.connect(servers.database_url))
        yield lambda statement: runner.run(connection.execute(statement))
        runner.run(connection.close())


@pytest.fixture
def database_url(servers: Servers, administer: Callable[[str], object]) -> Iterator[str]:
    """A database of this test's own, migrated and empty."""
    name = f"test_{next(NUMBERS)}"
    administer(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE} STRATEGY file_copy")
    yield named(servers.database_url, name)
    administer(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[Pool]:
    async with pool_of(database_url) as opened:
        yield opened


@pytest.fixture
async def house(database_url: str, servers: Servers) -> AsyncIterator[House]:
    """Sandbox, receiver and worker in this process, around a real Postgres and Valkey."""
    async with open_house(database_url, servers.redis_url) as opened:
        yield opened


def named(url: str, database: str) -> str:
    return url.replace("/slotwright?", f"/{database}?", 1)


def _admin(servers: Servers, statement: str) -> None:
    async def run() -> None:
        connection = await asyncpg.connect(servers.database_url)
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    asyncio.run(run())


def pytest_collection_finish() -> None:
    """What was collected stays to the end: a tenth of a run's work was to look through it for garbage."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Tests of real processes share two cores: those of one file are never beside each other. Nor are those whose file
    loads what is dear, once and not in every worker. All others are free.

    (The marks that xdist itself would group by do not reach it from this release of pytest.)
    """
    scheduler = LoadScopeScheduling(config, log)
    scheduler._split_scope = _side
    return scheduler


def _side(nodeid: str) -> str:
    path = nodeid.partition("::")[0]
    return path if _stays_together(path) else nodeid


@functools.cache
def _stays_together(path: str) -> bool:
    text = (Path(__file__).parents[1] / path).read_text(encoding="utf-8")
    return "pytest.mark.processes" in text or "pytest.mark.dear" in text


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Under CI nothing may be passed over in silence: a skipped test fails the run."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("CI") == "true" and reporter is not None and reporter.stats.get("skipped"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
