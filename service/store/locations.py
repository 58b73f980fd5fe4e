"""Locations: one HighLevel sub-account each, with its token encrypted at rest."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import SecretStr

from service.store import tokens
from service.store.database import Connection
from service.store.sealing import Keys, Shut
from service.store.tokens import Grant, GrantUnreadable


class TokenUnreadable(Exception):
    """The stored token was encrypted with another SECRET_KEY."""


@dataclass(frozen=True)
class Location:
    """`grant` is None for a location with a private integration token."""

    location_id: str
    name: str
    time_zone: str
    mode: str
    connected_at: datetime
    token: SecretStr = field(repr=False)
    time_zone_read: str | None = None
    """What HighLevel said last."""
    time_zone_chosen: bool = False
    """Somebody chose another clock than HighLevel's, or the same for good."""
    grant: Grant | None = None
    token_refused: bool = False
    """HighLevel refused its token, and has not taken it since; told only of every location."""

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)


# A private token takes the place of what was connected; what is connected writes its own grant after this. Whatever
# waits for a token has one: should it be refused as well, the next call finds that.
ADD = """
    WITH replaced AS (DELETE FROM grants WHERE location_id = $1),
    waited AS (DELETE FROM holds WHERE scope = 'location' AND location_id = $1 AND kind = 'token')
    INSERT INTO locations AS kept (
        location_id, name, time_zone, token, connected_at, time_zone_read, time_zone_chosen
    )
    VALUES ($1, $2, $3, $4, COALESCE($5, now()), $6, $7)
    ON CONFLICT (location_id) DO UPDATE SET
        name = $2, token = $4, time_zone_read = COALESCE($6, kept.time_zone_read),
        time_zone = CASE WHEN kept.time_zone_chosen AND NOT $7 THEN kept.time_zone ELSE $3 END,
        time_zone_chosen = kept.time_zone_chosen OR $7
"""

COLUMNS = f"""
    locations.location_id, name, time_zone, mode, connected_at, locations.token, time_zone_read, time_zone_chosen,
    subject, company_id, scopes, granted_at, expires_at, version, grants.token AS access_token, refresh_token,
    {tokens.STATE}
"""

GRANTED = """
    locations LEFT JOIN grants ON grants.location_id = locations.location_id AND grants.token = locations.token
"""

FIND = f"SELECT {COLUMNS} FROM {GRANTED} WHERE locations.location_id = $1"  # noqa: S608 (no value in it)

SEVERAL = f"SELECT {COLUMNS} FROM {GRANTED} WHERE locations.location_id = ANY($1::text[])"  # noqa: S608

LIST = f"""
    SELECT {COLUMNS}, EXISTS (
        SELECT FROM holds WHERE scope = 'location' AND kind = 'token' AND holds.location_id = locations.location_id
    ) AS token_refused
    FROM {GRANTED} ORDER BY locations.location_id
"""  # noqa: S608

SET_TIME_ZONE = """
    UPDATE locations SET time_zone = $2, time_zone_chosen = $3, time_zone_read = COALESCE($4, time_zone_read)
    WHERE location_id = $1 RETURNING location_id
"""

# Who removes it does not want its agency to bring it back.
FORGO = "UPDATE installs SET connects_at = NULL WHERE location_id = $1"

REMOVE = "DELETE FROM locations WHERE location_id = $1 RETURNING location_id"


async def add(
    connection: Connection,
    keys: Keys,
    location_id: str,
    *,
    name: str,
    time_zone: str,
    token: SecretStr,
    connected_at: datetime | None = None,
    time_zone_read: str | None = None,
    time_zone_chosen: bool = False,
) -> None:
    """Register a location, or give a registered one a new token, name or time zone (it stays connected since).

    A time zone that somebody chose stays until another is chosen. Raises Shut without a key.
    """
    sealed = keys.seal_text(token)
    await connection.execute(ADD, location_id, name, time_zone, sealed, connected_at, time_zone_read, time_zone_chosen)


async def find(connection: Connection, keys: Keys, location_id: str) -> Location | None:
    """A registered location; raises TokenUnreadable."""
    row = await connection.fetchrow(FIND, location_id)
    return None if row is None else _location(row, keys)


async def several(
    connection: Connection, keys: Keys, location_ids: Sequence[str]
) -> dict[str, Location | TokenUnreadable]:
    """Those that are registered."""
    found: dict[str, Location | TokenUnreadable] = {}
    for row in await connection.fetch(SEVERAL, list(location_ids)):
        try:
            found[row["location_id"]] = _location(row, keys)
        except TokenUnreadable as error:
            found[row["location_id"]] = error
    return found


async def look_up(connection: Connection, location_id: str) -> Location | None:
    """A registered location without its token."""
    row = await connection.fetchrow(FIND, location_id)
    return None if row is None else _location(row, None)


async def remove(connection: Connection, location_id: str) -> bool:
    """Forget a location and its token; False when it was not registered."""
    async with connection.transaction():
        await connection.execute(FORGO, location_id)
        return await connection.fetchval(REMOVE, location_id) is not None


async def every(connection: Connection) -> list[Location]:
    """All of them, without their tokens."""
    rows = await connection.fetch(LIST)
    return [replace(_location(row, None), token_refused=row["token_refused"]) for row in rows]


async def set_time_zone(
    connection: Connection, location_id: str, time_zone: str, *, chosen: bool, read: str | None
) -> bool:
    """Set its clock; False when it is not registered."""
    return await connection.fetchval(SET_TIME_ZONE, location_id, time_zone, chosen, read) is not None


def _location(row: Mapping[str, Any], keys: Keys | None) -> Location:
    """Without keys, without the tokens. Raises TokenUnreadable."""
    location_id = row["location_id"]
    try:
        grant = None
        if row["subject"] is not None:
            grant = tokens.grant_of({name: row[_STANDS.get(name, name)] for name in _OF_GRANT}, keys)
        token = grant.token if grant else keys.open_text(row["token"]) if keys else SecretStr("")
    except (Shut, GrantUnreadable):
        raise TokenUnreadable(location_id) from None
    return Location(**{name: row[name] for name in _OF_LOCATION}, token=token, grant=grant)


_OF_LOCATION = ("location_id", "name", "time_zone", "mode", "connected_at", "time_zone_read", "time_zone_chosen")
_OF_GRANT = tuple(Grant.__dataclass_fields__)
_STANDS = {"token": "access_token"}
