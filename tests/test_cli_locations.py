"""`slotwright locations`: what a person says to have a location, and what they are told of it."""

import asyncio
import re
from collections.abc import AsyncIterator

import pytest

from service.store import holds, installs
from service.store.database import Pool
from service.store.ledger import write_down
from tests.connecting import COMPANY, Office, by_hand
from tests.house import CLIENT_SECRET, SECRET, TOKEN, now
from tests.sandboxes import LOCATION
from tests.test_cli import complaint, say
from tests.test_deliveries import rows


@pytest.fixture
async def office(pool: Pool, database_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Office]:
    async with by_hand(pool, database_url, monkeypatch) as opened:
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
        assert (await refusal(*words)).startswith(f"no location {LOCATION} is registered: slotwright locations list")


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
    assert f"  to forget it: slotwright locations remove {COMPANY}\n" in await told("list")
    connected = await told("connect", "--location", LOCATION, "--time-zone", "Asia/Tokyo")
    assert connected == f"{LOCATION} is registered, its clock is Asia/Tokyo.\n"
    assert "works" in await told("check", LOCATION)
    assert (await refusal("connect", "--location", "elsewhere")).startswith(
        f"the agency {COMPANY} has no token for it: LocationToken answered 400: "
    )
    await office.pool.execute("UPDATE grants SET refused = 'no longer known', expires_at = granted_at")
    assert (await refusal("connect", "--location", LOCATION)).endswith(
        "no longer known; connect it again: slotwright locations connect --agency"
    )
    assert "(no longer known): connect it again: slotwright locations connect --agency, was" in await told("list")
    forgotten = await told("remove", COMPANY)
    assert forgotten == f"The agency {COMPANY} is not connected any more; its locations that are registered stay so.\n"
    listed = await told("list")
    assert (COMPANY in listed, LOCATION in listed) == (False, True)
    assert await refusal("remove", COMPANY) == f"no location {COMPANY} is registered: slotwright locations list"


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
    assert "OAuth, refused (no longer known): connect it again: slotwright locations connect\n" in await told("list")


async def test_a_refused_private_token_is_listed_so_and_a_good_one_ends_the_wait_at_once(
    office: Office, pool: Pool
) -> None:
    await told("add", LOCATION, said=f"{TOKEN}\n")
    async with pool.acquire() as connection:
        await write_down(connection, [holds.token_refused(LOCATION), holds.token_refused("elsewhere")])
        listed = " ".join((await told("list")).split())
        assert "private, refused by HighLevel: slotwright locations check" in listed
        await told("add", LOCATION, said=f"{TOKEN}\n")
        assert [hold.location_id for hold in await holds.every(connection)] == ["elsewhere"]
    assert "refused" not in await told("list")


async def test_a_clock_is_chosen_and_given_back(office: Office) -> None:
    await told("add", LOCATION, said=f"{TOKEN}\n")
    assert await told("time-zone", LOCATION, "Asia/Tokyo") == f"The clock of {LOCATION} is Asia/Tokyo.\n"
    assert "Asia/Tokyo (chosen)" in await told("list")
    assert "Its clock: Asia/Tokyo, as was chosen; HighLevel says Europe/London" in await told("check", LOCATION)
    again = await told("add", LOCATION, said=f"{TOKEN}\n")
    assert again == (
        f"{LOCATION} is registered, its clock is Asia/Tokyo.\n"
        f"That clock was chosen before; HighLevel's: slotwright locations time-zone {LOCATION}\n"
    )
    back = await told("time-zone", LOCATION)
    assert back == f"The clock of {LOCATION} is Europe/London, as HighLevel says.\n"
    await office.pool.execute("UPDATE locations SET time_zone = 'Europe/Paris'")
    assert (
        f"Its clock: Europe/Paris; HighLevel says Europe/London: slotwright locations time-zone {LOCATION}"
        in await told("check", LOCATION)
    )


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        ("", "401: Invalid token: access token is invalid"),
        ("GetLocation:blocked*9", "Give the token that was made in this very location."),
    ],
)
async def test_a_token_that_highlevel_refuses_takes_no_ones_place(fault: str, says: str, office: Office) -> None:
    await office.connect()
    before = await office.location()
    if fault:
        await office.order(fault)
    for more in ((), ("--time-zone", "UTC"), ("--time-zone", "UTC", "--name", "x")):
        refused = await refusal("add", LOCATION, *more, said="pit-wrong\n")
        assert refused.endswith(says)
        assert "--time-zone" not in refused
    assert await office.location() == before


async def test_what_says_nothing_of_a_token_lets_it_in_with_a_clock(office: Office) -> None:
    await office.connect()
    await office.order("GetLocation:missing_scope*2")
    assert (await refusal("add", LOCATION, said=TOKEN)).endswith("Give --time-zone to do without asking HighLevel.")
    taken = await told("add", LOCATION, "--time-zone", "Asia/Tokyo", said=TOKEN)
    assert "Warning: HighLevel does not show it with this token (GetLocation answered 401: " in taken
    assert "without a name" not in taken
    assert taken.endswith(
        f"{LOCATION} is registered, its clock is Asia/Tokyo.\n"
        "It was connected by OAuth: this private token has taken the place of what was granted.\n"
    )
    found = await office.location()
    assert (found.name, found.grant, found.token.get_secret_value()) == ("Leeds Salon", None, TOKEN)


async def test_of_two_lines_neither_is_taken_for_the_token(office: Office) -> None:
    assert (await refusal("add", LOCATION, said=f"{TOKEN}\n\nanother\n")).startswith("2 lines came in: ")
    assert await rows(office.pool, "SELECT location_id FROM locations") == []
    assert "registered" in await told("add", LOCATION, said=f"\n{TOKEN}\n\n")


async def test_a_refresh_that_fails_is_shown_where_it_is_looked_for(office: Office) -> None:
    await office.connect()
    await office.pool.execute("UPDATE grants SET expires_at = granted_at + interval '1 second' - interval '1 day'")
    await office.order("AccessToken:400*9")
    checked = (await asyncio.to_thread(say, "locations", "check", LOCATION)).stderr
    assert checked.startswith(f"Error: {LOCATION} has no token that is good: no token for now: 400: ")
    assert checked.endswith("look at OAUTH_CLIENT_ID, OAUTH_CLIENT_SECRET and HighLevel's status page\n")
    listed = await told("list")
    assert "OAuth, ended " in listed
    assert "not refreshed yet (400: " in listed
    await office.pool.execute("UPDATE grants SET refused = 'no longer known'")
    assert await refusal("check", LOCATION) == (
        f"{LOCATION} has no token that is good: no longer known; connect it again: slotwright locations connect"
    )


async def test_an_id_is_never_torn_apart_and_all_is_told_by_the_locations_clock(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    await office.connect(time_zone="Pacific/Kiritimati")
    end = "2027-03-26 14:00:00+00"
    await office.pool.execute("UPDATE grants SET refused = 'it has been said ' || repeat('again and ', 20)")
    await office.pool.execute("UPDATE locations SET name = repeat('Leeds Salon ', 20)")
    lines = (await told("list")).splitlines()
    assert lines[2].startswith(f"{LOCATION}  Leeds"), lines
    await office.pool.execute(
        f"UPDATE grants SET refused = NULL, expires_at = '{end}'::timestamptz + interval '1 year'"
    )
    monkeypatch.setenv("COLUMNS", "200")
    assert "OAuth, until 2028-03-27 04:00, then refreshed" in await told("list")


@pytest.mark.parametrize("name", ["a/b", "", "..", "x\udcff"])
async def test_what_is_no_id_is_said_before_anything_is_asked(name: str, office: Office) -> None:
    commands: list[tuple[str, ...]] = [("add", name), ("add", name, "--name", "x", "--time-zone", "UTC")]
    commands += [("connect", "--location", name)]
    if name == "x\udcff":
        commands += [("remove", name), ("add", "ok", "--name", name)]
        commands += [("check", name), ("time-zone", name), ("time-zone", name, "UTC"), ("reconcile", name)]
    for words in commands:
        said = await told(*words, code=2, said=f"{TOKEN}\n")
        [line] = [line for line in said.splitlines() if line.startswith("Error: Invalid value")]
        assert line.endswith(("is no location's id", "is no UTF-8")), said
    assert await rows(office.pool, "SELECT location_id FROM locations") == []
