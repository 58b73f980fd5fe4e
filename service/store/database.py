"""Connections: how they are opened and what they know about JSON."""

import json
import re
from typing import TYPE_CHECKING, Any, TypeAlias
from uuid import UUID

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from service.settings import Settings

if TYPE_CHECKING:
    # Generic only for the type checker.
    Connection: TypeAlias = asyncpg.Connection[Any] | PoolConnectionProxy[Any]
    Pool: TypeAlias = asyncpg.Pool[Any]
else:
    Connection = asyncpg.Connection | PoolConnectionProxy
    Pool = asyncpg.Pool

GAVE_WAY = (asyncpg.TransactionRollbackError, asyncpg.LockNotAvailableError)
"""What a call raises when another transaction was let through first: it works when it is asked for again."""

AWAY = (
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    *GAVE_WAY,
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.InternalClientError,  # now and then what is said of a session that was ended between two statements
    OSError,
    TimeoutError,
)
"""What a call raises when the database is away, full, or gave way to another transaction: it may work later, and
nothing is wrong with the statement."""

UNFIT = (asyncpg.UndefinedTableError, asyncpg.UndefinedColumnError, asyncpg.InsufficientPrivilegeError)
"""What a call raises when the schema is another version's, or not ours to use: no delivery is to blame for it."""

ESCAPED = re.compile(r"\\(u0000|.)")
"""An escape in JSON; read from the left, so that an escaped backslash before `u0000` is not taken for one."""

IDLE = "3s"
"""Less than a lease lasts: what somebody stopped in the middle of is over before a lane is lost by it."""

BOUND = f"set_config('idle_in_transaction_session_timeout', '{IDLE}', true)"
"""SQL for the first statement of a transaction that locks rows: whoever is stopped in the middle of it must not keep
them from others, and behind a pooler a session has no settings of its own."""

PATIENT = "set_config('lock_timeout', '2s', true)"
"""SQL for the first statement of a transaction that waits for rows of others, and then gives way."""


ARRAYS = """
    SELECT NULL::uuid[], NULL::timestamptz[], NULL::interval[], NULL::jsonb[], NULL::bytea[], NULL::bool[],
        NULL::int[], NULL::bigint[], NULL::real[], NULL::float8[]
"""
"""Each kind of array that our statements are given."""


async def open_pool(settings: Settings, *, size: int = 10) -> Pool:
    """A pool whose connections read and write jsonb as Python values; it connects when first asked to."""
    # Poolers refuse the parameter, so what locks rows says it once more (BOUND).
    session = {"idle_in_transaction_session_timeout": IDLE} if settings.database_statement_cache else {}
    return await asyncpg.create_pool(
        settings.database_url,
        min_size=0,
        max_size=size,
        timeout=5,
        command_timeout=30,
        statement_cache_size=settings.database_statement_cache,
        init=prepare,
        reset=as_it_is,
        server_settings=session,
    )


async def prepare(connection: Connection) -> None:
    await connection.set_type_codec("jsonb", schema="pg_catalog", encoder=as_json, decoder=json.loads)
    # What an array is made of asyncpg asks at the first statement with each, and that takes longer than the statement.
    # It sets something for the session meanwhile, which behind a pooler only a transaction keeps to itself.
    async with connection.transaction():
        await connection.fetchrow(ARRAYS)


async def as_it_is(connection: Connection) -> None:
    """No statement of ours sets anything beyond its transaction, so that the next user of a connection finds nothing to
    undo, and a round trip is saved each time; what is open still is rolled back by asyncpg."""


def as_json(value: Any) -> str:
    """As jsonb is written; for lists, which in an array of jsonb would be taken for arrays of arrays."""
    # Postgres keeps neither NUL nor half a surrogate pair in text, and what others send may hold both.
    text = json.dumps(value, default=_plain, ensure_ascii=False).encode(errors="replace").decode()
    return ESCAPED.sub(lambda found: "\\ufffd" if found[1] == "u0000" else found[0], text)


def _plain(value: Any) -> Any:
    if isinstance(value, UUID):
        return str(value)
    raise TypeError(f"{type(value).__name__} does not go into jsonb")
