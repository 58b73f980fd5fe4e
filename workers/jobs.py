"""The worker: rings come by arq, a sweep finds what no ring told of, and either drains the lanes that are ready."""

import asyncio
import contextlib
import os
import socket
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import arq.worker
import structlog
from arq.worker import Worker, func

from service import telemetry
from service.queue import AWAY as QUEUE_AWAY
from service.queue import DRAIN, QUEUE, deserialize, redis_settings, serialize
from service.store import deliveries, lanes
from service.store.database import AWAY, GAVE_WAY, UNFIT
from service.store.deliveries import Delivery
from service.store.identifiers import new_id
from service.store.lanes import Lane, LeaseLost
from service.telemetry import Outage, carried_by, working_on
from workers.apply import RulesUnreadable, apply, finish
from workers.lease import WRITING, Lease, elapsed
from workers.run import Waits
from workers.workplace import Workplace

log = structlog.get_logger()

SWEEP_EVERY = 0.25
"""Seconds. With the lease it bounds how long after a worker's death its lanes are taken over."""

POLL_DELAY = 0.03
DRAIN_AT_MOST = 30.0
MOST_UNEXPECTED = 5
"""Unexpected errors on one delivery before it is given up, so that its lane can go on."""

AGAIN_AFTER = timedelta(seconds=1)
"""Until a lane is taken up again that nothing could be done in, through no fault of what is open in it."""

UNMIGRATED = "the database lacks this version's schema: run slotwright migrate"

READING = "reading"
"""Who meets an outage of the database in the sweep; those who write in it meet it as WRITING."""


class Drainer:
    """Claims lanes and works on them, as many at a time as the settings say."""

    def __init__(self, work: Workplace) -> None:
        self.name = f"{socket.gethostname()}:{os.getpid()}:{new_id().hex[-6:]}"
        self._work = work
        self._free = asyncio.Semaphore(work.settings.worker_lanes)
        self._working = 0
        self._stopping = asyncio.Event()
        self._quiet = asyncio.Event()
        self._quiet.set()
        self._drains: set[asyncio.Task[None]] = set()
        self._database = Outage("the database is away; the worker waits for it", "the database is back")
        self._rules = Outage(
            "this release cannot read the rules in force: deliveries wait until it can, or for one that can",
            "the rules can be read again",
        )
        self._told: set[type[Exception]] = set()

    @property
    def stopping(self) -> bool:
        return self._stopping.is_set()

    async def stop(self) -> None:
        """Take no more lanes; return once every lane at work has finished its step and was given back."""
        self._stopping.set()
        await self._quiet.wait()

    def start_drain(self) -> asyncio.Task[None]:
        """A drain that nobody's cancellation ends: arq cancels its jobs when Valkey goes away."""
        task = asyncio.create_task(self.drain())
        self._drains.add(task)
        task.add_done_callback(self._drains.discard)
        return task

    async def drain(self) -> None:
        """Work on ready lanes until there are none, or for a while: the sweep goes on with the rest."""
        until = time.monotonic() + DRAIN_AT_MOST
        while not self.stopping and time.monotonic() < until:
            async with self._at_work():
                if self.stopping or not await self._one_lane():
                    return

    async def sweep(self) -> None:
        """Find what was never told, until stopped. Survives a database that is away."""
        while not self.stopping:
            try:
                async with self._work.pool.acquire(timeout=5) as connection:
                    ready = await lanes.any_ready(connection)
                self._database.over(READING)
            except AWAY as error:
                ready = False
                self._away(error, READING)
            except Exception as error:
                ready = False
                self._surprised(error, "the store cannot be read")
            # Whether what could not be written can be again shows only to who tries.
            if (ready or (self._database and not self._drains)) and len(
                self._drains
            ) < self._work.settings.worker_lanes:
                self.start_drain()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), SWEEP_EVERY)

    @contextlib.asynccontextmanager
    async def _at_work(self) -> AsyncIterator[None]:
        async with self._free:
            self._working += 1
            self._quiet.clear()
            try:
                yield
            finally:
                self._working -= 1
                if self._working == 0:
                    self._quiet.set()

    async def _one_lane(self) -> bool:
        """Claim a lane and work on it; False when there was none. Nothing raises past here unrecorded."""
        asked_at = elapsed()
        try:
            async with self._work.pool.acquire(timeout=5) as connection:
                lane = await lanes.claim(connection, self.name)
            self._database.over(WRITING)
            if lane is None:
                return False
            with working_on(**lanes.describe(lane)):
                if lane.taken_over:
                    log.info("took over a lane whose worker said nothing more")
                    self._work.tally.add("leases_taken_over")
                async with Lease(self._work.pool, lane, asked_at, self._database).renewed() as lease:
                    try:
                        await self._work_on(lane, lease)
                    except (*GAVE_WAY, *UNFIT):
                        # Else it would be nobody's until the lease ends.
                        with contextlib.suppress(LeaseLost, *AWAY, *UNFIT):
                            await lease.give_back(AGAIN_AFTER)
                        raise
            self._told.clear()
        except LeaseLost as error:
            # Another goes on with it. After an outage, or a while in which this process stood still, each of its lanes
            # is lost: no reason to warn of each.
            log.info("lost a lane to another worker", **carried_by(error))
        except AWAY as error:
            self._away(error, WRITING)
            await asyncio.sleep(SWEEP_EVERY)
        except Exception as error:
            self._surprised(error, "a lane could not be worked on; it is taken up again when its lease ends")
            await asyncio.sleep(1)
        return True

    def _away(self, error: Exception, sufferer: str) -> None:
        if isinstance(error, GAVE_WAY):
            log.debug("gave way to another transaction", error=type(error).__name__)
        else:
            self._database.met(error, sufferer)

    def _surprised(self, error: Exception, words: str) -> None:
        """Tell of what no delivery is to blame for: once, until a lane is brought through."""
        news = type(error) not in self._told
        self._told.add(type(error))
        if news or not isinstance(error, UNFIT):
            self._work.tally.add("unexpected_errors", role="work")
        if news:
            log.error(UNMIGRATED if isinstance(error, UNFIT) else words, error=type(error).__name__, exc_info=error)
            telemetry.report(error)

    async def _work_on(self, lane: Lane, lease: Lease) -> None:
        """Bring the lane's deliveries to their end, one after the other, and give it back."""
        while not self.stopping:
            async with self._work.pool.acquire() as connection:
                delivery = await deliveries.next_open(connection, lane.lane_id)
            if delivery is None:
                break
            if delivery.wait:
                return await lease.give_back(delivery.wait)
            delivery_id = delivery.delivery_id
            rules = f"{delivery.location_id} {delivery.rulebook_id}"
            with working_on(delivery=delivery_id), self._work.tracer.delivery(delivery_id):
                try:
                    await apply(self._work, lease, delivery, lambda: self.stopping)
                    self._rules.over(rules)
                except Waits as waits:
                    if isinstance(waits, RulesUnreadable):
                        self._rules.met(sufferer=rules)
                    return await self._wait(lease, delivery, waits)
                except (LeaseLost, *AWAY, *UNFIT):
                    raise
                except Exception as error:
                    return await self._unexpected(lease, delivery, error)
        return await lease.give_back()

    async def _wait(self, lease: Lease, delivery: Delivery, waits: Waits) -> None:
        async with lease.transaction() as connection:
            await deliveries.wait(connection, delivery.delivery_id, waits.wait, waits.reason, failed=waits.failed)
        await lease.give_back(waits.wait)

    async def _unexpected(self, lease: Lease, delivery: Delivery, error: Exception) -> None:
        """Record it; come back to the delivery a few times, then give it up so that its lane can go on."""
        log.error("unexpected error", error=type(error).__name__, exc_info=error)
        telemetry.report(error)
        self._work.tally.add("unexpected_errors", role="work")
        reason = f"an unexpected {type(error).__name__}; the log has more"
        if delivery.surprises + 1 < MOST_UNEXPECTED:
            after = timedelta(seconds=2**delivery.surprises)
            async with lease.transaction() as connection:
                await deliveries.wait(connection, delivery.delivery_id, after, reason, surprised=True)
            return await lease.give_back(after)
        await finish(self._work, lease, delivery, "failed", reason)
        return await lease.give_back()


async def drain(ctx: dict[str, Any]) -> None:
    """The job that a ring is."""
    await asyncio.shield(ctx["drainer"].start_drain())


async def listen(drainer: Drainer, work: Workplace) -> None:
    """Answer rings until cancelled. Valkey may go away and come back: arq's worker is made anew."""
    outage = Outage("no rings: Valkey is away, the sweep goes on", "rings come again: Valkey is back")

    async def connected(_: dict[str, Any]) -> None:
        outage.over()

    # arq would say of each attempt to connect that it failed; we try for ever, and say it once.
    settings = replace(redis_settings(work.settings.redis_url), conn_retries=0)
    while True:
        worker: Worker | None = None
        try:
            # By its module's name: that is where Sentry puts its own, to see what a job raises.
            worker = arq.worker.create_worker(
                {},
                functions=[func(drain, name=DRAIN, keep_result=0, max_tries=1)],
                redis_settings=settings,
                on_startup=connected,
                queue_name=QUEUE,
                handle_signals=False,
                poll_delay=POLL_DELAY,
                max_jobs=work.settings.worker_lanes,
                job_timeout=3600,
                health_check_interval=3600,
                ctx={"drainer": drainer},
                job_serializer=serialize,
                job_deserializer=deserialize,
            )
            await worker.async_run()
        except QUEUE_AWAY as error:
            outage.met(error)
        finally:
            if worker is not None:
                with contextlib.suppress(*QUEUE_AWAY, asyncio.CancelledError):
                    await _close(worker)
        await asyncio.sleep(0.5)


async def _close(worker: Worker) -> None:
    """arq leaves its connections open where what it waits for at its end goes wrong."""
    try:
        await worker.close()
    finally:
        if worker.pool is not None:
            await worker.pool.aclose(close_connection_pool=True)
