"""What a worker works with: the store, HighLevel, the clock, and the rulebooks it has read."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from uuid import UUID

import aiohttp

from service.access.tokens import TokenKeeper
from service.highlevel.call import Call
from service.highlevel.client import HighLevel
from service.highlevel.local_rate_limit import LocalRateLimit
from service.highlevel.rate_limit import RateLimit
from service.settings import Settings
from service.store import calls, rulebooks
from service.store.database import Pool
from service.store.deliveries import Delivery
from service.store.locations import Location
from service.store.rulebooks import StoredRulebook
from service.telemetry import Tally
from service.telemetry.tally import Budget
from service.telemetry.traces import NoTracer, Tracer
from workers import rulebook
from workers.client import client
from workers.rulebook import Rulebook

MOST_READ = 100


@dataclass(frozen=True)
class Workplace:
    settings: Settings
    pool: Pool
    session: aiohttp.ClientSession
    clock: Callable[[], datetime]
    tally: Tally = field(default_factory=Tally)
    tracer: Tracer = field(default_factory=NoTracer)
    rate_limit: RateLimit = field(default_factory=LocalRateLimit)
    _read: dict[UUID, Rulebook] = field(default_factory=dict)

    @property
    def settle_after(self) -> timedelta:
        """How long a write that was sent may still be under way at HighLevel: longer than we wait for its answer."""
        return timedelta(seconds=self.settings.settle_after)

    @cached_property
    def tokens(self) -> TokenKeeper:
        """Of every location: one keeper, so that each token is refreshed once at a time."""
        return TokenKeeper(self.settings, self.pool, self.session, self.clock)

    def client(self, location: Location, delivery: Delivery, step_id: UUID | None = None) -> HighLevel:
        """An Api for this location, whose calls are kept with the delivery and the step they were made for."""

        async def record(call: Call) -> None:
            self._tell(location, call)
            async with self.pool.acquire() as connection:
                await calls.keep(
                    connection,
                    call,
                    delivery_id=delivery.delivery_id,
                    step_id=step_id,
                    location_id=location.location_id,
                )

        return client(
            self.settings,
            self.session,
            self.tokens.of(location),
            location=location.location_id,
            rate_limit=self.rate_limit,
            record=record,
        )

    def _tell(self, location: Location, call: Call) -> None:
        """Count a call, trace it, and remember what it said of the location's budget."""
        self.tally.call(call.operation, call.status, call.milliseconds / 1000)
        if call.limits is not None:
            left = call.limits
            self.tally.budget(
                Budget(
                    location.location_id,
                    self.clock(),
                    left.burst_left,
                    left.burst_limit,
                    left.day_left,
                    left.day_limit,
                )
            )
        self.tracer.call(call.operation, call.milliseconds / 1000, status=call.status, failed=call.error is not None)

    async def rulebook(self, location: Location, rulebook_id: UUID | None) -> tuple[UUID | None, Rulebook]:
        """The rulebook that a delivery began with or, before it began, the one in force. Raises RulebookFaults."""
        async with self.pool.acquire() as connection:
            if rulebook_id is not None:
                stored: StoredRulebook | None = await rulebooks.find(connection, rulebook_id)
            else:
                stored = await rulebooks.for_location(connection, location.location_id)
        if stored is None:
            return None, rulebook.read({})
        if stored.rulebook_id not in self._read:
            if len(self._read) >= MOST_READ:
                self._read.clear()
            self._read[stored.rulebook_id] = rulebook.read(stored.files)
        return stored.rulebook_id, self._read[stored.rulebook_id]
