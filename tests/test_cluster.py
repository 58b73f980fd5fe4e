"""Two receivers and three workers over one Postgres and Valkey, also through PgBouncer: restarted, killed, cut off."""

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from service.embedded import Servers
from service.highlevel.connection import open_session
from service.store import rulebooks
from service.store.database import Connection
from tests.cluster import Cluster, open_cluster
from tests.house import event, register, signed
from tests.load import RULES, Load
from tests.pgbouncer import PgBouncer, needs_pgbouncer, pgbouncer
from tests.processes import end_of, held_at
from tests.test_order import booking
from workers.cli.demo import SAMPLES, outcomes
from workers.cli.rules.book import rules_in
from workers.cli.stack import Roles, Stack
from workers.cli.up import examples
from workers.rulebook import Rulebook, read

pytestmark = pytest.mark.processes

END_BACKENDS = """
    SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
    WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()
"""

SLOW_COMMITS = (
    "CREATE TABLE commits_are_slow AS SELECT true",
    """
    CREATE FUNCTION take_long() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN WHILE EXISTS (SELECT FROM commits_are_slow) LOOP PERFORM pg_sleep(0.01); END LOOP; RETURN NULL; END $$
    """,
    "CREATE CONSTRAINT TRIGGER take_long AFTER INSERT ON deliveries "
    "DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION take_long()",
)
"""A commit of a delivery goes on for as long as the table has a row."""

COMMITTING = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'"
WAITING = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
IDLE_INSIDE = """
    SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND state = 'idle in transaction' AND query LIKE '%INTO steps%'
"""


ROUNDS = int(os.environ.get("ROLLING_ROUNDS", "1"))
"""Rolling restarts of everything; more of them for a night, and then through PgBouncer too."""

DIRECTLY = "directly"
POOLED = pytest.param("through PgBouncer", marks=needs_pgbouncer)


@pytest.fixture(params=[DIRECTLY, POOLED])
def bouncer(request: pytest.FixtureRequest, servers: Servers) -> Iterator[PgBouncer | None]:
    if request.param == DIRECTLY:
        yield None
        return
    with pgbouncer(servers) as started:
        yield started


@pytest.fixture
async def empty(
    database_url: str, servers: Servers, bouncer: PgBouncer | None, tmp_path: Path
) -> AsyncIterator[Cluster]:
    """Nothing runs yet; no rules."""
    pooled = bouncer.url(database_url) if bouncer else None
    async with open_cluster(database_url, servers.redis_url, tmp_path, pooled=pooled) as opened:
        await register(opened.pool)
        yield opened


@pytest.fixture
async def cluster(empty: Cluster) -> Cluster:
    """Two receivers and three workers; no rules yet."""
    await asyncio.gather(*(empty.receive() for _ in range(2)), *(empty.work() for _ in range(3)))
    return empty


def post(cluster: Cluster, appointment_id: str, type_: str = "AppointmentCreate") -> tuple[bytes, dict[str, str]]:
    """A webhook's body and headers."""
    body = json.dumps(event(booking(appointment_id), type_)).encode()
    return body, signed(cluster.key, body)


async def put_in_force(cluster: Cluster, book: Rulebook) -> None:
    async with cluster.pool.acquire() as connection, connection.transaction():
        await rulebooks.apply(connection, None, book.source, book.digest, "a test")


async def receivers_in_turn(cluster: Cluster) -> None:
    for receiver in list(cluster.receivers):
        await cluster.end(receiver)
        await cluster.receive()


async def workers_in_turn(cluster: Cluster) -> None:
    for worker in list(cluster.workers):
        await cluster.end(worker)
        held = "SELECT count(*) FROM lanes WHERE worker LIKE $1"
        assert not await cluster.pool.fetchval(held, f"%:{worker.process.pid}:%"), "it gave back what it had"
        await cluster.work()


async def demo_ends_right(cluster: Cluster, servers: Servers) -> None:
    await put_in_force(cluster, rules_in(examples(), below=False))
    stack = Stack("", cluster.settings.highlevel_url, cluster.settings, servers, Roles(cluster.folder, {}))
    async with open_session() as session:
        ended = [outcome async for outcome in outcomes(stack, cluster.pool, session)]
    assert [(outcome.sample, outcome.differs) for outcome in ended] == [(name, None) for name, _ in SAMPLES]
    assert all(receiver.taken for receiver in cluster.receivers), "its webhooks came to both"


@pytest.mark.parametrize("bouncer", [DIRECTLY, *([POOLED] if ROUNDS > 1 else [])], indirect=True)
async def test_the_demo_ends_right_and_a_rolling_restart_of_each_under_load_loses_and_doubles_nothing(
    cluster: Cluster, servers: Servers, bouncer: PgBouncer | None
) -> None:
    await demo_ends_right(cluster, servers)
    await put_in_force(cluster, read({"rules.yaml": RULES}))
    # At any moment some write is done and not answered yet.
    for path in ("/calendars/appointments/{appointment_id}/notes", "/calendars/events/block-slots"):
        slow = {"method": "POST", "path": path, "hold": 0.2, "times": 100_000}
        await cluster.call("POST", "/_sandbox/faults", slow, status=201)
    load = Load(cluster)
    async with load.going():
        await load.more(20)
        for _ in range(ROUNDS):
            await asyncio.gather(receivers_in_turn(cluster), workers_in_turn(cluster))
        assert (cluster.front.unanswered, load.again) == (0, {}), "who is told to stop finishes what it took"
        cluster.kill(cluster.workers[0])
        cluster.kill(cluster.receivers[0])
        await asyncio.gather(cluster.receive(), cluster.work())
        assert await cluster.pool.fetchval(END_BACKENDS) > 0
        await load.more(20)
        if bouncer:
            bouncer.kill()
            await asyncio.sleep(0.3)
            bouncer.start()
            await load.more(20)
    await load.settled()
    assert await load.faults() == []
    assert cluster.said("unexpected", "Traceback") == []
    print(f"{load.customers} customers, {len(load.answers)} deliveries, again: {dict(load.again)}")


@pytest.mark.parametrize("bouncer", [DIRECTLY], indirect=True)
async def test_a_receiver_that_is_told_to_stop_answers_whoever_is_connected(empty: Cluster) -> None:
    """One request is held up by a lock in the middle; on another connection nothing was said yet."""
    receiver = await empty.receive()
    assert (await empty.front.post(*post(empty, "under0way")))[0] == 202
    reader, writer = await asyncio.open_connection("127.0.0.1", receiver.port)
    async with empty.pool.acquire() as connection, asyncio.TaskGroup() as tasks:
        hold = connection.transaction()
        await hold.start()
        await connection.execute("SELECT FROM lanes FOR UPDATE")
        under_way = tasks.create_task(empty.front.post(*post(empty, "under0way", "AppointmentUpdate")))
        async with asyncio.timeout(10):
            while not await connection.fetchval(WAITING):
                await asyncio.sleep(0.01)
        receiver.process.terminate()
        async with asyncio.timeout(10):
            while b"stopping" not in receiver.log.read_bytes():
                await asyncio.sleep(0.005)
        body, headers = post(empty, "connected")
        lines = {"Host": "slotwright", "Content-Length": str(len(body)), **headers}
        head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        writer.write(f"POST /hooks/highlevel HTTP/1.1\r\n{head}\r\n".encode() + body)
        await hold.rollback()
    assert under_way.result()[0] == 202
    assert (await reader.readline()).startswith(b"HTTP/1.1 202")
    writer.close()
    assert await end_of(receiver.process) == 0
    assert empty.front.unanswered == 0


async def test_a_delivery_whose_receiver_is_killed_in_the_middle_of_the_commit_is_kept_once(empty: Cluster) -> None:
    killed, _ = await asyncio.gather(empty.receive(), empty.receive())
    empty.front.rotation.sort(key=lambda receiver: receiver is not killed)
    for statement in SLOW_COMMITS:
        await empty.pool.execute(statement)
    body, headers = post(empty, "committed")
    async with asyncio.TaskGroup() as tasks:
        first = tasks.create_task(empty.front.post(body, headers))
        async with asyncio.timeout(10):
            while not await empty.pool.fetchval(COMMITTING):
                await asyncio.sleep(0.01)
        empty.kill(killed)
    assert first.result()[0] == 502, "its sender does not know"
    await empty.pool.execute("DELETE FROM commits_are_slow")
    async with asyncio.timeout(10):
        while not (kept := await empty.pool.fetchval("SELECT delivery_id FROM deliveries")):
            await asyncio.sleep(0.01)
    again = await empty.front.post(body, headers)
    assert again == (200, {"delivery": str(kept), "known": True})
    assert await empty.pool.fetchval("SELECT count(*) FROM deliveries") == 1


@pytest.mark.parametrize("bouncer", [POOLED], indirect=True)
async def test_a_worker_that_is_stopped_inside_a_transaction_keeps_its_lane_from_nobody(empty: Cluster) -> None:
    await put_in_force(empty, read({"rules.yaml": RULES}))
    await empty.receive()
    stopped = await empty.work()
    load = Load(empty, at_once=1)
    async with held_at(empty.database_url, "sent") as point:
        async with load.going():
            await load.more(1)
        await point.reached_by(1)
        stopped.process.send_signal(signal.SIGSTOP)
        # Its statement ends, and its transaction stays open.
        await point.let_go()
        async with asyncio.timeout(10):
            while not await empty.pool.fetchval(IDLE_INSIDE):
                await asyncio.sleep(0.02)
    await empty.work()
    await load.settled()
    stopped.process.send_signal(signal.SIGCONT)
    await load.settled()
    assert await load.faults() == []


async def until_one_waits_for_a_lock(connection: Connection) -> None:
    async with asyncio.timeout(10):
        while not await connection.fetchval(WAITING):
            await asyncio.sleep(0.01)
