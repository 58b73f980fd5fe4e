"""Blocks that stay where they are: which time the rules of a location have blocked, or are about to.

They are the steps themselves, of which `meant` says whose time they block: made with the plan, and remembered for as
long as their deliveries are. So what somebody removed by hand is not taken for something that is still to be done.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from service.store.database import Connection

BLOCKS = "blocks"
"""The word under which `meant` of a step says it."""


@dataclass(frozen=True)
class Blocked:
    """Time of a person, or of a calendar, that a rule has blocked.

    `repeated`: by one that keeps so many days ahead blocked. `open`: it may not show at HighLevel yet.
    """

    rule: str
    whose: str
    starts: datetime
    ends: datetime
    repeated: bool = False
    open: bool = False

    def meant(self) -> Mapping[str, Any]:
        """As a step keeps it."""
        times = {"starts": self.starts.isoformat(), "ends": self.ends.isoformat()}
        return {BLOCKS: {"whose": self.whose, **times, "repeated": self.repeated}}


@dataclass(frozen=True)
class Known:
    """What is known of somebody's blocks: `fixed` are those of rules, removed meanwhile or not; `following` the ids of
    those that go along with a booking."""

    fixed: Sequence[Blocked] = ()
    following: frozenset[str] = frozenset()


# What failed, or was left alone, blocked nothing. Of two that wait each may ask for the other: the older goes before.
FIXED = """
    SELECT rule, meant->'blocks' AS blocks, state IN ('planned', 'sent', 'waiting', 'unknown', 'parked') AS open
    FROM steps
    WHERE meant ? 'blocks' AND location_id = $1 AND meant->'blocks'->>'whose' = ANY($2::text[])
        AND state IN ('planned', 'sent', 'waiting', 'unknown', 'parked', 'done')
        AND (meant->'blocks'->>'starts')::timestamptz < $4 AND (meant->'blocks'->>'ends')::timestamptz > $3
        AND ($5::uuid IS NULL OR step_id <> $5 AND (state <> 'waiting' OR step_id < $5))
    ORDER BY step_id
"""

FOLLOWING = """
    SELECT block->>'id' FROM follows
    WHERE location_id = $1 AND COALESCE(wanted->>'calendar', wanted->>'assignee') = ANY($2::text[])
        AND block IS NOT NULL AND (block->>'starts')::timestamptz < $4 AND (block->>'ends')::timestamptz > $3
"""


async def known(
    connection: Connection,
    location_id: str,
    whose: Sequence[str],
    starts: datetime,
    ends: datetime,
    *,
    before: UUID | None = None,
) -> Known:
    """Of these people and calendars, what overlaps a stretch. `before`: a step that asks whether others were there
    before it."""
    asked = location_id, list(whose), starts, ends
    fixed = [_blocked(row) for row in await connection.fetch(FIXED, *asked, before)]
    return Known(fixed, frozenset(row[0] for row in await connection.fetch(FOLLOWING, *asked)))


def _blocked(row: Mapping[str, Any]) -> Blocked:
    kept = row["blocks"]
    return Blocked(
        row["rule"],
        kept["whose"],
        datetime.fromisoformat(kept["starts"]),
        datetime.fromisoformat(kept["ends"]),
        kept["repeated"],
        row["open"],
    )
