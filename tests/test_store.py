"""What is remembered: every statement against the schema, and what each table promises."""

import asyncio
import importlib
import pkgutil
import re
from datetime import UTC, datetime, timedelta
from types import ModuleType
from typing import Any
from uuid import UUID

import pytest
from cryptography.fernet import Fernet
from pydantic import SecretStr

import service.store
from service.highlevel.call import Call
from service.store import (
    appointments,
    arrivals,
    bookings,
    calls,
    contacts,
    deliveries,
    follows,
    lanes,
    locations,
    migrations,
    rulebooks,
    series,
    steps,
)
from service.store.database import Pool
from service.store.deliveries import Delivery
from service.store.identifiers import new_id
from service.store.ledger import Entry, Sheet, write_down
from service.store.sealing import Keys
from tests.house import SECRET, register
from tests.sandboxes import LOCATION
from tests.test_deliveries import rows
from tests.test_trigger import AFTER

PATH = service.store.__path__
MODULES = [importlib.import_module(module.name) for module in pkgutil.iter_modules(PATH, "service.store.")]
KEYWORDS = {"SELECT", "INSERT", "UPDATE", "DELETE", "WITH"}


def statements(module: ModuleType) -> dict[str, str]:
    """Its constants that are SQL."""
    constants = {
        name: value.statement if isinstance(value, Sheet) else value
        for name, value in vars(module).items()
        if name.isupper() and isinstance(value, str | Sheet)
    }
    return {name: value for name, value in constants.items() if KEYWORDS & {*value.split()[:1]}}


STATEMENTS = {
    f"{module.__name__.rpartition('.')[2]}.{name}": sql
    for module in MODULES
    for name, sql in statements(module).items()
}


async def test_every_statement_suits_the_schema(pool: Pool) -> None:
    assert len(STATEMENTS) > 30
    assert {"lanes.CLAIM", "deliveries.CHANGED", "steps.KEEP"} <= STATEMENTS.keys(), "also those of sheets"
    faults = {}
    async with pool.acquire() as connection:
        for name, statement in STATEMENTS.items():
            try:
                await connection.prepare(statement)
            except Exception as error:
                faults[name] = str(error)
    assert faults == {}


@pytest.fixture
async def filled(pool: Pool) -> Pool:
    """A year of a busy salon: 5,000 lanes at rest and 50 ready, 30,000 deliveries of which 50 are open."""
    fill = """
    INSERT INTO lanes (lane_id, location_id, subject)
        SELECT gen_random_uuid(), 'loc', 's' || n FROM generate_series(1, 5000) AS n;
    INSERT INTO deliveries (delivery_id, source, received_at, location_id, appointment_id, lane_id, state, body)
        SELECT gen_random_uuid(), 'highlevel', now(), 'loc', subject, lane_id, 'done', '{}'
        FROM lanes, generate_series(1, 6);
    INSERT INTO delivery_keys (source, key, delivery_id)
        SELECT source, gen_random_uuid()::text, delivery_id FROM deliveries;
    INSERT INTO appointments (location_id, appointment_id, booking) SELECT location_id, subject, '{}' FROM lanes;
    INSERT INTO contacts SELECT location_id, subject, '{}', now() FROM lanes;
    INSERT INTO steps (step_id, delivery_id, location_id, appointment_id, rule, place, part, action, state, sentence)
        SELECT gen_random_uuid(), delivery_id, 'loc', appointment_id, 'r', 0, 0, 'a', 'done', 's' FROM deliveries;
    UPDATE lanes SET ready_at = now() - interval '1 minute' WHERE subject LIKE 's1__';
    UPDATE deliveries SET state = 'waiting' WHERE appointment_id LIKE 's1__';
    ANALYZE;
    """
    async with pool.acquire() as connection:
        await connection.execute(fill)
    return pool


NOW = datetime(2027, 7, 5, tzinfo=UTC)
CHANGED = deliveries.changed(
    Delivery(UUID(int=1), "done", NOW, "e", "loc", None, None, 0, 0, timedelta(), None, None, None, b"")
)

HOT: list[tuple[str, list[Any], set[str]]] = [
    (lanes.CLAIM, ["worker", lanes.LEASE, 16, "", ["loc"], [3], 12, 5], {"lanes_due", "lanes_pkey"}),
    (lanes.RENEW, [[UUID(int=1)], [1], lanes.LEASE], {"lanes_pkey"}),
    (lanes.RENEW_FREE, [[UUID(int=1)], [1], lanes.LEASE], {"lanes_pkey"}),
    (lanes.HOLD, [[UUID(int=1)], [1]], {"lanes_pkey"}),
    (lanes.HOLD_FREE, [[UUID(int=1)], [1]], {"lanes_pkey"}),
    (lanes.RELEASE, [[UUID(int=1)], [1], [timedelta()]], {"lanes_pkey", "deliveries_open"}),
    (deliveries.NEXT, [[UUID(int=1)]], {"deliveries_open"}),
    (deliveries.OPENED, [UUID(int=1)], {"deliveries_open"}),
    (deliveries.CHANGED.statement, [[value] for value in CHANGED.row], {"deliveries_pkey"}),
    (arrivals.KNOWN_KEYS, [["highlevel"], ["key"]], {"delivery_keys_pkey"}),
    (arrivals.KNOWN_KEYS, [["highlevel"] * 20, list("abcdefghijklmnopqrst")], {"delivery_keys_pkey"}),
    (appointments.FIND, ["loc", "s7"], {"appointments_pkey"}),
    (appointments.SEVERAL, [["loc"], ["s7"]], {"appointments_pkey"}),
    (contacts.FIND, ["loc", "c7"], {"contacts_pkey"}),
    (contacts.WRITTEN, ["loc", "c7", NOW, timedelta(minutes=1)], {"steps_on_contacts"}),
    (steps.OF_DELIVERIES, [[UUID(int=1)]], {"steps_delivery_id_rule_place_part_key"}),
    (bookings.BOOKED_BY, ["loc", "c7", "s7", "cal", NOW, NOW, timedelta(seconds=60)], {"steps_that_book"}),
    (series.CHANGES_SINCE, ["loc", "s7", NOW, NOW, timedelta(seconds=60)], {"steps_of_series"}),
    (steps.CHANGED_BY, ["loc", "s7", "any", timedelta(days=1), "s7"], {"steps_by_appointment", "steps_of_series"}),
    (steps.TAKEN, ["loc", ["a", "b"], UUID(int=1)], {"steps_by_written"}),
]

FEW = ("holds",)
"""Tables of a few rows, read whole."""


async def test_hot_queries_use_their_index(filled: Pool) -> None:
    async with filled.acquire() as connection:
        for statement, values, indexes in HOT:
            plan = "\n".join(row[0] for row in await connection.fetch(f"EXPLAIN {statement}", *values))
            assert [index for index in indexes if index not in plan] == [], plan
            whole = re.findall(r"Seq Scan on (\w+)", plan)
            assert [table for table in whole if table not in FEW] == [], plan


async def test_applying_the_migrations_again_changes_nothing(pool: Pool, database_url: str) -> None:
    schema = """
        SELECT table_name, column_name, data_type, is_nullable FROM information_schema.columns
        WHERE table_schema = 'public' UNION ALL
        SELECT tablename, indexname, indexdef, '' FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1, 2
    """
    await register(pool)
    before = await rows(pool, schema)
    for _ in range(2):
        await asyncio.to_thread(migrations.migrate, database_url)
    assert await rows(pool, schema) == before
    assert await rows(pool, "SELECT location_id FROM locations") == [(LOCATION,)]


@pytest.mark.parametrize(
    ("kept", "read"),
    [
        ("a\0b\0\0", "a\ufffdb\ufffd\ufffd"),
        ("half a \ud83d pair", "half a ? pair"),
        ('Zoë 👩‍👩‍👧 \\ " \n \x7f', 'Zoë 👩‍👩‍👧 \\ " \n \x7f'),
        (r"written \u0000 and \\u0000", r"written \u0000 and \\u0000"),
        ({"a\0": [1, 2.5, None, True, {}]}, {"a\ufffd": [1, 2.5, None, True, {}]}),
        (UUID(int=7), str(UUID(int=7))),
    ],
    ids=["NUL", "half a pair", "all else", "escapes as text", "within", "an id"],
)
async def test_json_comes_back_as_it_was_kept_but_for_what_postgres_has_no_text_of(
    pool: Pool, kept: object, read: object
) -> None:
    async with pool.acquire() as connection:
        assert await connection.fetchval("SELECT $1::jsonb", kept) == read


async def test_a_token_is_encrypted_at_rest_and_never_shown(pool: Pool) -> None:
    await register(pool)
    [(at_rest,)] = await rows(pool, "SELECT token FROM locations")
    assert b"pit-" not in at_rest
    async with pool.acquire() as connection:
        found = await locations.find(connection, Keys(SECRET), LOCATION)
        assert found is not None
        assert found.token.get_secret_value() == "pit-sandbox-demo"
        assert "pit-" not in f"{found!r} {found} {found.token!r}"
        assert [each.token.get_secret_value() for each in await locations.every(connection)] == [""]
        with pytest.raises(locations.TokenUnreadable) as refusal:
            await locations.find(connection, Keys(SecretStr(Fernet.generate_key().decode())), LOCATION)
        assert "pit-" not in str(refusal.value)
        assert await locations.find(connection, Keys(SECRET), "nobody") is None


async def test_a_location_registered_again_stays_connected_since(pool: Pool) -> None:
    await register(pool, connected=AFTER)
    await register(pool)
    assert await rows(pool, "SELECT connected_at, mode FROM locations") == [(AFTER, "live")]


async def test_the_same_rules_twice_are_one_version(pool: Pool) -> None:
    async with pool.acquire() as connection:

        async def apply(location: str | None, digest: str) -> tuple[int, bool]:
            async with connection.transaction():
                return await rulebooks.apply(connection, location, {"a.yaml": f"# {digest}"}, digest, "why")

        async def in_force(location: str) -> rulebooks.StoredRulebook:
            found = await rulebooks.in_force_for(connection, [location])
            stored = await rulebooks.find(connection, found[location])
            assert stored is not None
            return stored

        assert await rulebooks.in_force_for(connection, [LOCATION]) == {}
        assert [await apply(None, digest) for digest in "aabba"] == [
            (1, True),
            (1, False),
            (2, True),
            (2, False),
            (3, True),
        ]
        shared = await in_force(LOCATION)
        assert (shared.location_id, shared.version, shared.files) == (None, 3, {"a.yaml": "# a"})
        assert await apply(LOCATION, "a") == (1, True)
        own = await in_force(LOCATION)
        assert (own.location_id, own.version) == (LOCATION, 1), "its own goes before the shared one"
        assert await in_force("elsewhere") == shared
        both = await rulebooks.in_force_for(connection, [LOCATION, "elsewhere"])
        assert both == {LOCATION: own.rulebook_id, "elsewhere": shared.rulebook_id}


async def test_rules_applied_at_once_are_versions_one_after_the_other(pool: Pool) -> None:
    async def apply(digest: str) -> tuple[int, bool]:
        async with pool.acquire() as connection, connection.transaction():
            return await rulebooks.apply(connection, None, {}, digest, "")

    assert sorted(await asyncio.gather(*(apply(digest) for digest in "abcde"))) == [(n, True) for n in range(1, 6)]


async def test_a_follow_is_kept_changed_and_forgotten(pool: Pool) -> None:
    follow = follows.Follow(new_id(), "loc", "app", "rule", "after", timedelta(minutes=15), "Clean up", None, None)
    blocked = follows.Follow(**{**vars(follow), "block": {"id": "block", "starts": "2027-07-05T10:00:00Z"}})
    async with pool.acquire() as connection:
        for each in (follow, blocked, follow):
            await write_down(connection, [follows.kept(each)])
            found = await follows.of_appointments(connection, [("loc", "app"), ("loc", "other"), ("other", "app")])
            assert found == {("loc", "app"): [each]}
        await write_down(connection, [follows.forgotten(follow.follow_id)])
        assert await follows.of_appointments(connection, [("loc", "app")]) == {}


def made(answer: object) -> Entry:
    call = Call(operation="AddNote", request={"body": []}, status=200, answer=answer, error=None, milliseconds=1.5)
    return calls.made(call, delivery_id=new_id(), step_id=None, location_id=LOCATION, called_at=NOW)


async def test_of_a_call_request_and_answer_are_kept_up_to_eight_kilobytes_each(pool: Pool) -> None:
    small, large = {"note": "n" * 8000}, {"note": "n\0" * 5000}
    call = Call(operation="AddNote", request=small, status=200, answer=large, error=None, milliseconds=1.5)
    async with pool.acquire() as connection:
        made = calls.made(call, delivery_id=new_id(), step_id=None, location_id=LOCATION, called_at=NOW)
        await write_down(connection, [made])
    [(request, answer, status)] = await rows(pool, "SELECT request, answer, status FROM calls")
    assert (request, status) == (small, 200)
    assert answer["cut"].startswith('{"note": "n')
    assert answer["length"] > 10_000
    assert await rows(pool, "SELECT length(answer::text) <= 8192 FROM calls") == [(True,)]


@pytest.mark.parametrize("answer", [None, [], [{"id": 1}, {"id": 2}], ["a", ["b"]], {}, "words", 7, False])
async def test_of_a_call_any_answer_is_kept_beside_others(pool: Pool, answer: object) -> None:
    async with pool.acquire() as connection:
        await write_down(connection, [made(answer), made({"id": 1})])
    assert await rows(pool, "SELECT answer FROM calls ORDER BY call_id") == [(answer,), ({"id": 1},)]
