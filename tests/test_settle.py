"""A step until it is true: what a fault leaves behind is found, waited for, sent again, or said to be unknown."""

import asyncio
from typing import Any

from tests.house import House, in_days
from tests.sandboxes import ALEX, DANA, KIM
from tests.test_apply import rule

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


async def test_somebody_elses_change_after_a_write_in_doubt_is_left_alone(house: House) -> None:
    await house.rules(GIVE)
    await fault(house, EDITS, status=502, after_write=False)
    booked = await house.book(in_days(3, "12:00"), assignedUserId=DANA)
    await sent(house, "EditAppointment")
    await house.edit(booked, assignedUserId=ALEX)
    await house.settled()
    assert (await house.appointment(booked))["assignedUserId"] == ALEX
    [step] = await house.steps(booked)
    assert step["state"] == "unchanged"
    assert step["reason"] == "a conflict: somebody else changed its assignee since: left alone"


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
