"""Breakers: where HighLevel fails again and again work is held back, until a probe finds that it is over."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import timedelta

import aiohttp
import structlog

from service.highlevel.calendars import ListCalendars
from service.highlevel.client import HighLevel
from service.highlevel.errors import HighLevelError, TokenRefused
from service.settings import Settings
from service.store import alerts, holds, ledger, locations
from service.store.database import AWAY, Connection, Pool
from service.store.holds import Hold
from service.store.locations import Location, TokenUnreadable
from service.store.sealing import Keys
from service.store.steps import Step
from service.telemetry import Outage

log = structlog.get_logger()

IN_A_ROW = 5
"""Calls that fail one after the other, before work is held back."""

LOOK_EVERY = 0.5
FIRST_PROBE, LONGEST_PROBE = timedelta(seconds=1), timedelta(minutes=1)
"""A probe is made after the first, then after twice as long each time, at most after the second."""

PATIENCE = 5.0
"""Seconds that a probe of the host may take."""


class Breakers:
    """Counts how calls end; `run` holds back and probes. What fails of the whole host is counted against no
    location."""

    def __init__(
        self, settings: Settings, pool: Pool, session: aiohttp.ClientSession, client: Callable[[Location], HighLevel]
    ) -> None:
        self._url = settings.highlevel_url
        self._keys = Keys.of(settings)
        self._pool = pool
        self._session = session
        self._client = client
        self._host: Counter[str] = Counter()
        self._silent: Counter[str] = Counter()
        self._of: Counter[str] = Counter()
        self._rules: Counter[tuple[str, str]] = Counter()
        self._told = asyncio.Event()

    def heard(self, location_id: str, status: int | None) -> None:
        """A call ended so; None where no answer came."""
        if status is not None and status < 500:
            # Whoever answers one is there for all.
            self._host.clear()
            self._silent.clear()
            self._of.pop(location_id, None)
            return
        self._host[location_id] += 1
        self._of[location_id] += 1
        if status is None:
            self._silent[location_id] += 1
        if self._of[location_id] >= IN_A_ROW or self._host.total() >= IN_A_ROW:
            self._told.set()

    def stepped(self, steps: Iterable[Step]) -> None:
        """Steps ended so: a rule whose steps fail one after the other in a location is held back there."""
        for step in steps:
            rule = step.location_id, step.rule
            if step.state in ("failed", "unknown"):
                self._rules[rule] += 1
                if self._rules[rule] >= IN_A_ROW:
                    self._told.set()
            elif step.state == "done":
                self._rules.pop(rule, None)

    async def run(self) -> None:
        """Hold back and probe, until cancelled."""
        outage = Outage("cannot hold back or probe", "holds back and probes again")
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._told.wait(), LOOK_EVERY)
            try:
                await self.look()
            except AWAY:
                await asyncio.sleep(LOOK_EVERY)  # which the sweep tells of
            except Exception as error:
                # Whatever it is, it must not end what runs beside it.
                outage.met(error)
                await asyncio.sleep(LOOK_EVERY)
            else:
                outage.over()

    async def look(self) -> None:
        """One round: what must be held back, then what may be let go."""
        self._told.clear()
        failing, whole = Counter(self._of), Counter(self._host)
        # No answer at all, or errors at several locations in a row: that is the host's, not a location's.
        if whole.total() >= IN_A_ROW and (len(whole) > 1 or self._silent.total() >= IN_A_ROW):
            if await self._shut("all", "breaker", "", "HighLevel does not answer, or fails, at every location"):
                log.warning("HighLevel fails: all work is held back until a probe finds it well")
            for counted in (self._host, self._silent, self._of):
                counted.clear()
        else:
            for location_id, times in failing.items():
                if times >= IN_A_ROW:
                    await self._shut("location", "breaker", location_id, f"{times} calls in a row failed")
                    for counted in (self._host, self._silent, self._of):
                        counted.pop(location_id, None)
        for (location_id, rule), times in list(self._rules.items()):
            if times >= IN_A_ROW:
                reason = f"{times} of its steps in a row failed: slotwright resume --rule lets it go on"
                await self._shut("rule", "breaker", location_id, reason, rule=rule)
                del self._rules[location_id, rule]
        while True:
            async with self._pool.acquire(timeout=5) as connection:
                hold = await holds.next_to_probe(connection, FIRST_PROBE, LONGEST_PROBE)
            if hold is None:
                return
            if await self._is_over(hold):
                async with self._pool.acquire(timeout=5) as connection:
                    await holds.lift(connection, hold.scope, [hold.kind], location_id=hold.location_id, rule=hold.rule)
                log.info("work goes on", scope=hold.scope, kind=hold.kind, location=hold.location_id)

    async def _shut(
        self, scope: holds.Scope, kind: holds.Kind, location_id: str, reason: str, *, rule: str = ""
    ) -> bool:
        async with self._pool.acquire(timeout=5) as connection, connection.transaction():
            return await _shut(connection, scope, kind, location_id, reason, rule)

    async def _is_over(self, hold: Hold) -> bool:
        if hold.scope == "all":
            return await self._host_answers()
        try:
            async with self._pool.acquire(timeout=5) as connection:
                location = await locations.find(connection, self._keys, hold.location_id)
            if location is None:
                return True
            await self._client(location)(ListCalendars(location_id=hold.location_id))
        except (TokenUnreadable, TokenRefused):
            return False
        except HighLevelError as error:
            # What it says no to for another reason, it has at least taken.
            return not error.retry
        return True

    async def _host_answers(self) -> bool:
        """Asked without a token, so that no location's budget pays for it: well it says 401."""
        timeout = aiohttp.ClientTimeout(total=PATIENCE)
        try:
            async with self._session.get(
                self._url.rstrip("/") + "/calendars/", timeout=timeout, allow_redirects=False
            ) as answer:
                return answer.status < 500
        except (TimeoutError, aiohttp.ClientError, OSError):
            return False


async def stop_rule(connection: Connection, location_id: str, rule: str, reason: str) -> None:
    """Hold a rule back that has acted as often as it may, in the transaction that parks what it would have done next:
    whoever lets it go finds that."""
    while not await _shut(connection, "rule", "breaker", location_id, reason, rule):
        if await holds.still_held(connection, location_id, rule):
            return


async def _shut(
    connection: Connection, scope: holds.Scope, kind: holds.Kind, location_id: str, reason: str, rule: str
) -> bool:
    # A rule is let go by a person, who mends it first.
    probe_after = None if scope == "rule" else FIRST_PROBE
    shut = await holds.shut(
        connection, scope, kind, location_id=location_id, rule=rule, reason=reason, probe_after=probe_after
    )
    if shut:
        await ledger.write_down(connection, [alerts.raised(kind, reason, location_id=location_id, rule=rule)])
    return shut
