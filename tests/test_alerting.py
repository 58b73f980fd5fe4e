"""Alerts are sent: to whom, when, and how often."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from pydantic import SecretStr

from service.embedded import Servers
from service.store import erasing, notices
from service.store.alerts import KINDS
from service.store.database import Pool
from tests.alerting import DELIVERY, NOON, Alerting, opened
from tests.house import register
from workers.alerting import channels

MIDNIGHT = datetime(2027, 3, 25, 0, tzinfo=UTC)
FOUND = f"\nslotwright history show {DELIVERY}"


@pytest.fixture
async def alerting(pool: Pool, database_url: str, servers: Servers) -> AsyncIterator[Alerting]:
    await register(pool)
    async with opened(pool, database_url, servers.redis_url) as alerting:
        yield alerting


async def test_the_first_goes_at_once_signed_and_what_follows_is_counted_once_the_time_is_over(
    alerting: Alerting, capsys: pytest.CaptureFixture[str]
) -> None:
    sender = alerting.sender()
    await sender.look()
    await alerting.alert(text="Ada cannot come", rule="evening", delivery_id=DELIVERY)
    await sender.look()
    assert alerting.texts == [f"Leeds Salon, evening, urgent: Ada cannot come{FOUND}"]
    assert json.loads(alerting.there.got[0][1]).keys() == {"text"}
    for _ in range(3):
        await alerting.alert(text="Bo cannot come", rule="evening")
    await alerting.rested()
    await sender.look()
    assert len(alerting.texts) == 1
    await alerting.later(16)
    await sender.look()
    await alerting.rested()
    await sender.look()
    _, second = alerting.texts
    assert " (and 3 more since " in second
    assert "Bo" not in second
    assert len(set(alerting.ids)) == 2, "each is its own, and signed"
    assert alerting.counted() == {("webhook", "sent"): 2}
    printed = capsys.readouterr()
    assert "hush" not in printed.out + printed.err
    assert "Ada" not in printed.out + printed.err


async def test_without_a_secret_it_goes_unsigned(pool: Pool, database_url: str, servers: Servers) -> None:
    await register(pool)
    async with opened(pool, database_url, servers.redis_url, call_secret=SecretStr("")) as alerting:
        sender = alerting.sender()
        await sender.look()
        await alerting.alert()
        await sender.look()
        [(headers, _)] = alerting.there.got
    assert [name for name in headers if name.startswith("webhook")] == []


async def test_at_night_only_what_is_urgent_goes_and_the_rest_in_the_morning(alerting: Alerting) -> None:
    alerting.at[0] = MIDNIGHT
    sender = alerting.sender()
    await sender.look()
    for kind in KINDS:
        await alerting.alert(kind, kind)
        await alerting.alert(kind, kind)
    await alerting.alert("parked", "of no location", location_id="")
    for _ in KINDS:
        await sender.look()
        await alerting.rested()
    night = {text.partition(" (")[0].rpartition(": ")[2] for text in alerting.texts}
    assert night == {"urgent", "breaker", "token", "of no location"}
    alerting.at[0] = NOON
    for _ in KINDS:
        await sender.look()
        await alerting.rested()
    morning = alerting.texts[len(night) :]
    assert {text.partition(": ")[2].partition(" since")[0] for text in morning} == {
        f"{kind} (2 times" for kind in ("alert", "parked", "late")
    }


async def test_what_is_not_taken_is_sent_again_as_the_same_and_others_go_before_it(alerting: Alerting) -> None:
    sender = alerting.sender()
    await sender.look()
    await alerting.alert(text="first", rule="one")
    alerting.there.answers = [None, 503]
    await sender.look()
    await sender.look()
    assert len(alerting.texts) == 1, "it is given time"
    assert await alerting.pool.fetchval("SELECT failure FROM channels") == (
        f"{alerting.there.url.split('/')[2]}: the connection broke before the answer (ServerDisconnectedError)"
    )
    await alerting.alert(text="first", rule="one")
    await alerting.alert(text="second", rule="two")
    for _ in range(3):
        await alerting.rested()
        await sender.look()
    assert [text.rpartition(": ")[2] for text in alerting.texts] == ["first", "second", "first", "second"]
    assert (alerting.ids[0], alerting.ids[1]) == (alerting.ids[2], alerting.ids[3])
    assert alerting.counted() == {("webhook", "failed"): 2, ("webhook", "sent"): 2}
    async with alerting.pool.acquire() as connection:
        assert await notices.troubles(connection) == []


async def test_what_is_urgent_and_was_not_taken_goes_before_all_that_is_not_urgent(alerting: Alerting) -> None:
    sender = alerting.sender()
    await sender.look()
    await alerting.alert(text="wakes", rule="one")
    alerting.there.answers = [503]
    await sender.look()
    await alerting.alert("alert", "waits", rule="two")
    await alerting.alert(text="wakes too", rule="three")
    for _ in range(3):
        await alerting.rested()
        await sender.look()
    told = [text.rpartition(": ")[2] for text in alerting.texts]
    assert told == ["wakes", "wakes too", "wakes", "waits"]


async def test_a_new_channel_is_not_told_of_what_was_before_it(alerting: Alerting) -> None:
    await alerting.alert(text="before")
    await alerting.sender().look()
    await alerting.alert(text="after", rule="other")
    await alerting.sender().look()
    assert [text.rpartition(": ")[2] for text in alerting.texts] == ["after"]


async def test_what_was_erased_is_not_sent_any_more(alerting: Alerting) -> None:
    sender = alerting.sender()
    await sender.look()
    await alerting.alert(rule="told")
    await sender.look()
    await alerting.alert(rule="told")
    await alerting.alert(rule="not told yet")
    ids = [str(row["alert_id"]) for row in await alerting.pool.fetch("SELECT alert_id FROM alerts")]
    await alerting.pool.execute(erasing.ALERTS, ids)
    await alerting.alert(text="nobody's", rule="another")
    await alerting.later(16)
    await sender.look()
    assert [text.rpartition(": ")[2] for text in alerting.texts] == ["look", "nobody's"]
    await alerting.pool.execute("DELETE FROM alerts WHERE text = 'nobody''s'")
    assert await alerting.pool.fetchval("SELECT count(*) FROM notices JOIN alerts USING (alert_id)") == 1
    await alerting.pool.execute("DELETE FROM alerts")
    assert await alerting.pool.fetchval("SELECT count(*) FROM notices") == 0


def test_each_address_is_a_channel_that_is_named_without_what_is_secret(alerting: Alerting) -> None:
    urls = "https://hooks.example.com/hush-one, https://hooks.example.com/hush-two,https://hooks.example.com/hush-one"
    settings = alerting.work.settings.model_copy(update={"alert_webhooks": SecretStr(urls)})
    found = channels.channels(replace(alerting.work, settings=settings))
    names = [channel.name for channel in found]
    assert len(set(names)) == 2
    assert all(name.startswith("hooks.example.com ") for name in names)
    assert "hush" not in repr(found) + str(names)
