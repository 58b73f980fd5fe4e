"""Our code where another user can reach it: a checkout may lie in a folder that only its owner may enter."""

import atexit
import functools
import os
import shutil
import tempfile
from pathlib import Path

import asyncpg

PROJECT, LIBRARIES = Path(__file__).parents[1], Path(asyncpg.__file__).parents[1]
PACKAGES = ("service", "workers", "migrations", "helm")


@functools.cache
def reachable() -> tuple[Path, Path]:
    """The folders of our packages and libraries: as they are or, where strangers may not enter, linked elsewhere."""
    if all(path.stat().st_mode & 0o001 for folder in (PROJECT, LIBRARIES) for path in (folder, *folder.parents)):
        return PROJECT, LIBRARIES
    place = Path(tempfile.mkdtemp(prefix="swopen-"))
    atexit.register(shutil.rmtree, place, ignore_errors=True)
    place.chmod(0o755)
    for name in PACKAGES:
        shutil.copytree(PROJECT / name, place / "project" / name, copy_function=_link)
    shutil.copytree(LIBRARIES, place / "site-packages", copy_function=_link)
    for folder, _, _ in os.walk(place):
        Path(folder).chmod(0o755)
    return place / "project", place / "site-packages"


def _link(source: str, target: str) -> None:
    """A link where strangers may read the file, else a copy that they may."""
    mode = os.stat(source).st_mode
    try:
        if not mode & 0o004:
            raise PermissionError(source)
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
        os.chmod(target, mode | 0o444 | (mode & 0o100) >> 2)
