"""A database that nobody has migrated yet, and how a release brings it up to date and sets it up."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Any

import asyncpg

from service.embedded import Servers
from service.settings import Settings
from tests.cluster import Cluster, open_cluster
from tests.conftest import named
from tests.house import TOKEN, settings_for
from tests.load import RULES
from tests.processes import OURS, run
from tests.sandboxes import LOCATION


class Database:
    """A database that nobody migrated yet, and what migrates it."""

    def __init__(self, url: str, settings: Settings, folder: Path) -> None:
        self.url = url
        self.settings = settings
        self._folder = folder
        self._numbers = count(1)

    async def migrate(self, code: Path = OURS) -> tuple[int, str]:
        """The exit code, and what was said."""
        return await run(self.settings, self.log(), "migrate", code=code)

    def log(self) -> Path:
        return self._folder / f"migrate-{next(self._numbers)}.log"

    async def rows(self, query: str) -> set[tuple[Any, ...]]:
        connection = await asyncpg.connect(self.url)
        try:
            return {tuple(row) for row in await connection.fetch(query)}
        finally:
            await connection.close()

    async def version(self) -> str:
        [(version,)] = await self.rows("SELECT version_num FROM alembic_version")
        return str(version)


@asynccontextmanager
async def new_database(servers: Servers, name: str, template: str = "template1") -> AsyncIterator[str]:
    """A copy of another database, for as long as the body; its URL."""
    admin = await asyncpg.connect(servers.database_url)
    await admin.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
    yield named(servers.database_url, name)
    await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await admin.close()


async def left_by(code: Path, servers: Servers, name: str, folder: Path) -> Database:
    """A new database that another release served: its schema, a location and rules."""
    admin = await asyncpg.connect(servers.database_url)
    await admin.execute(f"CREATE DATABASE {name}")
    await admin.close()
    url = named(servers.database_url, name)
    database = Database(url, settings_for(url, servers.redis_url), folder)
    migrated = await database.migrate(code)
    assert migrated[0] == 0, migrated[1]
    async with open_cluster(url, servers.redis_url, folder) as cluster:
        await _set_up(cluster, code)
    return database


async def _set_up(cluster: Cluster, code: Path) -> None:
    """The location and the rules, registered by `code`."""
    rules = cluster.folder / "rules"
    rules.mkdir()
    (rules / "rules.yaml").write_text(RULES)
    log = cluster.folder / "set-up.log"
    words = ("locations", "add", LOCATION, "--name", "Leeds Salon", "--time-zone", "Europe/London")
    registered = await run(cluster.settings, log, *words, code=code, said=TOKEN)
    assert registered[0] == 0, registered[1]
    applied = await run(cluster.settings, log, "rules", "apply", str(rules), code=code)
    assert applied[0] == 0, applied[1]
