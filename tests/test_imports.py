"""What the `slotwright` command loads: as little as what was asked for wants."""

import subprocess
import sys

import pytest

from tests.test_cli import say


@pytest.mark.parametrize(
    ("asked", "spared"),
    [
        ("['history', '--help']", "{'alembic', 'arq', 'uvloop', 'aiohttp'}"),
        ("['receive', '--help']", "{'alembic', 'workers.rulebook', 'workers.apply'}"),
        ("['console', '--help']", "{'alembic', 'workers.rulebook', 'workers.apply'}"),
    ],
)
def test_only_what_was_asked_for_is_loaded(asked: str, spared: str) -> None:
    script = (
        f"import sys, workers.cli.commands as told; told.slotwright({asked}, standalone_mode=False); "
        f"print(sorted(set(sys.modules) & {spared}))"
    )
    said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert said.splitlines()[-1] == "[]"


def test_every_command_is_told_of() -> None:
    told = say("--help").output
    assert all(f"  {name} " in told for name in ("up", "receive", "work", "sandbox", "migrate"))
