"""Webhooks as HighLevel sends them: at least once, in order for each appointment, tried again until given up."""

import asyncio
import json
from collections import deque
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from random import Random
from typing import Any

import aiohttp

from service.sandbox.appointment_answers import announced
from service.sandbox.moments import stamp_text
from service.sandbox.outcome import Announcement
from service.sandbox.signing import Signature, Signer
from service.sandbox.world import World


@dataclass(frozen=True)
class Patience:
    """How often and how far apart. HighLevel's guide promises twelve retries after the first try, with exponential
    backoff and jitter, and keeps the figures to itself."""

    first_delay: float = 0.5
    """Seconds; doubled each time."""
    longest_delay: float = 300
    retries: int = 12
    attempt_timeout: float = 10
    at_once: int = 50
    """Posts under way at the same time."""


def compact(body: Any) -> bytes:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()


@dataclass(frozen=True)
class App:
    """The marketplace app that webhooks name."""

    id: str
    version_id: str


def envelope(world: World, announcement: Announcement, app: App) -> bytes:
    """The whole body: the published event within the keys, and their order, that deliveries of other events have."""
    appointment = announcement.appointment
    return compact(
        {
            "type": announcement.type,
            "locationId": appointment.location_id,
            "versionId": app.version_id,
            "appId": app.id,
            "appointment": announced(appointment, world.locations[appointment.location_id]),
            "timestamp": stamp_text(world.now()),
            "webhookId": world.new_uuid(),
        }
    )


class Outbox:
    """What is still to be delivered, in memory: one lane for each appointment, all lanes at once."""

    def __init__(self, url: str | None, signer: Signer, patience: Patience, random: Random) -> None:
        self._url = url
        self._signer = signer
        self._patience = patience
        self._random = random
        self._session: aiohttp.ClientSession | None = None
        self._lanes: dict[str, deque[bytes]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._turns = asyncio.Semaphore(patience.at_once)
        self.waiting = 0
        self.delivered = 0
        self.given_up = 0

    async def open(self) -> None:
        # No limit of connections: the turns are the limit, and time spent waiting for one is no attempt's time.
        self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))

    async def close(self) -> None:
        """What is still waiting is lost."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._session is not None:
            await self._session.close()

    def put(self, lane: str, body: bytes) -> None:
        """Queue behind what is waiting in the same lane; without an address there is nobody to tell."""
        if self._url is None:
            return
        self.waiting += 1
        if lane in self._lanes:
            self._lanes[lane].append(body)
            return
        self._lanes[lane] = deque([body])
        task = asyncio.create_task(self._empty(lane))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def post(self, body: bytes, signature: Signature) -> tuple[int, Any]:
        """Once, now, outside every lane: the receiver's status and its answer, as JSON where it is. Raises
        aiohttp.ClientError or TimeoutError when there is none, LookupError without an address."""
        if self._url is None:
            raise LookupError("no webhook address")
        return await self._attempt(body, self._signer.headers(body, signature))

    async def _empty(self, lane: str) -> None:
        queue = self._lanes[lane]
        while queue:
            if await self._deliver(queue[0]):
                self.delivered += 1
            else:
                self.given_up += 1
            queue.popleft()
            self.waiting -= 1
        del self._lanes[lane]

    async def _deliver(self, body: bytes) -> bool:
        """Signed once, the same bytes on each try."""
        headers = self._signer.headers(body)
        for attempt in range(self._patience.retries + 1):
            asked_for: float | None = None
            try:
                async with self._turns, self._request(body, headers) as response:
                    if 200 <= response.status < 300:
                        return True
                    asked_for = _seconds(response.headers.get("Retry-After"))
            except (aiohttp.ClientError, TimeoutError, OSError):
                pass  # no answer is as good as a refusal: it is tried again
            if attempt < self._patience.retries:
                await asyncio.sleep(self._delay(attempt, asked_for))
        return False

    def _delay(self, failed: int, asked_for: float | None) -> float:
        """After the attempt of this number (the first is 0); what the receiver asked for goes before our own figure."""
        delay: float = min(self._patience.first_delay * 2.0**failed, self._patience.longest_delay)
        if asked_for is not None:
            delay = max(self._patience.first_delay, asked_for)
        return delay * self._random.uniform(1, 1.25)

    async def _attempt(self, body: bytes, headers: dict[str, str]) -> tuple[int, Any]:
        async with self._request(body, headers) as response:
            text = await response.text(errors="replace")
            try:
                return response.status, json.loads(text)
            except (ValueError, RecursionError):
                return response.status, text or None

    def _request(self, body: bytes, headers: dict[str, str]) -> AbstractAsyncContextManager[aiohttp.ClientResponse]:
        if self._session is None or self._url is None:
            raise RuntimeError("the outbox is not open")
        return self._session.post(
            self._url,
            data=body,
            headers=headers,
            allow_redirects=False,
            timeout=aiohttp.ClientTimeout(total=self._patience.attempt_timeout),
        )


def _seconds(text: str | None) -> float | None:
    return float(text) if text and text.isascii() and text.isdigit() else None
