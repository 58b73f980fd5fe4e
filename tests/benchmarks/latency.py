"""How long it takes from a webhook to the write that it leads to, as the sandbox sees it; and how much longer where one
location has thousands of deliveries waiting. A sandbox with HighLevel's limits, a receiver, a worker, Postgres, Valkey
and who posts, all on the same processors.

    python -m tests.benchmarks.latency [--rate 50] [--seconds 20] [--waiting 10000] [--plenty]
"""

import argparse
import asyncio
import json
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from service import embedded
from service.embedded import Servers
from service.settings import Settings
from service.store import migrations, rulebooks
from tests.benchmarks.receiver import process, ready
from tests.house import event, pool_of, public_key, register, settings_for, signed
from tests.processes import environment, free_port, working
from workers.rulebook import read

OTHERS = [f"location{number:012}" for number in range(50)]
BUSY = "locationbusy00000000"
AT_ONCE = 16

SEED = "locations:\n" + "".join(
    f"""
  - id: {location}
    name: Salon
    timezone: Europe/London
    tokens: [pit-{location}]
    users: [{{id: dana{location}, name: Dana}}]
    contacts: [{{id: ada{location}, name: Ada Example}}]
    calendars: [{{id: cuts{location}, name: Cuts, type: event}}]
"""
    for location in (*OTHERS, BUSY)
)
RULES = """
rules:
  - name: noted
    mode: live
    when: appointment.created
    then: [{do: add_note, text: "Booked: {{ title }}"}]
"""
FIRST, REST, TIMES = 50.0, 250.0, 3.0
"""Milliseconds of the median and of the 99th percentile; what a location's backlog may do to others."""

WAITING = "SELECT count(*) FROM deliveries WHERE state IN ('waiting', 'judged')"


@dataclass
class Bench:
    settings: Settings
    key: Ed25519PrivateKey
    session: aiohttp.ClientSession
    door: str
    numbers: "count[int]" = field(default_factory=count)

    async def call(self, method: str, path: str, body: Any = None) -> Any:
        async with self.session.request(method, f"{self.settings.highlevel_url}/_sandbox{path}", json=body) as answer:
            told = await answer.text()
            assert answer.ok, told
            return json.loads(told or "null")

    async def booked(self, locations: Sequence[str]) -> list[bytes]:
        """A booking for each of them, put into the sandbox, and the webhook about it."""
        gate = asyncio.Semaphore(AT_ONCE)

        async def one(number: int, location: str) -> bytes:
            starts = datetime.now(UTC).replace(microsecond=0) + timedelta(days=2, minutes=number)
            booking = {
                "id": f"book{number:016}",
                "locationId": location,
                "calendarId": f"cuts{location}",
                "contactId": f"ada{location}",
                "assignedUserId": f"dana{location}",
                "title": "Cut for Ada Example",
                "appointmentStatus": "confirmed",
                "startTime": starts.isoformat(),
                "endTime": (starts + timedelta(minutes=15)).isoformat(),
                "dateAdded": datetime.now(UTC).isoformat(),
                "dateUpdated": datetime.now(UTC).isoformat(),
            }
            async with gate:
                await self.call("PUT", f"/appointments/{booking['id']}", booking)
            return json.dumps(event(booking, locationId=location)).encode()

        return await asyncio.gather(*(one(next(self.numbers), location) for location in locations))

    async def told(self, body: bytes) -> tuple[str, datetime]:
        """The booking's id, and when its webhook was sent off."""
        headers, at = signed(self.key, body), datetime.now(UTC)
        async with self.session.post(self.door, data=body, headers=headers) as answer:
            assert answer.status == 202, await answer.text()
        return json.loads(body)["appointment"]["id"], at

    async def written(self, rate: float, seconds: float) -> list[float]:
        """Milliseconds from each webhook to the first write about its booking, sorted, at so many webhooks a second."""
        number = int(rate * seconds)
        bodies = await self.booked([OTHERS[index % len(OTHERS)] for index in range(number)])
        await self.call("DELETE", "/calls")
        loop = asyncio.get_running_loop()
        began, tasks = loop.time(), []
        for index, body in enumerate(bodies):
            await asyncio.sleep(max(0, began + index / rate - loop.time()))
            tasks.append(asyncio.create_task(self.told(body)))
        sent = dict(await asyncio.gather(*tasks))
        first: dict[str, datetime] = {}
        async with asyncio.timeout(60):
            while len(first) < number:
                await asyncio.sleep(1)
                for call in await self.call("GET", "/calls"):
                    about = call["path"].split("/")[-2]
                    if call["operation"] == "CreateNote" and call["carried_out"] and about in sent:
                        first.setdefault(about, datetime.fromisoformat(call["at"]))
        return sorted((first[about] - at) / timedelta(milliseconds=1) for about, at in sent.items())

    async def waiting(self) -> int:
        connection = await asyncpg.connect(self.settings.database_url)
        try:
            return int(await connection.fetchval(WAITING))
        finally:
            await connection.close()

    async def pile_up(self, number: int) -> None:
        bodies = await self.booked([BUSY] * number)
        for begin in range(0, number, AT_ONCE):
            await asyncio.gather(*(self.told(body) for body in bodies[begin : begin + AT_ONCE]))


def shown(times: Sequence[float]) -> str:
    return f"p50 {part(times, 50):.0f} ms, p99 {part(times, 99):.0f} ms, at most {times[-1]:.0f} ms of {len(times)}"


def part(times: Sequence[float], percent: int) -> float:
    return times[len(times) * percent // 100]


async def prepared(settings: Settings) -> None:
    async with pool_of(settings.database_url, 2) as pool:
        for location in (*OTHERS, BUSY):
            await register(pool, location, token=f"pit-{location}")
        book = read({"rules.yaml": RULES})
        async with pool.acquire() as connection, connection.transaction():
            await rulebooks.apply(connection, None, book.source, book.digest, "a benchmark")


async def measured(folder: Path, servers: Servers, asked: argparse.Namespace) -> bool:
    api, port, key = free_port(), free_port(), Ed25519PrivateKey.generate()
    settings = settings_for(servers.database_url, servers.redis_url, highlevel_url=f"http://127.0.0.1:{api}")
    await prepared(settings)
    (folder / "seed.yaml").write_text(SEED)
    async with AsyncExitStack() as stack:

        def begin(role: str, *words: str, **told: str) -> "subprocess.Popen[bytes]":
            command = [sys.executable, "-P", "-m", "workers.cli", role, *words]
            return stack.enter_context(process(command, folder / f"{role}.log", **{**environment(settings), **told}))

        limits = ["--rate=1000000", "--daily=100000000"] if asked.plenty else []
        begin("sandbox", f"--port={api}", f"--seed={folder / 'seed.yaml'}", *limits)
        await ready(api)
        begin("receive", PORT=str(port), HIGHLEVEL_WEBHOOK_KEYS=public_key(key))
        await ready(port)

        async def worker() -> "subprocess.Popen[bytes]":
            (folder / "work.log").unlink(missing_ok=True)
            started = begin("work")
            await working(started, folder / "work.log")
            return started

        session = await stack.enter_async_context(aiohttp.ClientSession())
        bench = Bench(settings, key, session, f"http://127.0.0.1:{port}/hooks/highlevel")
        first = await worker()
        await bench.written(10, 2)
        at_rate = await bench.written(asked.rate, asked.seconds)
        print(f"at {asked.rate:g}/s from webhook to first write: {shown(at_rate)} (bars {FIRST:.0f}, {REST:.0f})")
        idle = await bench.written(asked.beside, asked.seconds)
        print(f"at {asked.beside:g}/s, nothing else to do: {shown(idle)}")
        first.send_signal(signal.SIGTERM)
        await asyncio.to_thread(first.wait)
        await bench.pile_up(asked.waiting)
        await worker()
        before = await bench.waiting()
        beside = await bench.written(asked.beside, asked.seconds)
        left = await bench.waiting()
        times = part(beside, 99) / part(idle, 99)
        print(f"at {asked.beside:g}/s, while {before} and in the end {left} of another location wait: {shown(beside)}")
        print(f"{times:.1f} times as long for the 99th of a hundred (bar {TIMES:g})")
    return part(at_rate, 50) < FIRST and part(at_rate, 99) < REST and times < TIMES and left > 0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=float, default=50, help="webhooks a second")
    parser.add_argument("--beside", type=float, default=20, help="webhooks a second beside those that wait")
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--waiting", type=int, default=10_000)
    parser.add_argument("--plenty", action="store_true", help="a sandbox that takes more calls than can be made")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, embedded.servers(Path(name) / "servers") as servers:
        migrations.migrate(servers.database_url)
        met = asyncio.run(measured(Path(name), servers, asked))
    raise SystemExit(0 if met else 1)


if __name__ == "__main__":
    main()
