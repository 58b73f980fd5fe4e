"""A lock on a file that ends with the processes that hold it, however they end."""

import contextlib
import fcntl
import os
import time
from pathlib import Path

from service.embedded.error import EmbeddedError

LOOK_EVERY = 0.02


class Lock:
    """flock(2) on `path`: held while any process has this descriptor open, so a child given it keeps the lock too."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.descriptor = -1

    def take(self, patience: float = 0.0) -> bool:
        """Whether the lock is ours now; waits up to `patience` seconds for it."""
        try:
            self.descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
            owner = self.path.parent.stat()
            if os.geteuid() == 0 and owner.st_uid != 0:
                # Whoever owns the folder will want to start without root one day.
                os.fchown(self.descriptor, owner.st_uid, owner.st_gid)
        except OSError as error:
            raise EmbeddedError(f"Cannot write {self.path} ({error.strerror}): choose a folder of your own") from error
        until = time.monotonic() + patience
        while True:
            try:
                fcntl.flock(self.descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() >= until:
                    self.release()
                    return False
                time.sleep(LOOK_EVERY)
            except OSError as error:
                self.release()
                raise EmbeddedError(
                    f"Cannot lock {self.path} ({error.strerror}): choose a folder on a local disk"
                ) from error
            else:
                return True

    def sign(self, pid: int) -> None:
        """Write down who holds the lock, for whoever finds it taken."""
        os.ftruncate(self.descriptor, 0)
        os.pwrite(self.descriptor, b"%d\n" % pid, 0)

    def holder(self) -> str:
        """What the holder wrote down, in words."""
        with contextlib.suppress(OSError, ValueError):
            return f"process {int(self.path.read_text())}"
        return "another process"

    def release(self) -> None:
        """Close our descriptor; the lock stays with the children that were given it."""
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1
