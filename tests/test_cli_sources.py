"""`slotwright sources`, as an operator types it."""

import asyncio
import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg
import pytest

from service.receiver.kinds import SENT_ALONG
from service.standard_webhooks import new_secret, read_secret, sign, verify
from service.store import sources
from service.store.sealing import Keys
from service.store.sources import Source
from tests.house import SECRET, pool_of
from tests.sandboxes import LOCATION
from tests.test_cli import complaint, say

WINDOW = timedelta(minutes=5)
EXTERNAL = ("--kind", "external", "--location", LOCATION)
WORKFLOW = ("--kind", "workflow", "--location", LOCATION)


@pytest.fixture(autouse=True)
def environment(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("SECRET_KEY", SECRET.get_secret_value())


def stored(database_url: str) -> dict[str, Source]:
    async def read() -> dict[str, Source]:
        async with pool_of(database_url) as pool, pool.acquire() as connection:
            return {source.name: source for source in await sources.every(connection)}

    return asyncio.run(read())


def proves(source: Source, secret: str) -> bool:
    key = read_secret(secret)
    headers = sign(key, "m", datetime.now(UTC), b"{}")
    try:
        return bool(verify(source.keys(Keys(SECRET)), headers, b"{}", now=datetime.now(UTC), window=WINDOW))
    except Exception:
        return False


def secret_in(output: str) -> str:
    return output.rstrip().splitlines()[-1]


def test_an_external_source_is_let_in_with_a_secret_that_is_shown_once(database_url: str) -> None:
    places = ("--appointment-at", "data.visits.0.id", "--contact-at", "data.who", "--busy-status", "503")
    result = say("sources", "add", "sick_day", *EXTERNAL, *places)
    assert result.exit_code == 0, result.output
    assert "/triggers/sick_day" in result.stdout
    assert f"no location {LOCATION} is registered" in result.stderr
    source = stored(database_url)["sick_day"]
    assert (source.kind, source.locations, source.busy_status) == ("external", (LOCATION,), 503)
    assert source.paths == {"appointment": "data.visits.0.id", "contact": "data.who"}
    assert proves(source, secret_in(result.stdout))
    listed = say("sources", "list").stdout
    assert "sick_day" in listed
    assert secret_in(result.stdout)[6:20] not in listed
    assert secret_in(result.stdout)[6:20] not in repr(source)


def test_a_workflow_is_let_in_with_a_secret_for_its_header(database_url: str) -> None:
    result = say("sources", "add", "flow", *WORKFLOW)
    assert SENT_ALONG in result.stdout
    assert "/hooks/workflow/flow" in result.stdout
    source = stored(database_url)["flow"]
    assert source.knows(secret_in(result.stdout))
    assert not source.knows(secret_in(result.stdout)[:-1])
    assert secret_in(result.stdout).encode() not in b"".join(source.secrets)


def test_a_secret_that_the_sender_made_is_taken_and_not_repeated(database_url: str) -> None:
    secret = new_secret()
    result = say("sources", "add", "svix", *EXTERNAL, "--secret-stdin", input=secret + "\n")
    assert result.exit_code == 0
    assert secret not in result.output
    assert proves(stored(database_url)["svix"], secret)


def test_a_secret_is_changed_while_the_last_one_stays_good(database_url: str) -> None:
    first = secret_in(say("sources", "add", "sick", *EXTERNAL).stdout)
    second = secret_in(say("sources", "rotate", "sick").stdout)
    assert [proves(stored(database_url)["sick"], secret) for secret in (first, second)] == [True, True]
    third = secret_in(say("sources", "rotate", "sick", "--only-new").stdout)
    assert [proves(stored(database_url)["sick"], secret) for secret in (first, second, third)] == [False, False, True]


def test_a_location_is_forgotten_with_its_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HIGHLEVEL_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("READ_TIMEOUT", "0.1")
    assert say("locations", "add", LOCATION, "--name", "x", "--time-zone", "Europe/London", input="t\n").exit_code == 0
    assert say("locations", "remove", LOCATION).exit_code == 0
    assert say("locations", "list").stdout == "No location is registered.\n"
    assert f"no location {LOCATION} is registered" in complaint("locations", "remove", LOCATION)


def test_where_a_workflow_has_its_ids_is_shown_and_how_highlevel_comes_back_is_said(database_url: str) -> None:
    say("sources", "add", "flow", *WORKFLOW)
    assert "appointment calendar.appointmentId, " in say("sources", "list").stdout
    again = say("sources", "remove", "highlevel").stderr.splitlines()[-1].split()
    assert say(*again[1:]).exit_code == 0
    assert stored(database_url)["highlevel"].locations is None


def test_a_source_is_removed_and_may_be_let_in_again(database_url: str) -> None:
    say("sources", "add", "flow", *WORKFLOW)
    assert "there is a source flow already" in complaint("sources", "add", "flow", *WORKFLOW)
    assert say("sources", "remove", "flow").exit_code == 0
    assert "flow" not in stored(database_url)
    assert say("sources", "add", "flow", *WORKFLOW).exit_code == 0
    assert say("sources", "remove", "highlevel").exit_code == 0
    assert say("sources", "add", "highlevel", "--kind", "highlevel", "--location", LOCATION).exit_code == 0
    assert stored(database_url)["highlevel"].locations == (LOCATION,)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("add", "Sick Day", *EXTERNAL), "'Sick Day' is no name for a source"),
        (("add", "x" * 41, *EXTERNAL), "is no name for a source"),
        (("add", "sick", "--kind", "external"), "--location"),
        (("add", "flow", *WORKFLOW, "--contact-at", "a"), "is the same for every workflow source"),
        (("add", "highlevel", *EXTERNAL), "is called highlevel"),
        (("add", "reconciler", *EXTERNAL), "deliveries of its own"),
        (("add", "moment", *WORKFLOW), "deliveries of its own"),
        (("add", "mine", "--kind", "highlevel"), "is called highlevel"),
        (("add", "sick", *EXTERNAL, "--contact-at", "a..b"), "--contact-at 'a..b' is no path"),
        (("add", "sick", *EXTERNAL, "--location", "another"), "--location-at"),
        (("rotate", "nobody"), "there is no source nobody; there are: highlevel"),
        (("rotate", "highlevel"), "its own key"),
        (("remove", "nobody"), "there is no source nobody"),
    ],
)
def test_what_cannot_be_is_said_in_a_line(words: tuple[str, ...], told: str) -> None:
    assert told in complaint("sources", *words)


@pytest.mark.parametrize("kind", [EXTERNAL, WORKFLOW])
@pytest.mark.parametrize("secret", ["", "short", "whsec_AAAA", "ö" * 40])
def test_a_secret_that_can_be_guessed_is_refused_and_not_repeated(kind: tuple[str, ...], secret: str) -> None:
    told = complaint("sources", "add", "it", *kind, "--secret-stdin", input=secret + "\n")
    assert told.startswith("what came in is no secret")
    assert not secret or secret not in told


def test_without_a_key_for_the_secrets_an_external_source_cannot_be_let_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SECRET_KEY")
    assert "SECRET_KEY is not set" in complaint("sources", "add", "sick", *EXTERNAL)
    assert say("sources", "add", "flow", *WORKFLOW).exit_code == 0


def test_rules_that_wait_for_nobody_are_warned_of(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(
        "- {name: a, when: [external.sick, external.gone], then: [{do: add_note, text: x}]}"
    )
    say("sources", "add", "sick", *EXTERNAL)
    told = say("rules", "apply", tmp_path).stderr
    assert re.findall(r"external\.\w+", told) == ["external.gone"]


def test_the_database_holds_no_secret_that_could_be_used(database_url: str) -> None:
    secret = secret_in(say("sources", "add", "sick", *EXTERNAL).stdout)
    password = secret_in(say("sources", "add", "flow", *WORKFLOW).stdout)

    async def dump() -> str:
        connection = await asyncpg.connect(database_url)
        try:
            return json.dumps([str(dict(row)) for row in await connection.fetch("SELECT * FROM sources")])
        finally:
            await connection.close()

    text = asyncio.run(dump())
    assert "sick" in text
    assert secret.removeprefix("whsec_") not in text
    assert str(read_secret(secret)) not in text
    assert password not in text
