"""Alerts that nobody takes, or that somebody was just sending: none is lost in silence, and nothing else is held up."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from pydantic import SecretStr

from service.embedded import Servers
from service.store import notices
from service.store.database import Pool
from service.store.identifiers import new_id
from service.store.notices import Notice
from tests.alerting import Alerting, opened
from tests.house import now, register
from workers.alerting import channels, sending
from workers.alerting.channels import Webhook
from workers.alerting.sending import Sender
from workers.cli.checkup.record import of_trouble


@pytest.fixture
async def alerting(pool: Pool, database_url: str, servers: Servers) -> AsyncIterator[Alerting]:
    await register(pool)
    async with opened(pool, database_url, servers.redis_url) as alerting:
        yield alerting


async def test_what_is_refused_is_given_up_and_told_of(alerting: Alerting) -> None:
    sender = alerting.sender()
    await sender.look()
    await alerting.alert()
    alerting.there.answers = [404]
    await sender.look()
    await alerting.rested()
    await sender.look()
    assert len(alerting.texts) == 1
    assert alerting.counted() == {("webhook", "failed"): 1, ("webhook", "given_up"): 1}
    async with alerting.pool.acquire() as connection:
        [trouble] = await notices.troubles(connection)
    finding, place = of_trouble(trouble, now()), alerting.there.url.split("/")[2]
    assert finding.name.startswith(f"alerts to {place} ")
    assert finding.found == (
        "1 alert of the last day could not be sent and will not be; "
        f"it took nothing 0 seconds ago: {place} answered 404: it refused"
    )
    assert "hush" not in str(finding)


async def test_what_nobody_took_for_a_day_is_given_up_without_another_try(alerting: Alerting) -> None:
    sender = alerting.sender()
    await sender.look()
    await alerting.alert()
    await alerting.later(25 * 60)
    await sender.look()
    assert alerting.texts == []
    assert alerting.counted() == {("webhook", "given_up"): 1}


async def test_two_workers_send_it_once(alerting: Alerting) -> None:
    """The second comes while the first one's post is under way."""
    one, two = alerting.sender(), alerting.sender()
    taken, go_on = asyncio.Event(), asyncio.Event()
    take = alerting.there.take

    async def slow(request: web.Request) -> web.Response:
        taken.set()
        await go_on.wait()
        return await take(request)

    app = web.Application()
    app.router.add_post("/hush-path", slow)
    async with TestServer(app) as server:
        url = str(server.make_url("/hush-path"))
        settings = alerting.work.settings.model_copy(update={"call_allowed": (url.split("/")[2],)})
        work = replace(alerting.work, settings=settings)
        one, two = (Sender(work, Webhook(work.outgoing, url, None, now), new_id()) for _ in range(2))
        await one.look()
        await alerting.alert()
        sent = asyncio.create_task(one.look())
        await taken.wait()
        await two.look()
        go_on.set()
        await sent
        await two.look()
        await work.outgoing.close()
    assert len(alerting.texts) == 1


async def test_a_worker_that_dies_while_it_sends_is_followed_by_another(alerting: Alerting) -> None:
    class Dies(Webhook):
        async def tell(self, notice: Notice) -> None:
            raise asyncio.CancelledError

    webhook = channels.channels(alerting.work)[0]
    assert isinstance(webhook, Webhook)
    dying = alerting.sender(Dies(webhook.outgoing, webhook.url, webhook.secret, webhook.clock))
    await dying.look()
    await alerting.alert()
    with pytest.raises(asyncio.CancelledError):
        await dying.look()
    other = alerting.sender()
    await other.look()
    assert alerting.texts == []
    await alerting.pool.execute("UPDATE channels SET claimed_until = now() - interval '1 second'")
    await other.look()
    assert len(alerting.texts) == 1


async def test_nothing_that_befalls_one_channel_ends_the_others_or_the_worker(
    alerting: Alerting, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Broken(Webhook):
        @property
        def name(self) -> str:
            return "broken"

        async def tell(self, notice: Notice) -> None:
            raise KeyError(notice.text)

    [webhook] = channels.channels(alerting.work)
    assert isinstance(webhook, Webhook)
    broken = Broken(webhook.outgoing, webhook.url, None, now)
    monkeypatch.setattr(sending, "LOOK_EVERY", 0.01)
    monkeypatch.setattr(sending, "channels", lambda _: [broken, webhook])
    running = asyncio.create_task(sending.run(alerting.work))
    try:
        async with asyncio.timeout(10):
            while await alerting.pool.fetchval("SELECT count(*) FROM channels") < 2:
                await asyncio.sleep(0.01)
            await alerting.alert()
            while not alerting.texts:
                await asyncio.sleep(0.01)
        assert not running.done()
    finally:
        running.cancel()
        await asyncio.wait([running])


async def test_without_a_channel_the_worker_goes_on(alerting: Alerting) -> None:
    work = replace(alerting.work, settings=alerting.work.settings.model_copy(update={"alert_webhooks": SecretStr("")}))
    running = asyncio.create_task(sending.run(work))
    for _ in range(5):
        await asyncio.sleep(0)
    assert not running.done()
    running.cancel()
    await asyncio.wait([running])
