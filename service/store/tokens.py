"""Grants: what OAuth gave for a location or an agency, and which process is about to ask for the next.

A grant's version changes with each new pair of tokens. Whoever refreshes claims that version for a while, asks
HighLevel in no transaction, and writes only if it is still the version: of two that asked, one writes.

A location's grant holds as long as its token, as it is sealed, is that of `locations` too: the release before this one
knows no other, and where it was given a private token that one counts. So both are always written as the same bytes,
`locations` first (as all do that lock both).
"""

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from pydantic import SecretStr

from service.highlevel.oauth import Granted, UserType
from service.store.database import BOUND, Connection
from service.store.identifiers import new_id
from service.store.sealing import Keys, Shut

CLAIM_LASTS = timedelta(seconds=12)
"""Longer than a refresh may take (`REPEAT_WITHIN` and one call more), and so much less than the thirty seconds in which
a refresh token gives the same answer that whoever takes over from the dead gets it too."""

SHORTEST, LONGEST = timedelta(seconds=2), timedelta(minutes=5)
"""How long nobody tries after a refresh that failed: the first, twice as long after each more, and the most."""

MOST_DUE = 100
"""Rows that are looked at for one look."""


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
    """Whoever claimed it came to no end, or heard of none."""

    failures: int
    """Refreshes in a row that failed, of which `failure` tells the last; the next is tried after `wait`."""
    failure: str | None
    wait: timedelta
    rejections: int
    """Refreshes in a row that did not help: HighLevel had refused a token that was good by the clock, and soon did so
    with the next."""

    token: SecretStr = field(repr=False)
    refresh_token: SecretStr | None = field(repr=False)

    @property
    def user_type(self) -> UserType:
        return "Company" if self.location_id is None else "Location"


STATE = """
    grants.refused, COALESCE(grants.claimed_until < clock_timestamp(), false) AS abandoned, grants.failures,
    grants.failure, GREATEST(COALESCE(grants.again_at - clock_timestamp(), '0'), '0') AS wait, grants.rejections
"""

COLUMNS = f"""
    subject, location_id, company_id, scopes, granted_at, expires_at, version, {STATE}, token, refresh_token
"""

HOLDS = """
    (grants.location_id IS NULL OR EXISTS (
        SELECT FROM locations WHERE locations.location_id = grants.location_id AND locations.token = grants.token
    ))
"""

KEEP = """
    WITH told AS (UPDATE locations SET token = $4 WHERE location_id = $2)
    INSERT INTO grants AS kept (
        subject, location_id, company_id, token, refresh_token, scopes, granted_at, expires_at, version
    )
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
    ON CONFLICT (subject) DO UPDATE SET
        company_id = COALESCE($3, kept.company_id), token = $4, refresh_token = $5, scopes = $6, granted_at = $7,
        expires_at = $8, version = $9, claimed_until = NULL, refused = NULL, failures = 0, failure = NULL,
        again_at = NULL, rejections = 0
"""

FIND = f"SELECT {COLUMNS} FROM grants WHERE subject = $1 AND {HOLDS}"  # noqa: S608 (no value in it)

LIST = f"SELECT {COLUMNS} FROM grants WHERE {HOLDS} ORDER BY subject"  # noqa: S608

DUE = f"""
    SELECT {COLUMNS} FROM grants
    WHERE refused IS NULL AND COALESCE(claimed_until < clock_timestamp(), true)
        AND COALESCE(again_at < clock_timestamp(), true)
        AND (expires_at - LEAST($2::interval, (expires_at - granted_at) / 12) <= $1 OR claimed_until IS NOT NULL)
        AND {HOLDS}
    ORDER BY claimed_until NULLS LAST, expires_at LIMIT $3
"""  # noqa: S608

CLAIM = f"""
    UPDATE grants SET claimed_until = clock_timestamp() + $3
    WHERE subject = $1 AND version = $2 AND refused IS NULL AND {HOLDS}
        AND COALESCE(claimed_until < clock_timestamp(), true) AND COALESCE(again_at < clock_timestamp(), true)
    RETURNING subject
"""  # noqa: S608

GO_ON = "UPDATE grants SET claimed_until = clock_timestamp() + $3 WHERE subject = $1 AND version = $2"

# One whose answer was lost stays abandoned, so that it is asked for again within the thirty seconds; the first time at
# once, and then it has to wait as others do.
FAIL = """
    UPDATE grants SET failures = failures + 1, failure = $3,
        claimed_until = CASE WHEN $4 THEN clock_timestamp() END,
        again_at = CASE WHEN $4 AND failures = 0 THEN NULL
            ELSE clock_timestamp() + GREATEST(LEAST($5::interval * 2 ^ LEAST(failures, 20), $6), $7) END
    WHERE subject = $1 AND version = $2
"""

LOCK = f"SELECT {BOUND} FROM locations WHERE location_id = $1 FOR UPDATE"  # noqa: S608

# The release before knows `locations.token` alone.
RENEW = f"""
    WITH renewed AS (
        UPDATE grants SET token = $3, refresh_token = COALESCE($4, refresh_token), scopes = $5, granted_at = $6,
            expires_at = $7, company_id = COALESCE($8, company_id), version = $9, claimed_until = NULL,
            refused = NULL, failures = 0, failure = NULL, again_at = NULL, rejections = $10
        WHERE subject = $1 AND version = $2 AND {HOLDS}
        RETURNING location_id
    ), told AS (
        UPDATE locations SET token = $3 FROM renewed WHERE locations.location_id = renewed.location_id
    )
    SELECT count(*) FROM renewed
"""  # noqa: S608

REFUSE = "UPDATE grants SET refused = $3, claimed_until = NULL WHERE subject = $1 AND version = $2 RETURNING subject"

REMOVE = "DELETE FROM grants WHERE subject = $1"

# By the version too: one that is connected while this waits for its row is another.
DROP = f"""
    WITH former AS (SELECT subject, version FROM grants WHERE NOT {HOLDS})
    DELETE FROM grants USING former WHERE grants.subject = former.subject AND grants.version = former.version
"""  # noqa: S608


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


async def due(connection: Connection, keys: Keys, now: datetime, ahead: timedelta) -> list[Grant]:
    """Those that somebody was refreshing who came to no end, the longest ago first, then those that end so soon: within
    `ahead`, or in the last twelfth of what lasts no hour. None is claimed, or has to wait, or cannot be opened."""
    found = []
    for row in await connection.fetch(DUE, now, ahead, MOST_DUE):
        with contextlib.suppress(GrantUnreadable):
            found.append(grant_of(row, keys))
    return found


async def claim(connection: Connection, grant: Grant) -> bool:
    """Be the one that refreshes this version, for CLAIM_LASTS. False: another is, or has."""
    return await connection.fetchval(CLAIM, grant.subject, grant.version, CLAIM_LASTS) is not None


async def go_on(connection: Connection, grant: Grant) -> None:
    """Stay the one, for CLAIM_LASTS from now."""
    await connection.execute(GO_ON, grant.subject, grant.version, CLAIM_LASTS)


async def fail(connection: Connection, grant: Grant, words: str, *, lost: bool, wait: timedelta) -> None:
    """It did not work, and may yet, after a while: at least `wait`. `lost`: it may have worked, and no answer came."""
    await connection.execute(FAIL, grant.subject, grant.version, words, lost, SHORTEST, LONGEST, wait)


async def renew(
    connection: Connection, keys: Keys, grant: Grant, granted: Granted, *, now: datetime, rejections: int = 0
) -> bool:
    """Keep what a refresh of this version gave. False: another one's is kept already, or the grant is gone."""
    sealed, scopes, end = _sealed(keys, granted), list(granted.scopes or grant.scopes), _end(granted, now)
    values = (grant.subject, grant.version, *sealed, scopes, now, end, granted.company_id, new_id(), rejections)
    async with connection.transaction():
        await connection.execute(LOCK, grant.location_id)
        return bool(await connection.fetchval(RENEW, *values))


async def refuse(connection: Connection, grant: Grant, words: str) -> bool:
    """HighLevel refreshes this version no more. False where there is a later one."""
    return await connection.fetchval(REFUSE, grant.subject, grant.version, words) is not None


async def remove(connection: Connection, subject: str) -> None:
    await connection.execute(REMOVE, subject)


async def drop(connection: Connection) -> None:
    """Forget what holds no more: the location was given a private token by a release that knows no grants."""
    await connection.execute(DROP)


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
