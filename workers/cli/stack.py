"""The whole stack on one machine: embedded servers and our own roles, which live and die with us."""

import base64
import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import click
from cryptography.fernet import Fernet

from service import embedded
from service.embedded import Servers
from service.sandbox.world.records import Client
from service.settings import LEFT_BY_UP, Settings, read_settings
from service.store import migrations
from workers.cli.beginning import Beginning
from workers.cli.folder import in_use
from workers.cli.sandbox import APP_ID

HOST = "127.0.0.1"
READY_WITHIN = 30.0
STOP_WITHIN = 25.0
LOOK_EVERY = 0.03


class Roles:
    """Our own commands as processes of their own, each with a log in `folder`."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self._folder = folder
        self._environment = environment
        self._processes: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, role: str, *options: str) -> None:
        # -P: what lies in the current folder is none of our modules.
        command = [sys.executable, "-P", "-m", "workers.cli", role, *options]
        with _open_private(self._log(role)) as log:
            self._processes[role] = embedded.spawn(command, env=self._environment, stdout=log, stderr=log)

    def check(self) -> None:
        """Raise, in a line, when one has ended."""
        for role, process in self._processes.items():
            if (code := process.poll()) is not None:
                log = self._log(role)
                if code < 0:
                    name = signal.Signals(-code).name
                    raise click.ClickException(f"{role} was ended by {name}: start again, nothing is lost ({log})")
                raise click.ClickException(f"{role} ended with {code}: {_last_line(log)} (all of it in {log})")

    def stop(self) -> None:
        """Let each finish, the last started first; an impatient second Ctrl-C ends them at once."""
        latest_first = list(reversed(self._processes.values()))
        try:
            for process in latest_first:
                process.terminate()
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(STOP_WITHIN)
        finally:
            for process in latest_first:
                process.kill()
                process.wait()

    def _log(self, role: str) -> Path:
        return self._folder / f"{role}.log"


@dataclass(frozen=True)
class Stack:
    """What runs, and where. URLs end without a slash."""

    receiver_url: str
    sandbox_url: str
    settings: Settings
    servers: Servers
    roles: Roles
    console_url: str = ""

    def check(self) -> None:
        """Raise, in a line, when something that should run has ended."""
        self.servers.check()
        self.roles.check()


@contextlib.contextmanager
def running(folder: Path, beginning: Beginning, *, port: int, sandbox_port: int, console_port: int) -> Iterator[Stack]:
    """Start everything over `folder`; stop it, last started first, at the end. From the main thread only."""
    ports = {"--port": port, "--sandbox-port": sandbox_port, "--console-port": console_port}
    _check_ports(ports)
    # A second start on one folder is told that, not that the ports of the first are taken.
    if not in_use(folder):
        for option, taken in ports.items():
            _refuse_taken(option, taken)
    with embedded.servers(folder) as servers:
        values: dict[str, Any] = {
            "database_url": servers.database_url,
            "redis_url": servers.redis_url,
            "highlevel_url": f"http://{HOST}:{sandbox_port}",
            "highlevel_app_ids": APP_ID,
            **_app(beginning.clients, console_port),
            **_secrets(folder),
        }
        _keep_private(folder / LEFT_BY_UP, json.dumps(values))
        environment = {**os.environ, **{name.upper(): value for name, value in values.items()}}
        roles = Roles(folder, environment | _addresses(port, console_port))
        stack = Stack(
            receiver_url=f"http://{HOST}:{port}",
            sandbox_url=values["highlevel_url"],
            console_url=f"http://{HOST}:{console_port}",
            settings=read_settings(**values),
            servers=servers,
            roles=roles,
        )
        try:
            _start_roles(stack, beginning, port, sandbox_port, console_port)
            yield stack
        finally:
            roles.stop()


def _addresses(port: int, console_port: int) -> dict[str, str]:
    return {"HOST": HOST, "PORT": str(port), "CONSOLE_HOST": HOST, "CONSOLE_PORT": str(console_port)}


def _app(clients: Sequence[Client], console_port: int) -> dict[str, str]:
    """The sandbox's app, if it knows one, so that locations can be connected as with HighLevel's."""
    if not clients:
        return {}
    client = clients[0]
    return {
        "oauth_client_id": client.id,
        "oauth_client_secret": client.secret,
        "oauth_redirect_url": f"http://{HOST}:{console_port}/oauth/callback",
    }


def _start_roles(stack: Stack, beginning: Beginning, port: int, sandbox_port: int, console_port: int) -> None:
    """The receiver last: it asks the sandbox for its key. What can start beside something else does."""
    options = {
        "--host": HOST,
        "--port": str(sandbox_port),
        "--webhook-url": f"{stack.receiver_url}/hooks/highlevel",
        "--seed": beginning.seed,
        "--state": str(beginning.state),
    }
    stack.roles.start("sandbox", *(word for option in options.items() for word in option))
    migrations.migrate(stack.settings.database_url)
    stack.roles.start("work")
    stack.roles.start("console")
    _wait_for(stack, sandbox_port, "/_sandbox/webhook-key")
    stack.roles.start("receive")
    _wait_for(stack, port, "/readyz")
    _wait_for(stack, console_port, "/readyz")


def _wait_for(stack: Stack, port: int, path: str) -> None:
    until = time.monotonic() + READY_WITHIN
    while not _is_served(port, path):
        stack.check()
        if time.monotonic() > until:
            raise click.ClickException(f"nothing answers at http://{HOST}:{port}{path} within {READY_WITHIN:.0f} s")
        time.sleep(LOOK_EVERY)


def _is_served(port: int, path: str) -> bool:
    connection = http.client.HTTPConnection(HOST, port, timeout=1)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _check_ports(ports: Mapping[str, int]) -> None:
    for option, port in ports.items():
        if not 0 < port < 65536:
            raise click.ClickException(f"{option} {port} is no port: choose one from 1 to 65535")
    options = {port: option for option, port in ports.items()}
    for option, port in ports.items():
        if options[port] != option:
            raise click.ClickException(f"{option} and {options[port]} are the same: choose two")


def _refuse_taken(option: str, port: int) -> None:
    with socket.socket() as probe:
        # Connections of an earlier run that are about to end take nothing.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise click.ClickException(
                f"port {port} on {HOST} cannot be had ({error.strerror}): choose another with {option}"
            ) from None


def _secrets(folder: Path) -> dict[str, str]:
    """The keys that this folder's data were made with; made at the first start."""
    path = folder / "secrets.json"
    if not path.exists():
        secrets = {
            "secret_key": Fernet.generate_key().decode(),
            "sandbox_signing_key": base64.b64encode(os.urandom(32)).decode(),
        }
        _keep_private(path, json.dumps(secrets))
    try:
        return dict(json.loads(path.read_text()))
    except ValueError:
        raise click.ClickException(
            f"{path} cannot be read: put it back, or give another folder; without it stored tokens cannot be opened"
        ) from None


def _keep_private(path: Path, text: str) -> None:
    """Write a file that only we may read, whole or not at all."""
    draft = path.with_suffix(".draft")
    with _open_private(draft) as file:
        file.write(text.encode())
    draft.replace(path)


def _open_private(path: Path) -> IO[bytes]:
    """A new file that only the folder's owner may read, also when root starts for once what is another's."""
    path.unlink(missing_ok=True)
    file = os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600), "wb")
    if os.geteuid() == 0:
        owner = path.parent.stat()
        os.fchown(file.fileno(), owner.st_uid, owner.st_gid)
    return file


def _last_line(log: Path) -> str:
    lines = log.read_text(errors="replace").strip().splitlines()
    return lines[-1] if lines else "it said nothing"
