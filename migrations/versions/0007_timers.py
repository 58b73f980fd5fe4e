"""Timers: the moments laid for each booking and by the clock, and for which rules a location has them laid."""

from alembic import op

revision = "0007"
down_revision = "0006"

# Let be where it is there, as in 0004. The release before removes a location by deleting its row, which takes these along.
STATEMENTS: tuple[str, ...] = (
    """
    CREATE TABLE IF NOT EXISTS timers (
        timer_id uuid PRIMARY KEY,
        location_id text NOT NULL REFERENCES locations ON DELETE CASCADE,
        appointment_id text NOT NULL DEFAULT '',
        series_id text,
        contact_id text,
        rule text NOT NULL,
        moment text NOT NULL,
        due_at timestamptz NOT NULL,
        until_at timestamptz NOT NULL,
        state text NOT NULL CHECK (state IN ('waiting', 'fired', 'missed', 'past')),
        reason text,
        delivery_id uuid,
        ended_at timestamptz,
        UNIQUE (location_id, appointment_id, rule, moment)
    )
    """,
    "CREATE INDEX IF NOT EXISTS timers_due ON timers (due_at) WHERE state = 'waiting'",
    """
    CREATE TABLE IF NOT EXISTS laid (
        location_id text PRIMARY KEY REFERENCES locations ON DELETE CASCADE,
        rulebook_id uuid,
        time_zone text NOT NULL,
        mode text NOT NULL,
        claimed_until timestamptz,
        again_at timestamptz
    )
    """,
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
