"""Notices: what each channel was told of which alert, and how each channel fares.

A channel is told of an alert once it is due, and once more after the quarter of an hour in which the same is counted,
if more came. At least once: what was on its way when its worker died is told again, under the same number.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from service.store.alerts import TOGETHER, URGENT
from service.store.database import Connection

CLAIM: Final = timedelta(seconds=10)
"""That a channel is one worker's: longer than a post takes."""

OVER: Final = timedelta(days=1)
"""After this long nobody tries to tell of an alert any more."""

FORGOTTEN: Final = 2 * OVER
"""What is older is not even looked for."""

REGISTER = "INSERT INTO channels (channel) VALUES ($1) ON CONFLICT DO NOTHING"

ZONES = "SELECT DISTINCT time_zone FROM locations"

# What is urgent goes first; then what was tried less often, so that one that a channel does not take holds up no other
# of its kind.
NEXT = """
    SELECT a.alert_id, a.location_id, l.name AS location_name, l.time_zone, a.rule, a.kind, a.text, a.delivery_id,
        a.times AS telling, COALESCE(n.told, 0) AS told, a.first_at, a.first_at < now() - $4::interval AS over,
        c.failures
    FROM channels c
    JOIN alerts a ON a.last_at > now() - $5::interval AND a.first_at >= c.since AND a.text <> 'erased'
    LEFT JOIN notices n ON n.alert_id = a.alert_id AND n.channel = c.channel
    LEFT JOIN locations l ON l.location_id = a.location_id
    WHERE c.channel = $1 AND a.times > COALESCE(n.told, 0)
        AND (COALESCE(n.told, 0) = 0 OR a.first_at <= now() - $6::interval)
        AND (a.kind = ANY($2::text[]) OR l.time_zone IS NULL OR l.time_zone = ANY($3::text[]))
        AND (c.claimed_until IS NULL OR c.claimed_until < now() OR c.claim = $7)
        AND (c.again_at IS NULL OR c.again_at <= now())
    ORDER BY a.kind = ANY($2::text[]) DESC, COALESCE(n.tries, 0), a.first_at, a.alert_id LIMIT 1
"""

TAKE = """
    UPDATE channels SET claim = $2, claimed_until = clock_timestamp() + $3::interval
    WHERE channel = $1 AND (claimed_until IS NULL OR claimed_until < now() OR claim = $2)
        AND (again_at IS NULL OR again_at <= now())
    RETURNING true
"""

# What is told under one number stays the same, though more may come meanwhile.
BEGIN = """
    INSERT INTO notices AS kept (alert_id, channel, telling, tries)
    SELECT alert_id, $2, $3, 1 FROM alerts WHERE alert_id = $1 AND text <> 'erased' FOR KEY SHARE
    ON CONFLICT (alert_id, channel) DO UPDATE SET
        telling = COALESCE(kept.telling, excluded.telling), tries = kept.tries + 1
    RETURNING telling
"""

TOLD = """
    UPDATE notices SET told = telling, telling = NULL, tries = 0,
        lost_at = CASE WHEN $3 THEN clock_timestamp() ELSE lost_at END
    WHERE alert_id = $1 AND channel = $2 AND telling IS NOT NULL
"""

WELL = """
    UPDATE channels SET claimed_until = NULL, failures = 0, failure = NULL, again_at = clock_timestamp() + $3::interval
    WHERE channel = $1 AND claim = $2
"""

ILL = """
    UPDATE channels SET claimed_until = NULL, failures = failures + 1, failure = $4, failed_at = clock_timestamp(),
        again_at = clock_timestamp() + $3::interval
    WHERE channel = $1 AND claim = $2
"""

LEFT = "UPDATE channels SET claimed_until = NULL WHERE channel = $1 AND claim = $2"

TROUBLES = """
    SELECT channel, failure, failed_at, COALESCE(lost.number, 0) AS lost
    FROM (SELECT channel, failure, failed_at FROM channels WHERE failed_at > now() - interval '1 day') AS ill
    FULL JOIN (
        SELECT channel, count(*)::int AS number FROM notices WHERE lost_at > now() - interval '1 day' GROUP BY channel
    ) AS lost USING (channel)
    WHERE failure IS NOT NULL OR lost.number > 0 ORDER BY channel
"""


@dataclass(frozen=True)
class Notice:
    """What a channel is to be told of an alert: that it was raised `telling` times, of which it knows `told`. `over`:
    it is too old for that; `failures`: how often in a row the channel took nothing."""

    alert_id: UUID
    location_id: str
    location_name: str | None
    time_zone: str | None
    rule: str
    kind: str
    text: str
    delivery_id: UUID | None
    telling: int
    told: int
    first_at: datetime
    over: bool = False
    failures: int = 0

    @property
    def number(self) -> str:
        """The same at every try of the same words."""
        return f"{self.alert_id}-{self.telling}"


@dataclass(frozen=True)
class Trouble:
    """A channel that takes nothing (`failure`: why), or that could not be told of `lost` alerts within a day."""

    channel: str
    failure: str | None
    failed_at: datetime | None
    lost: int


async def register(connection: Connection, channel: str) -> None:
    """From now on it is told of what is raised."""
    await connection.execute(REGISTER, channel)


async def zones(connection: Connection) -> list[str]:
    """Of all locations."""
    return [row["time_zone"] for row in await connection.fetch(ZONES)]


async def due(connection: Connection, channel: str, awake: Sequence[str], worker: UUID) -> Notice | None:
    """What it is to be told of now, if anything; `awake` are the zones in which it is day."""
    row = await connection.fetchrow(NEXT, channel, list(URGENT), list(awake), OVER, FORGOTTEN, TOGETHER, worker)
    return None if row is None else Notice(**row)


async def take(connection: Connection, channel: str, awake: Sequence[str], worker: UUID) -> Notice | None:
    """The same, which this worker is about to tell, and no other meanwhile. The caller owns the transaction."""
    if not await connection.fetchval(TAKE, channel, worker, CLAIM):
        return None
    notice = await due(connection, channel, awake, worker)
    telling = await connection.fetchval(BEGIN, notice.alert_id, channel, notice.telling) if notice else None
    if notice is None or telling is None:
        await connection.execute(LEFT, channel, worker)
        return None
    return replace(notice, telling=telling)


async def told(connection: Connection, channel: str, worker: UUID, notice: Notice, rest: timedelta) -> None:
    """It was; the next goes there after a rest."""
    await connection.execute(TOLD, notice.alert_id, channel, False)
    await connection.execute(WELL, channel, worker, rest)


async def not_told(connection: Connection, channel: str, worker: UUID, why: str, pause: timedelta) -> None:
    """Nothing goes there for a while."""
    await connection.execute(ILL, channel, worker, pause, why)


async def lose(connection: Connection, channel: str, worker: UUID, notice: Notice) -> None:
    """Nobody tries any more to tell of it."""
    await connection.execute(TOLD, notice.alert_id, channel, True)
    await connection.execute(LEFT, channel, worker)


async def troubles(connection: Connection) -> list[Trouble]:
    """Those of the last day."""
    return [Trouble(**row) for row in await connection.fetch(TROUBLES)]
