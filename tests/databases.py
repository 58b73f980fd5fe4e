"""A database that nobody has migrated yet, and how a release brings it up to date and sets it up."""

from itertools import count
from pathlib import Path
from typing import Any

import asyncpg

from service.settings import Settings
from tests.cluster import Cluster
from tests.house import TOKEN
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


async def set_up(cluster: Cluster, code: Path) -> None:
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
