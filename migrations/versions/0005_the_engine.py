"""The engine: what is urgent, what is held, what was parked and taken up again, what may happen only so often."""

from alembic import op

revision = "0005"
down_revision = "0004"

STATEMENTS = (
    # All of it is let be where it is there: a migration before this one may have to be run again (`concurrently`).
    # The release before leaves these as they are, and what it rings is taken up in the order it came.
    "ALTER TABLE lanes ADD COLUMN IF NOT EXISTS due_at timestamptz NOT NULL DEFAULT now()",
    "ALTER TABLE lanes ADD COLUMN IF NOT EXISTS starts_at timestamptz",
    "ALTER TABLE deliveries DROP CONSTRAINT IF EXISTS deliveries_state_check",
    """
    ALTER TABLE deliveries ADD CONSTRAINT deliveries_state_check
    CHECK (state IN ('waiting', 'judged', 'parked', 'done', 'ignored', 'failed')) NOT VALID
    """,
    "ALTER TABLE steps DROP CONSTRAINT IF EXISTS steps_state_check",
    """
    ALTER TABLE steps ADD CONSTRAINT steps_state_check
    CHECK (state IN (
        'planned', 'sent', 'waiting', 'done', 'unchanged', 'failed', 'unknown', 'parked', 'skipped', 'shadow'
    )) NOT VALID
    """,
    "ALTER TABLE appointments ADD COLUMN IF NOT EXISTS told jsonb",
    "ALTER TABLE steps ADD COLUMN IF NOT EXISTS looks int NOT NULL DEFAULT 0",
    """
    CREATE TABLE IF NOT EXISTS holds (
        scope text NOT NULL CHECK (scope IN ('all', 'location', 'rule')),
        location_id text NOT NULL DEFAULT '',
        rule text NOT NULL DEFAULT '',
        kind text NOT NULL CHECK (kind IN ('paused', 'breaker', 'budget', 'token')),
        until timestamptz,
        urgent_until timestamptz,
        probe_at timestamptz,
        failures int NOT NULL DEFAULT 0,
        reason text NOT NULL DEFAULT '',
        who text NOT NULL DEFAULT '',
        since timestamptz NOT NULL DEFAULT clock_timestamp(),
        PRIMARY KEY (scope, location_id, rule, kind)
    )
    """,
    """
    CREATE TABLE IF NOT EXISTS marks (
        location_id text NOT NULL,
        rule text NOT NULL,
        mark text NOT NULL,
        delivery_id uuid NOT NULL,
        marked_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        PRIMARY KEY (location_id, rule, mark)
    )
    """,
    """
    CREATE TABLE IF NOT EXISTS uses (
        location_id text NOT NULL,
        rule text NOT NULL,
        delivery_id uuid NOT NULL,
        used_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        PRIMARY KEY (location_id, rule, delivery_id)
    )
    """,
    """
    CREATE TABLE IF NOT EXISTS interventions (
        intervention_id uuid PRIMARY KEY,
        delivery_id uuid,
        what text NOT NULL,
        who text NOT NULL,
        intervened_at timestamptz NOT NULL DEFAULT clock_timestamp()
    )
    """,
    """
    CREATE TABLE IF NOT EXISTS alerts (
        alert_id uuid PRIMARY KEY,
        location_id text NOT NULL DEFAULT '',
        rule text NOT NULL DEFAULT '',
        kind text NOT NULL,
        text text NOT NULL,
        delivery_id uuid,
        times int NOT NULL DEFAULT 1,
        first_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        last_at timestamptz NOT NULL DEFAULT clock_timestamp()
    )
    """,
    "CREATE INDEX IF NOT EXISTS uses_by_time ON uses (location_id, rule, used_at)",
    "CREATE INDEX IF NOT EXISTS alerts_by_kind ON alerts (location_id, rule, kind, last_at)",
    "CREATE INDEX IF NOT EXISTS alerts_by_time ON alerts (last_at)",
    "CREATE INDEX IF NOT EXISTS interventions_by_delivery ON interventions (delivery_id)",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
