"""Grants: what OAuth gave for a location or an agency, and which process is about to ask for the next.

A grant's version changes with each new pair of tokens. Whoever refreshes claims that version for a while, asks
HighLevel in no transaction, and writes only if it is still the version: of two that asked, one writes.
"""

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from pydantic import SecretStr

from service.highlevel.oauth import Granted, UserType
from service.store.database import Connection
from service.store.identifiers import new_id
from service.store.sealing import Keys, Shut

CLAIM_LASTS = timedelta(seconds=12)
"""Longer than a refresh may take (`REPEAT_WITHIN` and one call more), and so much less than the thirty seconds in which
a refresh token gives the same answer that whoever takes over from the dead gets it too."""


class GrantUnreadable(Exception):
    """The stored tokens were encrypted with another SECRET_KEY."""


@dataclass(frozen=True)
class Grant:
    """`location_id` is None for an agency's. `refused`: why HighLevel refreshes it no more; only connecting helps."""

    subject: str
    location_id: str | None
    company_id: str | None
    scopes: tuple[str, ...]
    granted_at: datetime
    expires_at: datetime
    version: UUID
    refused: str | None
    abandoned: bool
    """Whoever claimed it came to no end."""

    token: SecretStr = field(repr=False)
    refresh_token: SecretStr | None = field(repr=False)

    @property
    def user_type(self) -> UserType:
        return "Company" if self.location_id is None else "Location"


COLUMNS = """
    subject, location_id, company_id, scopes, granted_at, expires_at, version, refused,
    COALESCE(claimed_until < clock_timestamp(), false) AS abandoned, token, refresh_token
"""

KEEP = """
    INSERT INTO grants AS kept (
        subject, location_id, company_id, token, refresh_token, scopes, granted_at, expires_at, version
    )
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
    ON CONFLICT (subject) DO UPDATE SET
        company_id = COALESCE($3, kept.company_id), token = $4, refresh_token = $5, scopes = $6, granted_at = $7,
        expires_at = $8, version = $9, claimed_until = NULL, refused = NULL
"""

FIND = f"SELECT {COLUMNS} FROM grants WHERE subject = $1"  # noqa: S608 (no value in it)

LIST = f"SELECT {COLUMNS} FROM grants ORDER BY subject"  # noqa: S608

DUE = f"""
    SELECT {COLUMNS} FROM grants
    WHERE refused IS NULL AND (expires_at < $1 OR claimed_until < clock_timestamp())
        AND COALESCE(claimed_until < clock_timestamp(), true)
"""  # noqa: S608

CLAIM = """
    UPDATE grants SET claimed_until = clock_timestamp() + $3
    WHERE subject = $1 AND version = $2 AND refused IS NULL
        AND COALESCE(claimed_until < clock_timestamp(), true)
    RETURNING subject
"""

FREE = "UPDATE grants SET claimed_until = NULL WHERE subject = $1 AND version = $2"

# The release before knows `locations.token` alone.
RENEW = """
    WITH renewed AS (
        UPDATE grants SET token = $3, refresh_token = COALESCE($4, refresh_token), scopes = $5, granted_at = $6,
            expires_at = $7, company_id = COALESCE($8, company_id), version = $9, claimed_until = NULL,
            refused = NULL
        WHERE subject = $1 AND version = $2
        RETURNING location_id
    ), told AS (
        UPDATE locations SET token = $3 FROM renewed WHERE locations.location_id = renewed.location_id
    )
    SELECT count(*) FROM renewed
"""

REFUSE = "UPDATE grants SET refused = $3, claimed_until = NULL WHERE subject = $1 AND version = $2 RETURNING subject"

REMOVE = "DELETE FROM grants WHERE subject = $1"

SEALED = """
    SELECT 'locations' AS kind, location_id AS name, ARRAY[token] AS sealed FROM locations
    UNION ALL SELECT 'grants', subject, ARRAY[token, refresh_token] FROM grants
    UNION ALL SELECT 'sources', name, secrets FROM sources WHERE kind = 'external'
"""

SEAL_LOCATION = "UPDATE locations SET token = ($3::bytea[])[1] WHERE location_id = $1 AND ARRAY[token] = $2::bytea[]"
SEAL_GRANT = """
    UPDATE grants SET token = ($3::bytea[])[1], refresh_token = ($3::bytea[])[2]
    WHERE subject = $1 AND ARRAY[token, refresh_token] IS NOT DISTINCT FROM $2::bytea[]
"""
SEAL_SOURCE = "UPDATE sources SET secrets = $3::bytea[] WHERE name = $1 AND secrets = $2::bytea[]"


def of_location(location_id: str) -> str:
    """The subject of a location's grant."""
    return f"location:{location_id}"


def of_agency(company_id: str) -> str:
    return f"agency:{company_id}"


async def keep(connection: Connection, keys: Keys, granted: Granted, *, now: datetime) -> None:
    """What was connected: in the place of what there was. A location has to be registered first."""
    location = granted.location_id if granted.user_type == "Location" else None
    subject = of_agency(granted.company_id or "") if location is None else of_location(location)
    sealed, scopes, end = _sealed(keys, granted), list(granted.scopes), _end(granted, now)
    await connection.execute(KEEP, subject, location, granted.company_id, *sealed, scopes, now, end, new_id())


async def find(connection: Connection, keys: Keys, subject: str) -> Grant | None:
    """Raises GrantUnreadable."""
    row = await connection.fetchrow(FIND, subject)
    return None if row is None else grant_of(row, keys)


async def every(connection: Connection) -> list[Grant]:
    """All of them, without their tokens."""
    return [grant_of(row, None) for row in await connection.fetch(LIST)]


async def due(connection: Connection, keys: Keys, before: datetime) -> list[Grant]:
    """Those that end before then, and those that somebody was refreshing who came to no end; of which none is claimed
    now. Those that cannot be opened are left out."""
    found = []
    for row in await connection.fetch(DUE, before):
        with contextlib.suppress(GrantUnreadable):
            found.append(grant_of(row, keys))
    return found


async def claim(connection: Connection, grant: Grant) -> bool:
    """Be the one that refreshes this version, for CLAIM_LASTS. False: another is, or has."""
    return await connection.fetchval(CLAIM, grant.subject, grant.version, CLAIM_LASTS) is not None


async def free(connection: Connection, grant: Grant) -> None:
    """Let another try: it did not work, and may yet."""
    await connection.execute(FREE, grant.subject, grant.version)


async def renew(connection: Connection, keys: Keys, grant: Grant, granted: Granted, *, now: datetime) -> bool:
    """Keep what a refresh of this version gave. False: another one's is kept already, or the grant is gone."""
    sealed, scopes, end = _sealed(keys, granted), list(granted.scopes or grant.scopes), _end(granted, now)
    values = (grant.subject, grant.version, *sealed, scopes, now, end, granted.company_id, new_id())
    return bool(await connection.fetchval(RENEW, *values))


async def refuse(connection: Connection, grant: Grant, words: str) -> bool:
    """HighLevel refreshes this version no more. False where there is a later one."""
    return await connection.fetchval(REFUSE, grant.subject, grant.version, words) is not None


async def remove(connection: Connection, subject: str) -> None:
    await connection.execute(REMOVE, subject)


async def rekey(connection: Connection, keys: Keys) -> tuple[int, list[str]]:
    """Seal everything anew with the first key: how many rows, and which could not be opened.

    What changed meanwhile was sealed with that key already, by whoever has it.
    """
    done, shut = 0, []
    seal = {"locations": SEAL_LOCATION, "grants": SEAL_GRANT, "sources": SEAL_SOURCE}
    for row in await connection.fetch(SEALED):
        before: list[bytes | None] = row["sealed"]
        try:
            after = [None if sealed is None else keys.seal(keys.open(sealed)) for sealed in before]
        except Shut:
            shut.append(f"{row['kind'].removesuffix('s')} {row['name']}")
            continue
        await connection.execute(seal[row["kind"]], row["name"], before, after)
        done += 1
    return done, shut


def grant_of(row: Mapping[str, Any], keys: Keys | None) -> Grant:
    """Without keys, without the tokens. Raises GrantUnreadable."""
    values = {**dict(row), "scopes": tuple(row["scopes"])}
    for name in ("token", "refresh_token"):
        sealed = values[name]
        try:
            values[name] = None if sealed is None else keys.open_text(sealed) if keys else SecretStr("")
        except Shut:
            raise GrantUnreadable(row["subject"]) from None
    return Grant(**values)


def _sealed(keys: Keys, granted: Granted) -> tuple[bytes, bytes | None]:
    refresh = granted.refresh_token
    return keys.seal_text(granted.access_token), keys.seal_text(refresh) if refresh else None


def _end(granted: Granted, now: datetime) -> datetime:
    return now + timedelta(seconds=granted.expires_in)
