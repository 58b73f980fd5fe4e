"""Canaries: secrets and a person's data that are planted on purpose, and those who would give them away."""

import asyncio
import base64
import contextlib
import gzip
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web
from aiohttp.test_utils import TestServer

from service.console.passwords import password_hash
from service.embedded import Servers
from service.settings import Settings
from service.store.database import Pool
from tests.house import in_days, pool_of, settings_for
from tests.processes import OURS, Process, end_of, free_port, kill, start
from tests.sandboxes import CUTS, LOCATION

PERSON = {
    "first name": "Ottoline",
    "last name": "Quillfeather",
    "e-mail": "plumdrake",
    "phone": "7700900813",
    "address": "Hollyhock",
    "title": "Wigfitting",
    "note": "zinnober",
    "body": "webhookbodymark",
}
"""What somebody is told by: each word is in what is planted of its kind, and nowhere else."""

CONTACT = "cOttX3mT8qLw5ZrK1vNp"
NAME = f"{PERSON['first name']} {PERSON['last name']}"
EMAIL = f"{PERSON['e-mail']}@example.com"
PHONE = f"+44{PERSON['phone']}"
ADDRESS = f"{PERSON['address']} Lane 7"
TITLE = f"{PERSON['title']} for {NAME}"
NOTE = f"is allergic to {PERSON['note']}, call {PHONE} or {EMAIL}"

EXTERNAL_KEY = b"the canary key of the shop, 40 bytes...."
SIGNING_KEY = b"the canary key that signs hooks."
SECRETS = {
    "token": "pit-canary-token-of-leeds",
    "wrong token": "pit-canary-token-of-nobody",
    "key": base64.urlsafe_b64encode(b"the canary key of all the tokens").decode(),
    "database password": "canary-password-of-postgres",
    "redis password": "canary-password-of-valkey",
    "console password": "canary-password-of-console",
    "wrong console password": "canary-password-of-intruder",
    "workflow secret": "canary-secret-of-the-workflow",
    "wrong workflow secret": "canary-secret-of-an-intruder",
    "external secret": f"whsec_{base64.b64encode(EXTERNAL_KEY).decode()}",
    "signing key": base64.b64encode(SIGNING_KEY).decode(),
    "short secret": "canary-too-short",
}
SENTRY_KEY = "5e27c0ffee5e27c0ffee5e27c0ffee00"

SEED = f"""
locations:
  - id: {LOCATION}
    name: Leeds Salon
    timezone: Europe/London
    tokens: [{SECRETS["token"]}]
    users: [{{id: u8jzPde0IgxLd6GncfBA, name: Dana}}]
    contacts: [{{id: {CONTACT}, name: "{NAME}"}}]
    calendars:
      - id: jc01T5GOBUSZGi6HWGK1
        name: Cuts
        team: [u8jzPde0IgxLd6GncfBA]
        slot_minutes: 60
        interval_minutes: 60
        open_hours: [{{days: [Mon, Tue, Wed, Thu, Fri, Sat, Sun], opens: 00:00, closes: 24:00}}]
"""


def found_in(text: str) -> set[str]:
    """The names of the canaries that can be read in a text, plainly or as PostgreSQL and base64 spell bytes."""
    told = text.lower()
    canaries = {**PERSON, **SECRETS, "sentry key": SENTRY_KEY}
    return {name for name, canary in canaries.items() if any(form in told for form in _forms(canary))}


def _forms(canary: str) -> set[str]:
    raw = canary.encode()
    # Base64 of a text that holds it: what begins at any of three places, less the letters that the rest decides.
    encoded = {base64.b64encode(b"\0" * shift + raw).decode()[shift and 4 : -4].lower() for shift in range(3)}
    return {canary.lower(), raw.hex(), *encoded}


@dataclass
class Sentry:
    """What was sent to it, unpacked: the events, and all of it as text but for the key it knows itself."""

    url: str = ""
    events: list[dict[str, Any]] = field(default_factory=list)
    text: str = ""

    @property
    def roles(self) -> set[str]:
        """Whose events came."""
        return {str(event["tags"]["role"]) for event in self.events}

    async def take(self, request: web.Request) -> web.Response:
        body = await request.read()
        unpacked = gzip.decompress(body) if body.startswith(b"\x1f\x8b") else body
        lines = unpacked.decode().splitlines()
        # Each envelope is headed by the key of the project it is for, as Sentry asks for it.
        heading = json.loads(lines[0])
        heading.get("trace", {}).pop("public_key", None)
        self.text += "\n".join([json.dumps(heading), *lines[1:], ""])
        for line in lines[1:]:
            item = json.loads(line)
            if "event_id" in item and "platform" in item:
                self.events.append(item)
        return web.json_response({})


@asynccontextmanager
async def sentry() -> AsyncIterator[Sentry]:
    """A Sentry of our own; its `url` is a DSN."""
    taken = Sentry()
    app = web.Application()
    app.router.add_post("/api/1/envelope/", taken.take)
    async with TestServer(app) as server:
        taken.url = f"http://{SENTRY_KEY}@127.0.0.1:{server.port}/1"
        yield taken


@dataclass
class Echo:
    """Stands before the sandbox, and where it is told to answers in its place, quoting all that it was sent."""

    behind: str
    session: aiohttp.ClientSession
    url: str = ""
    orders: dict[tuple[str, str], list[int]] = field(default_factory=dict)
    """By method and the path's end: the statuses of the next answers. 200 is an answer that cannot be read."""
    quoted: int = 0

    async def answer(self, request: web.Request) -> web.Response:
        body = await request.read()
        for (method, ending), statuses in self.orders.items():
            if statuses and request.method == method and request.path.endswith(ending):
                self.quoted += 1
                told = f"{request.path} {body.decode()} {request.headers.get('Authorization')}"
                answer = {"message": told, "error": told, "note": told, "location": told}
                return web.json_response(answer, status=statuses.pop(0), headers={"Retry-After": "0", "X-Told": NAME})
        headers = {name: request.headers[name] for name in ("Authorization", "Version") if name in request.headers}
        headers["Content-Type"] = "application/json"
        url = self.behind + request.path_qs
        async with self.session.request(request.method, url, data=body, headers=headers) as answered:
            limits = {name: told for name, told in answered.headers.items() if name.startswith("X-RateLimit")}
            body = await answered.read()
            return web.Response(status=answered.status, body=body, content_type="application/json", headers=limits)


@asynccontextmanager
async def echo(behind: str) -> AsyncIterator[Echo]:
    async with aiohttp.ClientSession() as session:
        standing = Echo(behind, session)
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", standing.answer)
        async with TestServer(app) as server:
            standing.url = f"http://127.0.0.1:{server.port}"
            yield standing


@dataclass
class Place:
    """Every role as a process of its own, told the canaries as an operator, HighLevel and its customers would."""

    settings: Settings
    environment: Mapping[str, str]
    folder: Path
    pool: Pool
    echo: Echo
    sentry: Sentry
    session: aiohttp.ClientSession
    port: int
    console_port: int
    sandbox_url: str
    running: dict[str, Process] = field(default_factory=dict)
    said: list[tuple[str, str]] = field(default_factory=list)
    """Commands, and what each of them said."""
    numbers: "count[int]" = field(default_factory=count)

    def log(self, role: str) -> str:
        return (self.folder / f"{role}.log").read_text()

    def start(self, role: str, *words: str) -> Process:
        process = start(
            self.settings, self.folder / f"{role}.log", role, *words, code=OURS, said="", **self.environment
        )
        self.running[role] = process
        return process

    async def say(self, *words: str, said: str = "", code: int = 0, **more: str) -> str:
        """A command to its end."""
        log = self.folder / f"command-{next(self.numbers)}.log"
        process = start(self.settings, log, *words, code=OURS, said=said, **{**self.environment, **more})
        assert await end_of(process) == code, (words, log.read_text())
        self.said.append((" ".join(words), log.read_text()))
        return self.said[-1][1]

    async def book(self, title: str, clock: str) -> str:
        body = {
            "calendarId": CUTS,
            "locationId": LOCATION,
            "contactId": CONTACT,
            "title": title,
            "address": ADDRESS,
            "startTime": in_days(7, clock),
        }
        return str((await self.ask("POST", "/calendars/events/appointments", body))["id"])

    async def ask(self, method: str, path: str, body: Any = None) -> Any:
        """The sandbox, as a customer's page does."""
        headers = {"Authorization": f"Bearer {SECRETS['token']}", "Version": "2021-07-28"}
        async with self.session.request(method, self.sandbox_url + path, json=body, headers=headers) as answer:
            assert answer.status < 300, await answer.text()
            return await answer.json()

    async def post(self, path: str, body: bytes, headers: Mapping[str, str]) -> int:
        async with self.session.post(f"http://127.0.0.1:{self.port}{path}", data=body, headers=headers) as answer:
            return answer.status

    async def page(self, path: str, **form: str) -> tuple[int, str]:
        """Of the console: read, or filled in."""
        url = f"http://127.0.0.1:{self.console_port}{path}"
        call = self.session.post(url, data=form) if form else self.session.get(url)
        async with call as answer:
            return answer.status, await answer.text()

    async def until(self, question: str) -> None:
        """Return once the database says true."""
        async with asyncio.timeout(60):
            while not await self.pool.fetchval(question):
                await asyncio.sleep(0.05)


@asynccontextmanager
async def open_place(form: str, database_url: str, servers: Servers, folder: Path) -> AsyncIterator[Place]:
    async with contextlib.AsyncExitStack() as stack:
        pool = await stack.enter_async_context(pool_of(database_url))
        session = await stack.enter_async_context(aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)))
        taken = await stack.enter_async_context(sentry())
        sandbox_url = f"http://127.0.0.1:{free_port()}"
        standing = await stack.enter_async_context(echo(sandbox_url))
        port, console_port = free_port(), free_port()
        socket = servers.redis_url.removeprefix("unix://")
        settings = settings_for(
            database_url.replace("postgres@", f"postgres:{SECRETS['database password']}@"),
            f"unix://canary:{SECRETS['redis password']}@{socket}",
            highlevel_url=standing.url,
        )
        environment = {
            "SECRET_KEY": SECRETS["key"],
            "SENTRY_DSN": taken.url,
            "CONSOLE_PASSWORD": password_hash(SECRETS["console password"]),
            "CONSOLE_PORT": str(console_port),
            "HOST": "127.0.0.1",
            "PORT": str(port),
            "PUBLIC_URL": f"http://127.0.0.1:{port}",
            "LOG_FORMAT": form,
            "LOG_LEVEL": "debug",
            "SETTLE_AFTER": "1",
            "SANDBOX_SIGNING_KEY": SECRETS["signing key"],
        }
        place = Place(settings, environment, folder, pool, standing, taken, session, port, console_port, sandbox_url)
        try:
            yield place
        finally:
            for process in place.running.values():
                kill(process)
