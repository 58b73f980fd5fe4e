"""What somebody decides about deliveries by hand: tried again, skipped, parked, and who did it."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from service.store import history
from service.store.database import Pool
from tests.checkups import ask
from tests.consoles import arrive, step
from tests.house import House, in_days, now, register
from tests.test_apply import rule
from tests.test_cli import complaint, say
from tests.test_settle import NOTES, READS, fault, sent

NOTE = rule("note", "appointment.created", "do: add_note, text: once")
TWO = """
  - {name: two, mode: live, when: appointment.created,
     then: [{do: add_note, text: "for {{ title }}"}, {do: add_note, text: second}]}
"""
MOVED = rule("moved", "appointment.updated", "do: add_note, text: moved")


async def do(house: House, *words: object, **options: Any) -> str:
    """What the command answers, which must be able to do it."""
    return await said_of(house.settings.database_url, *words, **options)


async def said_of(url: str, *words: object, **options: Any) -> str:
    result = await asyncio.to_thread(say, "history", *words, env={"DATABASE_URL": url}, **options)
    assert result.exit_code == 0, result.output
    return result.output


async def one(house: House, appointment_id: str) -> Any:
    """The first delivery about it."""
    return (await house.deliveries(appointment_id))[0]


async def becomes(house: House, appointment_id: str, state: str) -> Any:
    """The first delivery about it, once it stands so."""
    async with asyncio.timeout(10):
        while True:
            if (deliveries := await house.deliveries(appointment_id)) and deliveries[0]["state"] == state:
                return deliveries[0]
            await asyncio.sleep(0.01)


async def waits_for_step(house: House, appointment_id: str, state: str) -> Any:
    """The first delivery about it, once its first step stands so and no worker has it."""
    async with asyncio.timeout(10):
        while True:
            steps = await house.steps(appointment_id)
            busy = await house.pool.fetchval("SELECT count(*) FROM lanes WHERE worker IS NOT NULL")
            if steps and steps[0]["state"] == state and not busy:
                return await one(house, appointment_id)
            await asyncio.sleep(0.01)


async def a_while_passes(house: House) -> None:
    """Long enough for what was sent to be settled."""
    await ask(house, "UPDATE steps SET sent_at = sent_at - interval '1 minute'")


def states(delivery: Any) -> list[str]:
    return [each["state"] for each in delivery["steps"]]


async def done_by_hand(house: House, delivery: Any) -> list[tuple[str, str]]:
    return [(each["what"], each["who"]) for each in (await house.shown(str(delivery["delivery_id"])))["interventions"]]


async def test_what_failed_is_sent_as_it_was_decided_and_the_rest_of_its_rule_follows(house: House) -> None:
    await house.rules(TWO)
    await fault(house, NOTES, status=400)
    booked = await house.book(in_days(3, "12:00"), title="Ada")
    await house.settled()
    failed = await one(house, booked)
    assert states(failed) == ["failed", "unchanged"]
    await house.rules(TWO.replace("for", "another text for").replace("second", "another"))
    told = await do(house, "retry", failed["delivery_id"], "--by", "ada")
    assert told == "1 delivery taken up again.\n"
    await house.settled()
    assert states(await one(house, booked)) == ["done", "done"]
    assert await house.notes(booked) == ["for Ada", "second"]
    assert await house.writes("CreateNote") == 3
    [done] = (await one(house, booked))["interventions"]
    assert (done["what"], done["who"]) == ("retry", "ada")
    assert timedelta() <= now() - done["intervened_at"] < timedelta(minutes=1)
    assert "  retry by ada\n" in await do(house, "show", failed["delivery_id"])


@pytest.mark.parametrize("in_the_world", [True, False])
async def test_what_is_unknown_is_looked_for_before_it_is_sent_again(house: House, in_the_world: bool) -> None:
    await house.rules(NOTE)
    await fault(house, NOTES, status=502, after_write=in_the_world)
    await fault(house, READS, status=403)
    booked = await house.book(in_days(3, "12:00"))
    await house.settled()
    unknown = await one(house, booked)
    assert (unknown["state"], states(unknown)) == ("done", ["unknown"])
    await a_while_passes(house)
    assert "looks for it, and sends it only if it is not there" in await do(
        house, "retry", unknown["delivery_id"], "--dry-run"
    )
    await do(house, "retry", unknown["delivery_id"])
    await house.settled()
    assert states(await one(house, booked))[0] in ("done", "unchanged")
    assert await house.notes(booked) == ["once"]
    assert await house.writes("CreateNote") == (1 if in_the_world else 2)


async def test_what_is_parked_lets_the_next_in_its_lane_go_on_and_is_looked_for_when_tried_again(house: House) -> None:
    await house.rules(NOTE + MOVED)
    await fault(house, NOTES, status=503)
    booked = await house.book(in_days(3, "12:00"))
    doubtful = await waits_for_step(house, booked, "sent")
    assert await do(house, "park", doubtful["delivery_id"], "--by", "ada") == "1 delivery parked.\n"
    await house.edit(booked, title="another")
    await house.settled()
    assert await house.notes(booked) == ["moved"]
    parked = await one(house, booked)
    assert (parked["state"], parked["reason"], states(parked)) == ("parked", "parked by ada", ["parked"])
    await a_while_passes(house)
    await do(house, "retry", "--status", "parked", "--yes", "--by", "ben")
    await house.settled()
    assert await house.notes(booked) == ["moved", "once"]
    assert await house.writes("CreateNote") == 3
    assert await done_by_hand(house, parked) == [("park", "ada"), ("retry", "ben")]


async def test_what_is_skipped_while_a_worker_sends_it_is_unknown_and_nothing_more_is_sent(house: House) -> None:
    await house.rules(TWO + MOVED)
    await fault(house, NOTES, hold=1)
    booked = await house.book(in_days(3, "12:00"), title="Ada")
    await sent(house, "CreateNote")
    delivery = await one(house, booked)
    assert await do(house, "skip", delivery["delivery_id"], "--by", "ada") == "1 delivery skipped.\n"
    await house.edit(booked, startTime=in_days(3, "13:00"), ignoreFreeSlotValidation=True)
    async with asyncio.timeout(10):
        while len(await house.deliveries(booked)) < 2:
            await asyncio.sleep(0.01)
    await asyncio.sleep(0.3)
    assert await house.notes(booked) == ["for Ada"], "its lane is nobody's while that may be under way"
    await ask(house, "UPDATE lanes SET lease_until = now()")
    await house.settled()
    skipped = await one(house, booked)
    assert (skipped["state"], skipped["reason"]) == ("done", "skipped by ada")
    assert [(each["state"], each["reason"]) for each in skipped["steps"]] == [
        ("unknown", "it may have been done; skipped by ada")
    ]
    assert sorted(await house.notes(booked)) == ["for Ada", "moved"]


async def test_what_was_skipped_may_be_taken_up_after_all(house: House) -> None:
    await house.rules(TWO)
    await fault(house, NOTES, status=429, retry_after=60)
    booked = await house.book(in_days(3, "12:00"), title="Ada")
    delivery = await waits_for_step(house, booked, "waiting")
    assert "never sends it: " in await do(house, "skip", delivery["delivery_id"], "--dry-run")
    await do(house, "skip", delivery["delivery_id"])
    await ask(house, "DELETE FROM holds")
    await house.settled()
    skipped = await one(house, booked)
    assert (skipped["state"], states(skipped), await house.notes(booked)) == ("done", ["skipped"], [])
    assert "» skipped" in await do(house, "list", "--step", "skipped") + await do(
        house, "show", delivery["delivery_id"]
    )
    await do(house, "retry", "--step", "skipped", "--yes")
    await house.settled()
    assert await house.notes(booked) == ["for Ada", "second"]
    assert await house.writes("CreateNote") == 3


async def test_a_dry_run_says_what_would_become_of_each_step_and_changes_nothing(house: House) -> None:
    await house.rules(TWO + NOTE)
    await fault(house, NOTES, status=400)
    await house.book(in_days(3, "12:00"), title="Ada")
    await house.settled()

    async def everything() -> Sequence[Any]:
        return [
            await house.pool.fetch(f"SELECT * FROM {table} ORDER BY 1")
            for table in ("deliveries", "steps", "lanes", "interventions")
        ]

    before = await everything()
    told = await do(house, "retry", "--step", "failed", "--rule", "two", "--dry-run", "--yes")
    for words in (
        "sends it as it was decided: ✗ failed  write the note “for Ada”",
        "runs it afterwards: = unchanged  add note: not reached",
        "1 delivery to retry. Nothing was done.",
    ):
        assert words in told, told
    assert "“once”" not in told, "what is done is left alone"
    assert await everything() == before


async def test_what_was_never_decided_is_decided_anew(house: House) -> None:
    await house.rules(NOTE)
    await ask(house, "INSERT INTO holds (scope, rule, kind, reason) VALUES ('rule', 'note', 'paused', 'why')")
    booked = await house.book(in_days(3, "12:00"))
    parked = await becomes(house, booked, "parked")
    assert [each["reason"] for each in parked["steps"]] == ["the rule is held: why"]
    dry = "retry", parked["delivery_id"], "--dry-run"
    assert "is parked again, as its rule is held: ! parked" in await do(house, *dry)
    told = await do(house, "retry", parked["delivery_id"])
    assert told.endswith("Held back: the rule note in all locations, paused. slotwright resume --rule note\n")
    await becomes(house, booked, "parked")
    await ask(house, "UPDATE holds SET rule = 'another', reason = ''")
    assert "decides anew: ! parked" in await do(house, *dry)
    await do(house, "retry", parked["delivery_id"])
    await house.settled()
    assert (await house.notes(booked), states(await one(house, booked))) == (["once"], ["done"])


async def test_many_are_chosen_by_the_filters_of_the_history_and_asked_for_first(database_url: str, pool: Pool) -> None:
    await register(pool)
    parked = [await arrive(pool, state="parked", event="AppointmentUpdate") for _ in range(3)]
    elsewhere = await arrive(pool, state="parked", location_id="elsewhere")
    done = await arrive(pool, state="done")
    await step(pool, done, "done")

    async def standing() -> dict[UUID, str]:
        rows = await pool.fetch("SELECT delivery_id, state FROM deliveries")
        return {row["delivery_id"]: row["state"] for row in rows}

    refused = await asyncio.to_thread(
        say, "history", "retry", "--status", "parked", env={"DATABASE_URL": database_url}, input="n\n"
    )
    assert (refused.exit_code, "retry 4 deliveries? (--dry-run lists them)" in refused.output) == (1, True)
    assert set((await standing()).values()) == {"parked", "done"}
    told = await said_of(database_url, "skip", "--location", "leeds salon", "--by", "ada", input="y\n")
    assert told.endswith("3 deliveries skipped.\n")
    assert await standing() == {**dict.fromkeys([*parked, done], "done"), elsewhere: "parked"}
    rows = await pool.fetch("SELECT delivery_id, what, who FROM interventions")
    assert {tuple(row) for row in rows} == {(each, "skip", "ada") for each in parked}
    assert await said_of(database_url, "retry", "--location", "elsewhere", "--yes") == "1 delivery taken up again.\n"
    async with pool.acquire() as connection:
        shown = await history.shown(connection, elsewhere)
    assert shown is not None
    assert shown["state"] == "waiting"


async def test_a_command_takes_so_many_and_says_that_there_are_more(
    database_url: str, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("interventions", "outlook"):
        monkeypatch.setattr(f"workers.cli.{module}.MOST", 3)
    monkeypatch.setattr("workers.cli.interventions.READ_AT_ONCE", 2)
    parked = []
    for _ in range(4):
        parked.append(await arrive(pool, state="parked"))
        await arrive(pool)
    told = await said_of(database_url, "skip", "--since", "1h", "--dry-run")
    assert "3 deliveries to skip; there are more, and a command takes 3 at most. Nothing was done." in told
    told = await said_of(database_url, "skip", "--since", "1h", "--yes")
    assert told.splitlines() == [
        "3 deliveries skipped.",
        "There are more: a command takes 3 at most. Run it again for the rest.",
    ]
    assert await pool.fetchval("SELECT delivery_id FROM deliveries WHERE state = 'parked'") == parked[0]
    assert await said_of(database_url, "skip", "--since", "1h", "--yes") == "1 delivery skipped.\n"


async def test_what_cannot_be_done_is_said_in_a_line(database_url: str, pool: Pool) -> None:
    await register(pool)
    done = await arrive(pool)
    environment = {"DATABASE_URL": database_url}

    async def told(*words: object) -> str:
        return await asyncio.to_thread(complaint, "history", *words, env=environment)

    must = "it must be parked, failed, or with a step that is parked, failed, unknown or skipped"
    assert await told("retry", done) == f"{done} is done: to retry it, {must}"
    assert await told("retry", "--status", "parked") == f"nothing there to retry: {must}"
    assert await told("skip", "0000") == "there is no delivery 0000: slotwright history list shows what there is"
    assert await told("park", "--location", "Leed Salon") == (
        "no location Leed Salon is registered: did you mean Leeds Salon?"
    )
    await register(pool, "another")
    assert (await told("park", "--location", "Leeds Salon")).startswith("more than one location is called Leeds Salon")
    for words, why in (
        (("retry",), "name deliveries by their ids, or choose them by options such as --status parked"),
        (("retry", done, "--rule", "x"), "either, not both: name deliveries"),
        (("retry", done, "--by", " "), "say who, such as --by ada"),
        (("retry", "--status", "lost"), "'lost' is not one of"),
    ):
        result = await asyncio.to_thread(say, "history", *words, env=environment)
        assert (result.exit_code, why in result.stderr) == (2, True), result.stderr
    assert await pool.fetchval("SELECT count(*) FROM interventions") == 0
