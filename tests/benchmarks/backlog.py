"""A process that works off a backlog which it shares with others: one more call as long as Valkey counts one."""

import asyncio
import sys

from redis.asyncio import Redis

from service.highlevel.books import Allowance
from service.highlevel.calendars import GetCalendar
from service.highlevel.client import HighLevel, Patience
from service.highlevel.errors import RateLimited
from service.rate_limit.shared import SharedRateLimit
from tests.sandboxes import CUTS, LOCATION

TOKEN = "pit-sandbox-demo"
BACKLOG = "backlog"
LANES = 10
"""As many calls under way at once as a worker has lanes."""
PATIENT = Patience(total=3600, rate_limit=3600, tries=1000)


async def work_off(api: HighLevel, valkey: Redis) -> None:
    while await valkey.decr(BACKLOG) >= 0:
        try:
            await api(GetCalendar(calendar_id=CUTS))
        except RateLimited:
            await valkey.incr(BACKLOG)


async def run(base: str, redis_url: str, interval: float, processes: int) -> None:
    async with (
        Redis.from_url(redis_url) as valkey,
        SharedRateLimit(redis_url, Allowance(interval=interval), processes=processes) as rate_limit,
        HighLevel(base, TOKEN, location=LOCATION, rate_limit=rate_limit, reads=PATIENT) as api,
    ):
        print("ready", flush=True)
        await asyncio.to_thread(sys.stdin.readline)
        await asyncio.gather(*(work_off(api, valkey) for _ in range(LANES)))


if __name__ == "__main__":
    asyncio.run(run(sys.argv[1], sys.argv[2], float(sys.argv[3]), int(sys.argv[4])))
