"""A folder of rule files: their texts, and what is wrong with those that cannot be read as such."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from workers.faults import Fault, RulebookFaults
from workers.yaml_nodes import LARGEST

ENDINGS: Final = frozenset({".yaml", ".yml"})


def files_in(folder: Path) -> dict[str, str]:
    """The text of all rule files in a folder and below, by their path in it. Raises `RulebookFaults`."""
    found, faults = texts_in(folder)
    if faults:
        raise RulebookFaults(faults)
    return found


def texts_in(folder: Path) -> tuple[dict[str, str], list[Fault]]:
    """The text of all rule files in a folder and below, by their path in it, and what is wrong with the others.

    What begins with a dot is passed over; that is also where a mounted ConfigMap shows each file again.
    """
    found: dict[str, str] = {}
    faults: list[Fault] = []
    for file in sorted(_visible(folder, faults)):
        path = _path(file, folder)
        try:
            content = _content(file)
        except _Unreadable as error:
            faults.append(Fault(path, error.line, error.column, str(error)))
        else:
            if not path.isprintable():
                faults.append(Fault(path, 1, 1, "the file's name has signs in it that nobody can read"))
            found[path] = content
    return found, faults


class _Unreadable(Exception):
    """A file is no text of ours; line and column begin with 1."""

    def __init__(self, message: str, line: int = 1, column: int = 1) -> None:
        super().__init__(message)
        self.line, self.column = line, column


def _content(file: Path) -> str:
    """Raises _Unreadable. Only of a regular file: nobody knows when another ends."""
    if not file.is_file():
        what = "a link that leads to no file" if file.is_symlink() else "no regular file"
        raise _Unreadable(f"this is {what}")
    try:
        with file.open("rb") as opened:
            content = opened.read(LARGEST + 1)
    except OSError as error:
        raise _Unreadable(f"the file cannot be read ({error.strerror})") from None
    if len(content) > LARGEST:
        raise _Unreadable(f"the file is larger than {LARGEST // 1024} KiB")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = content[: error.start].decode("utf-8-sig", errors="replace").split("\n")
        byte = content[error.start]
        message = f"the file is not UTF-8: here is the byte 0x{byte:02x}; save it as UTF-8"
        raise _Unreadable(message, len(before), len(before[-1]) + 1) from None


def _visible(folder: Path, faults: list[Fault]) -> Iterator[Path]:
    """What is called as rule files are. Links are followed, for the folders of a mounted ConfigMap are links; no folder
    is read twice."""

    def closed(error: OSError) -> None:
        if isinstance(error, FileNotFoundError):
            return  # there are no rules in what is not there, or not any more
        path = _path(Path(error.filename), folder)
        faults.append(Fault(path, 1, 1, f"the folder cannot be read ({error.strerror})"))

    entered: set[tuple[int, int]] = set()
    for place, folders, names in os.walk(folder, followlinks=True, onerror=closed):
        here = Path(place)
        status = here.stat()
        if (status.st_dev, status.st_ino) in entered:
            folders.clear()
            continue
        entered.add((status.st_dev, status.st_ino))
        shown = (name for name in folders if name[0] != ".")
        folders[:] = sorted(shown, key=lambda name: ((here / name).is_symlink(), name))
        yield from (here / name for name in names if name[0] != "." and Path(name).suffix in ENDINGS)


def _path(file: Path, folder: Path) -> str:
    """In it, as it is shown: names need not be text."""
    return os.fsencode(file.relative_to(folder).as_posix()).decode(errors="replace")
