"""Bursts: changes of one booking in a row that a rule answers once. In no table that the release before goes through."""

from alembic import op

revision = "0018"
down_revision = "0017"

STATEMENTS: tuple[str, ...] = (
    """
    CREATE TABLE IF NOT EXISTS bursts (
        location_id text NOT NULL REFERENCES locations ON DELETE CASCADE,
        appointment_id text NOT NULL,
        rule text NOT NULL,
        since uuid NOT NULL,
        due_at timestamptz NOT NULL,
        delivery_id uuid,
        PRIMARY KEY (location_id, appointment_id, rule)
    )
    """,
    "CREATE INDEX IF NOT EXISTS bursts_due ON bursts (due_at) WHERE delivery_id IS NULL",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
