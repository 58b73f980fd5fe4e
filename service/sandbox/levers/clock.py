"""The lever that moves the sandbox's clock."""

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated

from aiohttp import web
from pydantic import BeforeValidator, Field, model_validator

from service.sandbox.lever import Lever
from service.sandbox.levers.orders import Order, complaint, read_order
from service.sandbox.world.moments import instant, stamp_text
from service.sandbox.world.world import World

FIRST, LAST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
"""What the clock may show: far enough from where calendars end that every horizon can still be reckoned."""
MOST = 400 * 365 * 86_400.0
STEP = re.compile(r"(?:(\d{1,6})d)?(?:(\d{1,6})h)?(?:(\d{1,6})m)?(?:(\d{1,6})s)?", re.ASCII)


def _moment(value: object) -> object:
    if not isinstance(value, str):
        raise ValueError("a moment is a text as in 2026-07-20T12:00:00+02:00")
    try:
        moment = datetime.fromisoformat(value)
        if moment.tzinfo is not None:
            return instant(value)
    except (ValueError, OverflowError):
        pass
    raise ValueError("a moment is written with its offset, as in 2026-07-20T12:00:00+02:00")


def _step(value: object) -> object:
    """`1h30m` as that much time."""
    found = STEP.fullmatch(value) if isinstance(value, str) else None
    if not value or found is None:
        raise ValueError("a stretch of time is written as in 90m, 2h, 3d or 1h30m")
    days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)


class ClockOrder(Order):
    """One of these; none of them goes back to real time."""

    now: Annotated[datetime | None, BeforeValidator(_moment)] = None
    ahead: float | None = Field(default=None, ge=-MOST, le=MOST, allow_inf_nan=False)
    """Seconds by which it is ahead of real time; negative: behind."""
    forward: Annotated[timedelta | None, BeforeValidator(_step)] = None
    """On from what it shows."""

    @model_validator(mode="after")
    def one_at_most(self) -> "ClockOrder":
        if len(self.model_fields_set) > 1:
            raise ValueError("one of now, ahead and forward is said")
        return self

    def ahead_of(self, world: World) -> timedelta:
        """How far the clock shall be ahead."""
        if self.now is not None:
            return world.ahead + (self.now - world.now())
        if self.forward is not None:
            return world.ahead + self.forward
        return timedelta(seconds=self.ahead or 0)


class ClockControl:
    def __init__(self, world: World) -> None:
        self._world = world

    def levers(self) -> list[Lever]:
        return [
            Lever("GET", "/clock", "what the clock shows, and by how many seconds it is ahead", self.show),
            Lever("PUT", "/clock", "move it: now, ahead (seconds) or forward (1h30m); {} is real time", self.move),
        ]

    async def show(self, request: web.Request) -> web.Response:
        return web.json_response({"now": stamp_text(self._world.now()), "ahead": self._world.ahead.total_seconds()})

    async def move(self, request: web.Request) -> web.Response:
        """It ticks on from there."""
        order = await read_order(request, ClockOrder)
        world = self._world
        ahead = order.ahead_of(world)
        try:
            shown = world.now() - world.ahead + ahead
        except OverflowError:
            shown = LAST
        if not FIRST <= shown < LAST:
            return complaint(422, f"the clock shows moments from {FIRST.year} to {LAST.year - 1}")
        world.ahead = ahead
        world.touch()
        return await self.show(request)
