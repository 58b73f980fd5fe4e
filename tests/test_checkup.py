"""What `slotwright doctor` finds in servers and clocks, well and ill."""

import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta

import pytest
from aiohttp import web

from service.embedded import Servers
from service.highlevel.oauth import Granted
from service.store import tokens
from service.store.condition import Server
from service.store.identifiers import new_id
from service.store.sealing import Keys
from tests.checkups import answering, ask, changed, in_order, look, saying
from tests.conftest import named
from tests.house import SECRET, House, now, settings_for
from tests.pgbouncer import needs_pgbouncer, pgbouncer
from tests.processes import free_port
from tests.sandboxes import LOCATION
from workers.cli.checkup.database import of_pooler, of_schema, of_server
from workers.cli.checkup.finding import Finding, Looks, address, ago
from workers.cli.checkup.queue import of_queue


@pytest.fixture
async def idle(database_url: str, servers: Servers) -> AsyncIterator[House]:
    async with in_order(database_url, servers.redis_url) as opened:
        yield opened


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("postgresql://me:hush@127.0.0.1:{free}/x", "127.0.0.1:{free}/x: nothing listens there"),
        ("postgresql://me:hush@nowhere.invalid/x", "nowhere.invalid/x: no host of that name is known"),
        ("postgresql://me:hush@/x?host=/nowhere", "/nowhere/x: there is no socket there"),
        ("postgresql://me:hush@127.0.0.1:{http}/x", "127.0.0.1:{http}/x: no connection (ConnectionError)"),
        (
            "postgresql://me:hush@127.0.0.1:{refusing}/x?sslmode=disable",
            "127.0.0.1:{refusing}/x: user or password are refused",
        ),
        ("postgresql://me:hush@127.0.0.1:{silent}/x", "no answer within 1 s"),
    ],
)
async def test_a_database_that_does_not_let_us_in_is_a_line(url: str, found: str, servers: Servers) -> None:
    refusal = b"SFATAL\0VFATAL\0C28P01\0Mpassword authentication failed for user hush\0\0"
    refused = b"E" + (len(refusal) + 4).to_bytes(4, "big") + refusal
    async with saying(b"HTTP/1.1 400\r\n\r\n") as http, saying(refused) as refusing, saying(b"") as silent:
        ports = {"free": free_port(), "http": http, "refusing": refusing, "silent": silent}
        told = await look(
            settings_for(url.format(**ports), servers.redis_url), offline=True, within=1 if "silent" in url else 30
        )
        line = told["database"]
    assert (line.state, line.found) == ("failed", found.format(**ports))
    assert set(told) == {"settings", "apps", "database", "door", "queue", "highlevel", "versions"}


async def test_a_database_or_user_that_is_not_there_is_a_line(servers: Servers) -> None:
    gone = named(servers.database_url, "nowhere")
    line = (await look(settings_for(gone, servers.redis_url), offline=True))["database"]
    assert line.found.endswith("/nowhere: there is no database of that name")
    stranger = servers.database_url.replace("postgres@", "stranger:hush@")
    line = (await look(settings_for(stranger, servers.redis_url), offline=True))["database"]
    assert line.found.endswith("/slotwright: user or password are refused")


async def test_a_database_without_a_schema_or_of_another_encoding_is_told(servers: Servers, idle: House) -> None:
    latin = f"latin_{new_id().hex}"
    await ask(idle, f"CREATE DATABASE {latin} TEMPLATE template0 ENCODING 'LATIN1' LOCALE_PROVIDER libc LOCALE 'C'")
    try:
        found = await look(changed(idle, database_url=named(servers.database_url, latin)), offline=True)
    finally:
        await ask(idle, f"DROP DATABASE {latin} WITH (FORCE)")
    assert found["encoding"].state == found["migrations"].state == "failed"
    assert found["migrations"].advice == "run slotwright migrate"
    assert {found[name].state for name in ("secrets", "locations", "rules", "sources", "work")} == {"skipped"}


def test_an_old_postgresql_is_too_old() -> None:
    old, new = (Server(version, major, "UTF8", False, False) for version, major in (("14.9", 14), ("15.0", 15)))
    assert [of_server(server, "db/x")[0].state for server in (old, new)] == ["failed", "ok"]


async def test_migrations_that_are_missing_or_newer_are_named(idle: House) -> None:
    await ask(idle, "UPDATE alembic_version SET version_num = '0001'")
    line = (await look(idle.settings, offline=True))["migrations"]
    assert (line.state, line.advice) == ("failed", "run slotwright migrate")
    assert line.found.startswith("0002, 0003")
    await ask(idle, "UPDATE alembic_version SET version_num = '9999'")
    line = (await look(idle.settings, offline=True))["migrations"]
    assert (line.state, "at 9999, newer than this version" in line.found) == ("warning", True)
    assert of_schema(["1", "2"], ["2"]).state == "ok"


async def test_a_database_that_takes_no_writes_of_ours_is_told(
    servers: Servers, idle: House, database_url: str
) -> None:
    name = database_url.partition("?")[0].rpartition("/")[2]
    await ask(idle, f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    assert (await look(idle.settings, offline=True))["writing"].found == "this server is read-only"
    async with idle.pool.acquire() as connection:
        await connection.execute("SET default_transaction_read_only = off")
        await connection.execute(f"ALTER DATABASE {name} RESET default_transaction_read_only")
        role = f"reader_{name}"
        await connection.execute(f"CREATE ROLE {role} LOGIN")
        try:
            await connection.execute(f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role}")
            settings = changed(idle, database_url=database_url.replace("postgres@", f"{role}@"))
            line = (await look(settings, offline=True))["writing"]
        finally:
            await connection.execute(f"DROP OWNED BY {role}")
            await connection.execute(f"DROP ROLE {role}")
    first = "alerts, appointments, budgets, bursts, calls"
    assert line.state == "failed"
    assert re.fullmatch(rf"this user may not read and write {first} and \d+ more", line.found)


async def test_connections_that_run_out_are_told(idle: House, database_url: str) -> None:
    name = database_url.partition("?")[0].rpartition("/")[2]
    await ask(idle, f"ALTER DATABASE {name} CONNECTION LIMIT 14")
    line = (await look(idle.settings, offline=True))["connections"]
    assert (line.state, "a worker may take 16" in line.advice) == ("warning", True)
    await ask(idle, f"ALTER DATABASE {name} CONNECTION LIMIT 1")
    assert (await look(idle.settings, offline=True))["connections"].state == "failed"
    await ask(idle, f"ALTER DATABASE {name} CONNECTION LIMIT 60")
    assert (await look(idle.settings, offline=True))["connections"].state == "ok"


@needs_pgbouncer
@pytest.mark.processes
async def test_pgbouncer_in_transaction_mode_wants_the_statement_cache_off(idle: House, servers: Servers) -> None:
    ignoring = "ignore_startup_parameters = idle_in_transaction_session_timeout"
    url = idle.settings.database_url
    with pgbouncer(servers) as strict, pgbouncer(servers, more=ignoring) as lenient:
        for bouncer, cache, states in ((strict, 100, "failed"), (lenient, 100, "failed warning"), (strict, 0, "ok")):
            settings = changed(idle, database_url=bouncer.url(url), database_statement_cache=cache)
            found = await look(settings, offline=True)
            assert found["pooler"].state in states  # a newer PgBouncer knows prepared statements
            assert "pooler such as PgBouncer" in found["pooler"].found or "by transaction" in found["pooler"].found
            assert found["pooler"].advice == ("" if cache == 0 else "set DATABASE_STATEMENT_CACHE=0")
            others = {name for name, finding in found.items() if finding.state == "failed"} - {"pooler"}
            assert others == set(), "what is asked of the database gets through any pooler"


def test_a_pooler_is_told_by_who_serves_two_connections() -> None:
    assert of_pooler([(7, 8)] * 2, (7, 8), cached=True).state == "ok"
    shared = of_pooler([(7, 8), (8, 9)], (1, 2), cached=True)
    assert (shared.state, shared.advice) == ("warning", "set DATABASE_STATEMENT_CACHE=0")
    assert of_pooler([(7, 8), (8, 9)], (1, 2), cached=False).state == "ok"
    assert of_pooler([(7, 8)], (1, 2), cached=True).advice.startswith("in transaction mode")


@pytest.mark.parametrize(("away", "state"), [(0, "ok"), (-10, "warning"), (10, "warning"), (40, "failed")])
async def test_clocks_that_differ_are_told(idle: House, away: int, state: str) -> None:
    found = await look(idle.settings, clock=lambda: now() + timedelta(seconds=away))
    assert [found[name].state for name in ("database clock", "highlevel clock")] == [state, state]
    if away:
        way = "behind" if away > 0 else "ahead of"
        assert all(f"{way} ours" in found[name].found for name in ("database clock", "highlevel clock"))


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("redis://:hush@127.0.0.1:{free}/0", "127.0.0.1:{free}/0: nothing listens there"),
        ("redis://:hush@127.0.0.1:{http}/0", "127.0.0.1:{http}/0: no answer (InvalidResponse)"),
        ("redis://:hush@nowhere.invalid", "nowhere.invalid: no host of that name is known"),
        ("unix://stranger:hush@{socket}", "{socket}: user or password are refused, or may not write the ring queue"),
        ("unix://{socket}?password=hush", "{socket}: user or password are refused, or may not write the ring queue"),
    ],
)
async def test_a_queue_that_does_not_let_us_in_is_a_line(url: str, found: str, servers: Servers, idle: House) -> None:
    async with saying(b"HTTP/1.1 400\r\n\r\n") as http:
        places = {"free": free_port(), "http": http, "socket": servers.redis_url.removeprefix("unix://")}
        line = (await look(changed(idle, redis_url=url.format(**places)), offline=True))["queue"]
    assert (line.state, line.found) == ("failed", found.format(**places))
    assert "the sweep finds the work" in line.advice


def test_an_old_redis_is_too_old_and_a_slow_one_is_slow() -> None:
    assert of_queue("r", {"redis_version": "6.0.16"}, 0.001).state == "failed"
    assert of_queue("r", {"redis_version": "6.2.0"}, 0.001).state == "ok"
    assert of_queue("r", {"redis_version": "7.2.4", "valkey_version": "9.0.0"}, 0.2).state == "warning"


async def test_what_is_refreshed_no_more_is_connected_again(idle: House) -> None:
    grants = (
        {"user_type": "Location", "location_id": LOCATION, "company_id": "north"},
        {"user_type": "Company", "company_id": "north"},
    )
    async with idle.pool.acquire() as connection:
        for grant in grants:
            granted = Granted.model_validate({"access_token": "hush", "expires_in": 1, **grant})
            await tokens.keep(connection, Keys(SECRET), granted, now=now() - timedelta(hours=1))
        await connection.execute("UPDATE grants SET refused = 'Invalid grant'")
    found = await look(idle.settings)
    line, agency = found[f"location {LOCATION}"], found["agency north"]
    assert (line.state, line.found) == ("failed", "Invalid grant")
    assert line.advice == "connect it again: slotwright locations connect"
    assert (agency.state, agency.found) == ("failed", "its token is refreshed no more: Invalid grant")
    assert agency.advice == "connect it again: slotwright locations connect --agency"
    async with idle.pool.acquire() as connection:
        await connection.execute("UPDATE grants SET refused = NULL, failure = '503: away', failures = 1")
        await connection.execute("UPDATE grants SET again_at = clock_timestamp() + interval '1 minute'")
    line = (await look(idle.settings, only=[LOCATION]))[f"location {LOCATION}"]
    assert line.found.endswith("it is not asked for again yet: 503: away")
    assert line.advice.startswith("a new token is asked for again by itself")


async def test_what_takes_too_long_is_told_once_the_time_is_over(idle: House) -> None:
    async def hang(request: web.Request) -> web.Response:
        await asyncio.sleep(60)
        return web.Response()

    async with answering(hang) as url:
        found = await look(changed(idle, highlevel_url=url, public_url=url), within=3)
    for name in ("highlevel", "door"):
        assert (found[name].state, found[name].found.startswith("no answer within")) == ("failed", True), name
    assert found[f"location {LOCATION}"].found == "not looked at: the time was over"


async def test_an_error_nobody_thought_of_is_a_line_without_its_words() -> None:
    async def broken() -> Sequence[Finding]:
        raise KeyError("hush")

    [line] = await Looks(5).look("thing", broken)
    assert (line.state, line.found) == ("failed", "could not be looked at (KeyError)")


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://me:hush@db:5432/x?sslmode=require", "db:5432/x"),
        ("postgresql://me:hush@/x?host=/run/pg", "/run/pg/x"),
        ("postgresql://me:hu@sh@db/x", "db/x"),
        ("postgresql://me:hu/sh@db/x", "not shown"),
        ("postgresql://me:hu?sh@db/x", "not shown"),
        ("postgresql://me:hu#sh@db/x", "not shown"),
        ("postgresql://db/x?user=me&password=hush", "db/x"),
        ("postgresql:///x?password=hu@sh", "not shown"),
        ("redis://:hush@r:6379/1", "r:6379/1"),
        ("unix://:hush@/run/r.sock?db=1", "/run/r.sock"),
    ],
)
def test_an_address_is_shown_without_what_may_hold_a_password(url: str, shown: str) -> None:
    told = address(url)
    assert shown in told
    assert not any(part in told for part in ("hush", "hu/sh", "sh@", "me"))


def test_how_long_ago_is_told_in_a_unit_a_person_would_choose() -> None:
    lengths = (0, 1, 119, 120, 7199, 7200, 172800)
    assert [ago(timedelta(seconds=length)) for length in lengths] == [
        "0 seconds",
        "1 second",
        "119 seconds",
        "2 minutes",
        "119 minutes",
        "2 hours",
        "2 days",
    ]
