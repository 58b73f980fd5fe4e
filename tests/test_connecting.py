"""Connecting by OAuth, from the printed address over the sandbox's page to the console's callback."""

from collections.abc import AsyncIterator
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from structlog.testing import capture_logs

from service.settings import read_settings
from service.store import locations
from service.store.database import Pool
from tests.connecting import COMPANY, KEYS, Office, open_office
from tests.consoles import open_console
from tests.house import CLIENT, CLIENT_SECRET, register
from tests.sandboxes import LOCATION
from tests.test_deliveries import rows

OLDER = "UPDATE connecting SET asked_at = asked_at - $1::interval"


@pytest.fixture
async def office(pool: Pool, database_url: str) -> AsyncIterator[Office]:
    async with open_office(pool, database_url) as opened:
        yield opened


async def test_a_location_is_connected_without_a_sign_in(office: Office) -> None:
    url = await office.ask()
    asked = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
    assert asked["redirect_uri"] == "http://localhost:8081/oauth/callback"
    assert (asked["client_id"], asked["response_type"]) == (CLIENT, "code")
    assert asked["scope"] == " ".join(office.settings.oauth_scopes)
    back = await office.choose(url)
    assert back.startswith("/oauth/callback?")
    status, page = await office.come_back(back)
    assert (status, "Leeds Salon is registered; its clock is Europe/London." in page) == (200, True), page
    assert 'class="notice good"' in page
    found = await office.location()
    assert (found.name, found.time_zone, found.time_zone_read) == ("Leeds Salon", "Europe/London", "Europe/London")
    assert found.grant is not None
    assert found.grant.scopes == office.settings.oauth_scopes
    assert (found.grant.company_id, found.grant.user_type) == (COMPANY, "Location")
    assert found.grant.expires_at == office.sandbox.clock.now + timedelta(seconds=86_399)
    assert await office.keeper().of(found).token() == found.token.get_secret_value()


async def test_neither_state_code_nor_token_is_kept_shown_or_logged(office: Office, pool: Pool) -> None:
    with capture_logs() as logged:
        url = await office.ask()
        back = await office.choose(url)
        _, page = await office.come_back(back)
        _, again = await office.come_back(back)
        _, refused = await office.come_back((await office.choose(await office.ask())).replace("code=", "code=x"))
    found = await office.location()
    assert found.grant is not None
    assert found.grant.refresh_token is not None
    query = parse_qs(urlsplit(back).query)
    secrets = [query["code"][0], query["state"][0], CLIENT_SECRET]
    secrets += [found.token.get_secret_value(), found.grant.refresh_token.get_secret_value()]
    stored = str([await rows(pool, f"SELECT * FROM {table}") for table in ("locations", "grants", "connecting")])
    told = f"{logged} {page} {again} {refused} {found!r} {found.grant!r} {office.keeper().of(found)!r} {stored}"
    assert [secret for secret in secrets if secret in told] == []
    assert {line["event"] for line in logged} >= {"connected", "nothing was connected"}


async def test_a_state_is_good_once(office: Office) -> None:
    url = await office.ask()
    assert (await office.come_back(await office.choose(url)))[0] == 200
    granted = (await office.grant()).version
    status, page = await office.come_back(await office.choose(url))
    assert (status, "<h1>Used already</h1>" in page) == (400, True)
    [(used_at,)] = await rows(office.pool, "SELECT used_at FROM connecting")
    assert f"This was answered before. It was at {used_at:%H:%M} UTC. " in page
    assert "slotwright locations list shows" in page
    assert "Nothing was connected" not in page
    assert (await office.grant()).version == granted


async def test_a_state_is_good_for_ten_minutes(office: Office) -> None:
    """Of the database's clock, whatever those of who asks and of the console show."""
    early, late = [await office.choose(await office.ask()) for _ in range(2)]
    await office.pool.execute(OLDER, timedelta(minutes=9, seconds=50))
    assert (await office.come_back(early))[0] == 200
    await office.pool.execute(OLDER, timedelta(seconds=10))
    status, page = await office.come_back(late)
    assert (status, "It took longer than 10 minutes." in page) == (400, True)


@pytest.mark.parametrize("state", ["", "&state=", "&state=guessed", "&state=%ff%00"])
async def test_a_state_that_is_none_of_ours_takes_no_code(state: str, office: Office) -> None:
    status, page = await office.come_back(f"/oauth/callback?code=abc{state}")
    assert (status, "Nobody here has asked for this." in page) == (400, True)
    assert await office.calls("AccessToken") == 0


async def test_whoever_only_looks_ahead_uses_nothing_up(office: Office) -> None:
    back = await office.choose(await office.ask())
    assert (await office.site.ask("HEAD", back)).status == 405
    assert (await office.come_back(back))[0] == 200


async def test_what_highlevel_refuses_is_said(office: Office) -> None:
    state = parse_qs(urlsplit(await office.ask()).query)["state"][0]
    denied = f"error=access_denied&error_description=The%20user%20%3Cb%3Edenied%3C/b%3E&state={state}"
    status, page = await office.come_back(f"/oauth/callback?{denied}")
    assert (status, "HighLevel says: The user &lt;b&gt;denied" in page) == (400, True), page
    back = await office.choose(await office.ask())
    await office.order("AccessToken:drop_after")
    status, page = await office.come_back(back)
    assert (status, "HighLevel was asked in vain: the connection broke before the answer" in page) == (502, True), page
    back = await office.choose(await office.ask())
    await office.order("AccessToken:502,html")
    status, page = await office.come_back(back)
    assert (status, "HighLevel says: " in page, "AccessToken" in page) == (502, True, False), page
    assert await office.calls("AccessToken") == 2, "a code is sent once"


async def test_without_an_app_the_callback_says_what_is_missing(pool: Pool) -> None:
    settings = read_settings(oauth_client_id=CLIENT)
    async with open_console(pool, settings=settings) as site:
        status, page = await site.get("/oauth/callback?code=a&state=b")
    assert (status, "The console needs OAUTH_CLIENT_SECRET, SECRET_KEY to connect a location." in page) == (503, True)


async def test_a_private_token_and_a_connected_one_take_each_others_place(office: Office, pool: Pool) -> None:
    await register(pool)
    await office.connect()
    found = await office.location()
    assert found.grant is not None
    assert found.token.get_secret_value().startswith("pit-") is False
    await register(pool)
    found = await office.location()
    assert (found.grant, found.token.get_secret_value()) == (None, "pit-sandbox-demo")
    assert await rows(pool, "SELECT count(*) FROM grants") == [(0,)]


async def test_a_clock_that_somebody_chose_stays_when_it_is_connected_again(office: Office) -> None:
    await office.connect(time_zone="Asia/Tokyo")
    assert (await office.location()).time_zone == "Asia/Tokyo"
    await office.connect()
    found = await office.location()
    assert (found.time_zone, found.time_zone_read, found.time_zone_chosen) == ("Asia/Tokyo", "Europe/London", True)
    async with office.pool.acquire() as connection:
        await locations.set_time_zone(connection, LOCATION, "Europe/London", chosen=False, read="Europe/London")
    await office.connect()
    assert (await office.location()).time_zone_chosen is False


async def test_a_location_whose_clock_highlevel_does_not_tell_is_not_registered(office: Office, pool: Pool) -> None:
    await office.order("GetLocation:missing_scope*2")
    status, page = await office.come_back(await office.choose(await office.ask()))
    assert (status, "choose one by --time-zone" in page) == (502, True), page
    assert await rows(pool, "SELECT count(*) FROM locations") == [(0,)]
    await office.connect(time_zone="Europe/London")
    found = await office.location()
    assert (found.name, found.time_zone, found.time_zone_read) == ("", "Europe/London", None)


async def test_an_agency_gives_the_tokens_of_its_locations(office: Office) -> None:
    url = await office.ask(agency=True)
    assert " oauth.write" in parse_qs(urlsplit(url).query)["scope"][0]
    status, page = await office.come_back(await office.choose(url))
    assert (status, f"The agency {COMPANY} is connected." in page) == (200, True), page
    assert "slotwright locations connect --location" in page
    async with office.pool.acquire() as connection:
        assert await locations.find(connection, KEYS, LOCATION) is None
    granted = await office.keeper().location_token(COMPANY, LOCATION)
    assert granted is not None
    assert (granted.user_type, granted.location_id) == ("Location", LOCATION)
    assert await office.keeper().location_token("another", LOCATION) is None
