"""Who may post: HighLevel's key, and the sandbox's only while HIGHLEVEL_URL is that sandbox."""

import base64
import json
from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from structlog.testing import capture_logs

from service.embedded import Servers
from service.receiver.app import keys_of_sandbox
from service.receiver.signature import WebhookKeys
from service.settings import HIGHLEVEL_KEYS, HIGHLEVEL_URL
from tests.house import House, event, open_house, public_key, settings_for, signed
from tests.test_receiver import APPOINTMENT, HOOK, problem_of, raw

KEY = Ed25519PrivateKey.generate()
BODY = raw(event(APPOINTMENT))
GOOD = signed(KEY, BODY)["X-GHL-Signature"]

BAD_SIGNATURES = {
    "none": None,
    "empty": "",
    "not applicable": "N/A",
    "no base64": "!!!!",
    "not ASCII": "é",
    "too short": base64.b64encode(b"short").decode(),
    "of nothing": base64.b64encode(bytes(64)).decode(),
    "with more behind it": base64.b64encode(base64.b64decode(GOOD) + b"\0").decode(),
    "with junk between": GOOD[:40] + "*" + GOOD[40:],
    "in hexadecimal": base64.b64decode(GOOD).hex(),
    "forged": signed(Ed25519PrivateKey.generate(), BODY)["X-GHL-Signature"],
    "of other bytes": signed(KEY, BODY + b" ")["X-GHL-Signature"],
}


@pytest.fixture
async def idle(database_url: str, servers: Servers) -> AsyncIterator[House]:
    async with open_house(database_url, servers.redis_url, working=False) as opened:
        yield opened


def pem(key: Ed25519PrivateKey | rsa.RSAPrivateKey) -> str:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


@pytest.mark.parametrize("text", [public_key(KEY), pem(KEY)], ids=["SPKI in base64", "PEM"])
def test_a_key_is_read_as_pem_or_as_base64(text: str) -> None:
    assert WebhookKeys([text]).signed(BODY, GOOD)


def test_any_key_of_the_list_may_have_signed() -> None:
    assert WebhookKeys([*HIGHLEVEL_KEYS, public_key(KEY)]).signed(BODY, GOOD)
    assert not WebhookKeys(HIGHLEVEL_KEYS).signed(BODY, GOOD)
    assert not WebhookKeys([]).signed(BODY, GOOD)


@pytest.mark.parametrize("header", BAD_SIGNATURES.values(), ids=BAD_SIGNATURES.keys())
def test_only_a_signature_of_these_very_bytes_counts(header: str | None) -> None:
    keys = WebhookKeys([public_key(KEY)])
    assert keys.signed(BODY, GOOD)
    assert not keys.signed(BODY, header)


@pytest.mark.parametrize(
    "text",
    ["", "nonsense", "MCowBQYDK2VwAyEA", "-----BEGIN PUBLIC KEY-----", pem(rsa.generate_private_key(65537, 2048))],
    ids=["empty", "no base64", "cut off", "cut off PEM", "RSA"],
)
def test_what_is_no_ed25519_key_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="a webhook key is n"):
        WebhookKeys([text])


@pytest.mark.parametrize("header", BAD_SIGNATURES.values(), ids=BAD_SIGNATURES.keys())
async def test_a_stranger_is_turned_away_and_nothing_is_kept(idle: House, header: str | None) -> None:
    headers = {} if header is None else {"X-GHL-Signature": header}
    async with idle.door.post(HOOK, data=BODY, headers=headers) as response:
        await problem_of(response, 401)
    async with idle.pool.acquire() as connection:
        assert await connection.fetchval("SELECT count(*) FROM deliveries") == 0
        assert await connection.fetchval("SELECT count(*) FROM delivery_keys") == 0


async def test_strangers_learn_nothing_of_what_is_wrong_with_their_body(idle: House) -> None:
    async with idle.door.post(HOOK, data=b"no JSON", headers={"X-GHL-Signature": GOOD}) as response:
        await problem_of(response, 401)


async def test_the_sandbox_that_highlevel_url_names_may_sign(idle: House) -> None:
    [key] = await keys_of_sandbox(idle.settings)
    assert WebhookKeys([key]).signed(BODY, signed(idle.key, BODY)["X-GHL-Signature"])
    with_slash = idle.settings.model_copy(update={"highlevel_url": idle.settings.highlevel_url + "/"})
    assert await keys_of_sandbox(with_slash) == (key,)


@pytest.mark.parametrize("url", [HIGHLEVEL_URL, HIGHLEVEL_URL + "/"])
async def test_where_highlevel_itself_is_asked_no_sandbox_may_sign(url: str) -> None:
    with capture_logs() as logged:
        assert await keys_of_sandbox(settings_for("", "", highlevel_url=url)) == ()
    assert logged == [], "nobody was even asked"


@pytest.mark.parametrize(
    ("status", "text", "content_type"),
    [
        (404, '{"statusCode": 404}', "application/json"),
        (200, "[]", "application/json"),
        (200, json.dumps({"publicKey": pem(KEY)}), "text/plain"),
        (200, '{"publicKey": 5}', "application/json"),
        (302, "", "text/plain"),
    ],
    ids=["not found", "a list", "not as JSON", "no key", "elsewhere"],
)
async def test_what_is_no_sandbox_gives_no_key_and_the_log_says_so(status: int, text: str, content_type: str) -> None:
    async def answer(_: web.Request) -> web.Response:
        headers = {"Location": "/elsewhere"} if status == 302 else {}
        return web.Response(status=status, text=text, content_type=content_type, headers=headers)

    async def answer_elsewhere(_: web.Request) -> web.Response:
        return web.json_response({"publicKey": pem(KEY)})

    app = web.Application()
    app.router.add_get("/sandbox/webhook-key", answer)
    app.router.add_get("/elsewhere", answer_elsewhere)
    async with TestServer(app) as server:
        settings = settings_for("", "", highlevel_url=str(server.make_url("/")))
        with capture_logs() as logged:
            assert await keys_of_sandbox(settings) == ()
    assert await keys_of_sandbox(settings) == (), "nobody listens there any more"
    assert [entry["log_level"] for entry in logged] == ["warning"]
