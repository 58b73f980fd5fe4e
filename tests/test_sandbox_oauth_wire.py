"""How the sandbox's OAuth is asked and answers: forms that cannot be read, and the names and paths of v3."""

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.sandboxes import DANA, LOCATION, Sandbox, running
from tests.test_sandbox_oauth import BACK, COMPANY, OTHER, SCOPES, SECRETS, TWO, code, post, read, redeem, refresh

FORM = "application/x-www-form-urlencoded"
GOOD = "client_id=a&client_secret=b&grant_type=refresh_token&refresh_token=c"
SECRETS_V3 = {"clientId": SECRETS["client_id"], "clientSecret": SECRETS["client_secret"]}


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with running(told=False, seed=TWO) as running_sandbox:
        yield running_sandbox


async def ask(
    sandbox: Sandbox, path: str, said: dict[str, Any], *, status: int = 200, token: str = "", as_json: bool = False
) -> Any:
    """Under v3."""
    kind, body = ("application/json", json.dumps(said)) if as_json else (FORM, urlencode(said))
    headers = {"Version": "v3", "Content-Type": kind, **({"Authorization": f"Bearer {token}"} if token else {})}
    async with sandbox.client.post(path, headers=headers, data=body) as answer:
        assert answer.status == status, await answer.text()
        return await answer.json()


@pytest.mark.parametrize("path", ["/oauth/token", "/oauth/locationToken"])
@pytest.mark.parametrize(
    ("kind", "body", "why"),
    [
        (FORM, b"client_id=\xff", "the form is not UTF-8"),
        (FORM, b"client_id=%FF", "the form is not UTF-8"),
        (f"{FORM}; charset=klingon", GOOD.encode(), "the form is written in UTF-8"),
        (f"{FORM}; charset=utf-16", GOOD.encode("utf-16"), "the form is written in UTF-8"),
        ("multipart/form-data; boundary=x", b"--x\r\n", f"the form is sent as {FORM}, not as multipart/form-data"),
        ("multipart/form-data", b"", f"the form is sent as {FORM}, not as multipart/form-data"),
    ],
)
async def test_a_form_that_cannot_be_read_is_told_why(
    sandbox: Sandbox, path: str, kind: str, body: bytes, why: str
) -> None:
    token = (await redeem(sandbox, await code(sandbox, scope="oauth.write"), user_type="Company"))["access_token"]
    headers = {"Content-Type": kind, "Authorization": f"Bearer {token}", "Version": "2021-07-28"}
    async with sandbox.client.post(path, data=body, headers=headers) as answer:
        said = {"error": "invalid_request", "error_description": f"Invalid request: {why}", "statusCode": 400}
        assert (answer.status, await answer.json()) == (400, said)


async def test_what_is_ascii_may_be_said_to_be_latin(sandbox: Sandbox) -> None:
    headers = {"Content-Type": f"{FORM}; charset=ISO-8859-1"}
    async with sandbox.client.post("/oauth/token", data=GOOD.encode(), headers=headers) as answer:
        assert (answer.status, (await answer.json())["error"]) == (401, "invalid_client")


async def test_a_clock_that_was_set_back_does_not_make_an_answer_last(sandbox: Sandbox) -> None:
    first = await redeem(sandbox, await code(sandbox))
    second = await refresh(sandbox, first["refresh_token"])
    sandbox.clock.now -= timedelta(seconds=30)
    assert (await refresh(sandbox, first["refresh_token"]))["access_token"] == second["access_token"]
    sandbox.clock.now -= timedelta(days=1)
    assert (await refresh(sandbox, first["refresh_token"], status=400))["error"] == "invalid_grant"


async def test_v3_asks_and_answers_in_camel_case(sandbox: Sandbox) -> None:
    bought = {**SECRETS_V3, "grantType": "authorization_code", "redirectUri": BACK}
    given = await ask(sandbox, "/oauth/token", {**bought, "code": await code(sandbox)})
    also = {**bought, "code": await code(sandbox), "userType": "Location"}
    for each in (given, await ask(sandbox, "/oauth/token", also, as_json=True)):
        assert {**each, "accessToken": "", "refreshToken": "", "refreshTokenId": "", "traceId": ""} == {
            "accessToken": "",
            "tokenType": "Bearer",
            "expiresIn": 86399,
            "refreshToken": "",
            "refreshTokenId": "",
            "scope": SCOPES,
            "userType": "Location",
            "companyId": COMPANY,
            "isBulkInstallation": False,
            "locationId": LOCATION,
            "userId": DANA,
            "traceId": "",
        }
    assert await read(sandbox, given["accessToken"]) == (200, None)
    renewed = {**SECRETS_V3, "grantType": "refresh_token", "refreshToken": given["refreshToken"]}
    assert (await ask(sandbox, "/oauth/token", renewed))["accessToken"] != given["accessToken"]


async def test_a_locations_token_has_another_path_under_v3_and_none_before(sandbox: Sandbox) -> None:
    bought = await code(sandbox, scope=f"{SCOPES} oauth.write")
    agency = (await redeem(sandbox, bought, user_type="Company"))["access_token"]
    asked = {"companyId": COMPANY, "locationId": OTHER}
    for path, as_json in (("/oauth/location-token", True), ("/oauth/locationToken", False)):
        given = await ask(sandbox, path, asked, token=agency, as_json=as_json)
        assert given.keys() >= {"accessToken", "tokenType", "expiresIn", "refreshToken", "locationId", "planId"}
        assert not any("_" in name for name in given)
        assert (await read(sandbox, given["accessToken"], f"/calendars/?locationId={OTHER}"))[0] == 200
    unknown = await post(sandbox, "/oauth/location-token", asked, token=agency, status=404)
    assert unknown["message"] == "Cannot POST /oauth/location-token"


async def test_v3_says_no_in_its_own_form_and_in_its_own_names(sandbox: Sandbox) -> None:
    async def why(path: str, said: dict[str, Any], status: int, token: str = "") -> tuple[str, str]:
        answer = await ask(sandbox, path, said, status=status, token=token)
        error = answer.pop("error")
        assert answer == {}
        assert error.keys() == {"code", "message", "details", "resolution"}
        return error["code"], error["message"]

    lacking = "clientId should not be empty; clientSecret should not be empty; refreshToken should not be empty"
    old = {"client_id": "a", "grantType": "refresh_token"}
    assert await why("/oauth/token", old, 422) == ("unprocessable_entity", lacking)
    no_text = {"clientId": 5, "grantType": "refresh_token"}
    assert (await ask(sandbox, "/oauth/token", no_text, status=422, as_json=True))["error"]["message"] == lacking
    wrong = {**SECRETS_V3, "grantType": "authorization_code", "code": await code(sandbox), "redirectUri": "http://x/"}
    assert await why("/oauth/token", wrong, 400) == (
        "invalid_grant",
        "Invalid grant: `redirectUri` is not the one of the code",
    )
    assert (await why("/oauth/location-token", {}, 401))[0] == "unauthorized"
    for body in (b"{", b"[]", json.dumps([1]).encode(), b"\xff"):
        headers = {"Version": "v3", "Content-Type": "application/json"}
        async with sandbox.client.post("/oauth/token", data=body, headers=headers) as answer:
            assert (answer.status, (await answer.json())["error"]["code"]) == (400, "invalid_request")
