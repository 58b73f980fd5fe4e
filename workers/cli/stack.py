"""The whole stack on one machine: embedded servers, sandbox, receiver and worker, which live and die with us."""

import base64
import contextlib
import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import click
from cryptography.fernet import Fernet

from service import embedded
from service.embedded import Servers
from service.settings import LEFT_BY_UP
from service.store import migrations
from workers.cli.sandbox import APP_ID

HOST = "127.0.0.1"
READY_WITHIN = 30.0
STOP_WITHIN = 25.0


@dataclass(frozen=True)
class Stack:
    """What runs, and where. URLs end without a slash."""

    receiver_url: str
    sandbox_url: str
    environment: Mapping[str, str]
    servers: Servers
    roles: Mapping[str, "subprocess.Popen[bytes]"]
    logs: Path

    def check(self) -> None:
        """Raise, in a line, when something that should run has ended."""
        self.servers.check()
        for name, process in self.roles.items():
            if (code := process.poll()) is not None:
                log = self.logs / f"{name}.log"
                raise click.ClickException(f"{name} ended with {code}: {_last_line(log)} (all of it in {log})")


@contextlib.contextmanager
def running(folder: Path, *, port: int, sandbox_port: int) -> Iterator[Stack]:
    """Start everything over `folder`; stop it, last started first, at the end. From the main thread only."""
    for name, wanted in (("--port", port), ("--sandbox-port", sandbox_port)):
        _refuse_taken(name, wanted)
    with embedded.servers(folder) as servers:
        migrations.migrate(servers.database_url)
        receiver_url, sandbox_url = f"http://{HOST}:{port}", f"http://{HOST}:{sandbox_port}"
        settings = {
            "database_url": servers.database_url,
            "redis_url": servers.redis_url,
            "highlevel_url": sandbox_url,
            "highlevel_app_ids": APP_ID,
            **_secrets(folder),
        }
        _keep_private(folder / LEFT_BY_UP, json.dumps(settings))
        environment = {**os.environ, **{name.upper(): value for name, value in settings.items()}}
        environment |= {"HOST": HOST, "PORT": str(port)}
        roles: dict[str, subprocess.Popen[bytes]] = {}
        stack = Stack(receiver_url, sandbox_url, environment, servers, roles, folder)
        try:
            options = ["--port", str(sandbox_port), "--webhook-url", f"{receiver_url}/hooks/highlevel"]
            _start(stack, "sandbox", *options)
            _wait_for(stack, f"{sandbox_url}/sandbox/webhook-key")
            _start(stack, "receive")
            _start(stack, "work")
            _wait_for(stack, f"{receiver_url}/readyz")
            yield stack
        finally:
            for process in reversed(list(roles.values())):
                _stop(process)


def _start(stack: Stack, role: str, *options: str) -> None:
    command = [sys.executable, "-m", "workers.cli", role, *options]
    with (stack.logs / f"{role}.log").open("wb") as log:
        role_of = stack.roles
        assert isinstance(role_of, dict)
        role_of[role] = embedded.spawn(command, env=stack.environment, stdout=log, stderr=log)


def _wait_for(stack: Stack, url: str) -> None:
    until = time.monotonic() + READY_WITHIN
    while True:
        try:
            with urllib.request.urlopen(url, timeout=1):  # noqa: S310 (loopback, made above)
                return
        except (urllib.error.URLError, OSError):
            stack.check()
            if time.monotonic() > until:
                raise click.ClickException(f"{url} does not answer; the logs are in {stack.logs}") from None
            time.sleep(0.03)


def _stop(process: "subprocess.Popen[bytes]") -> None:
    process.terminate()
    try:
        process.wait(STOP_WITHIN)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _refuse_taken(option: str, port: int) -> None:
    with socket.socket() as probe:
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
    return dict(json.loads(path.read_text()))


def _keep_private(path: Path, text: str) -> None:
    """Write a file that only we may read, whole or not at all."""
    draft = path.with_suffix(".draft")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    draft.replace(path)


def _last_line(log: Path) -> str:
    lines = log.read_text(errors="replace").strip().splitlines()
    return lines[-1] if lines else "it said nothing"
