"""Installs: where our app is installed at HighLevel, as its webhooks say and as connecting showed."""

from datetime import datetime

from service.store.database import Connection
from service.store.tokens import of_agency, of_location

NOTE = """
    INSERT INTO installs AS known (subject, location_id, company_id, installed, said_at) VALUES ($1, $2, $3, $4, $5)
    ON CONFLICT (subject) DO UPDATE SET
        company_id = COALESCE($3, known.company_id), installed = $4, said_at = $5
    WHERE known.said_at <= $5
    RETURNING subject
"""

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
    subject = of_location(location_id) if location_id is not None else of_agency(str(company_id))
    return await connection.fetchval(NOTE, subject, location_id, company_id, installed, said_at) is not None


async def not_connected(connection: Connection) -> list[str]:
    """Locations that have the app installed and are not registered."""
    return [row["location_id"] for row in await connection.fetch(NOT_CONNECTED)]
