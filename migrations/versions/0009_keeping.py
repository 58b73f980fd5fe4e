"""Keeping and forgetting: counts of what was dropped, how far the keeper is, receipts of what was erased."""

from alembic import op

from migrations.concurrently import create_indexes

revision = "0009"
down_revision = "0008"

# Let be where it is there: the indexes below are made in no transaction, so all of it may have to be run again.
STATEMENTS = (
    "ALTER TABLE deliveries ADD COLUMN IF NOT EXISTS body_digest bytea",
    """
    CREATE TABLE IF NOT EXISTS dull_counts (
        day date NOT NULL,
        location_id text NOT NULL,
        rule text NOT NULL,
        event text NOT NULL,
        outcome text NOT NULL,
        times bigint NOT NULL,
        PRIMARY KEY (day, location_id, rule, event, outcome)
    )
    """,
    """
    CREATE TABLE IF NOT EXISTS keeping (
        task text PRIMARY KEY,
        worker text,
        position jsonb,
        at timestamptz NOT NULL DEFAULT clock_timestamp()
    )
    """,
    """
    CREATE TABLE IF NOT EXISTS erasures (
        erasure_id uuid PRIMARY KEY,
        kind text NOT NULL CHECK (kind IN ('contact', 'email', 'phone')),
        asked text NOT NULL,
        location_id text,
        who text NOT NULL,
        contacts text[] NOT NULL DEFAULT '{}',
        counts jsonb NOT NULL DEFAULT '{}',
        pending jsonb,
        began_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        finished_at timestamptz
    )
    """,
    # What is dropped in small pieces all day is to be reused before the table grows: by default a fifth of it may lie
    # waste first.
    "ALTER TABLE deliveries SET (autovacuum_vacuum_scale_factor = 0.02, toast.autovacuum_vacuum_scale_factor = 0.02)",
    "ALTER TABLE verdicts SET (autovacuum_vacuum_scale_factor = 0.02)",
    "ALTER TABLE steps SET (autovacuum_vacuum_scale_factor = 0.02)",
    "ALTER TABLE calls SET (autovacuum_vacuum_scale_factor = 0.02, toast.autovacuum_vacuum_scale_factor = 0.02)",
    "ALTER TABLE delivery_keys SET (autovacuum_vacuum_scale_factor = 0.02)",
    "ALTER TABLE lanes SET (autovacuum_vacuum_scale_factor = 0.02)",
    "ALTER TABLE appointments SET (autovacuum_vacuum_scale_factor = 0.02)",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
    create_indexes(
        {
            # Whether a lane may go depends on there being no delivery in it; so asks the foreign key as well.
            "deliveries_by_lane": "deliveries (lane_id) WHERE lane_id IS NOT NULL",
            # Keys outlive their deliveries, and go by age: which the id tells.
            "delivery_keys_by_delivery": "delivery_keys (delivery_id)",
        }
    )
