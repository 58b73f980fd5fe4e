"""Connecting that is under way: what was asked of HighLevel, found again by the state that its answer carries."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from service.highlevel.oauth import UserType
from service.store.database import Connection

GOOD_FOR = timedelta(minutes=10)
KEPT_FOR = timedelta(days=1)
"""So that it can be told why one is good no more."""


class StateRefused(Exception):
    """The state is none of ours, was used, or is too old: which of these, in words for whoever came with it."""

    def __init__(self, words: str, used_at: datetime | None = None) -> None:
        super().__init__(words)
        self.used_at = used_at


@dataclass(frozen=True)
class Asked:
    """What was asked for. `time_zone` is what somebody chose for the location, whatever HighLevel says."""

    user_type: UserType
    redirect_url: str
    time_zone: str | None


BEGIN = """
    WITH old AS (DELETE FROM connecting WHERE asked_at < clock_timestamp() - $5::interval)
    INSERT INTO connecting (state, asked_at, user_type, redirect_url, time_zone)
    VALUES ($1, clock_timestamp(), $2, $3, $4)
"""

# One statement: of two that come with the same state, one gets it. Its age is by the database's clock: whoever asks
# and the console may be two machines.
USE = """
    UPDATE connecting SET used_at = clock_timestamp()
    WHERE state = $1 AND used_at IS NULL AND asked_at > clock_timestamp() - $2::interval
    RETURNING user_type, redirect_url, time_zone
"""

WHY_NOT = "SELECT used_at FROM connecting WHERE state = $1"


async def begin(connection: Connection, state: str, asked: Asked) -> None:
    """Expect HighLevel's answer, with this state, for GOOD_FOR. Only a digest of the state is kept."""
    await connection.execute(BEGIN, _digest(state), asked.user_type, asked.redirect_url, asked.time_zone, KEPT_FOR)


async def use(connection: Connection, state: str) -> Asked:
    """What was asked for with this state, which is good no more after this. Raises StateRefused."""
    row = await connection.fetchrow(USE, _digest(state), GOOD_FOR)
    if row is not None:
        return Asked(**row)
    known = await connection.fetchrow(WHY_NOT, _digest(state))
    if known is None:
        raise StateRefused("Nobody here has asked for this.")
    minutes = GOOD_FOR // timedelta(minutes=1)
    if known["used_at"] is not None:
        raise StateRefused("This was answered before.", known["used_at"])
    raise StateRefused(f"It took longer than {minutes} minutes.")


def _digest(state: str) -> bytes:
    return sha256(state.encode(errors="surrogateescape")).digest()
