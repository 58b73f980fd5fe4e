"""Houses of the gallery's trades: what `tests.gallery` works in."""

import contextlib
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

from pydantic import SecretStr

from service.embedded import Servers
from service.receiver.app import SOURCES
from service.store import locations, rulebooks, sources
from service.store.sealing import Keys
from tests.gallery import ABOUT, CRM, EXTERNAL, FLOW, MONDAY, POSTING, SEEDS, Shop, text_of
from tests.house import SECRET, TOKEN, open_house
from workers.rulebook import read


@contextlib.asynccontextmanager
async def open_trade(trade: str, database_url: str, servers: Servers, *, receiver: str = "") -> AsyncIterator[Shop]:
    """Nothing is booked yet. `receiver`: where another system of the tests takes what rules post to the CRM."""
    text = text_of(trade).replace(CRM, receiver or CRM)
    rules = read({f"{trade}.yaml": text})
    allowed = (receiver.split("/")[2],) if receiver else ()
    async with open_house(
        database_url,
        servers.redis_url,
        seed=SEEDS / f"{trade}.yaml",
        call_secret=SecretStr(POSTING),
        call_allowed=allowed,
    ) as house:
        [place] = house.world.locations.values()
        names = next(iter(rules)).names
        contacts = {str(contact.first_name).lower(): contact.id for contact in house.world.contacts.of(place.id)}
        shop = Shop(house, place, rules, names.people, names.calendars, contacts)
        shop.now_is("mon 09:00")
        async with house.pool.acquire() as connection, connection.transaction():
            await locations.add(
                connection,
                Keys(SECRET),
                place.id,
                name=place.name,
                time_zone=place.timezone.key,
                token=SecretStr(TOKEN),
                connected_at=MONDAY - timedelta(days=1),
            )
            for source in names.sources:
                secret = Keys(SECRET).seal(EXTERNAL)
                await sources.add(
                    connection, source, "external", secret=secret, paths=ABOUT, locations=[place.id], busy_status=429
                )
            digest = sources.digest(FLOW)
            await sources.add(
                connection, "flow", "workflow", secret=digest, paths={}, locations=[place.id], busy_status=429
            )
            await rulebooks.apply(connection, None, rules.source, rules.digest, "a test")
        server: Any = house.door.server
        await server.app[SOURCES].look()
        yield shop
        await house.work.outgoing.close()
