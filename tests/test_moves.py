"""`reschedule`: the time that it finds, whom it keeps, and what it says when there is none."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from service.highlevel.appointments import EditAppointment
from service.store.reservations import Reservation
from service.store.turns import Turn
from tests.planning import Planning, planning
from tests.sandboxes import ALEX, CONSULTATIONS, CUTS, DANA, KIM, LOCATION, ROOM, at
from workers.actions.action import CannotAct, LeftAlone, Plan
from workers.text_errors import TextError

NEXT = "do: reschedule, to: next_free, notify: false"


@pytest.fixture
async def desk() -> AsyncIterator[Planning]:
    async with planning() as planned:
        yield planned


def said(words: str) -> str:
    return f"{{{words}}}"


async def test_the_person_is_kept_though_others_have_time_before(desk: Planning) -> None:
    booked = await desk.booked(at("10:00"), assignedUserId=DANA)
    await desk.booked(at("11:00"), assignedUserId=DANA)
    sent = await desk.done(said(f"{NEXT}, within: {{hours: '10:00-13:30'}}"), booked)
    assert (sent.start_time, sent.end_time) == (at("12:00"), at("13:00"))
    assert sent.assigned_user_id == DANA
    assert sent.ignore_free_slot_validation is None
    assert (await desk.read(booked)).starts == datetime.fromisoformat(at("12:00"))


async def test_somebody_else_takes_it_only_where_the_person_is_but_preferred(desk: Planning) -> None:
    booked = await desk.booked(at("10:00"), assignedUserId=DANA)
    await desk.booked(at("11:00"), assignedUserId=DANA)
    within = "within: {hours: '11:00-12:30', days: mon}, ahead: 3d"
    left = await desk.left(said(f"{NEXT}, {within}"), booked)
    assert left.otherwise
    assert left.reason == (
        "no free time for dana on mon within 11:00-12:30 in 3 days from Monday 23 March 2026, 10:00: "
        "59 slots looked at, 44 on other days, 15 outside the hours"
    )
    assert isinstance(await desk.decided(said(f"{NEXT}, {within}, same: person"), booked), LeftAlone)
    write = await desk.write(said(f"{NEXT}, {within}, prefer: person"), booked)
    assert isinstance(write.operation, EditAppointment)
    assert (write.operation.start_time, write.operation.assigned_user_id) == (at("11:00"), KIM)
    assert write.sentence == (
        "move it from Monday 23 March 2026, 10:00 to Monday 23 March 2026, 11:00, the next free time, with kim; "
        "nobody is told"
    )


async def test_of_several_whoever_has_the_earliest_time_gets_it(desk: Planning) -> None:
    booked = await desk.booked(at("10:00"), assignedUserId=KIM)
    for clock, busy in (("11:00", KIM), ("12:00", KIM), ("11:00", DANA)):
        await desk.booked(at(clock), assignedUserId=busy)
    sent = await desk.done(said(f"{NEXT}, within: {{hours: '11:00-13:00'}}, ahead: 5h, prefer: person"), booked)
    assert (sent.start_time, sent.assigned_user_id) == (at("11:00"), ALEX)


async def test_of_several_whoever_has_a_time_nearest_to_the_old_time_of_day_gets_it(desk: Planning) -> None:
    booked = await desk.booked(at("10:00"), assignedUserId=KIM)
    for clock, busy in (("09:00", KIM), ("10:00", KIM), ("11:00", KIM), ("10:00", ALEX)):
        await desk.booked(f"2026-03-24T{clock}:00+00:00", assignedUserId=busy)
    narrow = "after: 12h, ahead: 14h, within: {hours: mornings}, prefer: [person, time_of_day]"
    sent = await desk.done(said(f"{NEXT}, {narrow}"), booked)
    assert (sent.start_time, sent.assigned_user_id) == ("2026-03-24T10:00:00+00:00", DANA)


async def test_whom_somebody_chose_after_we_had_is_kept_though_only_preferred(desk: Planning) -> None:
    booked = await desk.booked(at("10:00"), assignedUserId=DANA)
    await desk.booked(at("11:00"), assignedUserId=DANA)
    desk = replace(desk, others=frozenset({"assignee"}))
    within = "within: {hours: '11:00-12:30', days: mon}, ahead: 3d"
    assert (await desk.left(said(f"{NEXT}, {within}, prefer: person"), booked)).reason.startswith(
        "no free time for dana"
    )


async def test_a_time_of_its_own_goes_to_somebody_else_too_where_the_person_is_but_preferred(desk: Planning) -> None:
    booked = await desk.booked(at("10:00"), assignedUserId=DANA)
    await desk.booked(at("15:00"), assignedUserId=DANA)
    later = "do: reschedule, to: {shift: 5h}, notify: true"
    assert (await desk.left(said(later), booked)).otherwise
    sent = await desk.done(said(f"{later}, prefer: person"), booked)
    assert (sent.start_time, sent.assigned_user_id) == (at("15:00"), KIM)


async def test_a_move_over_the_change_of_the_clocks_keeps_the_clock_on_the_wall(desk: Planning) -> None:
    booked = await desk.booked(at("10:00"), assignedUserId=DANA)
    sent = await desk.done(said("do: reschedule, to: {shift: 1w}, notify: if_start_changes"), booked)
    assert sent.start_time == "2026-03-30T10:00:00+01:00"
    assert sent.to_notify is True


async def test_holidays_are_passed_over_and_counted(desk: Planning) -> None:
    booked = await desk.booked(at("10:00"), assignedUserId=DANA)
    sent = await desk.done(said(f"{NEXT}, after: 1d, within: {{hours: mornings, except: bank}}"), booked)
    assert sent.start_time == "2026-03-25T09:00:00+00:00"
    left = await desk.left(said(f"{NEXT}, after: 1d, ahead: 1d, within: {{except: ['2026-03-25', bank, thu]}}"), booked)
    assert left.reason == (
        "no free time for dana except on 2026-03-25, `bank`, thu, in 1 day from Thursday 26 March 2026, 09:00: "
        "21 slots looked at, 21 on thu"
    )


@pytest.mark.parametrize(
    ("to", "reason"),
    [
        ("{shift: 30m}", "Monday 23 March 2026, 10:30 is not on offer: the booking itself is in the way"),
        (
            "{shift: 5h}",
            "Monday 23 March 2026, 15:00 is not on offer for dana; nearest that day: 13:30, 14:00, 16:00",
        ),
        ("2026-03-23 07:00", "Monday 23 March 2026, 07:00 is past"),
        ("2026-03-29 12:00", "Sunday 29 March 2026, 12:00 is not on offer for dana; nothing is that day"),
        ("2026-03-24 18:30", "Tuesday 24 March 2026, 18:30 will not do: it is outside the hours"),
        ("'{{ starts }}'", "it is at that time already"),
    ],
)
async def test_a_time_of_its_own_that_is_not_on_offer_is_not_taken(desk: Planning, to: str, reason: str) -> None:
    booked = await desk.booked(at("10:00"), assignedUserId=DANA)
    await desk.booked(at("15:00"), assignedUserId=DANA)
    left = await desk.left(said(f"do: reschedule, to: {to}, notify: true, within: {{hours: '06:00-18:30'}}"), booked)
    assert left.reason == reason
    assert left.otherwise == ("already" not in reason)


async def test_a_far_horizon_is_read_window_by_window_and_only_until_something_is_found(desk: Planning) -> None:
    booked = await desk.booked(at("10:00"), assignedUserId=DANA)
    near = "within: {days: mon}, ahead: 180d"
    sent = await desk.done(said(f"{NEXT}, after: 1d, {near}"), booked)
    assert sent.start_time == "2026-03-30T09:00:00+01:00"
    assert await desk.sandbox.writes("FreeSlots") == 1
    left = await desk.left(said(f"{NEXT}, within: {{days: sun}}, ahead: 60d"), booked)
    assert "sun in 60 days" in left.reason
    assert await desk.sandbox.writes("FreeSlots") == 3


async def test_the_nearest_time_of_day_of_the_first_day_is_preferred_and_may_be_demanded(desk: Planning) -> None:
    booked = await desk.booked(at("10:00"), assignedUserId=DANA)
    await desk.booked("2026-03-24T10:00:00+00:00", assignedUserId=DANA)
    later = f"{NEXT}, after: 12h"
    first = await desk.write(said(later), booked)
    assert isinstance(first.operation, EditAppointment)
    assert first.operation.start_time == "2026-03-24T09:00:00+00:00"
    preferred = await desk.write(said(f"{later}, prefer: time_of_day"), booked)
    assert isinstance(preferred.operation, EditAppointment)
    assert preferred.operation.start_time == "2026-03-24T09:00:00+00:00"
    demanded = await desk.write(said(f"{later}, same: time_of_day"), booked)
    assert isinstance(demanded.operation, EditAppointment)
    assert demanded.operation.start_time == "2026-03-25T10:00:00+00:00"


async def test_a_longer_booking_must_be_free_as_a_whole(desk: Planning) -> None:
    booked = await desk.booked(at("10:00"), assignedUserId=DANA)
    await desk.booked(at("12:00"), assignedUserId=DANA)
    plan = await desk.decided(said(f"{NEXT}, lasts: 90m, within: {{hours: '10:00-15:00'}}"), booked)
    assert isinstance(plan, Plan)
    [write] = plan.writes
    sent = write.operation
    assert isinstance(sent, EditAppointment)
    # It may begin at eleven but for the one at noon, which no slot of an hour runs into.
    assert (sent.start_time, sent.end_time) == (at("13:00"), at("14:30"))
    assert sent.ignore_free_slot_validation is True
    assert write.meant["reserves"]["user"] == DANA
    assert plan.turn == Turn(7), "decided again if somebody else was decided on meanwhile"
    assert "to last 1h30m" in write.sentence
    await desk.api(sent)
    assert (await desk.read(booked)).ends == datetime.fromisoformat(at("14:30"))


async def test_what_was_decided_and_does_not_show_yet_is_in_the_way_of_a_longer_booking(desk: Planning) -> None:
    booked = await desk.booked(at("10:00"), assignedUserId=DANA)
    starts = datetime.fromisoformat(at("13:00"))
    desk = replace(desk, reservations=(Reservation("other", DANA, starts, starts + timedelta(hours=1)),))
    write = await desk.write(said(f"{NEXT}, lasts: 90m, after: 2h"), booked)
    assert isinstance(write.operation, EditAppointment)
    assert write.operation.start_time == at("14:00")


async def test_a_longer_booking_ends_while_the_calendar_is_open_and_runs_into_no_block(desk: Planning) -> None:
    booked = await desk.booked(at("10:00"), assignedUserId=DANA)
    block = {"locationId": LOCATION, "assignedUserId": DANA, "startTime": at("18:00"), "endTime": at("18:15")}
    await desk.sandbox.call("POST", "/calendars/events/block-slots", block, status=201)
    left = await desk.left(said(f"{NEXT}, lasts: 3h, after: 7h, ahead: 5h"), booked)
    assert left.reason.endswith(
        "3 slots looked at, 2 too late to end while the calendar is open, 1 too short before the next booking or block"
    )
    write = await desk.write(said(f"{NEXT}, lasts: 3h, after: 4h"), booked)
    assert isinstance(write.operation, EditAppointment)
    assert write.operation.start_time == at("14:00")
    left = await desk.left(said("do: reschedule, to: {shift: 6h}, lasts: 3h, notify: false"), booked)
    assert left.reason == (
        "Monday 23 March 2026, 16:00 for dana will not do: it is too short before the next booking or block"
    )


async def test_a_booking_is_made_longer_where_it_is(desk: Planning) -> None:
    booked = await desk.booked(at("10:00"), assignedUserId=DANA)
    longer = said("do: reschedule, to: '{{ starts }}', lasts: 90m, notify: if_start_changes")
    write = await desk.write(longer, booked)
    sent = write.operation
    assert isinstance(sent, EditAppointment)
    assert (sent.start_time, sent.end_time, sent.to_notify) == (at("10:00"), at("11:30"), False)
    assert write.sentence == "keep its start at Monday 23 March 2026, 10:00, to last 1h30m; nobody is told"
    await desk.booked(at("11:00"), assignedUserId=DANA)
    left = await desk.left(longer, booked)
    assert left.otherwise
    assert "too short before" in left.reason


async def test_a_booking_moves_to_another_calendar_with_its_person_if_they_are_on_its_team(desk: Planning) -> None:
    booked = await desk.booked(at("10:00"), assignedUserId=DANA)
    write = await desk.write(said(f"{NEXT}, calendar: consultations, after: 1h"), booked)
    sent = write.operation
    assert isinstance(sent, EditAppointment)
    assert (sent.calendar_id, sent.assigned_user_id) == (CONSULTATIONS, DANA)
    assert (sent.start_time, sent.end_time) == (at("11:00"), at("11:30")), "as long as bookings there are"
    assert write.sentence.endswith("11:00, the next free time, to last 30m, on consultations; nobody is told")
    await desk.api(sent)
    assert (await desk.read(booked)).calendar_id == CONSULTATIONS


async def test_on_a_calendar_with_another_team_it_gets_somebody_of_that(desk: Planning) -> None:
    booked = await desk.booked(at("10:00"), assignedUserId=KIM)
    elsewhere = f"{NEXT}, calendar: consultations"
    assert (await desk.done(said(elsewhere), booked)).assigned_user_id == DANA
    other = await desk.booked(at("10:00"), assignedUserId=KIM)
    left = await desk.left(said(f"{elsewhere}, same: person"), other)
    assert (left.reason, left.otherwise) == ("kim is not on the team of the calendar Consultations", True)
    to_room = await desk.done(said(f"{NEXT}, calendar: room"), other)
    assert (to_room.calendar_id, to_room.assigned_user_id) == (ROOM, None)


async def test_whoever_is_on_the_team_no_more_is_told(desk: Planning) -> None:
    booked = await desk.booked(at("10:00"), assignedUserId=ALEX)
    members = [{"userId": user, "priority": 0.5} for user in (DANA, KIM)]
    await desk.sandbox.call("PUT", f"/calendars/{CUTS}", {"teamMembers": members})
    left = await desk.left(said(NEXT), booked)
    assert (left.reason, left.otherwise) == ("alex is not on the team of the calendar Cuts", True)
    assert (await desk.done(said(f"{NEXT}, prefer: person"), booked)).assigned_user_id == DANA


async def test_the_slot_goes_back_as_it_was_offered(desk: Planning) -> None:
    booked = await desk.booked(at("10:00"), assignedUserId=DANA)
    sent = await desk.done(said("do: reschedule, to: '2026-03-30T09:00:00+00:00', notify: false"), booked)
    assert sent.start_time == "2026-03-30T10:00:00+01:00"


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ("to: '{{ was.starts }}'", "was.starts is missing"),
        ("to: next_free, lasts: '{{ notice }}'", "a booking lasts from 1m to 31d, and not -"),
    ],
)
async def test_a_fact_that_is_missing_or_no_length_moves_nothing(desk: Planning, words: str, reason: str) -> None:
    booked = await desk.booked(at("10:00"), assignedUserId=DANA)
    desk.sandbox.clock.now += timedelta(hours=4)
    with pytest.raises((CannotAct, TextError), match=reason):
        await desk.decided(said(f"do: reschedule, {words}, notify: false"), booked)


@pytest.mark.parametrize(
    ("to", "reason"), [("2200-12-31 23:30", "is too far away to be on offer"), ("1900-01-01 09:00", "is past")]
)
async def test_a_time_at_the_end_of_all_times_is_not_looked_for(desk: Planning, to: str, reason: str) -> None:
    booked = await desk.booked(at("10:00"), assignedUserId=DANA)
    assert (await desk.left(said(f"do: reschedule, to: {to}, notify: false"), booked)).reason.endswith(reason)
