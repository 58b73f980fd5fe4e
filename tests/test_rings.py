"""Rings: rules that answer each other, or an automation elsewhere, without end are parked in time, and named."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import datetime

import pytest

from service.store import interventions
from tests.house import LONDON, House, in_days
from tests.sandboxes import ALEX, DANA, KIM
from tests.test_apply import rule
from tests.workshop import alerts, meddle, states

OWN = "on_own_changes: true,"
TO_KIM = rule(
    "to-kim", "appointment.reassigned", "do: assign, to: kim, replace: anybody", more=f"{OWN} if: {{assignee: dana}},"
)
TO_DANA = rule(
    "to-dana", "appointment.reassigned", "do: assign, to: dana, replace: anybody", more=f"{OWN} if: {{assignee: kim}},"
)
BEGIN = rule("begin", "appointment.created", "do: assign, to: kim, replace: anybody")
MOVE = 'do: reschedule, to: next_free, notify: false, within: {{hours: "{}"}}'
MOVES = (
    rule("begin", "appointment.created", MOVE.format("09:00-13:00"))
    + rule(
        "later",
        "appointment.rescheduled",
        MOVE.format("14:00-20:00"),
        more=f'{OWN} if: {{starts: {{before: "13:00"}}}},',
    )
    + rule(
        "earlier",
        "appointment.rescheduled",
        MOVE.format("09:00-13:00"),
        more=f'{OWN} if: {{starts: {{after: "13:00"}}}},',
    )
)
INSIST = rule(
    "insist",
    "appointment.created, appointment.reassigned",
    "do: assign, to: kim, replace: anybody",
    more="override_people: true, if: {assignee: {is_not: kim}},",
)


@contextlib.asynccontextmanager
async def undoing(house: House, of: str, to: str) -> AsyncIterator[list[str]]:
    """An automation elsewhere that gives back to one person whatever is given to another; what it undid."""
    undone: list[str] = []

    async def watch() -> None:
        while True:
            for appointment in list(house.world.diary.appointments):
                if appointment.assigned_user_id == of:
                    undone.append(appointment.id)
                    await house.edit(appointment.id, assignedUserId=to)
            await asyncio.sleep(0.005)

    task = asyncio.create_task(watch())
    try:
        yield undone
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def test_two_rules_that_hand_a_booking_to_and_fro_are_parked_at_the_fourth_time(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = meddle(monkeypatch, {})
    await house.rules(BEGIN + TO_KIM + TO_DANA)
    booked = await house.book(in_days(3, "12:00"), assignedUserId=DANA)
    await house.settled()
    *done, parked = await house.steps(booked)
    assert [(step["rule"], step["state"]) for step in done] == [
        ("begin", "done"),
        ("to-dana", "done"),
        ("to-kim", "done"),
    ]
    assert (parked["rule"], parked["state"]) == ("to-dana", "parked")
    by = "by begin, then by to-dana, then by to-kim; to-dana would be next"
    assert parked["reason"] == f"a ring: given to somebody 3 times within 24 h, {by}"
    assert made["EditAppointment"] == 3
    assert (await house.appointment(booked))["assignedUserId"] == KIM
    assert (await house.deliveries(booked))[-1]["state"] == "parked"
    assert await alerts(house) == {("parked", "to-dana"): 1}


async def test_two_rules_that_move_a_booking_to_and_fro_are_parked_at_the_third_time(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = meddle(monkeypatch, {})
    await house.rules(MOVES)
    booked = await house.book(in_days(3, "15:00"), assignedUserId=DANA)
    await house.settled()
    first, second, parked = await house.steps(booked)
    assert [step["state"] for step in (first, second, parked)] == ["done", "done", "parked"]
    assert parked["reason"] == "a ring: moved 2 times within 24 h, by begin, then by later; earlier would be next"
    assert made["EditAppointment"] == 2
    starts = datetime.fromisoformat((await house.appointment(booked))["startTime"]).astimezone(LONDON)
    assert starts.hour == 14, "where the second left it"


async def test_what_is_parked_as_a_ring_is_decided_and_somebody_may_let_it_through(house: House) -> None:
    await house.rules(BEGIN + TO_KIM + TO_DANA)
    booked = await house.book(in_days(3, "12:00"), assignedUserId=DANA)
    await house.settled()
    *_, delivery = await house.deliveries(booked)
    [parked] = delivery["steps"]
    assert parked["operation"]["fields"]["assigned_user_id"] == DANA
    async with house.pool.acquire() as connection, connection.transaction():
        await interventions.carry_out(connection, "retry", [delivery["delivery_id"]], "tester")
    await house.settled()
    *_, through, again = await house.steps(booked)
    assert (through["step_id"], through["state"]) == (parked["step_id"], "done")
    assert (again["rule"], again["state"]) == ("to-kim", "parked"), "the ring goes on, and is parked again"
    assert again["reason"].startswith("a ring: given to somebody 4 times within 24 h, by begin, ")


async def test_a_rule_that_fights_an_automation_elsewhere_is_parked_at_the_fourth_time(house: House) -> None:
    await house.rules(INSIST)
    async with undoing(house, of=KIM, to=DANA) as undone:
        booked = await house.book(in_days(3, "12:00"), assignedUserId=DANA)
        await house.settled()
        # What it undid last is told to us once more.
        await asyncio.sleep(0.05)
        await house.settled()
    assert len(undone) == 3
    assert (await house.appointment(booked))["assignedUserId"] == DANA, "nobody overwrites the other any more"
    found = await house.steps(booked)
    parked = [step for step in found if step["state"] == "parked"]
    assert [step["reason"] for step in parked] == [
        "a ring: given to somebody 3 times within 24 h, by insist, then by insist, then by insist; insist would be next"
    ]
    assert {step["state"] for step in found if step["attempts"]} <= {"done", "unknown"}
    assert sum(step["attempts"] for step in found) == 3
    assert (await alerts(house))["parked", "insist"] == 1


async def test_without_override_people_the_first_undoing_ends_it(house: House) -> None:
    await house.rules(INSIST.replace("override_people: true, ", ""))
    async with undoing(house, of=KIM, to=DANA) as undone:
        booked = await house.book(in_days(3, "12:00"), assignedUserId=DANA)
        await house.settled()
    assert len(undone) == 1
    assert "parked" not in await states(house)
    assert (await house.appointment(booked))["assignedUserId"] == DANA


async def test_after_a_day_a_booking_may_be_handed_on_again(house: House) -> None:
    await house.rules(BEGIN + TO_KIM + TO_DANA)
    booked = await house.book(in_days(3, "12:00"), assignedUserId=DANA)
    await house.settled()
    await house.pool.execute(
        "UPDATE steps SET sent_at = sent_at - interval '25 hours', planned_at = planned_at - interval '25 hours'"
    )
    await house.edit(booked, assignedUserId=ALEX)
    await house.rules(
        rule("again", "appointment.updated", "do: assign, to: dana, replace: anybody", more="override_people: true,")
    )
    await house.edit(booked, assignedUserId=KIM)
    await house.settled()
    assert (await house.steps(booked))[-1]["state"] == "done"
    assert (await house.appointment(booked))["assignedUserId"] == DANA


async def test_each_booking_is_counted_by_itself(house: House) -> None:
    await house.rules(BEGIN)
    for clock in ("09:00", "11:00", "13:00", "15:00", "17:00"):
        await house.book(in_days(3, clock), assignedUserId=DANA)
        await house.settled()
    assert await states(house) == {"done": 5}


async def test_a_booking_that_goes_to_and_fro_between_calendars_is_moved_as_well(house: House) -> None:
    to = "do: reschedule, to: '{{{{ starts }}}}', calendar: {}, notify: false"
    await house.rules(
        rule(
            "out",
            "appointment.created, appointment.updated",
            to.format("consultations"),
            more=f"{OWN} if: {{calendar: cuts}},",
        )
        + rule("back", "appointment.updated", to.format("cuts"), more=f"{OWN} if: {{calendar: consultations}},")
    )
    booked = await house.book(in_days(3, "12:00"), assignedUserId=DANA)
    await house.settled()
    *_, parked = await house.steps(booked)
    assert (parked["rule"], parked["state"]) == ("out", "parked"), parked["reason"]
    assert parked["reason"] == "a ring: moved 2 times within 24 h, by out, then by back; out would be next"
