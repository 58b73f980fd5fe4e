"""Both embedded servers together, for as long as a block of code runs."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from service.embedded.error import EmbeddedError
from service.embedded.folder import Folder
from service.embedded.lock import Lock
from service.embedded.postgres import Postgres
from service.embedded.valkey import Valkey


@dataclass(frozen=True)
class Servers:
    """Where both can be reached, and whether they still can."""

    database_url: str
    redis_url: str
    postgres: Postgres = field(repr=False)
    valkey: Valkey = field(repr=False)

    def check(self) -> None:
        """Raise EmbeddedError if one of them has ended although nobody stopped it."""
        self.postgres.check()
        self.valkey.check()


@contextmanager
def servers(folder: Path) -> Iterator[Servers]:
    """Start PostgreSQL and Valkey over `folder`, which is created if need be, and stop both at the end.

    From the main thread only. However this process ends, they end with it.
    """
    place = Folder(folder)
    place.create()
    lock = Lock(place.path / "lock")
    if not lock.take():
        raise EmbeddedError(
            f"Slotwright already runs in {place.path} ({lock.holder()}): stop it, or choose another folder"
        )
    with ExitStack() as stack:
        stack.callback(lock.release)
        lock.sign(os.getpid())
        postgres, valkey = Postgres(folder), Valkey(folder)
        for server in (postgres, valkey):
            stack.callback(server.stop)
            server.launch()
        for server in (postgres, valkey):
            server.wait_ready()
        yield Servers(postgres.url, valkey.url, postgres, valkey)
