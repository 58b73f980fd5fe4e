"""Rulebooks: the rule files of a location, or the shared ones, each version kept as it was.

Each location may have versions of its own; one that has none, or that was put back, goes by the shared ones. The
highest number is in force, and what never was has none: what a folder gave while a rollback stayed waits as number 0.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from service.store.database import Connection
from service.store.identifiers import new_id

WAITING = 0
"""The number of what waits for a rollback to be released."""


@dataclass(frozen=True)
class StoredRulebook:
    """`files` maps a path to its text. `location_id` is None for the shared rulebook."""

    rulebook_id: UUID
    location_id: str | None
    version: int
    digest: str
    files: Mapping[str, str]


@dataclass(frozen=True)
class Version:
    """What is known of a version without its files. `modes`: how many rules are in which; empty where a release before
    applied it, which wrote down no author either."""

    rulebook_id: UUID
    location_id: str | None
    version: int
    digest: str
    author: str
    message: str
    applied_at: datetime
    folder: str | None
    """Where it was taken from by itself; '' for what somebody applied, None for what a release before did."""
    modes: Mapping[str, int]
    rollback_of: int | None
    """The number of the version whose files it has."""
    stays: bool
    """It is a rollback that nobody has released."""
    shared: bool
    """It puts its location back under the shared rules; its files are those at that time, for a release before."""


class Stays(Exception):
    """A rollback is in force, which stays until it is released by name."""

    retry: ClassVar[bool] = False
    may_have_happened: ClassVar[bool] = False

    def __init__(self, version: Version) -> None:
        super().__init__(version.version)
        self.version = version


COLUMNS = "rulebook_id, location_id, version, digest, files"
DESCRIBED = ", ".join(field.name for field in fields(Version))

LATEST = f"""
    SELECT {DESCRIBED} FROM rulebooks WHERE location_id IS NOT DISTINCT FROM $1 AND version > 0
    ORDER BY version DESC LIMIT 1
"""  # noqa: S608 (no value in it)

FOR_LOCATIONS = """
    SELECT asked.location_id, COALESCE(
        (
            SELECT CASE WHEN NOT shared THEN rulebook_id END FROM rulebooks b
            WHERE b.location_id = asked.location_id ORDER BY version DESC LIMIT 1
        ),
        (SELECT rulebook_id FROM rulebooks b WHERE b.location_id IS NULL ORDER BY version DESC LIMIT 1)
    ) AS rulebook_id
    FROM unnest($1::text[]) AS asked (location_id)
"""

IN_FORCE = f"""
    SELECT {COLUMNS} FROM (
        SELECT DISTINCT ON (location_id) {COLUMNS}, shared FROM rulebooks
        ORDER BY location_id NULLS FIRST, version DESC
    ) AS newest
    WHERE NOT shared ORDER BY location_id NULLS FIRST
"""  # noqa: S608

STAYING = f"""
    SELECT {DESCRIBED} FROM (
        SELECT DISTINCT ON (location_id) {DESCRIBED} FROM rulebooks ORDER BY location_id NULLS FIRST, version DESC
    ) AS newest
    WHERE stays ORDER BY location_id NULLS FIRST
"""  # noqa: S608

FIND = f"SELECT {COLUMNS} FROM rulebooks WHERE rulebook_id = $1"  # noqa: S608

NUMBERED = f"SELECT {COLUMNS} FROM rulebooks WHERE location_id IS NOT DISTINCT FROM $1 AND version = $2"  # noqa: S608

LISTED = f"""
    SELECT {DESCRIBED} FROM rulebooks WHERE location_id IS NOT DISTINCT FROM $1 ORDER BY version DESC LIMIT $2
"""  # noqa: S608

INSERT = """
    INSERT INTO rulebooks (
        rulebook_id, location_id, version, digest, files, message, author, modes, folder, shared
    )
    VALUES ($1, $2, $3, $4, $5::jsonb, $6, $7, $8::jsonb, $9, $10)
"""

ROLL_BACK = """
    INSERT INTO rulebooks (
        rulebook_id, location_id, version, digest, files, message, author, modes, folder, shared, rollback_of, stays
    )
    SELECT $1, location_id, $3, digest, files, $4, $5, $6::jsonb, '', shared, version, true
    FROM rulebooks WHERE rulebook_id = $2
"""

FORGET_WAITING = "DELETE FROM rulebooks WHERE location_id IS NOT DISTINCT FROM $1 AND version = 0"

RELEASE = "UPDATE rulebooks SET stays = false WHERE rulebook_id = $1"

TAKE_UP_WAITING = """
    UPDATE rulebooks SET version = $2, applied_at = now() WHERE location_id IS NOT DISTINCT FROM $1 AND version = 0
    RETURNING version
"""

ONE_AT_A_TIME = "SELECT pg_advisory_xact_lock(hashtext('rulebooks'))"


async def one_at_a_time(connection: Connection) -> None:
    """Until the caller's transaction ends nobody else changes what is in force."""
    await connection.execute(ONE_AT_A_TIME)


async def apply(
    connection: Connection,
    location_id: str | None,
    files: Mapping[str, str],
    digest: str,
    message: str,
    *,
    author: str = "",
    modes: Mapping[str, int] | None = None,
    release: bool = False,
) -> tuple[int, bool]:
    """Make these files the newest version: its number, and whether it is new (the same files again are not).

    Raises Stays where a rollback does, unless it is to be released with this; then what waited for that is forgotten.
    The caller owns the transaction.
    """
    await one_at_a_time(connection)
    newest = await latest(connection, location_id)
    if newest is not None and newest.stays and release:
        await connection.execute(RELEASE, newest.rulebook_id)
        await connection.execute(FORGET_WAITING, location_id)
    if newest is not None and newest.digest == digest and not newest.shared:
        return newest.version, False
    if newest is not None and newest.stays and not release:
        raise Stays(newest)
    number = await insert(connection, newest, location_id, files, digest, message, author, modes or {}, "")
    return number, True


async def insert(
    connection: Connection,
    newest: Version | None,
    location_id: str | None,
    files: Mapping[str, str],
    digest: str,
    message: str,
    author: str,
    modes: Mapping[str, int],
    folder: str,
    *,
    waits: bool = False,
    shared: bool = False,
) -> int:
    """One version more after the `newest`, or in the place of what waits: its number. Only while nobody else may."""
    await connection.execute(FORGET_WAITING, location_id)
    number = WAITING if waits else newest.version + 1 if newest else 1
    values = new_id(), location_id, number, digest, dict(files), message, author, dict(modes), folder, shared
    await connection.execute(INSERT, *values)
    return number


async def roll_back(
    connection: Connection, location_id: str | None, to: UUID, modes: Mapping[str, int], message: str, author: str
) -> int:
    """A new version with the files of an earlier one of that location, which stays until it is released: its number.

    What waits for an earlier rollback goes on waiting for this one.
    """
    await one_at_a_time(connection)
    newest = await latest(connection, location_id)
    number = newest.version + 1 if newest else 1
    await connection.execute(ROLL_BACK, new_id(), to, number, message, author, dict(modes))
    return number


async def release(connection: Connection, location_id: str | None) -> int | None:
    """Let a rollback stay no longer, and put in force what waited for that: its number, None where nothing did."""
    await one_at_a_time(connection)
    newest = await latest(connection, location_id)
    if newest is None or not newest.stays:
        return None
    await connection.execute(RELEASE, newest.rulebook_id)
    taken: int | None = await connection.fetchval(TAKE_UP_WAITING, location_id, newest.version + 1)
    return taken


async def share(connection: Connection, location_id: str, message: str, author: str) -> int | None:
    """Put a location back under the shared rules: the number of the version that says so, None where it has been.

    Raises Stays.
    """
    await one_at_a_time(connection)
    newest = await latest(connection, location_id)
    if newest is None or newest.shared:
        return None
    if newest.stays:
        raise Stays(newest)
    rules = await latest(connection, None)
    found = await numbered(connection, None, rules.version) if rules else None
    files, digest, modes = (found.files, found.digest, rules.modes) if found and rules else ({}, "", {})
    return await insert(connection, newest, location_id, files, digest, message, author, modes, "", shared=True)


async def latest(connection: Connection, location_id: str | None) -> Version | None:
    """The version in force of a location's own, or of the shared ones; None where there never was one."""
    row = await connection.fetchrow(LATEST, location_id)
    return _version(row) if row else None


async def listed(connection: Connection, location_id: str | None, limit: int) -> list[Version]:
    """Newest first; last what waits."""
    return [_version(row) for row in await connection.fetch(LISTED, location_id, limit)]


async def numbered(connection: Connection, location_id: str | None, version: int) -> StoredRulebook | None:
    row = await connection.fetchrow(NUMBERED, location_id, version)
    return StoredRulebook(**row) if row else None


async def staying(connection: Connection) -> list[Version]:
    """The rollbacks in force that nobody has released, the shared rulebook's first."""
    return [_version(row) for row in await connection.fetch(STAYING)]


async def in_force_for(connection: Connection, location_ids: Sequence[str]) -> dict[str, UUID]:
    """The rulebook in force for each of these: the location's own, or else the shared one."""
    rows = await connection.fetch(FOR_LOCATIONS, list(location_ids))
    return {row["location_id"]: row["rulebook_id"] for row in rows if row["rulebook_id"]}


async def find(connection: Connection, rulebook_id: UUID) -> StoredRulebook | None:
    row = await connection.fetchrow(FIND, rulebook_id)
    return StoredRulebook(**row) if row else None


async def in_force(connection: Connection) -> list[StoredRulebook]:
    """The newest version of each, the shared one first."""
    return [StoredRulebook(**row) for row in await connection.fetch(IN_FORCE)]


def _version(row: Mapping[str, Any]) -> Version:
    return Version(**row)
