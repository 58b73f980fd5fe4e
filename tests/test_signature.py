"""Who may post: HighLevel's key, and the sandbox's only while HIGHLEVEL_URL is that sandbox. And who may speak to us:
a valid signature proves HighLevel, but neither our app nor a location of ours."""

import base64
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from structlog.testing import capture_logs

from service.embedded import Servers
from service.receiver.app import keys_of_sandbox
from service.receiver.signature import HEADER, LEGACY_HEADER, LEGACY_KEY, WebhookKeys
from service.settings import HIGHLEVEL_KEYS, HIGHLEVEL_URL
from tests.house import APP_ID, House, event, open_house, public_key, settings_for, signed
from tests.sandboxes import LOCATION
from tests.test_receiver import APPOINTMENT, HOOK, Door, open_door, problem_of, raw

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


@pytest.fixture
async def door(database_url: str, servers: Servers) -> AsyncIterator[Door]:
    async with open_door(database_url, servers.redis_url, ignored_kept=2) as opened:
        yield opened


def pem(key: Ed25519PrivateKey | rsa.RSAPrivateKey) -> str:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


@pytest.mark.parametrize("text", [public_key(KEY), pem(KEY)], ids=["SPKI in base64", "PEM"])
def test_a_key_is_read_as_pem_or_as_base64(text: str) -> None:
    assert WebhookKeys([text]).signed(BODY, {HEADER: GOOD})


def test_any_key_of_the_list_may_have_signed() -> None:
    assert WebhookKeys([*HIGHLEVEL_KEYS, public_key(KEY)]).signed(BODY, {HEADER: GOOD})
    assert not WebhookKeys(HIGHLEVEL_KEYS).signed(BODY, {HEADER: GOOD})
    assert not WebhookKeys([]).signed(BODY, {HEADER: GOOD})


@pytest.mark.parametrize("header", BAD_SIGNATURES.values(), ids=BAD_SIGNATURES.keys())
def test_only_a_signature_of_these_very_bytes_counts(header: str | None) -> None:
    keys = WebhookKeys([public_key(KEY)])
    assert keys.signed(BODY, {HEADER: GOOD})
    assert not keys.signed(BODY, {} if header is None else {HEADER: header})


def test_the_legacy_signature_counts_only_where_it_is_asked_for_and_no_other_is_given() -> None:
    old = rsa.generate_private_key(65537, 2048)
    spki = old.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    signature = base64.b64encode(old.sign(BODY, padding.PKCS1v15(), hashes.SHA256())).decode()
    asked = WebhookKeys([public_key(KEY)], legacy=base64.b64encode(spki).decode())
    assert asked.signed(BODY, {LEGACY_HEADER: signature})
    assert asked.signed(BODY, {HEADER: "N/A", LEGACY_HEADER: signature})
    assert asked.signed(BODY, {HEADER: GOOD, LEGACY_HEADER: "nonsense"})
    wrong = base64.b64encode(b"x" * 64).decode()
    assert not asked.signed(BODY, {HEADER: wrong, LEGACY_HEADER: signature})
    assert not asked.signed(BODY + b" ", {LEGACY_HEADER: signature})
    assert not asked.signed(BODY, {LEGACY_HEADER: "N/A"})
    assert not WebhookKeys([public_key(KEY)]).signed(BODY, {LEGACY_HEADER: signature})
    assert WebhookKeys([], legacy=LEGACY_KEY)


@pytest.mark.parametrize(
    "text",
    ["", "nonsense", "MCowBQYDK2VwAyEA", "-----BEGIN PUBLIC KEY-----", pem(rsa.generate_private_key(65537, 2048))],
    ids=["empty", "no base64", "cut off", "cut off PEM", "RSA"],
)
def test_what_is_no_ed25519_key_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="a webhook key is n"):
        WebhookKeys([text])


@pytest.mark.parametrize("header", BAD_SIGNATURES.values(), ids=BAD_SIGNATURES.keys())
async def test_a_stranger_is_turned_away_and_nothing_is_kept(door: Door, header: str | None) -> None:
    headers = {} if header is None else {"X-GHL-Signature": header}
    async with door.client.post(HOOK, data=BODY, headers=headers) as response:
        await problem_of(response, 401)
    assert await door.rows("SELECT FROM deliveries") == await door.rows("SELECT FROM delivery_keys") == []


async def test_strangers_learn_nothing_of_what_is_wrong_with_their_body(door: Door) -> None:
    async with door.client.post(HOOK, data=b"no JSON", headers={"X-GHL-Signature": GOOD}) as response:
        await problem_of(response, 401)


async def test_the_sandbox_that_highlevel_url_names_may_sign(idle: House) -> None:
    [key] = await keys_of_sandbox(idle.settings)
    assert WebhookKeys([key]).signed(BODY, signed(idle.key, BODY))
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
    app.router.add_get("/_sandbox/webhook-key", answer)
    app.router.add_get("/elsewhere", answer_elsewhere)
    async with TestServer(app) as server:
        settings = settings_for("", "", highlevel_url=str(server.make_url("/")))
        with capture_logs() as logged:
            assert await keys_of_sandbox(settings) == ()
    assert [entry["log_level"] for entry in logged] == ["warning"]


async def test_a_sandbox_that_only_starts_is_asked_again_and_one_that_is_not_there_is_given_up() -> None:
    came: list[web.Request] = []

    async def answer(request: web.Request) -> web.Response:
        came.append(request)
        if len(came) == 1:
            assert request.transport is not None
            request.transport.abort()
        return web.json_response({"publicKey": pem(KEY)})

    app = web.Application()
    app.router.add_get("/_sandbox/webhook-key", answer)
    async with TestServer(app) as server:
        settings = settings_for("", "", highlevel_url=str(server.make_url("/")))
        with capture_logs() as logged:
            assert await keys_of_sandbox(settings) == (pem(KEY),)
        assert (len(came), logged) == (2, [])
    with capture_logs() as logged:
        assert await keys_of_sandbox(settings) == ()
    assert [entry["log_level"] for entry in logged] == ["warning"]


IGNORED: dict[str, tuple[dict[str, Any], str]] = {
    "another app": ({"appId": "f" * 24}, "the event is another app's"),
    "an app that has no such id": ({"appId": 5}, "the event is another app's"),
    "an app without a name": ({"appId": ""}, "the event is another app's"),
    "another location": ({"locationId": "eLsewhere000000000001"}, "the location is not registered"),
    "another event": ({"type": "NoteCreate", "id": "n"}, "NoteCreate is no event of an appointment or a contact"),
    "no type": ({"type": None}, "an event without type is no event of an appointment or a contact"),
    "no location": ({"locationId": ""}, "AppointmentCreate names no location"),
    "NUL in the location": ({"locationId": LOCATION + "\0"}, "AppointmentCreate names no location"),
    "no appointment": ({"appointment": {}}, "AppointmentCreate names no appointment"),
    "NUL in the id": ({"appointment": {**APPOINTMENT, "id": "a\0"}}, "AppointmentCreate names no appointment"),
    "line feed in the id": ({"appointment": {**APPOINTMENT, "id": "a\nb"}}, "AppointmentCreate names no appointment"),
}


@pytest.mark.parametrize(("changes", "reason"), IGNORED.values(), ids=IGNORED.keys())
async def test_what_is_not_for_us_is_kept_as_ignored_and_acknowledged(
    door: Door, changes: dict[str, Any], reason: str
) -> None:
    body = raw({**event(APPOINTMENT), **changes})
    status, answer = await door.post(body)
    assert (status, answer["known"], answer["ignored"]) == (202, False, reason)
    [row] = await door.rows("SELECT delivery_id::text, state, reason, lane_id, finished_at, body FROM deliveries")
    assert tuple(row)[:4] == (answer["delivery"], "ignored", reason, None)
    assert row["finished_at"] is not None
    assert row["body"] == body
    assert await door.rows("SELECT FROM lanes") == []


async def test_what_names_no_app_is_taken_for_ours(door: Door) -> None:
    body = event(APPOINTMENT)
    assert body.pop("appId") == APP_ID
    _, answer = await door.post(raw(body))
    assert "ignored" not in answer


async def test_beyond_the_days_share_the_ignored_are_only_counted(door: Door) -> None:
    foreign = [raw(event(APPOINTMENT, appId="f" * 24)) for _ in range(4)]
    answers = [await door.post(body) for body in foreign]
    assert [status for status, _ in answers] == [202] * 4
    assert [answer["delivery"] is None for _, answer in answers] == [False, False, True, True]
    assert {answer["ignored"] for _, answer in answers} == {"the event is another app's"}
    assert len(await door.rows("SELECT FROM deliveries")) == 2
    status, other = await door.post(raw(event(APPOINTMENT, "ContactCreate")))
    assert (status, other["delivery"] is None) == (202, False), "each kind has its own share"
    assert (await door.post(raw(event(APPOINTMENT))))[1].get("ignored") is None
    status, again = await door.post(foreign[0])
    assert (status, again["delivery"], again["known"]) == (200, answers[0][1]["delivery"], True)
    counted = await door.rows("SELECT reason, times FROM ignored_counts ORDER BY times")
    assert [row["times"] for row in counted] == [1, 4], "one that is known is not counted again"
