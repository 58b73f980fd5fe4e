"""The rate limit that processes share through Valkey; each limit here stands for one process."""

import asyncio
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from redis.asyncio import Redis
from structlog.testing import capture_logs

from service.embedded import Servers
from service.embedded.valkey import Valkey
from service.highlevel.books import SECOND, Allowance, Books
from service.highlevel.calendars import GetCalendar
from service.highlevel.client import HighLevel
from service.highlevel.limits import Limits
from service.highlevel.rate_limit import Grant, Wait
from service.rate_limit.shared import PREFIX, Ledger, SharedRateLimit
from service.sandbox.limits import Limits as SandboxLimits
from tests.house import TOKEN
from tests.sandboxes import CUTS, LOCATION, running

NOON = 1_700_000_000 * SECOND
NUMBERS = count(1)


@pytest.fixture
def location() -> str:
    """One that no other test calls at."""
    return f"location-{next(NUMBERS)}"


@asynccontextmanager
async def crew(url: str, processes: int = 2, **more: Any) -> AsyncIterator[list[SharedRateLimit]]:
    async with AsyncExitStack() as stack:
        yield [
            await stack.enter_async_context(SharedRateLimit(url, Allowance(**more), processes=processes))
            for _ in range(processes)
        ]


async def granted(limit: SharedRateLimit, location: str, *, urgent: bool = False) -> list[Grant]:
    """As many as there is leave for at once."""
    grants: list[Grant] = []
    while isinstance(leave := await limit.take(location, urgent=urgent, within=0), Grant):
        grants.append(leave)
    return grants


async def acquainted(limit: SharedRateLimit, location: str, **told: int) -> None:
    """With what an answer says."""
    leave = await limit.take(location, urgent=False, within=0)
    assert isinstance(leave, Grant)
    await limit.answered(location, leave, Limits(**{"burst_left": 99, "burst_limit": 100, **told}))


def state_of(location: str) -> str:
    return f"{PREFIX}:{{{location}}}:state"


LIMITS = st.none() | st.builds(
    Limits,
    burst_left=st.none() | st.integers(0, 12),
    burst_limit=st.none() | st.integers(0, 12),
    day_left=st.none() | st.integers(0, 40),
    day_limit=st.none() | st.integers(0, 40),
    interval=st.none() | st.integers(0, 3000),
    day_reset=st.none() | st.integers(0, 20_000),
)
STEPS = st.tuples(
    st.sampled_from(["take"] * 4 + ["answered"] * 6 + ["refused", "unsent"]),
    st.sampled_from([0, 0, 1_000, 50_000, 300_000, SECOND]) | st.integers(0, 2 * SECOND),
    st.booleans(),
    st.integers(0, 100),
    LIMITS,
    st.none() | st.floats(0, 5, allow_nan=False),
)


@given(
    st.lists(STEPS, min_size=10, max_size=40),
    st.builds(
        Allowance,
        calls=st.integers(1, 12),
        interval=st.just(1.0),
        day=st.integers(3, 40),
        kept=st.integers(0, 10),
        longest=st.just(20.0),
    ),
)
@settings(max_examples=60, deadline=None)
def compare(runner: "asyncio.Runner", url: str, steps: list[Any], allowance: Allowance) -> None:
    runner.run(same_answers(url, steps, allowance))


async def same_answers(url: str, steps: list[Any], allowance: Allowance) -> None:
    location, now = f"location-{next(NUMBERS)}", NOON
    async with Redis.from_url(url) as valkey:
        books, ledger = Books(allowance), Ledger(valkey, allowance)
        under_way: list[tuple[Grant, Grant, int]] = []
        for step, pause, urgent, chosen, limits, retry_after in steps:
            now += pause
            under_way = [call for call in under_way if call[2] > now - 20 * SECOND]
            if step == "take":
                for _ in range(1 + chosen % 6):
                    ours, theirs = books.take(now, urgent=urgent), await ledger.take(location, urgent=urgent, now=now)
                    if not (isinstance(ours, Grant) and isinstance(theirs, Grant)):
                        assert ours == theirs
                        break
                    under_way.append((ours, theirs, now))
            elif under_way:
                ours, theirs, _ = under_way.pop(chosen % len(under_way))
                if step == "answered":
                    books.answered(now, ours, limits)
                    await ledger.answered(location, theirs, limits, now=now)
                elif step == "refused":
                    books.refused(now, ours, limits, retry_after)
                    await ledger.refused(location, theirs, limits, retry_after, now=now)
                else:
                    books.unsent(now, ours)
                    await ledger.unsent(location, theirs, now=now)
                await same_state(valkey, location, books)


async def same_state(valkey: Redis, location: str, books: Books) -> None:
    state = valkey.hgetall(state_of(location))
    assert not isinstance(state, dict)
    kept = {name.decode(): int(value) for name, value in (await state).items()}
    del kept["seen"], kept["number"]
    assert kept == {name: getattr(books, f"_{name}") for name in kept}


def test_valkey_keeps_the_books_as_one_process_does(servers: Servers) -> None:
    with asyncio.Runner() as runner:
        compare(runner, servers.redis_url)


async def test_processes_share_one_budget(servers: Servers, location: str) -> None:
    async with crew(servers.redis_url, kept=20) as (one, other):
        await acquainted(one, location)
        assert len(await granted(one, location)) == 79
        assert not await granted(other, location)
        assert len(await granted(other, location, urgent=True)) == 20
        assert not await granted(one, location, urgent=True)
        waited = await other.take(location, urgent=False, within=0)
        assert isinstance(waited, Wait)
        assert 0 < waited.seconds <= 10


async def test_a_refusal_stops_every_process(servers: Servers, location: str) -> None:
    async with crew(servers.redis_url) as (one, other):
        await acquainted(one, location)
        grant = await other.take(location, urgent=False, within=0)
        assert isinstance(grant, Grant)
        await other.refused(location, grant, None, 30.0)
        waited = await one.take(location, urgent=True, within=0)
        assert isinstance(waited, Wait)
        assert 29 < waited.seconds <= 30


async def test_what_one_process_is_told_of_the_budget_all_know(servers: Servers, location: str) -> None:
    async with crew(servers.redis_url) as (one, other):
        await acquainted(one, location, burst_left=19, burst_limit=50)
        assert len(await granted(other, location)) == 50 - 1 - 30 - 2


async def test_a_call_that_never_left_frees_its_place_for_another_process(servers: Servers, location: str) -> None:
    async with crew(servers.redis_url, calls=1) as (one, other):
        [grant] = await granted(one, location)
        assert not await granted(other, location)
        await one.unsent(location, grant)
        assert len(await granted(other, location)) == 1


async def test_what_is_kept_in_valkey_expires_by_itself(servers: Servers, location: str) -> None:
    async with crew(servers.redis_url, 1) as [limit], Redis.from_url(servers.redis_url) as valkey:
        await acquainted(limit, location)
        keys = [key async for key in valkey.scan_iter(f"{PREFIX}:{{{location}}}*")]
        assert len(keys) == 2
        left = [await valkey.pttl(key) for key in keys]
        assert all(0 < milliseconds <= 25 * 3600 * 1000 for milliseconds in left)


async def test_a_valkey_that_forgot_everything_is_told_again(servers: Servers, location: str) -> None:
    async with crew(servers.redis_url) as (one, other), Redis.from_url(servers.redis_url) as valkey:
        await acquainted(one, location)
        grants = await granted(one, location)
        await valkey.delete(f"{PREFIX}:{{{location}}}", state_of(location))
        await valkey.script_flush()
        for grant in grants[:60]:
            await one.answered(location, grant, Limits(burst_left=0, burst_limit=100))
        assert not await granted(other, location), "the answers say that nothing is left"


async def test_a_clock_that_is_put_back_blocks_nobody(servers: Servers, location: str) -> None:
    async with Redis.from_url(servers.redis_url) as valkey:
        ledger = Ledger(valkey, Allowance(calls=1))
        assert isinstance(await ledger.take(location, urgent=False, now=NOON), Grant)
        assert isinstance(await ledger.take(location, urgent=False, now=NOON), Wait)
        assert isinstance(await ledger.take(location, urgent=False, now=NOON - 3600 * SECOND), Grant)


@pytest.fixture
def valkey(tmp_path: Path) -> Iterator[Valkey]:
    """One of this test's own, to be killed."""
    server = Valkey(tmp_path)
    server.folder.create()
    server.launch()
    server.wait_ready()
    yield server
    server.stop()


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


async def test_while_valkey_is_away_each_process_grants_its_part(valkey: Valkey, location: str) -> None:
    clock, allowance = Clock(), Allowance(calls=40)
    with capture_logs() as logged:
        async with AsyncExitStack() as stack:
            team = [
                await stack.enter_async_context(SharedRateLimit(valkey.url, allowance, processes=4, clock=clock))
                for _ in range(4)
            ]
            await acquainted(team[0], location, burst_left=39, burst_limit=40)
            shared = await granted(team[0], location)
            for grant in shared[:9]:
                await team[0].unsent(location, grant)
            assert valkey.process is not None
            valkey.process.kill()
            valkey.process.wait()

            clock.now += 11
            assert [len(await granted(limit, location)) for limit in team] == [0, 1, 1, 1], (
                "the first one's own calls are under way; the others begin carefully"
            )
            for limit in team[1:]:
                local = await limit.take(location, urgent=False, within=0)
                assert isinstance(local, Wait)
            assert len(logged) == 4, "each process says so once"

            valkey.launch()
            valkey.wait_ready()
            clock.now += 11
            took = [len(await granted(limit, location)) for limit in team]
            assert 0 < sum(took) <= 10, "Valkey still knew of the thirty"
            assert len(logged) == 8
            assert {line["event"] for line in logged[4:]} == {"the rate limit is shared again"}


async def test_a_valkey_that_does_not_answer_is_waited_for_once(valkey: Valkey, location: str) -> None:
    async with SharedRateLimit(valkey.url, clock=Clock()) as limit:
        await acquainted(limit, location)
        assert valkey.process is not None
        valkey.process.send_signal(signal.SIGSTOP)
        with capture_logs() as logged:
            grants = await granted(limit, location)
            assert len(grants) == 99
            for grant in grants[2:]:
                await limit.answered(location, grant, None)
            await limit.unsent(location, grants[0])
            assert len(await granted(limit, location)) == 1
            await limit.refused(location, grants[1], None, 30.0)
            waited = await limit.take(location, urgent=True, within=0)
            assert isinstance(waited, Wait)
            assert 29 < waited.seconds <= 30
        assert [line["event"] for line in logged] == [
            "the rate limit is kept by each process for itself: Valkey is away"
        ]
        valkey.process.send_signal(signal.SIGCONT)


async def test_a_backlog_that_processes_share_is_never_refused(servers: Servers) -> None:
    exact = SandboxLimits(burst=40, interval=0.4)
    async with running(limits=exact) as sandbox, AsyncExitStack() as stack:
        base, backlog = str(sandbox.client.make_url("")), iter(range(120))

        async def work_off(api: HighLevel) -> None:
            for _ in backlog:
                await api(GetCalendar(calendar_id=CUTS))

        async with asyncio.TaskGroup() as tasks:
            for limit in await stack.enter_async_context(crew(servers.redis_url, 3, calls=40, interval=0.4)):
                api = HighLevel(base, TOKEN, location=LOCATION, rate_limit=limit)
                await stack.enter_async_context(api)
                for _ in range(5):
                    tasks.create_task(work_off(api))
        statuses = [call["status"] for call in await sandbox.call("GET", "/_sandbox/calls")]
        assert statuses == [200] * 120
