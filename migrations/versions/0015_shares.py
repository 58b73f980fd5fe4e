"""Shares: what each booking did to an account of what was given to whom, so that it can be taken back."""

from alembic import op

from migrations.concurrently import create_indexes

revision = "0015"
down_revision = "0014"

# The release before keeps none, and takes none back.
STATEMENTS = (
    """
    CREATE TABLE IF NOT EXISTS shares (
        share_id uuid PRIMARY KEY,
        location_id text NOT NULL,
        appointment_id text NOT NULL,
        account text NOT NULL,
        credit text[] NOT NULL,
        kept jsonb NOT NULL,
        until timestamptz NOT NULL
    )
    """,
)

INDEXES = {
    "shares_by_account": "shares (location_id, account)",
    "shares_by_end": "shares (location_id, until)",
}


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
    create_indexes(INDEXES)
