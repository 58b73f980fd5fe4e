"""Choosing: what is read to know who can take a booking, and how far that goes."""

from typing import Any

import pytest

from tests.house import House, in_days
from tests.sandboxes import ALEX, CUTS, DANA, KIM, LOCATION
from tests.test_apply import rule
from tests.test_reservations import in_force
from tests.workshop import calls, meddle

TREATMENTS, TIM = "snxYtdKAEDclm2FrXJZT", "tA6I9X3VgOviNG9730qc"
DESK = {"assignedUserId": ALEX, "ignoreFreeSlotValidation": True}


async def put_in_force(house: House, people: str, give: str) -> None:
    text = rule("give", "appointment.created", f"{give}, replace: anybody", more="if: {title: give},")
    await in_force(house, f"people: {{{people}}}\nrules:{text}")


async def told(house: House, start: str, **fields: Any) -> str:
    """Book somebody in and read what became of it."""
    booked = await house.book(start, title="give", **{**DESK, **fields})
    await house.settled()
    [step] = await house.steps(booked)
    return str(step["reason"] or step["sentence"])


async def test_everybody_who_cannot_is_told_with_what_is_in_the_way_and_nobody_is_asked_in_vain(house: House) -> None:
    people = (
        f"dana: {{id: {DANA}, hours: {{mon: 14:00-18:00}}, skills: colour}},"
        f" kim: {{id: {KIM}, buffer: 30m, skills: colour}},"
        f" alex: {{id: {ALEX}}}, desk: uDesk4mT8qLw5ZrK1vNp"
    )
    await put_in_force(house, people, "do: assign, to: {first_free: [dana, kim, desk]}")
    await house.book(in_days(3, "10:45"), **{**DESK, "assignedUserId": KIM})
    await house.settled()
    assert await told(house, in_days(3, "12:00")) == (
        "nobody can take it: dana: off until 14:00; kim: busy 10:45 to 11:45, and 30m have to lie between;"
        " desk: not on the calendar's team"
    )
    assert len(await calls(house, "ListEvents")) == 1, "nothing is read of who is out without"
    await put_in_force(house, people, "do: assign, to: {least_busy: [alex, kim]}, needs: [colour]")
    assert await told(house, in_days(3, "12:00"), assignedUserId=DANA) == (
        "nobody can take it: alex: lacks colour; kim: busy 10:45 to 11:45, and 30m have to lie between"
    )


async def test_a_schedule_and_a_block_at_highlevel_and_another_calendars_buffer_are_in_the_way(house: House) -> None:
    people = f"dana: {DANA}, kim: {KIM}, alex: {ALEX}"
    await put_in_force(house, people, "do: assign, to: {weighted: {alex: 1, kim: 1}}")
    starts = {"startTime": in_days(3, "11:15"), "endTime": in_days(3, "11:30")}
    await house.call(
        "POST", "/calendars/events/block-slots", {"locationId": LOCATION, "assignedUserId": KIM, **starts}, status=201
    )
    treatment = {"calendarId": TREATMENTS, "assignedUserId": KIM}
    assert await told(house, in_days(3, "11:00"), **treatment) == (
        "nobody can take it: alex: off until 13:00; kim: blocked from 11:15"
    ), "Alex's schedule for treatments begins at one"
    await put_in_force(house, people, "do: assign, to: kim")
    booked = await house.book(in_days(3, "14:00"), **{**DESK, **treatment})
    await house.settled()
    assert await told(house, in_days(3, "14:50")) == (
        "nobody can take it: kim: busy 14:00 to 14:45, and 15m have to lie between"
    ), "fifteen minutes are to lie after a treatment, whatever comes then"
    await house.edit(booked, appointmentStatus="cancelled")
    await house.settled()
    assert await told(house, in_days(3, "14:50")) == "assign kim: as the rule says"


async def test_where_schedules_are_not_switched_on_it_is_asked_once(house: House) -> None:
    path = "/calendars/schedules/search"
    refused = {"method": "GET", "path": path, "status": 403, "times": 5}
    await house.call("POST", "/_sandbox/faults", refused, status=201)
    people = f"dana: {DANA}, kim: {KIM}, alex: {ALEX}"
    await put_in_force(house, people, "do: assign, to: {least_busy: [kim, dana]}")
    assert await told(house, in_days(3, "12:00")) == "assign kim: fewest bookings that day: kim 0, dana 0"
    assert len(await calls(house, "SearchSchedules")) == 1


async def test_the_same_as_before_is_who_had_the_latest_that_took_place_within_that_time(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def delete() -> None:
        await house.call("DELETE", f"/calendars/events/{deleted}", {})

    people = f"dana: {DANA}, kim: {KIM}, alex: {ALEX}"
    nobody = "nobody can take it: nobody before; nobody owns the contact"
    await put_in_force(house, people, "do: assign, to: [{same_as_before: {within: 20d}}, contact_owner]")
    assert await told(house, in_days(30, "12:00")) == nobody
    for day, person, status in ((3, DANA, "confirmed"), (17, KIM, "confirmed"), (18, DANA, "noshow")):
        id_ = await house.book(in_days(day, "12:00"), **{**DESK, "assignedUserId": person})
        await house.edit(id_, appointmentStatus=status)
    deleted = await house.book(in_days(24, "12:00"), **{**DESK, "assignedUserId": DANA})
    await house.settled()
    made = meddle(monkeypatch, {("GetAppointment", 2): delete})
    assert await told(house, in_days(30, "12:00")) == "assign kim: the same as before"
    assert made["GetAppointment"] >= 3, "one that was listed and is gone, and the one before it"
    assert await told(house, in_days(60, "12:00")) == nobody
    assert await told(house, in_days(60, "12:00"), contactId=TIM) == (
        "assign kim: the contact's owner; before that, nobody before"
    )


async def test_whoever_had_it_before_this_event_may_be_meant(house: House) -> None:
    await house.rules(
        rule("back", "appointment.reassigned", 'do: assign, to: ["{{ was.assignee }}", kim], replace: anybody')
    )
    booked = await house.book(in_days(3, "12:00"), calendarId=CUTS, assignedUserId=DANA)
    await house.settled()
    await house.edit(booked, assignedUserId=ALEX)
    await house.settled()
    assert (await house.appointment(booked))["assignedUserId"] == DANA
