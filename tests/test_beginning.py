"""How the sandbox of `slotwright up` begins, and when the demo's salon has time."""

from collections.abc import AsyncIterator
from datetime import date, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from service.highlevel.client import HighLevel
from service.highlevel.rate_limit import Unlimited
from service.sandbox.seeds.seed import packaged_seed
from tests.sandboxes import Sandbox, opened, running
from workers.cli import salon
from workers.cli.beginning import beginning_in
from workers.cli.commands import slotwright
from workers.cli.salon import ALEX, CUTS, DANA, LOCATION

TWO = packaged_seed("demo") + "  - {id: oTh3rLoc4tI0nFoRtEsT, timezone: Europe/Paris, tokens: [pit-other]}\n"


def complaint(*words: str) -> str:
    """The one line that `up` ends with."""
    answer = CliRunner().invoke(slotwright, ["up", *words])
    assert (answer.exit_code, answer.stdout, answer.stderr.count("\n")) == (1, "", 1), answer.output
    return answer.stderr.removeprefix("Error: ").rstrip("\n")


async def begun(folder: Path, seed: str = "") -> None:
    """A state is there."""
    folder.mkdir(parents=True)
    with opened(folder / "sandbox.json") as file:
        async with running(kept=file, told=False, seed=seed):
            pass


async def test_it_begins_with_all_locations_of_the_seed_and_later_with_those_of_its_state(tmp_path: Path) -> None:
    seed, folder = tmp_path / "two.yaml", tmp_path / "data"
    seed.write_text(TWO)
    beginning = beginning_in(folder, str(seed))
    assert not beginning.was_there
    assert not folder.exists()
    assert [(each.id, each.tokens) for each in beginning.locations] == [
        (LOCATION, ("pit-sandbox-demo",)),
        ("oTh3rLoc4tI0nFoRtEsT", ("pit-other",)),
    ]
    assert len(beginning.clients) == 1
    assert beginning_in(folder, "empty").clients == ()
    await begun(folder, TWO)
    later = beginning_in(folder, "no such seed")
    assert (later.was_there, later.locations, later.clients) == (True, beginning.locations, beginning.clients)


async def test_samples_are_refused_where_the_salon_is_not(tmp_path: Path) -> None:
    told = complaint("--demo", "--seed", "empty", "--folder", str(tmp_path / "none"))
    assert told == "--demo books in the demo's salon: leave out --seed, or --demo"
    folder = tmp_path / "data"
    await begun(folder, packaged_seed("empty"))
    told = complaint("--demo", "--folder", str(folder))
    assert told == (
        f"--demo books in the demo's salon, which {folder}/sandbox.json has not: delete it, or choose another --folder"
    )


def test_what_it_cannot_begin_with_is_told_before_anything_starts(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    told = complaint("--seed", str(tmp_path / "none.yaml"), "--folder", str(folder))
    assert told.startswith(
        f"no seed {tmp_path}/none.yaml: neither clinic, demo, empty, home-services, sales, salon nor a file"
    )
    assert not folder.exists()
    folder.mkdir()
    (folder / "sandbox.json").write_text("{}")
    told = complaint("--folder", str(folder))
    assert told.startswith(f"the state {folder}/sandbox.json cannot be used: it is of another program. ")


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with running(told=False) as running_sandbox:
        yield running_sandbox


async def test_samples_find_a_day_on_which_nobody_of_theirs_has_anything(sandbox: Sandbox) -> None:
    first = date(2026, 4, 2)
    async with HighLevel(str(sandbox.client.make_url("/")), "pit-sandbox-demo", rate_limit=Unlimited()) as api:
        assert await salon.free_thursday(api, first) == first
        # What an earlier start has left: a booking of Dana's, even when it was cancelled.
        booked = await sandbox.book("2026-04-02T12:00:00+01:00", assignedUserId=DANA)
        path = f"/calendars/events/appointments/{booked['id']}"
        await sandbox.call("PUT", path, {"appointmentStatus": "cancelled"})
        assert await salon.free_thursday(api, first) == date(2026, 4, 9)
        await sandbox.book("2026-04-09T17:30:00+01:00", assignedUserId=ALEX)
        assert await salon.free_thursday(api, first) == date(2026, 4, 16)
        for week in range(2, 7):
            start = f"{first + week * timedelta(days=7)}T10:00:00+01:00"
            await sandbox.book(start, assignedUserId=DANA)
        assert await salon.free_thursday(api, first) == date(2026, 5, 21)
        await sandbox.call("PUT", f"/calendars/{CUTS}", {"openHours": []})
        with pytest.raises(salon.NoDay):
            await salon.free_thursday(api, first)
