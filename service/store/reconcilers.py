"""Reconcilers: when each location is looked through for what no webhook told, by whom now, and what was found.

A pass is a claim with a number (the fence) and an end, as a lane's lease is: what a worker began that died is gone on
with by another, from where it was.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from service.store.database import Connection

CLAIM_FOR = timedelta(minutes=3)
"""How long a location stays with a worker that says nothing more: longer than a call and the pause after it."""


class ClaimLost(Exception):
    """Another worker looks through the location now, or it is not registered any more."""


@dataclass(frozen=True)
class Claim:
    """A pass over a location, begun or to be gone on with.

    `inventory_at` is when the first pass began, None until it has ended. `failures`: times that this pass came to a
    stop where it is now.
    """

    location_id: str
    fence: int
    inventory_at: datetime | None
    progress: Mapping[str, Any] | None
    found: Mapping[str, Any] | None
    """What the pass before found."""
    failures: int


@dataclass(frozen=True)
class Standing:
    """How it stands with a location; `failure` is why the pass under way does not go on."""

    next_at: datetime
    under_way: bool
    inventory_at: datetime | None
    inventory_bookings: int | None
    last_at: datetime | None
    found: Mapping[str, Any] | None
    failure: str | None


# Spread, so that not all that were there at the first start are looked through at once.
ENSURE = """
    INSERT INTO reconcilers (location_id, next_at)
    SELECT location_id, clock_timestamp() + random() * $1::interval FROM locations
    WHERE NOT EXISTS (SELECT FROM reconcilers known WHERE known.location_id = locations.location_id)
    ON CONFLICT DO NOTHING
"""

# A budget that is spent is met at the calls themselves, which wait for their share of it.
HELD = """
    EXISTS (
        SELECT FROM holds WHERE (scope = 'all' OR (scope = 'location' AND holds.location_id = reconcilers.location_id))
            AND kind <> 'budget' AND (holds.until IS NULL OR holds.until > clock_timestamp())
    )
"""

CLAIM = f"""
    UPDATE reconcilers SET worker = $1, fence = fence + 1, until = clock_timestamp() + $2
    WHERE location_id = (
        SELECT location_id FROM reconcilers
        WHERE next_at <= clock_timestamp() AND (until IS NULL OR until < clock_timestamp()) AND (asked OR NOT $3)
            AND NOT {HELD}
        ORDER BY next_at LIMIT 1 FOR UPDATE SKIP LOCKED
    )
    RETURNING location_id, fence, inventory_at, progress, found, failures
"""  # noqa: S608 (no value in it)

HOLD = """
    UPDATE reconcilers SET until = clock_timestamp() + $3
    WHERE location_id = $1 AND fence = $2 AND worker IS NOT NULL
    RETURNING clock_timestamp()
"""

IS_HELD = f"SELECT {HELD} FROM reconcilers WHERE location_id = $1"  # noqa: S608

SAVE = "UPDATE reconcilers SET progress = $2::jsonb, failure = NULL, failures = 0 WHERE location_id = $1"

REST = """
    UPDATE reconcilers SET worker = NULL, until = NULL, next_at = clock_timestamp() + $3, failure = $4,
        failures = failures + $5
    WHERE location_id = $1 AND fence = $2
"""

# What was changed while the first pass went on may be in none of its lists: the inventory is as old as its beginning.
FINISH = """
    UPDATE reconcilers SET worker = NULL, until = NULL, asked = false, next_at = clock_timestamp() + $3,
        progress = NULL, failure = NULL, failures = 0, last_at = clock_timestamp(), found = $4::jsonb,
        inventory_bookings = CASE WHEN inventory_at IS NULL THEN $5 ELSE inventory_bookings END,
        inventory_at = COALESCE(inventory_at, (progress->>'began_at')::timestamptz, clock_timestamp())
    WHERE location_id = $1 AND fence = $2
"""

ASK = """
    INSERT INTO reconcilers (location_id, next_at, asked)
    SELECT location_id, clock_timestamp(), true FROM locations WHERE location_id = $1
    ON CONFLICT (location_id) DO UPDATE SET next_at = clock_timestamp(), asked = true
    RETURNING location_id
"""

STANDING = """
    SELECT next_at, COALESCE(until > clock_timestamp(), false) AS under_way, inventory_at, inventory_bookings, last_at,
        found, failure
    FROM reconcilers WHERE location_id = $1
"""


async def ensure(connection: Connection, spread: timedelta) -> None:
    """Every registered location is to be looked through: one that is new within `spread`."""
    await connection.execute(ENSURE, spread)


async def claim(connection: Connection, worker: str, *, only_asked: bool = False) -> Claim | None:
    """Take the location that has been due longest, or of those that somebody asked for, and that nothing holds back;
    None when there is none."""
    row = await connection.fetchrow(CLAIM, worker, CLAIM_FOR, only_asked)
    return Claim(**row) if row else None


async def hold(connection: Connection, claim: Claim) -> datetime:
    """Keep the location for another CLAIM_FOR, and in a transaction to its end: the database's time. Raises
    ClaimLost."""
    moment = await connection.fetchval(HOLD, claim.location_id, claim.fence, CLAIM_FOR)
    if moment is None:
        raise ClaimLost(claim.location_id)
    assert isinstance(moment, datetime)
    return moment


async def held_back(connection: Connection, location_id: str) -> bool:
    """Whether its calls are held back now: somebody paused it, HighLevel fails, or its token is refused."""
    return bool(await connection.fetchval(IS_HELD, location_id))


async def save(connection: Connection, claim: Claim, progress: Mapping[str, Any]) -> None:
    """Where the pass is, which goes on. Raises ClaimLost."""
    async with connection.transaction():
        await hold(connection, claim)
        await connection.execute(SAVE, claim.location_id, dict(progress))


async def rest(
    connection: Connection, claim: Claim, after: timedelta, failure: str | None, *, failed: bool = True
) -> None:
    """Go on with the pass after a while, and from where it was."""
    await connection.execute(REST, claim.location_id, claim.fence, after, failure, int(failed))


async def finish(
    connection: Connection, claim: Claim, after: timedelta, found: Mapping[str, Any], bookings: int
) -> None:
    """The pass has ended; the next is due `after` a while. The first was the inventory, of so many bookings."""
    await connection.execute(FINISH, claim.location_id, claim.fence, after, dict(found), bookings)


async def ask(connection: Connection, location_id: str) -> bool:
    """Have it looked through now; False when it is not registered."""
    return await connection.fetchval(ASK, location_id) is not None


async def standing(connection: Connection, location_id: str) -> Standing | None:
    """None before a worker has seen the location."""
    row = await connection.fetchrow(STANDING, location_id)
    return Standing(**row) if row else None
