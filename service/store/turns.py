"""Turns: what was given to whom, moved in the transaction that stores a choice.

So a crash neither counts twice nor forgets. A choice stays counted though nothing came of it, because somebody else was
there first, say: others were made by it meanwhile.

One decision about people at a time in a location: each is made against the number of those before it, and is made again
if there is another by the time it is stored. Beside that number lie accounts: what a way of choosing goes by.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from service.store.database import Connection


class TurnMoved(Exception):
    """Another booking was given to somebody since this one was decided: decide again."""


@dataclass(frozen=True)
class Account:
    """What is kept for one way of choosing; `version` is how often it was changed, `until` when it may be forgotten."""

    name: str
    version: int = 0
    kept: Mapping[str, Any] = field(default_factory=dict)
    until: datetime | None = None


@dataclass(frozen=True)
class Turn:
    """A choice of somebody, made when the location had made `decided` of them; `account` as it was read, but for what
    is to be kept from now on."""

    decided: int
    account: Account | None = None


@dataclass(frozen=True)
class Turns:
    """How a location stands: choices made, and the accounts that were asked for as far as there are any."""

    decided: int = 0
    accounts: Mapping[str, Account] = field(default_factory=dict)


GUARD = ""
"""The name under which a location's decisions are counted; no team's is empty."""

READ = "SELECT team, version, last_turn FROM turns WHERE location_id = $1 AND team = ANY($2::text[])"

# What the release before has changed counts as well: it knows accounts of teams, and no guard.
TAKE = """
    INSERT INTO turns AS kept (location_id, team, version, last_turn, until)
    VALUES ($1, $2, $3::bigint + 1, $4::jsonb, $5)
    ON CONFLICT (location_id, team) DO UPDATE SET version = $3::bigint + 1, last_turn = $4::jsonb, until = $5
    WHERE kept.version = $3::bigint
    RETURNING version
"""

# On the guard's row `until` says how long somebody may be expected to decide; `TAKE` ends that.
CLAIM = """
    INSERT INTO turns AS kept (location_id, team, until) VALUES ($1, '', clock_timestamp() + $2)
    ON CONFLICT (location_id, team) DO UPDATE SET until = clock_timestamp() + $2
    WHERE kept.until IS NULL OR kept.until < clock_timestamp()
    RETURNING until
"""

LEAVE = "UPDATE turns SET until = NULL WHERE location_id = $1 AND team = '' AND until = $2"

FORGET = "DELETE FROM turns WHERE location_id = $1 AND until < clock_timestamp() - interval '1 day'"


async def claim(connection: Connection, location_id: str, within: timedelta) -> datetime | None:
    """Say that a choice of somebody is made here; what `leave` must be told, None while another makes one."""
    until: datetime | None = await connection.fetchval(CLAIM, location_id, within)
    return until


async def leave(connection: Connection, location_id: str, claimed: datetime) -> None:
    """Say that nothing is chosen after all; whoever kept a choice has said enough."""
    await connection.execute(LEAVE, location_id, claimed)


async def read(connection: Connection, location_id: str, names: Iterable[str] = ()) -> Turns:
    """Read before anything else that a choice goes by: what comes later is then either seen or noticed by `take`."""
    rows = {row["team"]: row for row in await connection.fetch(READ, location_id, [GUARD, *names])}
    guard = rows.pop(GUARD, None)
    accounts = {name: Account(name, row["version"], row["last_turn"]) for name, row in rows.items()}
    return Turns(guard["version"] if guard else 0, accounts)


async def take(connection: Connection, location_id: str, turn: Turn) -> None:
    """Count a choice, and keep its account. Raises TurnMoved if another was made since this one's turns were read.

    For the transaction that stores what was chosen: until it ends, others that choose in this location wait.
    """
    account = turn.account
    for each in (Account(GUARD, turn.decided), account) if account else (Account(GUARD, turn.decided),):
        taken = await connection.fetchval(TAKE, location_id, each.name, each.version, dict(each.kept), each.until)
        if taken is None:
            raise TurnMoved(each.name)
    if account and account.until and not account.version:
        # A day, week or month begins to be counted: those that are over need not lie about any more.
        await connection.execute(FORGET, location_id)
