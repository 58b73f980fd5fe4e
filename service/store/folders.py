"""Folders: what was last taken of each folder of rules that is given at a start, and what was refused of it.

Who starts something anew does not decide about its rules. So a folder's files are put in force only where they are
others than those last taken from it, and never in the place of a rollback that stays: then they wait.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from service.store import rulebooks
from service.store.database import Connection

Outcome = Literal["new", "in force", "known", "waits"]
"""What became of a folder's files: a new version; those in force; those last taken, after which something else was put
in force; or they wait for a rollback to be released."""


@dataclass(frozen=True)
class Refused:
    """Files with faults, since when and how it was said."""

    location_id: str
    folder: str
    refused: str
    refused_at: datetime


LAST_TAKEN = "SELECT digest FROM folders WHERE location_id = $1 AND folder = $2"

TAKEN = """
    INSERT INTO folders (location_id, folder, digest, taken_at) VALUES ($1, $2, $3, now())
    ON CONFLICT (location_id, folder) DO UPDATE SET
        digest = excluded.digest, taken_at = excluded.taken_at, refused = NULL, refused_at = NULL
"""

REFUSE = """
    INSERT INTO folders (location_id, folder, refused, refused_at) VALUES ($1, $2, $3, now())
    ON CONFLICT (location_id, folder) DO UPDATE SET refused = excluded.refused, refused_at = excluded.refused_at
"""

REFUSED = """
    SELECT location_id, folder, refused, refused_at FROM folders WHERE refused IS NOT NULL ORDER BY refused_at, folder
"""


async def take(
    connection: Connection,
    location_id: str | None,
    folder: str,
    files: Mapping[str, str],
    digest: str,
    message: str,
    *,
    author: str,
    modes: Mapping[str, int],
) -> tuple[int, Outcome]:
    """The number of the version in force then, and what became of these files. The caller owns the transaction."""
    await rulebooks.one_at_a_time(connection)
    newest = await rulebooks.latest(connection, location_id)
    last = await connection.fetchval(LAST_TAKEN, location_id or "", folder)
    await connection.execute(TAKEN, location_id or "", folder, digest)
    if newest is not None and newest.digest == digest and not newest.shared:
        await connection.execute(rulebooks.FORGET_WAITING, location_id)
        return newest.version, "in force"
    # What a release before put in force it may have taken from here: it wrote down nothing about that.
    if newest is not None and newest.folder is not None and last == digest:
        waiting = await rulebooks.numbered(connection, location_id, rulebooks.WAITING)
        return newest.version, "waits" if waiting and waiting.digest == digest else "known"
    waits = newest is not None and newest.stays
    number = await rulebooks.insert(
        connection, newest, location_id, files, digest, message, author, modes, folder, waits=waits
    )
    return (newest.version, "waits") if newest and waits else (number, "new")


async def refuse(connection: Connection, location_id: str | None, folder: str, why: str) -> None:
    """Remember that a folder's files cannot be put in force, until some of it can."""
    await connection.execute(REFUSE, location_id or "", folder, why)


async def refused(connection: Connection) -> list[Refused]:
    """Folders whose files were refused when they were last given."""
    return [Refused(**row) for row in await connection.fetch(REFUSED)]
