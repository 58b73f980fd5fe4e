"""The condition of the database and of the work in it, for whoever asks whether all is well. Reads only."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg

from service.store import held
from service.store.database import Connection

SERVER = """
    SELECT current_setting('server_version') AS version,
        current_setting('server_version_num')::int / 10000 AS major,
        current_setting('server_encoding') AS encoding,
        pg_is_in_recovery() AS replica,
        current_setting('transaction_read_only')::bool AS read_only
"""

# What other users run is hidden from us, how many are connected is not.
CONNECTIONS = """
    SELECT (SELECT sum(numbackends) FROM pg_stat_database)::int AS used,
        current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int AS most,
        here.numbackends AS used_here, NULLIF(datconnlimit, -1) AS most_here
    FROM pg_database JOIN pg_stat_database here ON here.datid = pg_database.oid
    WHERE pg_database.datname = current_database()
"""

BACKEND = "SELECT pg_backend_pid()"

CLOCK = "SELECT clock_timestamp()"

REVISIONS = "SELECT version_num FROM alembic_version ORDER BY version_num"

CLOSED = """
    SELECT relname FROM pg_class
    WHERE relkind IN ('r', 'p') AND relname <> 'alembic_version'
        AND relnamespace = (SELECT relnamespace FROM pg_class WHERE oid = to_regclass('deliveries'))
        AND NOT (has_table_privilege(oid, 'SELECT') AND has_table_privilege(oid, 'INSERT')
            AND has_table_privilege(oid, 'UPDATE') AND has_table_privilege(oid, 'DELETE'))
    ORDER BY relname
"""

NEWEST = "SELECT received_at FROM deliveries ORDER BY delivery_id DESC LIMIT 1"

WORK = f"""
    SELECT
        (SELECT count(*) FROM deliveries WHERE state IN ('waiting', 'judged')) AS open,
        (SELECT min(received_at) FROM deliveries WHERE state IN ('waiting', 'judged')) AS oldest,
        (SELECT min(ready_at) FROM lanes WHERE ready_at <= now() AND (lease_until IS NULL OR lease_until < now())
            AND {held.LANE_IS_NOT}) AS ready_since,
        (SELECT count(*) FROM deliveries WHERE state = 'failed' AND finished_at > now() - interval '1 day') AS given_up,
        (SELECT count(*) FROM steps WHERE state = 'failed' AND finished_at > now() - interval '1 day') AS failed,
        (SELECT count(*) FROM steps WHERE state = 'unknown' AND finished_at > now() - interval '1 day') AS unknown,
        (SELECT count(*) FROM deliveries WHERE state = 'parked') AS parked
"""  # noqa: S608 (no value in it)

# How often in all, and the newest of them.
ALERTS = """
    SELECT kind, sum(times)::int AS times, max(last_at) AS last_at, (array_agg(text ORDER BY last_at DESC))[1] AS text
    FROM alerts WHERE last_at > now() - interval '1 day' GROUP BY kind ORDER BY max(last_at) DESC
"""


@dataclass(frozen=True)
class Server:
    """What answers at DATABASE_URL. A pooler may answer in its place."""

    version: str
    major: int
    encoding: str
    replica: bool
    read_only: bool


@dataclass(frozen=True)
class Connections:
    """Connections to the whole server, and to this database where it has a limit of its own."""

    used: int
    most: int
    used_here: int
    most_here: int | None

    @property
    def free(self) -> int:
        here = self.most if self.most_here is None else self.most_here - self.used_here
        return max(0, min(self.most - self.used, here))


@dataclass(frozen=True)
class Work:
    """What has not ended, and what ended badly within the last day (`parked`: whenever)."""

    open: int
    oldest: datetime | None
    ready_since: datetime | None
    """Since when a lane has been ready that no worker has taken up."""

    given_up: int
    failed: int
    unknown: int
    parked: int


async def server(connection: Connection) -> Server:
    return Server(**(await connection.fetchrow(SERVER) or {}))


async def connections(connection: Connection) -> Connections:
    return Connections(**(await connection.fetchrow(CONNECTIONS) or {}))


async def backend(connection: Connection) -> int:
    """The process that serves us: another than the connection was promised where a pooler stands in between."""
    return int(await connection.fetchval(BACKEND))


async def clock(connection: Connection) -> datetime:
    moment: datetime = await connection.fetchval(CLOCK)
    return moment


async def revisions(connection: Connection) -> Sequence[str]:
    """The migration that the schema is at; none when there is no schema."""
    try:
        return [row["version_num"] for row in await connection.fetch(REVISIONS)]
    except asyncpg.UndefinedTableError:
        return []


async def closed_tables(connection: Connection) -> Sequence[str]:
    """Tables of ours that this user may not read and write."""
    return [row["relname"] for row in await connection.fetch(CLOSED)]


async def newest_arrival(connection: Connection) -> datetime | None:
    moment: datetime | None = await connection.fetchval(NEWEST)
    return moment


async def alerts(connection: Connection) -> list[Mapping[str, Any]]:
    """Those of the last day by kind, that which came last first: how many `times`, `last_at`, and its `text`."""
    return [dict(row) for row in await connection.fetch(ALERTS)]


async def work(connection: Connection) -> Work:
    return Work(**(await connection.fetchrow(WORK) or {}))
