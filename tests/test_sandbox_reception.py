"""How the addresses of webhooks fare: in the log when it changes, at any time under /_sandbox/webhooks."""

import asyncio
from collections.abc import Iterator
from datetime import datetime, timedelta
from random import Random
from typing import Any

import pytest
import structlog

from service.sandbox.webhooks.address import Address, Channel, Reception
from service.sandbox.webhooks.outbox import Manners, Outbox, Patience
from tests.processes import free_port
from tests.sandboxes import APPOINTMENTS, MONDAY, at, running, until
from tests.test_sandbox_outbox import LEVER, QUICK, quiet


@pytest.fixture
def logs() -> Iterator[list[Any]]:
    with structlog.testing.capture_logs() as captured:
        yield captured


def told(logs: list[Any]) -> list[str]:
    return [each["event"] for each in logs]


async def test_the_log_names_the_address_its_first_failure_and_when_it_works_again(logs: list[Any]) -> None:
    async with running(patience=QUICK) as sandbox:
        sandbox.receiver.answers = [503, 503, 500]
        booked = await sandbox.book(at("10:00"))
        address = (await quiet(sandbox))["channels"]["app"]["address"]
        assert told(logs) == ["webhooks are posted", "webhooks are not taken", "webhooks are taken again"]
        assert {each["address"] for each in logs} == {address}
        assert (logs[1]["reason"], logs[1]["channel"], logs[1]["log_level"]) == ("503", "app", "warning")
        sandbox.receiver.answers = [404]
        await sandbox.call("PUT", f"{APPOINTMENTS}/{booked['id']}", {"title": "Second"})
        await quiet(sandbox)
        assert told(logs)[3:] == ["webhooks are not taken", "webhooks are taken again"]


async def test_each_that_is_given_up_is_in_the_log(logs: list[Any]) -> None:
    async with running(patience=Patience(first_delay=0.001, retries=2)) as sandbox:
        sandbox.receiver.answers = [500] * 6
        ids = [(await sandbox.book(at(clock)))["id"] for clock in ("10:00", "12:00")]
        assert (await quiet(sandbox))["given_up"] == 2
        lost = [each for each in logs if each["event"] == "a webhook is given up"]
        assert sorted(each["about"] for each in lost) == sorted(ids)
        assert {(each["reason"], each["tries"]) for each in lost} == {("500", 3)}
        assert told(logs).count("webhooks are not taken") == 1


async def test_each_channel_shows_where_it_goes_what_waits_and_what_went_wrong() -> None:
    async with running(patience=Patience(first_delay=60)) as sandbox:
        nothing = {"waiting": 0, "last_error": None, "last_error_at": None, "next_try": None}
        before = (await sandbox.call("GET", LEVER))["channels"]
        assert before["workflow"] == {"address": None, **nothing}
        assert before["app"] == {"address": before["app"]["address"], **nothing}
        assert before["app"]["address"].endswith("/hook")
        sandbox.receiver.answers = [502]
        await sandbox.book(at("10:00"))
        await until(lambda: len(sandbox.receiver.arrived) == 1)
        app = before["app"]
        async with asyncio.timeout(5):
            while app["next_try"] is None:
                app = (await sandbox.call("GET", LEVER))["channels"]["app"]
        assert (app["waiting"], app["last_error"]) == (1, "502")
        failed, again = (datetime.fromisoformat(app[name]) for name in ("last_error_at", "next_try"))
        assert failed <= MONDAY < again
        assert timedelta(seconds=60) <= again - failed <= timedelta(seconds=75)


async def test_an_address_where_nobody_listens_is_told_why(logs: list[Any]) -> None:
    addresses: dict[Channel, Address] = {
        "app": Address(f"http://127.0.0.1:{free_port()}/hook", lambda _: {}),
        "workflow": Address(f"http://{'x' * 64}.example/", lambda _: {}),  # no host can have this name
    }
    outbox = Outbox(addresses, Patience(first_delay=60), Random(1), Manners())
    await outbox.open()
    outbox.put("visit", b"{}")
    outbox.put("visit", b"{}", "workflow")
    await until(lambda: told(logs).count("webhooks are not taken") == 2)
    await outbox.close()
    reasons = {each["channel"]: each["reason"] for each in logs if each["event"] == "webhooks are not taken"}
    assert reasons["app"] == "no answer (Connection refused)"
    assert reasons["workflow"].startswith("no answer (")


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("http://127.0.0.1:9/hooks?key=a-secret", "http://127.0.0.1:9/hooks?…"),
        ("https://me:a-secret@receiver.example/", "https://receiver.example/"),
        ("http://[::1]:9/hooks", "http://[::1]:9/hooks"),
    ],
)
def test_what_may_be_secret_in_an_address_is_not_shown(url: str, shown: str) -> None:
    assert Reception("app", Address(url, lambda _: {})).shown == shown
