"""Erased: bookings of somebody who was erased, of which nothing is learnt again until a webhook tells of them; and the
appointments of a series, for what rules may do only once for it."""

from alembic import op

from migrations.concurrently import create_indexes

revision = "0011"
down_revision = "0010"

# The release before marks nothing, and learns of them again as it always did.
STATEMENTS = ("ALTER TABLE appointments ADD COLUMN IF NOT EXISTS erased boolean NOT NULL DEFAULT false",)

INDEXES = {"appointments_of_series": "appointments (location_id, series_id) WHERE series_id IS NOT NULL"}


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
    create_indexes(INDEXES)
