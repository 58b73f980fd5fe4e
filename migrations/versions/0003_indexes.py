"""Indexes for the console: what needs a person, and deliveries by location, source, appointment and series."""

from migrations.concurrently import create_indexes

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    create_indexes(
        {
            "steps_of_note": "steps (state, step_id) WHERE state IN ('failed', 'unknown', 'parked')",
            "deliveries_by_location": "deliveries (location_id, delivery_id)",
            "deliveries_of_appointment": "deliveries (appointment_id, delivery_id)",
            "deliveries_of_series": "deliveries (series_id, delivery_id) WHERE series_id IS NOT NULL",
            "deliveries_by_source": "deliveries (source, delivery_id)",
        }
    )
