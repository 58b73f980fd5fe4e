"""Reservations: people who were chosen for a time that HighLevel does not show yet, found among the steps; and until when
an account of what was given to whom matters."""

from alembic import op

from migrations.concurrently import create_indexes

revision = "0010"
down_revision = "0009"

# The release before keeps no account that ends, and reserves nobody: what it plans is seen as soon as HighLevel shows it.
STATEMENTS = ("ALTER TABLE turns ADD COLUMN IF NOT EXISTS until timestamptz",)

INDEXES = {
    "steps_reserving": "steps (location_id) "
    "WHERE meant ? 'reserves' AND state IN ('planned', 'sent', 'waiting', 'unknown')"
}


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
    create_indexes(INDEXES)
