"""What a worker works with: the store, HighLevel, the clock, and the rulebooks it has read."""

import time
from collections.abc import Awaitable, Callable
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
from service.outgoing.client import Outgoing
from service.outgoing.errors import NoSecret, OutgoingError
from service.outgoing.posting import Posting
from service.setting_kinds import read_place
from service.settings import Settings
from service.standard_webhooks import read_secret
from service.store import calls, reservations, rulebooks
from service.store.database import Pool
from service.store.locations import Location
from service.store.reservations import Reservation
from service.telemetry import Tally
from service.telemetry.tally import Budget
from service.telemetry.traces import NoTracer, Tracer
from workers import rulebook
from workers.breakers import Breakers
from workers.client import client
from workers.deciding import Deciding
from workers.lookups import Reading
from workers.record import Record
from workers.rulebook import Rulebook
from workers.shelf import Shelf

CONNECTIONS = 16
"""To the database, of one worker: what lanes write is written together, and none holds a connection while it waits."""


@dataclass(frozen=True)
class Workplace:
    settings: Settings
    pool: Pool
    session: aiohttp.ClientSession
    clock: Callable[[], datetime]
    tally: Tally = field(default_factory=Tally)
    tracer: Tracer = field(default_factory=NoTracer)
    rate_limit: RateLimit = field(default_factory=LocalRateLimit)

    @property
    def settle_after(self) -> timedelta:
        """How long a write that was sent may still be under way at HighLevel: longer than we wait for its answer."""
        return timedelta(seconds=self.settings.settle_after)

    @cached_property
    def tokens(self) -> TokenKeeper:
        """Of every location: one keeper, so that each token is refreshed once at a time."""
        return TokenKeeper(self.settings, self.pool, self.session, self.clock)

    @cached_property
    def deciding(self) -> Deciding:
        """Who chooses people, where: one for all lanes."""
        return Deciding(self.pool)

    @cached_property
    def shelf(self) -> Shelf:
        """The rulebooks that were taken up: one for all lanes."""
        return Shelf(self.pool)

    @cached_property
    def breakers(self) -> Breakers:
        return Breakers(self.settings, self.pool, self.session, self.unrecorded)

    def unrecorded(self, location: Location) -> HighLevel:
        """An Api for this location, for calls that belong to no delivery."""
        return client(
            self.settings,
            self.session,
            self.tokens.of(location),
            location=location.location_id,
            rate_limit=self.rate_limit,
        )

    def client(self, location: Location, record: Record, step_id: UUID | None = None) -> HighLevel:
        """An Api for this location, whose calls are kept with the delivery and the step they were made for."""

        async def keep(call: Call) -> None:
            self._tell(location, call)
            self._keep(call, location, record, step_id)

        return client(
            self.settings,
            self.session,
            self.tokens.of(location),
            location=location.location_id,
            rate_limit=self.rate_limit,
            urgent=record.lease.lane.urgent,
            record=keep,
        )

    def reading(self, location: Location, record: Record) -> Reading:
        """What facts of this delivery are looked up with."""

        async def reserved(starts: datetime, ends: datetime) -> list[Reservation]:
            async with self.pool.acquire() as connection:
                return await reservations.between(connection, location.location_id, starts, ends)

        return Reading(self.client(location, record), location.location_id, reserved)

    @cached_property
    def outgoing(self) -> Outgoing:
        """For all posts: one, so that connections are used again. Closed by whoever ends the worker."""
        places = map(read_place, self.settings.call_allowed)
        return Outgoing(allowed=places, within=self.settings.call_timeout)

    def poster(self, location: Location, record: Record, step_id: UUID) -> Callable[[Posting], Awaitable[None]]:
        """Carries out a step's posts, each kept as a call; raises OutgoingError. They go out under the step's id."""

        async def post(posting: Posting) -> None:
            started = time.perf_counter()
            status, error = None, None
            try:
                status = await self._post(posting, step_id)
            except OutgoingError as raised:
                status, error = raised.status, raised
            milliseconds = (time.perf_counter() - started) * 1000
            call = Call("Call", posting.shown(), status, None, str(error) if error else None, milliseconds)
            # Not counted among the calls: those tell how HighLevel does.
            self.tracer.call(call.operation, milliseconds / 1000, status=status, failed=error is not None)
            self._keep(call, location, record, step_id)
            if error:
                raise error

        return post

    async def _post(self, posting: Posting, step_id: UUID) -> int:
        secret = self.settings.call_secret.get_secret_value()
        if not secret:
            raise NoSecret(posting.host, "CALL_SECRET is not set, and nothing is posted without a signature")
        answered = await self.outgoing.post(
            posting.url,
            posting.content,
            webhook_id=str(step_id),
            timestamp=self.clock(),
            secret=read_secret(secret),
        )
        return answered.status

    def _keep(self, call: Call, location: Location, record: Record, step_id: UUID | None) -> None:
        made = calls.made(
            call,
            delivery_id=record.delivery.delivery_id,
            step_id=step_id,
            location_id=location.location_id,
            called_at=self.clock(),
        )
        record.lease.note(made)

    def _tell(self, location: Location, call: Call) -> None:
        """Count a call, trace it, and remember what it said of the location's budget."""
        self.breakers.heard(location.location_id, call.status)
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

    async def rulebook_in_force(self, location_id: str) -> Rulebook:
        """The rules of a location as they are now. Raises RulebookFaults."""
        async with self.pool.acquire() as connection:
            in_force = await rulebooks.in_force_for(connection, [location_id])
        return await self.rulebook(in_force.get(location_id))

    async def rulebook(self, rulebook_id: UUID | None) -> Rulebook:
        """Its rules; none where none were ever put in force. Raises RulebookFaults."""
        if rulebook_id is None:
            return rulebook.read({})
        return await self.shelf.rulebook(rulebook_id)
