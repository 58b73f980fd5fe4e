"""Overrides: what somebody said about a rule whatever its file says, until it is released by the rule's name.

The strictest counts of the rule's own mode, its location's and its overrides: none makes a rule do more. What pauses a
rule is a hold, and lives with those.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from service.store import holds
from service.store.database import Connection

Mode = Literal["off", "shadow"]

Rules = Mapping[tuple[str, str], str]
"""By location ('' for all) and the rule's name."""


@dataclass(frozen=True)
class Override:
    """`location_id` is '' for all locations."""

    location_id: str
    rule: str
    mode: Mode
    reason: str
    who: str
    since: datetime


COLUMNS = "location_id, rule, mode, reason, who, since"

EVERY = f"SELECT {COLUMNS} FROM overrides ORDER BY since, rule, location_id LIMIT $1"  # noqa: S608 (no value in it)

PUT = """
    INSERT INTO overrides (location_id, rule, mode, reason, who) VALUES ($1, $2, $3, $4, $5)
    ON CONFLICT (location_id, rule) DO UPDATE SET
        mode = excluded.mode, reason = excluded.reason, who = excluded.who, since = excluded.since
"""

RELEASE = f"""
    DELETE FROM overrides WHERE rule = $1 AND ($2 = '' OR location_id = $2) RETURNING {COLUMNS}
"""  # noqa: S608

# Both are read with every claim of work, so in one statement; no kind of hold is called like a mode.
OF_RULES = f"""
    {holds.OF_RULES}
    UNION ALL
    SELECT location_id, rule, mode, NULL FROM overrides WHERE location_id = '' OR location_id = ANY($1::text[])
"""  # noqa: S608

MODES: frozenset[str] = frozenset({"off", "shadow"})


async def every(connection: Connection, limit: int = 1000) -> list[Override]:
    """The oldest first."""
    return [Override(**row) for row in await connection.fetch(EVERY, limit)]


async def put(connection: Connection, rule: str, mode: Mode, *, location_id: str = "", reason: str, who: str) -> None:
    """In the place of another of the same rule there."""
    await connection.execute(PUT, location_id, rule, mode, reason, who)


async def release(connection: Connection, rule: str, location_id: str = "") -> list[Override]:
    """Those that held: in one location, or wherever they did if that is ''."""
    return [Override(**row) for row in await connection.fetch(RELEASE, rule, location_id)]


async def of_rules(connection: Connection, location_ids: Sequence[str]) -> tuple[Rules, Rules]:
    """In these locations, why which rules are held, and the mode that overrides give."""
    held, modes = dict[tuple[str, str], str](), dict[tuple[str, str], str]()
    for row in await connection.fetch(OF_RULES, list(location_ids)):
        kept, what = (modes, row["kind"]) if row["kind"] in MODES else (held, row["reason"] or row["kind"])
        kept[row["location_id"], row["rule"]] = what
    return held, modes
