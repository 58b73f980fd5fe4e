"""The other system that `call` posts to: it keeps what it takes, and answers as it is ordered to."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from aiohttp import web
from aiohttp.test_utils import TestServer

from service.sandbox.door.fault_notation import read_fault
from service.sandbox.door.faults import Fault

POST = "post"
"""What a cut calls it that a worker asks this system for."""

NO_MATTER = ("truncated", "invalid")
"""Faults of an answer's body, of which a post keeps nothing."""


@dataclass
class Desk:
    """`posts`: the id and the body of each post that was taken, in the order in which they were."""

    url: str = ""
    posts: list[tuple[str, bytes]] = field(default_factory=list)
    ordered: Fault | None = None
    """What befalls the next post."""
    busy: int = 0
    """Posts that came and are not answered."""

    @property
    def place(self) -> str:
        """Host and port."""
        return self.url.split("/")[2]

    def order(self, what: str) -> None:
        """In the sandbox's notation of faults."""
        self.ordered = read_fault(f"{POST}:{what}")

    def clear(self) -> None:
        self.posts.clear()
        self.ordered = None

    def most(self) -> int:
        """How often the same was taken."""
        return max(Counter(self.posts).values(), default=0)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.busy += 1
        try:
            return await self._answer(request)
        finally:
            self.busy -= 1

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        """Read it, whatever becomes of it; who asked may be gone by the time it is taken."""
        post = (request.headers["webhook-id"], await request.read())
        fault, self.ordered = self.ordered, None
        if fault is None:
            self.posts.append(post)
            return web.Response(status=204)
        await asyncio.sleep(fault.delay)
        if not fault.prevents:
            self.posts.append(post)
        await asyncio.sleep(fault.hold)
        if fault.drop:
            if request.transport is not None:
                request.transport.abort()
            return web.Response(status=204)
        again = {} if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}
        return web.Response(status=fault.answered_status if fault.stands_in else 204, headers=again)


@contextlib.asynccontextmanager
async def open_desk() -> AsyncIterator[Desk]:
    desk, other = Desk(), web.Application()
    other.router.add_post("/posts", desk.answer)
    async with TestServer(other) as server:
        desk.url = str(server.make_url("/posts"))
        yield desk
