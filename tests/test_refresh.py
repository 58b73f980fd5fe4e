"""Refreshes that go wrong: what is lost is asked for again in time, what was given is kept, nobody asks for ever."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import pytest
from pydantic import SecretStr
from structlog.testing import capture_logs

from service.access import refresh as refreshes
from service.access import tokens as access
from service.highlevel import oauth
from service.highlevel.errors import HighLevelError, NotSent, TokenRefused
from service.highlevel.oauth import Granted
from service.store import locations, tokens
from service.store.database import Connection, Pool
from service.store.sealing import Keys
from service.store.tokens import CLAIM_LASTS, Grant
from tests.connecting import AGAIN_NOW, COMPANY, KEYS, Office, open_office
from tests.house import pool_of
from tests.sandboxes import LOCATION
from tests.test_deliveries import rows

DAY = timedelta(seconds=86_399)
SOON = DAY - timedelta(minutes=2)


@pytest.fixture
async def office(pool: Pool, database_url: str) -> AsyncIterator[Office]:
    """One location is connected; a call was made for that."""
    async with open_office(pool, database_url) as opened:
        await opened.connect()
        yield opened


def test_what_is_lost_is_taken_up_well_within_the_half_minute_that_its_answer_is_given_again() -> None:
    lasts = CLAIM_LASTS.total_seconds()
    assert lasts > oauth.REPEAT_WITHIN + oauth.TOTAL, "a refresh is over before its claim is"
    assert lasts > access.BY_AGENCY, "so is what comes after, which is claimed anew"
    assert lasts + access.SWEEP_EVERY + oauth.TOTAL < 30
    assert lasts < access.PATIENCE
    assert oauth.REPEAT_WITHIN + oauth.TOTAL < access.CLOSE_WITHIN


async def test_one_whose_answers_are_lost_is_abandoned_at_once_and_taken_up_by_the_sweep(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.highlevel.oauth.REPEAT_WITHIN", 0.0)
    office.sandbox.clock.now += timedelta(hours=1)
    await office.order("GetLocation:expired_token")
    await office.order("AccessToken:drop_after")
    with pytest.raises(NotSent, match="no token for now: the connection broke"):
        await office.works()
    before = await office.grant()
    assert (before.abandoned, before.failures) == (True, 1)
    office.sandbox.clock.now += timedelta(seconds=29)
    await office.keeper().sweep()
    after = await office.grant()
    assert (after.version != before.version, after.abandoned, after.failures) == (True, False, 0)
    assert await office.works()


async def test_what_highlevel_gave_is_kept_once_the_database_is_back(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    away = 3
    renew = tokens.renew

    async def often(
        connection: Connection, keys: Keys, grant: Grant, granted: Granted, *, now: datetime, rejections: int
    ) -> bool:
        nonlocal away
        away -= 1
        if away >= 0:
            raise ConnectionError
        return await renew(connection, keys, grant, granted, now=now, rejections=rejections)

    monkeypatch.setattr(tokens, "renew", often)
    monkeypatch.setattr(refreshes, "SHORTEST_PAUSE", 0.001)
    office.sandbox.clock.now += DAY
    with capture_logs() as logged:
        assert await office.works()
    assert (away, await office.calls("AccessToken")) == (-1, 2)
    subject = f"the token of location:{LOCATION}"
    events = [f"{subject} cannot be refreshed", f"{subject} is refreshed again", "refreshed a token"]
    assert [line["event"] for line in logged] == events


async def test_who_waits_for_a_refresh_that_comes_to_no_end_is_let_go_and_it_goes_on(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(access, "PATIENCE", 0.05)
    office.sandbox.clock.now += DAY
    await office.order("AccessToken:hold=0.2")
    keeper, before = office.keeper(), await office.grant()
    with pytest.raises(NotSent, match="takes its time"):
        await keeper.of(await office.location()).token()
    await keeper.close()
    assert (await office.grant()).version != before.version


async def test_a_process_that_ends_keeps_what_it_has_asked_for(office: Office) -> None:
    office.sandbox.clock.now += SOON
    await office.order("AccessToken:hold=0.2")
    keeper, before = office.keeper(), await office.grant()
    sweeping = asyncio.create_task(keeper.sweep())
    async with asyncio.timeout(5):
        while await office.calls("AccessToken") < 2:
            await asyncio.sleep(0.01)
    sweeping.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await sweeping
    assert (await office.grant()).version == before.version
    await keeper.close()
    assert (await office.grant()).version != before.version


async def test_the_sweep_refreshes_a_few_at_once_and_what_was_abandoned_first(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    for place in range(access.AT_ONCE + 2):
        await more(office, f"l{place}", expires_in=86_399 - place)
    office.sandbox.clock.now += SOON
    await office.pool.execute("UPDATE grants SET claimed_until = now() - interval '1 s' WHERE location_id = 'l0'")
    await office.pool.execute("UPDATE grants SET claimed_until = now() - interval '2 s' WHERE location_id = 'l1'")
    begun: list[str] = []
    gate = asyncio.Event()

    async def ask(_: object, grant: Grant) -> Granted:
        begun.append(grant.location_id or "")
        await gate.wait()
        return Granted(access_token=SecretStr("a"), expires_in=9_999, user_type="Location", location_id="l")

    monkeypatch.setattr(access.TokenKeeper, "_ask", ask)
    sweeping = asyncio.create_task(office.keeper().sweep())
    async with asyncio.timeout(5):
        while len(begun) < access.AT_ONCE:
            await asyncio.sleep(0.01)
    assert len(begun) == access.AT_ONCE
    assert {"l0", "l1"} < set(begun), "which end last"
    gate.set()
    await sweeping
    assert len(set(begun)) == len(begun) == access.AT_ONCE + 3
    async with office.pool.acquire() as connection:
        assert await tokens.due(connection, KEYS, office.sandbox.clock.now, access.AHEAD) == []


async def more(office: Office, location_id: str, expires_in: int) -> None:
    token = SecretStr(f"access {location_id}")
    async with office.pool.acquire() as connection, connection.transaction():
        await locations.add(connection, KEYS, location_id, name="", time_zone="UTC", token=token)
        granted = Granted(
            access_token=token,
            refresh_token=SecretStr(f"refresh {location_id}"),
            expires_in=expires_in,
            user_type="Location",
            location_id=location_id,
        )
        await tokens.keep(connection, KEYS, granted, now=office.sandbox.clock.now)


@pytest.mark.parametrize("fault", ["400", "403", "404", "401", "missing_scope"])
async def test_a_refresh_that_cannot_succeed_is_tried_less_and_less_often_and_said_once(
    fault: str, office: Office
) -> None:
    office.sandbox.clock.now += DAY
    await office.order(f"AccessToken:{fault}*99")
    keeper, waits = office.keeper(), []
    with capture_logs() as logged:
        for tries in range(1, 10):
            for _ in range(2):
                with pytest.raises(NotSent, match="no token for now"):
                    await keeper.of(await office.location()).token()
                await keeper.sweep()
            assert await office.calls("AccessToken") == 1 + tries, "until then nobody asks"
            grant = await office.grant()
            waits.append(grant.wait.total_seconds())
            await office.pool.execute(AGAIN_NOW)
    assert waits == sorted(waits)
    assert (waits[0] > 1, waits[5] > 60, waits[-1] > 290, waits[-1] <= 300) == (True, True, True, True)
    assert [line["event"] for line in logged] == [f"the token of location:{LOCATION} cannot be refreshed"]
    await office.pool.execute(AGAIN_NOW)
    async with office.sandbox.client.delete("/_sandbox/faults"), asyncio.timeout(5):
        assert await office.works()
    with capture_logs() as logged:
        await keeper.sweep()
    assert [line["event"] for line in logged] == [f"the token of location:{LOCATION} is refreshed again"]


async def test_a_token_that_no_refresh_helps_is_refreshed_less_and_less_often(office: Office) -> None:
    await office.order("GetLocation:expired_token*999")
    calls = []
    for _ in range(34):
        office.sandbox.clock.now += timedelta(seconds=31)
        with contextlib.suppress(HighLevelError):
            await office.works()
        calls.append(await office.calls("AccessToken"))
    assert calls[:2] == [2, 3]
    assert calls[-1] <= 7
    async with office.sandbox.client.delete("/_sandbox/faults"):
        assert await office.works()
    office.sandbox.clock.now += DAY
    assert await office.works()
    assert (await office.grant()).rejections == 0, "forgotten with the next that was due"


async def test_a_location_is_locked_before_its_grant(office: Office, database_url: str) -> None:
    """As whoever registers it anew does: else the two would wait for each other."""
    grant = await office.grant()
    granted = Granted(access_token=SecretStr("a"), expires_in=9, user_type="Location", location_id=LOCATION)
    async with pool_of(database_url, 2) as pool, pool.acquire() as adder, pool.acquire() as refresher:
        async with adder.transaction():
            await adder.execute("SELECT FROM locations FOR UPDATE")
            keeping = asyncio.create_task(tokens.renew(refresher, KEYS, grant, granted, now=grant.granted_at))
            async with asyncio.timeout(5):
                while await rows(office.pool, "SELECT count(*) FROM pg_locks WHERE NOT granted") == [(0,)]:
                    await asyncio.sleep(0.01)
            await adder.execute("SELECT FROM grants FOR UPDATE NOWAIT")
            await locations.add(adder, KEYS, LOCATION, name="", time_zone="UTC", token=SecretStr("pit-x"))
        assert await keeping is False, "what was registered meanwhile is let be"
    assert (await office.location()).token.get_secret_value() == "pit-x"


async def test_a_private_token_that_the_release_before_was_given_is_the_one_that_counts(office: Office) -> None:
    """Its SQL knows no grants."""
    sealed = KEYS.seal_text(SecretStr("pit-sandbox-demo"))
    await office.pool.execute("UPDATE locations SET token = $1", sealed)
    office.sandbox.clock.now += DAY
    found = await office.location()
    assert (found.grant, found.token.get_secret_value()) == (None, "pit-sandbox-demo")
    assert await office.works()
    await office.keeper().sweep()
    assert await rows(office.pool, "SELECT count(*) FROM grants") == [(0,)]
    assert await rows(office.pool, "SELECT token FROM locations") == [(sealed,)]
    assert await office.calls("AccessToken") == 1
    await office.connect()
    assert await office.works()


async def test_a_claim_lasts_while_an_agency_is_asked(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    await office.connect(agency=True)
    office.sandbox.clock.now += DAY
    await office.pool.execute(
        "UPDATE grants SET refresh_token = $1 WHERE location_id IS NOT NULL", KEYS.seal_text(SecretStr("old"))
    )
    monkeypatch.setattr(access, "BY_AGENCY", 0.1)
    await office.order("LocationToken:hold=2")
    claimed: list[str] = []
    go_on = tokens.go_on

    async def noted(connection: Connection, grant: Grant) -> None:
        await connection.execute("UPDATE grants SET claimed_until = now() WHERE subject = $1", grant.subject)
        await go_on(connection, grant)
        claimed.append(grant.subject)

    monkeypatch.setattr(tokens, "go_on", noted)
    with pytest.raises(NotSent, match="gave none within"):
        await office.works()
    assert claimed == [f"location:{LOCATION}"]
    assert (await office.grant()).refused is None


async def test_an_agencys_token_that_no_refresh_helps_is_not_refreshed_for_each_location(office: Office) -> None:
    await office.connect(agency=True)
    await office.order("LocationToken:expired_token*99")
    before = await office.calls("AccessToken")
    for _ in range(3):
        with pytest.raises(TokenRefused):
            await office.keeper().location_token(COMPANY, LOCATION)
    assert await office.calls("AccessToken") == before


async def test_one_that_lasts_a_minute_is_refreshed_in_its_last_twelfth(office: Office) -> None:
    await more(office, "lBrief", expires_in=60)
    keeper, due = office.keeper(), []
    for seconds in (54, 1):
        office.sandbox.clock.now += timedelta(seconds=seconds)
        async with office.pool.acquire() as connection:
            found = await tokens.due(connection, KEYS, office.sandbox.clock.now, access.AHEAD)
            brief = await tokens.find(connection, KEYS, "location:lBrief")
        assert brief is not None
        due.append((keeper.ends_soon(brief), [grant.location_id for grant in found]))
    assert due == [(False, []), (True, ["lBrief"])]
