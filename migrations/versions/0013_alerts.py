"""Alerts are sent: what each channel was told of which, and how it fares."""

from alembic import op

revision = "0013"
down_revision = "0012"

# The release before raises alerts as it did, and what it raises is sent by this one. An alert that is erased gets
# another id, which the notices of it follow.
STATEMENTS = (
    """
    CREATE TABLE IF NOT EXISTS channels (
        channel text PRIMARY KEY,
        since timestamptz NOT NULL DEFAULT clock_timestamp(),
        claim uuid,
        claimed_until timestamptz,
        again_at timestamptz,
        failures int NOT NULL DEFAULT 0,
        failure text,
        failed_at timestamptz
    )
    """,
    """
    CREATE TABLE IF NOT EXISTS notices (
        alert_id uuid NOT NULL REFERENCES alerts ON UPDATE CASCADE ON DELETE CASCADE,
        channel text NOT NULL,
        told int NOT NULL DEFAULT 0,
        telling int,
        tries int NOT NULL DEFAULT 0,
        lost_at timestamptz,
        PRIMARY KEY (alert_id, channel)
    )
    """,
    "CREATE INDEX IF NOT EXISTS notices_lost ON notices (lost_at) WHERE lost_at IS NOT NULL",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
