"""The sandbox's clock can be moved, and everything goes by it."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.sandboxes import CUTS, HEADERS, LOCATION, MONDAY, Sandbox, at, running

CLOCK = "/_sandbox/clock"
AGENCY = {"client_id": "5a1db0c5510751077e57ab1e-sandbox", "client_secret": "sandbox-demo-secret"}


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with running(told=False) as running_sandbox:
        yield running_sandbox


def shows(moment: str, ahead: float) -> dict[str, Any]:
    return {"now": moment, "ahead": ahead}


async def test_it_is_set_moved_on_and_put_back(sandbox: Sandbox) -> None:
    assert await sandbox.call("GET", CLOCK) == shows("2026-03-23T08:00:00.000Z", 0.0)
    for order, answer in (
        ({"forward": "90m"}, shows("2026-03-23T09:30:00.000Z", 5400.0)),
        ({"forward": "1h30m"}, shows("2026-03-23T11:00:00.000Z", 10800.0)),
        ({"forward": "3d"}, shows("2026-03-26T11:00:00.000Z", 270000.0)),
        ({"ahead": -60}, shows("2026-03-23T07:59:00.000Z", -60.0)),
        ({"now": "2026-12-24T09:00:00+01:00"}, shows("2026-12-24T08:00:00.000Z", 276 * 86400.0)),
    ):
        assert await sandbox.call("PUT", CLOCK, order) == answer
    sandbox.clock.now = MONDAY + timedelta(seconds=5)
    assert (await sandbox.call("GET", CLOCK))["now"] == "2026-12-24T08:00:05.000Z"
    assert await sandbox.call("PUT", CLOCK, {}) == shows("2026-03-23T08:00:05.000Z", 0.0)


@pytest.mark.parametrize(
    ("order", "place"),
    [
        ({"now": "2026-12-24T09:00:00"}, "now: "),
        ({"now": 5}, "now: "),
        ({"now": "1999-12-31T23:59:59Z"}, "2000 to 2199"),
        ({"now": "9999-12-31T23:59:59Z"}, "2000 to 2199"),
        ({"forward": "soon"}, "forward: "),
        ({"forward": ""}, "forward: "),
        ({"forward": "999999d"}, "2000 to 2199"),
        ({"ahead": 1e12}, "ahead: "),
        ({"ahead": "NaN"}, "ahead: "),
        ({"ahead": 1, "forward": "1m"}, "one of now, ahead and forward"),
        ({"hour": 3}, "hour: "),
    ],
)
async def test_what_cannot_be_meant_is_refused_and_moves_nothing(
    sandbox: Sandbox, order: dict[str, Any], place: str
) -> None:
    assert place in (await sandbox.call("PUT", CLOCK, order, status=422))["message"]
    assert (await sandbox.call("GET", CLOCK))["ahead"] == 0.0


async def test_slots_go_by_it(sandbox: Sandbox) -> None:
    await sandbox.call("PUT", CLOCK, {"forward": "4h1m"})
    assert (await sandbox.free(MONDAY))[0] == at("12:30")
    await sandbox.book(at("10:00"), status=400)
    await sandbox.call("PUT", CLOCK, {})
    await sandbox.book(at("10:00"))


async def test_a_change_is_later_than_the_last_one_when_the_clock_was_set_back(sandbox: Sandbox) -> None:
    await sandbox.call("PUT", CLOCK, {"forward": "30m"})
    booked = (await sandbox.book(at("10:00")))["id"]
    before = (await sandbox.read(booked))["dateUpdated"]
    await sandbox.call("PUT", CLOCK, {"ahead": -86400})
    path = f"/calendars/events/appointments/{booked}"
    await sandbox.call("PUT", path, {"appointmentStatus": "confirmed", "title": "Later"})
    assert datetime.fromisoformat((await sandbox.read(booked))["dateUpdated"]) > datetime.fromisoformat(before)


async def test_tokens_end_by_it(sandbox: Sandbox) -> None:
    asked = {"response_type": "code", "client_id": AGENCY["client_id"], "scope": "calendars.readonly"}
    query = {**asked, "redirect_uri": "https://app.example.com/back"}
    async with sandbox.client.get("/oauth/chooselocation", params=query, allow_redirects=False) as answer:
        code = answer.headers["Location"].partition("code=")[2]
    form = {**AGENCY, "grant_type": "authorization_code", "code": code}
    async with sandbox.client.post("/oauth/token", data=form) as answer:
        token = (await answer.json())["access_token"]

    async def status() -> int:
        headers = {**HEADERS, "Authorization": f"Bearer {token}"}
        async with sandbox.client.get(f"/calendars/{CUTS}", params={"locationId": LOCATION}, headers=headers) as answer:
            return answer.status

    assert await status() != 401
    await sandbox.call("PUT", CLOCK, {"forward": "1d"})
    assert await status() == 401
