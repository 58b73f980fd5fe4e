"""Somebody else acts between our look and our write, or between our write and its answer."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

from tests.house import House, event, in_days
from tests.sandboxes import ADA, ALEX, CUTS, DANA, KIM, LOCATION
from tests.test_apply import rule
from tests.test_settle import BLOCKS, EDITS, GIVE, NOTE, NOTES, fault, sent

SAME_TIME = {"assignedUserId": DANA, "ignoreFreeSlotValidation": True}
CALENDAR = {"method": "GET", "path": "/calendars/{calendar_id}"}
DELETES = {"method": "DELETE", "path": "/calendars/events/{event_id}"}


async def test_a_cancellation_while_an_assignment_is_decided_is_not_undone(house: House) -> None:
    await house.rules(GIVE + rule("heard", "appointment.cancelled", "do: add_note, text: heard"))
    await fault(house, CALENDAR, hold=1)
    booked = await house.book(in_days(3, "12:00"), assignedUserId=DANA)
    await sent(house, "GetCalendar")
    await house.edit(booked, appointmentStatus="cancelled")
    await house.settled()
    now = await house.appointment(booked)
    assert (now["appointmentStatus"], now["assignedUserId"]) == ("cancelled", DANA)
    assert await house.notes(booked) == ["heard"]
    assert [step["state"] for step in await house.steps(booked)] == ["unchanged", "done"]


async def test_a_change_that_our_write_may_have_undone_is_put_before_people(house: House) -> None:
    await house.rules(GIVE)
    booked = await house.book(in_days(3, "12:00"), assignedUserId=DANA)
    await house.settled()
    created, _ = await house.deliveries(booked)
    told = created["booking"]
    async with house.pool.acquire() as connection:
        # As it is before the echo of our write has come.
        heard = datetime.fromisoformat(told["updated"])
        await connection.execute("UPDATE appointments SET heard = $1", heard)
    between = (heard + timedelta(milliseconds=1)).isoformat()
    cancelled = {
        "id": booked,
        "calendarId": CUTS,
        "contactId": ADA,
        "title": told["title"],
        "appointmentStatus": "cancelled",
        "assignedUserId": DANA,
        "startTime": told["starts"],
        "endTime": told["ends"],
        "dateAdded": told["added"],
        "dateUpdated": between,
    }
    _, answer = await house.post(event(cancelled, "AppointmentUpdate"))
    await house.settled()
    shown = await house.shown(answer["delivery"])
    assert shown["state"] == "failed"
    assert shown["reason"] == "somebody changed its status right before a write of ours that may have undone it"


async def test_a_write_that_took_is_ours_whatever_else_somebody_changed_since(house: House) -> None:
    await house.rules(GIVE + rule("loop", "appointment.reassigned", "do: add_note, text: loop"))
    await fault(house, EDITS, status=502, after_write=True)
    booked = await house.book(in_days(3, "12:00"), assignedUserId=DANA)
    await sent(house, "EditAppointment")
    await house.edit(booked, appointmentStatus="new")
    await house.settled()
    now = await house.appointment(booked)
    assert (now["assignedUserId"], now["appointmentStatus"]) == (KIM, "new")
    assert [step["state"] for step in await house.steps(booked)] == ["done"]
    assert await house.notes(booked) == [], "and it sets off no rule of ours"


async def test_two_blocks_of_the_same_time_are_two_also_when_both_are_in_doubt(house: House) -> None:
    await house.rules(rule("after", "appointment.created", "do: block_slot, after: 15m, follow: true"))
    await fault(house, BLOCKS, status=502, after_write=True, times=2)
    first = await house.book(in_days(3, "12:00"), **SAME_TIME)
    second = await house.book(in_days(3, "12:00"), **SAME_TIME)
    await house.settled()
    assert len(await house.blocks(DANA)) == 1, "of the two, once they are told apart, one covers the time of both"
    assert await house.writes("CreateBlockSlot") == 2
    steps = [*await house.steps(first), *await house.steps(second)]
    assert {step["state"] for step in steps} == {"done"}
    assert len({step["written_id"] for step in steps if step["action"] == "block_slot"}) == 2
    await house.edit(first, appointmentStatus="cancelled")
    await house.settled()
    assert len(await house.blocks(DANA)) == 1, "the other booking has its own again"


async def test_a_block_that_was_never_sent_is_not_taken_for_another_bookings(house: House) -> None:
    await house.rules(rule("after", "appointment.created", "do: block_slot, after: 15m, follow: true"))
    first = await house.book(in_days(3, "12:00"), **SAME_TIME)
    await house.settled()
    await fault(house, BLOCKS, status=429, retry_after=0)
    second = await house.book(in_days(3, "12:00"), **SAME_TIME)
    await house.settled()
    steps = [*await house.steps(first), *await house.steps(second)]
    assert len({step["written_id"] for step in steps if step["action"] == "block_slot"}) == 2


async def test_rate_limits_never_use_up_an_effect(house: House) -> None:
    await house.rules(NOTE)
    await fault(house, NOTES, status=429, retry_after=0, times=10)
    booked = await house.book(in_days(3, "12:00"))
    await house.settled()
    assert await house.notes(booked) == ["once"]
    [step] = await house.steps(booked)
    assert (step["state"], step["attempts"]) == ("done", 11)


async def test_a_webhook_does_not_shorten_the_wait_that_was_asked_for(house: House) -> None:
    await house.rules(GIVE)
    await fault(house, CALENDAR, status=429, retry_after=2)
    booked = await house.book(in_days(3, "12:00"), assignedUserId=DANA)
    await sent(house, "GetCalendar")
    for _ in range(5):
        await house.edit(booked, title="again")
        await asyncio.sleep(0.2)
    assert await house.writes("GetCalendar") == 1
    await house.settled()
    assert await house.writes("GetCalendar") == 2


async def test_a_block_that_somebody_moved_is_removed_when_its_booking_is_cancelled(house: House) -> None:
    await house.rules(rule("after", "appointment.created", "do: block_slot, after: 15m, follow: true"))
    booked = await house.book(in_days(3, "12:00"), assignedUserId=DANA)
    await house.settled()
    [step] = await house.steps(booked)
    moved: dict[str, Any] = {"startTime": in_days(3, "17:00"), "endTime": in_days(3, "17:15"), "assignedUserId": DANA}
    path = f"/calendars/events/block-slots/{step['written_id']}"
    await house.call("PUT", path, {"locationId": LOCATION, "title": "Moved", **moved}, status=201)
    await fault(house, DELETES, status=503, after_write=False)
    await house.edit(booked, appointmentStatus="cancelled")
    await house.settled()
    assert await house.blocks(DANA) == []


async def test_a_rule_that_asks_for_the_status_may_meet_a_booking_that_takes_no_time(house: House) -> None:
    asks = "if: {not: {status: cancelled}},"
    await house.rules(
        rule("block", "appointment.updated", "do: block_slot, after: 15m", more=asks)
        + rule("note", "appointment.no_show", "do: add_note, text: seen")
    )
    booked = await house.book(in_days(3, "12:00"), assignedUserId=ALEX)
    await house.settled()
    await house.edit(booked, appointmentStatus="noshow")
    await house.settled()
    assert {delivery["state"] for delivery in await house.deliveries(booked)} == {"done"}
    block, note = await house.steps(booked)
    assert (block["state"], block["reason"]) == ("unchanged", "the booking takes no time any more")
    assert note["state"] == "done"


async def test_a_rule_in_shadow_ends_where_it_would_end(house: House) -> None:
    await house.rules(
        rule("give", "appointment.created", "do: assign, to: kim, replace: anybody")
        + rule(
            "shadow",
            "appointment.created",
            "do: assign, to: alex, replace: anybody",
            'do: add_note, text: "{{ was.starts }}"',
            "do: add_note, text: never",
            mode="shadow",
        )
    )
    booked = await house.book(in_days(3, "12:00"), assignedUserId=DANA)
    await house.settled()
    shadow = [step for step in await house.steps(booked) if step["state"] == "shadow"]
    assert [step["reason"] for step in shadow] == [
        "would leave it: a conflict: the rule give wrote its assignee already",
        "would fail: was.starts is missing",
    ]
