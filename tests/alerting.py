"""A worker that sends alerts, and who takes them, as the tests of that want them."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from uuid import UUID, uuid4

import aiohttp
from aiohttp import web
from aiohttp.test_utils import TestServer
from pydantic import SecretStr

from service.standard_webhooks import read_secret, verify
from service.store import ledger
from service.store.alerts import raised
from service.store.database import Pool
from service.store.identifiers import new_id
from service.store.notices import Notice
from service.telemetry import Tally
from tests.house import settings_for
from tests.other_systems import SECRET, Receiver
from tests.sandboxes import LOCATION
from workers.alerting import channels
from workers.alerting.channels import Channel
from workers.alerting.sending import Sender
from workers.workplace import Workplace

NOON = datetime(2027, 3, 25, 12, tzinfo=UTC)
DELIVERY = UUID("01890a5d-ac96-774b-bcce-b302099a8057")


@dataclass
class Alerting:
    """A worker that sends alerts to `there`, by a clock that stands at `at`."""

    pool: Pool
    work: Workplace
    there: Receiver
    at: list[datetime]

    def sender(self, channel: Channel | None = None) -> Sender:
        return Sender(self.work, channel or channels.channels(self.work)[0], new_id())

    async def alert(self, kind: str = "urgent", text: str = "look", **about: Any) -> None:
        async with self.pool.acquire() as connection, connection.transaction():
            await ledger.write_down(connection, [raised(kind, text, **{"location_id": LOCATION, **about})])

    async def later(self, minutes: int) -> None:
        """So long goes by, for all that was raised."""
        back = "UPDATE alerts SET first_at = first_at - $1::interval, last_at = last_at - $1::interval"
        await self.pool.execute(back, timedelta(minutes=minutes))
        await self.pool.execute("UPDATE channels SET since = since - $1::interval", timedelta(minutes=minutes))
        await self.rested()

    async def rested(self) -> None:
        """A channel may be tried again."""
        await self.pool.execute("UPDATE channels SET again_at = NULL")

    @property
    def texts(self) -> list[str]:
        return [json.loads(body)["text"] for _, body in self.there.got]

    @property
    def ids(self) -> list[str]:
        """As they were signed."""
        key, window = read_secret(SECRET), timedelta(minutes=1)
        return [verify([key], headers, body, now=self.at[0], window=window).id for headers, body in self.there.got]

    def counted(self) -> dict[tuple[str, ...], float]:
        values = self.work.tally.take().values
        return {tuple(value for _, value in labels): number for (_, labels), number in values.items()}


@asynccontextmanager
async def opened(pool: Pool, database_url: str, redis_url: str, **settings: Any) -> AsyncIterator[Alerting]:
    there, app, at = Receiver(), web.Application(), [NOON]
    app.router.add_post("/hush-path", there.take)
    async with TestServer(app) as server:
        there.url = str(server.make_url("/hush-path?key=hush-key"))
        told = {
            "alert_webhooks": SecretStr(there.url),
            "call_allowed": (there.url.split("/")[2],),
            "call_secret": SecretStr(SECRET),
            **settings,
        }
        nobody = cast("aiohttp.ClientSession", None)
        work = Workplace(settings_for(database_url, redis_url, **told), pool, nobody, lambda: at[0], Tally())
        yield Alerting(pool, work, there, at)
        await work.outgoing.close()


def notice(**fields: Any) -> Notice:
    values: dict[str, Any] = {
        "alert_id": uuid4(),
        "location_id": LOCATION,
        "location_name": "Leeds Salon",
        "time_zone": "Europe/London",
        "rule": "evening",
        "kind": "urgent",
        "text": "nobody for Thursday",
        "delivery_id": DELIVERY,
        "telling": 1,
        "told": 0,
        "first_at": datetime(2027, 7, 1, 8, 12, tzinfo=UTC),
    }
    return Notice(**{**values, **fields})
