"""Receivers and workers as processes over one database: how they are started, restarted and told of bookings."""

import contextlib
import itertools
import json
import signal
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import aiohttp
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from service.sandbox.application import create_app
from service.sandbox.seeds.seed import load_seed, packaged_seed
from service.sandbox.webhooks.outbox import Patience
from service.settings import Settings
from service.store.database import Pool
from tests.house import APP_ID, now, pool_of, settings_for
from tests.processes import OURS, Process, end_of, free_port, kill, ready, start, working
from tests.sandboxes import HEADERS, PLENTY, unbooked

SETTLE_AFTER = 10.0
"""Seconds; by default 30. Sandbox and load are one process here, which a busy machine may leave standing for seconds,
with writes that were sent and are not carried out yet: no worker can tell those from lost ones."""


@dataclass(eq=False)
class Role:
    """A process of ours. `port`: a receiver's."""

    process: Process
    log: Path
    port: int | None = None
    taken: int = 0
    """Requests that it answered."""


class Front:
    """What stands before the receivers, as a balancer does: each request goes to the next of those in rotation."""

    def __init__(self) -> None:
        self.rotation: list[Role] = []
        self.unanswered = 0
        """Requests that a receiver took and broke off."""
        self.refused = 0
        """Connections that nobody took."""
        self._turn = itertools.count()
        self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(force_close=True, limit=0))

    async def close(self) -> None:
        await self._session.close()

    async def post(self, body: bytes, headers: dict[str, str]) -> tuple[int, Any]:
        """The receiver's answer; 502 when there is none, as a balancer says."""
        if not self.rotation:
            return 502, None
        role = self.rotation[next(self._turn) % len(self.rotation)]
        url = f"http://127.0.0.1:{role.port}/hooks/highlevel"
        try:
            async with self._session.post(url, data=body, headers=headers) as answer:
                told = answer.status, await answer.json()
        except aiohttp.ClientConnectorError:
            self.refused += 1
            return 502, None
        except (aiohttp.ClientError, OSError):
            self.unanswered += 1
            return 502, None
        role.taken += 1
        return told

    async def hand_on(self, request: web.Request) -> web.Response:
        headers = {name: value for name, value in request.headers.items() if name.startswith("X-")}
        status, answer = await self.post(await request.read(), headers)
        return web.json_response(answer, status=status)


@dataclass
class Cluster:
    """`settings` are what the processes are told; `database_url` and `pool` go to the database directly; `api` is the
    sandbox."""

    settings: Settings
    database_url: str
    pool: Pool
    front: Front
    api: TestClient[web.Request, web.Application]
    key: Ed25519PrivateKey
    folder: Path
    receivers: list[Role] = field(default_factory=list)
    workers: list[Role] = field(default_factory=list)
    _numbers: "itertools.count[int]" = field(default_factory=itertools.count)

    async def receive(self, code: Path = OURS) -> Role:
        """Start a receiver, and put it into rotation once it is ready."""
        log, port = self._log("receive"), free_port()
        role = Role(start(self.settings, log, "receive", code=code, HOST="127.0.0.1", PORT=str(port)), log, port)
        self.receivers.append(role)
        await ready(role.process, port, log)
        self.front.rotation.append(role)
        return role

    async def work(self, code: Path = OURS) -> Role:
        log = self._log("work")
        role = Role(start(self.settings, log, "work", code=code), log)
        self.workers.append(role)
        await working(role.process, log)
        return role

    async def end(self, role: Role) -> None:
        """As a deploy does: out of rotation, then SIGTERM; it must end by itself, and well."""
        self._forget(role)
        role.process.send_signal(signal.SIGTERM)
        assert await end_of(role.process) == 0, role.log.read_text()

    def kill(self, role: Role) -> None:
        """With -9; a receiver meanwhile is in rotation."""
        kill(role.process)
        self._forget(role)

    def check(self) -> None:
        """Whatever should run, runs."""
        for role in (*self.receivers, *self.workers):
            assert role.process.poll() is None, role.log.read_text()

    def said(self, *words: str) -> list[str]:
        """The lines of all logs that have one of these words."""
        lines = [line for log in sorted(self.folder.glob("*.log")) for line in log.read_text().splitlines()]
        return [line for line in lines if any(word in line for word in words)]

    async def call(self, method: str, path: str, body: Any = None, *, status: int = 200, **query: Any) -> Any:
        async with self.api.request(method, path, json=body, params=query, headers=HEADERS) as response:
            answer = await response.text()
            assert response.status == status, answer
            return json.loads(answer) if answer else None

    def _forget(self, role: Role) -> None:
        for roles in (self.front.rotation, self.receivers, self.workers):
            if role in roles:
                roles.remove(role)

    def _log(self, name: str) -> Path:
        return self.folder / f"{name}-{next(self._numbers)}.log"


@contextlib.asynccontextmanager
async def open_cluster(
    database_url: str, redis_url: str, folder: Path, *, pooled: str | None = None
) -> AsyncIterator[Cluster]:
    """A sandbox, and nothing before it yet. `pooled`: the database as its processes reach it, through PgBouncer."""
    key, front = Ed25519PrivateKey.generate(), Front()
    gate = web.Application()
    gate.router.add_post("/hook", front.hand_on)
    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(front.close)
        gate_server = await stack.enter_async_context(TestServer(gate))
        sandbox = create_app(
            load_seed(unbooked(packaged_seed("demo")), clock=now, random=Random(7)),
            webhook_url=str(gate_server.make_url("/hook")),
            signing_key=key,
            app_id=APP_ID,
            patience=Patience(first_delay=0.05, longest_delay=1),
            limits=PLENTY,
        )
        api = await stack.enter_async_context(TestClient(TestServer(sandbox)))
        url = str(api.make_url("/")).rstrip("/")
        more: dict[str, Any] = {"database_statement_cache": 0} if pooled else {}
        settings = settings_for(pooled or database_url, redis_url, highlevel_url=url, settle_after=SETTLE_AFTER, **more)
        pool = await stack.enter_async_context(pool_of(database_url))
        cluster = Cluster(settings, database_url, pool, front, api, key, folder)
        try:
            yield cluster
        finally:
            for role in (*cluster.receivers, *cluster.workers):
                kill(role.process)
