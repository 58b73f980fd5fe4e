"""Deliveries from end to end, against the sandbox: what each means, what the rules make of it."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.house import House, event, in_days
from tests.sandboxes import ADA, ALEX, CONSULTATIONS, CUTS, DANA, KIM

NOTE = """
  - {name: note, mode: live, when: appointment.created, then: [{do: add_note, text: "Hello {{ calendar.name }}"}]}
"""

DANAS = "if: {assignee: dana},"
CANCELLED = "if: {status: cancelled},"


def rule(name: str, when: str, *then: str, more: str = "", mode: str = "live") -> str:
    """One rule, its actions in YAML's flow style."""
    listed = ", ".join(f"{{{action}}}" for action in then)
    return f"\n  - {{name: {name}, mode: {mode}, when: [{when}], {more} then: [{listed}]}}\n"


async def test_a_booking_gets_its_note_once(house: House) -> None:
    await house.rules(NOTE)
    booked = await house.book(in_days(3, "12:00"))
    await house.settled()
    assert await house.notes(booked) == ["Hello cuts"]
    [delivery] = await house.deliveries(booked)
    assert (delivery["state"], delivery["reason"]) == ("done", None)
    assert delivery["triggers"] == ["appointment.created"]
    [step] = delivery["steps"]
    assert (step["state"], step["attempts"]) == ("done", 1)
    calls = [call["operation"] for call in delivery["calls"]]
    assert calls == ["GetAppointment", "CreateNote"], "that it is as it was judged is seen right before"
    assert delivery["calls"][1]["request"]["body"] == {"body": "Hello cuts"}
    assert "pit-sandbox-demo" not in str(delivery), "no token in the record"


async def test_every_check_is_kept_whether_or_not_the_rule_held(house: House) -> None:
    conditions = "if: {calendar: consultations, status: confirmed, was.status: cancelled},"
    await house.rules(rule("checked", "appointment.created", "do: add_note, text: no", more=conditions))
    booked = await house.book(in_days(3, "12:00"))
    await house.settled()
    [delivery] = await house.deliveries(booked)
    [verdict] = delivery["verdicts"]
    assert verdict["held"] is False
    assert [(check["fact"], check["held"], check["actual"]) for check in verdict["checks"]] == [
        ("calendar", False, "cuts"),
        ("status", True, "confirmed"),
        ("was.status", None, "missing"),
    ]
    assert not delivery["steps"]


async def test_an_update_is_told_by_what_differs(house: House) -> None:
    booked = await house.book(in_days(3, "12:00"), assignedUserId=DANA)
    await house.settled()
    await house.edit(booked, startTime=in_days(3, "14:00"), endTime=in_days(3, "15:00"), assignedUserId=KIM)
    await house.edit(booked, appointmentStatus="cancelled")
    await house.call("DELETE", f"/calendars/events/{booked}", {})
    await house.settled()
    assert [delivery["triggers"] for delivery in await house.deliveries(booked)] == [
        ["appointment.created"],
        ["appointment.reassigned", "appointment.rescheduled", "appointment.updated"],
        ["appointment.cancelled", "appointment.updated"],
        ["appointment.deleted"],
    ]


async def test_what_our_own_writes_bring_back_sets_off_nothing(house: House) -> None:
    await house.rules(
        rule("give", "appointment.created", "do: assign, to: kim, replace: anybody")
        + rule("loop", "appointment.updated, appointment.reassigned", "do: add_note, text: loop")
    )
    booked = await house.book(in_days(3, "12:00"), assignedUserId=DANA)
    await house.settled()
    assert (await house.appointment(booked))["assignedUserId"] == KIM
    _, echo = await house.deliveries(booked)
    assert (echo["triggers"], echo["state"]) == ([], "done")
    assert "echo" in echo["reason"]
    assert not echo["calls"], "an echo costs no call"
    assert await house.notes(booked) == []


async def test_a_stale_delivery_is_kept_and_asks_no_rule(house: House) -> None:
    await house.rules(NOTE + rule("moved", "appointment.rescheduled", "do: add_note, text: moved"))
    booked = await house.book(in_days(3, "12:00"))
    await house.settled()
    [first] = await house.deliveries(booked)
    appointment = dict(first["booking"])
    old = {
        "id": booked,
        "calendarId": CUTS,
        "appointmentStatus": "confirmed",
        "startTime": in_days(3, "09:00"),
        "endTime": in_days(3, "10:00"),
        "dateAdded": appointment["added"],
        "dateUpdated": (datetime.fromisoformat(appointment["updated"]) - timedelta(minutes=1)).isoformat(),
    }
    status, answer = await house.post(event(old, "AppointmentUpdate"))
    assert status == 202
    await house.settled()
    stale = await house.shown(answer["delivery"])
    assert stale["state"] == "done"
    assert "stale" in stale["reason"]
    assert not stale["verdicts"]


async def test_a_refusal_of_highlevel_ends_as_a_failed_step_in_its_words(house: House) -> None:
    await house.rules(rule("two", "appointment.created", "do: add_note, text: one", "do: add_note, text: two"))
    fault = {"method": "POST", "path": "/calendars/appointments/{appointment_id}/notes", "status": 422, "times": 1}
    await house.call("POST", "/_sandbox/faults", fault, status=201)
    booked = await house.book(in_days(3, "12:00"))
    await house.settled()
    [delivery] = await house.deliveries(booked)
    assert delivery["state"] == "done"
    step, rest = delivery["steps"]
    assert (rest["state"], rest["reason"]) == ("unchanged", "not reached: a step before it failed")
    assert step["state"] == "failed"
    [_, call] = delivery["calls"]
    assert step["reason"] == f"CreateNote answered 422: {call['answer']['message']}", (
        "and the rest of the rule is not run"
    )
    assert await house.notes(booked) == [], "the rest of the rule is not run"


async def test_a_rulebook_that_cannot_be_read_is_waited_for_and_then_acted_on(house: House) -> None:
    await house.rules(NOTE)
    async with house.pool.acquire() as connection:
        # As after a rollback of the program to a version that knows fewer words.
        await connection.execute('UPDATE rulebooks SET files = \'{"r.yaml": "rules: [{name: x}]"}\'')
    booked = await house.book(in_days(3, "12:00"))
    async with asyncio.timeout(10):
        while not (waiting := await house.deliveries(booked)) or not waiting[0]["waits_for"]:
            await asyncio.sleep(0.02)
    assert waiting[0]["state"] == "waiting"
    assert "cannot read the rules" in waiting[0]["waits_for"]
    await house.rules(f"{NOTE}  # in words that it knows\n")
    async with house.pool.acquire() as connection:
        await connection.execute("UPDATE deliveries SET next_at = now()")
        await connection.execute("UPDATE lanes SET ready_at = now()")
    await house.settled()
    [delivery] = await house.deliveries(booked)
    assert delivery["state"] == "done"
    assert len(await house.notes(booked)) == 1


async def test_what_nobody_thought_of_is_recorded_and_the_lane_goes_on(house: House) -> None:
    await house.rules(NOTE + rule("moved", "appointment.rescheduled", "do: add_note, text: moved"))
    async with house.pool.acquire() as connection:
        await connection.execute("ALTER TABLE verdicts ADD CONSTRAINT surprise CHECK (rule <> 'note')")
        # The last of the tries that such a delivery gets, so that the test need not wait for the others.
        await connection.execute("ALTER TABLE deliveries ALTER surprises SET DEFAULT 4")
    booked = await house.book(in_days(3, "12:00"))
    await house.settled()
    [delivery] = await house.deliveries(booked)
    assert delivery["state"] == "failed"
    assert delivery["reason"] == "an unexpected CheckViolationError; the log has more"
    await house.edit(booked, startTime=in_days(3, "14:00"), endTime=in_days(3, "15:00"))
    await house.settled()
    last = (await house.deliveries(booked))[-1]
    assert last["state"] == "failed", "never seen before, so it is created once more"


async def test_a_rule_in_shadow_says_what_it_would_do_and_does_nothing(house: House) -> None:
    await house.rules(
        rule(
            "shadowed",
            "appointment.created",
            "do: assign, to: kim, replace: anybody",
            'do: add_note, text: "for {{ assignee.name }}"',
            mode="shadow",
        )
    )
    booked = await house.book(in_days(3, "12:00"), assignedUserId=DANA)
    await house.settled()
    [delivery] = await house.deliveries(booked)
    assert [(step["state"], step["sentence"]) for step in delivery["steps"]] == [
        ("shadow", "assign kim: as the rule says"),
        ("shadow", "write the note “for kim”"),
    ]
    assert (await house.appointment(booked))["assignedUserId"] == DANA
    assert await house.writes("EditAppointment") + await house.writes("CreateNote") == 0


async def test_rules_are_judged_on_the_booking_as_delivered_and_steps_run_on_it_as_left(house: House) -> None:
    await house.rules(
        rule("first", "appointment.created", "do: assign, to: kim, replace: anybody", more="if: {assignee: dana},")
        + rule(
            "second",
            "appointment.created",
            'do: add_note, text: "now {{ assignee.name }}"',
            more="if: {assignee: dana},",
        )
    )
    booked = await house.book(in_days(3, "12:00"), assignedUserId=DANA)
    await house.settled()
    assert await house.notes(booked) == ["now kim"]


async def test_the_first_rule_that_writes_a_field_wins_and_the_other_is_a_conflict(house: House) -> None:
    await house.rules(
        rule("first", "appointment.created", "do: assign, to: kim, replace: anybody")
        + rule("second", "appointment.created", "do: assign, to: alex, replace: anybody")
    )
    booked = await house.book(in_days(3, "12:00"), assignedUserId=DANA)
    await house.settled()
    assert (await house.appointment(booked))["assignedUserId"] == KIM
    kept = await house.steps(booked)
    assert [step["state"] for step in kept] == ["done", "unchanged"]
    assert "conflict" in kept[1]["reason"]


async def test_people_win_the_field_that_they_changed_after_us(house: House) -> None:
    await house.rules(
        rule("give", "appointment.created", "do: assign, to: kim, replace: anybody")
        + rule("again", "appointment.confirmed", "do: assign, to: alex, replace: anybody")
    )
    booked = await house.book(in_days(3, "12:00"), assignedUserId=DANA)
    await house.settled()
    await house.edit(booked, assignedUserId=DANA)
    await house.settled()
    await house.edit(booked, appointmentStatus="new")
    await house.edit(booked, appointmentStatus="confirmed")
    await house.settled()
    assert (await house.appointment(booked))["assignedUserId"] == DANA
    last = (await house.steps(booked))[-1]
    assert last["state"] == "unchanged"
    assert "somebody else changed its assignee" in last["reason"]


async def test_what_is_over_stays_alone_unless_the_rule_asks(house: House) -> None:
    await house.rules(
        rule("blind", "appointment.cancelled", "do: assign, to: kim, replace: anybody")
        + rule(
            "asks", "appointment.cancelled", "do: assign, to: alex, replace: anybody", more="if: {status: cancelled},"
        )
    )
    booked = await house.book(in_days(3, "12:00"), assignedUserId=DANA)
    await house.edit(booked, appointmentStatus="cancelled")
    await house.settled()
    blind, asks = await house.steps(booked)
    assert (blind["state"], asks["state"]) == ("unchanged", "done")
    assert "cancelled" in blind["reason"]
    now = await house.appointment(booked)
    assert (now["assignedUserId"], now["appointmentStatus"]) == (ALEX, "cancelled"), "and it is not revived"


async def test_a_change_between_judging_and_writing_is_left_alone(house: House) -> None:
    await house.rules(rule("give", "appointment.created", "do: assign, to: kim, replace: anybody"))
    here = {
        "id": "changed000000000000x",
        "calendarId": CUTS,
        "contactId": ADA,
        "appointmentStatus": "confirmed",
        "assignedUserId": DANA,
        "startTime": in_days(3, "12:00"),
        "endTime": in_days(3, "13:00"),
        "dateUpdated": datetime.now().astimezone().isoformat(),
        "dateAdded": datetime.now().astimezone().isoformat(),
    }
    meanwhile: dict[str, Any] = {**here, "appointmentStatus": "cancelled"}
    await house.call("PUT", f"/_sandbox/appointments/{here['id']}", meanwhile)
    await house.post(event(here))
    await house.settled()
    [step] = await house.steps("changed000000000000x")
    assert step["state"] == "unchanged"
    assert "somebody else changed its status meanwhile" in step["reason"]
    assert await house.writes("EditAppointment") == 0


@pytest.mark.parametrize(("mode", "states"), [("shadow", ["shadow"]), ("off", [])])
async def test_the_stricter_of_the_rules_and_the_locations_mode_counts(
    house: House, mode: str, states: list[str]
) -> None:
    await house.rules(NOTE)
    async with house.pool.acquire() as connection:
        await connection.execute("UPDATE locations SET mode = $1", mode)
    booked = await house.book(in_days(3, "12:00"), calendarId=CONSULTATIONS)
    await house.settled()
    assert [step["state"] for step in await house.steps(booked)] == states
    assert await house.notes(booked) == []


async def test_a_delivery_ends_under_the_rulebook_it_began_with(house: House) -> None:
    two = rule("two", "appointment.created", "do: add_note, text: one", "do: add_note, text: two")
    await house.rules(two)
    fault = {"method": "POST", "path": "/calendars/appointments/{appointment_id}/notes", "status": 429, "times": 1}
    await house.call("POST", "/_sandbox/faults", {**fault, "retry_after": 1}, status=201)
    booked = await house.book(in_days(3, "12:00"))
    while not await house.writes("CreateNote"):
        await asyncio.sleep(0.01)
    await house.rules(two.replace("text: two", "text: other"))
    await house.settled()
    assert await house.notes(booked) == ["one", "two"]
