"""Indexes for fair turns: the lanes of a location in the order in which they are due, and in which they start."""

from migrations.concurrently import create_indexes

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    create_indexes(
        {
            "lanes_due": "lanes (location_id, due_at) WHERE ready_at IS NOT NULL",
            "lanes_starting": "lanes (location_id, starts_at) WHERE ready_at IS NOT NULL",
        }
    )
