"""Migrations beside running code: the previous release, which is kept here, works before, during and after them."""

import asyncio
import compileall
import json
import sys
import zipfile
from collections.abc import AsyncIterator, Iterator
from itertools import count
from pathlib import Path
from subprocess import run as run_process

import asyncpg
import pytest

from service.embedded import Servers
from tests.cluster import Cluster, open_cluster
from tests.constraints import CONSTRAINTS, demanded_otherwise
from tests.databases import Database, left_by, new_database
from tests.house import event, settings_for, signed
from tests.load import Load
from tests.pgbouncer import PgBouncer, needs_pgbouncer, pgbouncer
from tests.processes import OURS, end_of, kill, run, start
from tests.test_order import booking

pytestmark = pytest.mark.processes

WHEEL = Path(__file__).parent / "previous" / "slotwright-0.1.0-py3-none-any.whl"
ITS_SCHEMA = "0001"
ONE_AT_A_TIME = 0x510_7
"""The lock that migrations of every release take."""

NUMBERS = count(1)

CONSTANTS = """
import importlib, json, pkgutil, service.store
found = {}
for module in pkgutil.iter_modules(service.store.__path__):
    for name, value in vars(importlib.import_module(f"service.store.{module.name}")).items():
        if name.isupper() and isinstance(value, str):
            found[f"{module.name}.{name}"] = value
print(json.dumps(found))
"""
SQL = ("SELECT", "INSERT", "UPDATE", "DELETE", "WITH")

COLUMNS = """
    SELECT table_name, column_name, data_type, is_nullable = 'YES' OR column_default IS NOT NULL
        OR is_identity = 'YES' AS may_be_left_out
    FROM information_schema.columns WHERE table_schema = 'public' AND table_name <> 'alembic_version'
"""
UNUSABLE = "SELECT indexrelid::regclass::text FROM pg_index WHERE NOT indisvalid"
INDEXES = "SELECT relname, oid FROM pg_class WHERE relkind = 'i' AND relnamespace = 'public'::regnamespace"
AT_THE_DOOR = """
    SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND query LIKE '%advisory%' AND pid <> pg_backend_pid()
"""
BUILDING = """
    SELECT progress.pid FROM pg_stat_progress_create_index AS progress
    JOIN pg_class ON pg_class.oid = progress.index_relid
    WHERE progress.datname = current_database() AND relname = $1
"""


@pytest.fixture(scope="session")
def previous(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The previous release's code, out of its wheel."""
    folder = tmp_path_factory.mktemp("previous")
    with zipfile.ZipFile(WHEEL) as wheel:
        wheel.extractall(folder)
    # Our processes write no bytecode.
    compileall.compile_dir(folder, quiet=1)
    return folder


@pytest.fixture
async def bare(servers: Servers, tmp_path: Path) -> AsyncIterator[Database]:
    """A database with nothing in it."""
    async with new_database(servers, f"bare_{next(NUMBERS)}") as url:
        yield Database(url, settings_for(url, servers.redis_url), tmp_path)


@pytest.fixture
def migrated(database_url: str, servers: Servers, tmp_path: Path) -> Database:
    """As this release leaves it."""
    return Database(database_url, settings_for(database_url, servers.redis_url), tmp_path)


@pytest.fixture
def bouncer(servers: Servers) -> Iterator[PgBouncer]:
    with pgbouncer(servers) as started:
        yield started


@pytest.fixture(scope="session")
def left_by_previous(previous: Path, servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The name of a database as the previous release left it: it is made once, and each test has a copy."""
    database = asyncio.run(left_by(previous, servers, "left_by_previous", tmp_path_factory.mktemp("left")))
    assert asyncio.run(database.version()) == ITS_SCHEMA
    return "left_by_previous"


@pytest.fixture
async def migrated_before(left_by_previous: str, servers: Servers, tmp_path: Path) -> AsyncIterator[Database]:
    """As the previous release left it."""
    async with new_database(servers, f"left_{next(NUMBERS)}", left_by_previous) as url:
        yield Database(url, settings_for(url, servers.redis_url), tmp_path)


async def test_what_the_previous_release_says_to_its_database_still_holds(
    migrated_before: Database, previous: Path
) -> None:
    told = run_process([sys.executable, "-P", "-c", CONSTANTS], env={"PYTHONPATH": str(previous)}, capture_output=True)
    constants: dict[str, str] = json.loads(told.stdout)
    statements = {name: value for name, value in constants.items() if value.split()[:1] and value.split()[0] in SQL}
    assert len(statements) > 30
    assert (await migrated_before.migrate())[0] == 0
    faults = {}
    connection = await asyncpg.connect(migrated_before.url)
    for name, statement in statements.items():
        try:
            await connection.prepare(statement)
        except asyncpg.PostgresError as error:
            faults[name] = str(error)
    await connection.close()
    assert faults == {}


async def test_migrations_only_add_and_what_they_add_may_be_left_out(migrated_before: Database) -> None:
    columns, constraints = await migrated_before.rows(COLUMNS), await migrated_before.rows(CONSTRAINTS)
    tables = {row[0] for row in columns}
    assert (await migrated_before.migrate())[0] == 0
    columns_now, constraints_now = await migrated_before.rows(COLUMNS), await migrated_before.rows(CONSTRAINTS)
    assert columns - columns_now == set(), "nothing was taken away"
    assert {row for row in columns_now - columns if row[0] in tables and not row[3]} == set()
    otherwise = demanded_otherwise(constraints, constraints_now)
    assert {row for row in otherwise if row[0] in tables} == set(), "nothing new is demanded"


async def test_both_releases_work_before_during_and_after_a_migration(
    migrated_before: Database, previous: Path, servers: Servers, tmp_path: Path
) -> None:
    async with open_cluster(migrated_before.url, servers.redis_url, tmp_path) as cluster:
        old = await asyncio.gather(*(cluster.receive(previous) for _ in range(2)), cluster.work(previous))
        load = Load(cluster)
        async with load.going():
            await load.more(20)
            assert (await migrated_before.migrate())[0] == 0
            assert await migrated_before.version() > ITS_SCHEMA
            await load.more(20)
            await load.caught_up()
            new = await asyncio.gather(cluster.receive(), cluster.work())
            await load.more(20)
            assert not cluster.front.unanswered
            await asyncio.gather(*map(cluster.end, old))
            await load.more(20)
            await load.caught_up()
            of_the_old = cluster.front.unanswered  # 0.1.0 breaks off what came right before its end
            # Rolled back: its code comes again, the schema stays.
            again = await asyncio.gather(cluster.receive(previous), cluster.work(previous))
            await load.more(20)
            await asyncio.gather(*map(cluster.end, new))
            await load.more(20)
            assert min(new[0].taken, again[0].taken) > 0
        await load.settled()
        assert await load.faults() == []
        assert cluster.front.unanswered == of_the_old
        print(f"{load.customers} customers, {len(load.answers)} deliveries, again: {dict(load.again)}")


@pytest.mark.parametrize("other", ["ours", "previous"])
async def test_two_migrations_at_once_end_well(other: str, bare: Database, previous: Path) -> None:
    code = previous if other == "previous" else OURS
    ours = theirs = (0, "")
    connection = await asyncpg.connect(bare.url)
    await connection.execute("SELECT pg_advisory_lock($1)", ONE_AT_A_TIME)

    async def both() -> None:
        nonlocal ours, theirs
        ours, theirs = await asyncio.gather(bare.migrate(), bare.migrate(code))

    async with asyncio.TaskGroup() as tasks, asyncio.timeout(30):
        tasks.create_task(both())
        while await connection.fetchval(AT_THE_DOOR) < 2:
            await asyncio.sleep(0.01)
        await connection.close()
    assert (ours[0], theirs[0]) == (0, 0), ours[1] + theirs[1]
    assert await bare.rows(UNUSABLE) == set()
    assert await bare.version() > ITS_SCHEMA


async def test_a_migration_that_meets_a_long_lock_changes_nothing_and_can_be_run_again(
    migrated_before: Database,
) -> None:
    before = await migrated_before.rows(COLUMNS)
    connection = await asyncpg.connect(migrated_before.url)
    async with connection.transaction():
        await connection.execute("LOCK TABLE deliveries IN ACCESS SHARE MODE")
        code, said = await migrated_before.migrate()
        assert (code, said.splitlines()) == (1, [LOCKED])
        assert await migrated_before.rows(COLUMNS) == before
        assert await migrated_before.version() == ITS_SCHEMA
    await connection.close()
    assert (await migrated_before.migrate())[0] == 0
    assert await migrated_before.rows(COLUMNS) > before


LOCKED = (
    "Error: the migrations were not applied: a table is held by a transaction that takes long; run it again when that "
    "has ended (canceling statement due to lock timeout)"
)


@needs_pgbouncer
async def test_a_migration_through_pgbouncer_is_refused(bare: Database, bouncer: PgBouncer) -> None:
    settings = bare.settings.model_copy(update={"database_url": bouncer.url(bare.url)})
    code, said = await run(settings, bare.log(), "migrate")
    assert code == 1
    assert said.startswith(REFUSED)
    assert await bare.rows(COLUMNS) == set()


REFUSED = "Error: the database does not answer (unsupported startup parameter: lock_timeout)"


async def test_a_schema_of_a_later_release_is_left_as_it_is(migrated: Database) -> None:
    """As where an operator or a pipeline runs `migrate` of an older release; the chart runs none on a rollback."""
    connection = await asyncpg.connect(migrated.url)
    await connection.execute("UPDATE alembic_version SET version_num = '9999'")
    await connection.close()
    before = await migrated.rows(COLUMNS)
    code, said = await migrated.migrate()
    assert (code, said) == (0, LATER)
    assert (await migrated.version(), await migrated.rows(COLUMNS)) == ("9999", before)


LATER = "The schema is a later release's, and stays as it is: it suits the release right before that one.\n"


@pytest.mark.parametrize("goes_on", [False, True], ids=["and its statement", "but not its statement"])
async def test_a_migration_killed_while_it_builds_an_index_keeps_nobody_out_and_is_mended_by_the_next(
    goes_on: bool, migrated_before: Database, previous: Path, servers: Servers, tmp_path: Path
) -> None:
    async with open_cluster(migrated_before.url, servers.redis_url, tmp_path) as cluster:
        await cluster.receive(previous)
        first, second = await asyncpg.connect(migrated_before.url), await asyncpg.connect(migrated_before.url)
        hold, hold_on = first.transaction(), second.transaction()
        await hold.start()
        # Somebody writes, and takes long: first to the table of the first index, then to that of the next ones.
        await first.execute("LOCK TABLE steps IN ROW EXCLUSIVE MODE")
        killed = start(migrated_before.settings, migrated_before.log(), "migrate")
        await building(cluster, "steps_of_note")
        await hold_on.start()
        await second.execute("LOCK TABLE deliveries IN ROW EXCLUSIVE MODE")
        await hold.rollback()
        orphan = await building(cluster, "deliveries_by_location")
        body = json.dumps(event(booking("meanwhile"))).encode()
        assert (await cluster.front.post(body, signed(cluster.key, body)))[0] == 202
        kill(killed)
        if goes_on:
            assert await building(cluster, "deliveries_by_location") == orphan, "the database has not noticed"
        else:
            assert await first.fetchval("SELECT pg_terminate_backend($1, 10000)", orphan)
        assert await migrated_before.rows(UNUSABLE) == {("deliveries_by_location",)}
        log = migrated_before.log()
        next_ = start(migrated_before.settings, log, "migrate")
        await hold_on.rollback()
        assert await end_of(next_) == 0, log.read_text()
        await first.close()
        await second.close()
    assert await migrated_before.rows(UNUSABLE) == set()


async def test_a_migration_that_broke_off_goes_on_where_it_was(migrated: Database) -> None:
    """What is whole is not built again, however late in its list of indexes it was stopped."""
    before = dict(await migrated.rows(INDEXES))
    connection = await asyncpg.connect(migrated.url)
    await connection.execute("UPDATE alembic_version SET version_num = '0002'")
    await connection.execute("DROP INDEX deliveries_by_source")
    await connection.execute(
        "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'deliveries_of_series'::regclass"
    )
    await connection.close()
    assert (await migrated.migrate())[0] == 0
    after = dict(await migrated.rows(INDEXES))
    assert after.keys() == before.keys()
    assert {name for name in after if after[name] != before[name]} == {"deliveries_by_source", "deliveries_of_series"}
    assert await migrated.rows(UNUSABLE) == set()


async def building(cluster: Cluster, index: str) -> int:
    """Wait until an index is being built: the process of the database that does it."""
    async with asyncio.timeout(20):
        while (pid := await cluster.pool.fetchval(BUILDING, index)) is None:
            await asyncio.sleep(0.01)
    return int(pid)
