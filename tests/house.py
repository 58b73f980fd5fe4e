"""The whole house in one process, real but for HighLevel: what the engine's tests live in."""

import asyncio
import base64
import contextlib
import json
import uuid
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import aiohttp
import asyncpg
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from cryptography.fernet import Fernet
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from pydantic import SecretStr

from service.highlevel.connection import open_session
from service.highlevel.rate_limit import RateLimit, Unlimited
from service.queue import Bell
from service.receiver.app import create_app as create_receiver
from service.sandbox.application import create_app as create_sandbox
from service.sandbox.limits import Limits
from service.sandbox.seeds.seed import load_seed, packaged_seed
from service.sandbox.webhooks.outbox import Patience
from service.sandbox.world.world import World
from service.settings import Settings
from service.store import history, locations, rulebooks
from service.store.database import Pool, as_it_is, prepare
from service.store.sealing import Keys
from service.telemetry import Tally
from service.telemetry.traces import NoTracer, Tracer
from tests.sandboxes import ADA, CUTS, HEADERS, LOCATION, PLENTY, unbooked
from workers.cli.roles import ended
from workers.jobs import Drainer
from workers.rulebook import read
from workers.workplace import Workplace

APP_ID, OTHER_APP_ID = "5a1db0c5510751077e57ab1e", "0123456789abcdef01234567"
"""Those of ours: the one that connects, and the one of the samples."""
SECRET = SecretStr(Fernet.generate_key().decode())
TOKEN = "pit-sandbox-demo"
CLIENT, CLIENT_SECRET = "5a1db0c5510751077e57ab1e-sandbox", "sandbox-demo-secret"
LONDON = ZoneInfo("Europe/London")


def public_key(key: Ed25519PrivateKey) -> str:
    """As a setting names it."""
    spki = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(spki).decode()


def signed(key: Ed25519PrivateKey, body: bytes) -> dict[str, str]:
    return {"X-GHL-Signature": base64.b64encode(key.sign(body)).decode()}


def in_days(days: int, clock: str) -> str:
    """A time of day in London on the first Monday that is at least so many days away."""
    day = datetime.now(LONDON).date() + timedelta(days=days)
    day += timedelta(days=-day.weekday() % 7)
    return datetime.combine(day, time.fromisoformat(clock), LONDON).isoformat()


@contextlib.asynccontextmanager
async def pool_of(database_url: str, size: int = 30) -> AsyncIterator[Pool]:
    opened = await asyncpg.create_pool(database_url, min_size=0, max_size=size, init=prepare, reset=as_it_is)
    try:
        yield opened
    finally:
        await opened.close()


class Clock:
    """Real time, moved by `ahead`; the database keeps its own."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def __call__(self) -> datetime:
        return now() + self.ahead


@dataclass
class House:
    """`key` signs what the sandbox posts; `api` is the sandbox by HTTP, `door` the receiver; all go by `clock`."""

    pool: Pool
    settings: Settings
    world: World
    key: Ed25519PrivateKey
    api: TestClient[web.Request, web.Application]
    door: TestClient[web.Request, web.Application]
    work: Workplace
    clock: Clock

    async def rules(self, text: str) -> None:
        """Put rules in force; the file's names are the demo seed's."""
        book = read({"rules.yaml": NAMES + text})
        async with self.pool.acquire() as connection, connection.transaction():
            await rulebooks.apply(connection, None, book.source, book.digest, "a test")

    async def call(self, method: str, path: str, body: Any = None, *, status: int = 200, **query: Any) -> Any:
        async with self.api.request(method, path, json=body, params=query, headers=HEADERS) as response:
            answer = await response.text()
            assert response.status == status, answer
            return json.loads(answer) if answer else None

    async def book(self, start: str, **fields: Any) -> str:
        """Book through the sandbox's API, which tells the receiver; the appointment's id."""
        body = {"calendarId": CUTS, "locationId": LOCATION, "contactId": ADA, "startTime": start, **fields}
        booked = await self.call("POST", "/calendars/events/appointments", body)
        return str(booked["id"])

    async def edit(self, appointment_id: str, **fields: Any) -> None:
        path = f"/calendars/events/appointments/{appointment_id}"
        await self.call("PUT", path, {"appointmentStatus": "confirmed", **fields})

    async def appointment(self, appointment_id: str) -> Any:
        return (await self.call("GET", f"/calendars/events/appointments/{appointment_id}"))["appointment"]

    async def notes(self, appointment_id: str) -> list[str]:
        answer = await self.call("GET", f"/calendars/appointments/{appointment_id}/notes", limit=20, offset=0)
        return [note["body"] for note in answer["notes"]]

    async def blocks(self, user_id: str) -> list[tuple[datetime, datetime]]:
        answer = await self.call(
            "GET",
            "/calendars/blocked-slots",
            locationId=LOCATION,
            userId=user_id,
            startTime=0,
            endTime=4102444800000,
        )
        times = [(block["startTime"], block["endTime"]) for block in answer["events"]]
        return sorted((datetime.fromisoformat(a), datetime.fromisoformat(b)) for a, b in times)

    async def writes(self, operation: str) -> int:
        """Calls of an operation that reached the sandbox."""
        return sum(call["operation"] == operation for call in await self.call("GET", "/_sandbox/calls"))

    async def post(self, body: Mapping[str, Any] | bytes, *, key: Ed25519PrivateKey | None = None) -> Any:
        """Post a delivery as HighLevel would: status and answer."""
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        async with self.door.post("/hooks/highlevel", data=raw, headers=signed(key or self.key, raw)) as response:
            return response.status, await response.json()

    async def settled(self) -> None:
        """Return once the sandbox has nothing to send and the worker nothing to do."""
        async with asyncio.timeout(20):
            quiet = 0
            while quiet < 3:
                waiting = (await self.call("GET", "/_sandbox/webhooks"))["waiting"]
                async with self.pool.acquire() as connection:
                    busy = await history.open_work(connection)
                quiet = 0 if waiting or busy else quiet + 1
                await asyncio.sleep(0.01)

    async def deliveries(self, appointment_id: str) -> list[Any]:
        """Everything about an appointment's deliveries, oldest first."""
        async with self.pool.acquire() as connection:
            rows = await history.listed(connection, appointment=appointment_id, limit=1000)
            return [await history.shown(connection, row["delivery_id"]) for row in reversed(rows)]

    async def shown(self, delivery_id: str) -> Any:
        async with self.pool.acquire() as connection:
            return await history.shown(connection, UUID(delivery_id))

    async def steps(self, appointment_id: str) -> list[Any]:
        return [step for shown in await self.deliveries(appointment_id) for step in shown["steps"]]


NAMES = f"""
people: {{dana: u8jzPde0IgxLd6GncfBA, kim: epfJBd0Kh8oOOL8dKLzd, alex: aT4xQm7LrW2vYc9NhZ0s}}
teams: {{evening: [dana, kim]}}
calendars: {{cuts: {CUTS}, consultations: kQ9sBv3XnE6yTf1LdJ7o, room: rM5hGc8PzA2uWk4YxS0i}}
rules:
"""


def event(appointment: Mapping[str, Any], type_: str = "AppointmentCreate", **envelope: Any) -> dict[str, Any]:
    """A webhook's body in the envelope that real deliveries carry."""
    return {
        "type": type_,
        "locationId": LOCATION,
        "versionId": APP_ID,
        "appId": APP_ID,
        "appointment": dict(appointment),
        "timestamp": datetime.now(UTC).isoformat(),
        "webhookId": str(uuid.uuid4()),
        **envelope,
    }


def settings_for(database_url: str, redis_url: str, **more: Any) -> Settings:
    return Settings(
        database_url=database_url,
        redis_url=redis_url,
        secret_key=SECRET,
        highlevel_app_ids=(APP_ID, OTHER_APP_ID),
        oauth_client_id=CLIENT,
        oauth_client_secret=SecretStr(CLIENT_SECRET),
        **{"settle_after": 4, **more},
    )


async def register(
    pool: Pool, location_id: str = LOCATION, connected: datetime | None = None, *, token: str = TOKEN
) -> None:
    async with pool.acquire() as connection:
        await locations.add(
            connection,
            Keys(SECRET),
            location_id,
            name="Leeds Salon",
            time_zone="Europe/London",
            token=SecretStr(token),
            connected_at=connected,
        )


def now() -> datetime:
    return datetime.now(UTC)


@contextlib.asynccontextmanager
async def open_house(
    database_url: str,
    redis_url: str,
    *,
    working: bool = True,
    seed: Path | None = None,
    tracer: Tracer | None = None,
    limits: Limits = PLENTY,
    rate_limit: RateLimit | None = None,
    **more: Any,
) -> AsyncIterator[House]:
    """`working`: whether a worker runs; without one deliveries wait. `limits`: the sandbox's; `more`: settings."""
    tally, tracer, clock = Tally(), tracer or NoTracer(), Clock()
    key = Ed25519PrivateKey.generate()
    text = seed.read_text() if seed else packaged_seed("demo")
    world = load_seed(unbooked(text), clock=clock, random=Random(7))
    # The sandbox must know the receiver's address and the receiver the sandbox's key: a port is settled first.
    late: dict[str, str] = {}

    async def hand_on(request: web.Request) -> web.Response:
        async with (
            aiohttp.ClientSession() as session,
            session.post(late["url"], data=await request.read(), headers=request.headers) as answer,
        ):
            return web.Response(status=answer.status, body=await answer.read())

    gate = web.Application()
    gate.router.add_post("/hook", hand_on)
    async with contextlib.AsyncExitStack() as stack:
        # Nobody rings a worker in this process: it looks by itself what there is.
        stack.enter_context(pytest.MonkeyPatch.context()).setattr("workers.jobs.SWEEP_EVERY", 0.03)
        pool = await stack.enter_async_context(pool_of(database_url))
        await register(pool)
        gate_server = await stack.enter_async_context(TestServer(gate))
        sandbox = create_sandbox(
            world,
            webhook_url=str(gate_server.make_url("/hook")),
            signing_key=key,
            app_id=APP_ID,
            patience=Patience(first_delay=0.05),
            limits=limits,
        )
        api = await stack.enter_async_context(TestClient(TestServer(sandbox)))
        more = {"highlevel_url": str(api.make_url("/")).rstrip("/"), **more}
        settings = settings_for(database_url, redis_url, **more)
        bell = Bell(redis_url)
        ringing = asyncio.create_task(bell.run())
        receiver = create_receiver(
            settings, pool, bell, clock, sandbox_keys=[public_key(key)], tally=tally, tracer=tracer
        )
        door = await stack.enter_async_context(TestClient(TestServer(receiver)))
        late["url"] = str(door.make_url("/hooks/highlevel"))
        session = await stack.enter_async_context(open_session(20))
        work = Workplace(settings, pool, session, clock, tally, tracer, rate_limit or Unlimited())
        drainer = Drainer(work)
        sweeping = asyncio.create_task(drainer.sweep()) if working else None
        try:
            yield House(pool, settings, world, key, api, door, work, clock)
        finally:
            if sweeping:
                await drainer.stop()
                await sweeping
            await ended(ringing)
            await bell.close()
