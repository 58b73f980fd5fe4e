"""A console on a real port, and deliveries to be shown in it: what the console's tests share."""

import contextlib
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import aiohttp
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from argon2 import PasswordHasher
from pydantic import SecretStr

from service.console.app import create_app
from service.settings import Settings, read_settings
from service.store.database import Pool
from service.store.identifiers import new_id
from service.telemetry import Tally
from tests.house import now
from tests.sandboxes import LOCATION

PASSWORD = "open, said the console"
HASH = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1).hash(PASSWORD)

ARRIVE = """
    INSERT INTO deliveries (delivery_id, source, received_at, event, location_id, appointment_id, state, reason, body)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
"""

STEP = """
    INSERT INTO steps (
        step_id, delivery_id, location_id, appointment_id, rule, place, part, action, state, sentence, reason
    )
    VALUES ($1, $2, $3, 'app', $4, 0, 0, 'add_note', $5, 'write a note', $6)
"""


class Clock:
    """Moved on by hand."""

    def __init__(self) -> None:
        self.now = datetime(2027, 3, 26, 18, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def passes(self, **length: float) -> None:
        self.now += timedelta(**length)


class Site:
    """A console as a visitor meets it; redirects are not followed, cookies are kept."""

    def __init__(self, client: TestClient[web.Request, web.Application], tally: Tally) -> None:
        self.client = client
        self.tally = tally

    @property
    def url(self) -> str:
        return str(self.client.make_url("/")).rstrip("/")

    async def get(self, path: str, **headers: str) -> tuple[int, str]:
        answer = await self.ask("GET", path, headers=headers)
        return answer.status, await answer.text()

    async def page(self, path: str) -> str:
        """A page that is there."""
        status, text = await self.get(path)
        assert status == 200, text
        return text

    async def goes_to(self, path: str, **headers: str) -> str:
        """Where it redirects."""
        answer = await self.ask("GET", path, headers=headers)
        assert answer.status == 303, await answer.text()
        return answer.headers["Location"]

    async def ask(self, method: str, path: str, **options: Any) -> aiohttp.ClientResponse:
        return await self.client.request(method, path, allow_redirects=False, **options)

    async def sign_in(self, password: str = PASSWORD, **headers: str) -> aiohttp.ClientResponse:
        return await self.ask("POST", "/sign-in", data={"password": password, "next": "/now"}, headers=headers)


@contextlib.asynccontextmanager
async def open_console(
    pool: Pool,
    *,
    password_hash: str = "",
    clock: Callable[[], datetime] = now,
    settings: Settings | None = None,
) -> AsyncIterator[Site]:
    settings = (settings or read_settings()).model_copy(update={"console_password": SecretStr(password_hash)})
    tally = Tally()
    app = create_app(settings, pool, clock, tally=tally)
    # Cookies of an address are not kept unless asked for.
    jar = aiohttp.CookieJar(unsafe=True)
    async with TestClient(TestServer(app), cookie_jar=jar) as client:
        yield Site(client, tally)


async def arrive(pool: Pool, **columns: Any) -> UUID:
    """A delivery as somebody may have kept it."""
    row = {
        "source": "highlevel",
        "received_at": now(),
        "event": "AppointmentCreate",
        "location_id": LOCATION,
        "appointment_id": "app",
        "state": "done",
        "reason": None,
        "body": b"{}",
        **columns,
    }
    delivery_id = row.pop("delivery_id", None) or new_id()
    async with pool.acquire() as connection:
        await connection.execute(ARRIVE, delivery_id, *row.values())
    return delivery_id


async def step(pool: Pool, delivery_id: UUID, state: str, *, rule: str = "rule", reason: str | None = None) -> None:
    async with pool.acquire() as connection:
        await connection.execute(STEP, new_id(), delivery_id, LOCATION, rule, state, reason)
