"""Tokens that are good when they are used: read from the store, refreshed in time, by one process at a time."""

import asyncio
import contextlib
import time
from collections.abc import Callable
from datetime import datetime, timedelta

import aiohttp
from pydantic import SecretStr

from service.access import app
from service.access.refresh import OTHER_KEY, Mendable, Refresh, ask_again, refusal
from service.highlevel.errors import Forbidden, HighLevelError, NotSent, TokenRefused
from service.highlevel.oauth import Granted
from service.settings import Settings
from service.store import locations
from service.store import tokens as grants
from service.store.database import Pool
from service.store.locations import Location, TokenUnreadable
from service.store.sealing import Keys
from service.store.tokens import Grant
from service.telemetry import Outage

AHEAD = timedelta(minutes=5)
"""Before its end a token is refreshed so early; of one that lasts an hour or less, in the last twelfth of that."""

FRESH, LONGEST_FRESH = timedelta(seconds=30), timedelta(hours=1)
"""A token that was given so lately and is refused will not get better by another; where others before it did not help
either that is longer, twice as long for each, and at most the second."""

SWEEP_EVERY = 5.0
"""Seconds. With the claim it bounds how long after a death a refresh is taken up again: well within the half minute in
which the refresh token gives the same answer."""

AT_ONCE = 5
"""Refreshes of one sweep that are under way together."""

LOOK_EVERY = 0.1
PATIENCE = 15.0
"""Seconds to wait for a refresh, by this process or by another: longer than its claim lasts."""

BY_AGENCY = 10.0
"""Seconds for an agency to give the token of a location, its own refresh included; less than a claim lasts."""

CLOSE_WITHIN = 10.0
"""Seconds: longer than a refresh takes."""


class TokenKeeper:
    """Knows the tokens of all locations; one for a process, which also refreshes one grant only once at a time."""

    def __init__(
        self, settings: Settings, pool: Pool, session: aiohttp.ClientSession, clock: Callable[[], datetime]
    ) -> None:
        """`pool` and `session` stay the caller's. No connection is held while HighLevel is asked."""
        self._pool = pool
        self._oauth = app.oauth(settings, session)
        self._keys = Keys.of(settings)
        self._clock = clock
        self._refresh = Refresh(pool, self._keys, clock)
        self._outage = Outage("cannot look for tokens that end soon", "looks for tokens that end soon again")
        self._refreshing: dict[str, asyncio.Task[Grant]] = {}

    def of(self, location: Location) -> "StoredTokens":
        return StoredTokens(self, location)

    async def look(self, location_id: str) -> Location | None:
        """As it is stored now. Raises TokenRefused when it cannot be opened."""
        try:
            async with self._pool.acquire() as connection:
                return await locations.find(connection, self._keys, location_id)
        except TokenUnreadable:
            raise Mendable("SECRET_KEY does not open this location's token", OTHER_KEY) from None

    def ends_soon(self, grant: Grant) -> bool:
        return self._clock() >= grant.expires_at - min(AHEAD, (grant.expires_at - grant.granted_at) / 12)

    def ended(self, grant: Grant) -> bool:
        return self._clock() >= grant.expires_at

    def fresh(self, grant: Grant) -> bool:
        """Whether another in its place would not help, should it be refused."""
        return not self.ended(grant) and self._clock() < grant.granted_at + stays_fresh(grant)

    async def run(self) -> None:
        """Refresh what ends soon, and what somebody was refreshing who came to no end, until cancelled."""
        while True:
            await asyncio.sleep(SWEEP_EVERY)
            try:
                await self.sweep()
            except Exception as error:
                # Whoever needs a token refreshes it in any case: this must not end what runs beside it.
                self._outage.met(error)
            else:
                self._outage.over()

    async def sweep(self) -> None:
        """One round, a few at a time. What HighLevel says is told to whoever needs the token."""
        until = time.monotonic() + SWEEP_EVERY
        tried: set[str] = set()
        async with self._pool.acquire(timeout=SWEEP_EVERY) as connection:
            await grants.drop(connection)
        while time.monotonic() < until:
            # Looked for anew each time: what was abandoned meanwhile comes first.
            async with self._pool.acquire(timeout=SWEEP_EVERY) as connection:
                due = await grants.due(connection, self._keys, self._clock(), AHEAD)
            now = [grant for grant in due if grant.subject not in tried][:AT_ONCE]
            if not now:
                break
            tried.update(grant.subject for grant in now)
            await asyncio.gather(*(self._try(grant) for grant in now))
        await self._refresh.look_after()

    async def _try(self, grant: Grant) -> None:
        with contextlib.suppress(HighLevelError):
            await self.renewed(grant)

    async def close(self) -> None:
        """Once nobody asks for tokens any more: wait for what is under way, so that what HighLevel gives is kept."""
        until = time.monotonic() + CLOSE_WITHIN
        while self._refreshing and (left := until - time.monotonic()) > 0:
            await asyncio.wait(self._refreshing.values(), timeout=left)
        for task in list(self._refreshing.values()):
            task.cancel()
            await asyncio.wait([task])

    async def location_token(self, company_id: str, location_id: str) -> Granted | None:
        """What the agency's token gives for one of its locations; None where the agency is not connected. Raises
        HighLevelError."""
        agency = await self._refresh.find(grants.of_agency(company_id))
        if agency is None:
            return None
        if self.ends_soon(agency):
            agency = await self.renewed(agency, urgent=self.ended(agency))
        try:
            return await self._oauth.location_token(agency.token, company_id, location_id)
        except TokenRefused:
            other = await self.instead(agency)
            if other.version == agency.version:
                raise
            return await self._oauth.location_token(other.token, company_id, location_id)

    async def instead(self, grant: Grant) -> Grant:
        """Another for one whose token HighLevel refused; the same where none would help. Raises HighLevelError."""
        if self.fresh(grant):
            return grant
        soon = self._clock() < grant.granted_at + 2 * stays_fresh(grant)
        return await self.renewed(grant, urgent=True, rejections=1 + (grant.rejections if soon else 0))

    async def renewed(self, grant: Grant, *, urgent: bool = False, rejections: int = 0) -> Grant:
        """The grant after this one, refreshed by us or by another. Raises HighLevelError.

        Where it is not `urgent` and another is at it, it is this one. `rejections`: as the grant after this has them.
        """
        while (task := self._refreshing.get(grant.subject)) is not None:
            if not urgent:
                return grant
            later = await _end_of(task)
            if later.version != grant.version:
                return later
            # It was not urgent, and another process is at it.
        task = asyncio.create_task(self._renew(grant, urgent, rejections))
        self._refreshing[grant.subject] = task
        task.add_done_callback(lambda ended: self._forget(grant.subject, ended))
        return await _end_of(task)

    def _forget(self, subject: str, ended: "asyncio.Task[Grant]") -> None:
        del self._refreshing[subject]
        # Where all who waited were cancelled, nobody else asks what went wrong.
        if not ended.cancelled():
            ended.exception()

    async def _renew(self, grant: Grant, urgent: bool, rejections: int) -> Grant:
        until = time.monotonic() + PATIENCE
        while True:
            now = await self._refresh.find(grant.subject)
            if now is None:
                raise refusal("it is not connected any more")
            if now.version != grant.version:
                return now
            if now.refused is not None:
                raise Mendable(now.refused, ask_again(now))
            async with self._pool.acquire() as connection:
                ours = not now.wait and await grants.claim(connection, now)
            if ours:
                return await self._refresh.carry_out(now, self._ask, rejections)
            if not urgent:
                return now
            if now.wait:
                words = f"it is not asked for again yet: {now.failure}"
                raise NotSent("RefreshToken", words, retry_after=now.wait.total_seconds())
            if time.monotonic() > until:
                raise NotSent("RefreshToken", "another process refreshes the token, and comes to no end")
            await asyncio.sleep(LOOK_EVERY)

    async def _ask(self, grant: Grant) -> Granted:
        """By its refresh token; a location's, where that is refused, also by its agency."""
        refused: TokenRefused
        if grant.refresh_token is None:
            refused = refusal("HighLevel gave no refresh token")
        else:
            try:
                return await self._oauth.refresh(grant.refresh_token, grant.user_type)
            except TokenRefused as error:
                refused = error
        if grant.location_id is not None and grant.company_id is not None:
            try:
                granted = await self._ask_agency(grant, grant.company_id, grant.location_id)
            except HighLevelError as error:
                if error.retry or isinstance(error, Forbidden):
                    raise
            else:
                if granted is not None:
                    return granted
        raise refused

    async def _ask_agency(self, grant: Grant, company_id: str, location_id: str) -> Granted | None:
        async with self._pool.acquire() as connection:
            await grants.go_on(connection, grant)
        try:
            async with asyncio.timeout(BY_AGENCY):
                return await self.location_token(company_id, location_id)
        except TimeoutError:
            raise NotSent("LocationToken", f"its agency's gave none within {BY_AGENCY:g} s") from None


class StoredTokens:
    """The token of one location: a private one, or what OAuth gave and gives anew."""

    def __init__(self, keeper: TokenKeeper, location: Location) -> None:
        self._keeper = keeper
        self._location_id = location.location_id
        self._token: SecretStr = location.token
        self._grant = location.grant

    def __repr__(self) -> str:
        return f"StoredTokens({self._location_id})"

    async def token(self) -> str:
        grant = self._grant
        if grant is not None and self._keeper.ends_soon(grant):
            try:
                self._take(await self._keeper.renewed(grant, urgent=self._keeper.ended(grant)))
            except HighLevelError as error:
                # It was early. What is still good is used meanwhile, and asked for again at the next call.
                if self._keeper.ended(grant):
                    raise none_now(error) from None
        return self._token.get_secret_value()

    async def refused(self, token: str) -> bool:
        if self._token.get_secret_value() != token:
            return True
        now = await self._keeper.look(self._location_id)
        if now is None:
            raise refusal("the location is not registered any more")
        self._token, self._grant = now.token, now.grant
        if now.token.get_secret_value() == token and now.grant is not None:
            try:
                self._take(await self._keeper.instead(now.grant))
            except HighLevelError as error:
                raise none_now(error) from None
        return self._token.get_secret_value() != token

    def _take(self, grant: Grant) -> None:
        self._grant, self._token = grant, grant.token


def stays_fresh(grant: Grant) -> timedelta:
    doublings = max(0, min(grant.rejections, 20) - 1)
    return min(LONGEST_FRESH, FRESH * (1 << doublings))


def none_now(error: HighLevelError) -> HighLevelError:
    """What a call meets whose token could not be refreshed: it was not sent, and may be once there is a token; unless
    that takes somebody who connects again."""
    if isinstance(error, TokenRefused):
        return error
    told = f"{error.status}: {error.message}" if error.status else error.message
    return NotSent("RefreshToken", f"no token for now: {told}", retry_after=error.retry_after)


async def _end_of(task: "asyncio.Task[Grant]") -> Grant:
    """Of those who wait here one may be cancelled, and the others go on. Raises HighLevelError."""
    await asyncio.wait([task], timeout=PATIENCE)
    if not task.done():
        raise NotSent("RefreshToken", "the token is being refreshed, and that takes its time")
    return task.result()
