"""Planted secrets and a planted person: nothing of them is in logs, metrics, Sentry events or what commands say."""

import asyncio
import base64
import contextlib
import json
import os
import re
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from redis.asyncio import Redis

from service.embedded import Servers
from service.receiver.kinds import SENT_ALONG
from service.standard_webhooks import sign
from tests import canaries
from tests.canaries import (
    ADDRESS,
    CONTACT,
    EMAIL,
    NAME,
    NOTE,
    PERSON,
    PHONE,
    SECRETS,
    TITLE,
    Place,
    found_in,
    open_place,
)
from tests.house import APP_ID, event, now, signed
from tests.processes import end_of, free_port, ready, working
from tests.sandboxes import CUTS, LOCATION

FORMS = os.environ.get("SLOTWRIGHT_LOG_FORMS", "json").split()
"""JSON shows most of what happens; `make fuzz` looks at the text as well."""

pytestmark = pytest.mark.processes

BOOM = "Sprocketboom"
"""In the title of bookings that the database refuses, with words and details that quote all of them."""

RULES = """
rules:
  - {name: noted, mode: live, when: appointment.created, then: [{do: add_note, text: "For {{ title }}, {{ address }}"}]}
  - {name: shadowed, when: appointment.created, then: [{do: add_note, text: "{{ title }}"}]}
"""

REFUSALS = (
    f"ALTER TABLE appointments ADD CONSTRAINT refused CHECK (booking::text NOT LIKE '%{BOOM} at work%')",
    """
    CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        RAISE EXCEPTION 'no room for %', convert_from(NEW.body, 'UTF8') USING DETAIL = NEW::text, ERRCODE = 'P0001';
    END $$
    """,
    f"""
    CREATE TRIGGER refuse BEFORE INSERT ON deliveries FOR EACH ROW
    WHEN (convert_from(NEW.body, 'UTF8') LIKE '%{BOOM} at the door%') EXECUTE FUNCTION refuse()
    """,
)

WHO = {
    "contact_id": CONTACT,
    "first_name": PERSON["first name"],
    "full_name": NAME,
    "email": EMAIL,
    "phone": PHONE,
    "full_address": ADDRESS,
    "location": {"id": LOCATION},
    "mark": PERSON["body"],
}


def test_a_canary_is_found_however_it_is_spelt() -> None:
    for spelt in (NAME, NAME.upper(), f"\\x{NAME.encode().hex()}", json.dumps({"a": NAME})):
        assert found_in(f"some {spelt} words") == {"first name", "last name"}
    for before in ("", "x", "xy"):
        told = base64.b64encode(f"{before} {NOTE} {SECRETS['token']}".encode()).decode()
        assert found_in(told) >= {"note", "phone", "e-mail", "token"}
    assert found_in("nothing of anybody") == set()


@pytest.fixture
async def valkey_user(servers: Servers) -> AsyncIterator[None]:
    """Somebody with a password; the servers' own user has none."""
    redis = Redis.from_url(servers.redis_url)
    await redis.execute_command("ACL", "SETUSER", "canary", "on", f">{SECRETS['redis password']}", "~*", "&*", "+@all")
    yield
    await redis.execute_command("ACL", "DELUSER", "canary")
    await redis.aclose()


async def set_up(place: Place) -> None:
    """As an operator does: tokens and secrets come in on standard input."""
    seed, rules = place.folder / "seed.yaml", place.folder / "rules"
    seed.write_text(canaries.SEED)
    rules.mkdir()
    (rules / "rules.yaml").write_text(RULES)
    hooks = f"http://127.0.0.1:{place.port}/hooks/highlevel"
    sandbox_port = place.sandbox_url.rpartition(":")[2]
    place.start(
        "sandbox",
        "--rate",
        "100000",
        "--port",
        sandbox_port,
        "--seed",
        str(seed),
        "--webhook-url",
        hooks,
        "--app-id",
        APP_ID,
    )
    async with asyncio.timeout(60):
        while "listening" not in place.log("sandbox"):
            await asyncio.sleep(0.05)
    await place.say("locations", "add", LOCATION, said=f"{SECRETS['token']}\n")
    await place.say("rules", "apply", str(rules))
    own = ("--location", LOCATION, "--secret-stdin")
    await place.say("sources", "add", "flow", "--kind", "workflow", *own, said=SECRETS["workflow secret"])
    paths = ("--appointment-at", "data.id")
    await place.say("sources", "add", "shop", "--kind", "external", *paths, *own, said=SECRETS["external secret"])


async def start_roles(place: Place) -> None:
    await ready(place.start("receive"), place.port, place.folder / "receive.log")
    await working(place.start("work"), place.folder / "work.log")
    await ready(place.start("console"), place.console_port, place.folder / "console.log")


async def bookings(place: Place) -> None:
    """Good ones, ones that HighLevel refuses quoting them, and one that the database refuses quoting it."""
    place.echo.orders = {("POST", "/notes"): [500, 422, 401, 429, 200]}
    booked = [await place.book(f"{TITLE} {hour}", f"{hour}:00") for hour in range(10, 17)]
    await place.ask("POST", f"/calendars/appointments/{booked[0]}/notes", {"body": NOTE})
    await place.book(f"{TITLE} {BOOM} at work", "18:00")
    await place.until("SELECT count(*) >= 7 FROM deliveries WHERE state IN ('done', 'failed') AND event <> ''")
    await place.until("SELECT surprises > 0 FROM deliveries ORDER BY surprises DESC LIMIT 1")
    assert place.echo.quoted == 5


async def strangers(place: Place) -> None:
    """Whatever else comes to a door: malformed, unsigned, for others, and what the database does not take."""
    key = Ed25519PrivateKey.from_private_bytes(canaries.SIGNING_KEY)
    whole = event({"id": "a1", "calendarId": CUTS, "title": TITLE, "address": ADDRESS, **WHO}, contact=WHO)
    text = json.dumps(whole).encode()
    odd = (
        text[:-20],
        json.dumps([WHO]).encode(),
        NOTE.encode() + b"\xff\0",
        json.dumps({**whole, "appointment": NOTE}).encode(),
        json.dumps({**whole, "appointment": {**WHO, "id": [NAME], "startTime": NOTE}, "webhookId": WHO}).encode(),
        json.dumps({**whole, "appId": NAME, "locationId": TITLE}).encode(),
        b"{" + NAME.encode() * 30_000,
    )
    statuses = [await place.post("/hooks/highlevel", body, signed(key, body)) for body in odd]
    assert set(statuses) <= {200, 202, 400, 413}, statuses
    assert {400, 413} <= set(statuses)
    assert await place.post("/hooks/highlevel", text, signed(Ed25519PrivateKey.generate(), text)) == 401
    boom = json.dumps({**whole, "webhookId": "w2", "more": f"{TITLE} {BOOM} at the door"}).encode()
    assert await place.post("/hooks/highlevel", boom, signed(key, boom)) == 500

    flow = json.dumps({**WHO, "calendar": {"id": CUTS, "appointmentId": "a2", "title": TITLE}}).encode()
    for name, status in (("workflow secret", 202), ("wrong workflow secret", 401)):
        assert await place.post("/hooks/workflow/flow", flow, {SENT_ALONG: SECRETS[name]}) == status
    assert await place.post(f"/hooks/workflow/{PERSON['last name']}", flow, {}) == 401
    shop = json.dumps({"data": {"id": "a3", **WHO}}).encode()
    proof = sign(canaries.EXTERNAL_KEY, "msg_1", now(), shop)
    assert await place.post("/triggers/shop", shop, proof) == 202
    assert await place.post("/triggers/shop", shop + b" ", proof) == 401
    await raw(place.port)
    await raw(place.console_port)


async def raw(port: int) -> None:
    """What is no HTTP."""
    for line in (f"GET /{NAME} HTTP/9.9", f"POST / HTTP/1.1\r\n{NAME}\r\nContent-Length: {EMAIL}", f"{NAME}\0{PHONE}"):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(f"{line}\r\n\r\n".encode())
        with contextlib.suppress(ConnectionError):
            await asyncio.wait_for(reader.read(), 10)
        writer.close()


async def visits(place: Place) -> str:
    """Somebody signs in and reads; one page breaks over what it should show. The page of one booking."""
    assert (await place.page("/sign-in", password=SECRETS["wrong console password"]))[0] == 401
    await place.page("/sign-in", password=SECRETS["console password"])
    found = "SELECT delivery_id FROM verdicts ORDER BY delivery_id LIMIT 1"
    delivery = await place.pool.fetchval(found)
    status, page = await place.page(f"/deliveries/{delivery}")
    assert status == 200
    broken = json.dumps([{NAME: NOTE}])
    await place.pool.execute(f"UPDATE verdicts SET checks = $1::text::jsonb WHERE delivery_id = ({found})", broken)
    assert (await place.page(f"/deliveries/{delivery}"))[0] == 500
    assert (await place.page(f"/history?appointment={NAME}&rule={EMAIL}"))[0] == 200
    await place.page(f"/{NAME}")
    return page


def mistyped(place: Place) -> list[tuple[tuple[str, ...], dict[str, str]]]:
    """Commands that cannot do what they are told, because of what they are told."""
    database, socket = f"postgresql://me:{SECRETS['database password']}", place.settings.redis_url.rpartition("@")[2]
    away = f"{database}@127.0.0.1:{free_port()}/x"
    settings = {
        "DATABASE_URL": f"{database}/@db/x",
        "REDIS_URL": f"http://:{SECRETS['redis password']}@db",
        "SECRET_KEY": SECRETS["short secret"],
        "CONSOLE_PASSWORD": SECRETS["console password"],
        "SENTRY_DSN": f"{canaries.SENTRY_KEY}@127.0.0.1",
    }
    seeds = []
    for number, seed in enumerate((f"locations: {{{NAME}", f"locations: [{{id: {NAME}, tokens: {SECRETS['token']}}}]")):
        seeds.append(place.folder / f"seed-{number}.yaml")
        seeds[-1].write_text(seed)
    return [
        *(((role,), settings) for role in ("doctor", "work", "receive", "console", "migrate")),
        (("doctor",), {"DATABASE_URL": f"mysql://me:{SECRETS['database password']}@db"}),
        (("doctor",), {"DATABASE_URL": away, "REDIS_URL": f"unix://canary:{SECRETS['wrong token']}@{socket}"}),
        (("history", "list"), {"DATABASE_URL": away}),
        (("locations", "add", LOCATION), {"said": SECRETS["wrong token"]}),
        (("locations", "add", LOCATION), {"said": f"{SECRETS['wrong token']}\0é"}),
        (("sources", "rotate", "flow", "--secret-stdin"), {"said": SECRETS["short secret"]}),
        (("sources", "rotate", "shop", "--secret-stdin"), {"said": SECRETS["workflow secret"]}),
        (("console", "--hash-password"), {"said": SECRETS["short secret"][:11]}),
        (("sandbox",), {"SANDBOX_SIGNING_KEY": SECRETS["short secret"]}),
        *((("sandbox", "--seed", str(seed)), {}) for seed in seeds),
    ]


@pytest.mark.parametrize("form", FORMS)
async def test_no_secret_and_nothing_of_a_person_is_told(
    form: str, database_url: str, servers: Servers, valkey_user: None, tmp_path: Path
) -> None:
    async with open_place(form, database_url, servers, tmp_path) as place:
        for statement in REFUSALS:
            await place.pool.execute(statement)
        await set_up(place)
        await start_roles(place)
        await bookings(place)
        await strangers(place)
        page = await visits(place)
        metrics = await scraped(place)
        doctor = await place.say("doctor")
        for role, process in place.running.items():
            process.send_signal(signal.SIGTERM)
            assert await end_of(process) == 0, place.log(role)
        logs = {role: place.log(role) for role in place.running}

        assert found_in(page) >= {"title", "last name"}, "who signs in is told"
        planted = f"SELECT count(*) FROM deliveries WHERE convert_from(body, 'UTF8') LIKE '%{NAME}%'"
        assert await place.pool.fetchval(planted) > 7
        assert place.sentry.roles == {"receive", "work", "console"}
        assert f"✓ location {LOCATION}" in doctor
        for role, log in logs.items():
            assert log.count("\n") > 1, role
            assert ("unexpected error" in log) == (role != "sandbox"), role
        told = {**logs, "metrics": metrics, "sentry": place.sentry.text, **dict(place.said)}
        assert {where: found for where, text in told.items() if (found := found_in(text))} == {}
        assert not any(place.environment["CONSOLE_PASSWORD"] in text for text in told.values())


async def test_no_command_quotes_what_it_was_given_or_what_highlevel_quotes(
    database_url: str, servers: Servers, valkey_user: None, tmp_path: Path
) -> None:
    async with open_place("text", database_url, servers, tmp_path) as place:
        await set_up(place)
        # Each of them is a process: every third here, all of them where both forms of logs are looked at.
        wrong = mistyped(place)[:: 3 if FORMS == ["json"] else 1]
        await asyncio.gather(*(place.say(*words, code=1, **more) for words, more in wrong))
        for status in (401, 422, 200):
            place.echo.orders = {("GET", f"/locations/{LOCATION}"): [status] * 2}
            doctor = place.say("doctor", "--json", code=1)
            add = place.say("locations", "add", LOCATION, said=SECRETS["wrong token"], code=1)
            await asyncio.gather(doctor, add)
        assert place.echo.quoted == 6
        assert all(said for _, said in place.said)
        assert [(words, found, said) for words, said in place.said if (found := found_in(said))] == []


async def scraped(place: Place) -> str:
    """The metrics, once each role's unexpected error is counted."""
    async with asyncio.timeout(60):
        while True:
            _, metrics = await place.page("/metrics")
            counted = re.findall(r'unexpected_errors_total{role="(\w+)"} ([\d.]+)', metrics)
            if {role for role, times in counted if float(times)} >= {"receive", "work"}:
                return metrics
            await asyncio.sleep(0.2)
