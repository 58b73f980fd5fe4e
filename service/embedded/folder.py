"""The folder in which the embedded servers keep everything: data, logs, locks, sockets.

.slotwright/
    lock                     one supervisor at a time
    postgres/  valkey/       data, owned by whom the server runs as
    postgres.log valkey.log  of the last start
    postgres.lock ...        held by the server's own processes
    run/                     sockets, unless the path is too long for one
"""

import hashlib
import os
import re
import tempfile
from pathlib import Path
from typing import IO

from service.embedded.error import EmbeddedError
from service.embedded.identity import Account, Identity

LONGEST_SOCKET_PATH = 100
"""Bytes; sockaddr_un holds 107 on Linux and 103 on macOS."""
LONGEST_SOCKET_NAME = len("/.s.PGSQL.5432")
PLAIN_PATH = re.compile(r"[A-Za-z0-9/._-]+")
"""Readers of URLs disagree on how to undo quoting, so a path that needs any is not used for sockets."""


class Folder:
    """The folder of one installation; nothing is touched until `create`."""

    def __init__(self, path: Path) -> None:
        self.path = path.resolve()
        self.sockets = choose_socket_folder(self.path)

    def create(self) -> None:
        """Make the folder, mode 0700; one that exists keeps its mode."""
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        except FileExistsError as error:
            raise EmbeddedError(f"{self.path} is a file: choose a folder for the data") from error
        except OSError as error:
            raise EmbeddedError(
                f"Cannot create {self.path} ({error.strerror}): choose a folder that you may write to"
            ) from error
        if not os.access(self.path, os.R_OK | os.W_OK | os.X_OK):
            raise EmbeddedError(f"Cannot write to {self.path}: choose a folder that you may write to")

    def open_room(self, name: str, identity: Identity) -> Path:
        """The folder `name` inside, mode 0700, with all it holds belonging to `identity`."""
        self.admit(identity)
        room = self.path / name
        room.mkdir(mode=0o700, exist_ok=True)
        if os.geteuid() == 0 and room.lstat().st_uid != identity.uid:
            give(room, identity)
        return room

    def open_sockets(self, identity: Identity) -> Path:
        """The folder for sockets, mode 0700."""
        if self.sockets.parent == self.path:
            return self.open_room(self.sockets.name, identity)
        try:
            self.sockets.mkdir(mode=0o700)
        except FileExistsError:
            pass
        else:
            if os.geteuid() == 0:
                os.chown(self.sockets, identity.uid, identity.gid)
        found = self.sockets.lstat()
        # Its name can be foretold, so somebody else may have been there first.
        if found.st_mode != 0o040700 or found.st_uid != identity.uid:
            raise EmbeddedError(f"{self.sockets} is not a private folder of ours: remove it")
        return self.sockets

    def close_sockets(self) -> None:
        """Remove the folder for sockets if it lies elsewhere and nothing uses it."""
        if self.sockets.parent != self.path:
            try:
                self.sockets.rmdir()
            except OSError:
                return

    def open_log(self, name: str, identity: Identity) -> IO[bytes]:
        """The log `name`, empty."""
        path = self.path / name
        try:
            log = open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND | os.O_NOFOLLOW, 0o600), "wb")  # noqa: SIM115
        except OSError as error:
            raise EmbeddedError(f"Cannot write {path} ({error.strerror}): remove it") from error
        if os.geteuid() == 0:
            os.fchown(log.fileno(), identity.uid, identity.gid)
        return log

    def admit(self, identity: Identity) -> None:
        """Let another account pass through the folder, without seeing what else is in it."""
        found = self.path.stat()
        if isinstance(identity, Account) and found.st_uid != identity.uid and not found.st_mode & 0o001:
            os.chown(self.path, -1, identity.gid)
            self.path.chmod(0o710)


def choose_socket_folder(folder: Path) -> Path:
    """`folder`/run, or one in the temporary folder whose name says whose it is, the same at each start."""
    within = folder / "run"
    name = f"slotwright-{os.geteuid()}-{hashlib.sha256(os.fsencode(folder)).hexdigest()[:12]}"
    temporary = Path(tempfile.gettempdir()).resolve()
    for choice in (within, temporary / name, Path("/tmp").resolve() / name):  # noqa: S108
        fits = len(os.fsencode(choice)) + LONGEST_SOCKET_NAME <= LONGEST_SOCKET_PATH
        if fits and PLAIN_PATH.fullmatch(os.fspath(choice)):
            return choice
    raise EmbeddedError(f"The path of {folder} is too long for a socket: choose a shorter one")


def give(path: Path, identity: Identity) -> None:
    """Hand `path` and all below to `identity`; symbolic links are handed over, not followed."""
    os.chown(path, identity.uid, identity.gid, follow_symlinks=False)
    for parent, folders, files in os.walk(path):
        for name in folders + files:
            os.chown(os.path.join(parent, name), identity.uid, identity.gid, follow_symlinks=False)
