"""Installs: where our app is installed at HighLevel, as its webhooks say and as connecting showed.

A location that an agency has installed it in, and that could not be registered by the agency's token, is due for that
again once there is a token, and then less and less often.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from service.store.database import Connection
from service.store.tokens import of_agency, of_location

NOTE = """
    INSERT INTO installs AS known (subject, location_id, company_id, installed, said_at) VALUES ($1, $2, $3, $4, $5)
    ON CONFLICT (subject) DO UPDATE SET
        company_id = COALESCE($3, known.company_id), installed = $4, said_at = $5, connects_at = NULL, tries = 0
    WHERE known.said_at <= $5
    RETURNING subject
"""

INSTALLED = "SELECT installed FROM installs WHERE subject = $1"

AWAIT = """
    UPDATE installs SET connects_at = clock_timestamp() + $2 WHERE subject = $1 AND installed AND connects_at IS NULL
"""

DUE_NOW = """
    UPDATE installs SET connects_at = clock_timestamp(), tries = 0
    WHERE company_id = $1 AND location_id IS NOT NULL AND connects_at IS NOT NULL
"""

NEXT_DUE = """
    UPDATE installs SET tries = tries + 1,
        connects_at = clock_timestamp() + LEAST($1::interval * 2 ^ LEAST(tries, 20), $2)
    WHERE subject = (
        SELECT subject FROM installs AS waits
        WHERE connects_at <= clock_timestamp() AND installed
            AND EXISTS (
                SELECT FROM grants
                WHERE grants.company_id = waits.company_id AND grants.location_id IS NULL AND refused IS NULL
            )
            AND NOT EXISTS (SELECT FROM locations WHERE locations.location_id = waits.location_id)
        ORDER BY connects_at LIMIT 1 FOR UPDATE SKIP LOCKED
    )
    RETURNING location_id, company_id, said_at
"""

SHORTEST, LONGEST = timedelta(seconds=30), timedelta(hours=1)
"""Between two tries."""


@dataclass(frozen=True)
class Install:
    """A location, of a connected agency, that has the app and is not registered."""

    location_id: str
    company_id: str
    said_at: datetime


NOT_CONNECTED = """
    SELECT location_id FROM installs
    WHERE installed AND location_id IS NOT NULL
        AND NOT EXISTS (SELECT FROM locations WHERE locations.location_id = installs.location_id)
    ORDER BY location_id
"""


async def note(
    connection: Connection, location_id: str | None, company_id: str | None, *, installed: bool, said_at: datetime
) -> bool:
    """Where and since when the app is installed, or is no more. False: something later was noted before.

    Without a location it is the agency's. Raises ValueError where neither is named.
    """
    if location_id is None and company_id is None:
        raise ValueError("neither a location nor an agency")
    subject = _subject(location_id, company_id)
    return await connection.fetchval(NOTE, subject, location_id, company_id, installed, said_at) is not None


async def installed(connection: Connection, location_id: str | None, company_id: str | None) -> bool:
    """As it was heard last."""
    return bool(await connection.fetchval(INSTALLED, _subject(location_id, company_id)))


async def await_agency(connection: Connection, location_id: str) -> None:
    """It could not be registered: that is due again."""
    await connection.execute(AWAIT, of_location(location_id), SHORTEST)


async def due_now(connection: Connection, company_id: str) -> None:
    """What waits for this agency, which was connected."""
    await connection.execute(DUE_NOW, company_id)


async def next_due(connection: Connection) -> Install | None:
    """One that is due; from here on it is not, for a while."""
    row = await connection.fetchrow(NEXT_DUE, SHORTEST, LONGEST)
    return None if row is None else Install(**row)


async def not_connected(connection: Connection) -> list[str]:
    """Locations that have the app installed and are not registered."""
    return [row["location_id"] for row in await connection.fetch(NOT_CONNECTED)]


def _subject(location_id: str | None, company_id: str | None) -> str:
    return of_location(location_id) if location_id is not None else of_agency(str(company_id))
