"""Rekeying: everything that is sealed, sealed anew with the first key, while others go on reading and writing it."""

from service.store.database import BOUND, Connection
from service.store.sealing import Keys, Shut

# What a location's grant and the location itself share is sealed once.
SEALED = """
    SELECT 'location' AS kind, location_id AS name, ARRAY[token] AS sealed FROM locations
    WHERE NOT EXISTS (
        SELECT FROM grants WHERE grants.location_id = locations.location_id AND grants.token = locations.token
    )
    UNION ALL SELECT 'grant', subject, ARRAY[token, refresh_token] FROM grants
    UNION ALL SELECT 'source', name, secrets FROM sources WHERE kind = 'external'
"""

LOCK = f"""
    SELECT {BOUND} FROM locations
    WHERE location_id = (SELECT location_id FROM grants WHERE subject = $1) FOR UPDATE
"""  # noqa: S608 (no value in it)

SEAL_LOCATION = """
    UPDATE locations SET token = ($3::bytea[])[1] WHERE location_id = $1 AND ARRAY[token] = $2::bytea[]
    RETURNING location_id
"""
SEAL_GRANT = """
    WITH sealed AS (
        UPDATE grants SET token = ($3::bytea[])[1], refresh_token = ($3::bytea[])[2]
        WHERE subject = $1 AND ARRAY[token, refresh_token] IS NOT DISTINCT FROM $2::bytea[]
        RETURNING subject, location_id
    ), told AS (
        UPDATE locations SET token = ($3::bytea[])[1] FROM sealed
        WHERE locations.location_id = sealed.location_id AND locations.token = ($2::bytea[])[1]
    )
    SELECT subject FROM sealed
"""
SEAL_SOURCE = "UPDATE sources SET secrets = $3::bytea[] WHERE name = $1 AND secrets = $2::bytea[] RETURNING name"
SEAL = {"location": SEAL_LOCATION, "grant": SEAL_GRANT, "source": SEAL_SOURCE}


async def rekey(connection: Connection, keys: Keys) -> tuple[int, list[str]]:
    """How many were sealed anew, and which could not be opened.

    What changes in between, as a token does that is refreshed, is read again: whoever wrote it may have had the second
    key alone.
    """
    done: set[tuple[str, str]] = set()
    shut: set[tuple[str, str]] = set()
    left = True
    while left:
        left = False
        for row in await connection.fetch(SEALED):
            what = (row["kind"], row["name"])
            if what in done or what in shut:
                continue
            before: list[bytes | None] = row["sealed"]
            try:
                after = [None if sealed is None else keys.seal(keys.open(sealed)) for sealed in before]
            except Shut:
                shut.add(what)
                continue
            if await _seal(connection, *what, before, after):
                done.add(what)
            else:
                left = True
    return len(done), [f"{kind} {name}" for kind, name in sorted(shut)]


async def _seal(
    connection: Connection, kind: str, name: str, before: list[bytes | None], after: list[bytes | None]
) -> bool:
    """False: it is not what was read any more."""
    async with connection.transaction():
        if kind == "grant":
            await connection.execute(LOCK, name)
        return await connection.fetchval(SEAL[kind], name, before, after) is not None
