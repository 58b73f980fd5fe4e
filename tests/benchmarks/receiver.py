"""How many deliveries two receivers accept, each committed before it is answered, against one bare aiohttp handler that
only reads the JSON. wrk posts bodies that were signed beforehand, no two alike; Postgres writes to the disk (fsync on).

    python -m tests.benchmarks.receiver --seconds 8

Wants wrk (Debian's package) and shares two cores with it, and with Postgres.
"""

import argparse
import asyncio
import json
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median

import aiohttp
import asyncpg
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from service import embedded
from service.embedded.child import start_child
from service.settings import Settings
from service.store import migrations
from tests.house import event, pool_of, public_key, register, settings_for, signed
from tests.processes import environment, free_port, kill

BAR = 0.35
RECEIVERS = 2
CONNECTIONS = 128
"""Of wrk in all: HighLevel posts from many places at once, and what comes together is committed together."""
LOCATIONS = 20
MOST = 10_000
"""Deliveries signed beforehand for each second; had wrk to begin again, it would post what is known already."""

SCRIPT = """
local lines, at = {}, 0
function init(args)
  for line in io.lines(args[1]) do lines[#lines + 1] = line end
end
function request()
  at = at % #lines + 1
  local signature, body = lines[at]:match("^(%S+) (.*)$")
  return wrk.format("POST", nil, {["X-GHL-Signature"] = signature, ["Content-Type"] = "application/json"}, body)
end
"""

BARE = """
import sys
from aiohttp import web
async def read(request):
    await request.json()
    return web.json_response({})
app = web.Application()
app.router.add_post("/hooks/highlevel", read)
app.router.add_get("/readyz", lambda request: web.Response())
web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), print=None, access_log=None)
"""


def bodies(key: Ed25519PrivateKey, number: int) -> Iterator[str]:
    """Signature and body of so many deliveries, a line each."""
    for index in range(number):
        booking = {
            "id": f"appointment{index:09}",
            "calendarId": "jc01T5GOBUSZGi6HWGK1",
            "contactId": f"contact{index % 500:013}",
            "title": "Consultation",
            "appointmentStatus": "confirmed",
            "startTime": "2031-05-05T09:00:00+00:00",
            "endTime": "2031-05-05T09:30:00+00:00",
            "dateAdded": "2026-11-20T09:00:00+00:00",
            "dateUpdated": "2026-11-20T09:00:00+00:00",
        }
        body = json.dumps(event(booking, locationId=location(index))).encode()
        yield f"{signed(key, body)['X-GHL-Signature']} {body.decode()}\n"


def location(index: int) -> str:
    return f"location{index % LOCATIONS:012}"


async def ready(port: int) -> None:
    async with asyncio.timeout(30), aiohttp.ClientSession() as session:
        while True:
            try:
                async with session.get(f"http://127.0.0.1:{port}/readyz"):
                    return
            except aiohttp.ClientError:
                await asyncio.sleep(0.05)


@contextmanager
def process(command: Sequence[str], log: Path, **told: str) -> Iterator["subprocess.Popen[bytes]"]:
    with log.open("ab") as file:
        started = start_child(command, death_signal=signal.SIGKILL, env=told, stdout=file, stderr=file)
    try:
        yield started
    finally:
        kill(started)


def wrk(ports: Sequence[int], files: Sequence[Path], script: Path, seconds: int) -> tuple[list[float], list[str]]:
    """Answers a second, of each port, and what went wrong."""
    words = ["wrk", "-t1", f"-c{CONNECTIONS // len(ports)}", f"-d{seconds}s", "-s", str(script)]
    running = [
        subprocess.Popen(
            [*words, f"http://127.0.0.1:{port}/hooks/highlevel", "--", str(file)],
            stdout=subprocess.PIPE,
            text=True,
        )
        for port, file in zip(ports, files, strict=True)
    ]
    told = [each.communicate()[0] for each in running]
    rates = [float(found[1]) for text in told if (found := re.search(r"Requests/sec:\s+([\d.]+)", text))]
    assert len(rates) == len(ports), told
    return rates, [line for text in told for line in text.splitlines() if "Non-2xx" in line or "Socket" in line]


def bare(folder: Path, files: Sequence[Path], script: Path, seconds: int) -> float:
    port = free_port()
    with process([sys.executable, "-c", BARE, str(port)], folder / "bare.log", PATH=""):
        asyncio.run(ready(port))
        [rate], wrong = wrk([port], files[:1], script, seconds)
        assert not wrong, wrong
        return rate


def receivers(settings: Settings, folder: Path, files: Sequence[Path], script: Path, seconds: int) -> float:
    ports = [free_port() for _ in range(RECEIVERS)]
    with ExitStack() as stack:
        for port in ports:
            command = [sys.executable, "-P", "-m", "workers.cli", "receive"]
            told = environment(
                settings, PORT=str(port), HIGHLEVEL_WEBHOOK_KEYS=",".join(settings.highlevel_webhook_keys)
            )
            stack.enter_context(process(command, folder / "receive.log", **told))
            asyncio.run(ready(port))
        rates, wrong = wrk(ports, files, script, seconds)
        assert not wrong, wrong
        assert max(rates) * RECEIVERS < MOST, "too few were signed: some were posted twice"
        return sum(rates)


async def prepared(settings: Settings) -> None:
    async with pool_of(settings.database_url, 2) as pool:
        for index in range(LOCATIONS):
            await register(pool, location(index))


async def kept(settings: Settings) -> int:
    connection = await asyncpg.connect(settings.database_url)
    try:
        assert await connection.fetchval("SHOW fsync") == "on"
        return int(await connection.fetchval("SELECT count(*) FROM deliveries"))
    finally:
        await connection.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=5)
    asked = parser.parse_args()
    if shutil.which("wrk") is None:
        raise SystemExit("wrk is not installed: apt-get install wrk")
    key = Ed25519PrivateKey.generate()
    with tempfile.TemporaryDirectory() as name, embedded.servers(Path(name) / "servers") as servers:
        folder = Path(name)
        migrations.migrate(servers.database_url)
        settings = settings_for(servers.database_url, servers.redis_url, highlevel_webhook_keys=(public_key(key),))
        asyncio.run(prepared(settings))
        script = folder / "post.lua"
        script.write_text(SCRIPT)
        ratios = []
        for round_ in range(asked.rounds):
            lines = list(bodies(key, MOST * asked.seconds))
            files = [folder / f"bodies-{part}" for part in range(RECEIVERS)]
            for part, file in enumerate(files):
                file.write_text("".join(lines[part::RECEIVERS]))
            before = asyncio.run(kept(settings))
            began = time.monotonic()
            ours = receivers(settings, folder, files, script, asked.seconds)
            took = time.monotonic() - began
            stored = asyncio.run(kept(settings)) - before
            theirs = bare(folder, files, script, asked.seconds)
            ratios.append(ours / theirs)
            print(
                f"round {round_ + 1}: {RECEIVERS} receivers {ours:.0f}/s ({stored} kept in {took:.0f} s), "
                f"bare {theirs:.0f}/s, {ours / theirs:.2f}",
                flush=True,
            )
    print(f"median {median(ratios):.2f} of a bare handler (bar {BAR})")
    raise SystemExit(0 if median(ratios) >= BAR else 1)


if __name__ == "__main__":
    main()
