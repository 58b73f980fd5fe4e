"""Rulebooks: the rule files of a location, or the shared ones, each version kept as it was."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from service.store.database import Connection
from service.store.identifiers import new_id


@dataclass(frozen=True)
class StoredRulebook:
    """`files` maps a path to its text. `location_id` is None for the shared rulebook."""

    rulebook_id: UUID
    location_id: str | None
    version: int
    digest: str
    files: Mapping[str, str]


COLUMNS = "rulebook_id, location_id, version, digest, files"

LATEST = f"""
    SELECT {COLUMNS} FROM rulebooks WHERE location_id IS NOT DISTINCT FROM $1 ORDER BY version DESC LIMIT 1
"""  # noqa: S608 (no value in it)

FOR_LOCATION = f"""
    SELECT {COLUMNS} FROM rulebooks WHERE location_id = $1 OR location_id IS NULL
    ORDER BY location_id IS NULL, version DESC LIMIT 1
"""  # noqa: S608

IN_FORCE = f"""
    SELECT DISTINCT ON (location_id) {COLUMNS} FROM rulebooks ORDER BY location_id NULLS FIRST, version DESC
"""  # noqa: S608

FIND = f"SELECT {COLUMNS} FROM rulebooks WHERE rulebook_id = $1"  # noqa: S608

INSERT = """
    INSERT INTO rulebooks (rulebook_id, location_id, version, digest, files, message)
    VALUES ($1, $2, $3, $4, $5::jsonb, $6)
"""

ONE_AT_A_TIME = "SELECT pg_advisory_xact_lock(hashtext('rulebooks'))"


async def apply(
    connection: Connection, location_id: str | None, files: Mapping[str, str], digest: str, message: str
) -> tuple[int, bool]:
    """Make these files the newest version: its number, and whether it is new (the same files again are not).

    The caller owns the transaction.
    """
    await connection.execute(ONE_AT_A_TIME)
    latest = await connection.fetchrow(LATEST, location_id)
    if latest is not None and latest["digest"] == digest:
        return latest["version"], False
    version = latest["version"] + 1 if latest else 1
    await connection.execute(INSERT, new_id(), location_id, version, digest, dict(files), message)
    return version, True


async def for_location(connection: Connection, location_id: str) -> StoredRulebook | None:
    """The rulebook in force: the location's own, or else the shared one."""
    row = await connection.fetchrow(FOR_LOCATION, location_id)
    return StoredRulebook(**row) if row else None


async def find(connection: Connection, rulebook_id: UUID) -> StoredRulebook | None:
    row = await connection.fetchrow(FIND, rulebook_id)
    return StoredRulebook(**row) if row else None


async def in_force(connection: Connection) -> list[StoredRulebook]:
    """The newest version of each, the shared one first."""
    return [StoredRulebook(**row) for row in await connection.fetch(IN_FORCE)]
