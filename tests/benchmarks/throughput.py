"""How many deliveries are accepted and finished a second, taken as other systems were measured: their load and their
target, all of it on the same processors. A rule tests two things of each event; for half of them they hold, and its one
action posts to the target.

    python -m tests.benchmarks.throughput FOLDER [--seconds 20] [--rate 0] [--workers 1]

FOLDER has load.py and dummy_target.py. Finished is what has ended in Postgres, with its verdicts, steps and calls.
"""

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import asyncpg
import psutil

from service import embedded
from service.settings import Settings
from service.standard_webhooks import new_secret, read_secret
from service.store import migrations, rulebooks, sources
from service.store.sealing import Keys
from tests.benchmarks.receiver import process, ready
from tests.house import pool_of, register, settings_for
from tests.processes import environment, free_port
from workers.rulebook import read

SOURCE, LOCATIONS = "bench", 20
RULES = """
sources: {{bench: {{calendar: appointment.calendarId, title: appointment.title, id: appointment.id}}}}
rules:
  - name: called
    mode: live
    when: external.bench
    if: {{event.calendar: cal_sales, event.title: Consultation}}
    then: [{{do: call, url: "http://127.0.0.1:{port}/hook", body: {{id: "{{{{ event.id }}}}"}}}}]
"""
BAR, LATENCY, MEMORY = 500, 60.0, 150.0
"""Deliveries a second; milliseconds of the 99th percentile of acceptance; MB of each process."""

OPEN = "SELECT count(*) FROM deliveries WHERE state IN ('waiting', 'judged')"
KEPT = """
    SELECT (SELECT count(*) FROM deliveries) AS deliveries, (SELECT count(*) FROM verdicts) AS verdicts,
        (SELECT count(*) FROM steps WHERE state = 'done') AS steps, (SELECT count(*) FROM calls) AS calls,
        (SELECT extract(epoch FROM max(finished_at) - min(received_at))::float8 FROM deliveries) AS seconds,
        (SELECT count(*) FROM deliveries WHERE state <> 'done') AS otherwise
"""


async def prepared(settings: Settings, secret: str, port: int) -> None:
    rulebook = read({"rules.yaml": RULES.format(port=port)})
    async with pool_of(settings.database_url, 2) as pool:
        for number in range(LOCATIONS):
            await register(pool, f"loc_{number}")
        async with pool.acquire() as connection, connection.transaction():
            await rulebooks.apply(connection, None, rulebook.source, rulebook.digest, "a benchmark")
            await sources.add(
                connection,
                SOURCE,
                "external",
                secret=Keys.of(settings).seal(read_secret(secret)),
                locations=None,
                paths={"location": "locationId", "contact": "appointment.contactId"},
                busy_status=429,
            )


async def finished(url: str, within: float) -> dict[str, Any]:
    """What is kept, once nothing is open any more."""
    connection = await asyncpg.connect(url)
    try:
        assert await connection.fetchval("SHOW fsync") == "on"
        until = time.monotonic() + within
        while await connection.fetchval(OPEN) and time.monotonic() < until:
            await asyncio.sleep(0.1)
        return {**(await connection.fetchrow(KEPT) or {}), "open": await connection.fetchval(OPEN)}
    finally:
        await connection.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seconds", type=int, default=20)
    parser.add_argument("--rate", type=float, default=0, help="events a second; 0 is as fast as they are answered")
    parser.add_argument("--concurrency", type=int, default=32)
    parser.add_argument("--workers", type=int, default=1)
    asked = parser.parse_args()
    secret, target = new_secret(), free_port()
    with (
        tempfile.TemporaryDirectory() as name,
        embedded.servers(Path(name) / "servers") as servers,
        ExitStack() as stack,
    ):
        folder = Path(name)
        migrations.migrate(servers.database_url)
        settings = settings_for(servers.database_url, servers.redis_url)
        asyncio.run(prepared(settings, secret, target))
        running: dict[str, subprocess.Popen[bytes]] = {}

        def begin(role: str, *command: str, **told: str) -> None:
            started = process([sys.executable, "-P", *command], folder / f"{role}.log", **told)
            running[role] = stack.enter_context(started)

        begin("target", str(asked.folder / "dummy_target.py"), "--port", str(target))
        port = free_port()
        begin("receiver", "-m", "workers.cli", "receive", **environment(settings, PORT=str(port)))
        # There is no HighLevel here that could be asked for what no webhook told.
        told = environment(settings, CALL_SECRET=new_secret(), CALL_ALLOWED=f"127.0.0.1:{target}", RECONCILE_EVERY="0")
        for number in range(asked.workers):
            begin(f"worker {number + 1}", "-m", "workers.cli", "work", **told)
        asyncio.run(ready(port))
        words = [
            f"--url=http://127.0.0.1:{port}/triggers/{SOURCE}",
            f"--count-url=http://127.0.0.1:{target}/__count",
            f"--seconds={asked.seconds}",
            f"--rate={asked.rate}",
            f"--concurrency={asked.concurrency}",
            f"--locations={LOCATIONS}",
        ]
        load = [sys.executable, "-m", "tests.benchmarks.peers", str(asked.folder), secret, *words]
        answer = json.loads(subprocess.run(load, stdout=subprocess.PIPE, text=True, check=True).stdout)
        kept = asyncio.run(finished(settings.database_url, 60))
        memory = {role: psutil.Process(each.pid).memory_info().rss / 1e6 for role, each in running.items()}
        spent = {role: sum(psutil.Process(each.pid).cpu_times()[:2]) for role, each in running.items()}
    rate = kept["deliveries"] / kept["seconds"]
    print(json.dumps(answer))
    print(json.dumps(kept))
    print(
        "MB:",
        {role: round(size) for role, size in memory.items()},
        "CPU s:",
        {r: round(s, 1) for r, s in spent.items()},
    )
    accepted, largest = answer["accepted_per_s"], max(size for role, size in memory.items() if role != "target")
    print(
        f"accepted {accepted:.0f}/s and finished {rate:.0f}/s (bar {BAR}); answered within {answer['p99_ms']} ms for "
        f"99 of 100 (bar {LATENCY:.0f}); {largest:.0f} MB (bar {MEMORY:.0f})"
    )
    raise SystemExit(0 if rate >= BAR and answer["p99_ms"] < LATENCY else 1)


if __name__ == "__main__":
    main()
