"""The database: whether it lets us in, is fit for us, and has the schema of this version."""

import asyncio
import ssl
from collections.abc import Callable, Sequence
from datetime import datetime
from socket import gaierror

import asyncpg

from service.settings import Settings
from service.store import condition, migrations
from service.store.condition import Connections, Server
from service.store.database import AWAY, Pool, open_pool
from workers.cli.checkup import clocks
from workers.cli.checkup.finding import Finding, address, failed, listed, ok, warning
from workers.workplace import CONNECTIONS

OLDEST = 15
MIGRATE = "run slotwright migrate"
CACHE_OFF = "set DATABASE_STATEMENT_CACHE=0"

TIMES = 10
"""How often two connections are asked who serves them: others in the pool may take turns with them."""

POOLED = (
    asyncpg.ProtocolViolationError,
    asyncpg.DuplicatePreparedStatementError,
    asyncpg.InvalidSQLStatementNameError,
)
"""What comes of a pooler that refuses our session's parameter, or gives a statement to another server."""


class Database:
    """Looks by way of `pool`, which asks nothing of a session, so that it gets through any pooler."""

    def __init__(self, settings: Settings, pool: Pool, clock: Callable[[], datetime]) -> None:
        self._settings = settings
        self._pool = pool
        self._clock = clock
        self.server: Server | None = None
        """Known once it was reached."""

    async def reach(self) -> Sequence[Finding]:
        """The first look: without it none of the others can be had."""
        where = address(self._settings.database_url)
        try:
            async with self._pool.acquire() as connection:
                self.server = await condition.server(connection)
        except (asyncpg.PostgresError, *AWAY) as error:
            return [failed("database", f"{where}: {_words(error)}", _advice(error))]
        return of_server(self.server, where)

    async def migrations(self) -> Sequence[Finding]:
        known = await asyncio.to_thread(migrations.packaged)
        async with self._pool.acquire() as connection:
            return [of_schema(known, await condition.revisions(connection))]

    async def rights(self) -> Sequence[Finding]:
        async with self._pool.acquire() as connection:
            closed = await condition.closed_tables(connection)
        server = self.server
        if server is not None and (server.replica or server.read_only):
            what = "a replica" if server.replica else "read-only"
            return [failed("writing", f"this server is {what}", "let DATABASE_URL name the one that takes writes")]
        if closed:
            advice = "GRANT SELECT, INSERT, UPDATE, DELETE on them to the user in DATABASE_URL"
            return [failed("writing", f"this user may not read and write {listed(closed)}", advice)]
        return [ok("writing", "the server takes writes, and ours")]

    async def connections(self) -> Sequence[Finding]:
        async with self._pool.acquire() as connection:
            return [of_connections(await condition.connections(connection))]

    async def time(self) -> Sequence[Finding]:
        async with self._pool.acquire() as connection:
            await condition.clock(connection)  # the second asking takes no longer than the way there and back
            before = self._clock()
            theirs = await condition.clock(connection)
            return [clocks.compared("database clock", theirs, before, self._clock())]

    async def pooler(self) -> Sequence[Finding]:
        """Connects as the roles do. Two of our connections that one server process serves are not each its own."""
        cached = self._settings.database_statement_cache > 0
        pool = await open_pool(self._settings, size=2)
        try:
            async with pool.acquire() as one, pool.acquire() as other:
                served: list[tuple[int, int]] = []
                while len(served) < TIMES and not _shared(served):
                    served.append((await condition.backend(one), await condition.backend(other)))
                promised = one.get_server_pid(), other.get_server_pid()
        except POOLED:
            found = "a pooler such as PgBouncer stands before the database and refuses what the roles ask of it"
            return [failed("pooler", found, CACHE_OFF if cached else "let it keep sessions apart")]
        finally:
            pool.terminate()
        return [of_pooler(served, promised, cached=cached)]


def of_server(server: Server, where: str) -> Sequence[Finding]:
    if server.major < OLDEST:
        told = f"{where} is PostgreSQL {server.version}"
        first = failed("database", told, f"Slotwright needs PostgreSQL {OLDEST} or newer")
    else:
        first = ok("database", f"{where} answers, PostgreSQL {server.version}")
    if server.encoding != "UTF8":
        advice = "create the database anew with ENCODING 'UTF8' and TEMPLATE template0"
        return [first, failed("encoding", f"{server.encoding} cannot keep every text", advice)]
    return [first, ok("encoding", "UTF8")]


def of_schema(known: Sequence[str], found: Sequence[str]) -> Finding:
    """`known`: the migrations packaged with this version, oldest first; `found`: where the schema stands."""
    if not found:
        return failed("migrations", "the database has no schema of ours", MIGRATE)
    if foreign := [revision for revision in found if revision not in known]:
        told = f"the database is at {listed(foreign)}, newer than this version, which knows {known[-1]}"
        return warning("migrations", told, "go on with the upgrade of what still runs in this version")
    missing = known[known.index(found[-1]) + 1 :]
    if missing:
        are = "is" if len(missing) == 1 else "are"
        return failed("migrations", f"{', '.join(missing)} {are} missing, the schema is at {found[-1]}", MIGRATE)
    return ok("migrations", f"current, the schema is at {found[-1]}")


def of_connections(connections: Connections) -> Finding:
    """One more worker should find room."""
    told = f"{connections.used} of {connections.most} in use, {connections.free} left for us"
    if connections.free >= CONNECTIONS:
        return ok("connections", told)
    advice = f"a worker may take {CONNECTIONS}: raise max_connections or the database's limit"
    return (warning if connections.free else failed)("connections", told, advice)


def of_pooler(served: Sequence[tuple[int, int]], promised: tuple[int, int], *, cached: bool) -> Finding:
    """By the process ids that served two connections that were open together, and those they were promised."""
    if _shared(served):
        told = "a pooler stands before the database and shares its connections out by transaction"
        return warning("pooler", told, CACHE_OFF) if cached else ok("pooler", f"{told}; the statement cache is off")
    if any(pair != promised for pair in served):
        told = "a pooler stands before the database, in which mode cannot be told"
        return warning("pooler", told, f"in transaction mode {CACHE_OFF}") if cached else ok("pooler", told)
    return ok("pooler", "none, connections go straight to PostgreSQL")


def _shared(served: Sequence[tuple[int, int]]) -> bool:
    """Whether one server process was both connections': none is, where each keeps its own for good."""
    ones, others = {one for one, _ in served}, {other for _, other in served}
    return bool(ones & others)


def _words(error: BaseException) -> str:
    """Never the error's own: they name users, and may quote what they could not read."""
    match error:
        case asyncpg.InvalidAuthorizationSpecificationError():
            return "user or password are refused"
        case asyncpg.InvalidCatalogNameError():
            return "there is no database of that name"
        case asyncpg.TooManyConnectionsError():
            return "every connection is taken"
        case asyncpg.CannotConnectNowError():
            return "it is starting or stopping"
        case asyncpg.PostgresError():
            return f"it refuses us (SQLSTATE {error.sqlstate})"
        case asyncpg.ClientConfigurationError():
            return "DATABASE_URL cannot be understood"
        case gaierror():
            return "no host of that name is known"
        case ConnectionRefusedError():
            return "nothing listens there"
        case FileNotFoundError():
            return "there is no socket there"
        case ssl.SSLError():
            return "TLS cannot be agreed upon"
        case TimeoutError():
            return "no answer in time"
    return f"no connection ({type(error).__name__})"


def _advice(error: BaseException) -> str:
    match error:
        case asyncpg.InvalidAuthorizationSpecificationError():
            return "mend user and password in DATABASE_URL, or what pg_hba.conf says of them"
        case asyncpg.InvalidCatalogNameError():
            return "create it, or mend DATABASE_URL"
        case asyncpg.TooManyConnectionsError():
            return "raise max_connections, or run fewer workers"
        case asyncpg.ClientConfigurationError() | gaierror():
            return "mend DATABASE_URL"
    return "start it, or mend DATABASE_URL"
