"""Webhooks on their way: at least once, in order for what belongs together, tried again until given up."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass
from itertools import count
from random import Random
from typing import Any
from weakref import WeakValueDictionary

import aiohttp
import structlog
from pydantic import Field, TypeAdapter, field_validator

from service.sandbox.webhooks.address import CHANNELS, OPTIONS, Address, Channel, Reception, no_answer
from service.sandbox.world.records import Record

log = structlog.get_logger()


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

    @field_validator("duplicates", mode="before")
    @classmethod
    def is_a_share(cls, value: object) -> object:
        """Options speak of percent, and some go by them."""
        if isinstance(value, int | float) and value > 1:
            raise ValueError("a share of 1, as in 0.2")
        return value


class Waiting(Record):
    """One that is still to be delivered."""

    channel: Channel
    lane: str
    body: bytes


class Outbox:
    """What is still to be delivered, in memory: in each lane one after the other, all lanes at once. A channel without
    an address takes nothing new, for there is nobody to tell; what waited for it waits on."""

    def __init__(
        self, addresses: Mapping[Channel, Address], patience: Patience, random: Random, manners: Manners
    ) -> None:
        self._addresses = addresses
        self._receptions = {channel: Reception(channel, address) for channel, address in addresses.items()}
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
        self.over: Callable[[], None] | None = None
        """Told that one more does not wait any longer."""
        self.delivered = 0
        self.given_up = 0
        self.behave(manners)

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    @property
    def over_by_now(self) -> int:
        """So many wait no longer."""
        return self.delivered + self.given_up

    def waiting_for(self, channel: Channel) -> int:
        return sum(waiting.channel == channel for waiting in self._waiting.values())

    def reception(self, channel: Channel) -> Reception | None:
        """None without an address."""
        return self._receptions.get(channel)

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
        for channel in CHANNELS:
            waiting, reception = self.waiting_for(channel), self.reception(channel)
            if reception is not None:
                log.info("webhooks are posted", channel=channel, address=reception.shown, waiting=waiting)
            elif waiting:
                log.warning("webhooks wait for an address", channel=channel, waiting=waiting, give=OPTIONS[channel])

    async def close(self) -> None:
        """What is still waiting goes nowhere any more; `dump` has it."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._session is not None:
            await self._session.close()
            self._session = None

    def put(self, lane: str, body: bytes, channel: Channel = "app") -> None:
        """Queue behind what is waiting in the same lane; before it is open, to go out then. Without an address for
        the channel nothing is queued."""
        if channel in self._addresses:
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
        number = next(self._numbers)
        self._waiting[number] = waiting
        if self._session is not None:
            self._start(number)

    def _start(self, number: int) -> None:
        waiting = self._waiting[number]
        if waiting.channel not in self._addresses:
            return
        lane = self._lanes.setdefault((waiting.channel, waiting.lane), asyncio.Lock())
        task = asyncio.create_task(self._carry(number, waiting, lane))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _carry(self, number: int, waiting: Waiting, lane: asyncio.Lock) -> None:
        await self._let_go.wait()
        if self.once is not None:
            await self.once()
        async with nullcontext() if self.manners.reorder else lane:
            taken = await self._deliver(number, waiting)
        if taken:
            self.delivered += 1
        else:
            self.given_up += 1
        del self._waiting[number]
        if self.over is not None:
            self.over()

    async def _deliver(self, number: int, waiting: Waiting) -> bool:
        """Signed once, the same bytes on each try and on the second of a pair."""
        address = self._addresses[waiting.channel]
        headers = address.headers(waiting.body)
        if not await self._insist(number, waiting, headers):
            return False
        if self.manners.duplicates and self._random.random() < self.manners.duplicates:
            await self._try(address.url, waiting.body, headers)  # once, whatever is said to it
        return True

    async def _insist(self, number: int, waiting: Waiting, headers: Mapping[str, str]) -> bool:
        reception, loop = self._receptions[waiting.channel], asyncio.get_running_loop()
        for attempt in range(self._patience.retries + 1):
            refusal, asked_for = await self._try(reception.url, waiting.body, headers)
            if refusal is None:
                reception.taken(number)
                return True
            last = attempt == self._patience.retries
            delay = None if last else self._delay(attempt, asked_for)
            reception.refused(number, refusal, loop.time(), delay)
            if delay is not None:
                await asyncio.sleep(delay)
        reception.gave_up(number, waiting.lane, tries=self._patience.retries + 1)
        return False

    async def _try(self, url: str, body: bytes, headers: Mapping[str, str]) -> tuple[str | None, float | None]:
        """Why it was not taken, and for how many seconds its receiver wants to be left alone."""
        if self.manners.reorder:
            await asyncio.sleep(self._random.uniform(0, self._patience.first_delay))
        try:
            async with self._turns:
                await self._let_go.wait()  # with a turn in hand: nothing slips out that was waiting for one
                async with self._request(url, body, headers) as response:
                    refusal = None if 200 <= response.status < 300 else str(response.status)
                    return refusal, _seconds(response.headers.get("Retry-After"))
        except TimeoutError:
            return f"no answer within {self._patience.attempt_timeout:g} s", None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            # No answer is as good as a refusal: it is tried again. ValueError: of a host that is no name.
            return no_answer(error), None

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
