"""Tokens that are good when they are used: read from the store, refreshed in time, by one process at a time."""

import asyncio
import contextlib
import time
from collections.abc import Callable
from datetime import datetime, timedelta

import aiohttp
import structlog
from pydantic import SecretStr

from service.access import app
from service.highlevel.errors import HighLevelError, NotSent, TokenRefused
from service.highlevel.oauth import Granted
from service.settings import Settings
from service.store import locations
from service.store import tokens as grants
from service.store.database import Pool
from service.store.locations import Location, TokenUnreadable
from service.store.sealing import Keys
from service.store.tokens import Grant, GrantUnreadable
from service.telemetry import Outage

log = structlog.get_logger()

AHEAD = timedelta(minutes=5)
"""Before its end a token is refreshed so early; of one that lasts an hour or less, in the last twelfth of that."""

FRESH = timedelta(seconds=30)
"""A token that was given so lately and is refused will not get better by another."""

SWEEP_EVERY = 5.0
"""Seconds. With the claim it bounds how long after a death a refresh is taken up again: well within the half minute in
which the refresh token gives the same answer."""

LOOK_EVERY = 0.1
PATIENCE = 15.0
"""Seconds to wait for another process that refreshes: longer than its claim lasts."""

ASK_AGAIN = "connect it again: slotwright locations connect"
UNAUTHORIZED = 401


class TokenKeeper:
    """Knows the tokens of all locations; one for a process, which also refreshes one grant only once at a time."""

    def __init__(
        self, settings: Settings, pool: Pool, session: aiohttp.ClientSession, clock: Callable[[], datetime]
    ) -> None:
        """`pool` and `session` stay the caller's. No connection is held while HighLevel is asked."""
        self._settings = settings
        self._pool = pool
        self._oauth = app.oauth(settings, session)
        self._keys = Keys.of(settings)
        self._clock = clock
        self._outage = Outage("cannot look for tokens that end soon", "looks for tokens that end soon again")
        self._refreshing: dict[tuple[str, bool], asyncio.Task[Grant]] = {}

    def of(self, location: Location) -> "StoredTokens":
        return StoredTokens(self, location)

    async def look(self, location_id: str) -> Location | None:
        """As it is stored now. Raises TokenRefused when it cannot be opened."""
        try:
            async with self._pool.acquire() as connection:
                return await locations.find(connection, self._keys, location_id)
        except TokenUnreadable:
            raise refusal("SECRET_KEY does not open this location's token") from None

    def ends_soon(self, grant: Grant) -> bool:
        return self._clock() >= grant.expires_at - min(AHEAD, (grant.expires_at - grant.granted_at) / 12)

    def ended(self, grant: Grant) -> bool:
        return self._clock() >= grant.expires_at

    def fresh(self, grant: Grant) -> bool:
        return not self.ended(grant) and self._clock() < grant.granted_at + FRESH

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
        """One round. What HighLevel says is told to whoever needs the token."""
        async with self._pool.acquire(timeout=SWEEP_EVERY) as connection:
            due = await grants.due(connection, self._keys, self._clock() + AHEAD)
        for grant in due:
            if grant.abandoned or self.ends_soon(grant):
                with contextlib.suppress(HighLevelError):
                    await self.renewed(grant)

    async def location_token(self, company_id: str, location_id: str) -> Granted | None:
        """What the agency's token gives for one of its locations; None where the agency is not connected. Raises
        HighLevelError."""
        agency = await self._find(grants.of_agency(company_id))
        if agency is None:
            return None
        if self.ends_soon(agency):
            agency = await self.renewed(agency, urgent=self.ended(agency))
        try:
            return await self._oauth.location_token(agency.token, company_id, location_id)
        except TokenRefused:
            agency = await self.renewed(agency, urgent=True)
            return await self._oauth.location_token(agency.token, company_id, location_id)

    async def renewed(self, grant: Grant, *, urgent: bool = False) -> Grant:
        """The grant after this one, refreshed by us or by another. Raises HighLevelError.

        Where it is not `urgent` and another is at it, it is this one.
        """
        task = self._refreshing.get((grant.subject, urgent))
        if task is None:
            task = asyncio.create_task(self._renew(grant, urgent))
            self._refreshing[grant.subject, urgent] = task
            task.add_done_callback(lambda ended: self._forget((grant.subject, urgent), ended))
        elif not urgent:
            return grant
        # Of those who wait here one may be cancelled, and the others go on.
        return await asyncio.shield(task)

    def _forget(self, what: tuple[str, bool], ended: "asyncio.Task[Grant]") -> None:
        self._refreshing.pop(what, None)
        # Where all who waited were cancelled, nobody else asks what went wrong.
        if not ended.cancelled():
            ended.exception()

    async def _renew(self, grant: Grant, urgent: bool) -> Grant:
        until = time.monotonic() + PATIENCE
        while True:
            now = await self._find(grant.subject)
            if now is None:
                raise refusal("it is not connected any more")
            if now.version != grant.version:
                return now
            if now.refused is not None:
                raise refusal(f"{now.refused}; {ASK_AGAIN}")
            async with self._pool.acquire() as connection:
                ours = await grants.claim(connection, now)
            if ours:
                return await self._refresh(now, urgent)
            if not urgent:
                return now
            if time.monotonic() > until:
                raise NotSent("RefreshToken", "another process refreshes the token, and comes to no end")
            await asyncio.sleep(LOOK_EVERY)

    async def _refresh(self, grant: Grant, urgent: bool) -> Grant:
        """Ask HighLevel, as the one that claimed it, and keep what it gives. Raises HighLevelError."""
        try:
            granted = await self._ask(grant)
        except TokenRefused as error:
            async with self._pool.acquire() as connection:
                ours = await grants.refuse(connection, grant, error.message)
            if not ours and (later := await self._find(grant.subject)):
                return later
            log.warning("a token is refreshed no more: connect it again", subject=grant.subject)
            raise refusal(f"{error.message}; {ASK_AGAIN}") from None
        except HighLevelError:
            # Where the token is still good the claim stays until it ends, so that not every call tries.
            if urgent:
                async with self._pool.acquire() as connection:
                    await grants.free(connection, grant)
            raise
        async with self._pool.acquire() as connection:
            kept = await grants.renew(connection, self._keys, grant, granted, now=self._clock())
        log.info("refreshed a token", subject=grant.subject, kept=kept)
        later = await self._find(grant.subject)
        if later is None:
            raise refusal("it is not connected any more")
        return later

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
                granted = await self.location_token(grant.company_id, grant.location_id)
            except HighLevelError as error:
                if error.retry:
                    raise
            else:
                if granted is not None:
                    return granted
        raise refused

    async def _find(self, subject: str) -> Grant | None:
        try:
            async with self._pool.acquire() as connection:
                return await grants.find(connection, self._keys, subject)
        except GrantUnreadable:
            raise refusal(f"SECRET_KEY does not open the token of {subject}") from None


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
                    raise
                log.info("a token could not be refreshed yet", location=self._location_id, error=type(error).__name__)
        return self._token.get_secret_value()

    async def refused(self, token: str) -> bool:
        if self._token.get_secret_value() != token:
            return True
        now = await self._keeper.look(self._location_id)
        if now is None:
            raise refusal("the location is not registered any more")
        self._token, self._grant = now.token, now.grant
        if now.token.get_secret_value() == token and now.grant is not None and not self._keeper.fresh(now.grant):
            self._take(await self._keeper.renewed(now.grant, urgent=True))
        return self._token.get_secret_value() != token

    def _take(self, grant: Grant) -> None:
        self._grant, self._token = grant, grant.token


def refusal(words: str) -> TokenRefused:
    """As of an answer 401: what needs the token waits until somebody mended it."""
    return TokenRefused("RefreshToken", words, status=UNAUTHORIZED)
