"""The record: what came, what it meant, what was decided, what was sent."""

from alembic import op

revision = "0001"
down_revision = None

STATEMENTS = (
    """
    CREATE TABLE locations (
        location_id text PRIMARY KEY,
        name text NOT NULL DEFAULT '',
        time_zone text NOT NULL,
        mode text NOT NULL DEFAULT 'live' CHECK (mode IN ('live', 'shadow', 'off')),
        token bytea NOT NULL,
        connected_at timestamptz NOT NULL DEFAULT now()
    )
    """,
    """
    CREATE TABLE lanes (
        lane_id uuid PRIMARY KEY,
        location_id text NOT NULL,
        subject text NOT NULL,
        ready_at timestamptz,
        worker text,
        fence bigint NOT NULL DEFAULT 0,
        lease_until timestamptz,
        UNIQUE (location_id, subject)
    )
    """,
    "CREATE INDEX lanes_ready ON lanes (ready_at) WHERE ready_at IS NOT NULL",
    """
    CREATE TABLE delivery_keys (
        source text NOT NULL,
        key text NOT NULL,
        delivery_id uuid NOT NULL,
        PRIMARY KEY (source, key)
    )
    """,
    """
    CREATE TABLE deliveries (
        delivery_id uuid PRIMARY KEY,
        arrival bigint GENERATED ALWAYS AS IDENTITY,
        source text NOT NULL,
        received_at timestamptz NOT NULL,
        event text NOT NULL DEFAULT '',
        location_id text,
        appointment_id text,
        series_id text,
        contact_id text,
        lane_id uuid REFERENCES lanes,
        state text NOT NULL CHECK (state IN ('waiting', 'judged', 'done', 'ignored', 'failed')),
        reason text,
        waits_for text,
        next_at timestamptz,
        attempts int NOT NULL DEFAULT 0,
        surprises int NOT NULL DEFAULT 0,
        triggers text[] NOT NULL DEFAULT '{}',
        rulebook_id uuid,
        was jsonb,
        booking jsonb,
        finished_at timestamptz,
        body bytea NOT NULL
    )
    """,
    "CREATE INDEX deliveries_open ON deliveries (lane_id, arrival) WHERE state IN ('waiting', 'judged')",
    "CREATE INDEX deliveries_by_appointment ON deliveries (location_id, appointment_id, delivery_id)",
    "CREATE INDEX deliveries_by_state ON deliveries (state, delivery_id)",
    """
    CREATE TABLE ignored_counts (
        day date NOT NULL,
        reason text NOT NULL,
        times bigint NOT NULL,
        PRIMARY KEY (day, reason)
    )
    """,
    """
    CREATE TABLE appointments (
        location_id text NOT NULL,
        appointment_id text NOT NULL,
        series_id text,
        contact_id text,
        booking jsonb NOT NULL,
        heard timestamptz,
        ours jsonb NOT NULL DEFAULT '{}',
        others text[] NOT NULL DEFAULT '{}',
        assignee_chosen boolean NOT NULL DEFAULT false,
        changed_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (location_id, appointment_id)
    )
    """,
    """
    CREATE TABLE rulebooks (
        rulebook_id uuid PRIMARY KEY,
        location_id text,
        version int NOT NULL,
        digest text NOT NULL,
        files jsonb NOT NULL,
        message text NOT NULL DEFAULT '',
        applied_at timestamptz NOT NULL DEFAULT now(),
        UNIQUE NULLS NOT DISTINCT (location_id, version)
    )
    """,
    """
    CREATE TABLE verdicts (
        delivery_id uuid NOT NULL REFERENCES deliveries ON DELETE CASCADE,
        place int NOT NULL,
        rule text NOT NULL,
        mode text NOT NULL,
        held boolean,
        checks jsonb NOT NULL,
        PRIMARY KEY (delivery_id, place)
    )
    """,
    "CREATE INDEX verdicts_by_rule ON verdicts (rule, delivery_id)",
    """
    CREATE TABLE steps (
        step_id uuid PRIMARY KEY,
        delivery_id uuid NOT NULL REFERENCES deliveries ON DELETE CASCADE,
        rule text NOT NULL,
        place int NOT NULL,
        part int NOT NULL,
        action text NOT NULL,
        state text NOT NULL CHECK (state IN (
            'planned', 'sent', 'waiting', 'done', 'unchanged', 'failed', 'unknown', 'parked', 'shadow'
        )),
        sentence text NOT NULL,
        reason text,
        operation jsonb,
        meant jsonb NOT NULL DEFAULT '{}',
        written_id text,
        location_id text NOT NULL,
        appointment_id text,
        series_id text,
        contact_id text,
        planned_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        sent_at timestamptz,
        attempts int NOT NULL DEFAULT 0,
        doubts int NOT NULL DEFAULT 0,
        next_at timestamptz,
        finished_at timestamptz,
        UNIQUE (delivery_id, rule, place, part)
    )
    """,
    "CREATE INDEX steps_by_appointment ON steps (location_id, appointment_id)",
    # What was made at HighLevel is one step's doing: two in doubt cannot both claim it.
    "CREATE UNIQUE INDEX steps_by_written ON steps (location_id, written_id) WHERE written_id IS NOT NULL",
    "CREATE INDEX steps_open ON steps (state) WHERE state IN ('planned', 'sent', 'waiting')",
    """
    CREATE TABLE calls (
        call_id uuid PRIMARY KEY,
        delivery_id uuid NOT NULL,
        step_id uuid,
        location_id text NOT NULL,
        operation text NOT NULL,
        status int,
        milliseconds real NOT NULL,
        request jsonb NOT NULL,
        answer jsonb,
        error text,
        called_at timestamptz NOT NULL DEFAULT clock_timestamp()
    )
    """,
    "CREATE INDEX calls_by_delivery ON calls (delivery_id, call_id)",
    """
    CREATE TABLE follows (
        follow_id uuid PRIMARY KEY,
        location_id text NOT NULL,
        appointment_id text NOT NULL,
        rule text NOT NULL,
        side text NOT NULL CHECK (side IN ('before', 'after')),
        length interval NOT NULL,
        title text NOT NULL,
        calendar_id text,
        block jsonb
    )
    """,
    "CREATE INDEX follows_by_appointment ON follows (location_id, appointment_id)",
    """
    CREATE TABLE turns (
        location_id text NOT NULL,
        team text NOT NULL,
        version bigint NOT NULL DEFAULT 0,
        last_turn jsonb NOT NULL DEFAULT '{}',
        PRIMARY KEY (location_id, team)
    )
    """,
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
