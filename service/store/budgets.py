"""Budgets: what each location may still ask of HighLevel, as its answers said last."""

from collections.abc import Iterable, Sequence
from typing import Any

from service.store.database import Connection
from service.telemetry.tally import Budget

# The newest wins, whichever process writes last; in the order given, as tallies are.
KEEP = """
    INSERT INTO budgets AS kept (location_id, burst_left, burst_limit, day_left, day_limit, seen_at)
    SELECT * FROM unnest($1::text[], $2::int[], $3::int[], $4::int[], $5::int[], $6::timestamptz[])
    ON CONFLICT (location_id) DO UPDATE SET
        burst_left = COALESCE(excluded.burst_left, kept.burst_left),
        burst_limit = COALESCE(excluded.burst_limit, kept.burst_limit),
        day_left = COALESCE(excluded.day_left, kept.day_left),
        day_limit = COALESCE(excluded.day_limit, kept.day_limit),
        seen_at = excluded.seen_at
    WHERE kept.seen_at < excluded.seen_at
"""

# A window that has passed since is a whole one again.
LEFT = """
    SELECT location_id,
        CASE WHEN seen_at < now() - interval '10 seconds' THEN burst_limit ELSE burst_left END AS burst_left,
        CASE WHEN seen_at < now() - interval '1 day' THEN day_limit ELSE day_left END AS day_left
    FROM budgets ORDER BY location_id LIMIT 20000
"""


async def keep(connection: Connection, budgets: Iterable[Budget]) -> None:
    """Remember what was seen last; what a budget does not say stays as it was. The caller owns the transaction."""
    rows = sorted(budgets, key=lambda budget: budget.location_id)
    if not rows:
        return
    columns: Sequence[list[Any]] = [
        [getattr(row, name) for row in rows]
        for name in ("location_id", "burst_left", "burst_limit", "day_left", "day_limit", "seen_at")
    ]
    await connection.execute(KEEP, *columns)


async def left(connection: Connection) -> list[tuple[str, int | None, int | None]]:
    """Each location with what it has left now, in the window of ten seconds and in the day; None where unknown."""
    return [(row["location_id"], row["burst_left"], row["day_left"]) for row in await connection.fetch(LEFT)]
