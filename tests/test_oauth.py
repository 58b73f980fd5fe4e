"""HighLevel's OAuth as a client speaks it: what an answer means, and that no error quotes what was sent."""

import json
import traceback
from collections.abc import AsyncIterator
from traceback import TracebackException

import aiohttp
import pytest
from pydantic import SecretStr, ValidationError

from service.highlevel.connection import open_session
from service.highlevel.errors import (
    HighLevelError,
    NotSent,
    RateLimited,
    ScopeMissing,
    ServerError,
    TokenRefused,
    Unauthorized,
    Unreadable,
)
from service.highlevel.oauth import Granted, OAuth, authorize_url, read_granted
from tests.canaries import echo
from tests.house import CLIENT, CLIENT_SECRET
from tests.processes import free_port
from tests.sandboxes import Sandbox, running

SECRETS = {
    "client": "canary/of+the client",
    "code": "canary-code&1",
    "refresh": "canary-refresh=1",
    "agency": "canary-access",
}
CODE = SecretStr("code")


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with running(told=False) as opened:
        yield opened


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with open_session(5) as opened:
        yield opened


def app(url: str, session: aiohttp.ClientSession, secret: str = CLIENT_SECRET) -> OAuth:
    return OAuth(url, CLIENT, SecretStr(secret), session)


@pytest.mark.parametrize(
    "answer",
    [
        '{"access_token": "a", "refresh_token": "r", "expires_in": 86399, "scope": "x.readonly y.write", '
        '"userType": "Location", "companyId": "c", "locationId": "l", "traceId": "t", "approvedLocations": []}',
        '{"accessToken": "a", "refreshToken": "r", "expiresIn": 86399, "scope": "x.readonly y.write", '
        '"userType": "Location", "companyId": "c", "locationId": "l"}',
    ],
    ids=["as before", "v3"],
)
def test_what_is_given_is_read_in_either_spelling_and_not_shown(answer: str) -> None:
    granted = Granted.model_validate_json(answer)
    assert (granted.access_token.get_secret_value(), granted.expires_in) == ("a", 86_399)
    assert granted.refresh_token == SecretStr("r")
    assert (granted.scopes, granted.company_id, granted.location_id) == (("x.readonly", "y.write"), "c", "l")
    assert "SecretStr('*" in repr(granted)


@pytest.mark.parametrize("more", ['"userType": "Location", "companyId": "c"', '"userType": "Company", "companyId": ""'])
def test_what_does_not_say_for_whom_it_is_cannot_be_kept(more: str) -> None:
    with pytest.raises(ValidationError, match="does not say for whom"):
        Granted.model_validate_json('{"access_token": "a", "expires_in": 1, ' + more + "}")


def test_the_address_asks_for_what_the_app_wants() -> None:
    url = authorize_url(
        "https://example.com/choose?brand=1", "id", "https://example.com/c?d=e", ["a.b", "c/d.e"], "s&t"
    )
    assert url == (
        "https://example.com/choose?brand=1&response_type=code&client_id=id&redirect_uri=https%3A%2F%2Fexample.com%2Fc%3Fd"
        "%3De&scope=a.b%20c%2Fd.e&state=s%26t&loginWindowOpenMode=self"
    )


PUBLISHED = {"access_token": "a", "token_type": "Bearer", "expires_in": 86399, "scope": "x.readonly", "locationId": "l"}


ASKED = {"userType": "Location", "companyId": "c", "locationId": "l"}


@pytest.mark.parametrize(
    "more", [{"planId": "p", "userId": "u"}, {"refresh_token": "r", "appId": "i", "companyId": ""}]
)
def test_a_locations_token_is_for_what_was_asked_where_its_answer_leaves_that_out(more: dict[str, str]) -> None:
    granted = read_granted("LocationToken", json.dumps(PUBLISHED | more).encode(), ASKED)
    assert (granted.user_type, granted.company_id, granted.location_id) == ("Location", "c", "l")


@pytest.mark.parametrize("told", [{"locationId": "another"}, {"userType": "Company", "companyId": "c"}])
def test_a_token_for_something_else_than_was_asked_for_is_none(told: dict[str, str]) -> None:
    with pytest.raises(Unreadable, match="another location"):
        read_granted("LocationToken", json.dumps(PUBLISHED | told).encode(), ASKED)


async def test_no_frame_that_an_error_passed_holds_a_secret(session: aiohttp.ClientSession) -> None:
    client = app(f"http://127.0.0.1:{free_port()}", session)
    with pytest.raises(NotSent) as refusal:
        await client.exchange(SecretStr("canary"), "http://localhost/", "Location")
    shown = "".join(TracebackException.from_exception(refusal.value, capture_locals=True).format())
    frames = [frame.f_code.co_name for frame, _ in traceback.walk_tb(refusal.value.__traceback__)]
    assert frames[-1] == "frameless"
    assert "arguments = " not in shown


@pytest.mark.parametrize(
    ("fault", "kind", "status"),
    [
        ("AccessToken:400", HighLevelError, 400),
        ("AccessToken:429,retry_after=7", RateLimited, 429),
        ("AccessToken:502,html", ServerError, 502),
        ("AccessToken:timed_out", ServerError, 401),
        ("AccessToken:missing_scope", ScopeMissing, 401),
        ("AccessToken:200,html", Unreadable, 200),
        ("", TokenRefused, 400),
    ],
)
async def test_an_answer_is_an_error_of_the_same_tree(
    fault: str, kind: type[HighLevelError], status: int, sandbox: Sandbox, session: aiohttp.ClientSession
) -> None:
    if fault:
        async with sandbox.client.post("/_sandbox/faults", data=fault) as answer:
            assert answer.status == 201, await answer.text()
    with pytest.raises(kind) as refusal:
        await app(str(sandbox.client.make_url("/")), session).exchange(
            SecretStr("code"), "http://localhost/", "Location"
        )
    if status != 200:
        assert refusal.value.status == status
        assert refusal.value.retry_after == (7 if status == 429 else None)
    assert isinstance(refusal.value, TokenRefused) is (fault == "")
    assert await sandbox.writes("AccessToken") == 1, "sent once"


async def test_a_client_that_is_unknown_is_no_token_that_is_refused(
    sandbox: Sandbox, session: aiohttp.ClientSession
) -> None:
    with pytest.raises(Unauthorized, match="client credentials are invalid") as refusal:
        await app(str(sandbox.client.make_url("/")), session, "wrong").refresh(SecretStr("refresh-token"), "Location")
    assert not isinstance(refusal.value, TokenRefused)


async def test_nothing_that_was_sent_is_quoted_by_an_error(
    session: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.highlevel.oauth.REPEAT_WITHIN", 0.0)
    told = ""
    async with echo("http://127.0.0.1:1") as quoting:
        client = app(quoting.url, session, SECRETS["client"])
        for status in (200, 400, 401, 422, 500):
            quoting.orders = {("POST", path): [status] * 2 for path in ("/token", "/locationToken")}
            for call in (
                client.exchange(SecretStr(SECRETS["code"]), "http://localhost/", "Location"),
                client.refresh(SecretStr(SECRETS["refresh"]), "Location"),
                client.location_token(SecretStr(SECRETS["agency"]), "c", "l"),
            ):
                with pytest.raises(HighLevelError) as refusal:
                    await call
                told += "".join(traceback.format_exception(refusal.value)) + repr(refusal.value)
    assert quoting.quoted == 5 * 3
    assert "…" in told
    assert "canary" not in told
    assert "canary" not in f"{client!r} {vars(client)!r}"


async def test_without_a_connection_nothing_was_sent(session: aiohttp.ClientSession) -> None:
    with pytest.raises(NotSent):
        await app(f"http://127.0.0.1:{free_port()}", session).exchange(
            SecretStr("code"), "http://localhost/", "Location"
        )
