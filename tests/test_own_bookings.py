"""Bookings that a rule made: made once whatever happens to the answer, and news to nobody who does not ask for it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from service.event import Event
from service.highlevel.appointments import CreateAppointment
from service.store import steps
from service.store.appointments import LastSeen
from service.store.bookings import booked_by
from service.store.database import Pool
from service.store.identifiers import new_id
from service.store.ledger import write_down
from service.store.steps import Step
from service.trigger import Booking
from tests.house import House, event, in_days
from tests.sandboxes import ADA, CONSULTATIONS, CUTS, DANA, KIM, LOCATION, ROOM
from tests.test_apply import rule
from tests.test_deliveries import rows
from tests.test_settle import fault
from workers import timekeeper
from workers.judge import Meaning
from workers.own_bookings import as_ours

APPOINTMENTS = {"method": "POST", "path": "/calendars/events/appointments"}
FIRST = "if: {calendar: cuts},"
AGAIN = rule(
    "again", "appointment.created", "do: book, to: {shift: 7d}, calendar: consultations, notify: false", more=FIRST
)
DEAF = rule("deaf", "appointment.created", "do: add_note, text: news")
HEARS = rule("hears", "appointment.created", "do: add_note, text: ours", more="on_own_changes: true,")
STARTS = datetime(2027, 3, 30, 17, tzinfo=UTC)
BEFORE = datetime(2026, 1, 1, tzinfo=UTC)
SKEW = timedelta(seconds=60)


async def follow_ups(house: House) -> list[Any]:
    week = {"startTime": 0, "endTime": 4102444800000}
    answer = await house.call("GET", "/calendars/events", locationId=LOCATION, calendarId=CONSULTATIONS, **week)
    return list(answer["events"])


@pytest.mark.parametrize(
    "broken",
    [
        {},
        {"hold": 0.5},  # its webhook comes before its answer
        {"status": 502, "after_write": True},
    ],
)
async def test_a_follow_up_is_booked_once_and_is_news_only_to_whoever_hears_of_our_own(
    house: House, broken: dict[str, Any]
) -> None:
    booked = await house.book(in_days(3, "12:00"), assignedUserId=DANA)
    await house.settled()
    await house.rules(AGAIN.replace("appointment.created", "appointment.showed") + DEAF + HEARS)
    if broken:
        await fault(house, APPOINTMENTS, **broken)
    await house.edit(booked, appointmentStatus="showed")
    await house.settled()
    [step] = [each for each in await house.steps(booked) if each["rule"] == "again"]
    assert (step["state"], step["attempts"]) == ("done", 1)
    [made] = await follow_ups(house)
    assert step["written_id"] == made["id"]
    assert (made["contactId"], made["assignedUserId"]) == (ADA, DANA)
    assert await house.notes(made["id"]) == ["ours"]
    told = [delivery["triggers"] for delivery in await house.deliveries(made["id"])]
    assert told[0] == ["appointment.created (by rule again)"]


async def test_what_a_rule_booked_and_somebody_moved_is_theirs(house: House) -> None:
    move = rule("move", "appointment.rescheduled", "do: reschedule, to: {shift: 1d}, notify: false")
    await house.rules(AGAIN + move)
    await house.book(in_days(3, "12:00"), assignedUserId=DANA)
    await house.settled()
    [made] = await follow_ups(house)
    await house.edit(made["id"], startTime=in_days(10, "14:00"), endTime=in_days(10, "14:30"))
    await house.settled()
    [step] = await house.steps(made["id"])
    assert (step["state"], step["reason"]) == ("unchanged", "somebody else changed its ends and starts after we had")


BOOKED = Booking(
    id="book001x0000000000",
    location_id=LOCATION,
    calendar_id=CUTS,
    contact_id=ADA,
    status="confirmed",
    assignee=KIM,
    starts=STARTS,
    ends=STARTS + timedelta(hours=1),
)


async def maker(house: House, **fields: Any) -> None:
    """A step that books just that, in some state."""
    delivery = (await house.post(event({"id": "other01x0000000000", "contactId": ADA})))[1]["delivery"]
    made = CreateAppointment(
        calendar_id=CUTS, location_id=LOCATION, contact_id=ADA, start_time="2027-03-30T18:00:00+01:00"
    )
    step = Step(
        step_id=new_id(),
        delivery_id=delivery,
        rule="again",
        place=0,
        part=0,
        action="book",
        state="planned",
        sentence="book",
        location_id=LOCATION,
        appointment_id="other01x0000000000",
        contact_id=ADA,
        operation=made.stored(),
    )
    async with house.pool.acquire() as connection:
        await write_down(connection, [steps.kept(replace(step.sent(), **fields))])


async def made_by(pool: Pool, **fields: Any) -> str | None:
    async with pool.acquire() as connection:
        booking = BOOKED.changed(**{"added": datetime.now(UTC), **fields})
        return await booked_by(connection, booking, skew=SKEW)


WHOSE: list[tuple[dict[str, Any], dict[str, Any], bool]] = [
    ({}, {}, True),  # no answer yet, or the worker died before it came
    ({"state": "unknown"}, {}, True),
    ({"state": "parked"}, {}, True),  # in doubt, and given up on, or put aside by somebody
    ({"state": "skipped"}, {}, True),
    ({"state": "parked", "since_sent": None}, {}, False),  # nothing of it is under way
    ({"state": "done", "written_id": BOOKED.id}, {}, True),
    ({"state": "done", "written_id": BOOKED.id}, {"starts": STARTS + timedelta(hours=2)}, True),
    ({"state": "done", "written_id": "book002x0000000000"}, {}, False),  # the same time, and somebody else's
    ({"state": "failed"}, {}, False),
    ({}, {"calendar_id": CONSULTATIONS}, False),
    ({}, {"starts": STARTS + timedelta(hours=1)}, False),
    ({}, {"contact_id": "cGrc7YwP2kVb9HsD4tQx"}, False),
    ({}, {"contact_id": None}, False),
    ({}, {"added": BEFORE}, False),  # it was there before we sent anything
    ({}, {"added": None}, True),
]


async def test_whose_a_booking_is_shows_by_the_step_that_made_it(house: House) -> None:
    for step, booking, ours in WHOSE:
        await house.pool.execute("DELETE FROM steps")
        await maker(house, **step)
        assert await made_by(house.pool, **booking) == ("again" if ours else None), (step, booking)


@pytest.mark.parametrize("first", ["appointment.created", "appointment.updated"])
async def test_the_first_sight_of_what_we_booked_is_an_echo_whatever_it_is_called(house: House, first: str) -> None:
    await maker(house)
    told = Event({}, "AppointmentCreate", None, None, LOCATION, BOOKED.id, None, None)
    news = frozenset({first, "appointment.cancelled"})
    found = await as_ours(house.pool, Meaning(told, None, LastSeen.first(BOOKED), news, STARTS))
    assert isinstance(found, Meaning)
    assert found.seen
    assert found.seen.made_by_us
    assert (found.triggers, found.own) == (frozenset({"appointment.cancelled"}), frozenset({first}))


async def test_a_move_to_another_calendar_is_an_echo_with_all_that_it_brings(house: House) -> None:
    treatments = "snxYtdKAEDclm2FrXJZT"
    there = f"do: reschedule, to: next_free, calendar: {treatments}, prefer: person, notify: false"
    to_room = rule("room", "appointment.confirmed", "do: reschedule, to: next_free, calendar: room, notify: false")
    heard = rule("heard", "appointment.updated, appointment.reassigned", "do: add_note, text: news")
    await house.rules(rule("there", "appointment.created", there) + to_room + heard)
    booked = await house.book(in_days(3, "12:00"), assignedUserId=KIM)
    await house.settled()
    now = await house.appointment(booked)
    assert (now["calendarId"], now["assignedUserId"], bool(now.get("groupId"))) == (treatments, KIM, True)
    [step] = await house.steps(booked)
    assert (step["state"], step["attempts"]) == ("done", 1)
    assert await house.notes(booked) == [], "its other group is no news"
    await house.edit(booked, appointmentStatus="new")
    await house.settled()
    await house.edit(booked, appointmentStatus="confirmed")
    await house.settled()
    now = await house.appointment(booked)
    assert (now["calendarId"], now.get("assignedUserId")) == (ROOM, None)
    assert await house.notes(booked) == ["news", "news"], "of what somebody did, not of what we made of it"


async def test_a_rule_that_books_at_the_news_of_a_booking_is_deaf_to_its_own(house: House) -> None:
    book = "do: book, to: {shift: 7d}, calendar: consultations, notify: false"
    await house.rules(rule("for ever", "appointment.created", book, more="on_own_changes: true,") + HEARS)
    await house.book(in_days(3, "12:00"), assignedUserId=DANA)
    await house.settled()
    [made] = await follow_ups(house)
    assert await house.notes(made["id"]) == ["ours"], "others may hear of it"


async def test_rules_that_book_do_not_answer_each_other(house: House) -> None:
    """Nor what another makes of their bookings."""
    book = "do: book, to: {shift: 7d}, calendar: consultations, notify: false"
    hears = "on_own_changes: true,"
    move = rule("move", "appointment.created", "do: reschedule, to: {shift: 1h}, notify: false", more=hears)
    await house.rules(
        rule("one", "appointment.created", book, more=hears)
        + rule("two", "appointment.created, appointment.rescheduled", book.replace("7d", "14d"), more=hears)
        + move.replace(hears, f"{hears} if: {{calendar: consultations}},")
    )
    await house.book(in_days(3, "12:00"), assignedUserId=DANA)
    await house.settled()
    assert len(await follow_ups(house)) == 2
    assert await house.writes("EditAppointment") == 2, "both were moved"


async def test_what_others_do_to_what_a_rule_booked_makes_it_book_again(house: House) -> None:
    showed = "appointment.showed, 15m after end, 1h after booked"
    await house.rules(rule("next", showed, "do: book, to: {shift: 7d}, calendar: consultations, notify: false"))
    booked = await house.book(in_days(3, "12:00"), assignedUserId=DANA)
    await house.settled()
    await house.edit(booked, appointmentStatus="showed")
    await house.settled()
    [made] = await follow_ups(house)
    laid = "SELECT DISTINCT appointment_id FROM timers"
    assert await rows(house.pool, laid) == [(booked,)]
    await timekeeper.lay(house.work)
    assert await rows(house.pool, laid) == [(booked,)], "what a rule booked waits for no moment of one that books"
    await house.edit(made["id"], appointmentStatus="showed")
    await house.settled()
    assert len(await follow_ups(house)) == 2
    await timekeeper.lay(house.work)
    assert await rows(house.pool, laid) == [(booked,)], "whatever others did to it"
