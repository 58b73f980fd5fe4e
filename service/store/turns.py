"""Turns: whose turn it is in a round robin, moved in the transaction that stores the choice."""

from collections.abc import Mapping
from dataclasses import dataclass

from service.store.database import Connection


class TurnMoved(Exception):
    """Another booking took a turn since this one was chosen: choose again."""


@dataclass(frozen=True)
class Turns:
    """`last` maps a person to the number of the last turn they took; `version` is the number of turns taken."""

    version: int
    last: Mapping[str, int]


READ = "SELECT version, last_turn FROM turns WHERE location_id = $1 AND team = $2"

BEGIN = "INSERT INTO turns (location_id, team) VALUES ($1, $2) ON CONFLICT DO NOTHING"

TAKE = """
    UPDATE turns SET version = version + 1, last_turn = last_turn || jsonb_build_object($4::text, version + 1)
    WHERE location_id = $1 AND team = $2 AND version = $3
    RETURNING version
"""


async def read(connection: Connection, location_id: str, team: str) -> Turns:
    row = await connection.fetchrow(READ, location_id, team)
    return Turns(row["version"], row["last_turn"]) if row else Turns(0, {})


async def take(connection: Connection, location_id: str, team: str, version: int, person: str) -> None:
    """Count a turn that was chosen when `version` turns had been taken. Raises TurnMoved if there are more by now."""
    await connection.execute(BEGIN, location_id, team)
    if await connection.fetchval(TAKE, location_id, team, version, person) is None:
        raise TurnMoved(team)
