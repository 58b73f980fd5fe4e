"""Tokens that HighLevel refuses: what helps, what is remembered, and what is said of it."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from pydantic import SecretStr
from structlog.testing import capture_logs

from service.highlevel.errors import NotSent, TokenRefused
from service.highlevel.locations import GetLocation
from service.store import locations
from service.store.database import Pool
from service.store.sealing import Keys
from tests.connecting import AGAIN_NOW, COMPANY, KEYS, Office, open_office
from tests.house import CLIENT_SECRET, SECRET, register
from tests.sandboxes import LOCATION
from tests.test_deliveries import rows

DAY = timedelta(seconds=86_399)
AGAIN = "connect it again: slotwright locations connect"


@pytest.fixture
async def office(pool: Pool, database_url: str) -> AsyncIterator[Office]:
    """One location is connected; a call was made for that."""
    async with open_office(pool, database_url) as opened:
        await opened.connect()
        yield opened


async def test_a_refusal_is_remembered_and_said_until_it_is_connected_again(office: Office) -> None:
    office.sandbox.clock.now += DAY
    await office.pool.execute("UPDATE grants SET refresh_token = $1", KEYS.seal_text(SecretStr("used-long-ago")))
    with capture_logs() as logged:
        for _ in range(3):
            with pytest.raises(TokenRefused) as refusal:
                await office.works()
            assert refusal.value.status == 401, "what needs it waits"
            assert str(refusal.value).endswith(f"Invalid grant: refresh token is invalid; {AGAIN}")
    assert await office.calls("AccessToken") == 2, "not asked again"
    assert [line["event"] for line in logged] == ["a token is refreshed no more: connect it again"]
    assert (await office.grant()).refused == "Invalid grant: refresh token is invalid"
    await office.keeper().sweep()
    assert await office.calls("AccessToken") == 2
    await office.connect()
    assert (await office.grant()).refused is None
    assert await office.works()


async def test_a_wrong_client_secret_is_not_taken_for_a_refused_token(office: Office) -> None:
    office.sandbox.clock.now += DAY
    office.settings = office.settings.model_copy(update={"oauth_client_secret": SecretStr("wrong-canary")})
    with pytest.raises(NotSent, match="client credentials are invalid") as refusal:
        await office.works()
    assert "wrong-canary" not in str(refusal.value)
    await office.pool.execute(AGAIN_NOW)
    assert (await office.grant()).refused is None
    office.settings = office.settings.model_copy(update={"oauth_client_secret": SecretStr(CLIENT_SECRET)})
    assert await office.works()


async def test_a_location_whose_refresh_is_refused_gets_a_token_by_its_agency(office: Office) -> None:
    await office.connect(agency=True)
    office.sandbox.clock.now += DAY
    await office.pool.execute(
        "UPDATE grants SET refresh_token = $1 WHERE location_id IS NOT NULL", KEYS.seal_text(SecretStr("old"))
    )
    assert await office.works()
    assert await office.calls("LocationToken") == 1
    assert (await office.grant(agency=True)).expires_at > office.sandbox.clock.now, "refreshed as well"
    assert (await office.grant()).company_id == COMPANY


async def test_where_the_agency_gives_none_either_it_is_the_locations_refusal_that_is_told(office: Office) -> None:
    await office.connect(agency=True)
    office.sandbox.clock.now += DAY
    await office.pool.execute(
        "UPDATE grants SET refresh_token = $1 WHERE location_id IS NOT NULL", KEYS.seal_text(SecretStr("old"))
    )
    await office.order("LocationToken:503")
    with pytest.raises(NotSent):
        await office.works()
    assert (await office.grant()).refused is None, "it may come right"
    await office.pool.execute(AGAIN_NOW)
    await office.order("LocationToken:400")
    with pytest.raises(TokenRefused, match="refresh token is invalid"):
        await office.works()
    assert (await office.grant()).refused == "Invalid grant: refresh token is invalid"


async def test_a_private_token_that_is_refused_is_looked_up_anew(office: Office, pool: Pool) -> None:
    await register(pool)
    async with pool.acquire() as connection:
        await locations.add(
            connection, KEYS, LOCATION, name="", time_zone="Europe/London", token=SecretStr("pit-expired")
        )
    found = await office.tokens()
    with pytest.raises(TokenRefused):
        await office.api(found)(GetLocation(location_id=LOCATION))
    await register(pool)
    assert (await office.api(found)(GetLocation(location_id=LOCATION))).location.id == LOCATION
    assert await office.calls("AccessToken") == 1


async def test_a_location_that_was_removed_has_no_token(office: Office, pool: Pool) -> None:
    found = await office.tokens()
    async with pool.acquire() as connection:
        await locations.remove(connection, LOCATION)
    assert await rows(pool, "SELECT count(*) FROM grants") == [(0,)]
    office.sandbox.clock.now += DAY
    with pytest.raises(TokenRefused, match="not connected any more"):
        await found.token()
    with pytest.raises(TokenRefused, match="not registered any more"):
        await found.refused(found._token.get_secret_value())


async def test_another_key_is_said_and_nothing_is_asked(office: Office) -> None:
    office.sandbox.clock.now += DAY
    location = await office.location()
    office.settings = office.settings.model_copy(update={"secret_key": SecretStr(f"{'B' * 43}=")})
    with pytest.raises(TokenRefused, match=f"SECRET_KEY does not open the token of location:{LOCATION}"):
        await office.keeper().of(location).token()
    assert (await office.calls("AccessToken"), SECRET.get_secret_value() in str(Keys(SECRET))) == (1, False)


async def test_an_answer_that_never_came_leaves_no_doubt_about_the_call_that_needs_the_token(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.highlevel.oauth.TOTAL", 0.05)
    monkeypatch.setattr("service.highlevel.oauth.REPEAT_WITHIN", 0.0)
    office.sandbox.clock.now += DAY
    await office.order("AccessToken:delay=5")
    with pytest.raises(NotSent) as error:
        await (await office.tokens()).token()
    assert not error.value.may_have_happened
    async with office.sandbox.client.delete("/_sandbox/faults"):
        assert await office.works()
