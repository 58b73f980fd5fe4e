"""Random histories of a booking, told late, twice and in any order: what HighLevel shows at the end is what must be."""

import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from aiohttp.test_utils import TestClient, TestServer
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from service.embedded import Servers
from service.highlevel.connection import open_session
from service.highlevel.rate_limit import Unlimited
from service.queue import Bell
from service.receiver.app import create_app
from service.store import rulebooks
from tests.histories import CLOCKS, RULES, History, Place, at
from tests.house import LONDON, NAMES, now, pool_of, public_key, register, settings_for
from tests.sandboxes import DANA, PLENTY, running
from workers.rulebook import read
from workers.workplace import Workplace

EXAMPLES = int(os.environ.get("SLOTWRIGHT_EXAMPLES", "16"))
MANY = 1000
PARTS = 1 if EXAMPLES < MANY else 2
"""Tests that share the examples, so that as many processes do; what is not drawn at random is the same in each."""

MOVES = st.tuples(
    st.sampled_from(
        ["move", "move", "reassign", "reassign", "cancel", "confirm", "delete", "retitle"]
        + ["tell"] * 4
        + ["again", "work", "work", "restart", "kill", "kill"]
    ),
    st.integers(0, 11),
)
HISTORIES = st.lists(MOVES, min_size=2, max_size=12)
"""What people do to a booking, mixed with what is told of it, and when the worker works. The number says which: the
time, the person, the webhook, what is 0 to 55 milliseconds until a restart or a death."""


@pytest.fixture
async def place(database_url: str, servers: Servers, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Place]:
    bell = Bell(servers.redis_url)
    async with (
        pool_of(database_url) as pool,
        running(limits=PLENTY) as sandbox,
        open_session(20) as session,
    ):
        sandbox.clock.now = datetime.now(UTC)
        await register(pool, connected=sandbox.clock.now - timedelta(days=1))
        book = read({"rules.yaml": NAMES + RULES})
        async with pool.acquire() as connection, connection.transaction():
            await rulebooks.apply(connection, None, book.source, book.digest, "a test")
        url = str(sandbox.client.make_url("/")).rstrip("/")
        told = settings_for(database_url, servers.redis_url, highlevel_url=url)
        receiver = create_app(told, pool, bell, now, sandbox_keys=[public_key(sandbox.key)])
        # What a dead worker sent is carried out or never, by the time that its leases end here.
        monkeypatch.setattr(Workplace, "settle_after", property(lambda _: timedelta(milliseconds=20)))
        async with TestClient(TestServer(receiver)) as door:
            yield Place(sandbox, door, pool, Workplace(told, pool, session, now, rate_limit=Unlimited()))
    await bell.close()


@pytest.mark.parametrize("part", range(PARTS))
@settings(
    max_examples=EXAMPLES // PARTS,
    derandomize=EXAMPLES < MANY,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@example(history=[("reassign", 1), ("move", 2)], clock="10:00", prompt=True, seed=0)
@example(history=[("cancel", 0), ("tell", 1), ("work", 0)], clock="09:00", prompt=False, seed=0)
@example(history=[("tell", 0), ("kill", 5), ("reassign", 1), ("move", 1)], clock="10:00", prompt=False, seed=0)
@given(history=HISTORIES, clock=st.sampled_from(CLOCKS), prompt=st.booleans(), seed=st.integers(0, 99))
async def test_any_history_ends_as_people_and_rules_made_it(
    place: Place, part: int, history: list[tuple[str, int]], clock: str, prompt: bool, seed: int
) -> None:
    """`prompt`: each change is told and worked off before the next."""
    day = datetime.now(LONDON).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=7)
    day += timedelta(days=-day.weekday() % 7)
    starts = at(day, clock)
    # What was made before a step was planned is not looked for: HighLevel's clock must not fall behind ours.
    place.sandbox.clock.now = max(place.sandbox.clock.now + timedelta(milliseconds=1), datetime.now(UTC))
    booked = await place.sandbox.book(starts.isoformat(), assignedUserId=DANA, ignoreFreeSlotValidation=True)
    one = await History.begin(place, booked["id"], day)
    try:
        if prompt:
            await one.end(Random(seed))
        for what, number in history:
            match what:
                case "tell" | "again":
                    await one.tell(number, again=what == "again")
                case "work":
                    await one.work()
                case "restart":
                    await one.restart(number / 200)
                case "kill":
                    await one.kill(number / 200)
                case _:
                    await one.people_do(what, number)
                    if prompt:
                        await one.end(Random(seed))
        await one.end(Random(seed))
        await one.check()
    except Exception as error:
        error.add_note(f"history={history!r}, clock={clock!r}, prompt={prompt!r}, seed={seed!r}")
        raise
    finally:
        await one.forget()
