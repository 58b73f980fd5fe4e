"""Whoever tries rules on what came to a house, and what is compared before and after."""

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.house import NAMES, House
from tests.sandboxes import LOCATION
from tests.test_cli import say


class Desk:
    """Whoever tries rules in a folder on what came to a house."""

    def __init__(self, house: House, folder: Path) -> None:
        self.folder = folder
        self.env = {
            "DATABASE_URL": house.settings.database_url,
            "SECRET_KEY": house.settings.secret_key.get_secret_value(),
            "HIGHLEVEL_URL": house.settings.highlevel_url,
            "COLUMNS": "200",
        }

    def write(self, *rules: str, more: str = "") -> None:
        (self.folder / "rules.yaml").write_text(more + NAMES + "".join(rules))

    def post(self, body: Any) -> Path:
        path = self.folder / "body.json"
        path.write_text(body if isinstance(body, str) else json.dumps(body))
        return path

    async def tried(self, delivery: object, *words: object) -> Any:
        return json.loads(await self.said(delivery, *words, "--format", "json"))

    async def said(self, delivery: object, *words: object) -> str:
        result = await self._say(delivery, *words)
        assert (result.exit_code, result.stderr) == (0, ""), result.output
        return str(result.stdout)

    async def complaint(self, delivery: object, *words: object) -> str:
        result = await self._say(delivery, *words)
        assert (result.exit_code, result.stdout) == (1, ""), result.output
        return str(result.stderr).removeprefix("Error: ").rstrip("\n")

    async def _say(self, delivery: object, *words: object) -> Any:
        asked = ("rules", "try", self.folder, "--delivery", delivery, *words)
        return await asyncio.to_thread(say, *asked, env=self.env)


async def lay(house: House, told: dict[str, Any]) -> None:
    """HighLevel has it, and no webhook came."""
    await house.call("PUT", f"/_sandbox/appointments/{told['id']}", {**told, "locationId": LOCATION})


def checks(rules: Sequence[Any]) -> list[Any]:
    return [(rule["rule"], rule["mode"], rule["held"], rule["checks"]) for rule in rules]


def sentences(steps: Sequence[Any]) -> list[Any]:
    """What each step comes to; a rehearsed one says so."""
    return [
        (step["action"], step["sentence"], (step["reason"] or "").removeprefix("would leave it: ")) for step in steps
    ]


async def everything(house: House) -> dict[str, Any]:
    """What the database holds, table by table, and what the sandbox was asked to change."""
    names = (
        "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' AND table_type = 'BASE TABLE'"
    )
    held = {}
    for (name,) in await house.pool.fetch(names):
        held[name] = await house.pool.fetchrow(
            f'SELECT count(*), md5(string_agg(kept::text, chr(10) ORDER BY kept::text)) FROM "{name}" kept'
        )
    made = [call for call in await house.call("GET", "/_sandbox/calls") if call["method"] != "GET"]
    return {**held, "writes": made}
