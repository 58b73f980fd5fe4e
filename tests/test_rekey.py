"""`slotwright rekey`: everything is sealed anew with the first key, whatever is written meanwhile."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from cryptography.fernet import Fernet
from pydantic import SecretStr

from service.highlevel.oauth import Granted
from service.standard_webhooks import new_secret, read_secret
from service.store import locations, sources, tokens
from service.store.database import Pool
from service.store.rekeying import rekey
from service.store.sealing import Keys
from tests.connecting import KEYS, Office, by_hand
from tests.house import SECRET, TOKEN, pool_of, register
from tests.sandboxes import LOCATION
from tests.test_cli import say
from tests.test_deliveries import rows


@pytest.fixture
async def office(pool: Pool, database_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Office]:
    async with by_hand(pool, database_url, monkeypatch) as opened:
        yield opened


async def test_what_is_written_while_it_is_sealed_anew_is_sealed_anew_too(office: Office, database_url: str) -> None:
    """By a worker that has the former key alone."""
    await office.connect()
    grant, fresh = await office.grant(), SecretStr(Fernet.generate_key().decode())
    granted = Granted(access_token=SecretStr("a"), expires_in=9, user_type="Location", location_id=LOCATION)
    async with pool_of(database_url, 2) as pool, pool.acquire() as sealer, pool.acquire() as worker:
        async with worker.transaction():
            await worker.execute("SELECT FROM locations FOR UPDATE")
            sealing = asyncio.create_task(rekey(sealer, Keys(fresh, SECRET)))
            async with asyncio.timeout(5):
                while await rows(office.pool, "SELECT count(*) FROM pg_locks WHERE NOT granted") == [(0,)]:
                    await asyncio.sleep(0.01)
            assert await tokens.renew(worker, KEYS, grant, granted, now=grant.granted_at)
        assert await sealing == (1, [])
        found = await locations.find(worker, Keys(fresh), LOCATION)
    assert found is not None
    assert found.token == SecretStr("a")
    assert found.grant is not None, "they are the same bytes still"


async def test_everything_is_sealed_anew_with_the_first_key(
    office: Office, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    await office.connect()
    await register(pool, "lPrivate")
    key = read_secret(new_secret())
    async with pool.acquire() as connection:
        await sources.add(
            connection, "shop", "external", secret=KEYS.seal(key), locations=None, paths={}, busy_status=429
        )
    fresh = SecretStr(Fernet.generate_key().decode())
    new, both = Keys(fresh), Keys(fresh, SECRET)

    async def opened(keys: Keys) -> list[str]:
        async with pool.acquire() as connection:
            found = [await locations.find(connection, keys, name) for name in (LOCATION, "lPrivate")]
            [_, shop] = await sources.every(connection)
        assert shop.keys(keys) == (key,)
        return [location.token.get_secret_value() for location in found if location]

    assert await opened(KEYS) == await opened(both), "a second key opens"
    with pytest.raises(locations.TokenUnreadable):
        await opened(new)
    monkeypatch.setenv("SECRET_KEY", fresh.get_secret_value())
    wrong = await asyncio.to_thread(say, "rekey")
    assert wrong.exit_code == 1
    assert wrong.stderr == (
        f"Error: SECRET_KEY does not open grant location:{LOCATION}, location lPrivate, source shop: "
        "set SECRET_KEY_PREVIOUS to the key before it\n"
    )
    monkeypatch.setenv("SECRET_KEY_PREVIOUS", Fernet.generate_key().decode())
    assert "neither key opens" in (await asyncio.to_thread(say, "rekey")).stderr
    assert await opened(KEYS) == await opened(both), "what cannot be opened stays as it is"
    monkeypatch.setenv("SECRET_KEY_PREVIOUS", SECRET.get_secret_value())
    assert (await asyncio.to_thread(say, "rekey")).output == "3 sealed with SECRET_KEY.\n", (
        "what two rows share is sealed once"
    )
    assert await opened(new) == await opened(both)
    with pytest.raises(locations.TokenUnreadable):
        await opened(KEYS)
    [(at_rest,)] = await rows(pool, "SELECT token FROM locations WHERE location_id = 'lPrivate'")
    assert TOKEN.encode() not in at_rest
