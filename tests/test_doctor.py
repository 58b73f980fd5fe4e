"""`slotwright doctor`: each thing it looks at is told well and ill, with what to do, and without anything secret."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from aiohttp import web
from click.testing import Result
from cryptography.fernet import Fernet
from pydantic import SecretStr

from service.embedded import Servers
from service.highlevel.oauth import Granted
from service.settings import LEFT_BY_UP
from service.store import locations, sources, tokens
from service.store.sealing import Keys
from tests.checkups import NOTE, answering, ask, changed, in_order, look
from tests.house import SECRET, TOKEN, House, now
from tests.processes import free_port
from tests.sandboxes import LOCATION
from tests.test_cli import say
from workers.cli.checkup.finding import ok


@pytest.fixture
async def idle(database_url: str, servers: Servers) -> AsyncIterator[House]:
    async with in_order(database_url, servers.redis_url) as opened:
        yield opened


async def test_a_house_in_order_has_nothing_to_mend(idle: House) -> None:
    found = await look(changed(idle, public_url=str(idle.door.make_url("/"))))
    assert {finding.name: finding.state for finding in found.values() if finding.state != "ok"} == {}
    assert list(found) == [
        "settings",
        "apps",
        "database",
        "encoding",
        "migrations",
        "writing",
        "connections",
        "pooler",
        "database clock",
        "secrets",
        "locations",
        "rules",
        "source highlevel",
        "work",
        "held",
        "alerts",
        "door",
        "queue",
        "highlevel",
        "highlevel clock",
        f"location {LOCATION}",
        "versions",
    ]
    assert found[f"location {LOCATION}"].found == "Leeds Salon, Europe/London, live"
    assert found["rules"].found == "version 1 is in force, 1 rule: 1 live"
    assert "leads to our receiver; no delivery has arrived yet" in found["door"].found
    assert found["secrets"].found == "SECRET_KEY opens those of 1 location"
    assert "Valkey" in found["versions"].found


async def test_what_the_key_does_not_open_is_named(idle: House) -> None:
    other = SecretStr(Fernet.generate_key().decode())
    async with idle.pool.acquire() as connection:
        await sources.add(
            connection,
            "shop",
            "external",
            secret=Keys(SECRET).seal(b"hush" * 8),
            locations=[LOCATION],
            paths={},
            busy_status=429,
        )
        agency = {"access_token": "hush", "expires_in": 60, "user_type": "Company", "company_id": "north"}
        await tokens.keep(connection, Keys(SECRET), Granted.model_validate(agency), now=now())
    told = (await look(idle.settings, offline=True))["secrets"].found
    assert told == "SECRET_KEY opens those of 1 location and 1 source"
    found = await look(changed(idle, secret_key=other), only=[LOCATION])
    assert found["secrets"].found == f"SECRET_KEY does not open location {LOCATION}, agency north, source shop"
    assert found[f"location {LOCATION}"].state == "failed"


async def test_what_highlevel_says_of_a_location_is_told_in_its_words(idle: House) -> None:
    elsewhere = "elsewhere0000000000x"
    async with idle.pool.acquire() as connection:
        for id_, token, zone in (
            (LOCATION, TOKEN, "Asia/Tokyo"),
            (elsewhere, TOKEN, "Europe/London"),
            ("gone", "hush", "UTC"),
        ):
            await locations.add(connection, Keys(SECRET), id_, name="One", time_zone=zone, token=SecretStr(token))
    found = await look(idle.settings)
    other_zone = found[f"location {LOCATION}"]
    assert (other_zone.state, other_zone.found.endswith("Asia/Tokyo, live; HighLevel says Europe/London")) == (
        "warning",
        True,
    )
    scope = found[f"location {elsewhere}"]
    assert scope.found == "GetLocation answered 403: The token does not have access to this location."
    assert (scope.state, "scopes" in scope.advice) == ("failed", True)
    refused = found["location gone"]
    assert refused.found == "GetLocation answered 401: Invalid token: access token is invalid"
    assert (refused.state, refused.advice) == ("failed", "give it a new token: slotwright locations add")
    assert set(await look(idle.settings, only=[LOCATION])) == set(found) - {f"location {elsewhere}", "location gone"}
    assert (await look(idle.settings, only=["never"]))["location never"].state == "failed"


async def test_a_highlevel_that_is_away_or_quotes_the_token_is_told_without_it(idle: House) -> None:
    found = await look(changed(idle, highlevel_url=f"http://127.0.0.1:{free_port()}"))
    assert found["highlevel"].state == found[f"location {LOCATION}"].state == "failed"
    assert "no connection to HighLevel" in found[f"location {LOCATION}"].found

    async def quote(request: web.Request) -> web.Response:
        told = request.headers.get("Authorization", "")
        return web.json_response({"message": f"{told} is no good \x1b[2J"}, status=401)

    async with answering(quote) as url:
        line = (await look(changed(idle, highlevel_url=url)))[f"location {LOCATION}"]
    assert line.found == "GetLocation answered 401: Bearer … is no good �[2J"


async def test_offline_nothing_is_asked_of_highlevel(idle: House) -> None:
    asked: list[str] = []

    async def note(request: web.Request) -> web.Response:
        asked.append(request.path)
        return web.Response(status=404)

    async with answering(note) as url:
        found = await look(changed(idle, highlevel_url=url), offline=True)
        assert asked == []
        await look(changed(idle, highlevel_url=url))
    assert asked == ["/", f"/locations/{LOCATION}"]
    assert found["highlevel"].state == "skipped"
    assert f"location {LOCATION}" not in found


async def test_rules_that_are_missing_faulty_or_for_nobody_are_told(idle: House) -> None:
    await idle.rules(NOTE.replace("live", "shadow") + "\nlocation: Bath Salon\n")
    line = (await look(idle.settings, offline=True))["rules"]
    assert line.state == "warning"
    assert line.found == "version 2 is in force, 1 rule: 1 shadow; no location is registered as Bath Salon"
    await ask(idle, "UPDATE rulebooks SET files = $1::jsonb", {"a.yaml": "rules:\n- nmae: x\n"})
    line = (await look(idle.settings, offline=True))["rules"]
    assert line.state == "failed"
    assert line.found.startswith("version 2 has 3 faults, the first in a.yaml:2")
    await ask(idle, "DELETE FROM rulebooks")
    assert (await look(idle.settings, offline=True))["rules"].state == "failed"


async def test_each_source_is_a_line(idle: House) -> None:
    async with idle.pool.acquire() as connection:
        for name, secret, listed in (
            ("good", b"hush", [LOCATION]),
            ("mute", None, [LOCATION]),
            ("lost", b"hush", [LOCATION, "gone"]),
            ("none", b"hush", []),
        ):
            await sources.add(connection, name, "workflow", secret=secret, locations=listed, paths={}, busy_status=429)
    found = await look(idle.settings, offline=True)
    assert found["source good"] == ok("source good", "workflow, speaks for 1 location, 1 secret")
    assert found["source mute"].state == "failed"
    assert (found["source lost"].state, found["source lost"].found.endswith("; not registered: gone")) == (
        "warning",
        True,
    )
    assert found["source none"].state == "warning"
    await ask(idle, "DELETE FROM locations")
    assert (await look(idle.settings, offline=True))["locations"].state == "warning"
    await ask(idle, "DELETE FROM sources WHERE kind = 'highlevel'")
    assert (await look(idle.settings, offline=True))["source highlevel"].state == "failed"


async def test_the_door_is_ours_only_if_it_refuses_as_we_do(idle: House) -> None:
    assert (await look(idle.settings, offline=True))[
        "door"
    ].found == "cannot be told from here; no delivery has arrived yet"
    away = (await look(changed(idle, public_url=f"http://127.0.0.1:{free_port()}"), offline=True))["door"]
    assert (away.state, away.found.endswith("does not answer (ClientConnectorError)")) == ("failed", True)
    for status, words in (
        (200, "takes a body that nobody signed"),
        (401, "is not our receiver"),
        (404, "is not our receiver"),
    ):

        async def stranger(_: web.Request, status: int = status) -> web.Response:
            return web.Response(status=status)

        async with answering(stranger) as url:
            line = (await look(changed(idle, public_url=f"{url}/below/"), offline=True))["door"]
        assert (line.state, words in line.found) == ("failed", True), line


async def test_work_that_nobody_takes_up_or_that_ended_badly_is_told(idle: House) -> None:
    await idle.book("2030-01-07T10:00:00Z")
    async with asyncio.timeout(10):
        while not await idle.pool.fetchval("SELECT count(*) FROM deliveries"):
            await asyncio.sleep(0.02)
    found = await look(changed(idle, public_url=str(idle.door.make_url("/"))), offline=True)
    assert (found["work"].state, found["work"].found[:38]) == ("ok", "1 delivery open, the oldest for 0 seco")
    assert "the newest arrived" in found["door"].found
    await ask(idle, "UPDATE lanes SET ready_at = now() - interval '5 minutes'")
    assert (await look(idle.settings, offline=True))["work"].found.endswith(
        "for 5 minutes no worker has come for what is ready"
    )
    await ask(idle, "INSERT INTO holds (scope, kind) VALUES ('all', 'paused')")
    assert (await look(idle.settings, offline=True))["work"].state == "ok", "nobody is missed for what is paused"
    await ask(idle, "DELETE FROM holds")
    await ask(idle, "UPDATE lanes SET lease_until = now() + interval '1 minute', worker = 'me'")
    assert (await look(idle.settings, offline=True))["work"].state == "ok"
    await ask(idle, "UPDATE deliveries SET state = 'failed', finished_at = now()")
    line = (await look(idle.settings, offline=True))["work"]
    assert (line.state, line.found) == ("warning", "0 deliveries open; in the last day 1 given up")
    assert line.advice == "slotwright history list --status failed shows them"


async def test_what_is_not_set_is_told_and_the_rest_looked_at(idle: House) -> None:
    found = await look(changed(idle, secret_key=SecretStr(""), highlevel_app_ids=()), offline=True)
    assert found["settings"].found == "SECRET_KEY is not set"
    assert (found["apps"].state, found["database"].state) == ("warning", "ok")
    found = await look(changed(idle, database_url=""), offline=True)
    assert found["settings"].found == "DATABASE_URL is not set"
    assert "database" not in found
    assert found["queue"].state == "ok"


@contextmanager
def command(house: House, **settings: str) -> Iterator[Callable[..., Awaitable[Result]]]:
    """The command over a house in order, with these settings besides."""
    base = house.settings
    environment = {
        "DATABASE_URL": base.database_url,
        "REDIS_URL": base.redis_url,
        "SECRET_KEY": SECRET.get_secret_value(),
        "HIGHLEVEL_URL": base.highlevel_url,
        "HIGHLEVEL_APP_IDS": ",".join(base.highlevel_app_ids),
        **settings,
    }

    async def say_it(*words: str) -> Result:
        return await asyncio.to_thread(say, "doctor", *words, env=environment)

    yield say_it


async def test_the_command_says_a_line_for_each_and_ends_with_0_unless_something_failed(idle: House) -> None:
    with command(idle) as doctor:
        result = await doctor()
        assert (result.exit_code, result.stderr) == (0, "")
        marks = {line[0]: line for line in result.stdout.splitlines()}
        assert set(marks) == {"✓", "–"}
        assert marks["–"].startswith("– door ")
        assert marks["–"].endswith(": set PUBLIC_URL to where the receiver is reached from outside")
        assert (await doctor("--location", "never")).exit_code == 1
    with command(idle, HIGHLEVEL_APP_IDS="") as doctor:
        assert (await doctor("--offline")).exit_code == 0
        strict = await doctor("--offline", "--strict")
        assert (strict.exit_code, "! apps " in strict.stdout) == (1, True)


async def test_the_command_tells_machines_the_same_as_one_object(idle: House) -> None:
    with command(idle) as doctor:
        result = await doctor("--json")
        answer = json.loads(result.stdout)
        assert (result.exit_code, answer["ok"], result.stdout.count("\n")) == (0, True, 1)
        assert {"name": "encoding", "state": "ok", "found": "UTF8", "advice": ""} in answer["checks"]
        answer = json.loads((await doctor("--json", "--location", "never")).stdout)
    assert answer["ok"] is False
    assert [each["name"] for each in answer["checks"] if each["state"] == "failed"] == ["location never"]


async def test_settings_that_cannot_be_read_are_lines_without_their_values(idle: House) -> None:
    with command(idle, PORT="hush", DATABASE_URL="mysql://me:hush@db", LOG_LEVEL="loud") as doctor:
        result = await doctor()
        assert (result.exit_code, result.stderr) == (1, "")
        assert [line.split()[:3] for line in result.stdout.splitlines()] == [
            ["✗", "settings", f"{name}:"] for name in ("DATABASE_URL", "PORT", "LOG_LEVEL")
        ]
        assert "hush" not in result.stdout
        machine = json.loads((await doctor("--json")).stdout)
    assert len(machine["checks"]) == 3


async def test_what_up_left_serves_the_doctor_too(idle: House, tmp_path: Path) -> None:
    left = {"database_url": idle.settings.database_url, "redis_url": idle.settings.redis_url}
    (tmp_path / LEFT_BY_UP).write_text(json.dumps({**left, "secret_key": SECRET.get_secret_value()}))
    result = await asyncio.to_thread(say, "doctor", "--offline", "--folder", tmp_path)
    assert (result.exit_code, "✓ database " in result.stdout) == (0, True)
    result = await asyncio.to_thread(say, "doctor", "--offline", "--folder", tmp_path / "none")
    assert result.exit_code == 1
    assert result.stdout.count("✗ settings ") == 3
