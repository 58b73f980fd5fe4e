"""As whom the servers run: PostgreSQL refuses root, and Valkey has no need of it.

Identity ─┬─ Same        an ordinary user stays who it is
          ├─ Namespace   root keeps its files, but has no powers: one id, mapped in a user namespace
          └─ Account     another user's id, where namespaces are refused or the data belong to that user
"""

import os
import pwd
import subprocess
import sys
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

from service.embedded.error import EmbeddedError
from service.embedded.libc import enter_user_namespace

UNPRIVILEGED_NAMES = ("nobody", "daemon")
UNPRIVILEGED_ID = 65534


@dataclass(frozen=True)
class Same:
    """The servers run as we do."""

    uid: int
    gid: int

    def assume(self) -> None:
        """Nothing to give up."""


@dataclass(frozen=True)
class Namespace:
    """Files belong to `uid` and `gid` outside; inside, the process sees itself as the ordinary user `inside`."""

    uid: int
    gid: int
    inside: tuple[int, int]

    def assume(self) -> None:
        """In the child: OSError where the kernel or a container's policy refuses."""
        if self.uid != os.geteuid():
            Account(self.uid, self.gid).assume()
        enter_user_namespace()
        write("/proc/self/setgroups", b"deny")
        write("/proc/self/uid_map", b"%d %d 1" % (self.inside[0], self.uid))
        write("/proc/self/gid_map", b"%d %d 1" % (self.inside[1], self.gid))


@dataclass(frozen=True)
class Account:
    """The servers run as another user."""

    uid: int
    gid: int

    def assume(self) -> None:
        """In the child, as root; groups first, for afterwards it may not."""
        os.setgroups([])
        os.setgid(self.gid)
        os.setuid(self.uid)


Identity = Same | Namespace | Account


class Probe(IntEnum):
    """How an attempt went; also the exit status of the child that tried."""

    WORKS = 0
    REFUSED = 70
    FOLDER_OUT_OF_REACH = 71
    PROGRAM_OUT_OF_REACH = 72


def choose_identity(folder: Path, data: Path, program: Path) -> Identity:
    """Who may run `program` on `data`, which need not exist yet, inside `folder`, which does."""
    ours = Same(os.geteuid(), os.getegid())
    owner = (data if data.exists() else folder).stat()
    unprivileged = find_unprivileged()
    # initdb refuses an id without a name, and a namespace can lend one.
    candidates: list[Identity]
    if ours.uid != 0:
        candidates = [ours] if is_named(ours.uid) else [Namespace(ours.uid, ours.gid, unprivileged), ours]
    elif owner.st_uid == 0:
        candidates = [Namespace(ours.uid, ours.gid, unprivileged), Account(*unprivileged)]
    else:
        account = Account(owner.st_uid, owner.st_gid)
        candidates = (
            [account] if is_named(account.uid) else [Namespace(account.uid, account.gid, unprivileged), account]
        )
    found: set[Probe] = set()
    for identity in candidates:
        if identity == ours:
            return ours
        # For another account the folder is opened once that is chosen, so only what is above it must be in reach.
        reach = folder if identity.uid == folder.stat().st_uid else folder.parent
        probe = try_identity(identity, program, reach)
        if probe is Probe.WORKS:
            return identity
        found.add(probe)
    if Probe.FOLDER_OUT_OF_REACH in found:
        raise EmbeddedError(
            f"The servers cannot run as root and no other user may enter {folder}: "
            "run as the user who owns the folders above it, or choose a folder elsewhere"
        )
    if Probe.PROGRAM_OUT_OF_REACH in found:
        raise EmbeddedError(
            f"The servers cannot run as root and no other user may execute {program}: "
            "run as the user who installed it, or set DATABASE_URL and REDIS_URL"
        )
    raise EmbeddedError(
        "The servers cannot run as root and the system refuses to drop it: "
        "run as an ordinary user, or set DATABASE_URL and REDIS_URL"
    )


def try_identity(identity: Identity, program: Path, folder: Path) -> Probe:
    """Assume `identity` in a child, enter `folder` and run `program --version`."""

    def prepare() -> None:
        try:
            identity.assume()
        except OSError:
            os._exit(Probe.REFUSED)
        if not os.access(folder, os.X_OK):
            os._exit(Probe.FOLDER_OUT_OF_REACH)

    if isinstance(identity, Namespace) and sys.platform != "linux":
        return Probe.REFUSED
    try:
        status = subprocess.run(  # noqa: S603
            [program, "--version"],
            preexec_fn=prepare,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ).returncode
    except OSError:
        return Probe.PROGRAM_OUT_OF_REACH
    return Probe(status) if status in set(Probe) else Probe.PROGRAM_OUT_OF_REACH


def find_unprivileged() -> tuple[int, int]:
    """User and group id of an account without rights, one that has a name where there is such."""
    for name in UNPRIVILEGED_NAMES:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return entry.pw_uid, entry.pw_gid
    return UNPRIVILEGED_ID, UNPRIVILEGED_ID


def is_named(uid: int) -> bool:
    """Whether the system's list of users has `uid`."""
    try:
        pwd.getpwuid(uid)
    except KeyError:
        return False
    return True


def write(path: str, content: bytes) -> None:
    """One write(2), which is what the files under /proc ask for."""
    descriptor = os.open(path, os.O_WRONLY)
    try:
        os.write(descriptor, content)
    finally:
        os.close(descriptor)
