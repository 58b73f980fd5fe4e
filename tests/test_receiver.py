"""The public door by real HTTP: what it keeps, what it refuses and in which words, and what it does when others are
away."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientResponse, web
from aiohttp.test_utils import TestClient, TestServer
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from structlog.testing import capture_logs

from service import embedded
from service.embedded import Postgres, Servers
from service.queue import Bell
from service.receiver.app import HEALTH, create_app
from service.receiver.door import LARGEST_BODY
from service.store import migrations
from service.store.database import Pool
from tests.house import event, now, pool_of, public_key, register, settings_for, signed
from tests.sandboxes import ADA, CUTS, LOCATION

HOOK = "/hooks/highlevel"
APPOINTMENT = {
    "id": "rCv0000000000000001a",
    "calendarId": CUTS,
    "contactId": ADA,
    "appointmentStatus": "confirmed",
    "startTime": "2027-07-05T10:00:00+01:00",
    "endTime": "2027-07-05T11:00:00+01:00",
    "dateAdded": "2027-07-01T10:00:00.000Z",
    "dateUpdated": "2027-07-01T10:00:00.000Z",
}


def raw(value: Any) -> bytes:
    return json.dumps(value).encode()


@dataclass
class Door:
    client: TestClient[web.Request, web.Application]
    app: web.Application
    pool: Pool
    key: Ed25519PrivateKey

    async def post(self, body: bytes, headers: Mapping[str, str] | None = None) -> tuple[int, Any]:
        """Signed, with a Content-Type only where `headers` name one: status and answer."""
        request = self.client.post(
            HOOK, data=body, headers={**signed(self.key, body), **(headers or {})}, skip_auto_headers=["Content-Type"]
        )
        async with request as response:
            return response.status, await response.json(content_type=None)

    async def rows(self, query: str, *values: Any) -> list[Any]:
        async with self.pool.acquire() as connection:
            return list(await connection.fetch(query, *values))


@contextlib.asynccontextmanager
async def open_door(database_url: str, redis_url: str, **more: Any) -> AsyncIterator[Door]:
    """A receiver with nothing behind it but the database and the bell."""
    key = Ed25519PrivateKey.generate()
    bell = Bell(redis_url)
    ringing = asyncio.create_task(bell.run())
    async with pool_of(database_url) as pool:
        await register(pool)
        app = create_app(settings_for(database_url, redis_url, **more), pool, bell, now, sandbox_keys=[public_key(key)])
        async with TestClient(TestServer(app)) as client:
            yield Door(client, app, pool, key)
    ringing.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await ringing
    await bell.close()


@pytest.fixture
async def door(database_url: str, servers: Servers) -> AsyncIterator[Door]:
    async with open_door(database_url, servers.redis_url) as opened:
        yield opened


async def problem_of(response: ClientResponse, status: int) -> Any:
    """The RFC 9457 error that an answer must be."""
    assert response.status == status
    assert response.content_type == "application/problem+json"
    problem = await response.json(content_type=None)
    assert set(problem) == {"type", "title", "status", "detail"}
    assert problem["status"] == status
    assert problem["detail"]
    return problem


async def test_a_signed_event_is_acknowledged_with_the_id_it_is_kept_under(door: Door) -> None:
    body = event(APPOINTMENT)
    status, answer = await door.post(raw(body))
    assert (status, answer["known"]) == (202, False)
    [row] = await door.rows("SELECT delivery_id::text, state, event, location_id, contact_id, body FROM deliveries")
    assert tuple(row) == (answer["delivery"], "waiting", "AppointmentCreate", LOCATION, ADA, raw(body))


@pytest.mark.parametrize(
    "body",
    [
        json.dumps(event({**APPOINTMENT, "title": "Zoë ❤ 東京 👩‍👩‍👧 \x7f"}), ensure_ascii=False).encode(),
        raw(event({**APPOINTMENT, "title": "Zoë \ud83d \0"})),
        b"\r\n\t " + raw(event(APPOINTMENT)).replace(b", ", b" ,\n\n\t") + b" \r\n",
        raw(event(APPOINTMENT)).replace(b'"type"', b'"type": "other", "n": 1.50e+02, "type"'),
        "\ufeff".encode() + raw(event(APPOINTMENT)),
    ],
    ids=["not ASCII", "half a pair and NUL", "odd white space", "one key twice", "byte order mark"],
)
async def test_a_body_is_kept_byte_for_byte(door: Door, body: bytes) -> None:
    status, _ = await door.post(body)
    assert status == 202
    [row] = await door.rows("SELECT body, state FROM deliveries")
    assert (row["body"], row["state"]) == (body, "waiting")


@pytest.mark.parametrize(
    "content_type",
    [None, "", "text/plain; charset=latin-1", "application/x-www-form-urlencoded", "multipart/form-data", "é/;;"],
)
async def test_a_signed_body_is_accepted_whatever_its_content_type(door: Door, content_type: str | None) -> None:
    body = json.dumps(event({**APPOINTMENT, "title": "Zoë"}), ensure_ascii=False).encode()
    headers = {} if content_type is None else {"Content-Type": content_type}
    status, _ = await door.post(body, headers)
    assert status == 202
    [row] = await door.rows("SELECT body FROM deliveries")
    assert row["body"] == body


async def test_a_known_delivery_is_answered_with_its_first_id(door: Door) -> None:
    first, second = event(APPOINTMENT), event(APPOINTMENT, "AppointmentUpdate")
    second["webhookId"] = first["webhookId"]
    _, kept = await door.post(raw(first))
    for again in (first, second):
        assert await door.post(raw(again)) == (200, {"delivery": kept["delivery"], "known": True})
    [row] = await door.rows("SELECT body FROM deliveries")
    assert row["body"] == raw(first)


async def test_fifty_twins_at_once_are_one_delivery(door: Door) -> None:
    body = raw(event(APPOINTMENT))
    answers = await asyncio.gather(*(door.post(body) for _ in range(50)))
    assert sorted(status for status, _ in answers) == [200] * 49 + [202]
    [row] = await door.rows("SELECT delivery_id::text FROM deliveries")
    assert {answer["delivery"] for _, answer in answers} == {row["delivery_id"]}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"hello",
        b'{"type": "AppointmentCreate"',
        b"[]",
        b'"AppointmentCreate"',
        b"null",
        b'{"type": NaN}',
        b'{"n": -Infinity}',
        b"\xff\xfe{}",
        b'{"n": ' + b"9" * 5000 + b"}",
        b"[" * 100_000,
        b'{"a":' * 50_000,
    ],
    ids=lambda body: body[:12].decode(errors="replace"),
)
async def test_what_is_no_json_object_is_refused(door: Door, body: bytes) -> None:
    async with door.client.post(HOOK, data=body, headers=signed(door.key, body)) as response:
        problem = await problem_of(response, 400)
    assert problem["detail"].startswith("A delivery is a JSON object; the body is")
    assert await door.rows("SELECT FROM deliveries") == []


async def chunks(body: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(body), 50_000):
        yield body[start : start + 50_000]


def of_length(length: int) -> bytes:
    body = event(APPOINTMENT, padding="")
    return raw({**body, "padding": "x" * (length - len(raw(body)))})


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_body_may_have_256_kib_and_no_byte_more(door: Door, chunked: bool) -> None:
    for length, status in ((LARGEST_BODY, 202), (LARGEST_BODY + 1, 413), (LARGEST_BODY + 2, 413), (900_000, 413)):
        body = of_length(length)
        data = chunks(body) if chunked else body
        async with door.client.post(HOOK, data=data, headers=signed(door.key, body)) as response:
            assert response.status == status
            if status == 413:
                assert "262144" in (await problem_of(response, status))["detail"]
    [row] = await door.rows("SELECT length(body) AS kept FROM deliveries")
    assert row["kept"] == 256 * 1024


async def test_a_body_that_is_not_encoded_as_it_says_is_the_senders_fault(door: Door) -> None:
    headers = {**signed(door.key, b"{}"), "Content-Encoding": "gzip"}
    with capture_logs() as logged:
        async with door.client.post(HOOK, data=b"{}", headers=headers) as response:
            await problem_of(response, 400)
    assert logged == [], "a stranger must not be able to fill the log with our errors"


async def test_a_body_that_breaks_off_is_not_our_error(door: Door) -> None:
    with capture_logs() as logged:
        _, writer = await asyncio.open_connection(door.client.host, door.client.port)
        writer.write(f"POST {HOOK} HTTP/1.1\r\nHost: door\r\nContent-Length: 1000\r\n\r\n{{".encode())
        await writer.drain()
        await asyncio.sleep(0.05)
        writer.transport.abort()
        await asyncio.sleep(0.05)
    assert logged == []
    assert (await door.post(raw(event(APPOINTMENT))))[0] == 202


@pytest.mark.parametrize(
    ("method", "path", "status", "allowed"),
    [("GET", HOOK, 405, "POST"), ("PUT", HOOK, 405, "POST"), ("POST", "/", 404, None), ("GET", "/%ff", 404, None)],
)
async def test_what_is_not_served_is_refused_as_a_problem(
    door: Door, method: str, path: str, status: int, allowed: str | None
) -> None:
    async with door.client.request(method, path) as response:
        await problem_of(response, status)
        assert response.headers.get("Allow") == allowed


async def test_an_error_of_ours_is_a_problem_that_asks_to_come_again(door: Door) -> None:
    await door.rows("ALTER TABLE deliveries ADD CHECK (false)")
    body = raw(event(APPOINTMENT))
    with capture_logs() as logged:
        async with door.client.post(HOOK, data=body, headers=signed(door.key, body)) as response:
            await problem_of(response, 500)
            assert int(response.headers["Retry-After"]) > 0
    assert [entry["event"] for entry in logged] == ["unexpected error"]


async def test_where_the_schema_is_another_versions_a_delivery_is_put_off(door: Door) -> None:
    await door.rows("DROP TABLE deliveries CASCADE")
    body = raw(event(APPOINTMENT))
    async with door.client.post(HOOK, data=body, headers=signed(door.key, body)) as response:
        await problem_of(response, 429)


async def test_while_draining_it_is_alive_and_not_ready_and_still_takes_deliveries(door: Door) -> None:
    for path in ("/healthz", "/readyz"):
        async with door.client.get(path) as response:
            assert response.status == 200
    door.app[HEALTH].draining = True
    async with door.client.get("/readyz") as response:
        await problem_of(response, 503)
    async with door.client.get("/healthz") as response:
        assert response.status == 200
    assert (await door.post(raw(event(APPOINTMENT))))[0] == 202


async def test_without_valkey_a_delivery_is_kept_and_acknowledged(database_url: str, tmp_path: Path) -> None:
    async with open_door(database_url, f"unix://{tmp_path}/nobody.sock") as door:
        for _ in range(2):
            assert (await door.post(raw(event(APPOINTMENT))))[0] == 202
        assert len(await door.rows("SELECT FROM deliveries WHERE state = 'waiting'")) == 2


@pytest.fixture
def own_postgres(tmp_path: Path) -> Iterator[Postgres]:
    """A Postgres of this test's own, to be stopped and started again."""
    postgres = embedded.Postgres(tmp_path / "own")
    postgres.start()
    try:
        migrations.migrate(postgres.url)
        yield postgres
    finally:
        postgres.stop()


async def test_without_the_database_the_sender_is_asked_to_come_again(own_postgres: Postgres, servers: Servers) -> None:
    """Not even readiness is lost: only 429 is retried by every sender. What was refused stands once after its retry."""
    async with open_door(own_postgres.url, servers.redis_url) as door:
        early, late = raw(event(APPOINTMENT)), raw(event(APPOINTMENT))
        status, first = await door.post(early)
        assert status == 202
        own_postgres.stop()
        for body in (early, late):
            async with door.client.post(HOOK, data=body, headers=signed(door.key, body)) as response:
                await problem_of(response, 429)
                assert int(response.headers["Retry-After"]) > 0
        async with door.client.get("/readyz") as response:
            assert response.status == 200
        own_postgres.start()
        assert await door.post(early) == (200, {"delivery": first["delivery"], "known": True})
        assert (await door.post(late))[0] == 202
        assert [row["body"] for row in await door.rows("SELECT body FROM deliveries ORDER BY arrival")] == [early, late]
