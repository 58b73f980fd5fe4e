"""Locations: one HighLevel sub-account each, with its token encrypted at rest."""

from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from cryptography.fernet import Fernet, InvalidToken
from pydantic import SecretStr

from service.store.database import Connection


class TokenUnreadable(Exception):
    """The stored token was encrypted with another SECRET_KEY."""


@dataclass(frozen=True)
class Location:
    location_id: str
    name: str
    time_zone: str
    mode: str
    connected_at: datetime
    token: SecretStr = field(repr=False)

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)


ADD = """
    INSERT INTO locations AS kept (location_id, name, time_zone, token, connected_at)
    VALUES ($1, $2, $3, $4, COALESCE($5, now()))
    ON CONFLICT (location_id) DO UPDATE SET name = $2, time_zone = $3, token = $4
"""

FIND = "SELECT location_id, name, time_zone, mode, connected_at, token FROM locations WHERE location_id = $1"

REMOVE = "DELETE FROM locations WHERE location_id = $1 RETURNING location_id"

LIST = "SELECT location_id, name, time_zone, mode, connected_at, token FROM locations ORDER BY location_id"


async def add(
    connection: Connection,
    key: SecretStr,
    location_id: str,
    *,
    name: str,
    time_zone: str,
    token: SecretStr,
    connected_at: datetime | None = None,
) -> None:
    """Register a location, or give a registered one a new token, name or time zone (it stays connected since)."""
    sealed = Fernet(key.get_secret_value()).encrypt(token.get_secret_value().encode())
    await connection.execute(ADD, location_id, name, time_zone, sealed, connected_at)


async def find(connection: Connection, key: SecretStr, location_id: str) -> Location | None:
    """A registered location; raises TokenUnreadable."""
    row = await connection.fetchrow(FIND, location_id)
    if row is None:
        return None
    try:
        token = Fernet(key.get_secret_value()).decrypt(row["token"]).decode()
    except InvalidToken:
        raise TokenUnreadable(location_id) from None
    return Location(**{**dict(row), "token": SecretStr(token)})


async def remove(connection: Connection, location_id: str) -> bool:
    """Forget a location and its token; False when it was not registered."""
    return await connection.fetchval(REMOVE, location_id) is not None


async def every(connection: Connection) -> list[Location]:
    """All of them, without their tokens."""
    return [Location(**{**dict(row), "token": SecretStr("")}) for row in await connection.fetch(LIST)]
