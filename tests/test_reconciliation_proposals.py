"""What waits for approval: more than rules may act on by themselves in an hour."""

import asyncio

import pytest

from tests.house import SECRET, House, in_days
from tests.reconciling import hold, inventory, look, place, released, told, worked
from tests.sandboxes import DANA, LOCATION
from tests.test_apply import NOTE, rule
from tests.test_cli import complaint, say
from tests.test_deliveries import rows

STATES = "SELECT state, count(*) FROM reconciliations GROUP BY state ORDER BY state"


@pytest.fixture
async def ready(house: House, monkeypatch: pytest.MonkeyPatch) -> House:
    """With its inventory made, and the environment of commands."""
    environment = {
        "DATABASE_URL": house.settings.database_url,
        "SECRET_KEY": SECRET.get_secret_value(),
        "COLUMNS": "200",
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    await inventory(house)
    return house


async def reconcile(*options: str) -> str:
    result = await asyncio.to_thread(say, "locations", "reconcile", LOCATION, *options)
    assert result.exit_code == 0, result.output
    return result.output


async def test_of_25_missed_bookings_20_act_and_5_wait_and_are_approved(ready: House) -> None:
    await ready.rules(NOTE)
    placed = [await place(ready, number) for number in range(25)]
    looked = await look(ready)
    assert (looked["acted"], looked["waiting"]) == (20, 5)
    assert (await look(ready))["acted"] == 0
    assert await rows(ready.pool, STATES) == [("acted", 20), ("waiting", 5)], "and found once"
    listed = await reconcile()
    assert "Inventory: " in listed
    assert "25 bookings listed, 5 waiting for approval" in listed
    assert "5 wait: --approve asks the rules about them" in listed
    assert sum(" was booked for " in line for line in listed.splitlines()) == 5
    both = await asyncio.to_thread(say, "locations", "reconcile", LOCATION, "--approve", "--dismiss")
    assert (both.exit_code, "one of --approve, --dismiss and --now" in both.stderr) == (2, True)
    assert await reconcile("--approve") == "5 approved\n"
    await worked(ready)
    assert [await ready.notes(each) for each in placed] == [["Hello cuts"]] * 25
    assert await rows(ready.pool, "SELECT count(*) FROM reconciliations WHERE body IS NOT NULL") == [(0,)]
    assert await reconcile("--approve") == "Nothing waits for approval.\n"
    assert await rows(ready.pool, "SELECT count(*) FROM deliveries") == [(25,)]
    await place(ready, 25)
    assert (await look(ready))["waiting"] == 1, "what was approved made no room"
    await ready.pool.execute("UPDATE reconciliations SET found_at = found_at - interval '1 hour'")
    await place(ready, 26)
    looked = await look(ready)
    assert (looked["acted"], looked["waiting"]) == (1, 1), "an hour later there is room, and what waits goes on waiting"


async def test_what_is_dismissed_is_remembered_and_asks_no_rule(ready: House) -> None:
    await ready.rules(NOTE + rule("gone", "appointment.cancelled", "do: add_note, text: cancelled"))
    placed = [await place(ready, number) for number in range(2)]
    assert (await look(ready, reconciled_an_hour=0))["waiting"] == 2
    assert await reconcile("--dismiss") == "2 dismissed\n"
    await place(ready, 2)
    assert (await look(ready, reconciled_an_hour=1))["acted"] == 1, "what was dismissed took nobody's room"
    await ready.pool.execute("DELETE FROM deliveries")
    looked = await look(ready)
    assert (looked["acted"], looked["waiting"]) == (0, 0)
    assert await rows(ready.pool, "SELECT count(*) FROM deliveries") == [(0,)]
    await ready.edit(placed[0], appointmentStatus="cancelled")
    await ready.settled()
    assert await ready.notes(placed[0]) == ["cancelled"], "what comes afterwards is news"


async def test_what_waits_drops_out_when_its_webhook_comes_after_all(ready: House) -> None:
    await ready.rules(NOTE)
    await hold(ready)
    booked = await ready.book(in_days(3, "12:00"))
    assert (await look(ready, reconciled_an_hour=0))["waiting"] == 1
    await released(ready)
    assert "wait:" not in await reconcile()
    assert await reconcile("--approve") == "Nothing waits for approval.\n"
    assert await rows(ready.pool, STATES) == [("overtaken", 1)]
    assert await told(ready, booked) == [("highlevel", ["appointment.created"])]


async def test_what_waits_is_what_was_read_last_and_nothing_once_it_is_as_before(ready: House) -> None:
    booked = await ready.book(in_days(3, "12:00"), assignedUserId=DANA)
    await ready.settled()
    await hold(ready)
    for clock, until in (("14:00", "15:00"), ("16:00", "17:00")):
        await ready.edit(booked, startTime=in_days(3, clock), endTime=in_days(3, until))
        assert (await look(ready, reconciled_an_hour=0))["waiting"] == 1
        [(news,)] = await rows(ready.pool, "SELECT news FROM reconciliations")
        assert news.endswith(clock)
    assert (await look(ready))["waiting"] == 1, "it waits, though there would be room by now"
    await ready.edit(booked, startTime=in_days(3, "12:00"), endTime=in_days(3, "13:00"))
    await look(ready)
    assert await rows(ready.pool, STATES) == [("overtaken", 1)]


async def test_the_command_says_how_it_stands(ready: House) -> None:
    assert "none of them news" in await reconcile()
    await ready.pool.execute("UPDATE reconcilers SET next_at = now() + interval '1 hour', failure = 'no token'")
    told = await reconcile()
    assert "It does not go on for now: no token" in told
    assert await reconcile("--now") == f"A worker looks through {LOCATION} next.\n"
    assert "Next pass: now." in await reconcile()
    await ready.pool.execute("DELETE FROM reconcilers")
    assert await reconcile() == "No worker has looked through it yet.\n"
    refused = await asyncio.to_thread(complaint, "locations", "reconcile", "elsewhere")
    assert refused == "no location elsewhere is registered: slotwright locations list shows them"
    named = await asyncio.to_thread(say, "locations", "reconcile", "leeds salon")
    assert (named.exit_code, named.stdout) == (0, "No worker has looked through it yet.\n")
