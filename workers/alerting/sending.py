"""Sending: each channel is told of what is due, one alert after the other, by one worker at a time."""

import asyncio
from uuid import UUID

import structlog

from service.outgoing.errors import OutgoingError
from service.store import notices
from service.store.identifiers import new_id
from service.store.notices import Notice
from service.telemetry import Outage
from workers.alerting.channels import Channel, channels
from workers.alerting.words import awake
from workers.pauses import pause
from workers.rounds import rounds
from workers.workplace import Workplace

log = structlog.get_logger()

LOOK_EVERY = 1.0
"""Seconds. It bounds how long an urgent alert takes to be sent."""

PATIENCE = 5.0


async def run(work: Workplace) -> None:
    """Until cancelled; survives whatever happens."""
    worker = new_id()
    async with asyncio.TaskGroup() as group:
        for channel in channels(work):
            sender = Sender(work, channel, worker)
            unexpected = Outage("cannot look which alerts to send", "looks which alerts to send again")
            group.create_task(rounds(sender.look, LOOK_EVERY, unexpected))
        # Without a channel too: what ends by itself ends the worker.
        group.create_task(asyncio.Event().wait())


class Sender:
    """Tells one channel."""

    def __init__(self, work: Workplace, channel: Channel, worker: UUID) -> None:
        self._work = work
        self._channel = channel
        self._name = channel.name
        self._worker = worker
        self._registered = False
        self._outage = Outage(f"alerts are not taken by {self._name}", f"alerts are taken by {self._name} again")

    async def look(self) -> None:
        """Tell of all that is due, as far as the channel takes it now."""
        while (notice := await self._next()) is not None:
            await (self._lose(notice) if notice.over else self._tell(notice))

    async def _next(self) -> Notice | None:
        async with self._work.pool.acquire(timeout=PATIENCE) as connection:
            if not self._registered:
                await notices.register(connection, self._name)
                self._registered = True
            zones = awake(await notices.zones(connection), self._work.clock())
            # Whoever finds nothing writes nothing.
            if await notices.due(connection, self._name, zones, self._worker) is None:
                return None
            async with connection.transaction():
                return await notices.take(connection, self._name, zones, self._worker)

    async def _tell(self, notice: Notice) -> None:
        try:
            await self._channel.tell(notice)
        except OutgoingError as error:
            await self._not_told(notice, error)
        else:
            async with self._work.pool.acquire(timeout=PATIENCE) as connection, connection.transaction():
                await notices.told(connection, self._name, self._worker, notice, self._channel.rest)
            self._count("sent")
            self._outage.over()

    async def _not_told(self, notice: Notice, error: OutgoingError) -> None:
        self._count("failed")
        self._outage.met()
        log.info("alert not sent", channel=self._name, alert=str(notice.alert_id), reason=str(error))
        async with self._work.pool.acquire(timeout=PATIENCE) as connection, connection.transaction():
            await notices.not_told(connection, self._name, self._worker, str(error), pause(error, notice.failures))
            if not error.retry:
                await notices.lose(connection, self._name, self._worker, notice)
        if not error.retry:
            self._lost(notice)

    async def _lose(self, notice: Notice) -> None:
        async with self._work.pool.acquire(timeout=PATIENCE) as connection, connection.transaction():
            await notices.lose(connection, self._name, self._worker, notice)
        self._lost(notice)

    def _lost(self, notice: Notice) -> None:
        log.warning("an alert was given up", channel=self._name, alert=str(notice.alert_id))
        self._count("given_up")

    def _count(self, outcome: str) -> None:
        self._work.tally.add("alerts_sent", channel=self._channel.kind, outcome=outcome)
