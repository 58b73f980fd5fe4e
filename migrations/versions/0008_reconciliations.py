"""Reconciliations: what a pass over a location found."""

from alembic import op

revision = "0008"
down_revision = "0007"

STATEMENTS = (
    """
    CREATE TABLE IF NOT EXISTS reconcilers (
        location_id text PRIMARY KEY REFERENCES locations ON DELETE CASCADE,
        next_at timestamptz NOT NULL,
        asked boolean NOT NULL DEFAULT false,
        worker text,
        fence bigint NOT NULL DEFAULT 0,
        until timestamptz,
        inventory_at timestamptz,
        inventory_bookings integer,
        progress jsonb,
        last_at timestamptz,
        found jsonb,
        failures integer NOT NULL DEFAULT 0,
        failure text
    )
    """,
    """
    CREATE TABLE IF NOT EXISTS reconciliations (
        reconciliation_id uuid PRIMARY KEY,
        location_id text NOT NULL REFERENCES locations ON DELETE CASCADE,
        appointment_id text NOT NULL,
        series_id text,
        contact_id text,
        state text NOT NULL CHECK (state IN ('acted', 'waiting', 'approved', 'dismissed', 'overtaken')),
        news text NOT NULL,
        body bytea,
        delivery_id uuid,
        found_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        decided_at timestamptz
    )
    """,
    # One proposal for each booking: what is found later takes the place of what was found before.
    """
    CREATE UNIQUE INDEX IF NOT EXISTS reconciliations_waiting ON reconciliations (location_id, appointment_id)
    WHERE state = 'waiting'
    """,
    "CREATE INDEX IF NOT EXISTS reconciliations_found ON reconciliations (location_id, found_at)",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
