"""Holds: what keeps work back. A pause that somebody ordered, a breaker, a budget that is spent, a token refused.

A hold is of everything (`all`), of a location, or of a rule in a location (an empty location: in all of them). One
without an end stays until it is lifted: a pause by whoever ordered it, a breaker and a token by a probe.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from service.store.database import Connection
from service.store.ledger import Entry, Sheet

Scope = Literal["all", "location", "rule"]
Kind = Literal["paused", "breaker", "budget", "token"]


@dataclass(frozen=True)
class Hold:
    """`failures`: how often it was found shut; `probe_at`: when somebody looks whether it can be lifted."""

    scope: Scope
    location_id: str
    rule: str
    kind: Kind
    reason: str
    who: str
    since: datetime
    until: datetime | None
    probe_at: datetime | None
    failures: int


COLUMNS = "scope, location_id, rule, kind, reason, who, since, until, probe_at, failures"

EVERY = f"SELECT {COLUMNS} FROM holds WHERE until IS NULL OR until > now() ORDER BY since, scope, location_id, rule"  # noqa: S608

# A budget that is spent for all and one that is spent but for what is urgent are told apart by the second end.
BUDGET = Sheet(
    80,
    """
    INSERT INTO holds AS kept (scope, location_id, kind, until, urgent_until, reason)
    SELECT 'location', location_id, 'budget', clock_timestamp() + wait, clock_timestamp() + urgent_wait,
        'no call is left to the location'
    FROM unnest($1::text[], $2::interval[], $3::interval[]) AS new (location_id, wait, urgent_wait)
    ORDER BY location_id
    ON CONFLICT (scope, location_id, rule, kind) DO UPDATE SET
        until = excluded.until, urgent_until = COALESCE(excluded.urgent_until, kept.urgent_until),
        since = CASE WHEN kept.until < now() THEN excluded.since ELSE kept.since END
    """,
)

TOKEN = Sheet(
    81,
    """
    INSERT INTO holds (scope, location_id, kind, reason, probe_at, failures)
    SELECT 'location', location_id, 'token', 'waiting for a token', clock_timestamp() + interval '2 seconds', 1
    FROM unnest($1::text[]) AS new (location_id)
    ORDER BY location_id
    ON CONFLICT (scope, location_id, rule, kind) DO NOTHING
    """,
)

SHUT = """
    INSERT INTO holds AS kept (scope, location_id, rule, kind, reason, who, probe_at, failures)
    VALUES ($1, $2, $3, $4, $5, $6, clock_timestamp() + $7::interval, 1)
    ON CONFLICT (scope, location_id, rule, kind) DO NOTHING
    RETURNING kind
"""

LIFT = """
    DELETE FROM holds WHERE scope = $1 AND location_id = $2 AND rule = $3 AND kind = ANY($4::text[]) RETURNING kind
"""

LIFT_RULE = """
    DELETE FROM holds WHERE scope = 'rule' AND rule = $1 AND ($2 = '' OR location_id = $2) AND kind = ANY($3::text[])
    RETURNING location_id
"""

# Whoever takes it looks; should they die over it, somebody does so after a while.
PROBE = f"""
    UPDATE holds SET failures = holds.failures + 1,
        probe_at = clock_timestamp() + LEAST($1::interval * 2 ^ LEAST(holds.failures, 20), $2::interval)
    FROM (
        SELECT scope, location_id, rule, kind FROM holds WHERE probe_at <= clock_timestamp()
        ORDER BY probe_at LIMIT 1 FOR UPDATE SKIP LOCKED
    ) AS due
    WHERE holds.scope = due.scope AND holds.location_id = due.location_id AND holds.rule = due.rule
        AND holds.kind = due.kind
    RETURNING {", ".join(f"holds.{name}" for name in COLUMNS.split(", "))}
"""  # noqa: S608 (no value in it)

# Of these locations; '' stands for all of them. `overrides` reads them with its own.
OF_RULES = """
    SELECT location_id, rule, kind, reason FROM holds
    WHERE scope = 'rule' AND (location_id = '' OR location_id = ANY($1::text[])) AND (until IS NULL OR until > now())
"""

# Until the caller's transaction ends nobody lifts it.
STILL = """
    SELECT reason FROM holds
    WHERE scope = 'rule' AND location_id IN ('', $1) AND rule = $2 AND (until IS NULL OR until > now())
    LIMIT 1 FOR KEY SHARE
"""


def budget_spent(location_id: str, wait: timedelta, *, urgent: bool) -> Entry:
    """No call is left for a while; `urgent`: not even of those that are kept for what is urgent."""
    return Entry(BUDGET, location_id, (location_id, wait, wait if urgent else None))


def token_refused(location_id: str) -> Entry:
    """Held until a probe finds that its token works."""
    return Entry(TOKEN, location_id, (location_id,))


async def every(connection: Connection) -> list[Hold]:
    """What is held now, the oldest first."""
    return [Hold(**row) for row in await connection.fetch(EVERY)]


async def shut(
    connection: Connection,
    scope: Scope,
    kind: Kind,
    *,
    location_id: str = "",
    rule: str = "",
    reason: str,
    who: str = "",
    probe_after: timedelta | None = None,
) -> bool:
    """Hold it until it is lifted; False where it was held already."""
    return await connection.fetchval(SHUT, scope, location_id, rule, kind, reason, who, probe_after) is not None


async def lift(
    connection: Connection, scope: Scope, kinds: Sequence[Kind], *, location_id: str = "", rule: str = ""
) -> list[Kind]:
    """Which of these it was held by."""
    rows = await connection.fetch(LIFT, scope, location_id, rule, list(kinds))
    return [row["kind"] for row in rows]


async def lift_rule(connection: Connection, kinds: Sequence[Kind], rule: str, location_id: str) -> list[str]:
    """Where a rule was held by these ('' for all locations): in one location, or wherever it was if that is ''."""
    return sorted({row["location_id"] for row in await connection.fetch(LIFT_RULE, rule, location_id, list(kinds))})


async def next_to_probe(connection: Connection, shortest: timedelta, longest: timedelta) -> Hold | None:
    """One that it is time to look at, and nobody else looks at; it is looked at again after a pause that doubles."""
    row = await connection.fetchrow(PROBE, shortest, longest)
    return Hold(**row) if row else None


async def still_held(connection: Connection, location_id: str, rule: str) -> bool:
    """Whether a rule is held at this moment; it stays so to the end of the caller's transaction."""
    return await connection.fetchrow(STILL, location_id, rule) is not None
