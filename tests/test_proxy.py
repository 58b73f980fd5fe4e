"""An HTTP proxy on the way to HighLevel, where the environment names one: whoever asks HighLevel goes through it."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
from pydantic import SecretStr

from service.settings import read_settings
from tests.test_client import Server, answering
from workers.cli.checkup.examination import examine
from workers.cli.locations import _look

NOW = datetime(2027, 3, 1, 12, tzinfo=UTC)
SETTINGS = read_settings().model_copy(
    update={"highlevel_url": "http://highlevel.example.com", "public_url": "http://hooks.example.com"}
)


@pytest.fixture
async def proxy(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Server]:
    async with answering(b"HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n") as listening:
        monkeypatch.setenv("http_proxy", listening.url)
        yield listening


def hosts(proxy: Server) -> set[str]:
    return {head.split("/")[2] for head in proxy.heads}


async def test_the_doctor_asks_through_it(proxy: Server) -> None:
    async with asyncio.timeout(20):
        await examine(SETTINGS, lambda: NOW)
    assert hosts(proxy) == {"highlevel.example.com", "hooks.example.com"}


async def test_a_location_is_looked_up_through_it(proxy: Server) -> None:
    assert (await _look(SETTINGS, "loc", SecretStr("secret-token"))).refused is not None
    assert hosts(proxy) == {"highlevel.example.com"}
