"""Contacts last seen, for `contact.updated`: digests, and nothing that could be read; and what we wrote to a contact,
found among the steps."""

from alembic import op

from migrations.concurrently import create_indexes

revision = "0014"
down_revision = "0013"

# The release before keeps no contact: what is told of one is no event to it.
STATEMENTS = (
    """
    CREATE TABLE IF NOT EXISTS contacts (
        location_id text NOT NULL,
        contact_id text NOT NULL,
        facts jsonb NOT NULL,
        looked_at timestamptz NOT NULL,
        PRIMARY KEY (location_id, contact_id)
    )
    """,
)

INDEXES = {
    "steps_on_contacts": "steps (location_id, contact_id) "
    "WHERE operation ->> 'operation' IN ('AddContactTags', 'RemoveContactTags', 'ChangeContactOwner')"
}


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
    create_indexes(INDEXES)
