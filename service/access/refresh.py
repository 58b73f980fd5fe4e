"""One refresh, by the process that claimed it: HighLevel is asked, and what it says is kept, whatever that is."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

import structlog

from service.highlevel.errors import HighLevelError, TokenRefused
from service.highlevel.oauth import Granted
from service.store import tokens as grants
from service.store.database import AWAY, Pool
from service.store.sealing import Keys
from service.store.tokens import Grant, GrantUnreadable
from service.telemetry import Outage

log = structlog.get_logger()

KEEP_WITHIN = 3600.0
"""Seconds for which new tokens are held that the database does not take: nobody else has them, and the ones before are
worth nothing. That they replace no later ones the version sees to."""

SHORTEST_PAUSE, LONGEST_PAUSE = 0.05, 1.0

OTHER_KEY = "set SECRET_KEY_PREVIOUS to the key that sealed it"
UNAUTHORIZED = 401


class Refresh:
    """What all refreshes of a process have in common."""

    def __init__(self, pool: Pool, keys: Keys, clock: Callable[[], datetime]) -> None:
        self._pool = pool
        self._keys = keys
        self._clock = clock
        self._failing: dict[str, Outage] = {}

    async def find(self, subject: str) -> Grant | None:
        """As it is stored now. Raises TokenRefused when it cannot be opened."""
        try:
            async with self._pool.acquire() as connection:
                return await grants.find(connection, self._keys, subject)
        except GrantUnreadable:
            raise Mendable(f"SECRET_KEY does not open the token of {subject}", OTHER_KEY) from None

    async def carry_out(self, grant: Grant, ask: Callable[[Grant], Awaitable[Granted]], rejections: int) -> Grant:
        """Ask HighLevel, as the one that claimed it, and keep what it gives. Raises HighLevelError."""
        try:
            granted = await ask(grant)
        except TokenRefused as error:
            return await self._refused(grant, error)
        except HighLevelError as error:
            await self._failed(grant, error)
            raise
        kept = await self._keep(grant, granted, rejections)
        self._works(grant.subject)
        log.info("refreshed a token", subject=grant.subject, kept=kept)
        later = await self.find(grant.subject)
        if later is None:
            raise refusal("it is not connected any more")
        return later

    async def look_after(self) -> None:
        """Whether what failed here works again, by another process."""
        if self._failing:
            async with self._pool.acquire() as connection:
                failing = {grant.subject for grant in await grants.every(connection) if grant.failures}
            for subject in self._failing.keys() - failing:
                self._works(subject)

    async def _keep(self, grant: Grant, granted: Granted, rejections: int) -> bool:
        """Again and again while the database is away: of what HighLevel gave there is no other copy."""
        now, until, pause = self._clock(), time.monotonic() + KEEP_WITHIN, SHORTEST_PAUSE
        while True:
            try:
                async with self._pool.acquire(timeout=5) as connection:
                    return await grants.renew(connection, self._keys, grant, granted, now=now, rejections=rejections)
            except AWAY as error:
                if time.monotonic() > until:
                    raise
                self._fails(grant.subject, error)
                await asyncio.sleep(pause)
                pause = min(2 * pause, LONGEST_PAUSE)

    async def _refused(self, grant: Grant, error: TokenRefused) -> Grant:
        async with self._pool.acquire() as connection:
            ours = await grants.refuse(connection, grant, error.message)
        if not ours and (later := await self.find(grant.subject)):
            return later
        self._failing.pop(grant.subject, None)
        log.warning("a token is refreshed no more: connect it again", subject=grant.subject)
        raise Mendable(error.message, ask_again(grant)) from None

    async def _failed(self, grant: Grant, error: HighLevelError) -> None:
        """Let another try, after a while that grows."""
        self._fails(grant.subject, error)
        told = f"{error.status}: {error.message}" if error.status else error.message
        wait = timedelta(seconds=min(error.retry_after or 0, 900))
        async with self._pool.acquire() as connection:
            await grants.fail(connection, grant, told, lost=error.may_have_happened, wait=wait)

    def _fails(self, subject: str, error: BaseException) -> None:
        if subject not in self._failing:
            away, back = f"the token of {subject} cannot be refreshed", f"the token of {subject} is refreshed again"
            self._failing[subject] = Outage(away, back)
        self._failing[subject].met(error)

    def _works(self, subject: str) -> None:
        if (outage := self._failing.pop(subject, None)) is not None:
            outage.over()


class Mendable(TokenRefused):
    """There is no token, and somebody can see to it that there is: how, is `advice`."""

    def __init__(self, reason: str, advice: str) -> None:
        super().__init__("RefreshToken", f"{reason}; {advice}", status=UNAUTHORIZED)
        self.reason = reason
        self.advice = advice


def ask_again(grant: Grant) -> str:
    """What helps where HighLevel refreshes it no more."""
    return f"connect it again: slotwright locations connect{' --agency' if grant.location_id is None else ''}"


def refusal(words: str) -> TokenRefused:
    """As of an answer 401: what needs the token waits until somebody mended it."""
    return TokenRefused("RefreshToken", words, status=UNAUTHORIZED)
