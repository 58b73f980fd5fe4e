"""Blocks: the time that a followed block should cover, so that neighbours share it out; and the steps that blocked time,
by whose it is."""

from alembic import op

from migrations.concurrently import create_indexes

revision = "0016"
down_revision = "0015"

# What the release before binds has none until its booking changes next, and stands whole until then.
STATEMENTS = ("ALTER TABLE follows ADD COLUMN IF NOT EXISTS wanted jsonb",)

INDEXES = {
    "follows_by_time": "follows (location_id, COALESCE(wanted->>'calendar', wanted->>'assignee'), (wanted->>'starts'))",
    "steps_blocking": "steps (location_id, (meant->'blocks'->>'whose')) WHERE meant ? 'blocks'",
}


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
    create_indexes(INDEXES)
