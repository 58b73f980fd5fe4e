"""The steps that change a whole series, found by its id: webhooks may then tell of every single one of it."""

from migrations.concurrently import create_indexes

revision = "0020"
down_revision = "0018"

INDEXES = {"steps_of_series": "steps (location_id, (operation -> 'fields' ->> 'event_id')) WHERE meant ? 'series'"}


def upgrade() -> None:
    create_indexes(INDEXES)
