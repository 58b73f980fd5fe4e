"""/now: what needs a person, what is under way, and what is left; it looks again by itself."""

from collections.abc import Callable
from datetime import datetime

from aiohttp import web

from service.console.errors import Refused
from service.console.pages import page
from service.console.record import Record
from service.store import overview

LOOK_AGAIN = 10
"""Seconds."""


class NowPage:
    def __init__(self, record: Record, clock: Callable[[], datetime]) -> None:
        self._record = record
        self._clock = clock

    async def show(self, request: web.Request) -> web.StreamResponse:
        refresh = request.query.get("refresh", "1")
        if refresh not in ("0", "1"):
            raise Refused(400, "Not understood", "refresh is 1, which looks again by itself, or 0.")
        async with self._record.read() as connection:
            found = await overview.now(connection)
        return page(
            request,
            "now.html",
            found=found,
            at=self._clock(),
            again=LOOK_AGAIN if refresh == "1" else None,
            counted=overview.COUNTED,
        )
