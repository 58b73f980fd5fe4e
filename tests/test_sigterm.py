"""SIGTERM: a command has an answer to it from its first moment, for as process 1 of a container it has no other."""

import asyncio
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.house import settings_for
from tests.processes import end_of, start

pytestmark = pytest.mark.processes

HEAVY = {"asyncio", "asyncpg", "click", "pydantic", "structlog", "yaml"}


@pytest.mark.parametrize("words", [("migrate",), ("doctor",), ("rules", "apply", "-m", "why", "{rules}")], ids=" ".join)
async def test_a_command_that_ends_by_itself_ends_when_it_is_told_to(words: tuple[str, ...], tmp_path: Path) -> None:
    """In the middle of a question to a database that says nothing. -15 were the kernel's doing, not the command's."""
    rules = tmp_path / "rules"
    rules.mkdir()
    (rules / "a.yaml").write_text("rules: [{name: a, when: appointment.created, then: [{do: add_note, text: seen}]}]")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(30)
        url = f"postgresql://nobody@127.0.0.1:{silent.getsockname()[1]}/nothing"
        log = tmp_path / "log"
        process = start(settings_for(url, "redis://127.0.0.1:1"), log, *(word.format(rules=rules) for word in words))
        asking, _ = await asyncio.to_thread(silent.accept)
        with asking:
            assert process.poll() is None, log.read_text()
            process.send_signal(signal.SIGTERM)
            assert await end_of(process) == 128 + signal.SIGTERM
    assert "Traceback" not in log.read_text()


def test_what_takes_a_while_to_import_comes_after_the_answer_to_sigterm() -> None:
    code = "import sys; from workers.cli import main; print(*sys.modules)"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert set(said.split()) & HEAVY == set()
