"""Versions: who made each, of what folder, what it brought back; what was last taken from a folder; and overrides, which
keep a rule back whatever its file says."""

from alembic import op

revision = "0012"
down_revision = "0011"

STATEMENTS = (
    # The release before leaves these out, and takes the highest number of a rulebook as the version in force, as this
    # one does. What waits has the number 0. `folder` is null where it was that release that applied it.
    "ALTER TABLE rulebooks ADD COLUMN IF NOT EXISTS author text NOT NULL DEFAULT ''",
    "ALTER TABLE rulebooks ADD COLUMN IF NOT EXISTS folder text",
    "ALTER TABLE rulebooks ADD COLUMN IF NOT EXISTS modes jsonb NOT NULL DEFAULT '{}'",
    "ALTER TABLE rulebooks ADD COLUMN IF NOT EXISTS rollback_of int",
    "ALTER TABLE rulebooks ADD COLUMN IF NOT EXISTS stays boolean NOT NULL DEFAULT false",
    "ALTER TABLE rulebooks ADD COLUMN IF NOT EXISTS shared boolean NOT NULL DEFAULT false",
    """
    CREATE TABLE IF NOT EXISTS folders (
        location_id text NOT NULL DEFAULT '',
        folder text NOT NULL,
        digest text,
        taken_at timestamptz,
        refused text,
        refused_at timestamptz,
        PRIMARY KEY (location_id, folder)
    )
    """,
    # The release before does not know them, and goes by the rules alone.
    """
    CREATE TABLE IF NOT EXISTS overrides (
        location_id text NOT NULL DEFAULT '',
        rule text NOT NULL,
        mode text NOT NULL CHECK (mode IN ('off', 'shadow')),
        reason text NOT NULL DEFAULT '',
        who text NOT NULL DEFAULT '',
        since timestamptz NOT NULL DEFAULT clock_timestamp(),
        PRIMARY KEY (location_id, rule)
    )
    """,
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
