"""INSTALL and UNINSTALL: where our app is taken away nothing is done any more; where an agency puts it, it begins."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from pydantic import SecretStr
from yarl import URL

from service.access.connection import AppRemoved, Connector
from service.store import installs, locations
from tests.connecting import AGAIN_NOW, COMPANY
from tests.house import APP_ID, OTHER_APP_ID, House, in_days, now, register
from tests.sandboxes import LOCATION
from tests.test_deliveries import rows
from workers.installs import take_up

STARTED = now()
TYPES = ("INSTALL", "UNINSTALL")


def said(type_: str, after: float = 0, **fields: Any) -> dict[str, Any]:
    """As delivered; `after` is in seconds."""
    return {
        "type": type_,
        "appId": APP_ID,
        "versionId": APP_ID,
        "locationId": LOCATION,
        "companyId": COMPANY,
        "timestamp": (STARTED + timedelta(seconds=after)).isoformat(),
        "webhookId": str(uuid4()),
        **fields,
    }


async def tell(house: House, type_: str, after: float = 0, **fields: Any) -> str:
    """Why the delivery ended as it did."""
    status, answer = await house.post(said(type_, after, **fields))
    assert status == 202, answer
    await house.settled()
    shown = await house.shown(answer["delivery"])
    return f"{shown['state']}: {shown['reason']}"


async def registered(house: House) -> bool:
    return await rows(house.pool, "SELECT location_id FROM locations") == [(LOCATION,)]


async def remove(house: House) -> None:
    async with house.pool.acquire() as connection:
        await locations.remove(connection, LOCATION)


async def connect_agency(house: House) -> None:
    connector = Connector(house.settings, house.pool, house.work.session, lambda: STARTED - timedelta(days=1))
    url = URL(await connector.ask("Company", None), encoded=True)
    async with house.work.session.get(url, allow_redirects=False) as answer:
        query = URL(answer.headers["Location"], encoded=True).query
    await connector.finish(await connector.use(query["state"]), SecretStr(query["code"]))


async def test_where_the_app_is_taken_away_nothing_is_done_any_more(house: House) -> None:
    await house.rules("  - {name: noted, mode: live, when: appointment.created, then: [{do: add_note, text: Hello}]}")
    before = await house.book(in_days(7, "10:00"))
    await house.settled()
    await house.call("POST", "/_sandbox/installs", {"location": LOCATION, "type": "UNINSTALL"}, status=202)
    await house.settled()
    assert not await registered(house)
    after = await house.book(in_days(7, "12:00"))
    await house.settled()
    [delivery] = await house.deliveries(after)
    assert (delivery["state"], delivery["reason"]) == ("ignored", "the location is not registered")
    assert (await house.notes(before), await house.notes(after)) == (["Hello"], [])
    assert (await house.deliveries(before))[0]["state"] == "done", "what was done stays in the history"


async def test_what_is_not_said_of_our_app_or_of_nobody_does_nothing(house: House) -> None:
    bodies = [(said(type_, appId=app), "the event is another app's") for type_ in TYPES for app in ("another", "", 7)]
    bodies += [(said(type_, appId=None), f"{type_} names no app") for type_ in TYPES]
    nobody: dict[str, Any] = {"locationId": "", "companyId": None}
    bodies += [(said(type_, **nobody), f"{type_} names neither location nor agency") for type_ in TYPES]
    for body, why in bodies:
        status, answer = await house.post({name: value for name, value in body.items() if value is not None})
        assert (status, answer["ignored"]) == (202, why)
    await house.settled()
    assert await registered(house)
    assert await rows(house.pool, "SELECT count(*) FROM installs") == [(0,)]
    assert await rows(house.pool, "SELECT sum(times) FROM ignored_counts") == [(len(bodies),)]


async def test_an_old_uninstall_that_comes_again_changes_nothing(house: House) -> None:
    told = await tell(house, "INSTALL", 10)
    assert told == "done: installed: the location is registered already, and keeps its token"
    assert (await tell(house, "UNINSTALL", 9)).startswith("done: stale:")
    assert await registered(house)
    assert await tell(house, "UNINSTALL", 11) == "done: uninstalled: the location and its token are forgotten"
    assert (await tell(house, "INSTALL", 10)).startswith("done: stale:")
    assert await tell(house, "UNINSTALL", 12) == "done: uninstalled: the location was not registered"


async def test_an_uninstall_that_was_said_before_it_was_connected_changes_nothing(house: House) -> None:
    await remove(house)
    await connect_agency(house)
    granted = await house.work.tokens.location_token(COMPANY, LOCATION)
    assert granted is not None
    await Connector(house.settings, house.pool, house.work.session, lambda: STARTED).register(granted)
    assert (await tell(house, "UNINSTALL", -1)).startswith("done: stale:")
    assert await registered(house)
    assert (await tell(house, "UNINSTALL", 1)).startswith("done: uninstalled:")
    assert await rows(house.pool, "SELECT subject FROM grants") == [(f"agency:{COMPANY}",)]


async def test_a_location_that_a_connected_agency_installs_is_registered(house: House) -> None:
    await remove(house)
    await connect_agency(house)
    assert await tell(house, "INSTALL") == "done: installed: Leeds Salon is registered by its agency's token"
    assert await registered(house)
    await house.rules("  - {name: noted, mode: live, when: appointment.created, then: [{do: add_note, text: Hello}]}")
    await house.pool.execute("UPDATE grants SET expires_at = now() WHERE location_id IS NOT NULL")
    before = await house.writes("AccessToken")
    booked = await house.book(in_days(7, "10:00"))
    await house.settled()
    assert await house.notes(booked) == ["Hello"], "by the token that the agency's gave"
    assert await house.writes("AccessToken") == before + 1, "which had ended, and was refreshed once"
    assert (await tell(house, "UNINSTALL", 1)).startswith("done: uninstalled:")
    assert not await registered(house), "the install was noted as of when it was said"


async def test_a_location_of_no_connected_agency_is_only_noted(house: House) -> None:
    await remove(house)
    told = await tell(house, "INSTALL")
    assert told == "done: installed, and its agency is not connected: slotwright locations connect registers it"
    told = await tell(house, "INSTALL", 1, companyId=None)
    assert told == "done: installed, and its agency is not connected: slotwright locations connect registers it"
    async with house.pool.acquire() as connection:
        assert await installs.not_connected(connection) == [LOCATION]
    await register(house.pool)
    async with house.pool.acquire() as connection:
        assert await installs.not_connected(connection) == []


async def test_a_token_that_cannot_be_fetched_now_is_waited_for(house: House) -> None:
    await remove(house)
    await connect_agency(house)
    await house.call("POST", "/_sandbox/faults", {"operation": "LocationToken", "status": 503}, status=201)
    assert await tell(house, "INSTALL") == "done: installed: Leeds Salon is registered by its agency's token"
    assert await house.writes("LocationToken") == 2


async def test_what_is_said_of_another_app_of_ours_than_the_one_that_connects_changes_nothing(house: House) -> None:
    for type_ in TYPES:
        told = await tell(house, type_, appId=OTHER_APP_ID)
        assert told == "done: said of another app than OAUTH_CLIENT_ID's: no token hangs on it"
    assert await registered(house)
    assert await rows(house.pool, "SELECT count(*) FROM installs") == [(0,)]


async def test_a_location_that_was_installed_before_its_agency_was_connected_is_registered_with_it(
    house: House,
) -> None:
    await remove(house)
    assert (await tell(house, "INSTALL")).startswith("done: installed, and its agency is not connected")
    await take_up(house.work)
    assert not await registered(house)
    await connect_agency(house)
    await house.call("POST", "/_sandbox/faults", {"operation": "LocationToken", "status": 400}, status=201)
    await take_up(house.work)
    assert not await registered(house), "not now"
    await take_up(house.work)
    assert await house.writes("LocationToken") == 1, "and not at once again"
    await connect_agency(house)
    await take_up(house.work)
    assert await registered(house)
    await house.pool.execute("UPDATE installs SET connects_at = now()")
    await remove(house)
    await connect_agency(house)
    await take_up(house.work)
    assert await rows(house.pool, "SELECT location_id FROM locations") == [], "who removes it does not want it"


async def test_a_location_whose_agency_has_to_be_connected_again_waits_for_that(house: House) -> None:
    await remove(house)
    await connect_agency(house)
    await house.pool.execute("UPDATE grants SET refused = 'no longer known', expires_at = now()")
    assert (await tell(house, "INSTALL")).startswith("failed: fetching the location's token: ")
    await connect_agency(house)
    await take_up(house.work)
    assert await registered(house)


async def test_what_was_given_before_the_app_was_taken_away_is_not_kept(house: House) -> None:
    await remove(house)
    await connect_agency(house)
    granted = await house.work.tokens.location_token(COMPANY, LOCATION)
    assert granted is not None
    await tell(house, "UNINSTALL", 1)
    connector = Connector(house.settings, house.pool, house.work.session, lambda: STARTED)
    with pytest.raises(AppRemoved):
        await connector.register(granted, said_at=STARTED)
    assert await rows(house.pool, "SELECT location_id FROM locations") == []
    await tell(house, "INSTALL", 2)
    await connector.register(granted, said_at=STARTED)
    assert await registered(house), "it was installed again"


@pytest.mark.parametrize("status", [400, 403, 404, 401])
async def test_a_booking_waits_for_a_token_that_is_not_refreshed_now(status: int, house: House) -> None:
    await remove(house)
    await connect_agency(house)
    await tell(house, "INSTALL")
    await house.rules("  - {name: noted, mode: live, when: appointment.created, then: [{do: add_note, text: Hello}]}")
    await house.pool.execute("UPDATE grants SET expires_at = now() WHERE location_id IS NOT NULL")
    await house.call("POST", "/_sandbox/faults", {"operation": "AccessToken", "status": status}, status=201)
    booked = await house.book(in_days(7, "10:00"))
    async with asyncio.timeout(10):
        while not await rows(house.pool, "SELECT FROM grants WHERE failures = 1"):
            await asyncio.sleep(0.01)
    await house.pool.execute(AGAIN_NOW)
    await house.pool.execute("UPDATE deliveries SET next_at = now()")
    await house.settled()
    assert await house.notes(booked) == ["Hello"]


async def test_a_step_whose_token_is_refused_waits_until_there_is_another(house: House) -> None:
    await house.rules("  - {name: noted, mode: live, when: appointment.created, then: [{do: add_note, text: Hello}]}")
    await house.call(
        "POST", "/_sandbox/faults", {"operation": "CreateNote", "answer": "expired_token", "times": 1}, status=201
    )
    booked = await house.book(in_days(7, "10:00"))
    await house.settled()
    assert await house.notes(booked) == ["Hello"]
    assert await rows(house.pool, "SELECT state, attempts FROM steps") == [("done", 2)]


async def test_an_agencys_token_is_forgotten_with_its_install(house: House) -> None:
    await connect_agency(house)
    told = await tell(house, "INSTALL", locationId=None)
    assert told == "done: installed for an agency: slotwright locations connect --agency connects it"
    told = await tell(house, "UNINSTALL", 1, locationId=None)
    assert told == "done: uninstalled: the agency's token is forgotten; its locations keep theirs"
    assert await rows(house.pool, "SELECT count(*) FROM grants") == [(0,)]
    assert await registered(house)
