"""Redis or Valkey: whether it answers, is new enough, and takes rings."""

from collections.abc import Mapping, Sequence
from socket import gaierror
from time import perf_counter
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import AuthenticationError, NoPermissionError, ReadOnlyError, RedisError, ResponseError

from service.queue import QUEUE
from workers.cli.checkup.finding import PATIENCE, Finding, address, failed, ok, warning

OLDEST = (6, 2)
SLOW = 0.1
"""Seconds a ping may take before rings are late."""

RINGS_ONLY = "until then the sweep finds the work, a little later"


class Queue:
    def __init__(self, url: str) -> None:
        self._url = url
        self.version = ""
        """With its product's name; known once it was reached."""

    async def check(self) -> Sequence[Finding]:
        where = address(self._url)
        # A hair less than a look may take: then it is told what was waited for.
        wait = PATIENCE * 0.8
        redis = Redis.from_url(self._url, socket_timeout=wait, socket_connect_timeout=wait)
        try:
            await redis.execute_command("PING")
            started = perf_counter()
            await redis.execute_command("PING")
            took = perf_counter() - started
            told = dict(await redis.info("server"))
            self.version = " ".join(of_product(told))
            # Changes nothing, as no ring is called that; refused where one would be: no right, no memory, a replica.
            await redis.zadd(QUEUE, {"doctor": 0}, xx=True)
        except (RedisError, OSError, TimeoutError) as error:
            return [
                failed(
                    "queue",
                    f"{where}: {_words(error)}",
                    f"start it, or mend REDIS_URL or its user's rights; {RINGS_ONLY}",
                )
            ]
        finally:
            await redis.aclose()
        return [of_queue(where, told, took)]


def of_product(told: Mapping[str, Any]) -> tuple[str, str]:
    """Its name and version; Valkey also tells the version of Redis that it goes for."""
    if "valkey_version" in told:
        return "Valkey", str(told["valkey_version"])
    return "Redis", str(told.get("redis_version", "of no version"))


def of_queue(where: str, told: Mapping[str, Any], took: float) -> Finding:
    product, version = of_product(told)
    words = f"{where} answers in {took * 1000:.1f} ms and takes rings, {product} {version}"
    numbers = [int(part) for part in str(told.get("redis_version", "")).split(".")[:2] if part.isdigit()]
    if tuple(numbers) < OLDEST:
        return failed("queue", words, "Slotwright needs Redis 6.2 or newer, or Valkey")
    if took > SLOW:
        return warning("queue", words, "look whether it is overloaded or far away")
    return ok("queue", words)


def _words(error: BaseException) -> str:
    """By kind: redis-py's own words may quote what it was given. The reason may stand behind its ConnectionError."""
    match error:
        case AuthenticationError() | NoPermissionError():
            return "user or password are refused, or may not write the ring queue"
        case ReadOnlyError():
            return "it is a replica, which takes no rings"
        case ResponseError():
            return "it answers, and refuses a ring: it may be full, or want a password"
        case FileNotFoundError():
            return "there is no socket there"
        case ConnectionRefusedError():
            return "nothing listens there"
        case gaierror():
            return "no host of that name is known"
    behind = error.__cause__ or error.__context__
    return _words(behind) if behind is not None else f"no answer ({type(error).__name__})"
