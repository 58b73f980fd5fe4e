"""Privacy: a person found by id, e-mail or phone, and by command exported and erased, with a receipt."""

import asyncio
import json
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from service.store import erasing, privacy
from service.store.database import Pool
from service.store.person import Kind, Person
from tests.house import SECRET, register
from tests.planted import EMAIL, HERS, NAME, OTHERS, PHONE, TITLE, both
from tests.sandboxes import LOCATION
from tests.test_cli import say
from tests.test_deliveries import rows
from tests.test_erasing import erase


@pytest.fixture
async def store(pool: Pool) -> Pool:
    await register(pool)
    return pool


async def test_it_is_told_by_the_receipt_who_was_erased_and_by_nothing_else(store: Pool) -> None:
    await both(store)
    await erase(store, "email", EMAIL)
    other = SecretStr("another key")
    async with store.acquire() as connection:

        async def asked(kind: Kind, text: str, key: SecretStr = SECRET) -> int:
            return len(await erasing.receipts(connection, [Person.of(kind, text).digest(key)]))

        assert await asked("email", EMAIL.upper()) == 1
        assert await asked("contact", HERS) == 1, "whom it turned out to be"
        assert await asked("email", "basil@example.com") == 0
        assert await asked("email", EMAIL, other) == 0
        [receipt] = await erasing.receipts(connection, None)
    assert (receipt.kind, receipt.who, receipt.finished_at is None) == ("email", "mo", False)


async def test_where_an_address_is_only_mentioned_that_row_is_emptied_and_nothing_else_of_who_it_is_about(
    store: Pool,
) -> None:
    hers, other = await both(store)
    mention = "UPDATE steps SET sentence = 'a friend of Plumdrake@Example.com' WHERE delivery_id = $1 AND place = 0"
    await rows(store, mention, other)
    async with store.acquire() as connection:
        who = await privacy.sought(connection, Person.of("email", EMAIL), None)
    assert (set(who.contacts), set(who.beside)) == ({HERS}, {OTHERS})
    await erase(store, "email", EMAIL)
    assert await rows(
        store, "SELECT sentence FROM steps WHERE delivery_id = $1 AND place < 2 ORDER BY place", other
    ) == [
        ("erased",),
        ("write Fernsby, +44 7700 900444",),
    ]
    assert await rows(store, "SELECT state FROM deliveries WHERE body_digest IS NULL") == [("done",)]
    assert hers != other


async def test_in_one_location_alone(store: Pool) -> None:
    await both(store)
    async with store.acquire() as connection:
        elsewhere = await privacy.sought(connection, Person.of("contact", HERS), "lElsewhere")
        found = await privacy.find(connection, elsewhere)
        assert {table for table, keys in found.items() if keys} == set()
        here = await privacy.find(connection, await privacy.sought(connection, Person.of("contact", HERS), LOCATION))
    assert len(here["steps"]) == 7


@asynccontextmanager
async def commanded(url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Any]:
    monkeypatch.setenv("DATABASE_URL", url)
    monkeypatch.setenv("SECRET_KEY", SECRET.get_secret_value())

    async def tell(*words: object, **options: Any) -> Any:
        return await asyncio.to_thread(say, "privacy", *words, **options)

    yield tell


async def test_by_command_it_is_found_exported_and_erased(
    store: Pool, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hers, _ = await both(store)
    file = tmp_path / "hers.json"
    async with commanded(database_url, monkeypatch) as told:
        found = await told("find", "--email", EMAIL)
        assert f"delivery {hers}" in found.stdout
        assert HERS in found.stdout
        counted = json.loads((await told("find", "--phone", PHONE, "--json")).stdout)
        assert (counted["found"]["steps"], counted["contacts"]) == (7, [HERS])
        await told("export", "--contact", HERS, "--to", file)
        exported = json.loads(file.read_text())
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert exported["deliveries"][0]["body"]["appointment"]["title"] == f"{TITLE} for {NAME}"
        assert {"verdicts", "steps", "calls", "appointments", "timers", "alerts"} <= exported.keys()
        again = await told("export", "--contact", OTHERS, "--to", file)
        assert (again.exit_code, again.stderr) == (1, f"Error: {file} is there already: name another file\n")
        assert json.loads(file.read_text()) == exported
        refused = await told("erase", "--email", EMAIL, input="yes\n")
        assert refused.exit_code == 1
        assert "nothing was erased" in refused.output
        assert await rows(store, "SELECT count(*) FROM erasures") == [(0,)]
        erased = await told("erase", "--email", EMAIL, "--by", "mo", input="erase\n")
        assert "1 deliveries" in erased.stdout
        assert "by email, mo" in (await told("receipts", "--contact", HERS)).stdout
        assert "No receipt is of this contact" in (await told("receipts", "--contact", OTHERS)).stdout
        assert "ask with --contact, or as it was asked then" in (await told("receipts", "--phone", PHONE)).stdout
        assert "Nothing of theirs" in (await told("find", "--email", EMAIL)).stdout
        for said in (found, refused, erased):
            assert "plumdrake" not in said.output.lower(), "who asked knows, and whoever reads along need not"


async def test_a_location_is_meant_by_its_name_or_its_id_also_one_that_is_registered_no_more(
    store: Pool, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await both(store)
    await register(store, "lElsewhere")
    await rows(store, "UPDATE locations SET name = 'Bath Salon' WHERE location_id = 'lElsewhere'")
    async with commanded(database_url, monkeypatch) as told:

        async def refused(wanted: str) -> Any:
            return (await told("erase", "--contact", HERS, "--location", wanted, "--yes")).stderr

        by_name = await told("find", "--contact", HERS, "--location", "leeds salon", "--json")
        assert json.loads(by_name.stdout)["found"]["steps"] == 7
        assert "Nothing of theirs" in (await told("find", "--contact", HERS, "--location", "bath salon")).stdout
        assert await refused("Leed Salon") == (
            "Error: no location Leed Salon is registered: did you mean Leeds Salon?\n"
        )
        await rows(store, "UPDATE locations SET name = '' WHERE location_id = 'lElsewhere'")
        assert (await refused("")).startswith("Error: no location '' is registered: "), "not the one without a name"
        assert await rows(store, "SELECT count(*) FROM erasures") == [(0,)]
        await rows(store, "DELETE FROM locations WHERE location_id = $1", LOCATION)
        assert (
            await refused("Leeds Salon")
            == "Error: no location Leeds Salon is registered: slotwright locations list shows them\n"
        )
        erased = await told("erase", "--contact", HERS, "--location", LOCATION, "--yes")
        assert f"by contact in {LOCATION}" in erased.stdout
        assert "1 deliveries" in erased.stdout


async def test_of_whom_nothing_is_remembered_nothing_is_written(
    store: Pool, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither a file nor a receipt; by an address it is said that webhooks rarely tell one."""
    await both(store)
    by_id = "ask with --contact as well."
    async with commanded(database_url, monkeypatch) as told:
        for who, told_by_id in (("--contact", "cNobody"), False), (("--email", "nobody@example.com"), True):
            found = await told("find", *who)
            exported = await told("export", *who, "--to", tmp_path / "nobody.json")
            erased = await told("erase", *who, "--yes")
            assert (found.exit_code, exported.exit_code, erased.exit_code) == (0, 1, 0)
            for words in (found.stdout, exported.stderr, erased.stdout):
                assert "othing of theirs is remembered" in words
                assert (by_id in words) is told_by_id
        assert (await told("receipts")).stdout == "Nobody was erased.\n"
    assert list(tmp_path.iterdir()) == []
    assert await rows(store, "SELECT count(*) FROM erasures") == [(0,)]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ((), "say who"),
        (("--email", "a@example.com", "--contact", "c"), "say who"),
        (("--email", "plumdrake at home"), "no e-mail address"),
        (("--phone", "77009"), "no phone number"),
        (("--contact", "plum/drake"), "no contact's id"),
    ],
)
def test_who_is_asked_for_must_be_somebody(words: tuple[str, ...], told: str) -> None:
    result = say("privacy", "find", *words)
    assert result.exit_code == 2
    assert told in result.output
    assert "drake" not in result.output
