"""The shared rate limit: one script in Valkey for each step, by Valkey's clock; on its own while Valkey is away."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from importlib.resources import files
from types import TracebackType
from typing import Any, Self, TypeVar

from redis.asyncio import ConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from service.highlevel.books import SECOND, Allowance
from service.highlevel.limits import Limits
from service.highlevel.local_rate_limit import LocalRateLimit
from service.highlevel.rate_limit import Grant, Wait
from service.highlevel.turns import Turns
from service.telemetry import Outage

SCRIPT = files("service.rate_limit").joinpath("books.lua").read_text(encoding="utf-8")
PREFIX = "slotwright:calls"

ReplyT = TypeVar("ReplyT")

PATIENCE = 0.5
"""Seconds that Valkey may take to connect, and to answer."""
MEMORY = 1.0
"""Seconds after which it is looked whether Valkey is back; by one call, the others do not wait for it."""
CONNECTIONS = 8

AWAY = (RedisError, OSError, TimeoutError)


class Ledger:
    """The script, as a function of its step. Raises what is in AWAY."""

    def __init__(self, redis: Redis, allowance: Allowance) -> None:
        # Knows what to do when a restarted server does not know the script.
        self._script: Callable[..., Awaitable[Any]] = redis.register_script(SCRIPT)
        self._allowance = [
            allowance.calls,
            round(allowance.interval * SECOND),
            allowance.day,
            allowance.kept,
            round(allowance.longest * SECOND),
        ]

    async def take(self, location: str, *, urgent: bool, now: int | None = None) -> Grant | Wait:
        """`now`, in microseconds: the moment, where it is not Valkey's own time."""
        ticket, wait = await self._run("take", location, now, int(urgent))
        return Grant(ticket.decode()) if ticket else Wait(wait / SECOND)

    async def answered(self, location: str, grant: Grant, limits: Limits | None, *, now: int | None = None) -> None:
        await self._run("answered", location, now, grant.ticket, None, *_said(limits))

    async def refused(
        self, location: str, grant: Grant, limits: Limits | None, retry_after: float | None, *, now: int | None = None
    ) -> None:
        pause = None if retry_after is None else round(retry_after * SECOND)
        await self._run("refused", location, now, grant.ticket, pause, *_said(limits))

    async def unsent(self, location: str, grant: Grant, *, now: int | None = None) -> None:
        await self._run("unsent", location, now, grant.ticket)

    async def _run(self, step: str, location: str, now: int | None, *told: str | int | None) -> Any:
        # The braces keep both keys on one node of a cluster.
        keys = (f"{PREFIX}:{{{location}}}", f"{PREFIX}:{{{location}}}:state")
        words = (step, now, *self._allowance, *told)
        return await self._script(keys, ["" if word is None else word for word in words])


class SharedRateLimit:
    """One budget for each location, whichever process calls.

    While Valkey is away each process grants its part: the calls divided by `processes`. It keeps its own books all the
    time, so that it knows then what it has just sent and what the answers said. Opens its own connections to `url`;
    close it (`async with`).
    """

    def __init__(
        self,
        url: str,
        allowance: Allowance | None = None,
        *,
        processes: int = 1,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        allowance = allowance or Allowance()
        self._redis: Redis = Redis(
            connection_pool=ConnectionPool.from_url(
                url, socket_timeout=PATIENCE, socket_connect_timeout=PATIENCE, retry=Retry(NoBackoff(), 0)
            )
        )
        self._few = asyncio.Semaphore(CONNECTIONS)
        self._ledger = Ledger(self._redis, allowance)
        self._local = LocalRateLimit(allowance, processes=processes, clock=clock)
        self._turns = Turns(self._ask, allowance.interval / allowance.calls)
        self._clock = clock
        self._outage = Outage(
            "the rate limit is kept by each process for itself: Valkey is away", "the rate limit is shared again"
        )
        self._look_at = 0.0

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        await self._redis.aclose(close_connection_pool=True)

    async def take(self, location: str, *, urgent: bool, within: float) -> Grant | Wait:
        return await self._turns.take(location, urgent=urgent, within=within)

    async def answered(self, location: str, grant: Grant, limits: Limits | None) -> None:
        await self._local.answered(location, grant, limits)
        await self._shared(lambda: self._ledger.answered(location, grant, limits))

    async def refused(self, location: str, grant: Grant, limits: Limits | None, retry_after: float | None) -> None:
        await self._local.refused(location, grant, limits, retry_after)
        await self._shared(lambda: self._ledger.refused(location, grant, limits, retry_after))

    async def unsent(self, location: str, grant: Grant) -> None:
        await self._local.unsent(location, grant)
        await self._shared(lambda: self._ledger.unsent(location, grant))

    async def _ask(self, location: str, urgent: bool) -> Grant | Wait:
        leave = await self._shared(lambda: self._ledger.take(location, urgent=urgent), looks=True)
        if leave is None:
            return await self._local.ask(location, urgent)
        if isinstance(leave, Grant):
            self._local.note(location, leave)
        return leave

    async def _shared(self, step: Callable[[], Awaitable[ReplyT]], *, looks: bool = False) -> ReplyT | None:
        """None while Valkey is away; who `looks` finds out now and then whether it still is."""
        async with self._few:
            if self._outage:
                if not looks or self._clock() < self._look_at:
                    return None
                self._look_at = self._clock() + MEMORY
            try:
                reply = await step()
            except AWAY as error:
                self._look_at = self._clock() + MEMORY
                self._outage.met(error)
                return None
            self._outage.over()
            return reply


def _said(limits: Limits | None) -> tuple[int | None, ...]:
    if limits is None:
        return ()
    return (
        limits.burst_left,
        limits.burst_limit,
        limits.day_left,
        limits.day_limit,
        None if limits.interval is None else limits.interval * 1000,
        None if limits.day_reset is None else limits.day_reset * 1000,
    )
