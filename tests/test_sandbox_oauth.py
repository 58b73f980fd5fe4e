"""The sandbox's OAuth: what is asked, what is handed out, how long it holds and what it allows."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import aiohttp
import pytest

from service.sandbox.limits import Limits
from service.sandbox.seeds.seed import packaged_seed
from service.sandbox.tokens.scopes import scope_of
from tests.sandboxes import ADA, APPOINTMENTS, CUTS, DANA, LOCATION, Sandbox, at, running, until, verify

CLIENT, SECRET, COMPANY = "5a1db0c5510751077e57ab1e-sandbox", "sandbox-demo-secret", "cMp4nY7xQ2wLr8KtZ3vB"
BACK = "http://127.0.0.1:9/oauth/callback"
SCOPES = "calendars.readonly calendars/events.readonly"
OTHER = "oTh3rLoc4tI0nFoRtEsT"
TWO = (
    packaged_seed("demo")
    + f"  - {{id: {OTHER}, timezone: Europe/Paris, tokens: [pit-few], scopes: [calendars.readonly]}}\n"
)
ASKED = {"client_id": CLIENT, "response_type": "code", "redirect_uri": BACK, "scope": SCOPES, "state": "a b&c"}
SECRETS = {"client_id": CLIENT, "client_secret": SECRET}
INVALID = (401, "Invalid token: access token is invalid")
UNSCOPED = (401, "The token is not authorized for this scope.")


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with running(seed=TWO) as running_sandbox:
        yield running_sandbox


async def choose(sandbox: Sandbox, **query: str) -> str:
    """Where one is sent."""
    asked = {name: value for name, value in (ASKED | query).items() if value}
    async with sandbox.client.get("/oauth/chooselocation", params=asked, allow_redirects=False) as answer:
        assert answer.status == 302, await answer.text()
        return answer.headers["Location"]


async def refused(sandbox: Sandbox, **query: str) -> str:
    """OAuth's word for why."""
    asked = {name: value for name, value in (ASKED | query).items() if value}
    async with sandbox.client.get("/oauth/chooselocation", params=asked, allow_redirects=False) as answer:
        assert answer.status == 400, await answer.text()
        return str((await answer.json())["error"])


async def code(sandbox: Sandbox, **query: str) -> str:
    return parse_qs(urlsplit(await choose(sandbox, **query)).query)["code"][0]


async def post(sandbox: Sandbox, path: str, form: dict[str, str], *, status: int = 200, token: str = "") -> Any:
    headers = {"Authorization": f"Bearer {token}", "Version": "2021-07-28"} if token else {}
    async with sandbox.client.post(path, data=form, headers=headers) as answer:
        assert answer.status == status, await answer.text()
        return await answer.json()


async def redeem(sandbox: Sandbox, code: str, *, status: int = 200, **form: str) -> Any:
    asked = {**SECRETS, "grant_type": "authorization_code", "code": code, **form}
    return await post(sandbox, "/oauth/token", asked, status=status)


async def refresh(sandbox: Sandbox, token: str, *, status: int = 200, **form: str) -> Any:
    asked = {**SECRETS, "grant_type": "refresh_token", "refresh_token": token, **form}
    return await post(sandbox, "/oauth/token", asked, status=status)


async def read(sandbox: Sandbox, token: str, path: str = f"/calendars/{CUTS}") -> tuple[int, Any]:
    headers = {"Authorization": f"Bearer {token}", "Version": "2021-07-28"}
    async with sandbox.client.get(path, headers=headers) as answer:
        body = await answer.json()
        return answer.status, body.get("message")


async def test_a_code_is_given_to_whoever_asks_rightly_and_state_comes_back(sandbox: Sandbox) -> None:
    where = urlsplit(await choose(sandbox))
    assert f"{where.scheme}://{where.netloc}{where.path}" == BACK
    said = parse_qs(where.query)
    assert said.keys() == {"code", "state"}
    assert said["state"] == ["a b&c"]
    beside = await choose(sandbox, redirect_uri=f"{BACK}?here=1", state="")
    assert parse_qs(urlsplit(beside).query).keys() == {"here", "code"}


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"client_id": "other"}, "invalid_client"),
        ({"redirect_uri": "javascript:alert(1)"}, "invalid_request"),
        ({"redirect_uri": ""}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"scope": ""}, "invalid_scope"),
        ({"scope": "calendars.everything"}, "invalid_scope"),
        ({"location": "other"}, "invalid_request"),
    ],
)
async def test_what_is_asked_wrongly_brings_no_code(sandbox: Sandbox, wrong: dict[str, str], error: str) -> None:
    assert await refused(sandbox, **wrong) == error


async def test_an_app_that_says_where_it_lives_is_sent_nowhere_else() -> None:
    listed = TWO.replace(f"company_id: {COMPANY}", f"company_id: {COMPANY}, redirect_uris: [{BACK}]")
    async with running(told=False, seed=listed) as sandbox:
        assert await code(sandbox)
        assert await refused(sandbox, redirect_uri=f"{BACK}/") == "invalid_request"


async def test_a_code_buys_one_token_for_the_location_that_was_chosen(sandbox: Sandbox) -> None:
    bought = await code(sandbox)
    given = await redeem(sandbox, bought, user_type="Location", redirect_uri=BACK)
    tokens = {"access_token": given["access_token"], "refresh_token": given["refresh_token"]}
    assert given == {
        **tokens,
        "token_type": "Bearer",
        "expires_in": 86399,
        "refreshTokenId": given["refreshTokenId"],
        "scope": SCOPES,
        "userType": "Location",
        "companyId": COMPANY,
        "isBulkInstallation": False,
        "locationId": LOCATION,
        "userId": DANA,
        "traceId": given["traceId"],
    }
    assert (await redeem(sandbox, bought, status=400))["error"] == "invalid_grant"
    assert await read(sandbox, given["access_token"]) == (200, None)
    assert (await read(sandbox, given["access_token"], f"/calendars/?locationId={OTHER}"))[0] == 403
    other = await redeem(sandbox, await code(sandbox, location=OTHER))
    assert other["locationId"] == OTHER
    calls = [call for call in await sandbox.call("GET", "/_sandbox/calls") if call["operation"] == "AccessToken"]
    assert [(call["status"], call["carried_out"]) for call in calls] == [(200, True), (400, False), (200, True)]


async def test_a_code_is_worth_nothing_to_others_elsewhere_or_later(sandbox: Sandbox) -> None:
    bought = await code(sandbox)
    wrong = await redeem(sandbox, bought, status=401, client_secret="guess")
    assert (wrong["error"], wrong["statusCode"]) == ("invalid_client", 401)
    assert (await redeem(sandbox, bought, status=400, redirect_uri=f"{BACK}/x"))["error"] == "invalid_grant"
    sandbox.clock.now += timedelta(minutes=10)
    assert (await redeem(sandbox, bought, status=400))["error"] == "invalid_grant"


async def test_a_form_that_lacks_something_is_refused_in_highlevels_words(sandbox: Sandbox) -> None:
    lacking = await post(sandbox, "/oauth/token", {"client_id": CLIENT, "grant_type": "refresh_token"}, status=422)
    assert lacking["message"] == ["client_secret should not be empty", "refresh_token should not be empty"]
    password = await post(sandbox, "/oauth/token", {**SECRETS, "grant_type": "password"}, status=400)
    assert password["error"] == "unsupported_grant_type"
    nobody = await redeem(sandbox, "x", status=422, user_type="Nobody")
    assert nobody["message"] == ["user_type must be a valid enum value"]


async def test_a_refresh_token_is_used_once_and_for_thirty_seconds_gives_the_same_again(sandbox: Sandbox) -> None:
    first = await redeem(sandbox, await code(sandbox))
    second = await refresh(sandbox, first["refresh_token"])
    assert {second[name] for name in ("access_token", "refresh_token")}.isdisjoint(first.values())
    assert (second["scope"], second["locationId"]) == (SCOPES, LOCATION)
    sandbox.clock.now += timedelta(seconds=30)
    again = await refresh(sandbox, first["refresh_token"])
    assert {**again, "traceId": ""} == {**second, "traceId": ""}
    assert await read(sandbox, again["access_token"]) == (200, None)
    assert await read(sandbox, first["access_token"]) == (200, None)
    sandbox.clock.now += timedelta(milliseconds=1)
    late = await refresh(sandbox, first["refresh_token"], status=400)
    assert late["error"] == "invalid_grant"
    third = await refresh(sandbox, second["refresh_token"])
    assert third["access_token"] != second["access_token"]
    sandbox.clock.now += timedelta(days=365)
    await refresh(sandbox, third["refresh_token"], status=400)


async def test_an_access_token_ends_when_it_says(sandbox: Sandbox) -> None:
    lasting = await redeem(sandbox, await code(sandbox))
    assert await sandbox.call("PUT", "/_sandbox/oauth", {"expires_in": 5}) == {"expires_in": 5}
    assert await sandbox.call("GET", "/_sandbox/oauth") == {"expires_in": 5}
    short = await redeem(sandbox, await code(sandbox))
    assert short["expires_in"] == 5
    sandbox.clock.now += timedelta(seconds=4.999)
    assert await read(sandbox, short["access_token"]) == (200, None)
    sandbox.clock.now += timedelta(seconds=0.001)
    assert await read(sandbox, short["access_token"]) == INVALID
    assert await read(sandbox, lasting["access_token"]) == (200, None)
    fresh = await refresh(sandbox, short["refresh_token"])
    assert await read(sandbox, fresh["access_token"]) == (200, None)
    await sandbox.call("PUT", "/_sandbox/oauth", {"expires_in": 0}, status=422)


async def test_a_token_does_what_its_scopes_allow_and_no_more(sandbox: Sandbox) -> None:
    token = (await redeem(sandbox, await code(sandbox)))["access_token"]
    events = f"/calendars/events?locationId={LOCATION}&calendarId={CUTS}&startTime=0&endTime=1"
    assert await read(sandbox, token, events) == (200, None)
    assert await read(sandbox, token, f"/locations/{LOCATION}") == UNSCOPED
    body = {"calendarId": CUTS, "locationId": LOCATION, "contactId": ADA, "startTime": at("10:00")}
    headers = {"Authorization": f"Bearer {token}", "Version": "2021-07-28"}
    async with sandbox.client.post(APPOINTMENTS, json=body, headers=headers) as answer:
        assert await answer.json() == {"statusCode": 401, "message": UNSCOPED[1], "error": "Unauthorized"}
    assert await read(sandbox, "pit-few", f"/calendars/?locationId={OTHER}") == (200, None)
    assert await read(sandbox, "pit-few", f"/locations/{OTHER}") == UNSCOPED
    assert await read(sandbox, "pit-sandbox-demo", f"/locations/{LOCATION}") == (200, None)


async def test_an_agencys_token_buys_tokens_of_its_locations_and_is_none_itself(sandbox: Sandbox) -> None:
    bought = await code(sandbox, scope=f"{SCOPES} oauth.write")
    agency = await redeem(sandbox, bought, user_type="Company")
    assert (agency["userType"], "locationId" in agency, "userId" in agency) == ("Company", False, False)
    assert await read(sandbox, agency["access_token"]) == (401, "This token's user type is not yet supported!")
    asked = {"companyId": COMPANY, "locationId": OTHER}
    given = await post(sandbox, "/oauth/locationToken", asked, token=agency["access_token"])
    published = {"access_token", "token_type", "expires_in", "refresh_token", "scope", "locationId", "planId"}
    assert given.keys() - {"traceId"} == published | {"appId", "versionId"}, "neither userType nor companyId"
    assert given["locationId"] == OTHER
    assert await read(sandbox, given["access_token"], f"/calendars/?locationId={OTHER}") == (200, None)
    assert (await refresh(sandbox, given["refresh_token"]))["locationId"] == OTHER
    assert (await refresh(sandbox, agency["refresh_token"]))["userType"] == "Company"
    path, token = "/oauth/locationToken", agency["access_token"]
    await post(sandbox, path, {**asked, "companyId": "other"}, token=token, status=400)
    await post(sandbox, path, {**asked, "locationId": "other"}, token=token, status=400)
    await post(sandbox, path, {"companyId": COMPANY}, token=token, status=422)
    assert (await post(sandbox, path, asked, status=401))["message"] == INVALID[1]
    not_agency = await post(sandbox, path, asked, token="pit-sandbox-demo", status=401)
    assert not_agency["message"] == "This token's user type is not yet supported!"
    few = await redeem(sandbox, await code(sandbox), user_type="Company")
    assert (await post(sandbox, path, asked, token=few["access_token"], status=401))["message"] == UNSCOPED[1]


async def test_a_new_token_of_an_app_brings_no_new_budget() -> None:
    async with running(told=False, limits=Limits(burst=2), monotonic=lambda: 0) as sandbox:
        first = await redeem(sandbox, await code(sandbox))
        assert await read(sandbox, first["access_token"]) == (200, None)
        second = await refresh(sandbox, first["refresh_token"])
        assert await read(sandbox, second["access_token"]) == (200, None)
        assert await read(sandbox, second["access_token"]) == (429, "Too Many Requests")
        assert await read(sandbox, "pit-sandbox-demo") == (200, None)


async def test_faults_befall_oauth_too(sandbox: Sandbox) -> None:
    first = await redeem(sandbox, await code(sandbox))
    async with sandbox.client.post("/_sandbox/faults", data="AccessToken:drop_after") as answer:
        assert answer.status == 201
    with pytest.raises(aiohttp.ClientError):
        await refresh(sandbox, first["refresh_token"])
    sandbox.clock.now += timedelta(seconds=30)
    again = await refresh(sandbox, first["refresh_token"])
    assert await read(sandbox, again["access_token"]) == (200, None)


async def test_installing_and_uninstalling_are_announced_and_an_app_taken_away_holds_nothing(sandbox: Sandbox) -> None:
    mine, other = [await redeem(sandbox, await code(sandbox, location=each)) for each in (LOCATION, OTHER)]
    for what in ("INSTALL", "UNINSTALL"):
        await sandbox.call("POST", "/_sandbox/installs", {"location": LOCATION, "type": what}, status=202)
    await until(lambda: len(sandbox.receiver.arrived) == 2)
    for body, headers, _ in sandbox.receiver.arrived:
        verify(sandbox, body, headers)
    install, uninstall = sandbox.receiver.bodies
    stamped = ["timestamp", "webhookId"]
    named = ["type", "appId", "versionId"]
    assert list(uninstall) == [*named, "locationId", *stamped]
    assert list(install) == [
        *named,
        *("installType", "locationId", "companyId", "userId", "companyName", "isWhitelabelCompany"),
        *("whitelabelDetails", "trial"),
        *stamped,
    ]
    assert (install["appId"], install["locationId"]) == ("0123456789abcdef01234567", LOCATION)
    assert (install["companyId"], install["userId"]) == (COMPANY, DANA)
    assert await read(sandbox, mine["access_token"]) == INVALID
    assert (await refresh(sandbox, mine["refresh_token"], status=400))["error"] == "invalid_grant"
    assert (await read(sandbox, other["access_token"], f"/calendars/?locationId={OTHER}"))[0] == 200
    await refresh(sandbox, other["refresh_token"])
    await sandbox.call("POST", "/_sandbox/installs", {"location": "other"}, status=422)


@pytest.mark.parametrize(
    ("method", "path", "scope"),
    [
        ("GET", "/calendars/", "calendars.readonly"),
        ("GET", "/calendars/{calendar_id}/free-slots", "calendars.readonly"),
        ("PUT", "/calendars/schedules/{id}/associations/{calendar_id}", "calendars.write"),
        ("POST", "/calendars/services/catalog", "calendars.write"),
        ("GET", "/calendars/services/bookings/{id}", "calendars/events.readonly"),
        ("POST", "/calendars/events/block-slots", "calendars/events.write"),
        ("GET", "/calendars/blocked-slots", "calendars/events.readonly"),
        ("DELETE", "/calendars/appointments/{id}/notes/{note_id}", "calendars/events.write"),
        ("POST", "/calendars/{calendar_id}/notifications", "calendars/events.write"),
        ("POST", "/calendars/groups/validate-slug", "calendars/groups.write"),
        ("GET", "/calendars/resources/{type}", "calendars/resources.readonly"),
        ("POST", "/contacts/search", "contacts.readonly"),
        ("DELETE", "/contacts/{id}/tags", "contacts.write"),
        ("GET", "/users/", "users.readonly"),
        ("GET", "/locations/{id}", "locations.readonly"),
        ("GET", "/locations/{id}/customFields", "locations/customFields.readonly"),
    ],
)
def test_each_path_has_the_scope_that_highlevel_asks_for(method: str, path: str, scope: str) -> None:
    assert scope_of(method, path) == scope
