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
OWED = (
    "SELECT DISTINCT appointment_id FROM deliveries WHERE appointment_id = ANY($1) AND state IN ('waiting', 'judged')"
)
BEGUN = "SELECT DISTINCT appointment_id FROM deliveries WHERE appointment_id = ANY($1) AND rulebook_id IS NOT NULL"
STORED = "SELECT step_id, operation FROM steps WHERE appointment_id = ANY($1)"
BACK = "SELECT extract(epoch FROM min(at))::float8 FROM claims WHERE subject = $1 AND at > to_timestamp($2)"
SESSIONS = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'first'"

LEFT_OVER = """
    SELECT 'a step of a delivery that is ' || deliveries.state AS what, steps.state, steps.reason
    FROM steps JOIN deliveries USING (delivery_id)
    WHERE deliveries.appointment_id = ANY($1)
        AND steps.state IN ('planned', 'sent', 'waiting') AND deliveries.state NOT IN ('waiting', 'judged')
    UNION ALL
    SELECT 'a lane', CASE WHEN worker IS NULL THEN 'to be taken up' ELSE 'taken up' END, subject
    FROM lanes WHERE worker IS NOT NULL OR ready_at IS NOT NULL
    UNION ALL
    SELECT 'a step', state, reason FROM steps WHERE appointment_id = ANY($1) AND state NOT IN ('done', 'unchanged')
    UNION ALL
    SELECT 'a delivery', state, reason FROM deliveries
    WHERE appointment_id = ANY($1) AND state NOT IN ('done', 'ignored')
"""
"""What ended badly, or did not end though all is quiet."""

GIVEN = """
    SELECT person, sum(number::int)::int AS number
    FROM turns, jsonb_each_text(last_turn -> 'given') AS each (person, number)
    WHERE team LIKE 'weighted %' GROUP BY person
"""
COUNTED = """
    SELECT (SELECT count(*) FROM marks WHERE rule = $1)::int AS marks,
        (SELECT count(*) FROM uses WHERE rule = $1)::int AS uses
"""

RAISED = """
    SELECT text, times FROM alerts JOIN deliveries USING (delivery_id) WHERE appointment_id = $1 AND kind = 'alert'
"""
