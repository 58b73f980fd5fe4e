"""Sources: who may post, how they prove it, and the locations they may speak for."""

import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any

from service.event_types import MOMENT, NEIGHBOUR
from service.store.database import Connection
from service.store.sealing import Keys, Shut

KINDS = ("highlevel", "workflow", "external")
HIGHLEVEL = "highlevel"
"""The one source of that kind: its door has no name in its address, and its key is HighLevel's."""

RECONCILER = "reconciler"
"""Whose deliveries those are of what no webhook told."""

OURS = (RECONCILER, MOMENT, NEIGHBOUR)
"""What no source may be called: as these we post to ourselves."""

MOST_SECRETS = 2
"""Valid at once, so that a secret can be changed on one side after the other."""

BUSY_STATUSES = (429, 500, 502, 503, 504)
"""What a source may get when a delivery cannot be kept: what its sender is known to come again after."""


class SecretUnreadable(Exception):
    """A source's secret was encrypted with another SECRET_KEY, or there is none to open it with."""


@dataclass(frozen=True)
class Source:
    """`secrets` are newest first: digests for a workflow, which sends its secret along; encrypted for an external
    source, whose signatures are made anew to be compared. `paths` say where ids stand in its JSON."""

    name: str
    kind: str
    locations: tuple[str, ...] | None
    """None: every registered one, which is HighLevel's own right."""

    paths: Mapping[str, str]
    busy_status: int
    added_at: datetime
    rotated_at: datetime | None
    secrets: tuple[bytes, ...] = field(repr=False)

    def speaks_for(self, location_id: str | None) -> bool:
        return self.locations is None or location_id in self.locations

    @property
    def only_location(self) -> str | None:
        """The one that is meant where the body names none."""
        return self.locations[0] if self.locations is not None and len(self.locations) == 1 else None

    def knows(self, secret: str) -> bool:
        """Whether a workflow sent a secret of ours. Takes as long whatever it sent."""
        told = digest(secret)
        matches = [hmac.compare_digest(told, each) for each in self.secrets]
        return any(matches)

    def keys(self, keys: Keys) -> tuple[bytes, ...]:
        """The keys that an external source signs with. Raises SecretUnreadable."""
        try:
            return tuple(keys.open(each) for each in self.secrets)
        except Shut:
            raise SecretUnreadable(self.name) from None


COLUMNS = "name, kind, secrets, locations, paths, busy_status, added_at, rotated_at"

LIST = f"SELECT {COLUMNS} FROM sources ORDER BY kind <> 'highlevel', name"  # noqa: S608 (no value in it)

ADD = """
    INSERT INTO sources (name, kind, secrets, locations, paths, busy_status) VALUES ($1, $2, $3, $4, $5::jsonb, $6)
    ON CONFLICT DO NOTHING RETURNING name
"""

ROTATE = """
    UPDATE sources SET secrets = (ARRAY[$2::bytea] || CASE WHEN $3 THEN secrets[1:$4] ELSE '{}' END), rotated_at = now()
    WHERE name = $1 AND kind <> 'highlevel'
    RETURNING cardinality(secrets)
"""

REMOVE = "DELETE FROM sources WHERE name = $1 RETURNING name"


async def every(connection: Connection) -> list[Source]:
    """All of them, HighLevel's first."""
    return [_source(row) for row in await connection.fetch(LIST)]


async def add(
    connection: Connection,
    name: str,
    kind: str,
    *,
    secret: bytes | None,
    locations: Sequence[str] | None,
    paths: Mapping[str, str],
    busy_status: int,
) -> bool:
    """Open a door; False when there is a source of that name. `secret` is what `sealed` or `digest` made of it."""
    secrets = [] if secret is None else [secret]
    listed = None if locations is None else list(locations)
    return await connection.fetchval(ADD, name, kind, secrets, listed, dict(paths), busy_status) is not None


async def rotate(connection: Connection, name: str, secret: bytes, *, keep: bool) -> int | None:
    """Give it a new secret; the one before stays valid if `keep`. How many it has now, None if there is no such."""
    count = await connection.fetchval(ROTATE, name, secret, keep, MOST_SECRETS - 1)
    return None if count is None else int(count)


async def remove(connection: Connection, name: str) -> bool:
    """Close its door; False when there is no such source."""
    return await connection.fetchval(REMOVE, name) is not None


def digest(secret: str) -> bytes:
    """What is kept of a secret that is sent along: long and random as it is, a plain digest tells nothing of it."""
    return sha256(secret.encode(errors="surrogateescape")).digest()


def _source(row: Mapping[str, Any]) -> Source:
    locations = row["locations"]
    listed = None if locations is None else tuple(locations)
    return Source(**{**dict(row), "locations": listed, "secrets": tuple(row["secrets"])})
