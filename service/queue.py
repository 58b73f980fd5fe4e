"""Rings the workers. A ring says only "there is work": a lost one is found by the sweep, a double one is harmless."""

import asyncio
import json
from typing import Any
from uuid import uuid4

from arq.connections import ArqRedis, RedisSettings
from redis.asyncio.connection import ConnectionPool
from redis.exceptions import RedisError

from service.telemetry import Outage

DRAIN = "drain"
QUEUE = "slotwright:rings"
MOST_RINGS = 4
"""Rings at a time; each wakes a worker, which takes up as many lanes as it has room for."""

LANES_A_RING = 40
TOGETHER = 0.02
"""Seconds: what comes within them is rung for together."""

AWAY = (RedisError, OSError, TimeoutError)


def serialize(job: dict[str, Any]) -> bytes:
    return json.dumps(job).encode()


def deserialize(job: bytes) -> dict[str, Any]:
    return dict(json.loads(job))


def redis_settings(url: str) -> RedisSettings:
    return RedisSettings.from_dsn(url)


class Bell:
    """`ring` never waits and never fails; `run` does the ringing until cancelled."""

    def __init__(self, url: str) -> None:
        self._redis = ArqRedis(
            ConnectionPool.from_url(url, socket_timeout=2, socket_connect_timeout=2),
            job_serializer=serialize,
            job_deserializer=deserialize,
            default_queue_name=QUEUE,
        )
        self._owed = 0
        self._rung = asyncio.Event()

    def ring(self, lanes: int) -> None:
        """Tell the workers that so many lanes got work."""
        if lanes > 0:
            self._owed += lanes
            self._rung.set()

    async def run(self) -> None:
        outage = Outage("cannot ring the workers; the sweep will find the work", "rings the workers again")
        task = asyncio.current_task()
        # Not `while True`: redis-py loses a cancellation that comes while it connects.
        while task is None or not task.cancelling():
            await self._rung.wait()
            self._rung.clear()
            owed, self._owed = min(-(-self._owed // LANES_A_RING), MOST_RINGS), 0
            try:
                for _ in range(owed):
                    # A fresh id each time: arq refuses one it has seen within the hour.
                    await self._redis.enqueue_job(DRAIN, _job_id=uuid4().hex, _expires=60)
            except AWAY as error:
                outage.met(error)
            else:
                outage.over()
            await asyncio.sleep(TOGETHER)

    async def close(self) -> None:
        await self._redis.aclose(close_connection_pool=True)
