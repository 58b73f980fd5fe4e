"""The four actions: whom, when and what they choose, read off the sandbox."""

import asyncio
import re
from datetime import datetime, timedelta

import pytest

from tests.house import House, in_days
from tests.sandboxes import ALEX, CONSULTATIONS, DANA, KIM, ROOM
from tests.test_apply import rule

AFTERNOON = 'within: {hours: "15:00-17:00"}'


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


async def test_least_busy_counts_the_bookings_of_the_day_and_passes_over_who_is_busy(house: House) -> None:
    await house.book(in_days(3, "09:00"), assignedUserId=DANA)
    await house.book(in_days(3, "15:00"), assignedUserId=DANA)
    await house.book(in_days(3, "11:00"), assignedUserId=KIM)
    await house.settled()
    await house.rules(
        rule("share", "appointment.created", "do: assign, to: {least_busy: calendar}, replace: automatic")
    )
    booked = await house.book(in_days(3, "11:00"), assignedUserId=DANA)
    await house.settled()
    assert (await house.appointment(booked))["assignedUserId"] == ALEX
    [step] = await house.steps(booked)
    assert step["sentence"] == "assign alex: fewest bookings that day: dana 2, alex 0 (kim: busy 11:00 to 12:00)"


async def test_round_robin_goes_round_also_when_bookings_come_at_once(house: House) -> None:
    await house.rules(rule("round", "appointment.created", "do: assign, to: {round_robin: calendar}, replace: anybody"))
    days = [in_days(n, "12:00") for n in (3, 10, 17, 24, 31, 38)]
    booked = await asyncio.gather(*(house.book(day, assignedUserId=ALEX) for day in days))
    await house.settled()
    whose = [(await house.appointment(id_))["assignedUserId"] for id_ in booked]
    assert sorted(whose) == sorted([DANA, KIM, ALEX] * 2), "each twice, whatever the order"


async def test_nobody_free_leaves_the_booking_and_says_why(house: House) -> None:
    await house.book(in_days(3, "12:00"), assignedUserId=DANA)
    await house.settled()
    await house.rules(
        rule("give", "appointment.created", "do: assign, to: dana, replace: anybody", "do: add_note, text: still here")
    )
    booked = await house.book(in_days(3, "12:00"), assignedUserId=KIM)
    await house.settled()
    steps = await house.steps(booked)
    assert (steps[0]["state"], steps[0]["reason"]) == ("unchanged", "nobody can take it: dana: busy 12:00 to 13:00")
    assert steps[1]["state"] == "done", "a step that was left alone does not stop its rule"


@pytest.mark.parametrize(
    ("replace", "by_hand", "state"),
    [
        ("nobody", False, "unchanged"),
        ("automatic", False, "done"),
        ("automatic", True, "unchanged"),
        ("anybody", True, "done"),
    ],
)
async def test_whom_assign_may_replace(house: House, replace: str, by_hand: bool, state: str) -> None:
    await house.rules(rule("give", "appointment.confirmed", f"do: assign, to: alex, replace: {replace}"))
    booked = await house.book(in_days(3, "12:00"), assignedUserId=DANA)
    await house.edit(booked, appointmentStatus="new", **({"assignedUserId": KIM} if by_hand else {}))
    await house.settled()
    await house.edit(booked, appointmentStatus="confirmed")
    await house.settled()
    [step] = await house.steps(booked)
    assert step["state"] == state
    assert ((await house.appointment(booked))["assignedUserId"] == ALEX) == (state == "done")


async def test_reschedule_takes_the_first_offered_slot_within_days_and_hours_verbatim(house: House) -> None:
    await house.book(in_days(3, "11:00"), calendarId=CONSULTATIONS)
    await house.settled()
    day = int(moment(in_days(3, "00:00")).timestamp() * 1000)
    path = f"/calendars/{CONSULTATIONS}/free-slots"
    offered = await house.call("GET", path, startDate=day, endDate=day + 86_400_000)
    within = 'within: {days: [mon, wed], hours: ["10:45-11:45", "15:00-16:00"]}'
    await house.rules(rule("later", "appointment.created", f"do: reschedule, to: next_free, {within}, notify: true"))
    booked = await house.book(in_days(3, "10:00"), calendarId=CONSULTATIONS)
    await house.settled()
    now = await house.appointment(booked)
    [step] = await house.steps(booked)
    # Eleven is taken and 11:30 would end at noon, outside the hours: what is left is the afternoon.
    assert moment(now["startTime"]).strftime("%A %H:%M") == "Monday 15:00"
    assert moment(now["endTime"]) - moment(now["startTime"]) == timedelta(minutes=30)
    assert now["assignedUserId"] == DANA
    sent = step["operation"]["fields"]
    assert sent["to_notify"] is True
    assert sent["start_time"] in {slot for day in offered.values() if isinstance(day, dict) for slot in day["slots"]}


async def test_no_free_time_leaves_the_booking_and_says_how_many_slots_were_looked_at(house: House) -> None:
    await house.rules(
        rule("never", "appointment.created", "do: reschedule, to: next_free, within: {days: sun}, notify: false")
    )
    booked = await house.book(in_days(3, "10:00"), calendarId=CONSULTATIONS)
    await house.settled()
    [step] = await house.steps(booked)
    assert step["state"] == "unchanged"
    assert step["reason"].startswith("no free time for dana on sun in 31 days from Monday ")
    assert re.search(r": (\d+) slots looked at, \1 on other days$", step["reason"])
    assert await house.writes("EditAppointment") == 0


async def test_a_followed_block_goes_with_its_booking_wherever_it_goes(house: House) -> None:
    await house.rules(rule("around", "appointment.created", "do: block_slot, before: 10m, after: 15m, follow: true"))
    booked = await house.book(in_days(3, "12:00"), assignedUserId=DANA)
    await house.settled()
    noon, hour = moment(in_days(3, "12:00")), timedelta(hours=1)
    ten, quarter = timedelta(minutes=10), timedelta(minutes=15)
    assert await house.blocks(DANA) == [(noon - ten, noon), (noon + hour, noon + hour + quarter)]
    await house.edit(booked, startTime=in_days(3, "14:00"), endTime=in_days(3, "15:00"))
    await house.settled()
    two = noon + 2 * hour
    assert await house.blocks(DANA) == [(two - ten, two), (two + hour, two + hour + quarter)]
    await house.edit(booked, assignedUserId=KIM)
    await house.settled()
    assert await house.blocks(DANA) == []
    assert await house.blocks(KIM) == [(two - ten, two), (two + hour, two + hour + quarter)]
    await house.edit(booked, appointmentStatus="cancelled")
    await house.settled()
    assert await house.blocks(KIM) == []
    await house.edit(booked, appointmentStatus="confirmed")
    await house.settled()
    assert len(await house.blocks(KIM)) == 2, "a revived booking has its blocks again"
    await house.call("DELETE", f"/calendars/events/{booked}", {})
    await house.settled()
    assert await house.blocks(KIM) == []
    assert {step["state"] for step in await house.steps(booked)} == {"done"}


async def test_a_block_goes_along_when_a_later_rule_moves_the_booking(house: House) -> None:
    await house.rules(
        rule("block", "appointment.created", "do: block_slot, after: 15m, follow: true")
        + rule(
            "move",
            "appointment.created",
            'do: reschedule, to: next_free, within: {hours: "15:00-17:00"}, notify: false',
        )
    )
    booked = await house.book(in_days(3, "10:00"), calendarId=CONSULTATIONS)
    await house.settled()
    ends = moment((await house.appointment(booked))["endTime"])
    assert ends.strftime("%H:%M") == "15:30"
    assert await house.blocks(DANA) == [(ends, ends + timedelta(minutes=15))]


async def test_a_block_that_somebody_removed_is_not_put_back(house: House) -> None:
    await house.rules(rule("after", "appointment.created", "do: block_slot, after: 15m, follow: true"))
    booked = await house.book(in_days(3, "12:00"), assignedUserId=DANA)
    await house.settled()
    [step] = await house.steps(booked)
    await house.call("DELETE", f"/calendars/events/{step['written_id']}", {})
    await house.edit(booked, startTime=in_days(3, "14:00"), endTime=in_days(3, "15:00"))
    await house.edit(booked, startTime=in_days(3, "16:00"), endTime=in_days(3, "17:00"))
    await house.settled()
    assert await house.blocks(DANA) == []
    assert [(step["action"], step["state"]) for step in await house.steps(booked)] == [
        ("block_slot", "done"),
        ("follow", "unchanged"),
    ]


async def test_a_booking_of_nobodys_blocks_its_calendar_if_that_can_be_blocked(house: House) -> None:
    await house.rules(rule("after", "appointment.created", "do: block_slot, after: 15m"))
    booked = await house.book(in_days(3, "12:00"), calendarId=ROOM)
    await house.settled()
    [step] = await house.steps(booked)
    assert step["state"] == "done"
    assert step["operation"]["fields"]["calendar_id"] == ROOM
    assert "assigned_user_id" not in step["operation"]["fields"]


async def test_the_same_words_may_be_written_twice_for_two_reasons(house: House) -> None:
    await house.rules(
        rule("one", "appointment.created", "do: add_note, text: same")
        + rule("two", "appointment.created", "do: add_note, text: same")
    )
    booked = await house.book(in_days(3, "12:00"))
    await house.settled()
    assert await house.notes(booked) == ["same", "same"]


async def test_a_text_that_mentions_what_is_missing_fails_its_step_and_says_so(house: House) -> None:
    await house.rules(rule("was", "appointment.created", 'do: add_note, text: "from {{ was.starts | time }}"'))
    booked = await house.book(in_days(3, "12:00"))
    await house.settled()
    [step] = await house.steps(booked)
    assert (step["state"], step["reason"]) == ("failed", "was.starts is missing")
