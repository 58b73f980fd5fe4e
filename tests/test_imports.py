"""What the `slotwright` command loads: as little as what was asked for wants."""

import subprocess
import sys

from tests.test_cli import say


def test_only_what_was_asked_for_is_loaded() -> None:
    asked = "import sys, workers.cli.commands as told; told.slotwright(['history', '--help'], standalone_mode=False)"
    loaded = (
        "; print(sorted({name.partition('.')[0] for name in sys.modules} & {'alembic', 'arq', 'uvloop', 'aiohttp'}))"
    )
    said = subprocess.run([sys.executable, "-c", asked + loaded], capture_output=True, text=True, check=True).stdout
    assert said.splitlines()[-1] == "[]"
    assert all(f"  {name} " in say("--help").output for name in ("up", "receive", "work", "sandbox", "migrate"))
