"""Indexes made beside the traffic: a plain CREATE INDEX would keep every delivery out until it is done."""

from collections.abc import Mapping

from alembic import op

LOCK_TIMEOUT = "SET lock_timeout = '4s'"
"""For every other statement: a table that is busy fails the deploy and not the service."""


def create_indexes(indexes: Mapping[str, str]) -> None:
    """Make each index, by its name. For a migration of its own: it runs in no transaction, and may be run again."""
    with op.get_context().autocommit_block():
        op.execute("SET lock_timeout = 0")  # it waits for open transactions, and keeps nobody waiting meanwhile
        for name, columns in indexes.items():
            # One that broke off before is left behind unusable, and would count as there.
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
            op.execute(f"CREATE INDEX CONCURRENTLY {name} ON {columns}")
        op.execute(LOCK_TIMEOUT)
