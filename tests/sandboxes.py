"""A sandbox of the demo seed behind real HTTP, with a receiver for its webhooks: what the sandbox's tests share."""

import asyncio
import base64
import json
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import yaml
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from service.sandbox.application import create_app
from service.sandbox.door.faults import Fault
from service.sandbox.limits import Limits
from service.sandbox.seeds.seed import load_seed, packaged_seed
from service.sandbox.state.file import StateFile
from service.sandbox.state.state import kept_world
from service.sandbox.webhooks.outbox import Patience

LOCATION = "lFk3vTj0cQxW8mPzR2bN"
DANA, KIM, ALEX = "u8jzPde0IgxLd6GncfBA", "epfJBd0Kh8oOOL8dKLzd", "aT4xQm7LrW2vYc9NhZ0s"
CUTS, CONSULTATIONS, ROOM = "jc01T5GOBUSZGi6HWGK1", "kQ9sBv3XnE6yTf1LdJ7o", "rM5hGc8PzA2uWk4YxS0i"
PLENTY = Limits(burst=1_000_000, daily=100_000_000)
"""More than any test asks; said in the headers, so that a worker does not hold back of its own."""

ADA = "cAdaX3mT8qLw5ZrK1vNp"
HEADERS = {"Authorization": "Bearer pit-sandbox-demo", "Version": "2021-07-28"}
MONDAY = datetime(2026, 3, 23, 8, tzinfo=UTC)
"""The week before the clocks change in London; the salon opens in an hour."""
FOREVER: dict[str, Any] = {"locationId": LOCATION, "startTime": 0, "endTime": 4102444800000}
APPOINTMENTS = "/calendars/events/appointments"


class Clock:
    def __init__(self) -> None:
        self.now = MONDAY

    def __call__(self) -> datetime:
        return self.now


@dataclass
class Receiver:
    """Keeps what arrives, and answers with the next of `answers`, 200 when there is none left."""

    answers: list[int] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    arrived: list[tuple[bytes, dict[str, str], float]] = field(default_factory=list)

    async def receive(self, request: web.Request) -> web.Response:
        body = await request.read()
        self.arrived.append((body, dict(request.headers), asyncio.get_running_loop().time()))
        status = self.answers.pop(0) if self.answers else 200
        return web.json_response({"kept": status == 200}, status=status, headers=self.headers)

    @property
    def bodies(self) -> list[Any]:
        return [json.loads(body) for body, _, _ in self.arrived]


@dataclass
class Sandbox:
    client: TestClient[web.Request, web.Application]
    receiver: Receiver
    clock: Clock
    key: Ed25519PrivateKey
    workflow: Receiver
    """Of what a workflow posts."""

    async def call(self, method: str, path: str, body: Any = None, *, status: int = 200, **query: Any) -> Any:
        async with self.client.request(method, path, json=body, params=query, headers=HEADERS) as response:
            answer = await response.text()
            assert response.status == status, answer
            return json.loads(answer) if answer else None

    async def book(self, start: str, *, status: int = 200, **fields: Any) -> Any:
        body = {"calendarId": CUTS, "locationId": LOCATION, "contactId": ADA, "startTime": start, **fields}
        return await self.call("POST", APPOINTMENTS, body, status=status)

    async def read(self, appointment_id: str) -> Any:
        return (await self.call("GET", f"{APPOINTMENTS}/{appointment_id}"))["appointment"]

    async def free(self, day: datetime, calendar: str = CUTS, **query: Any) -> list[str]:
        answer = await self.call(
            "GET",
            f"/calendars/{calendar}/free-slots",
            startDate=milliseconds(day),
            endDate=milliseconds(day + timedelta(days=1)),
            **query,
        )
        return [slot for value in answer.values() if isinstance(value, dict) for slot in value["slots"]]

    async def writes(self, operation: str) -> int:
        return sum(call["operation"] == operation for call in await self.call("GET", "/_sandbox/calls"))

    async def counts(self) -> tuple[int, int]:
        """What was posted to the app and by a workflow, once nothing waits any more."""
        while (await self.call("GET", "/_sandbox/webhooks"))["waiting"]:
            pass
        return len(self.receiver.arrived), len(self.workflow.arrived)


def milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


def at(clock: str) -> str:
    """A time of that Monday; London is at UTC."""
    return f"2026-03-23T{clock}:00+00:00"


def verify(sandbox: Sandbox, body: bytes, headers: dict[str, str]) -> None:
    """Raises InvalidSignature."""
    sandbox.key.public_key().verify(base64.b64decode(headers["X-GHL-Signature"]), body)


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not true():
            await asyncio.sleep(0.005)


@contextmanager
def opened(path: Path) -> Iterator[StateFile]:
    """A sandbox's state, for us alone meanwhile."""
    file = StateFile(path)
    file.open()
    try:
        yield file
    finally:
        file.close()


@cache
def unbooked(text: str) -> str:
    """A seed without what it books and blocks."""
    seed = yaml.load(text, yaml.CBaseLoader)
    for location in seed["locations"]:
        location.pop("bookings", None)
        location.pop("blocks", None)
    return str(yaml.dump(seed, Dumper=yaml.CSafeDumper))


@asynccontextmanager
async def running(
    *,
    told: bool = True,
    workflow: bool = False,
    duplicates: float = 0,
    reorder: bool = False,
    patience: Patience | None = None,
    limits: Limits | None = None,
    monotonic: Callable[[], float] = time.monotonic,
    seed: str = "",
    booked: bool = False,
    kept: StateFile | None = None,
    faults: Iterable[Fault] = (),
) -> AsyncIterator[Sandbox]:
    """`told`: whether there is an address for webhooks, `workflow`: one for a workflow's; `seed`: another text than the
    demo's; `booked`: with what it books and blocks; `kept`: an open state."""
    receiver, flow, clock, key = Receiver(), Receiver(), Clock(), Ed25519PrivateKey.generate()
    hooks = web.Application()
    hooks.router.add_post("/hook", receiver.receive)
    hooks.router.add_post("/flow", flow.receive)
    text = seed or packaged_seed("demo")
    if kept and kept.kept:
        world = kept_world(kept, kept.kept, clock=clock, random=Random())
        key = kept.key(kept.kept)
    else:
        world = load_seed(text if booked else unbooked(text), clock=clock, random=Random(7))
    async with TestServer(hooks) as hook_server:
        app = create_app(
            world,
            webhook_url=str(hook_server.make_url("/hook")) if told else None,
            signing_key=key,
            app_id="0123456789abcdef01234567",
            workflow_url=str(hook_server.make_url("/flow")) if workflow else None,
            workflow_headers={"X-Slotwright-Secret": "a-secret-of-the-workflow"},
            duplicates=duplicates,
            reorder=reorder,
            patience=patience or Patience(first_delay=0.01),
            limits=limits,
            faults=faults,
            monotonic=monotonic,
            state_file=kept,
        )
        async with TestClient(TestServer(app)) as client:
            yield Sandbox(client, receiver, clock, key, flow)
