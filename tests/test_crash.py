"""Whatever strikes a worker, each effect is there once and as first decided. `make crash` runs the whole matrix."""

import asyncio
import contextlib
import os
import random
import re
from pathlib import Path

import asyncpg
import pytest

from service.embedded import Servers
from tests.conftest import TEMPLATE, named
from tests.crash_findings import Cut
from tests.crash_matrix import BACK_WITHIN, Run, crash, show
from tests.crash_scenarios import SCENARIOS, Scenario
from tests.crash_worker import Kill, Raised
from workers.actions import ACTIONS

pytestmark = pytest.mark.processes

ALL = "all"
CRASHES = os.environ.get("SLOTWRIGHT_CRASHES", "18")
"""How many of the matrix: `all`, or a number."""

STANDS, CONNECTIONS = (16 if CRASHES == ALL else 12), 400

SEED = 6


def sample(runs: list[Run]) -> list[Run]:
    """Spread over the matrix: of each action as many, and of each way to strike."""
    chance, chosen = random.Random(SEED), list[Run]()
    ways: tuple[type, ...] = (Kill, Cut, Raised)
    for place in range(int(CRASHES)):
        scenario, turn = SCENARIOS[place % len(SCENARIOS)], (place + place // len(SCENARIOS)) % len(ways)
        left = [run for run in runs if run[0] is scenario and run not in chosen]
        left = [run for run in left if isinstance(run[1], Cut) or run[1].at <= _surely(runs, scenario)]
        # What asks nothing of HighLevel has no call to cut.
        in_turn = ([run for run in left if isinstance(run[1], way)] for way in (*ways[turn:], *ways[:turn]))
        chosen.append(chance.choice(next(filter(None, in_turn))))
    return chosen


def _surely(runs: list[Run], scenario: Scenario) -> float:
    """An await that each run comes to: no two have quite as many, and what strikes nothing shows nothing."""
    return 0.8 * max(run[1].at for run in runs if run[0] is scenario and not isinstance(run[1], Cut))


@pytest.fixture
def copied(request: pytest.FixtureRequest) -> tuple[str, str]:
    """A migrated database to copy, and a Valkey; for the whole matrix on servers that take many connections."""
    if CRASHES != ALL:
        shared: Servers = request.getfixturevalue("servers")
        return named(shared.database_url, TEMPLATE), shared.redis_url
    own: Servers = request.getfixturevalue("own_servers")
    asyncio.run(allow_connections(own.database_url))
    own.postgres.stop()
    own.postgres.start()
    return own.database_url, own.redis_url


async def allow_connections(url: str) -> None:
    connection = await asyncpg.connect(url)
    await connection.execute(f"ALTER SYSTEM SET max_connections = {CONNECTIONS}")
    await connection.close()


def test_every_action_is_in_the_matrix() -> None:
    tried = {action for scenario in SCENARIOS for action in re.findall(r"do: (\w+)", scenario.then)}
    assert tried == {action.called for action in ACTIONS}


async def test_no_crash_loses_anything_or_does_it_twice(
    copied: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A sample of the matrix, or all of it."""
    crashes = await crash(copied, tmp_path, stands=STANDS, chosen=list if CRASHES == ALL else sample)
    with capsys.disabled() if CRASHES == ALL else contextlib.nullcontext():
        show(crashes)
    assert len(crashes.findings) >= (1000 if CRASHES == ALL else int(CRASHES))
    assert crashes.faults == []
    struck = sum(finding.struck for finding in crashes.findings)
    assert struck > len(crashes.findings) * 0.8, "what strikes nothing shows nothing"
    assert crashes.back
    if CRASHES == ALL:
        # Beyond it is what a hundred processes do to two cores, and not how long a lease lasts.
        assert crashes.back[len(crashes.back) * 99 // 100] < BACK_WITHIN
