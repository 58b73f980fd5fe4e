"""Ten minutes of bookings while Valkey is flushed, Postgres restarted, workers are killed and calls fail: what was
acknowledged and what became of it, counted in Postgres and at the sandbox, and the memory of those that live on.

    python -m tests.soak [--minutes 10]
"""

import argparse
import asyncio
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import psutil
from redis.asyncio import Redis

from service import embedded
from service.embedded import Servers
from service.sandbox.door import calls
from service.store import migrations, rulebooks
from tests.cluster import Cluster, open_cluster
from tests.house import register
from tests.load import RULES, Load
from workers.rulebook import read

EVERY = 15.0
"""Seconds between two disturbances."""

FAULTS = (
    {"operation": "*", "status": 503, "probability": 0.005, "seed": 7, "times": None},
    {"operation": "*", "drop": True, "after_write": True, "probability": 0.005, "seed": 8, "times": None},
)
"""One call in a hundred fails: half of them before they are carried out, half after."""

FLAT = 1.25
"""The memory of a process late in the run, against that early in it."""


@dataclass
class Watch:
    """Memory of each process, as it was seen: seconds of its life, and bytes."""

    seen: dict[int, list[tuple[float, int]]] = field(default_factory=dict)

    def look(self, cluster: Cluster) -> None:
        for role in (*cluster.receivers, *cluster.workers):
            alive = psutil.Process(role.process.pid)
            age = time.time() - alive.create_time()
            self.seen.setdefault(alive.pid, []).append((age, alive.memory_info().rss))

    def growth(self) -> float:
        """Of the process that grew most, among those that lived for two minutes: late memory over that at a minute."""
        grown = [1.0]
        for times in self.seen.values():
            if times[-1][0] < 120:
                continue
            early = median(size for age, size in times if 30 <= age <= 90)
            grown.append(median(size for age, size in times[-10:]) / early)
        return max(grown)


async def disturb(cluster: Cluster, servers: Servers, number: int, done: Counter[str]) -> None:
    """One of four, in turn."""
    match number % 4:
        case 0:
            async with Redis.from_url(servers.redis_url) as valkey:
                await valkey.flushall()
            done["Valkey flushed"] += 1
        case 1:
            cluster.kill(random.choice(cluster.workers))
            await cluster.work()
            done["workers killed"] += 1
        case 2:
            servers.postgres.stop()
            await asyncio.sleep(1)
            servers.postgres.start()
            done["Postgres restarted"] += 1
        case 3:
            role = random.choice(cluster.workers)
            role.process.send_signal(signal.SIGTERM)
            await cluster.work()
            done["workers ended"] += 1
            await asyncio.to_thread(role.process.wait, 30)
            cluster.workers.remove(role)


async def soak(folder: Path, servers: Servers, minutes: float) -> int:
    watch, done = Watch(), Counter[str]()
    async with open_cluster(servers.database_url, servers.redis_url, folder) as cluster:
        await register(cluster.pool)
        book = read({"rules.yaml": RULES})
        async with cluster.pool.acquire() as connection, connection.transaction():
            await rulebooks.apply(connection, None, book.source, book.digest, "a soak")
        for fault in FAULTS:
            await cluster.call("POST", "/_sandbox/faults", fault, status=201)
        await asyncio.gather(cluster.receive(), cluster.receive(), cluster.work(), cluster.work())
        load = Load(cluster, most=1_000_000)
        until, turn = time.monotonic() + minutes * 60, 0
        async with load.going():
            while time.monotonic() < until:
                await asyncio.sleep(EVERY)
                watch.look(cluster)
                await disturb(cluster, servers, turn, done)
                turn += 1
        await cluster.call("DELETE", "/_sandbox/faults", status=204)
        await load.settled(240)
        watch.look(cluster)
        faults = await load.faults()
        states = await cluster.pool.fetch("SELECT state, count(*) AS number FROM deliveries GROUP BY state")
    print(f"{load.customers} customers, {len(load.answers)} acknowledged; again: {dict(load.again)}")
    print(f"done to them: {dict(done)}; deliveries: { {row['state']: row['number'] for row in states} }")
    print(f"memory of a process that lived on: at most {watch.growth():.2f} times that after a minute (bar {FLAT})")
    print("\n".join(faults[:50]) or "lost 0, doubled 0")
    return 1 if faults or watch.growth() > FLAT else 0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    asked = parser.parse_args()
    # All of them are counted at the end, and there are more than a sandbox keeps.
    calls.KEPT = 10_000_000
    with tempfile.TemporaryDirectory() as name, embedded.servers(Path(name) / "servers") as servers:
        migrations.migrate(servers.database_url)
        logs = Path(name) / "logs"
        logs.mkdir()
        code = asyncio.run(soak(logs, servers, asked.minutes))
    sys.exit(code)


if __name__ == "__main__":
    main()
