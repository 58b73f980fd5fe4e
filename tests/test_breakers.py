"""Breakers: where HighLevel fails work is held back, of as few as can be, until a probe finds it well."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from pydantic import SecretStr

from service.embedded import Servers
from service.store import holds, lanes, locations
from service.store.sealing import Keys
from tests.house import SECRET, TOKEN, House, in_days, open_house
from tests.sandboxes import DANA, LOCATION
from tests.test_apply import rule
from tests.workshop import alerts, at_work, booking, calls, fault, hasten, heal, held, impatient, states, tell, until
from workers.breakers import IN_A_ROW, Breakers

ELSEWHERE = "oTh3rL0cAt1oNaBcDeFg"
NOON = datetime.fromisoformat(in_days(3, "12:00"))
NOTE = rule("note", "appointment.created", "do: add_note, text: hello")
HOST, HERE, OF_TOKEN = ("all", "breaker", ""), ("location", "breaker", ""), ("location", "token", "")
FOR_EVER = "*1000000"


@pytest.fixture
async def idle(database_url: str, servers: Servers) -> AsyncIterator[House]:
    """Nobody works, counts or probes, until it is said."""
    async with open_house(database_url, servers.redis_url, working=False) as opened:
        yield opened


def hear(breakers: Breakers, *ended: tuple[str, int | None]) -> None:
    for location_id, status in ended:
        breakers.heard(location_id, status)


FAILS, SILENT, WELL = (LOCATION, 500), (LOCATION, None), (LOCATION, 200)
OTHER_FAILS, OTHER_SILENT, OTHER_WELL = (ELSEWHERE, 503), (ELSEWHERE, None), (ELSEWHERE, 404)


@pytest.mark.parametrize(
    ("ended", "shut"),
    [
        ([FAILS] * 4, []),
        ([FAILS] * 5, [HERE]),
        ([FAILS] * 4 + [WELL] + [FAILS] * 4, []),
        # Others are well meanwhile: it is this location's.
        ([FAILS, OTHER_WELL] * 5, [HERE]),
        ([SILENT] * 4, []),
        ([SILENT] * 5, [HOST]),
        ([SILENT] * 4 + [OTHER_WELL] + [SILENT] * 4, [HERE]),
        ([SILENT] * 4 + [WELL] + [SILENT] * 4, []),
        ([FAILS, OTHER_FAILS] * 3, [HOST]),
        ([SILENT, OTHER_FAILS, FAILS, OTHER_SILENT, SILENT], [HOST]),
        ([OTHER_FAILS, OTHER_SILENT] * 2 + [OTHER_SILENT] * 3, [HOST]),
        # One error first, and then silence.
        ([FAILS] + [SILENT] * 9, [HOST]),
        # What says no has taken the call: nothing is wrong with it.
        ([(LOCATION, status) for status in (400, 401, 403, 404, 422, 429) * 2], []),
        ([(LOCATION, 429), FAILS] * 9, []),
    ],
)
async def test_five_failures_in_a_row_shut_the_location_or_the_host(
    idle: House, ended: list[tuple[str, int | None]], shut: list[tuple[str, str, str]]
) -> None:
    breakers = idle.work.breakers
    hear(breakers, *ended)
    for _ in range(3):
        await breakers.look()
    assert await held(idle) == shut
    assert list(await alerts(idle)) == ([("breaker", "")] if shut else [])


async def test_what_is_shut_for_the_host_counts_against_no_location(idle: House) -> None:
    breakers = idle.work.breakers
    hear(breakers, *[FAILS, OTHER_FAILS] * 4)
    await breakers.look()
    hear(breakers, FAILS, OTHER_FAILS)
    await breakers.look()
    assert await held(idle) == [HOST]
    async with idle.pool.acquire() as connection:
        await holds.lift(connection, "all", ["breaker"])
    hear(breakers, WELL, *[FAILS] * 4)
    await breakers.look()
    assert await held(idle) == [], "it begins anew"


async def test_what_shut_a_location_counts_no_more_against_the_host(idle: House) -> None:
    breakers = idle.work.breakers
    hear(breakers, *[FAILS] * 5)
    await breakers.look()
    hear(breakers, *[OTHER_FAILS] * 4)
    await breakers.look()
    assert await held(idle) == [HERE]
    hear(breakers, OTHER_SILENT)
    await breakers.look()
    assert await held(idle) == [HERE, HERE], "the other as well, each for itself"


async def test_a_location_that_is_shut_lets_others_work(idle: House) -> None:
    async with idle.pool.acquire() as connection:
        await locations.add(
            connection, Keys(SECRET), ELSEWHERE, name="", time_zone="Europe/Paris", token=SecretStr(TOKEN)
        )
    hear(idle.work.breakers, *[FAILS] * IN_A_ROW)
    await idle.work.breakers.look()
    await tell(idle, booking(1, NOON))
    status, _ = await idle.post({"type": "AppointmentCreate", "locationId": ELSEWHERE, "appointment": {"id": "x" * 20}})
    assert status == 202
    async with idle.pool.acquire() as connection:
        assert [lane.location_id for lane in await lanes.claim(connection, "a-worker", 9)] == [ELSEWHERE]


async def test_the_probe_of_the_host_asks_without_a_token_and_ends_it(idle: House) -> None:
    breakers = idle.work.breakers
    hear(breakers, *[SILENT] * IN_A_ROW)
    await breakers.look()
    await fault(idle, f"*:503{FOR_EVER}")
    for _ in range(2):
        await idle.pool.execute("UPDATE holds SET probe_at = now()")
        await breakers.look()
        assert await held(idle) == [HOST]
    failures = await idle.pool.fetchval("SELECT failures FROM holds")
    assert failures == 3
    later = await idle.pool.fetchval("SELECT probe_at - now() FROM holds")
    assert timedelta(seconds=2) < later <= timedelta(seconds=4), "after twice as long each time"
    await heal(idle)
    await idle.pool.execute("UPDATE holds SET probe_at = now()")
    await breakers.look()
    assert await held(idle) == []
    assert {call["status"] for call in await calls(idle, "ListCalendars")} == {503, 401}


async def test_the_probe_of_a_location_asks_with_its_token_and_ends_it(
    idle: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    impatient(monkeypatch)
    breakers = idle.work.breakers
    hear(breakers, *[FAILS] * IN_A_ROW)
    await breakers.look()
    for what in ("500", "429", "drop", "expired_token"):
        await fault(idle, f"ListCalendars:{what}*8")
        await idle.pool.execute("UPDATE holds SET probe_at = now()")
        await breakers.look()
        assert await held(idle) == [HERE], what
        await heal(idle)
    await idle.pool.execute("UPDATE holds SET probe_at = now()")
    await breakers.look()
    assert await held(idle) == []
    assert len(await calls(idle, "ListCalendars", answered=200)) == 1


async def test_only_one_of_several_workers_probes(idle: House) -> None:
    hear(idle.work.breakers, *[FAILS] * IN_A_ROW)
    await idle.work.breakers.look()
    await idle.pool.execute("UPDATE holds SET probe_at = now()")
    async with idle.pool.acquire() as one, idle.pool.acquire() as other:
        first = await holds.next_to_probe(one, timedelta(seconds=1), timedelta(minutes=1))
        second = await holds.next_to_probe(other, timedelta(seconds=1), timedelta(minutes=1))
    assert first is not None
    assert second is None


async def test_the_host_fails_under_a_worker_and_all_is_done_once_it_is_well(
    idle: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody is to blame: no rule or location is held, nothing is parked, and few tries are spent."""
    hasten(monkeypatch)
    monkeypatch.setattr("workers.breakers.FIRST_PROBE", timedelta(hours=1))
    await idle.rules(NOTE)
    await fault(idle, f"*:drop{FOR_EVER}")
    for number in range(12):
        await tell(idle, booking(number, NOON))
    async with at_work(idle.work):
        await until(lambda: held(idle))
        assert await held(idle) == [HOST]
        await until(lambda: nobody_works(idle))
        asked = len(await idle.call("GET", "/_sandbox/calls"))
        await tell(idle, booking(12, NOON))
        await idle.work.breakers.look()
        assert len(await idle.call("GET", "/_sandbox/calls")) == asked, "nothing is tried meanwhile"
        await heal(idle)
        await idle.pool.execute("UPDATE holds SET probe_at = now()")
        await idle.settled()
    assert await states(idle) == {"done": 13}
    assert await held(idle) == []
    assert list(await alerts(idle)) == [("breaker", "")]


async def nobody_works(house: House) -> bool:
    return not await house.pool.fetch("SELECT FROM lanes WHERE worker IS NOT NULL")


BAD = NOTE + rule("bad", "appointment.created", "do: assign, to: kim, replace: anybody")


async def test_a_rule_whose_steps_fail_five_times_in_a_row_is_held_until_somebody_lets_it_go(
    idle: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    hasten(monkeypatch)
    await idle.rules(BAD)
    await fault(idle, f"EditAppointment:422{FOR_EVER}")
    async with at_work(idle.work):
        for number in range(5):
            await tell(idle, booking(number, NOON + number * timedelta(days=1), assignedUserId=DANA))
            await idle.settled()
            if number < 4:
                assert await held(idle) == []
        await until(lambda: held(idle))
        assert await held(idle) == [("rule", "breaker", "bad")]
        await tell(idle, booking(9, NOON - timedelta(days=1), assignedUserId=DANA))
        await idle.settled()
        note, bad = sorted(await idle.steps("book009x0000000000"), key=lambda step: -len(step["rule"]))
        assert (note["rule"], note["state"]) == ("note", "done"), "another rule goes on"
        reason = "the rule is held: 5 of its steps in a row failed: slotwright resume --rule lets it go on"
        assert (bad["state"], bad["reason"]) == ("parked", reason)
        assert await idle.pool.fetchval("SELECT probe_at FROM holds") is None, "no probe lifts it"
        await heal(idle)
        async with idle.pool.acquire() as connection:
            await holds.lift(connection, "rule", ["breaker"], location_id=LOCATION, rule="bad")
        await tell(idle, booking(10, NOON - timedelta(days=2), assignedUserId=DANA))
        await idle.settled()
    assert (await states(idle))["done"] == 8
    assert (await alerts(idle))["breaker", "bad"] == 1


async def test_a_step_that_is_done_in_between_lets_a_rule_begin_anew(
    idle: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    hasten(monkeypatch)
    await idle.rules(rule("bad", "appointment.created", "do: add_note, text: hello"))
    async with at_work(idle.work):
        for number in range(9):
            if number != 4:
                await fault(idle, "CreateNote:422")
            await tell(idle, booking(number, NOON))
            await idle.settled()
    await idle.work.breakers.look()
    assert await states(idle) == {"failed": 8, "done": 1}
    assert await held(idle) == []


async def test_when_a_token_works_again_what_starts_first_goes_first_and_what_started_meanwhile_not_at_all(
    database_url: str, servers: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    hasten(monkeypatch)
    soon = datetime.now(UTC).replace(microsecond=0)
    hours = [90, 5, 30, 0.5, 2, 60, 0.7, 12]
    async with open_house(database_url, servers.redis_url, working=False, worker_lanes=1) as house:
        await give_token(house, "pit-that-expired")
        await house.rules(rule("block", "appointment.created", "do: block_slot, after: 15m"))
        for number, hour in enumerate(hours):
            await tell(house, booking(number, soon + timedelta(hours=hour), minutes=15, assignedUserId=DANA))
        async with at_work(house.work):
            await until(lambda: held(house))
            assert await held(house) == [OF_TOKEN]
            await until(lambda: nobody_works(house))
            assert await house.pool.fetchval("SELECT reason FROM holds") == "waiting for a token"
            refused = len(await calls(house, "GetAppointment"))
            house.clock.ahead = timedelta(minutes=36)
            await give_token(house, TOKEN)
            await house.pool.execute("UPDATE holds SET probe_at = now()")
            await house.settled()
        assert 0 < refused <= 2, "one worker, one lane: the first refusal keeps the others back"
        rows = await house.pool.fetch("SELECT appointment_id, state, reason FROM steps ORDER BY finished_at")
        done = [row["appointment_id"] for row in rows if row["state"] == "done"]
        assert [hours[int(name[4:7])] for name in done] == [0.7, 2, 5, 12, 30, 60, 90]
        [late] = [row for row in rows if row["state"] != "done"]
        assert (late["appointment_id"], late["state"]) == ("book003x0000000000", "unchanged")
        assert late["reason"].startswith("too late: ")
        assert await alerts(house) == {("token", ""): 1, ("late", "block"): 1}
        assert await held(house) == []


async def give_token(house: House, token: str) -> None:
    async with house.pool.acquire() as connection:
        await locations.add(
            connection, Keys(SECRET), LOCATION, name="", time_zone="Europe/London", token=SecretStr(token)
        )
