"""Indexes made beside the traffic: a plain CREATE INDEX would keep every delivery out until it is done."""

from collections.abc import Mapping

import sqlalchemy
from alembic import op

LOCK_TIMEOUT = "SET lock_timeout = '4s'"
"""For every other statement: a table that is busy fails the deploy and not the service."""

WHOLE = sqlalchemy.text("SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(:name)")


def create_indexes(indexes: Mapping[str, str]) -> None:
    """Make each index, by its name. For a migration of its own: it runs in no transaction.

    Run again after it broke off, it goes on where it was: what is whole stays, however long that took to build.
    """
    with op.get_context().autocommit_block():
        op.execute("SET lock_timeout = 0")  # it waits for open transactions, and keeps nobody waiting meanwhile
        for name, columns in indexes.items():
            if op.get_bind().scalar(WHOLE, {"name": name}):
                continue
            # One that broke off before is left behind unusable, and would count as there.
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
            op.execute(f"CREATE INDEX CONCURRENTLY {name} ON {columns}")
        op.execute(LOCK_TIMEOUT)
