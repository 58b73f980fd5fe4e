"""The loop that looks through each location when it is due: one worker a location, a few locations at a time."""

import asyncio
import contextlib
import os
import random
import socket
from datetime import timedelta

import structlog

from service.highlevel.call import Call
from service.highlevel.errors import HighLevelError
from service.highlevel.operation import Operation, ReplyT
from service.store import locations, reconcilers, reconciliations
from service.store.database import AWAY
from service.store.identifiers import new_id
from service.store.locations import TokenUnreadable
from service.store.reconcilers import Claim, ClaimLost
from service.store.sealing import Keys
from service.telemetry import Outage, report, working_on
from workers.client import client
from workers.pauses import pause
from workers.reconciliation.findings import Findings, Remembered, lay_again
from workers.reconciliation.pace import Pace
from workers.reconciliation.passes import Pass
from workers.reconciliation.progress import Progress
from workers.workplace import Workplace

log = structlog.get_logger()

LOOK_EVERY = 5.0
"""Seconds between two looks for locations that are due."""

AT_ONCE = 8
"""Locations that a worker looks through at the same time: most of it is waiting for the share's next call."""

SPREAD = timedelta(minutes=1)
"""Within which those begin that were never looked through."""

JITTER = 0.1
"""Of the interval: locations that began together come apart."""

REFUSED_WAIT = timedelta(minutes=15)
"""Until a location is tried again whose token was refused, or that met an error that nobody thought of."""

TOO_OLD = 3600.0
"""Seconds after which a pass that came to a stop begins anew."""


class HeldBack(Exception):
    """Calls of the location are held back by now."""


class Paced:
    """An Api whose calls go out at a pass's pace, and only while the location is ours and nothing holds it back.
    Raises ClaimLost and HeldBack."""

    def __init__(self, work: Workplace, claim: Claim, location: locations.Location, pace: Pace) -> None:
        self._work, self._claim, self._pace = work, claim, pace
        self._answered = claim.failures == 0
        self._api = client(
            work.settings,
            work.session,
            work.tokens.of(location),
            location=location.location_id,
            rate_limit=work.rate_limit,
            record=self._record,
        )

    async def __call__(self, operation: Operation[ReplyT], /) -> ReplyT:
        await self._pace.before()
        async with self._work.pool.acquire() as connection:
            await reconcilers.hold(connection, self._claim)
            if await reconcilers.held_back(connection, self._claim.location_id):
                raise HeldBack
        return await self._api(operation)

    async def _record(self, call: Call) -> None:
        self._pace.spent(call.limits)
        self._answered = self._answered or (call.status is not None and call.status < 500)
        if self._answered:
            # A list that fails again and again is no reason to hold back all that the location has to do.
            self._work.breakers.heard(self._claim.location_id, call.status)
        self._work.tally.call(call.operation, call.status, call.milliseconds / 1000)


async def watch(work: Workplace, remembered: Remembered = lay_again, *, look_every: float = LOOK_EVERY) -> None:
    """Look through every location now and then, until cancelled; where the interval is 0, when somebody asks for it.

    `remembered` is told, in the transaction that remembers it, of each booking that is known from then on without a
    delivery: at the first pass over a location, and where bookings of before it was connected come within reach.
    """
    outage = Outage("cannot look for what no webhook told", "looks for what no webhook told again")
    worker = f"{socket.gethostname()}:{os.getpid()}:{new_id().hex[-6:]}"
    running: set[asyncio.Task[None]] = set()
    try:
        while True:
            await asyncio.sleep(look_every)
            try:
                while len(running) < AT_ONCE and (claim := await next_due(work, worker)):
                    task = asyncio.create_task(look_through(work, claim, remembered))
                    running.add(task)
                    task.add_done_callback(running.discard)
            except Exception as error:
                # Whatever it is, it must not end what runs beside it.
                outage.met(error)
            else:
                outage.over()
    finally:
        for task in running:
            task.cancel()
        if running:
            await asyncio.wait(running)


async def take_up(work: Workplace, remembered: Remembered = lay_again, *, worker: str = "") -> int:
    """Look through all locations that are due, one after the other; how many those were."""
    done = 0
    while claim := await next_due(work, worker or new_id().hex):
        await look_through(work, claim, remembered)
        done += 1
    return done


async def next_due(work: Workplace, worker: str) -> Claim | None:
    """A location that is due, which is this worker's from then on."""
    off = work.settings.reconcile_every == 0
    async with work.pool.acquire(timeout=LOOK_EVERY) as connection:
        if not off:
            await reconcilers.ensure(connection, min(SPREAD, timedelta(seconds=work.settings.reconcile_every)))
        return await reconcilers.claim(connection, worker, only_asked=off)


async def look_through(
    work: Workplace, claim: Claim, remembered: Remembered = lay_again, pace: Pace | None = None
) -> None:
    """One pass, or as much of it as can be had now; nothing raises past here unrecorded."""
    pace = pace or Pace(work.settings.reconcile_share)
    with working_on(location=claim.location_id):
        try:
            await _look_through(work, claim, remembered, pace)
        except ClaimLost:
            log.info("another worker looks through the location, or it is not registered any more")
        except HeldBack:
            log.info("a pass over a location waits for what holds the location back")
            await _rest(work, claim, timedelta(), None, failed=False)
        except HighLevelError as error:
            wait = pause(error, claim.failures) if error.retry else REFUSED_WAIT
            log.info("a pass over a location has to wait", error=type(error).__name__, status=error.status)
            await _rest(work, claim, wait, str(error))
        except TokenUnreadable:
            await _rest(work, claim, REFUSED_WAIT, "SECRET_KEY does not open this location's token")
        except asyncio.CancelledError:
            await _rest(work, claim, timedelta(), None, failed=False)
            raise
        except AWAY as error:
            # Its claim ends by itself.
            log.info("a pass over a location was left", error=type(error).__name__)
        except Exception as error:
            log.error("unexpected error", error=type(error).__name__, exc_info=error)
            report(error)
            work.tally.add("unexpected_errors", role="work")
            await _rest(work, claim, REFUSED_WAIT, f"an unexpected {type(error).__name__}; the log has more")


async def _look_through(work: Workplace, claim: Claim, remembered: Remembered, pace: Pace) -> None:
    async with work.pool.acquire() as connection:
        location = await locations.find(connection, Keys.of(work.settings), claim.location_id)
    if location is None:
        raise ClaimLost(claim.location_id)
    progress = None if claim.progress is None else Progress.model_validate(claim.progress)
    if progress is not None and progress.too_old(work.clock(), TOO_OLD):
        progress = None
    api = Paced(work, claim, location, pace)
    findings = Findings(work, location, claim, remembered)
    found = await Pass(work, location, claim, api, findings, progress).run()
    every = work.settings.reconcile_every * (1 + JITTER * (2 * random.random() - 1))  # noqa: S311
    async with work.pool.acquire() as connection:
        await reconciliations.forget(connection, claim.location_id)
        await reconcilers.finish(
            connection, claim, timedelta(seconds=every), found.model_dump(mode="json"), found.remembered
        )
    log.info("looked through a location", **found.model_dump(exclude={"blocks_gone", "skipped"}))


async def _rest(work: Workplace, claim: Claim, after: timedelta, failure: str | None, *, failed: bool = True) -> None:
    with contextlib.suppress(*AWAY):
        async with work.pool.acquire(timeout=LOOK_EVERY) as connection:
            await reconcilers.rest(connection, claim, after, failure, failed=failed)
