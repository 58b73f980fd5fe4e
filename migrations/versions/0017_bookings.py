"""The steps by which we book, found by the contact that they book for: a webhook may tell of a booking of ours before
its answer does."""

from migrations.concurrently import create_indexes

revision = "0017"
down_revision = "0016"

INDEXES = {"steps_that_book": "steps (location_id, contact_id) WHERE operation ->> 'operation' = 'CreateAppointment'"}


def upgrade() -> None:
    create_indexes(INDEXES)
