"""Connections: how they are opened and what they know about JSON."""

import json
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

AWAY = (
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.OperatorInterventionError,
    OSError,
    TimeoutError,
)
"""What a call raises when the database is away: it may work later, and nothing is wrong with the statement."""

IDLE = "5s"


async def open_pool(settings: Settings, *, size: int = 10) -> Pool:
    """A pool whose connections read and write jsonb as Python values; it connects when first asked to."""
    # A worker that is stopped inside a transaction must not keep its lane from others; poolers refuse the parameter.
    session = {"idle_in_transaction_session_timeout": IDLE} if settings.database_statement_cache else {}
    return await asyncpg.create_pool(
        settings.database_url,
        min_size=0,
        max_size=size,
        timeout=5,
        command_timeout=30,
        statement_cache_size=settings.database_statement_cache,
        init=prepare,
        server_settings=session,
    )


async def prepare(connection: Connection) -> None:
    await connection.set_type_codec("jsonb", schema="pg_catalog", encoder=_encode, decoder=json.loads)


def _encode(value: Any) -> str:
    # Postgres keeps no NUL in text, and a webhook's title may hold one.
    return json.dumps(value, default=_plain).replace("\\u0000", "\\ufffd")


def _plain(value: Any) -> Any:
    if isinstance(value, UUID):
        return str(value)
    raise TypeError(f"{type(value).__name__} does not go into jsonb")
