"""The worker: rings come by arq, a sweep finds what no ring told of, and lanes that are ready are worked on."""

import asyncio
import contextlib
import os
import random
import socket
import string
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from typing import Any

import arq.worker
import structlog
from arq.worker import Worker, func

from service.queue import AWAY as QUEUE_AWAY
from service.queue import DRAIN, QUEUE, deserialize, redis_settings, serialize
from service.store import calls, lanes
from service.store.database import AWAY, GAVE_WAY, UNFIT
from service.store.deliveries import Unreadable
from service.store.identifiers import new_id
from service.store.lanes import Lane, LeaseLost
from service.store.sealing import Keys
from service.store.work import Work, take
from service.telemetry import Outage, carried_by, working_on
from workers.apply import RulesUnreadable, apply
from workers.commits import Commits
from workers.lease import WRITING, Lease, Leases, elapsed
from workers.record import Record
from workers.surprises import Surprises
from workers.waits import Waits
from workers.workplace import Workplace

log = structlog.get_logger()

SWEEP_EVERY = 0.25
"""Seconds. With the lease it bounds how long after a worker's death its lanes are taken over."""

POLL_DELAY = 0.03

GATHER = 0.01
"""Seconds at most that lanes which are free wait for others to be, so as to be filled together."""

SPARE = 8
"""Of so many lanes that a worker has one is kept for what is not urgent."""

AGAIN_AFTER = timedelta(seconds=1)
"""Until a lane is taken up again that nothing could be done in, through no fault of what is open in it."""

PIVOTS = string.ascii_letters + string.digits
"""What HighLevel's ids are made of."""

READING = "reading"
"""Who meets an outage of the database in the sweep; those who write in it meet it as WRITING."""


class Drainer:
    """Takes up lanes in fair turns and works on them, as many at a time as the settings say."""

    def __init__(self, work: Workplace) -> None:
        self.name = f"{socket.gethostname()}:{os.getpid()}:{new_id().hex[-6:]}"
        self._work = work
        self._keys = Keys.of(work.settings)
        self._commits = Commits(work.pool)
        self._lanes = work.settings.worker_lanes
        self._most = max(1, self._lanes * 3 // 4)
        self._spare = max(1, self._lanes // SPARE) if self._lanes > 1 else 0
        self._at_work: dict[asyncio.Task[None], Lane] = {}
        self._stopping = asyncio.Event()
        self._rung = asyncio.Event()
        self._rings = 0
        self._last: str | None = None
        self._ended = asyncio.Event()
        self._database = Outage("the database is away; the worker waits for it", "the database is back")
        self._leases = Leases(work.pool, self._database)
        self._rules = Outage(
            "this release cannot read the rules in force: deliveries wait until it can, or for one that can",
            "the rules can be read again",
        )
        self._surprises = Surprises(work.tally)

    @property
    def stopping(self) -> bool:
        return self._stopping.is_set()

    async def stop(self) -> None:
        """Take no more lanes; return once every lane at work has finished its step and was given back."""
        self._stopping.set()
        self._rung.set()
        while self._at_work:
            await asyncio.wait(self._at_work)

    def ring(self) -> None:
        """There is work, somebody says."""
        self._rings += 1
        self._rung.set()

    async def sweep(self) -> None:
        """Take up what is ready, when told of it and now and then, until stopped. Survives a database that is away."""
        beside = [asyncio.create_task(run) for run in (self._leases.run(), self._work.breakers.run())]
        try:
            while not self.stopping:
                free = await self._room()
                self._rung.clear()
                if await self._take(free) < free:
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(self._rung.wait(), SWEEP_EVERY)
        finally:
            # Lanes at work need their leases to the end.
            while self._at_work:
                await asyncio.wait(self._at_work)
            for task in beside:
                task.cancel()
            await asyncio.gather(*beside, return_exceptions=True)

    async def _room(self) -> int:
        """How many lanes are free: a good part of them, for many are taken up with the effort of one, or after a moment
        whatever there is, for those at work may take long."""
        until = elapsed() + GATHER
        while (free := self._lanes - len(self._at_work)) < self._lanes // 2 and (not free or elapsed() < until):
            self._ended.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._ended.wait(), GATHER if free else None)
        return free

    async def _take(self, number: int) -> int:
        """Take up so many lanes at most: how many there were, none where the database is away or this worker stops."""
        if self.stopping:
            return 0
        at_work = self._at_work.values()
        busy = Counter(lane.location_id for lane in at_work)
        spare = max(0, self._spare - sum(not lane.urgent for lane in at_work))
        asked_at, rings = elapsed(), self._rings
        try:
            taken = await take(
                self._work.pool,
                self._keys,
                self.name,
                number,
                pivot=self._pivot(),
                busy=busy,
                most=self._most,
                spare=spare,
            )
            self._database.over(READING)
        except AWAY as error:
            self._away(error, READING)
            return 0
        except Exception as error:
            self._surprises.met(error, "the store cannot be read")
            return 0
        self._last = max((each.lane.location_id for each in taken), default=None)
        for each in taken:
            task = asyncio.create_task(self._one_lane(each, asked_at, rings))
            self._at_work[task] = each.lane
            task.add_done_callback(self._done)
        return len(taken)

    def _pivot(self) -> str:
        """Where to go on: behind the last location that was served, or anywhere."""
        return self._last or "".join(random.choices(PIVOTS, k=3))  # noqa: S311

    def _done(self, task: "asyncio.Task[None]") -> None:
        del self._at_work[task]
        self._ended.set()

    async def _one_lane(self, taken: Work, asked_at: float, rings: int) -> None:
        """Work on a lane. Nothing raises past here unrecorded."""
        lane = taken.lane
        lease = Lease(self._work.pool, lane, asked_at, self._commits)
        try:
            with working_on(**lanes.describe(lane)), self._leases.held(lease):
                if lane.taken_over:
                    log.info("took over a lane whose worker said nothing more")
                    self._work.tally.add("leases_taken_over")
                try:
                    await self._work_on(taken, lease)
                except (*GAVE_WAY, *UNFIT):
                    # Else it would be nobody's until the lease ends.
                    lease.discard(but=calls.INSERT)
                    with contextlib.suppress(LeaseLost, *AWAY, *UNFIT):
                        await lease.give_back(AGAIN_AFTER)
                    raise
            self._surprises.over()
            self._database.over(WRITING)
        except LeaseLost as error:
            # Another goes on with it. After an outage, or a while in which this process stood still, each of its lanes
            # is lost: no reason to warn of each.
            log.info("lost a lane to another worker", **carried_by(error))
        except AWAY as error:
            self._away(error, WRITING)
        except Exception as error:
            self._surprises.met(error, "a lane could not be worked on; it is taken up again when its lease ends")
        else:
            if rings != self._rings:
                # What came into the lane meanwhile was rung for when it could not be taken up.
                self._rung.set()

    def _away(self, error: Exception, sufferer: str) -> None:
        if isinstance(error, GAVE_WAY):
            log.debug("gave way to another transaction", error=type(error).__name__)
        else:
            self._database.met(error, sufferer)

    async def _work_on(self, taken: Work, lease: Lease) -> None:
        """Bring the delivery whose turn it is to its end, or as far as it comes now, and give the lane back."""
        delivery = taken.delivery or taken.unreadable
        if delivery is None or delivery.wait:
            return await lease.give_back(delivery.wait if delivery else timedelta())
        if isinstance(delivery, Unreadable):
            with working_on(delivery=delivery.delivery_id):
                return await self._surprises.met_by(delivery, lease, delivery.error)
        record = Record(lease, taken)
        with working_on(delivery=delivery.delivery_id), self._work.tracer.delivery(delivery.delivery_id):
            try:
                await lease.give_back(await self._bring_on(record, taken))
            except (LeaseLost, *AWAY, *UNFIT):
                raise
            except Exception as error:
                return await self._surprises.met_by(delivery, lease, error)
        record.count(self._work.tally)
        return self._work.breakers.stepped(record.ended)

    async def _bring_on(self, record: Record, taken: Work) -> timedelta:
        """How long it must wait by then; neither that nor its end is committed yet."""
        rules = f"{record.delivery.location_id} {record.delivery.rulebook_id}"
        try:
            await apply(self._work, record, taken, lambda: self.stopping)
        except Waits as waits:
            if isinstance(waits, RulesUnreadable):
                self._rules.met(sufferer=rules)
            record.wait(waits.wait, waits.reason, failed=waits.failed)
            return waits.wait
        self._rules.over(rules)
        return timedelta()


async def drain(ctx: dict[str, Any]) -> None:
    """The job that a ring is."""
    ctx["drainer"].ring()


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
