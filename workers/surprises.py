"""Surprises: errors that nobody thought of. They are told, and a delivery that met one comes back a few times."""

from datetime import timedelta

import structlog

from service import telemetry
from service.store import calls, conduct, deliveries, steps
from service.store.database import UNFIT
from service.store.deliveries import Delivery, Unreadable
from service.telemetry import Tally
from workers.lease import Lease

log = structlog.get_logger()

MOST = 5
"""On one delivery before it is given up, so that its lane can go on."""

UNMIGRATED = "the database lacks this version's schema: run slotwright migrate"


class Surprises:
    """Of one worker."""

    def __init__(self, tally: Tally) -> None:
        self._tally = tally
        self._told: set[type[Exception]] = set()

    def over(self) -> None:
        """A lane was brought through."""
        self._told.clear()

    def met(self, error: Exception, words: str) -> None:
        """Tell of what no delivery is to blame for: once, until a lane is brought through."""
        news = type(error) not in self._told
        self._told.add(type(error))
        if news or not isinstance(error, UNFIT):
            self._tally.add("unexpected_errors", role="work")
        if news:
            log.error(UNMIGRATED if isinstance(error, UNFIT) else words, error=type(error).__name__, exc_info=error)
            telemetry.report(error)

    async def met_by(self, delivery: Delivery | Unreadable, lease: Lease, error: Exception) -> None:
        """Say so, and give the lane back: the delivery is taken up again after a while, or has failed.

        What was noted and not committed is forgotten. What was committed stays as it is: decided once, and perhaps
        sent. So it is not written from what this worker remembers, and nothing of it has to be readable.
        """
        log.error("unexpected error", error=type(error).__name__, exc_info=error)
        telemetry.report(error)
        self._tally.add("unexpected_errors", role="work")
        lease.discard(but=calls.INSERT)
        reason = f"an unexpected {type(error).__name__}; the log has more"
        if delivery.surprises + 1 < MOST:
            after = timedelta(seconds=2**delivery.surprises)
            lease.note(deliveries.put_off(delivery, after, reason))
            return await lease.give_back(after)
        async with lease.transaction() as connection:
            closed = await steps.give_up(connection, delivery.delivery_id)
            await conduct.give_back(connection, [delivery.delivery_id])
            await deliveries.give_up(connection, delivery, reason)
        for action, state in closed:
            self._tally.add("steps", action=action, state=state)
        self._tally.add("deliveries", outcome="failed")
        return await lease.give_back()
