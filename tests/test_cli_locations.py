"""`slotwright locations` and `rekey`: what a person says to have a location, and what they are told of it."""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from cryptography.fernet import Fernet
from pydantic import SecretStr

from service.highlevel.oauth import Granted
from service.standard_webhooks import new_secret, read_secret
from service.store import installs, locations, sources, tokens
from service.store.database import Pool
from service.store.rekeying import rekey
from service.store.sealing import Keys
from tests.connecting import COMPANY, KEYS, Office, open_office
from tests.house import CLIENT, CLIENT_SECRET, SECRET, TOKEN, now, pool_of, register
from tests.sandboxes import LOCATION
from tests.test_cli import complaint, say
from tests.test_deliveries import rows

Say = Callable[..., Awaitable[str]]


@pytest.fixture
async def office(pool: Pool, database_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Office]:
    async with open_office(pool, database_url) as opened:
        for name, value in {
            "DATABASE_URL": database_url,
            "SECRET_KEY": SECRET.get_secret_value(),
            "HIGHLEVEL_URL": opened.settings.highlevel_url,
            "OAUTH_CLIENT_ID": CLIENT,
            "OAUTH_CLIENT_SECRET": CLIENT_SECRET,
            "COLUMNS": "200",
        }.items():
            monkeypatch.setenv(name, value)
        # The commands look at a clock of their own, and so do the consoles that they send people to.
        opened.sandbox.clock.now = now()
        yield opened


async def told(*words: str, code: int = 0, said: str = "") -> str:
    """What a command says. Beside it the sandbox goes on."""
    result = await asyncio.to_thread(say, "locations", *words, input=said)
    assert result.exit_code == code, result.output
    assert not any(secret in result.output for secret in (TOKEN, SECRET.get_secret_value(), CLIENT_SECRET))
    return result.output


async def refusal(*words: str, said: str = "") -> str:
    return await asyncio.to_thread(complaint, "locations", *words, input=said)


async def test_a_private_token_is_added_listed_checked_and_removed(office: Office) -> None:
    assert await told("list") == "No location is registered.\n"
    assert await told("add", LOCATION, said=f"{TOKEN}\n") == f"{LOCATION} is registered, its clock is Europe/London.\n"
    listed = await told("list")
    assert all(word in listed for word in (LOCATION, "Leeds Salon", "Europe/London", "live", "private"))
    assert "works" in await told("check", LOCATION)
    assert await told("remove", LOCATION) == f"{LOCATION} is not registered any more.\n"
    for words in (("remove", LOCATION), ("check", LOCATION), ("time-zone", LOCATION), ("time-zone", LOCATION, "UTC")):
        assert await refusal(*words) == f"no location {LOCATION} is registered: slotwright locations list"


async def test_a_location_is_connected_by_the_address_that_is_printed(office: Office) -> None:
    output = await told("connect")
    assert "within 10 minutes" in output
    assert "http://localhost:8081/oauth/callback" in output
    [url] = re.findall(r"^http://127\S+$", output, re.MULTILINE)
    status, page = await office.come_back(await office.choose(url))
    assert status == 200, page
    listed = await told("list")
    assert "OAuth, until" in listed
    assert f"{LOCATION} was granted calendars.readonly calendars/events.readonly" in listed
    checked = await told("check", LOCATION)
    assert "Granted: calendars.readonly" in checked
    assert "Its clock: Europe/London, as HighLevel says" in checked
    secrets = [(await office.grant()).token, (await office.grant()).refresh_token]
    assert not any(secret and secret.get_secret_value() in listed + checked for secret in secrets)


async def test_a_location_of_a_connected_agency_needs_no_browser(office: Office) -> None:
    assert await refusal("connect", "--location", LOCATION) == (
        "no agency is connected: slotwright locations connect --agency, or without --location"
    )
    [url] = re.findall(r"^http://127\S+$", await told("connect", "--agency"), re.MULTILINE)
    assert (await office.come_back(await office.choose(url)))[0] == 200
    assert f"The agency {COMPANY}, OAuth, until" in await told("list")
    connected = await told("connect", "--location", LOCATION, "--time-zone", "Asia/Tokyo")
    assert connected == f"{LOCATION} is registered, its clock is Asia/Tokyo.\n"
    assert "works" in await told("check", LOCATION)
    assert (await refusal("connect", "--location", "elsewhere")).startswith(
        f"the agency {COMPANY} has no token for it: LocationToken answered 400: "
    )


async def test_what_cannot_be_connected_is_said(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    assert await refusal("connect", "--time-zone", "Mars/Base") == "'Mars/Base' is no time zone such as Europe/London"
    both = await told("connect", "--agency", "--location", LOCATION, code=2)
    assert "--agency goes with neither --location nor --time-zone" in both
    monkeypatch.delenv("OAUTH_CLIENT_SECRET")
    assert (await refusal("connect")).startswith("OAUTH_CLIENT_SECRET is not set (")


async def test_a_location_that_waits_or_whose_token_is_refused_is_listed_so(office: Office, pool: Pool) -> None:
    async with pool.acquire() as connection:
        await installs.note(connection, "lWaits", None, installed=True, said_at=now())
    assert "lWaits has the app installed and is not connected" in await told("list")
    await office.connect()
    await pool.execute("UPDATE grants SET refused = 'no longer known'")
    assert "OAuth, refused (no longer known): connect it again" in await told("list")


async def test_check_says_of_each_scope_whether_the_token_has_it(office: Office, pool: Pool) -> None:
    office.settings = office.settings.model_copy(
        update={"oauth_scopes": ("calendars.readonly", "calendars/events.readonly", "locations.readonly")}
    )
    await office.connect()
    result = await asyncio.to_thread(say, "locations", "check", LOCATION)
    assert (result.exit_code, result.stderr) == (1, "Error: rules need calendars/events.write\n")
    marks = {line.split()[1]: line.split()[0] for line in result.stdout.splitlines() if line[:3].strip() in ("✓", "✗")}
    had = {"calendars.readonly", "calendars/events.readonly", "locations.readonly"}
    assert {scope for scope, mark in marks.items() if mark == "✓"} == had
    assert len(marks) == 12
    missing = [line for line in result.stdout.splitlines() if " calendars/events.write " in line]
    assert "401: The token is not authorized for this scope." in missing[0]
    async with office.sandbox.client.get("/_sandbox/calls") as answer:
        carried_out = [call for call in await answer.json() if call["method"] != "GET" and call["status"] == 200]
    assert [call["operation"] for call in carried_out] == ["AccessToken"], "nothing was written"


async def test_a_clock_is_chosen_and_given_back(office: Office) -> None:
    await told("add", LOCATION, said=f"{TOKEN}\n")
    assert await told("time-zone", LOCATION, "Asia/Tokyo") == f"The clock of {LOCATION} is Asia/Tokyo.\n"
    assert "Asia/Tokyo (chosen)" in await told("list")
    assert "Its clock: Asia/Tokyo, as was chosen; HighLevel says Europe/London" in await told("check", LOCATION)
    again = await told("add", LOCATION, said=f"{TOKEN}\n")
    assert again == f"{LOCATION} is registered, its clock is Asia/Tokyo.\n"
    back = await told("time-zone", LOCATION)
    assert back == f"The clock of {LOCATION} is Europe/London, as HighLevel says.\n"
    await office.pool.execute("UPDATE locations SET time_zone = 'Europe/Paris'")
    assert (
        f"Its clock: Europe/Paris; HighLevel says Europe/London: slotwright locations time-zone {LOCATION}"
        in await told("check", LOCATION)
    )


@pytest.mark.parametrize("name", ["a/b", "", "..", "x\udcff"])
async def test_what_is_no_id_is_said_before_anything_is_asked(name: str, office: Office) -> None:
    commands: list[tuple[str, ...]] = [("add", name), ("add", name, "--name", "x", "--time-zone", "UTC")]
    commands += [("check", name), ("time-zone", name), ("connect", "--location", name), ("time-zone", name, "UTC")]
    if name == "x\udcff":
        commands += [("remove", name), ("add", "ok", "--name", name)]
    for words in commands:
        said = await told(*words, code=2, said=f"{TOKEN}\n")
        [line] = [line for line in said.splitlines() if line.startswith("Error: Invalid value")]
        assert line.endswith(("is no location's id", "is no UTF-8")), said
    assert await rows(office.pool, "SELECT location_id FROM locations") == []


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
    assert (wrong.exit_code, "neither key opens" in wrong.stderr) == (1, True)
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
