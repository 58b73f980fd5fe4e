"""Rulebooks: the rule files of a location, or the shared ones, each version kept as it was."""

from collections.abc import Mapping, Sequence
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

FOR_LOCATIONS = """
    SELECT asked.location_id, mine.rulebook_id
    FROM unnest($1::text[]) AS asked (location_id) CROSS JOIN LATERAL (
        (SELECT rulebook_id FROM rulebooks b WHERE b.location_id = asked.location_id ORDER BY version DESC LIMIT 1)
        UNION ALL
        (SELECT rulebook_id FROM rulebooks b WHERE b.location_id IS NULL ORDER BY version DESC LIMIT 1)
        LIMIT 1
    ) AS mine
"""

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


async def in_force_for(connection: Connection, location_ids: Sequence[str]) -> dict[str, UUID]:
    """The rulebook in force for each of these: the location's own, or else the shared one."""
    rows = await connection.fetch(FOR_LOCATIONS, list(location_ids))
    return {row["location_id"]: row["rulebook_id"] for row in rows}


async def find(connection: Connection, rulebook_id: UUID) -> StoredRulebook | None:
    row = await connection.fetchrow(FIND, rulebook_id)
    return StoredRulebook(**row) if row else None


async def in_force(connection: Connection) -> list[StoredRulebook]:
    """The newest version of each, the shared one first."""
    return [StoredRulebook(**row) for row in await connection.fetch(IN_FORCE)]
