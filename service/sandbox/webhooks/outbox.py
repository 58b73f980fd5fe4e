"""Webhooks on their way: at least once, in order for what belongs together, tried again until given up."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass
from itertools import count
from random import Random
from typing import Any, Literal
from weakref import WeakValueDictionary

import aiohttp
from pydantic import Field, TypeAdapter

from service.sandbox.world.records import Record

Channel = Literal["app", "workflow"]
"""What goes to the app is signed, what a workflow posts is not."""


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


class Manners(Record):
    """What is done on purpose that receivers have to bear."""

    duplicates: float = Field(default=0, ge=0, le=1)
    """The chance that one that was taken is posted a second time."""
    reorder: bool = False
    """Each goes by itself, a moment late; what belongs together comes in any order."""
    hold: bool = False
    """Nothing goes out until this is over."""


@dataclass(frozen=True)
class Address:
    url: str
    headers: Callable[[bytes], Mapping[str, str]]
    """What goes with a body."""


class Waiting(Record):
    """One that is still to be delivered."""

    channel: Channel
    lane: str
    body: bytes


class Outbox:
    """What is still to be delivered, in memory: in each lane one after the other, all lanes at once. A channel without
    an address takes nothing: there is nobody to tell."""

    def __init__(
        self, addresses: Mapping[Channel, Address], patience: Patience, random: Random, manners: Manners
    ) -> None:
        self._addresses = addresses
        self._patience = patience
        self._random = random
        self._session: aiohttp.ClientSession | None = None
        self._numbers = count()
        self._waiting: dict[int, Waiting] = {}
        self._lanes: WeakValueDictionary[tuple[Channel, str], asyncio.Lock] = WeakValueDictionary()
        """Locks let go in the order of asking."""
        self._tasks: set[asyncio.Task[None]] = set()
        self._turns = asyncio.Semaphore(patience.at_once)
        self._let_go = asyncio.Event()
        self.once: Callable[[], Awaitable[None]] | None = None
        """What is waited for before the first try: nothing is told that could still be forgotten."""
        self.delivered = 0
        self.given_up = 0
        self.behave(manners)

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    def behave(self, manners: Manners) -> None:
        """From now on, for what waits too."""
        self.manners = manners
        if manners.hold:
            self._let_go.clear()
        else:
            self._let_go.set()

    async def open(self) -> None:
        # No limit of connections: the turns are the limit, and time spent waiting for one is no attempt's time.
        self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
        for number in self._waiting:
            self._start(number)

    async def close(self) -> None:
        """What is still waiting goes nowhere any more; `dump` has it."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._session is not None:
            await self._session.close()
            self._session = None

    def put(self, lane: str, body: bytes, channel: Channel = "app") -> None:
        """Queue behind what is waiting in the same lane; before it is open, to go out then."""
        self._put(Waiting(channel=channel, lane=lane, body=body))

    def dump(self) -> list[dict[str, Any]]:
        """What waits, in order, as JSON values."""
        return [waiting.model_dump(mode="json") for waiting in self._waiting.values()]

    def load(self, values: Sequence[Mapping[str, Any]]) -> None:
        """Queue what `dump` gave. What was under way then goes out again. Raises pydantic's ValidationError."""
        for waiting in TypeAdapter(list[Waiting]).validate_python(values):
            self._put(waiting)

    async def post(self, body: bytes, headers: Mapping[str, str]) -> tuple[int, Any]:
        """To the app's address, once, now, outside every lane: the receiver's status and its answer, as JSON where it
        is. Raises aiohttp.ClientError or TimeoutError when there is none, LookupError without an address."""
        if "app" not in self._addresses:
            raise LookupError("no webhook address")
        async with self._request(self._addresses["app"].url, body, headers) as response:
            text = await response.text(errors="replace")
            try:
                return response.status, json.loads(text)
            except (ValueError, RecursionError):
                return response.status, text or None

    def _put(self, waiting: Waiting) -> None:
        if waiting.channel not in self._addresses:
            return
        number = next(self._numbers)
        self._waiting[number] = waiting
        if self._session is not None:
            self._start(number)

    def _start(self, number: int) -> None:
        waiting = self._waiting[number]
        lane = self._lanes.setdefault((waiting.channel, waiting.lane), asyncio.Lock())
        task = asyncio.create_task(self._carry(number, waiting, lane))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _carry(self, number: int, waiting: Waiting, lane: asyncio.Lock) -> None:
        await self._let_go.wait()
        if self.once is not None:
            await self.once()
        async with nullcontext() if self.manners.reorder else lane:
            taken = await self._deliver(waiting)
        if taken:
            self.delivered += 1
        else:
            self.given_up += 1
        del self._waiting[number]

    async def _deliver(self, waiting: Waiting) -> bool:
        """Signed once, the same bytes on each try and on the second of a pair."""
        address = self._addresses[waiting.channel]
        headers = address.headers(waiting.body)
        if not await self._insist(address.url, waiting.body, headers):
            return False
        if self.manners.duplicates and self._random.random() < self.manners.duplicates:
            await self._try(address.url, waiting.body, headers)  # once, whatever is said to it
        return True

    async def _insist(self, url: str, body: bytes, headers: Mapping[str, str]) -> bool:
        for attempt in range(self._patience.retries + 1):
            taken, asked_for = await self._try(url, body, headers)
            if taken:
                return True
            if attempt < self._patience.retries:
                await asyncio.sleep(self._delay(attempt, asked_for))
        return False

    async def _try(self, url: str, body: bytes, headers: Mapping[str, str]) -> tuple[bool, float | None]:
        """Whether it was taken, and for how many seconds its receiver wants to be left alone."""
        if self.manners.reorder:
            await asyncio.sleep(self._random.uniform(0, self._patience.first_delay))
        try:
            async with self._turns:
                await self._let_go.wait()  # with a turn in hand: nothing slips out that was waiting for one
                async with self._request(url, body, headers) as response:
                    return 200 <= response.status < 300, _seconds(response.headers.get("Retry-After"))
        except (aiohttp.ClientError, TimeoutError, OSError):
            return False, None  # no answer is as good as a refusal: it is tried again

    def _delay(self, failed: int, asked_for: float | None) -> float:
        """After the attempt of this number (the first is 0); what the receiver asked for goes before our own figure."""
        delay: float = min(self._patience.first_delay * 2.0**failed, self._patience.longest_delay)
        if asked_for is not None:
            delay = max(self._patience.first_delay, asked_for)
        return delay * self._random.uniform(1, 1.25)

    def _request(
        self, url: str, body: bytes, headers: Mapping[str, str]
    ) -> AbstractAsyncContextManager[aiohttp.ClientResponse]:
        if self._session is None:
            raise RuntimeError("the outbox is not open")
        return self._session.post(
            url,
            data=body,
            headers=headers,
            allow_redirects=False,
            timeout=aiohttp.ClientTimeout(total=self._patience.attempt_timeout),
        )


def _seconds(text: str | None) -> float | None:
    return float(text) if text and text.isascii() and text.isdigit() else None
