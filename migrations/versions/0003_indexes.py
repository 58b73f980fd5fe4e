"""Indexes for the console: what needs a person, and deliveries by location and by source."""

from migrations.concurrently import create_indexes

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    create_indexes(
        {
            "steps_of_note": "steps (state, step_id) WHERE state IN ('failed', 'unknown', 'parked')",
            "deliveries_by_location": "deliveries (location_id, delivery_id)",
            "deliveries_by_source": "deliveries (source, delivery_id)",
        }
    )
