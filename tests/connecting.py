"""A console and a sandbox that know the same app and share a clock: what the tests of connecting share."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest
from yarl import URL

from service.access.connection import Connector
from service.access.tokens import StoredTokens, TokenKeeper
from service.highlevel.client import HighLevel
from service.highlevel.connection import open_session
from service.highlevel.locations import GetLocation
from service.settings import Settings
from service.store import locations, tokens
from service.store.database import Pool
from service.store.locations import Location
from service.store.sealing import Keys
from service.store.tokens import Grant, of_agency, of_location
from tests.consoles import HASH, Site, open_console
from tests.house import CLIENT, CLIENT_SECRET, SECRET, now, settings_for
from tests.sandboxes import LOCATION, Sandbox, running

COMPANY = "cMp4nY7xQ2wLr8KtZ3vB"
KEYS = Keys(SECRET)
AGAIN_NOW = "UPDATE grants SET again_at = NULL"
"""What failed to be refreshed is tried again after a while, by the database's clock."""


@dataclass
class Office:
    """`site` is the console, with a password that nobody here gives."""

    settings: Settings
    pool: Pool
    sandbox: Sandbox
    site: Site
    session: aiohttp.ClientSession

    def keeper(self, pool: Pool | None = None) -> TokenKeeper:
        """As another process has its own, with a pool of its own."""
        return TokenKeeper(self.settings, pool or self.pool, self.session, self.sandbox.clock)

    async def ask(self, *, agency: bool = False, time_zone: str | None = None) -> str:
        """The address that `slotwright locations connect` prints."""
        connector = Connector(self.settings, self.pool, self.session, self.sandbox.clock)
        return await connector.ask("Company" if agency else "Location", time_zone)

    async def choose(self, url: str) -> str:
        """Open it in a browser, and choose: where that goes on to, as a path of the console."""
        async with self.session.get(URL(url, encoded=True), allow_redirects=False) as answer:
            assert answer.status == 302, await answer.text()
            return URL(answer.headers["Location"], encoded=True).raw_path_qs

    async def come_back(self, path: str) -> tuple[int, str]:
        """As a browser does that HighLevel's site sends."""
        return await self.site.get(path, **{"Sec-Fetch-Site": "cross-site"})

    async def connect(self, **asked: Any) -> None:
        status, page = await self.come_back(await self.choose(await self.ask(**asked)))
        assert status == 200, page

    async def location(self) -> Location:
        async with self.pool.acquire() as connection:
            found = await locations.find(connection, KEYS, LOCATION)
        assert found is not None
        return found

    async def grant(self, *, agency: bool = False) -> Grant:
        async with self.pool.acquire() as connection:
            found = await tokens.find(connection, KEYS, of_agency(COMPANY) if agency else of_location(LOCATION))
        assert found is not None
        return found

    async def tokens(self) -> StoredTokens:
        """As a process begins with them that knows nothing yet."""
        return self.keeper().of(await self.location())

    def api(self, found: StoredTokens) -> HighLevel:
        return HighLevel(self.settings.highlevel_url, found, session=self.session)

    async def works(self) -> bool:
        """Whether the API takes the token that is stored, or what it is refreshed to. Raises HighLevelError."""
        reply = await self.api(await self.tokens())(GetLocation(location_id=LOCATION))
        return reply.location.id == LOCATION

    async def calls(self, operation: str) -> int:
        return await self.sandbox.writes(operation)

    async def order(self, fault: str) -> None:
        """A fault of the sandbox, in its notation."""
        async with self.sandbox.client.post("/_sandbox/faults", data=fault) as answer:
            assert answer.status == 201, await answer.text()


@contextlib.asynccontextmanager
async def open_office(pool: Pool, database_url: str, **more: Any) -> AsyncIterator[Office]:
    async with contextlib.AsyncExitStack() as stack:
        sandbox = await stack.enter_async_context(running(told=False))
        settings = settings_for(
            database_url,
            "",
            highlevel_url=str(sandbox.client.make_url("/")).rstrip("/"),
            **more,
        )
        site = await stack.enter_async_context(
            open_console(pool, password_hash=HASH, clock=sandbox.clock, settings=settings)
        )
        session = await stack.enter_async_context(open_session(20))
        yield Office(settings, pool, sandbox, site, session)


@contextlib.asynccontextmanager
async def by_hand(pool: Pool, database_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Office]:
    """With the environment of commands. They look at a clock of their own, and so does the sandbox."""
    async with open_office(pool, database_url) as office:
        office.sandbox.clock.now = now()
        environment = {
            "DATABASE_URL": office.settings.database_url,
            "SECRET_KEY": SECRET.get_secret_value(),
            "HIGHLEVEL_URL": office.settings.highlevel_url,
            "OAUTH_CLIENT_ID": CLIENT,
            "OAUTH_CLIENT_SECRET": CLIENT_SECRET,
            "COLUMNS": "200",
        }
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        yield office
