"""Turns: what was given to whom, moved in the transaction that stores a choice.

So a crash neither counts twice nor forgets. A choice stays counted though nothing came of it, because somebody else was
there first, say: others were made by it meanwhile.

One decision about people at a time in a location: each is made against the number of those before it, and is made again
if there is another by the time it is stored. Beside that number lie accounts: what a way of choosing goes by.

Where a rule gives credit, what each booking did to its account lies beside that too, as a share. How the booking ended
is not counted when it is heard of, but looked up by its last seen state when somebody is chosen next: whatever is lost
by then is taken back, and its share is gone in the transaction that stores the choice. So it counts once.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from service.store.database import Connection
from service.store.identifiers import new_id


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
class Share:
    """What one booking did to an account, to be taken back if it ends in one of the states in `credit`: HighLevel's
    words for a status, and `deleted`. `until`: when it need not be remembered any more."""

    appointment_id: str
    account: str
    credit: tuple[str, ...]
    kept: Mapping[str, Any]
    until: datetime


@dataclass(frozen=True)
class Lost:
    """The share of a booking that ended so."""

    share_id: UUID
    account: str
    kept: Mapping[str, Any]


@dataclass(frozen=True)
class Turn:
    """A choice of somebody, made when the location had made `decided` of them; `account` as it was read, but for what
    is to be kept from now on. `share`: what the booking did to it; `taken_back`: shares that it knows of by now."""

    decided: int
    account: Account | None = None
    share: Share | None = None
    taken_back: tuple[UUID, ...] = ()


@dataclass(frozen=True)
class Turns:
    """How a location stands: choices made, and the accounts that were asked for as far as there are any, with what was
    lost of them."""

    decided: int = 0
    accounts: Mapping[str, Account] = field(default_factory=dict)
    lost: tuple[Lost, ...] = ()


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

LOST = """
    SELECT share_id, account, kept FROM shares JOIN appointments seen USING (location_id, appointment_id)
    WHERE shares.location_id = $1 AND account = ANY($2::text[])
        AND CASE WHEN seen.booking->>'deleted' = 'true' THEN 'deleted' ELSE seen.booking->>'status' END = ANY(credit)
    ORDER BY share_id
"""

KEEP_SHARE = """
    INSERT INTO shares (share_id, location_id, appointment_id, account, credit, kept, until)
    VALUES ($1, $2, $3, $4, $5::text[], $6::jsonb, $7)
"""

TAKE_BACK = "DELETE FROM shares WHERE share_id = ANY($1::uuid[])"

FORGET_SHARES = "DELETE FROM shares WHERE location_id = $1 AND until < clock_timestamp()"

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
    lost = await connection.fetch(LOST, location_id, list(accounts)) if accounts else []
    return Turns(guard["version"] if guard else 0, accounts, tuple(Lost(**row) for row in lost))


async def take(connection: Connection, location_id: str, turn: Turn) -> None:
    """Count a choice, and keep its account. Raises TurnMoved if another was made since this one's turns were read.

    For the transaction that stores what was chosen: until it ends, others that choose in this location wait.
    """
    account = turn.account
    for each in (Account(GUARD, turn.decided), account) if account else (Account(GUARD, turn.decided),):
        taken = await connection.fetchval(TAKE, location_id, each.name, each.version, dict(each.kept), each.until)
        if taken is None:
            raise TurnMoved(each.name)
    if turn.taken_back:
        await connection.execute(TAKE_BACK, list(turn.taken_back))
    if share := turn.share:
        row = (new_id(), location_id, share.appointment_id, share.account, list(share.credit), dict(share.kept))
        await connection.execute(KEEP_SHARE, *row, share.until)
        await connection.execute(FORGET_SHARES, location_id)
    if account and account.until and not account.version:
        # A day, week or month begins to be counted: those that are over need not lie about any more.
        await connection.execute(FORGET, location_id)
