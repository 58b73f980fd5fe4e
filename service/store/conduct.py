"""Conduct of rules: what they may do only once, or only so often; counted in the transaction that stores a decision."""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from service.store.database import Connection


class DoneBefore(Exception):
    """It was done once already, for another delivery."""

    def __init__(self, delivery_id: UUID) -> None:
        super().__init__(str(delivery_id))
        self.delivery_id = delivery_id


class LimitReached(Exception):
    """The rule has acted so often within its time."""


@dataclass(frozen=True)
class Limit:
    """So many deliveries a rule may act on within a time, in one location."""

    times: int
    within: timedelta


MARK = """
    INSERT INTO marks AS kept (location_id, rule, mark, delivery_id) VALUES ($1, $2, $3, $4)
    ON CONFLICT (location_id, rule, mark) DO UPDATE SET mark = kept.mark
    RETURNING delivery_id
"""

ONE_AT_A_TIME = "SELECT pg_advisory_xact_lock(hashtextextended($1 || ' ' || $2, 0))"

USE = """
    INSERT INTO uses (location_id, rule, delivery_id)
    SELECT $1, $2, $3
    WHERE (SELECT count(*) FROM uses WHERE location_id = $1 AND rule = $2 AND used_at > now() - $5::interval
        AND delivery_id <> $3) < $4
    ON CONFLICT (location_id, rule, delivery_id) DO UPDATE SET delivery_id = excluded.delivery_id
    RETURNING delivery_id
"""


async def mark(connection: Connection, location_id: str, rule: str, mark: str, delivery_id: UUID) -> None:
    """Note that it is done for this delivery. Raises DoneBefore where it was for another."""
    first = await connection.fetchval(MARK, location_id, rule, mark, delivery_id)
    if first != delivery_id:
        raise DoneBefore(first)


async def use(connection: Connection, location_id: str, rule: str, limit: Limit, delivery_id: UUID) -> None:
    """Count that a rule acts on a delivery; once for each. Raises LimitReached."""
    await connection.execute(ONE_AT_A_TIME, location_id, rule)
    used = await connection.fetchval(USE, location_id, rule, delivery_id, limit.times, limit.within)
    if used is None:
        raise LimitReached
