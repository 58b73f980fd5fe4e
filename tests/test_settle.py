"""A step until it is true: what a fault leaves behind is found, waited for, sent again, or said to be unknown."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from service.highlevel.operation import Operation
from service.store import appointments, interventions, steps
from tests.house import House, in_days
from tests.sandboxes import ALEX, DANA, HEADERS, KIM, LOCATION
from tests.test_apply import rule
from tests.test_conflicts import Somebody
from tests.workshop import fault as order
from tests.workshop import hasten, meddle
from workers.workplace import Workplace

NOTES = {"method": "POST", "path": "/calendars/appointments/{appointment_id}/notes"}
BLOCKS = {"method": "POST", "path": "/calendars/events/block-slots"}
EDITS = {"method": "PUT", "path": "/calendars/events/appointments/{event_id}"}
READS = {"method": "GET", "path": "/calendars/appointments/{appointment_id}/notes"}

NOTE = rule("note", "appointment.created", "do: add_note, text: once")
GIVE = rule("give", "appointment.created", "do: assign, to: kim, replace: anybody")


async def fault(house: House, where: dict[str, str], **what: Any) -> None:
    await house.call("POST", "/_sandbox/faults", {**where, "times": 1, **what}, status=201)


async def sent(house: House, operation: str) -> None:
    """Return when it has reached the sandbox."""
    async with asyncio.timeout(10):
        while not await house.writes(operation):
            await asyncio.sleep(0.01)


async def test_a_server_error_after_the_write_is_settled_by_looking(house: House) -> None:
    await house.rules(NOTE)
    await fault(house, NOTES, status=502, after_write=True)
    booked = await house.book(in_days(3, "12:00"))
    await house.settled()
    assert await house.notes(booked) == ["once"]
    [step] = await house.steps(booked)
    assert (step["state"], step["attempts"]) == ("done", 1)
    assert await house.writes("CreateNote") == 1


async def test_a_server_error_before_the_write_is_sent_again_when_nothing_can_be_under_way(house: House) -> None:
    await house.rules(NOTE)
    await fault(house, NOTES, status=503, after_write=False)
    booked = await house.book(in_days(3, "12:00"))
    await house.settled()
    assert await house.notes(booked) == ["once"]
    [step] = await house.steps(booked)
    assert (step["state"], step["attempts"]) == ("done", 2)
    [delivery] = await house.deliveries(booked)
    sent = [call["called_at"] for call in delivery["calls"] if call["operation"] == "CreateNote"]
    assert (sent[1] - sent[0]).total_seconds() >= house.settings.write_timeout - 0.5


async def test_an_answer_that_never_comes_is_settled_by_looking(house: House) -> None:
    await house.rules(rule("block", "appointment.created", "do: block_slot, after: 15m"))
    await fault(house, BLOCKS, hold=30)
    booked = await house.book(in_days(3, "12:00"), assignedUserId=DANA)
    await house.settled()
    assert len(await house.blocks(DANA)) == 1
    assert [step["state"] for step in await house.steps(booked)] == ["done"]
    assert await house.writes("CreateBlockSlot") == 1


@pytest.mark.parametrize("carried_out", [True, False])
async def test_somebody_elses_change_after_a_write_in_doubt_leaves_both_possibilities_and_stands(
    house: House, monkeypatch: pytest.MonkeyPatch, carried_out: bool
) -> None:
    hasten(monkeypatch, breakers=False)
    heard = rule("heard", "appointment.reassigned", 'do: add_note, text: "{{ assignee.name }}"')
    again = rule("again", "appointment.updated", "do: assign, to: kim, replace: anybody")
    await house.rules(GIVE + heard + again)
    await fault(house, EDITS, status=502, after_write=carried_out)
    # One reading to decide, one before the write, one to see what became of it.
    meddle(monkeypatch, {("GetAppointment", 3): Somebody(house).edits(assignedUserId=ALEX)})
    booked = await house.book(in_days(3, "12:00"), assignedUserId=DANA)
    await house.settled()
    assert (await house.appointment(booked))["assignedUserId"] == ALEX
    given, *others = await house.steps(booked)
    both = "either it was done before that, or never; left alone"
    assert (given["state"], given["reason"]) == (
        "unknown",
        f"it was sent, and somebody else changed its assignee since: {both}",
    )
    assert [(step["rule"], step["state"], step["reason"]) for step in others] == [
        ("heard", "done", None),
        ("again", "unchanged", "somebody else changed its assignee after we had"),
    ]
    assert await house.notes(booked) == ["alex"], "what may be ours is news to nobody"
    async with house.pool.acquire() as connection:
        for state in ("parked", "skipped", "unknown"):
            await connection.execute("UPDATE steps SET state = $1 WHERE state = 'unknown' OR rule = 'give'", state)
            ring = await steps.rules_that_changed(connection, LOCATION, booked, "assign", within=timedelta(days=1))
            assert ring == ["give"], "it may have been done, and counts, whatever was made of it since"
        seen = await appointments.find(connection, LOCATION, booked)
        delivery, *_ = await house.deliveries(booked)
        await interventions.carry_out(connection, "retry", [delivery["delivery_id"]], "ada")
    await house.settled()
    assert (await house.steps(booked))[0]["state"] == "unknown"
    async with house.pool.acquire() as connection:
        assert await appointments.find(connection, LOCATION, booked) == seen, "what was heard since is not forgotten"


async def test_what_somebody_left_as_it_was_when_they_changed_the_rest_was_not_done(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    hasten(monkeypatch, breakers=False)
    await house.rules(GIVE)
    await fault(house, EDITS, status=502, after_write=False)
    moved = {"startTime": in_days(3, "15:00"), "endTime": in_days(3, "16:00"), "ignoreFreeSlotValidation": True}
    meddle(monkeypatch, {("GetAppointment", 3): Somebody(house).edits(assignedUserId=DANA, **moved)})
    booked = await house.book(in_days(3, "12:00"), assignedUserId=DANA)
    await house.settled()
    [step] = await house.steps(booked)
    assert (step["state"], step["attempts"]) == ("unchanged", 1)
    assert step["reason"] == "a conflict: somebody else changed its end and start since: left alone"


async def test_what_may_be_under_way_still_is_not_taken_for_overtaken(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    hasten(monkeypatch, breakers=False)
    monkeypatch.setattr(Workplace, "settle_after", property(lambda _: timedelta(seconds=0.3)))
    await house.rules(GIVE)
    await fault(house, EDITS, status=502, after_write=False)
    somebody = Somebody(house)
    # Theirs first; ours comes true after that.
    meddle(
        monkeypatch,
        {
            ("GetAppointment", 3): somebody.edits(assignedUserId=ALEX),
            ("GetAppointment", 4): somebody.edits(assignedUserId=KIM),
        },
    )
    booked = await house.book(in_days(3, "12:00"), assignedUserId=DANA)
    await house.settled()
    assert [(step["state"], step["attempts"]) for step in await house.steps(booked)] == [("done", 1)]


@pytest.mark.parametrize(
    ("action", "operation", "listing"),
    [
        ("do: block_slot, after: 15m", "CreateBlockSlot", "ListBlockedSlots"),
        ("do: add_note, text: once", "CreateNote", "ListNotes"),
        ("do: create_task, title: once, for: kim", "CreateTask", "ListTasks"),
    ],
)
async def test_what_is_made_anew_is_not_sent_again_on_a_booking_that_is_another_by_then(
    house: House, monkeypatch: pytest.MonkeyPatch, action: str, operation: str, listing: str
) -> None:
    hasten(monkeypatch, breakers=False)
    await house.rules(rule("it", "appointment.created", action))
    await order(house, f"{operation}:drop")
    made = meddle(monkeypatch, {(listing, 1): Somebody(house).edits(appointmentStatus="cancelled")})
    booked = await house.book(in_days(3, "12:00"), assignedUserId=DANA)
    await house.settled()
    [step] = await house.steps(booked)
    conflict = "a conflict: somebody else changed its status since: left alone"
    assert (step["state"], step["reason"], made[operation]) == ("unchanged", conflict, 1)
    assert not await house.notes(booked)
    assert not await house.blocks(DANA)


@pytest.mark.parametrize(
    ("action", "operation", "listing"),
    [
        ("do: block_slot, after: 15m", "CreateBlockSlot", ("ListBlockedSlots", 2)),
        ("do: add_note, text: once", "CreateNote", ("ListNotes", 2)),
        # One reading to decide, one before the write.
        ("do: assign, to: kim, replace: anybody", "EditAppointment", ("GetAppointment", 4)),
    ],
)
async def test_what_comes_true_while_it_is_looked_for_is_not_sent_again(
    house: House, monkeypatch: pytest.MonkeyPatch, action: str, operation: str, listing: tuple[str, int]
) -> None:
    """The write and the first look stood before the same closed door, and the look came in first."""
    hasten(monkeypatch, breakers=False)
    # So that the first look after the write is the first that counts.
    monkeypatch.setattr(Workplace, "settle_after", property(lambda _: timedelta()))
    await house.rules(rule("it", "appointment.created", action))
    await order(house, f"{operation}:drop")
    somebody = Somebody(house)

    async def comes_true() -> None:
        [step] = await house.steps(await somebody.find())
        wire = Operation.restored(step["operation"]).wire()
        async with house.api.request(wire.method, wire.path, json=wire.body, headers=HEADERS) as answer:
            assert answer.status in (200, 201), await answer.text()

    made = meddle(monkeypatch, {listing: comes_true})
    booked = await house.book(in_days(3, "12:00"), assignedUserId=DANA)
    await house.settled()
    [step] = await house.steps(booked)
    assert (step["state"], made[operation]) == ("done", 1)
    assert made[listing[0]] == listing[1], "it did come true in between"


async def test_a_rate_limit_is_waited_out_as_told(house: House) -> None:
    await house.rules(GIVE)
    await fault(house, EDITS, status=429, retry_after=1)
    booked = await house.book(in_days(3, "12:00"), assignedUserId=DANA)
    await house.settled()
    assert (await house.appointment(booked))["assignedUserId"] == KIM
    [step] = await house.steps(booked)
    assert (step["state"], step["attempts"]) == ("done", 2)


async def test_a_read_that_fails_is_tried_again_before_anything_is_decided(house: House) -> None:
    await house.rules(GIVE)
    await fault(house, {"method": "GET", "path": "/calendars/{calendar_id}"}, status=500)
    booked = await house.book(in_days(3, "12:00"), assignedUserId=DANA)
    await house.settled()
    assert (await house.appointment(booked))["assignedUserId"] == KIM
    delivery, _ = await house.deliveries(booked)
    assert delivery["attempts"] == 1


async def test_what_was_sent_and_cannot_be_looked_for_is_unknown(house: House) -> None:
    await house.rules(NOTE + rule("other", "appointment.created", "do: add_note, text: other"))
    await fault(house, NOTES, status=502, after_write=True)
    await fault(house, READS, status=403)
    booked = await house.book(in_days(3, "12:00"))
    await house.settled()
    first, second = await house.steps(booked)
    assert first["state"] == "unknown"
    assert first["reason"].startswith("it was sent, and whether it came true cannot be seen: ListNotes answered 403")
    assert second["state"] == "done", "another rule goes on"
    [delivery] = await house.deliveries(booked)
    assert delivery["state"] == "done"


async def test_a_refused_token_fails_the_step_in_highlevels_words(house: House) -> None:
    await house.rules(NOTE)
    await fault(house, NOTES, status=401)
    booked = await house.book(in_days(3, "12:00"))
    await house.settled()
    [step] = await house.steps(booked)
    assert step["state"] == "failed"
    assert step["reason"].startswith("CreateNote answered 401: ")
