"""Overrides: what holds of a rule whatever its file says, until it is released by its name."""

import pytest

from service.store import holds, interventions, overrides
from service.store.database import Pool
from tests.consoles import arrive, step
from tests.house import House, in_days
from tests.sandboxes import LOCATION
from tests.test_apply import rule
from tests.test_conduct import idle
from tests.test_deliveries import rows
from tests.test_pause import TWO, held, in_force, who_did
from tests.test_versions import Desk, desk
from tests.workshop import at_work, calls, fault, hasten, heal, until
from workers.cli.checkup.standing import what_stays

__all__ = ["desk", "idle"]


async def test_an_override_is_put_replaced_and_released_where_it_holds(pool: Pool) -> None:
    async with pool.acquire() as connection:
        put: tuple[tuple[str, overrides.Mode], ...] = (
            ("", "shadow"),
            ("here", "off"),
            ("", "off"),
            ("there", "shadow"),
        )
        for location, mode in put:
            await overrides.put(connection, "note", mode, location_id=location, reason="why", who="ada")
        await overrides.put(connection, "other", "shadow", reason="", who="ben")
        assert await overrides.of_rules(connection, ["here"]) == (
            {},
            {("", "note"): "off", ("here", "note"): "off", ("", "other"): "shadow"},
        )
        assert [each.location_id for each in await overrides.release(connection, "note", "there")] == ["there"]
        assert {each.location_id for each in await overrides.release(connection, "note")} == {"", "here"}
        assert [(each.rule, each.who) for each in await overrides.every(connection)] == [("other", "ben")]


async def test_a_rule_is_overridden_over_an_apply_which_says_so_and_released_by_its_name(
    desk: Desk, pool: Pool
) -> None:
    await in_force(pool)
    assert await desk.say("override") == "Nothing stays but what the files say.\n"
    told = await desk.say("override", "note", "off", "-m", "wrong words", "--by", "ada")
    assert told == (
        "note is off in all locations.\n"
        "It stays so, whatever is applied or a restart brings, until slotwright rules release note\n"
    )
    told = await desk.say("override", "other", "shadow", "--location", "leeds salon", "--by", "ada")
    assert told.startswith("other is shadow for Leeds Salon, and off where its file or its location says so.\n")
    here = f"other is shadow in Leeds Salon (by ada); slotwright rules release other --location {LOCATION} ends that"
    everywhere = "note is off in all locations (by ada: wrong words)"
    ends = "slotwright rules release note ends that"
    assert await desk.say("override") == f"{everywhere}; {ends}.\n{here}.\n"
    told = await desk.say("apply", desk.write(rule("other", "appointment.created", "do: add_note, text: new")))
    assert told.splitlines()[4:] == [
        f"Not changed: {everywhere}, where no rule is called so now; {ends}.",
        f"Not changed: {here}.",
    ]
    assert await desk.say("release", "note") == (
        "note is no longer off in all locations: what its file says holds again.\n"
    )
    assert await desk.complaint("release", "note") == (
        "nothing keeps note back: slotwright rules override shows what stays"
    )
    assert (await desk.complaint("release", "other", "--location", "Bath")).startswith("no location Bath")
    assert await desk.say("release", "other", "--location", LOCATION) == (
        "other is no longer shadow in Leeds Salon: what its file says holds again.\n"
    )
    assert await who_did(pool) == [
        ("rules override note off", "ada"),
        (f"rules override other shadow --location {LOCATION}", "ada"),
        ("rules release note", (await who_did(pool))[2][1]),
        (f"rules release other --location {LOCATION}", (await who_did(pool))[3][1]),
    ]


async def test_what_there_is_not_is_not_overridden(desk: Desk, pool: Pool) -> None:
    await in_force(pool)
    assert await desk.complaint("override", "othr", "off") == "no rule othr is in force: did you mean other?"
    assert await rows(pool, "SELECT * FROM overrides") == []


async def test_the_doctor_tells_what_stays_and_what_was_refused(desk: Desk, pool: Pool) -> None:
    async with pool.acquire() as connection:
        assert await what_stays(connection) == []
    await in_force(pool)
    await desk.say("apply", desk.write(rule("note", "appointment.created", "do: add_note, text: other")))
    await desk.say("rollback", 1, "--author", "ada")
    await desk.say("override", "note", "off", "-m", "wrong", "--by", "ada")
    await desk.say("override", "other", "shadow", "--by", "ben", "--location", LOCATION)
    await desk.complaint("apply", desk.write("\n  - {nmae: x}\n"), "--from", "booking-rules")
    async with pool.acquire() as connection:
        found = await what_stays(connection)
    assert [(each.name, each.found.partition(":1:")[0]) for each in found] == [
        ("rollback", "version 3 stays in force, a rollback to version 1 (by ada)"),
        ("overrides", "note is off in all locations (by ada: wrong), other is shadow in Leeds Salon (by ben)"),
        ("rules of booking-rules", found[2].found.partition(":1:")[0]),
    ]
    assert " ago they could not be put in force: salon.yaml:2:" in found[2].found
    assert all(each.state == "warning" and each.advice for each in found)


async def test_a_pause_by_override_is_a_pause_and_its_release_takes_up_what_was_not_done(
    desk: Desk, pool: Pool
) -> None:
    await in_force(pool)
    told = await desk.say("override", "note", "pause", "-m", "wait", "--by", "ada")
    assert told == (
        "the rule note in all locations is paused: slotwright resume --rule note lets it go on.\n"
        "So does slotwright rules release note.\n"
    )
    assert await held(pool) == [("rule", "", "note", "paused")]
    delivery = await arrive(pool, state="parked")
    await step(pool, delivery, "parked", rule="note")
    await desk.say("override", "note", "shadow", "--by", "ada")
    paused = "the rule note in all locations is paused, by ada: wait; slotwright resume --rule note lets it go on.\n"
    assert (await desk.say("override")).endswith(paused)
    assert await desk.say("release", "note") == (
        "note is no longer shadow in all locations: what its file says holds again.\n"
        "the rule note in all locations goes on.\n1 delivery taken up again.\n"
    )
    assert await held(pool) == []


@pytest.mark.parametrize("mode", ["off", "shadow"])
async def test_a_worker_goes_by_an_override_from_the_next_delivery_on(house: House, mode: overrides.Mode) -> None:
    await house.rules(TWO)
    async with house.pool.acquire() as connection:
        await overrides.put(connection, "note", mode, location_id=LOCATION, reason="", who="ada")
    booked = await house.book(in_days(3, "12:00"))
    await house.settled()
    assert await house.notes(booked) == ["other"]
    [delivery, *_] = await house.deliveries(booked)
    modes = {verdict["rule"]: verdict["mode"] for verdict in delivery["verdicts"]}
    assert modes == {"other": "live", "note": mode}, "also that it is off is said"
    async with house.pool.acquire() as connection:
        await overrides.release(connection, "note")
    booked = await house.book(in_days(3, "14:00"))
    await house.settled()
    assert sorted(await house.notes(booked)) == ["note", "other"]


@pytest.mark.parametrize(("mode", "left", "why"), [("off", "unchanged", "overridden off"), ("shadow", "shadow", None)])
async def test_what_was_parked_before_an_override_goes_by_it_when_it_is_tried_again(
    house: House, mode: overrides.Mode, left: str, why: str | None
) -> None:
    steps = (
        "do: add_note, text: never, if: {title: {is: other}}",
        "do: add_note, text: one",
        "do: add_note, text: two",
    )
    await house.rules(rule("note", "appointment.created", *steps, more="limit: 1 per hour,"))
    await house.book(in_days(3, "10:00"))
    await house.settled()
    parked = await house.book(in_days(3, "12:00"))
    await house.settled()
    assert [step["state"] for step in await house.steps(parked)] == ["unchanged", "parked"]
    async with house.pool.acquire() as connection, connection.transaction():
        await overrides.put(connection, "note", mode, reason="", who="ada")
        await holds.lift(connection, "rule", ["breaker"], location_id=LOCATION, rule="note")
        await connection.execute("DELETE FROM uses")
        [delivery] = await house.deliveries(parked)
        await interventions.carry_out(connection, "retry", [delivery["delivery_id"]], "ada")
    await house.settled()
    assert await house.notes(parked) == []
    [_, *rest] = [(step["state"], step["reason"]) for step in await house.steps(parked)]
    assert rest == [(left, why)] * 2


async def test_of_what_waits_a_rule_ends_what_it_has_begun_and_begins_nothing_under_an_override(
    idle: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    hasten(monkeypatch)
    note, created = "do: add_note, text: {}", "appointment.created"
    await idle.rules(
        rule("begun", created, note.format("one"), note.format("two"))
        + rule("left", created, note.format("three"), note.format("four"))
        + rule("rehearsed", created, note.format("'{{ was.assignee }}'"), note.format("five"))
        + rule("last", created, "do: tag_contact, add: seen")
    )
    for operation in ("CreateNote", "AddContactTags"):
        await fault(idle, f"{operation}:429*1000000")
    booked = await idle.book(in_days(3, "12:00"))
    async with at_work(idle.work):
        await until(lambda: calls(idle, "CreateNote", answered=429))
    async with idle.pool.acquire() as connection:
        for name in ("begun", "left"):
            await overrides.put(connection, name, "off", reason="", who="ada")
        await overrides.put(connection, "rehearsed", "shadow", reason="", who="ada")
    await heal(idle)
    await fault(idle, "AddContactTags:429*1000000")
    async with at_work(idle.work):
        await until(lambda: calls(idle, "AddContactTags", answered=429))
    async with idle.pool.acquire() as connection:
        for name in ("begun", "left", "rehearsed"):
            await overrides.release(connection, name)
    await heal(idle)
    async with at_work(idle.work):
        await idle.settled()
    assert sorted(await idle.notes(booked)) == ["one", "two"]
    found = [
        (step["rule"], step["state"], (step["reason"] or "").partition(":")[0]) for step in await idle.steps(booked)
    ]
    assert found == [
        ("begun", "done", ""),
        ("begun", "done", ""),
        ("left", "unchanged", "overridden off"),
        ("left", "unchanged", "overridden off"),
        ("rehearsed", "shadow", "would fail"),
        ("last", "done", ""),
    ]


async def test_overrides_only_make_stricter(house: House) -> None:
    shy = rule("note", "appointment.created", "do: add_note, text: note", mode="'off'")
    await house.rules(shy)
    async with house.pool.acquire() as connection:
        await overrides.put(connection, "note", "shadow", reason="", who="ada")
    booked = await house.book(in_days(3, "12:00"))
    await house.settled()
    assert [delivery["verdicts"] for delivery in await house.deliveries(booked)] == [[]]
