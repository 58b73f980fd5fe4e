"""Ids: UUIDv7, made by us, so that they sort by time (PostgreSQL makes them itself only from 18 on)."""

import os
import time
from uuid import UUID


def new_id() -> UUID:
    """A fresh UUIDv7, which sorts after those made before it as far as this machine's clock goes forward.

    48 bits of milliseconds, then 12 bits of the fraction of one, a quarter of a microsecond each (RFC 9562,
    section 6.2, method 3): what one process makes in the same millisecond keeps its order. The rest is random.
    """
    milliseconds, nanoseconds = divmod(time.time_ns(), 1_000_000)
    fraction = nanoseconds * 4096 // 1_000_000
    random = int.from_bytes(os.urandom(8), "big") >> 2
    return UUID(int=(milliseconds << 80) | (0x7 << 76) | (fraction << 64) | (0x2 << 62) | random)
