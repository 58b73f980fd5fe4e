"""The sandbox's limits: exact, sliding, counted per token and location, and told truly."""

import asyncio
import json
import math
import re
import socket
import sys
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from service.sandbox.limits import DAY, Budget, Limits
from service.sandbox.seeds.seed import packaged_seed
from tests.processes import WITHIN
from tests.sandboxes import ADA, APPOINTMENTS, CUTS, HEADERS, LOCATION, Sandbox, at, running
from workers.cli.sandbox import sandbox as sandbox_command

MAX, REMAINING = "X-RateLimit-Max", "X-RateLimit-Remaining"
TODAY, RESET = "X-RateLimit-Daily-Remaining", "X-RateLimit-Daily-Reset"
THREE = Limits(burst=3, interval=10, daily=5)
NOWHERE = ("--host", "192.0.2.1", "--port", "0")
"""No machine's own address: what ought to be refused and is not ends at once, instead of serving for good."""
SECOND_TOKEN = packaged_seed("demo").replace("[pit-sandbox-demo]", "[pit-sandbox-demo, pit-second]")


class Ticks:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


async def ask(sandbox: Sandbox, path: str = f"/calendars/{CUTS}", **headers: str) -> aiohttp.ClientResponse:
    async with sandbox.client.get(path, headers=HEADERS | headers) as response:
        await response.read()
        return response


@given(
    burst=st.integers(1, 5),
    interval=st.integers(1, 20),
    daily=st.integers(1, 40),
    gaps=st.lists(st.sampled_from([0, 0, 0, 1, 2, 5, 19, 20, 43_200, 86_400]), max_size=60),
)
def test_a_call_is_taken_exactly_when_fewer_than_allowed_were_in_the_interval_before_it(
    burst: int, interval: int, daily: int, gaps: list[int]
) -> None:
    budget, now = Budget(Limits(burst, interval, daily)), 0
    taken: list[int] = []
    day, today = 0, 0
    for gap in gaps:
        now += gap
        if today and now - day >= DAY:
            today = 0
        recent = sum(now - interval < moment for moment in taken)
        told = budget.headers(now)
        assert told[REMAINING] == str(burst - recent)
        assert told[TODAY] == str(daily - today)
        assert told[RESET] == str(int(1000 * (DAY - (now - day if today else 0))))
        room = recent < burst and today < daily
        assert bool(budget.spend(now)) == room
        if room:
            day = now if not today else day
            today += 1
            taken.append(now)
        else:
            assert budget.wait(now) == (day + DAY if today == daily else taken[-burst] + interval) - now
    assert all(later - earlier >= interval for earlier, later in zip(taken, taken[burst:], strict=False))


async def test_beyond_the_limit_nothing_is_carried_out_and_the_headers_tell_what_is_left() -> None:
    ticks = Ticks()
    async with running(told=False, limits=THREE, monotonic=ticks) as sandbox:
        first = await ask(sandbox)
        told = {name: value for name, value in first.headers.items() if name.startswith("X-RateLimit-")}
        assert told == {
            MAX: "3",
            REMAINING: "2",
            "X-RateLimit-Interval-Milliseconds": "10000",
            "X-RateLimit-Limit-Daily": "5",
            TODAY: "4",
            RESET: "86400000",
        }
        ticks.now += 4
        bad = await ask(sandbox, "/calendars/nowhere")
        lost = await ask(sandbox, "/no/such/path")
        assert [(answer.status, answer.headers[REMAINING]) for answer in (bad, lost)] == [(404, "1"), (404, "0")]
        assert bad.headers[RESET] == "86396000"
        body = {"calendarId": CUTS, "locationId": LOCATION, "contactId": ADA, "startTime": at("10:00")}
        async with sandbox.client.post(APPOINTMENTS, json=body, headers=HEADERS) as refused:
            assert refused.status == 429
            assert await refused.json() == {"statusCode": 429, "message": "Too Many Requests"}
            assert (refused.headers[REMAINING], refused.headers[TODAY]) == ("0", "2")
            assert "Retry-After" not in refused.headers
        ticks.now += 5.999
        assert (await ask(sandbox)).status == 429
        ticks.now += 0.001
        assert (await ask(sandbox)).headers[REMAINING] == "0"
        ticks.now += 10
        assert (await ask(sandbox)).headers[TODAY] == "0"
        ticks.now += 3600
        over = await ask(sandbox)
        assert (over.status, over.headers[REMAINING]) == (429, "3")
        ticks.now = 1000 + DAY
        assert (await ask(sandbox)).headers[TODAY] == "4"
        calls = await sandbox.call("GET", "/_sandbox/calls")
    assert [(call["status"], call["carried_out"]) for call in calls] == [
        (200, True),
        (404, False),
        (404, False),
        (429, False),
        (429, False),
        (200, True),
        (200, True),
        (429, False),
        (200, True),
    ]


async def test_each_token_has_its_own_budget_and_a_stranger_is_told_of_none() -> None:
    async with running(told=False, limits=THREE, seed=SECOND_TOKEN, monotonic=Ticks()) as sandbox:
        for _ in range(4):
            spent = await ask(sandbox)
        assert spent.status == 429
        other = await ask(sandbox, Authorization="Bearer pit-second")
        assert (other.status, other.headers[REMAINING]) == (200, "2")
        versionless = await ask(sandbox, Authorization="Bearer pit-second", Version="2020-01-01")
        assert (versionless.status, versionless.headers[REMAINING]) == (401, "1")
        stranger = await ask(sandbox, Authorization="Bearer nobody")
        assert (stranger.status, stranger.headers.get(REMAINING)) == (401, None)


async def test_somebody_else_may_spend_of_the_same_budget() -> None:
    async with running(told=False, limits=THREE, seed=SECOND_TOKEN, monotonic=Ticks()) as sandbox:

        async def spend(calls: int, **more: str) -> Any:
            body = {"location": LOCATION, "calls": calls, **more}
            return await sandbox.call("POST", "/_sandbox/spend", body)

        assert await spend(2) == {"spent": 2, "remaining": 1}
        assert (await ask(sandbox)).headers[REMAINING] == "0"
        assert await spend(2) == {"spent": 0, "remaining": 0}
        assert await spend(1, token="pit-second") == {"spent": 1, "remaining": 2}
        for wrong in ({"location": "other"}, {"token": "other"}, {"calls": 0}):
            body = {"location": LOCATION, "calls": 1, **wrong}
            await sandbox.call("POST", "/_sandbox/spend", body, status=422)


async def test_limits_are_changed_and_taken_away_while_it_runs() -> None:
    ticks = Ticks()
    async with running(told=False, limits=None, monotonic=ticks) as sandbox:
        assert await sandbox.call("GET", "/_sandbox/limits") is None
        assert REMAINING not in (await ask(sandbox)).headers
        new = {"burst": 1, "interval": 2.5, "daily": 9, "retry_after": True}
        assert await sandbox.call("PUT", "/_sandbox/limits", new) == new
        assert (await ask(sandbox)).headers["X-RateLimit-Interval-Milliseconds"] == "2500"
        ticks.now += 1
        refused = await ask(sandbox)
        assert (refused.status, refused.headers["Retry-After"]) == (429, "2")
        default = {"burst": 100, "interval": 10.0, "daily": 200_000, "retry_after": False}
        assert await sandbox.call("PUT", "/_sandbox/limits", {}) == default
        assert (await ask(sandbox)).headers[REMAINING] == "99"
        async with sandbox.client.put("/_sandbox/limits", data=b"null") as answer:
            assert (answer.status, await answer.json()) == (200, None)
        assert REMAINING not in (await ask(sandbox)).headers


@pytest.mark.parametrize(
    ("wrong", "complaint"),
    [
        ({"burst": 0}, "burst: should be greater than or equal to 1"),
        ({"burst": 1_000_001}, "burst: should be less than or equal to 1000000"),
        ({"burst": None}, "burst: should be a valid integer"),
        ({"interval": 0}, "interval: should be greater than 0"),
        ({"interval": math.inf}, "interval: should be "),
        ({"interval": math.nan}, "interval: should be "),
        ({"interval": 1e308}, "interval: should be less than or equal to 86400"),
        ({"daily": -1, "burst": 0}, "burst: should be greater than or equal to 1; daily: should be greater"),
        ({"rate": 5}, "rate: there is no such field"),
        (5, "the body is neither a JSON object nor null"),
    ],
)
async def test_limits_that_cannot_be_are_refused(wrong: object, complaint: str) -> None:
    async with running(told=False) as sandbox:
        async with sandbox.client.put("/_sandbox/limits", data=json.dumps(wrong)) as answer:
            assert answer.status == 422
            assert (await answer.json())["message"].startswith(complaint)
        assert await sandbox.call("GET", "/_sandbox/limits") is None


async def page_of(process: asyncio.subprocess.Process) -> str:
    """Where it says that its page is."""
    assert process.stderr is not None
    said = b""
    while found := await process.stderr.readline():
        said += found
        if page := re.search(rb"its page .*(http://127\.0\.0\.1:[1-9]\d*)/_sandbox/", found):
            return page[1].decode()
    raise AssertionError(said)


@pytest.mark.processes
async def test_limits_and_faults_are_set_on_the_command_line() -> None:
    words = ["--port", "0", "--rate", "7", "--interval", "2", "--daily", "9", "--retry-after"]
    command = [sys.executable, "-P", "-m", "workers.cli", "sandbox", *words, "--fault", "GetCalendar:404"]
    process = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.PIPE)
    try:
        async with asyncio.timeout(WITHIN), aiohttp.ClientSession(await page_of(process)) as session:
            async with session.get("/_sandbox/limits") as answer:
                assert await answer.json() == {"burst": 7, "interval": 2, "daily": 9, "retry_after": True}
            for status in (404, 200):
                async with session.get(f"/calendars/{CUTS}", headers=HEADERS) as answer:
                    assert answer.status == status
    finally:
        process.terminate()
        assert await process.wait() == 0


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["--rate", "0"], "0 is not in the range 1<=x<=1000000"),
        (["--daily", "100000001"], "100000001 is not in the range 1<=x<=100000000"),
        (["--interval", "nan"], "nan is no number of seconds"),
        (["--interval", "inf"], "inf is not in the range 0<x<=86400.0"),
        (["--rate", "5", "--no-limits"], "--no-limits and --rate cannot go together"),
        (["--no-limits", "--retry-after"], "--no-limits and --retry-after cannot go together"),
        (["--webhook-url", "nope"], "it is no address as in http://127.0.0.1:8000/hooks/highlevel"),
        (["--webhook-url", "ftp://x"], "'--webhook-url': it is no address"),
        (["--webhook-url", "http://"], "'--webhook-url': it is no address"),
        (["--webhook-url", "http://x:port/"], "'--webhook-url': it is no address"),
        (["--fault", "CreateNote:drop,drop_after"], "'drop' and 'drop_after' cannot go together"),
        (["--fault", "CreateNote:204,html"], "'--fault': a 204 has no body, and so no html"),
        (
            ["--fault", "CreatNote:503"],
            "--fault: the sandbox does not serve CreatNote; the nearest that it serves is C",
        ),
        (["--duplicates", "20"], "--duplicates wants --webhook-url or --workflow-url"),
        (["--reorder"], "--reorder wants --webhook-url or --workflow-url"),
        (["--app-id", "a", "--workflow-url", "http://127.0.0.1:9/"], "--app-id wants --webhook-url"),
        (["--workflow-header", "A: b", "--webhook-url", "http://127.0.0.1:9/"], "--workflow-header wants --workflow-"),
        (["--fault", "CreateNote:explode"], "no fault is called 'explode'; known: a status, drop, drop_after,"),
        (["--fault", "CreateNote"], "WHERE:WHAT[,WHAT...][*TIMES][%PERCENT[#SEED]], as in CreateNote:drop_after*3"),
        (["--fault", "CreateNote:drop,503"], "a call is either dropped, or answered otherwise,"),
    ],
)
def test_options_that_cannot_be_are_refused(words: list[str], complaint: str) -> None:
    answer = CliRunner().invoke(sandbox_command, [*NOWHERE, *words])
    assert answer.exit_code == 2
    assert complaint in answer.output


def test_a_port_that_is_taken_is_told_with_its_option() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        answer = CliRunner().invoke(sandbox_command, ["--port", str(port)])
    said = f"Error: cannot listen on 127.0.0.1:{port} (Address already in use): choose another with --port"
    assert (answer.exit_code, answer.stderr.splitlines()[-1]) == (1, said)


def test_a_key_or_a_seed_that_cannot_be_is_told_in_plain_lines(tmp_path: Path) -> None:
    seed = tmp_path / "seed.yaml"

    def told(*words: str) -> str:
        answer = CliRunner().invoke(sandbox_command, [*NOWHERE, *words])
        assert answer.exit_code == 1
        return answer.output.removeprefix("Error: ")

    assert told("--signing-key", "abc") == "--signing-key (SANDBOX_SIGNING_KEY) is not 32 bytes in base64\n"
    seed.write_bytes(b"\xff\xfe\xff")
    assert told("--seed", str(seed)) == f"the seed {seed} is not UTF-8\n"
    seed.write_text("locations: [{timezone: Etc/UTC, calendars: [{id: b, name: c, slot_minutes: 0, colour: red}]}]")
    assert told("--seed", str(seed)) == (
        f"the seed {seed} cannot be used:\n"
        "  line 1, locations[0].id: has to be said\n"
        "  line 1, locations[0].calendars[0].slot_minutes: '0' should be greater than 0\n"
        "  line 1, locations[0].calendars[0].colour: there is no such field\n"
    )
    seed.write_text("")
    empty = "the seed is empty: a seed is a mapping that begins with `locations:`"
    assert told("--seed", str(seed)) == f"the seed {seed} cannot be used:\n  {empty}\n"
