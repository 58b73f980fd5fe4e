"""Checkups as tests want them: a house in order, what is found in it, and servers that play the stranger."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer

from service.settings import Settings
from tests.house import SECRET, TOKEN, House, now, open_house
from workers.cli.checkup.examination import examine
from workers.cli.checkup.finding import Finding

NOTE = """
  - {name: note, mode: live, when: appointment.created, then: [{do: add_note, text: seen}]}
"""


@asynccontextmanager
async def in_order(database_url: str, redis_url: str) -> AsyncIterator[House]:
    """A house with nothing to mend, whose worker has nothing to do and is not there."""
    async with open_house(database_url, redis_url, working=False) as opened:
        await opened.rules(NOTE)
        yield opened


async def look(settings: Settings, **options: Any) -> dict[str, Finding]:
    """What is found, by name."""
    found = await examine(settings, options.pop("clock", now), **options)
    names = [finding.name for finding in found]
    assert len(set(names)) == len(names), names
    told = " ".join(f"{finding.found} {finding.advice}" for finding in found)
    assert all(secret not in told for secret in ("hush", TOKEN, SECRET.get_secret_value()))
    assert all(finding.advice for finding in found if finding.state in ("warning", "failed"))
    return {finding.name: finding for finding in found}


def changed(house: House, **settings: Any) -> Settings:
    return house.settings.model_copy(update=settings)


async def ask(house: House, statement: str, *values: Any) -> None:
    async with house.pool.acquire() as connection:
        await connection.execute(statement, *values)


@asynccontextmanager
async def saying(answer: bytes) -> AsyncIterator[int]:
    """A server that says this to whoever connects, and nothing more; its port."""

    async def tell(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(answer)
        await over.wait()
        writer.close()

    over = asyncio.Event()
    server = await asyncio.start_server(tell, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        over.set()
        server.close()


@asynccontextmanager
async def answering(answer: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    async with TestServer(app) as server:
        yield str(server.make_url("")).rstrip("/")
