"""Work that somebody holds back and lets go on: what is taken meanwhile waits, and is done in its order."""

import asyncio
from collections.abc import Sequence
from typing import Any

from service.store import holds, rulebooks
from service.store.database import Pool
from tests.consoles import arrive, step
from tests.house import House, in_days, register
from tests.sandboxes import LOCATION
from tests.test_apply import rule
from tests.test_cli import complaint, say
from tests.test_interventions import becomes, done_by_hand, one, states
from tests.workshop import states as ended
from workers.rulebook import read

OPEN = """
    SELECT state FROM deliveries WHERE state IN ('waiting', 'judged') AND received_at < now() - interval '0.5 seconds'
"""

STARTS = "do: add_note, text: 'at {{ starts | time }}'"
SAY = rule("note", "appointment.created, appointment.rescheduled", STARTS)
TWO = rule("note", "appointment.created", "do: add_note, text: note") + rule(
    "other", "appointment.created", "do: add_note, text: other"
)


async def do(url: str, *words: object) -> str:
    result = await asyncio.to_thread(say, *words, env={"DATABASE_URL": url})
    assert result.exit_code == 0, result.output
    return result.output


async def kept(house: House, number: int) -> Sequence[Any]:
    """Open deliveries, once there are so many and a worker has had time to look at them."""
    async with asyncio.timeout(10):
        while True:
            rows: Sequence[Any] = await house.pool.fetch(OPEN)
            if len(rows) == number:
                return rows
            await asyncio.sleep(0.02)


async def who_did(pool: Pool) -> list[tuple[str, str]]:
    """What was done to no delivery, and by whom."""
    rows = await pool.fetch("SELECT what, who FROM interventions WHERE delivery_id IS NULL ORDER BY intervened_at")
    return [tuple(row) for row in rows]


async def held(pool: Pool) -> list[tuple[str, ...]]:
    async with pool.acquire() as connection:
        return [(hold.scope, hold.location_id, hold.rule, hold.kind) for hold in await holds.every(connection)]


async def test_what_comes_while_everything_is_paused_is_kept_and_then_done_in_its_order(house: House) -> None:
    url = house.settings.database_url
    await house.rules(SAY)
    assert await do(url, "pause", "--all", "-m", "stock take", "--by", "ada") == (
        "everything is paused: slotwright resume --all lets it go on.\n"
    )
    booked = await house.book(in_days(3, "12:00"))
    for clock in ("13:00", "14:00"):
        await house.edit(booked, startTime=in_days(3, clock), ignoreFreeSlotValidation=True)
    assert {row["state"] for row in await kept(house, 3)} == {"waiting"}
    assert await house.writes("CreateNote") == 0
    assert "held back: everything is paused" in await do(url, "history", "list")
    assert (await one(house, booked))["held_by"] == "everything is paused"
    told = await do(url, "pause")
    assert told.startswith("everything: paused, by ada: stock take\n    since ")
    assert told.endswith(" UTC, until somebody lets it go on: slotwright resume --all\n")
    assert await do(url, "pause", "--all") == "everything was paused already, and stays so.\n"
    assert await do(url, "resume", "--all", "--by", "ben") == "everything goes on.\n"
    await house.settled()
    ended = [each["finished_at"] for each in (await house.deliveries(booked))[:3]]
    assert ended == sorted(ended)
    assert await house.notes(booked) == ["at 14:00"], "of the times before somebody else made another"
    assert await who_did(house.pool) == [("pause --all", "ada"), ("resume --all", "ben")]
    assert (await one(house, booked))["held_by"] is None
    assert await do(url, "pause") == "Nothing is held back.\n"


async def test_a_location_is_paused_by_its_name_and_its_deliveries_wait(house: House) -> None:
    url = house.settings.database_url
    await house.rules(SAY)
    assert (await do(url, "pause", "--location", "leeds salon")).startswith("the location Leeds Salon is paused")
    assert await held(house.pool) == [("location", LOCATION, "", "paused")]
    booked = await house.book(in_days(3, "12:00"))
    await kept(house, 1)
    assert (await one(house, booked))["held_by"] == "its location is paused"
    assert f"the location Leeds Salon ({LOCATION}): paused, by " in await do(url, "pause")
    assert await do(url, "resume", "--location", LOCATION) == "the location Leeds Salon goes on.\n"
    await house.settled()
    assert await house.notes(booked) == ["at 12:00"]


async def test_what_a_paused_rule_would_do_is_parked_while_others_go_on_and_taken_up_afterwards(house: House) -> None:
    url = house.settings.database_url
    await house.rules(TWO)
    await do(url, "pause", "--rule", "note", "-m", "wrong words", "--by", "ada")
    booked = await house.book(in_days(3, "12:00"))
    parked = await becomes(house, booked, "parked")
    assert [(each["rule"], each["state"], each["reason"]) for each in parked["steps"]] == [
        ("note", "parked", "the rule is held: paused by ada: wrong words"),
        ("other", "done", None),
    ]
    assert await house.notes(booked) == ["other"]
    told = await do(url, "resume", "--rule", "note", "--by", "ben")
    assert told == "the rule note in all locations goes on.\n1 delivery taken up again.\n"
    await house.settled()
    assert await house.notes(booked) == ["other", "note"]
    assert states(await one(house, booked)) == ["done", "done"]
    assert await done_by_hand(house, parked) == [("retry", "ben")]
    assert await who_did(house.pool) == [("pause --rule note", "ada"), ("resume --rule note", "ben")]


async def test_a_rule_that_is_held_elsewhere_too_is_not_taken_up(database_url: str, pool: Pool) -> None:
    await register(pool)
    await in_force(pool)
    delivery = await arrive(pool, state="parked")
    await step(pool, delivery, "parked", rule="note")
    for where in ((), ("--location", LOCATION)):
        await do(database_url, "pause", "--rule", "note", *where, "--by", "ada")
    told = await do(database_url, "resume", "--rule", "note", "--location", "Leeds Salon")
    assert told.splitlines()[:3] == [
        "the rule note in Leeds Salon goes on.",
        "Still held back:",
        "the rule note in all locations: paused, by ada",
    ]
    assert await pool.fetchval("SELECT state FROM deliveries") == "parked"
    told = await do(database_url, "resume", "--rule", "note")
    assert told == "the rule note in all locations goes on.\n1 delivery taken up again.\n"


async def test_a_breaker_is_lifted_by_hand_and_a_refused_token_is_not(database_url: str, pool: Pool) -> None:
    await register(pool)
    async with pool.acquire() as connection:
        await holds.shut(connection, "location", "breaker", location_id=LOCATION, reason="5 calls in a row failed")
        await holds.shut(connection, "rule", "breaker", location_id=LOCATION, rule="gone since", reason="its limit")
        await holds.shut(connection, "location", "token", location_id=LOCATION, reason="waiting for a token")
    told = await do(database_url, "resume", "--location", LOCATION)
    assert told.startswith("the location Leeds Salon goes on.\nStill held back:\n")
    assert await do(database_url, "resume", "--rule", "gone since", "--location", "Leeds Salon")
    assert await held(pool) == [("location", LOCATION, "", "token")]
    told = await do(database_url, "resume", "--location", LOCATION)
    assert told.startswith("the location Leeds Salon was neither paused nor stopped.\nStill held back:\n")
    assert "token refused, waiting for a token\n    since " in told
    assert told.endswith(f": slotwright locations check {LOCATION}\n")


async def test_a_rule_is_let_go_wherever_it_was_held_though_it_is_in_force_no_more(
    database_url: str, pool: Pool
) -> None:
    await register(pool)
    await register(pool, "elsewhere")
    async with pool.acquire() as connection:
        for where in (LOCATION, "elsewhere"):
            await holds.shut(connection, "rule", "breaker", location_id=where, rule="gone", reason="its limit")
        await holds.shut(connection, "rule", "breaker", location_id=LOCATION, rule="other", reason="its limit")
    told = await do(database_url, "resume", "--rule", "gone", "--by", "ada")
    assert told.startswith(
        "the rule gone in Leeds Salon goes on.\nthe rule gone in Leeds Salon goes on.\nStill held back:\n"
    )
    assert await held(pool) == [("rule", LOCATION, "other", "breaker")]
    assert await who_did(pool) == [("resume --rule gone", "ada")]


async def test_a_rule_that_reached_its_limit_is_let_go_with_a_new_count_and_by_the_limit_in_force(house: House) -> None:
    url = house.settings.database_url
    await house.rules(rule("note", "appointment.created", STARTS, more="limit: 1 per hour,"))
    for clock in ("10:00", "12:00", "14:00", "16:00"):
        await house.book(in_days(3, clock))
    await house.settled()
    assert await ended(house) == {"done": 1, "parked": 3}
    assert await do(url, "resume", "--rule", "note") == (
        "the rule note in Leeds Salon goes on.\nWhat it did before counts no more for its limit.\n"
        "3 deliveries taken up again.\n"
    )
    await house.settled()
    assert await ended(house) == {"done": 2, "parked": 2}
    await house.rules(rule("note", "appointment.created", STARTS, more="limit: 2 per hour,"))
    await do(url, "resume", "--rule", "note", "--location", LOCATION)
    await house.settled()
    assert await ended(house) == {"done": 4}
    assert await held(house.pool) == []


async def in_force(pool: Pool) -> None:
    book = read({"rules.yaml": f"rules:{TWO}"})
    async with pool.acquire() as connection, connection.transaction():
        await rulebooks.apply(connection, None, book.source, book.digest, "a test")


async def test_what_there_is_not_is_refused_with_what_was_meant(database_url: str, pool: Pool) -> None:
    await register(pool)
    await in_force(pool)
    for command in ("pause", "resume"):
        for words, why in (
            (("--rule", "note s"), "no rule note s is in force: did you mean note?"),
            (("--rule", "xyz"), "no rule xyz is in force: those in force are note, other"),
            (
                ("--rule", "othr", "--location", "Leeds Salon"),
                "no rule othr is in force in Leeds Salon: did you mean other?",
            ),
            (("--location", LOCATION[:-1]), f"no location {LOCATION[:-1]} is registered: did you mean {LOCATION}?"),
            (("--location", "xyz"), "no location xyz is registered: slotwright locations list shows them"),
        ):
            told = await asyncio.to_thread(complaint, command, *words, env={"DATABASE_URL": database_url})
            assert told == why
    wrong: Sequence[tuple[str, ...]] = (
        ("pause", "--all", "--rule", "note"), ("pause", "-m", "why"), ("resume",), ("resume", "--all", "--by", ""),
    )  # fmt: skip
    for command_line in wrong:
        result = await asyncio.to_thread(say, *command_line, env={"DATABASE_URL": database_url})
        assert (result.exit_code, "say w" in result.stderr) == (2, True), result.output
    assert await held(pool) == await who_did(pool) == []
    assert await do(database_url, "resume", "--rule", "note") == (
        "the rule note in all locations was neither paused nor stopped.\n"
    )
