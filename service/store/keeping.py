"""Keeping: what is dropped when, a few rows at a time, and what of it is counted before it goes.

A delivery is worth keeping for what came of it:

* acted: a rule held, or it has a step, or it told of our app, or a person had a hand in it. Failed deliveries too.
* dull: no rule held (an echo, stale, nothing that listens). Its verdicts become numbers a day before it goes.
* ignored: nobody was asked. It was counted when it came, and is counted again by what it was.

What is open, parked, or has a step that is unknown, parked or open is never dropped, however old. Ids tell how old a
row is. Where most of what a walk meets stays, it remembers how far it came; what was open then goes with the acted.
"""

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeAlias
from uuid import UUID

from service.settings import Settings
from service.store.database import BOUND, Connection

ROUND_EVERY = timedelta(minutes=10)
"""From a round's last batch to the next round, whichever worker makes it."""

BATCH = 100
"""Deliveries of a transaction: with their verdicts, steps and calls some hundreds of rows."""

CLAIM_ROUND = """
    INSERT INTO keeping AS kept (task, worker, at) VALUES ('round', $1, clock_timestamp())
    ON CONFLICT (task) DO UPDATE SET worker = $1, at = clock_timestamp()
    WHERE kept.at <= clock_timestamp() - $2::interval
    RETURNING task
"""

HOLD_ROUND = f"""
    UPDATE keeping SET at = clock_timestamp() WHERE task = 'round' AND worker = $1 RETURNING task, {BOUND}
"""  # noqa: S608 (no value in it)

POSITION = "SELECT position FROM keeping WHERE task = $1"

MOVE = """
    INSERT INTO keeping (task, position) VALUES ($1, $2::jsonb)
    ON CONFLICT (task) DO UPDATE SET position = excluded.position, at = clock_timestamp()
"""

# Whoever takes one up again by hand has it first, and it is open by the time it is ours.
PICK = """
    SELECT delivery_id, lane_id FROM deliveries
    WHERE state = $1 AND delivery_id > $2 AND delivery_id < $3
    ORDER BY delivery_id LIMIT $4
    FOR UPDATE SKIP LOCKED
"""

DULL = """
    SELECT delivery_id FROM deliveries d
    WHERE delivery_id = ANY($1::uuid[])
        AND (state = 'ignored' OR state = 'done' AND event NOT IN ('INSTALL', 'UNINSTALL'))
        AND NOT EXISTS (SELECT FROM steps WHERE steps.delivery_id = d.delivery_id)
        AND NOT EXISTS (SELECT FROM verdicts WHERE verdicts.delivery_id = d.delivery_id AND held)
        AND NOT EXISTS (SELECT FROM interventions WHERE interventions.delivery_id = d.delivery_id)
"""

SETTLED = """
    SELECT delivery_id FROM deliveries d
    WHERE delivery_id = ANY($1::uuid[]) AND NOT EXISTS (
        SELECT FROM steps WHERE steps.delivery_id = d.delivery_id
            AND state IN ('planned', 'sent', 'waiting', 'unknown', 'parked')
    )
"""

# The words before a colon are the kind, what follows explains it.
COUNT_DULL = """
    INSERT INTO dull_counts AS counts (day, location_id, rule, event, outcome, times)
    SELECT day, location_id, rule, event, outcome, count(*) FROM (
        SELECT (received_at AT TIME ZONE 'UTC')::date AS day, COALESCE(location_id, '') AS location_id, '' AS rule,
            event, split_part(COALESCE(reason, 'no rule held'), ':', 1) AS outcome
        FROM deliveries WHERE delivery_id = ANY($1::uuid[])
        UNION ALL
        SELECT (received_at AT TIME ZONE 'UTC')::date, COALESCE(location_id, ''), rule, event,
            CASE WHEN held IS NULL THEN 'a fact was missing' ELSE 'did not hold' END
        FROM deliveries JOIN verdicts USING (delivery_id) WHERE delivery_id = ANY($1::uuid[])
    ) AS dull
    GROUP BY day, location_id, rule, event, outcome
    ORDER BY day, location_id, rule, event, outcome
    ON CONFLICT (day, location_id, rule, event, outcome) DO UPDATE SET times = counts.times + excluded.times
"""

DROP_CALLS = "DELETE FROM calls WHERE delivery_id = ANY($1::uuid[])"

DROP_KEYS = "DELETE FROM delivery_keys WHERE delivery_id = ANY($1::uuid[])"

DROP_DELIVERIES = "DELETE FROM deliveries WHERE delivery_id = ANY($1::uuid[])"

# A receiver that rings one holds it until its delivery is there; one that comes after makes it anew.
LOCK_LANES = """
    SELECT lane_id FROM lanes WHERE lane_id = ANY($1::uuid[]) AND ready_at IS NULL AND worker IS NULL
    ORDER BY lane_id FOR UPDATE SKIP LOCKED
"""

# In a statement of its own, after they are held: what came meanwhile must be seen.
DROP_LANES = """
    DELETE FROM lanes WHERE lane_id = ANY($1::uuid[])
        AND NOT EXISTS (SELECT FROM deliveries WHERE deliveries.lane_id = lanes.lane_id)
"""

FIRST, LAST = UUID(int=0), UUID(int=(1 << 128) - 1)


class RoundLost(Exception):
    """Another worker keeps now: this one was silent for as long as lies between two rounds."""


@dataclass(frozen=True)
class Ages:
    """The moments before which something may be dropped, by its worth."""

    acted: datetime
    dull: datetime
    ignored: datetime
    keys: datetime

    @classmethod
    def of(cls, settings: Settings, now: datetime) -> "Ages":
        kept = (settings.keep_acted, settings.keep_dull, settings.keep_ignored, settings.keep_keys)
        return cls(*(now - timedelta(days=days) for days in kept))


@dataclass(frozen=True)
class Batch:
    """What one transaction dropped, by kind; `more`: whether the task goes on behind it."""

    more: bool
    dropped: Counter[str] = field(default_factory=Counter)


Task: TypeAlias = Callable[[Connection, Ages], Awaitable[Batch]]


async def claim_round(connection: Connection, worker: str, every: timedelta = ROUND_EVERY) -> bool:
    """Whether a round is due and this worker's to make."""
    return await connection.fetchval(CLAIM_ROUND, worker, every) is not None


async def hold_round(connection: Connection, worker: str) -> None:
    """Keep the round ours to the end of the caller's transaction. Raises RoundLost."""
    if await connection.fetchval(HOLD_ROUND, worker) is None:
        raise RoundLost


async def _ignored(connection: Connection, ages: Ages) -> Batch:
    """With their keys: HighLevel's own retries are over long before, so who posts one again wants it looked at anew."""
    picked = await _pick(connection, "ignored", FIRST, ages.ignored)
    ids = [row["delivery_id"] for row in picked]
    return Batch(len(picked) == BATCH, await _drop(connection, picked, ids, LAST))


async def _dull(connection: Connection, ages: Ages) -> Batch:
    begin = await position(connection, "dull")
    picked = await _pick(connection, "done", begin, ages.dull)
    if not picked:
        return Batch(False)
    await move(connection, "dull", picked[-1]["delivery_id"])
    ids = await ids_of(connection, DULL, [row["delivery_id"] for row in picked])
    return Batch(len(picked) == BATCH, await _drop(connection, picked, ids, first_id(ages.keys)))


def _old(state: str) -> Task:
    # It begins anew each round: what it leaves, somebody still has to look at.
    async def old(connection: Connection, ages: Ages) -> Batch:
        task = f"old {state}"
        picked = await _pick(connection, state, await position(connection, task), ages.acted)
        more = len(picked) == BATCH
        await move(connection, task, picked[-1]["delivery_id"] if more else FIRST)
        ids = await ids_of(connection, SETTLED, [row["delivery_id"] for row in picked])
        return Batch(more, await _drop(connection, picked, ids, first_id(ages.keys)))

    return old


TASKS: Mapping[str, Task] = {
    "ignored": _ignored,
    "dull": _dull,
    "done": _old("done"),
    "failed": _old("failed"),
}
"""Each is called again while it says that there is more; its caller owns the transaction."""


def first_id(moment: datetime) -> UUID:
    """Before every id made from that moment on."""
    return UUID(int=max(0, int(moment.timestamp() * 1000)) << 80)


async def _pick(connection: Connection, state: str, after: UUID, before: datetime) -> Sequence[Mapping[str, Any]]:
    picked: Sequence[Mapping[str, Any]] = await connection.fetch(PICK, state, after, first_id(before), BATCH)
    return picked


async def _drop(
    connection: Connection, picked: Sequence[Mapping[str, Any]], ids: Sequence[UUID], keys_before: UUID
) -> Counter[str]:
    """Drop these of the picked, counted where they are dull, and their lanes where nothing else is in them.

    Their keys go along where they are older than that id."""
    if not ids:
        return Counter()
    dull = await ids_of(connection, DULL, ids)
    await connection.execute(COUNT_DULL, dull)
    dropped = Counter(
        calls=await delete(connection, DROP_CALLS, ids),
        keys=await delete(connection, DROP_KEYS, [each for each in ids if each < keys_before]),
        deliveries=await delete(connection, DROP_DELIVERIES, ids),
        dull=len(dull),
    )
    gone = frozenset(ids)
    theirs = sorted({row["lane_id"] for row in picked if row["delivery_id"] in gone and row["lane_id"]})
    lanes = await ids_of(connection, LOCK_LANES, theirs)
    return dropped + Counter(lanes=await delete(connection, DROP_LANES, lanes))


async def position(connection: Connection, task: str) -> UUID:
    place = await connection.fetchval(POSITION, task)
    return UUID(place) if place else FIRST


async def move(connection: Connection, task: str, place: UUID) -> None:
    await connection.execute(MOVE, task, str(place))


async def ids_of(connection: Connection, statement: str, *values: Any) -> list[UUID]:
    """The first column of what it answers."""
    return [row[0] for row in await connection.fetch(statement, *values)]


async def delete(connection: Connection, statement: str, ids: Sequence[UUID]) -> int:
    return number(await connection.execute(statement, ids)) if ids else 0


def number(answer: str) -> int:
    return int(answer.rpartition(" ")[2])
