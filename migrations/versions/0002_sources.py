"""Sources: who may post besides HighLevel. Tallies and budgets: what is counted for whoever watches."""

from alembic import op

revision = "0002"
down_revision = "0001"

STATEMENTS = (
    """
    CREATE TABLE sources (
        name text PRIMARY KEY,
        kind text NOT NULL CHECK (kind IN ('highlevel', 'workflow', 'external')),
        secrets bytea[] NOT NULL DEFAULT '{}',
        locations text[],
        paths jsonb NOT NULL DEFAULT '{}',
        busy_status int NOT NULL DEFAULT 429,
        added_at timestamptz NOT NULL DEFAULT now(),
        rotated_at timestamptz
    )
    """,
    # The door that was there before sources were rows.
    "INSERT INTO sources (name, kind) VALUES ('highlevel', 'highlevel')",
    "ALTER TABLE deliveries ADD COLUMN calendar_id text",
    """
    CREATE TABLE tallies (
        name text NOT NULL,
        labels jsonb NOT NULL,
        value double precision NOT NULL,
        PRIMARY KEY (name, labels)
    )
    """,
    """
    CREATE TABLE budgets (
        location_id text PRIMARY KEY,
        burst_left int,
        burst_limit int,
        day_left int,
        day_limit int,
        seen_at timestamptz NOT NULL
    )
    """,
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
