"""Connecting: a code becomes tokens, and what they are for is registered with its name and clock."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from secrets import token_urlsafe
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import aiohttp
from pydantic import SecretStr

from service.access import app
from service.highlevel.client import HighLevel, Patience
from service.highlevel.errors import HighLevelError
from service.highlevel.locations import GetLocation
from service.highlevel.oauth import Granted, UserType
from service.settings import Settings
from service.store import connecting, installs, locations, tokens
from service.store.connecting import Asked
from service.store.database import Connection, Pool
from service.store.sealing import Keys


class NoTimeZone(Exception):
    """HighLevel named none that is known, and nobody chose one; the words say what it answered."""


class AppRemoved(Exception):
    """After what was given was asked for, HighLevel said that our app was taken away: nothing of it is kept."""


@dataclass(frozen=True)
class Connected:
    """What may be acted in now: a location with its clock, or an agency, which has none."""

    user_type: UserType
    id: str
    name: str
    time_zone: str


@dataclass(frozen=True)
class Told:
    """What HighLevel says of a location; where it says nothing, why."""

    name: str = ""
    time_zone: str | None = None
    refused: HighLevelError | None = None


class Connector:
    """`pool` and `session` stay the caller's."""

    def __init__(
        self, settings: Settings, pool: Pool, session: aiohttp.ClientSession, clock: Callable[[], datetime]
    ) -> None:
        self._settings = settings
        self._pool = pool
        self._session = session
        self._clock = clock
        self._keys = Keys.of(settings)

    async def ask(self, user_type: UserType, time_zone: str | None) -> str:
        """The address where somebody allows our app a location or an agency. Its answer is waited for, once, for
        `connecting.GOOD_FOR`. `time_zone`: what somebody chose."""
        state = token_urlsafe(32)
        asked = Asked(user_type, app.redirect_url(self._settings), time_zone)
        async with self._pool.acquire() as connection:
            await connecting.begin(connection, state, asked)
        return app.asking_url(self._settings, user_type, state)

    async def use(self, state: str) -> Asked:
        """What was asked with this state; it is good no more. Raises StateRefused."""
        async with self._pool.acquire() as connection:
            return await connecting.use(connection, state)

    async def finish(self, asked: Asked, code: SecretStr) -> Connected:
        """Take what the code gives. Raises HighLevelError, NoTimeZone and AppRemoved."""
        oauth = app.oauth(self._settings, self._session)
        granted = await oauth.exchange(code, asked.redirect_url, asked.user_type)
        return await self.register(granted, time_zone=asked.time_zone)

    async def register(
        self, granted: Granted, *, time_zone: str | None = None, said_at: datetime | None = None
    ) -> Connected:
        """Keep what was given; a location is registered, unless it is. Raises NoTimeZone, and AppRemoved.

        `said_at`: when HighLevel said that the app is installed; by default that is known to be so now. Of an agency
        that is connected those locations are due that had installed the app before (`installs.next_due`).
        """
        now = self._clock()
        since = said_at or now
        location_id = granted.location_id if granted.user_type == "Location" else None
        if location_id is None:
            company_id = granted.company_id or ""
            async with self._pool.acquire() as connection, connection.transaction():
                await _note(connection, None, company_id, since)
                await tokens.keep(connection, self._keys, granted, now=now)
                await installs.due_now(connection, company_id)
            return Connected("Company", company_id, "", "")
        told = await read_location(self._settings, self._session, location_id, granted.access_token)
        async with self._pool.acquire() as connection, connection.transaction():
            await _note(connection, location_id, granted.company_id, since)
            before = await locations.look_up(connection, location_id)
            zone = time_zone or told.time_zone or (before.time_zone if before else None)
            if zone is None:
                raise NoTimeZone(told.refused.message if told.refused else "it names none")
            name = told.name or (before.name if before else "")
            await locations.add(
                connection,
                self._keys,
                location_id,
                name=name,
                time_zone=zone,
                token=granted.access_token,
                time_zone_read=told.time_zone,
                time_zone_chosen=time_zone is not None,
            )
            await tokens.keep(connection, self._keys, granted, now=now)
            clock = before.time_zone if before and before.time_zone_chosen and time_zone is None else zone
        return Connected("Location", location_id, name, clock)


async def _note(connection: Connection, location_id: str | None, company_id: str | None, said_at: datetime) -> None:
    """That the app is installed there; before anything is kept, so that taking it away comes before or after. Raises
    AppRemoved."""
    is_news = await installs.note(connection, location_id, company_id, installed=True, said_at=said_at)
    if not is_news and not await installs.installed(connection, location_id, company_id):
        raise AppRemoved("HighLevel has said since that the app was taken away there.")


async def read_location(settings: Settings, session: aiohttp.ClientSession, location_id: str, token: SecretStr) -> Told:
    """What HighLevel says of a location, with this token."""
    patience = Patience(total=settings.read_timeout, read=settings.read_timeout / 2, rate_limit=1.0)
    version = settings.highlevel_version
    api = HighLevel(settings.highlevel_url, token.get_secret_value(), version=version, session=session, reads=patience)
    try:
        location = (await api(GetLocation(location_id=location_id))).location
    except HighLevelError as error:
        return Told(refused=error)
    return Told(location.name or "", known_zone(location.timezone))


def known_zone(name: str | None) -> str | None:
    """The name of a time zone, or None where there is none of that name."""
    try:
        return ZoneInfo(name).key if name else None
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None
