"""The doors beside HighLevel's own: who may post through them, and what for."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from cryptography.fernet import Fernet
from pydantic import SecretStr
from structlog.testing import capture_logs

from service.embedded import Servers
from service.queue import Bell
from service.receiver.app import SOURCES, create_app
from service.receiver.kinds import SENT_ALONG
from service.standard_webhooks import new_secret, read_secret, sign
from service.store import sources
from service.store.database import Pool
from service.store.sealing import Keys
from tests.house import SECRET, now, pool_of, register, settings_for
from tests.sandboxes import ADA, CUTS, LOCATION

PASSWORD = "a-long-enough-secret-of-a-workflow"
KEY = read_secret(new_secret())
PATHS = {"location": "data.place", "appointment": "data.visits.0.id", "contact": "data.who", "calendar": "data.cal"}
VISIT = "sRc0000000000000001a"
TOLD = {"data": {"place": LOCATION, "visits": [{"id": VISIT}], "who": ADA, "cal": CUTS}}
WORKFLOW = {
    "contact_id": ADA,
    "location": {"id": LOCATION},
    "calendar": {
        "id": CUTS,
        "appointmentId": VISIT,
        "startTime": "2027-01-20T17:00:00",
        "appoinmentStatus": "confirmed",
    },
    "workflow": {"id": "3d1b1c52-0000-4000-8000-000000000001"},
    "customData": {"event": "appointment_confirmed"},
}


@dataclass
class Doors:
    """A receiver with two doors beside HighLevel's: `sick` for an external source, `flow` for a workflow."""

    client: TestClient[web.Request, web.Application]
    app: web.Application
    pool: Pool

    async def post(self, path: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, Any]:
        async with self.client.post(path, data=body, headers=headers) as response:
            return response.status, await response.json(content_type=None)

    async def workflow(self, body: Any = WORKFLOW, secret: str = PASSWORD, name: str = "flow") -> tuple[int, Any]:
        return await self.post(f"/hooks/workflow/{name}", json.dumps(body).encode(), {SENT_ALONG: secret})

    async def external(
        self, body: Any = TOLD, *, key: bytes = KEY, id_: str = "m1", late: timedelta = timedelta(), name: str = "sick"
    ) -> tuple[int, Any]:
        raw = json.dumps(body).encode()
        return await self.post(f"/triggers/{name}", raw, sign(key, id_, now() - late, raw))

    async def look(self) -> None:
        """What the receiver does every few seconds."""
        await self.app[SOURCES].look()

    async def rows(self, query: str) -> list[Any]:
        async with self.pool.acquire() as connection:
            return [tuple(row) for row in await connection.fetch(query)]


async def let_in(pool: Pool) -> None:
    async with pool.acquire() as connection:
        secret = Keys(SECRET).seal(KEY)
        where: Any = {"locations": [LOCATION], "busy_status": 503}
        assert await sources.add(connection, "sick", "external", secret=secret, paths=PATHS, **where)
        digest = sources.digest(PASSWORD)
        where = {"locations": [LOCATION], "busy_status": 429}
        assert await sources.add(connection, "flow", "workflow", secret=digest, paths={}, **where)


async def let_in_another(doors: Doors, name: str, paths: Mapping[str, str]) -> None:
    async with doors.pool.acquire() as connection:
        secret = Keys(SECRET).seal(KEY)
        where: Any = {"locations": [LOCATION], "busy_status": 429}
        await sources.add(connection, name, "external", secret=secret, paths=paths, **where)
    await doors.look()


@contextlib.asynccontextmanager
async def open_doors(database_url: str, redis_url: str, secret_key: SecretStr = SECRET) -> AsyncIterator[Doors]:
    bell = Bell(redis_url)
    async with pool_of(database_url) as pool:
        await register(pool)
        await let_in(pool)
        settings = settings_for(database_url, redis_url).model_copy(update={"secret_key": secret_key})
        app = create_app(settings, pool, bell, now)
        async with TestClient(TestServer(app)) as client:
            yield Doors(client, app, pool)
    await bell.close()


@pytest.fixture
async def doors(database_url: str, servers: Servers) -> AsyncIterator[Doors]:
    async with open_doors(database_url, servers.redis_url) as opened:
        yield opened


KEPT = "SELECT source, event, location_id, appointment_id, contact_id, calendar_id, state, reason FROM deliveries"


async def test_what_another_system_posts_is_kept_with_the_ids_that_its_source_says_where_to_find(doors: Doors) -> None:
    status, answer = await doors.external()
    assert (status, answer["known"]) == (202, False)
    assert await doors.rows(KEPT) == [("sick", "external.sick", LOCATION, VISIT, ADA, CUTS, "waiting", None)]
    assert await doors.rows("SELECT subject FROM lanes") == [(VISIT,)]


async def test_what_a_workflow_posts_is_kept_as_about_its_appointment(doors: Doors) -> None:
    status, answer = await doors.workflow()
    assert (status, answer["known"]) == (202, False)
    assert await doors.rows(KEPT) == [("flow", "workflow", LOCATION, VISIT, ADA, CUTS, "waiting", None)]


async def test_an_attempt_that_was_kept_before_is_known_by_its_id_alone(doors: Doors) -> None:
    _, first = await doors.external()
    assert await doors.external(late=timedelta(seconds=20)) == (200, {"delivery": first["delivery"], "known": True})
    assert (await doors.external(id_="m2"))[0] == 202


async def test_two_sources_may_use_the_same_id(doors: Doors) -> None:
    await let_in_another(doors, "other", PATHS)
    assert [(await doors.external())[0], (await doors.external(name="other"))[0]] == [202, 202]


async def test_what_no_secret_proves_is_turned_away_and_nothing_is_kept(doors: Doors) -> None:
    stranger = read_secret(new_secret())
    refused = [
        await doors.external(key=stranger),
        await doors.external(late=timedelta(seconds=301)),
        await doors.external(late=timedelta(seconds=-301)),
        await doors.external(name="nobody"),
        await doors.external(name="flow"),
        await doors.external(name="highlevel"),
        await doors.workflow(secret="another-secret-that-is-long-enough"),
        await doors.workflow(secret=""),
        await doors.workflow(name="nobody"),
        await doors.workflow(name="sick"),
        await doors.post("/hooks/workflow/flow", json.dumps(WORKFLOW).encode(), {}),
        await doors.post("/hooks/highlevel", json.dumps(WORKFLOW).encode(), {SENT_ALONG: PASSWORD}),
    ]
    assert [status for status, _ in refused] == [401] * len(refused)
    assert all(answer["title"] == "Not known" and PASSWORD not in answer["detail"] for _, answer in refused)
    assert await doors.rows("SELECT FROM deliveries") == []


async def test_a_source_never_speaks_for_a_location_that_it_was_not_given(doors: Doors) -> None:
    await register(doors.pool, "loc2000000000000000b")
    elsewhere = {"data": {**TOLD["data"], "place": "loc2000000000000000b"}}
    nowhere = {"data": {**TOLD["data"], "place": None}}
    answers = [
        await doors.external(elsewhere, id_="a"),
        await doors.external(nowhere, id_="b"),
        await doors.workflow({**WORKFLOW, "location": {"id": "loc2000000000000000b"}}),
    ]
    assert [status for status, _ in answers] == [202] * 3
    told = "the source was not given this location to speak for"
    assert [answer["ignored"] for _, answer in answers] == [told, "it names no location", told]
    assert await doors.rows("SELECT FROM lanes") == []


async def test_highlevels_own_door_can_be_closed(doors: Doors) -> None:
    async with doors.pool.acquire() as connection:
        assert [source.name for source in await sources.every(connection)] == ["highlevel", "flow", "sick"]
        assert await sources.remove(connection, "highlevel")
    await doors.look()
    status, answer = await doors.post("/hooks/highlevel", b"{}", {})
    assert (status, answer["detail"]) == (401, "There is no source 'highlevel' at this door.")


async def test_what_is_about_no_appointment_waits_its_turn_with_its_contact(doors: Doors) -> None:
    await doors.external({"data": {"place": LOCATION, "who": 4711}})
    await doors.external({"data": {"place": LOCATION, "who": 10**18, "visits": "x"}}, id_="m2")
    assert sorted(await doors.rows("SELECT subject FROM lanes")) == [("contact:4711",), ("external.sick:",)]


async def test_what_was_ignored_when_it_came_first_is_heeded_when_it_comes_again(doors: Doors) -> None:
    elsewhere = {"data": {**TOLD["data"], "place": "loc2000000000000000b"}}
    _, first = await doors.external(elsewhere)
    assert await doors.external(elsewhere) == (200, {**first, "known": True})
    await register(doors.pool, "loc2000000000000000b")
    async with doors.pool.acquire() as connection:
        await connection.execute("UPDATE sources SET locations = $1 WHERE name = 'sick'", ["loc2000000000000000b"])
    await doors.look()
    status, second = await doors.external(elsewhere)
    assert (status, second["known"]) == (202, False)
    assert second["delivery"] != first["delivery"]
    assert await doors.external(elsewhere) == (200, {"delivery": second["delivery"], "known": True})
    assert await doors.rows("SELECT state FROM deliveries ORDER BY delivery_id") == [("ignored",), ("waiting",)]


async def test_a_source_that_is_removed_while_it_posts_is_turned_away(doors: Doors) -> None:
    async def slowly() -> AsyncIterator[bytes]:
        yield json.dumps(WORKFLOW).encode()[:10]
        async with doors.pool.acquire() as connection:
            await sources.remove(connection, "flow")
        await doors.look()
        yield json.dumps(WORKFLOW).encode()[10:]

    async with doors.client.post("/hooks/workflow/flow", data=slowly(), headers={SENT_ALONG: PASSWORD}) as response:
        assert response.status == 401


async def test_where_the_json_names_no_location_the_one_that_the_source_has_is_meant(doors: Doors) -> None:
    await let_in_another(doors, "bare", {})
    assert (await doors.external({"any": 1}, name="bare"))[0] == 202
    assert await doors.rows(KEPT) == [("bare", "external.bare", LOCATION, None, None, None, "waiting", None)]
    assert await doors.rows("SELECT subject FROM lanes") == [("external.bare:",)]


@pytest.mark.parametrize("body", [b"", b"no JSON", b"[1]", b'"x"', b"\xff", b"NaN"])
async def test_what_is_signed_and_no_json_object_is_told_so(doors: Doors, body: bytes) -> None:
    external = await doors.post("/triggers/sick", body, sign(KEY, "m", now(), body))
    workflow = await doors.post("/hooks/workflow/flow", body, {SENT_ALONG: PASSWORD})
    assert (external[0], workflow[0]) == (400, 400)


async def test_while_a_secret_is_changed_both_are_good_and_then_the_new_one_only(doors: Doors) -> None:
    new, newer = read_secret(new_secret()), read_secret(new_secret())

    async def change(key: bytes, *, keep: bool) -> int | None:
        async with doors.pool.acquire() as connection:
            count = await sources.rotate(connection, "sick", Keys(SECRET).seal(key), keep=keep)
        await doors.look()
        return count

    async def good(*keys: bytes) -> list[int]:
        return [(await doors.external(key=key, id_=f"m{index}"))[0] for index, key in enumerate(keys)]

    assert await change(new, keep=True) == 2
    assert await good(KEY, new, newer) == [202, 202, 401]
    assert await change(newer, keep=True) == 2
    assert await good(KEY, new, newer) == [401, 200, 202]
    assert await change(newer, keep=False) == 1
    assert await good(KEY, new, newer) == [401, 401, 200]


async def test_while_the_database_is_away_the_proved_are_put_off_as_they_wish_and_strangers_still_turned_away(
    doors: Doors,
) -> None:
    await doors.pool.close()
    await doors.look()
    external, workflow = await doors.external(), await doors.workflow()
    assert (external[0], workflow[0]) == (503, 429)
    assert external[1]["title"] == workflow[1]["title"] == "Come again"
    assert (await doors.external(key=read_secret(new_secret())))[0] == 401
    assert (await doors.workflow(secret="x" * 30))[0] == 401


async def test_before_the_sources_were_ever_read_nobody_is_called_a_stranger(
    database_url: str, servers: Servers
) -> None:
    bell = Bell(servers.redis_url)
    async with pool_of(database_url.replace("/test_", "/away_")) as pool:
        app = create_app(settings_for(database_url, servers.redis_url), pool, bell, now)
        async with TestClient(TestServer(app)) as client:
            doors = Doors(client, app, pool)
            assert [(await doors.external())[0], (await doors.workflow())[0]] == [429, 429]
    await bell.close()


async def test_a_source_whose_secret_cannot_be_opened_is_put_off_and_not_turned_away(
    database_url: str, servers: Servers
) -> None:
    other = SecretStr(Fernet.generate_key().decode())
    with capture_logs() as logged:
        async with open_doors(database_url, servers.redis_url, other) as doors:
            await doors.look()
            assert [(await doors.external())[0], (await doors.workflow())[0]] == [503, 202]
    assert [line["source"] for line in logged if "SECRET_KEY" in line["event"]] == ["sick"]


async def test_a_source_that_is_removed_is_a_stranger_within_moments(doors: Doors) -> None:
    assert (await doors.workflow())[0] == 202
    async with doors.pool.acquire() as connection:
        assert await sources.remove(connection, "flow")
        assert not await sources.remove(connection, "flow")
    async with asyncio.timeout(10):
        while (await doors.workflow())[0] != 401:
            await asyncio.sleep(0.1)
