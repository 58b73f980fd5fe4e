"""The two Linux calls that Python does not offer, loaded before any fork: a child must not search libraries."""

import ctypes
import os
import sys

PR_SET_PDEATHSIG = 1
PR_SET_DUMPABLE = 4
CLONE_NEWUSER = 0x10000000

LIBC = ctypes.CDLL(None, use_errno=True)
if sys.platform == "linux":
    LIBC.prctl.argtypes = [ctypes.c_int] + [ctypes.c_ulong] * 4
    LIBC.prctl.restype = ctypes.c_int
    LIBC.unshare.argtypes = [ctypes.c_int]
    LIBC.unshare.restype = ctypes.c_int


def enter_user_namespace() -> None:
    """Move this process into a user namespace of its own (unshare(2)); OSError where that is refused."""
    # After a change of user /proc/self belongs to root, and the maps could not be written.
    LIBC.prctl(PR_SET_DUMPABLE, 1, 0, 0, 0)
    if LIBC.unshare(CLONE_NEWUSER) != 0:
        raise OSError(ctypes.get_errno(), "unshare")


def die_with_parent(signal: int, parent: int) -> None:
    """Have the kernel send `signal` when the thread that forked this process ends (prctl(2)).

    A change of credentials clears this, so it comes after one.
    """
    if LIBC.prctl(PR_SET_PDEATHSIG, signal, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl")
    # The parent may have gone between fork and prctl: nobody would send the signal any more.
    if os.getppid() != parent:
        os.kill(os.getpid(), 9)
