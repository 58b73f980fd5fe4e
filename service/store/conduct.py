"""Conduct of rules: what they may do only once, or only so often; counted in the transaction that stores a decision.

What was counted is given back with the end of the last of a rule's steps on a delivery, where none of them was sent.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from service.store.database import Connection
from service.store.ledger import Entry, Sheet, write_down
from service.store.steps import Step, of_deliveries


class DoneBefore(Exception):
    """It was taken up once already, for another delivery."""

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

# What a delivery was counted for it may end, however many were meanwhile.
USE = """
    INSERT INTO uses (location_id, rule, delivery_id)
    SELECT $1, $2, $3
    WHERE (SELECT count(*) FROM uses WHERE location_id = $1 AND rule = $2 AND used_at > now() - $5::interval) < $4
        OR EXISTS (SELECT FROM uses WHERE location_id = $1 AND rule = $2 AND delivery_id = $3)
    ON CONFLICT (location_id, rule, delivery_id) DO UPDATE SET delivery_id = excluded.delivery_id
    RETURNING delivery_id
"""

# Whoever waits to mark the same holds nothing that is written after this: the places are those of a page's last.
UNMARK = Sheet(
    86,
    """
    DELETE FROM marks USING unnest($1::text[], $2::text[], $3::uuid[]) AS given (location_id, rule, delivery_id)
    WHERE marks.location_id = given.location_id AND marks.rule = given.rule AND marks.delivery_id = given.delivery_id
    """,
)

UNUSE = Sheet(
    87,
    """
    DELETE FROM uses USING unnest($1::text[], $2::text[], $3::uuid[]) AS given (location_id, rule, delivery_id)
    WHERE uses.location_id = given.location_id AND uses.rule = given.rule AND uses.delivery_id = given.delivery_id
    """,
)

# Kept, so that a delivery that was counted may end. In the order in which pages give them back.
COUNT_ANEW = """
    WITH counted AS MATERIALIZED (
        SELECT location_id, rule, delivery_id FROM uses
        WHERE rule = $1 AND ('' = ANY($2::text[]) OR location_id = ANY($2)) AND used_at > '-infinity'
        ORDER BY location_id, rule, delivery_id FOR UPDATE
    )
    UPDATE uses SET used_at = '-infinity' FROM counted
    WHERE uses.location_id = counted.location_id AND uses.rule = counted.rule AND uses.delivery_id = counted.delivery_id
    RETURNING uses.delivery_id
"""

UNSENT = frozenset({"unchanged", "failed", "skipped"})
"""How a step ends that nothing came of."""


async def mark(connection: Connection, location_id: str, rule: str, mark: str, delivery_id: UUID) -> None:
    """Note that it is taken up for this delivery. Raises DoneBefore where it was for another."""
    first = await connection.fetchval(MARK, location_id, rule, mark, delivery_id)
    if first != delivery_id:
        raise DoneBefore(first)


async def use(connection: Connection, location_id: str, rule: str, limit: Limit, delivery_id: UUID) -> None:
    """Count that a rule acts on a delivery; once for each. Raises LimitReached."""
    await connection.execute(ONE_AT_A_TIME, location_id, rule)
    used = await connection.fetchval(USE, location_id, rule, delivery_id, limit.times, limit.within)
    if used is None:
        raise LimitReached


async def count_anew(connection: Connection, rule: str, location_ids: Sequence[str]) -> bool:
    """Begin the count of a rule's limit anew in these locations ('' stands for all of them); False where nothing was
    counted."""
    return bool(await connection.fetch(COUNT_ANEW, rule, list(location_ids)))


def given_back(steps: Sequence[Step]) -> list[Entry]:
    """What was counted for those rules of which nothing was sent, and nothing will be. Of each delivery `steps` has all
    that there are of a rule."""
    ended = {_of(step) for step in steps if step.operation is not None} - {
        _of(step) for step in steps if step.state not in UNSENT or step.since_sent is not None
    }
    return [Entry(sheet, row, row) for sheet in (UNMARK, UNUSE) for row in sorted(ended)]


async def give_back(connection: Connection, deliveries: Sequence[UUID]) -> None:
    """The same, for deliveries that nobody works on any more."""
    entries = given_back(await of_deliveries(connection, deliveries))
    for sheet in (UNMARK, UNUSE):
        if rows := [entry for entry in entries if entry.sheet is sheet]:
            await write_down(connection, rows)


def _of(step: Step) -> tuple[str, str, UUID]:
    return step.location_id, step.rule, step.delivery_id
