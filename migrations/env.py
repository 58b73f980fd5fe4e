"""Runs the migrations over asyncpg, each under a lock timeout so that a busy table fails the deploy and not the service."""

import asyncio

import asyncpg
from alembic import context
from sqlalchemy import text
from sqlalchemy.engine import Connection
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from migrations.concurrently import LOCK_TIMEOUT

ONE_AT_A_TIME = 0x510_7
ASK_EVERY = 0.2


def migrate(connection: Connection) -> None:
    context.configure(connection=connection, transaction_per_migration=True)
    connection.execute(text(LOCK_TIMEOUT))
    connection.commit()
    known = {migration.revision for migration in context.script.walk_revisions()}
    if set(context.get_context().get_current_heads()) - known:
        # A later release has been here. Its migrations suit the one before, or this one would not be started again.
        context.config.attributes["later"] = True
        return
    with context.begin_transaction():
        context.run_migrations()


async def connect_and_migrate() -> None:
    # Connected by asyncpg itself, which knows what a URL may say (sslmode and the like) as the rest of us does.
    url = context.config.attributes["url"]
    engine = create_async_engine(
        "postgresql+asyncpg://", poolclass=NullPool, async_creator=lambda: asyncpg.connect(url)
    )
    # Held by a session that is in no transaction: an index that is built beside the traffic waits for all of those, and
    # so would never be done if another migration waited for its turn inside one.
    # The setting is one that PgBouncer refuses: there the lock would stay behind, and keep the next migration waiting.
    turn = await asyncpg.connect(url, server_settings={"lock_timeout": "4s"})
    try:
        while not await turn.fetchval("SELECT pg_try_advisory_lock($1)", ONE_AT_A_TIME):  # noqa: ASYNC110 (another process ends it)
            await asyncio.sleep(ASK_EVERY)
        async with engine.connect() as connection:
            await connection.run_sync(migrate)
            await connection.commit()
    finally:
        await turn.close()
        await engine.dispose()


asyncio.run(connect_and_migrate())
