"""What the crash matrix asks the store: the only place where it knows tables."""

CLAIMS = (
    "CREATE TABLE claims (subject text, at timestamptz)",
    """
    CREATE FUNCTION keep_claim() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN INSERT INTO claims VALUES (NEW.subject, clock_timestamp()); RETURN NEW; END $$
    """,
    "CREATE TRIGGER keep_claim AFTER UPDATE ON lanes FOR EACH ROW "
    "WHEN (NEW.fence <> OLD.fence AND NEW.worker IS NOT NULL) EXECUTE FUNCTION keep_claim()",
)
"""When lanes were claimed, to the database's own clock. In the test's database; nothing of it is in the product."""

OPEN = """
    SELECT (SELECT count(*) FROM deliveries WHERE state IN ('waiting', 'judged'))
         + (SELECT count(*) FROM lanes WHERE worker IS NOT NULL)
"""
OWED = "SELECT count(*) FROM deliveries WHERE appointment_id = $1 AND state IN ('waiting', 'judged')"
BEGUN = "SELECT count(*) FROM deliveries WHERE appointment_id = $1 AND rulebook_id IS NOT NULL"
STORED = "SELECT step_id, operation FROM steps WHERE appointment_id = $1"
ENDED = "SELECT state, reason FROM steps WHERE appointment_id = $1 AND state NOT IN ('done', 'unchanged')"
GIVEN_UP = "SELECT state, reason FROM deliveries WHERE appointment_id = $1 AND state NOT IN ('done', 'ignored')"
BACK = "SELECT extract(epoch FROM min(at))::float8 FROM claims WHERE subject = $1 AND at > to_timestamp($2)"
SESSIONS = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'first'"
