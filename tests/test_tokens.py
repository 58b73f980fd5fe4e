"""Tokens that are good when they are used: refreshed in time, once, and so that a death in the middle loses none."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from service.highlevel.errors import NotSent, TokenRefused
from service.store import tokens
from service.store.database import Connection, Pool
from service.store.tokens import Grant
from tests.connecting import AGAIN_NOW, KEYS, Office, open_office
from tests.house import pool_of
from tests.sandboxes import until
from tests.test_deliveries import rows

DAY = timedelta(seconds=86_399)
AGAIN = "connect it again: slotwright locations connect"
CLAIM_ENDED = "UPDATE grants SET claimed_until = now() - interval '1s' WHERE claimed_until IS NOT NULL"


@pytest.fixture
async def office(pool: Pool, database_url: str) -> AsyncIterator[Office]:
    """One location is connected; a call was made for that."""
    async with open_office(pool, database_url) as opened:
        await opened.connect()
        yield opened


async def test_a_token_is_used_as_long_as_it_is_good_and_then_refreshed_before_it_ends(office: Office) -> None:
    first = (await office.grant()).token
    office.sandbox.clock.now += DAY - timedelta(minutes=5, seconds=1)
    assert await (await office.tokens()).token() == first.get_secret_value()
    assert await office.calls("AccessToken") == 1
    office.sandbox.clock.now += timedelta(seconds=1)
    second = await (await office.tokens()).token()
    after = await office.grant()
    assert second == after.token.get_secret_value() != first.get_secret_value()
    assert after.expires_at == office.sandbox.clock.now + DAY
    assert await office.calls("AccessToken") == 2
    assert await office.works()
    [(kept,)] = await rows(office.pool, "SELECT token FROM locations")
    assert KEYS.open_text(kept) == after.token, "the release before knows no other"


async def test_one_that_is_refused_is_refreshed_and_the_call_sent_again(office: Office) -> None:
    office.sandbox.clock.now += timedelta(hours=1)
    await office.order("GetLocation:expired_token")
    assert await office.works()
    assert await office.calls("AccessToken") == 2


async def test_one_that_was_just_given_is_not_refreshed_again_when_it_is_refused(office: Office) -> None:
    await office.order("GetLocation:expired_token*9")
    for _ in range(3):
        with pytest.raises(TokenRefused):
            await office.works()
    assert await office.calls("AccessToken") == 1


@pytest.mark.parametrize("ended", [True, False], ids=["ended", "ends soon"])
async def test_eight_that_need_a_refresh_in_two_processes_make_one_call(
    ended: bool, office: Office, database_url: str
) -> None:
    office.sandbox.clock.now += DAY - timedelta(minutes=0 if ended else 2)
    await office.order("AccessToken:hold=0.15")
    async with pool_of(database_url, 1) as one, pool_of(database_url, 1) as other:
        location, before = await office.location(), await office.grant()
        found = [keeper.of(location) for keeper in (office.keeper(one), office.keeper(other)) for _ in range(4)]
        got = await asyncio.gather(*(each.token() for each in found))
    assert await office.calls("AccessToken") == 2
    after = await office.grant()
    assert before.version != after.version
    if ended:
        assert set(got) == {after.token.get_secret_value()}
    else:
        assert set(got) <= {before.token.get_secret_value(), after.token.get_secret_value()}, "nobody waits for it"


async def test_those_of_one_process_wait_for_one_and_not_each_at_the_database(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    claims, claim = [], tokens.claim

    async def counted(connection: Connection, grant: Grant) -> bool:
        claims.append(grant.subject)
        return await claim(connection, grant)

    monkeypatch.setattr(tokens, "claim", counted)
    office.sandbox.clock.now += DAY
    await office.order("AccessToken:hold=0.15")
    keeper, location = office.keeper(), await office.location()
    assert len(set(await asyncio.gather(*(keeper.of(location).token() for _ in range(8))))) == 1
    assert len(claims) == 1


class Died(BaseException):
    """The process is gone, with all that it knew."""


@pytest.mark.parametrize("seconds", [13, 29])
async def test_a_death_between_the_answer_and_the_commit_loses_no_token(
    seconds: int, office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def die(*_: object, **__: object) -> bool:
        raise Died

    office.sandbox.clock.now += DAY
    before = await office.grant()
    with monkeypatch.context() as patched:
        patched.setattr(tokens, "renew", die)
        with pytest.raises(Died):
            await (await office.tokens()).token()
    assert await office.grant() == before
    office.sandbox.clock.now += timedelta(seconds=seconds)
    await office.pool.execute(CLAIM_ENDED)
    await office.keeper().sweep()
    after = await office.grant()
    assert after.version != before.version, "taken up without anybody asking for the token"
    assert await office.works()
    office.sandbox.clock.now += DAY
    assert await office.works(), "and the next refresh is of what was given then"


async def test_who_claimed_it_keeps_others_from_asking_and_writes_nothing_when_it_comes_late(office: Office) -> None:
    grant = await office.grant()
    async with office.pool.acquire() as connection:
        assert await tokens.claim(connection, grant)
        assert not await tokens.claim(connection, grant)
        await connection.execute(CLAIM_ENDED)
        assert await tokens.claim(connection, grant), "it came to no end"
    office.sandbox.clock.now += DAY
    await office.pool.execute(CLAIM_ENDED)
    await (await office.tokens()).token()
    after = await office.grant()
    assert grant.refresh_token is not None
    granted = await office.keeper()._oauth.refresh(grant.refresh_token, "Location")
    async with office.pool.acquire() as connection:
        assert not await tokens.renew(connection, KEYS, grant, granted, now=office.sandbox.clock.now)
        assert not await tokens.refuse(connection, grant, "late")
    assert await office.grant() == after


async def test_a_refresh_whose_answer_is_lost_is_asked_for_again_at_once(office: Office) -> None:
    office.sandbox.clock.now += DAY
    await office.order("AccessToken:drop_after")
    assert await office.works()
    assert await office.calls("AccessToken") == 3


async def test_the_look_for_tokens_that_end_soon_outlives_what_goes_wrong_in_it(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.access.tokens.SWEEP_EVERY", 0.01)
    keeper, before = office.keeper(), await office.grant()
    office.sandbox.clock.now += DAY
    with monkeypatch.context() as patched, capture_logs() as logged:
        patched.setattr(tokens, "DUE", "SELECT 1 / $1")
        looking = asyncio.create_task(keeper.run())
        await until(lambda: bool(logged))
    async with asyncio.timeout(5):
        while (await office.grant()).version == before.version:
            await asyncio.sleep(0.01)
    looking.cancel()
    assert [line["event"] for line in logged] == ["cannot look for tokens that end soon"]


async def test_a_token_that_is_still_good_is_used_while_highlevel_refreshes_none(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.highlevel.oauth.REPEAT_WITHIN", 0.0)
    office.sandbox.clock.now += DAY - timedelta(minutes=2)
    await office.order("AccessToken:503*9")
    first = (await office.grant()).token.get_secret_value()
    assert [await (await office.tokens()).token() for _ in range(5)] == [first] * 5
    assert await office.calls("AccessToken") == 3, "once more at once, for it may have happened; then not every call"
    office.sandbox.clock.now += timedelta(minutes=2)
    await office.pool.execute(AGAIN_NOW)
    with pytest.raises(NotSent, match="no token for now: 503"):
        await (await office.tokens()).token()
    await office.pool.execute(AGAIN_NOW)
    async with office.sandbox.client.delete("/_sandbox/faults"):
        assert await office.works()
