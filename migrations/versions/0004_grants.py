"""Grants: what OAuth gave for a location or an agency. Who has our app installed, and which connecting is under way."""

from alembic import op

revision = "0004"
down_revision = "0003"

# All of it is let be where it is there: a migration before this one may have to be run again (`concurrently`).
# The release before knows no grants. It goes on with `locations.token`, which is kept the access token; it removes a
# location by deleting its row, which takes the grant along. A grant holds as long as its token lies in `locations` byte
# for byte: where that release was given a private token, that is the one.
STATEMENTS = (
    "ALTER TABLE locations ADD COLUMN IF NOT EXISTS time_zone_read text",
    "ALTER TABLE locations ADD COLUMN IF NOT EXISTS time_zone_chosen boolean NOT NULL DEFAULT false",
    """
    CREATE TABLE IF NOT EXISTS grants (
        subject text PRIMARY KEY,
        location_id text UNIQUE REFERENCES locations ON DELETE CASCADE,
        company_id text,
        token bytea NOT NULL,
        refresh_token bytea,
        scopes text[] NOT NULL DEFAULT '{}',
        granted_at timestamptz NOT NULL,
        expires_at timestamptz NOT NULL,
        version uuid NOT NULL,
        claimed_until timestamptz,
        refused text,
        failures integer NOT NULL DEFAULT 0,
        failure text,
        again_at timestamptz,
        rejections integer NOT NULL DEFAULT 0,
        CHECK (location_id IS NOT NULL OR company_id IS NOT NULL)
    )
    """,
    """
    CREATE TABLE IF NOT EXISTS installs (
        subject text PRIMARY KEY,
        location_id text,
        company_id text,
        installed boolean NOT NULL,
        said_at timestamptz NOT NULL,
        connects_at timestamptz,
        tries integer NOT NULL DEFAULT 0
    )
    """,
    """
    CREATE TABLE IF NOT EXISTS connecting (
        state bytea PRIMARY KEY,
        asked_at timestamptz NOT NULL,
        used_at timestamptz,
        user_type text NOT NULL CHECK (user_type IN ('Location', 'Company')),
        redirect_url text NOT NULL,
        time_zone text
    )
    """,
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
