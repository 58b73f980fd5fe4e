"""The console for whoever is on call: what is held back, alerts, what is parked, and what was done by hand."""

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from service.embedded import Servers
from service.store import held, holds, interventions, overview, reconciliations
from service.store.alerts import raised
from service.store.database import Pool
from service.store.ledger import write_down
from tests.checkups import in_order, look
from tests.consoles import arrive, open_console, step
from tests.house import House, register
from tests.questions import BOOKING
from tests.sandboxes import LOCATION
from tests.test_console import deliveries, link, text_of
from tests.test_metrics import numbers

DAY_ENDS = """
    INSERT INTO holds (scope, location_id, kind, reason, until)
    VALUES ('location', $1, 'budget', 'no call is left to the location', now() + $2::interval)
"""


async def hold_all(pool: Pool) -> None:
    """One of each kind, on everything that can be held."""
    minute = timedelta(minutes=1)
    async with pool.acquire() as connection:
        reason = "paused by ada: stock take"
        await holds.shut(connection, "rule", "paused", rule="evening cuts", reason=reason, who="ada")
        await holds.shut(connection, "location", "token", location_id=LOCATION, reason="no", probe_after=minute)
        await holds.shut(connection, "all", "breaker", reason="HighLevel does not answer", probe_after=minute)
        await connection.execute(DAY_ENDS, LOCATION, timedelta(hours=2))


async def alert(pool: Pool, kind: str, text: str, **about: Any) -> None:
    async with pool.acquire() as connection, connection.transaction():
        await write_down(connection, [raised(kind, text, **about)])


@pytest.fixture
async def salon(pool: Pool) -> Pool:
    await register(pool)
    return pool


@pytest.fixture
async def idle(database_url: str, servers: Servers) -> AsyncIterator[House]:
    async with in_order(database_url, servers.redis_url) as opened:
        yield opened


async def now_of(house: House) -> str:
    async with open_console(house.pool) as site:
        return text_of(await site.page("/now"))


def held_in(page: str) -> str:
    return text_of(page).partition("Held back ")[2].partition(" waiting ")[0]


async def test_what_is_held_back_stands_first_with_why_and_what_lets_it_go_on(salon: Pool) -> None:
    async with open_console(salon) as site:
        assert "Held back" not in await site.page("/now")
        await hold_all(salon)
        page = await site.page("/now")
    told = held_in(page)
    in_order = [
        "everything ✗ stopped by itself HighLevel does not answer",
        "a probe finds it well (the next looks at ",
        "slotwright resume --all",
        f"the location Leeds Salon {LOCATION} ✗ token refused no",
        f"slotwright locations check {LOCATION}",
        "the rule evening cuts in all locations ‖ paused by ada: stock take",
        "somebody lets it go on",
        "slotwright resume --rule 'evening cuts'",
        f"the location Leeds Salon {LOCATION} … no calls left",
    ]
    places = [told.find(words) for words in in_order]
    assert places == sorted(places), told
    assert -1 not in places, told
    assert page.index("Held back") < page.index("At a glance")


async def test_what_waits_for_a_hold_says_so_wherever_it_is_shown(salon: Pool) -> None:
    async with salon.acquire() as connection:
        await holds.shut(connection, "location", "paused", location_id=LOCATION, reason="", who="ada")
    here, there = [await arrive(salon, state="waiting", location_id=where) for where in (LOCATION, "elsewhere")]
    async with open_console(salon) as site:
        now_page = text_of(await site.page("/now"))
        assert "1 held back: its location is paused oldest" in now_page, now_page
        assert "1 to be taken up oldest" in now_page
        assert "… waiting held back: its location is paused" in now_page
        assert text_of(await site.page("/history")).count("held back: its location is paused") == 1
        assert "held back: its location is paused" in text_of(await site.page(f"/deliveries/{here}"))
        assert "held back" not in text_of(await site.page(f"/deliveries/{there}"))
        as_json = json.loads(await site.page(f"/deliveries/{here}.json"))
    assert as_json["held_by"] == "its location is paused"


async def test_every_hold_that_keeps_deliveries_has_its_words(salon: Pool) -> None:
    delivery = await arrive(salon, state="waiting")
    for scope, kinds in {"all": ("paused", "breaker"), "location": ("paused", "breaker", "token", "budget")}.items():
        for kind in kinds:
            async with salon.acquire() as connection:
                where = LOCATION if scope == "location" else ""
                await connection.execute("DELETE FROM holds")
                await connection.execute(
                    "INSERT INTO holds (scope, location_id, kind) VALUES ($1, $2, $3)", scope, where, kind
                )
                [row] = (await overview.now(connection)).oldest_waiting
            assert row["delivery_id"] == delivery
            assert row["held_by"] == held.WAITS[f"{scope} {kind}"]


async def test_alerts_of_the_last_day_lead_to_their_deliveries_and_are_counted(salon: Pool) -> None:
    delivery = await arrive(salon, state="parked")
    for _ in range(3):
        await alert(salon, "parked", "add_note waits", location_id=LOCATION, rule="note", delivery_id=delivery)
    await alert(salon, "breaker", "HighLevel does not answer")
    async with open_console(salon) as site:
        page = await site.page("/now")
        await salon.execute("UPDATE alerts SET last_at = last_at - interval '25 hours'")
        assert "Alerts of the last day" not in await site.page("/now")
    told = text_of(page)
    assert "breaker ✗ breaker HighLevel does not answer" in told
    assert "note Leeds Salon ! parked add_note waits 3 times since " in told
    assert link(page, "note") == f"/deliveries/{delivery}"


async def test_parked_deliveries_are_listed_beside_failed_ones_with_what_takes_them_up(salon: Pool) -> None:
    parked = await arrive(salon, state="parked", reason="ten tries")
    failed = await arrive(salon, state="failed", reason="no such appointment")
    async with open_console(salon) as site:
        page = await site.page("/now")
        told = text_of(page)
        assert "1 delivery parked" in told
        for delivery, words in ((parked, "! parked ten tries"), (failed, "✗ failed no such appointment")):
            assert f"{words} slotwright history retry {delivery}" in told, told
        assert told.index("ten tries") < told.index("no such appointment")
        parked_link = link(await site.page("/history"), "Parked")
        assert parked_link is not None
        assert deliveries(await site.page(parked_link)) == [parked]
        shown = text_of(await site.page(f"/deliveries/{parked}"))
        assert f"To take it up again: slotwright history retry {parked} ; to leave it undone: slotwright" in shown


async def test_what_was_done_by_hand_is_on_the_deliverys_page(salon: Pool) -> None:
    delivery = await arrive(salon, state="parked")
    await step(salon, delivery, "skipped", reason="skipped by ada")
    async with open_console(salon) as site:
        assert "By hand" not in await site.page(f"/deliveries/{delivery}")
        async with salon.acquire() as connection:
            await interventions.note(connection, "retry", [delivery], "ada <b>")
        told = text_of(await site.page(f"/deliveries/{delivery}"))
        [done] = json.loads(await site.page(f"/deliveries/{delivery}.json"))["interventions"]
        assert deliveries(await site.page("/history?step=skipped")) == [delivery]
    assert "By hand " in told
    assert " retry by ada <b>" in told
    assert "» skipped write a note skipped by ada" in told
    assert (done["what"], done["who"]) == ("retry", "ada <b>")


async def test_lists_stay_short_however_much_is_held_parked_and_alerted(salon: Pool) -> None:
    longest = overview.LONGEST
    async with salon.acquire() as connection:
        for number in range(longest + 5):
            await holds.shut(connection, "location", "token", location_id=f"l{number}", reason="")
    for number in range(longest + 5):
        await arrive(salon, state="parked")
        await alert(salon, "parked", "waits", rule=f"rule {number}")
    async with open_console(salon) as site:
        page = await site.page("/now")
    told = text_of(page)
    assert f"slotwright pause shows all {longest + 5} of them." in told
    assert f"{longest + 5} in all; the newest are shown." in told
    assert held_in(page).count("token refused") == told.count("! parked waits") == longest
    assert len(deliveries(page)) == longest


async def test_numbers_of_what_is_held_back_and_parked(salon: Pool) -> None:
    before = await numbers(salon)
    kinds = ("paused", "breaker", "token", "budget")
    assert [before["slotwright_holds", kind] for kind in kinds] == [0, 0, 0, 0]
    await hold_all(salon)
    await salon.execute(DAY_ENDS, "elsewhere", -timedelta(hours=2))
    await arrive(salon, state="parked")
    after = await numbers(salon)
    assert [after["slotwright_holds", kind] for kind in kinds] == [1, 1, 1, 1]
    assert (before["slotwright_deliveries_parked",], after["slotwright_deliveries_parked",]) == (0, 1)
    assert before["slotwright_deliveries_total", "parked"] == 0


async def test_what_waits_for_approval_is_told_on_now_by_a_number_and_by_the_doctor(idle: House) -> None:
    assert "0 found, to be approved" in await now_of(idle)
    assert "reconciler" not in await look(idle.settings, offline=True)
    async with idle.pool.acquire() as connection:
        for each in ("a", "b"):
            await reconciliations.propose(connection, BOOKING.changed(id=each, location_id=LOCATION), "news", b"{}")
    command = f"slotwright locations reconcile {LOCATION}"
    told = await now_of(idle)
    assert "2 found, to be approved" in told
    assert f"! 2 found, to be approved {command}" in told
    assert (await numbers(idle.pool))["slotwright_bookings_proposed",] == 2
    line = (await look(idle.settings, offline=True))["reconciler"]
    assert (line.state, line.advice) == ("warning", f"{command} shows them")
    assert line.found == f"2 bookings that no webhook told of, to be approved: {LOCATION}"


async def test_the_doctor_tells_what_is_held_back_and_what_to_do(idle: House) -> None:
    assert (await look(idle.settings, offline=True))["held"].found == "nothing is held back"
    await hold_all(idle.pool)
    await idle.pool.execute(DAY_ENDS, "elsewhere", timedelta(seconds=9))
    found = await look(idle.settings, offline=True)
    lines = {name: finding for name, finding in found.items() if name.partition(" ")[0] in held.KINDS}
    assert {name: finding.state for name, finding in lines.items()} == {
        "paused evening cuts": "warning",
        f"token {LOCATION}": "failed",
        "breaker everything": "failed",
        f"budget {LOCATION}": "warning",
    }, "a budget that comes back at once is no trouble"
    paused, token = lines["paused evening cuts"], lines[f"token {LOCATION}"]
    assert paused.found == "the rule evening cuts in all locations: paused for 0 seconds, by ada: stock take"
    assert paused.advice == "slotwright resume --rule 'evening cuts' lets it go on"
    assert token.advice.startswith(f"slotwright locations check {LOCATION} says what the matter is")
    assert "HighLevel does not answer" in lines["breaker everything"].found


async def test_the_doctor_tells_what_is_parked_and_the_alerts_of_the_last_day(idle: House) -> None:
    assert (await look(idle.settings, offline=True))["alerts"].found == "none in the last day"
    delivery = await arrive(idle.pool, state="parked")
    for _ in range(2):
        await alert(idle.pool, "late", "add_note was not done in time", rule="note", delivery_id=delivery)
    await alert(idle.pool, "parked", "assign waits for somebody: ten tries", rule="give", delivery_id=delivery)
    found = await look(idle.settings, offline=True)
    assert (found["work"].state, found["work"].found) == ("warning", "0 deliveries open; 1 parked")
    assert found["work"].advice == "slotwright history list --status parked shows them"
    told = "in the last day parked 1 time, late 2 times; the newest 0 seconds ago: assign waits for somebody: ten tries"
    assert (found["alerts"].state, found["alerts"].found) == ("warning", told)
    await idle.pool.execute("UPDATE alerts SET last_at = last_at - interval '25 hours'")
    assert (await look(idle.settings, offline=True))["alerts"].state == "ok"
