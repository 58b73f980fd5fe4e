"""What else a rule may make of a booking: `cancel`, `set_status`, `retitle`, a follow-up by `book`."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from service.highlevel.appointments import CreateAppointment, EditAppointment
from service.highlevel.operation import Operation
from tests.planning import DECLARED, Planning, planning
from tests.rule_files import action, faults
from tests.sandboxes import ADA, CONSULTATIONS, CUTS, DANA, KIM, at
from workers.actions import Assign, Book, Cancel, Reschedule, Retitle, SetStatus
from workers.outcomes import CLOCK_SKEW, Found, NotFoundYet, Outcome, look

FILE = DECLARED + "sources: {sick: {from: {path: a, kind: moment}, person: b, long: {path: c, kind: duration}}}\n"
AS_IT_WAS: Any = {
    "appointment_status": "confirmed",
    "assigned_user_id": DANA,
    "title": "A cut",
    "to_notify": False,
}


@pytest.fixture
async def desk() -> AsyncIterator[Planning]:
    async with planning() as planned:
        yield planned


def said(words: str) -> str:
    return f"{{{words}}}"


async def sight(desk: Planning, operation: Operation[Any], meant: object = None, *others: str) -> Outcome:
    """What is seen of a write that was decided just now; `others` were made by other steps."""

    async def taken(ids: object) -> frozenset[str]:
        return frozenset(others)

    known = meant if isinstance(meant, dict) else {}
    return await look(desk.api, operation, planned_at=desk.sandbox.clock(), meant=known, taken=taken)


async def test_a_cancellation_says_whether_the_client_is_told(desk: Planning) -> None:
    booked = await desk.booked(at("10:00"), assignedUserId=DANA)
    write = await desk.write(said("do: cancel, notify: true"), booked)
    sent = write.operation
    assert isinstance(sent, EditAppointment)
    assert (sent.appointment_status, sent.to_notify, write.sentence) == (
        "cancelled",
        True,
        "cancel it; the client is told",
    )
    assert await sight(desk, sent, write.meant) == NotFoundYet()
    await desk.api(sent)
    assert isinstance(await sight(desk, sent, write.meant), Found)
    now = await desk.read(booked)
    assert (now.status, now.assignee, now.starts) == ("cancelled", DANA, datetime.fromisoformat(at("10:00")))
    assert (await desk.left(said("do: cancel, notify: false"), booked)).reason == "it is cancelled already"


@pytest.mark.parametrize(
    ("to", "sent", "stored"),
    [("no_show", "noshow", "noshow"), ("showed", "showed", "showed"), ("completed", "completed", "showed")],
)
async def test_a_status_is_seen_as_highlevel_keeps_it(desk: Planning, to: str, sent: str, stored: str) -> None:
    booked = await desk.booked(at("10:00"), assignedUserId=DANA)
    write = await desk.write(said(f"do: set_status, to: {to}"), booked)
    operation = write.operation
    assert isinstance(operation, EditAppointment)
    assert (operation.appointment_status, operation.to_notify) == (sent, False)
    await desk.api(operation)
    assert (await desk.read(booked)).status == stored
    assert isinstance(await sight(desk, operation, write.meant), Found)
    assert (await desk.left(said(f"do: set_status, to: {to}"), booked)).reason == f"it is {stored} already"


async def test_a_prefix_is_put_once(desk: Planning) -> None:
    booked = await desk.booked(at("10:00"), assignedUserId=DANA, title="A cut")
    await desk.done(said('do: retitle, prefix: "[{{ assignee.name }}]"'), booked)
    assert (await desk.read(booked)).title == "[dana] A cut"
    left = await desk.left(said('do: retitle, prefix: "[{{ assignee.name }}]"'), booked)
    assert (left.reason, left.otherwise) == ("its title begins so already", False)


async def test_a_title_that_somebody_changed_meanwhile_is_not_taken_for_ours_or_for_the_old_one(desk: Planning) -> None:
    booked = await desk.booked(at("10:00"), assignedUserId=DANA, title="A cut")
    write = await desk.write(said('do: retitle, text: "{{ calendar.name }} at {{ starts | time }}"'), booked)
    operation = write.operation
    assert isinstance(operation, EditAppointment)
    assert operation.title == "cuts at 10:00"
    assert await sight(desk, operation, write.meant) == NotFoundYet()
    await desk.api(EditAppointment(event_id=booked, appointment_status="confirmed", title="Theirs"))
    seen = await sight(desk, operation, write.meant)
    assert getattr(seen, "reason", None) == "somebody else changed its title since"
    await desk.api(operation)
    assert isinstance(await sight(desk, operation, write.meant), Found)
    assert (await desk.left(said("do: retitle, text: cuts at 10:00"), booked)).reason == "it is called so already"


@pytest.mark.parametrize("words", ["cancel, notify: true", "set_status, to: showed", "retitle, text: x"])
async def test_what_somebody_changed_meanwhile_is_left_to_be_judged(desk: Planning, words: str) -> None:
    booked = await desk.booked(at("10:00"), assignedUserId=DANA)
    seen = await desk.read(booked)
    await desk.api(EditAppointment(event_id=booked, appointment_status="confirmed", assigned_user_id=KIM))
    left = await desk.decided(said(f"do: {words}"), booked, seen)
    reason = "somebody else changed its assignee meanwhile; that change is judged on its own"
    assert getattr(left, "reason", None) == reason


async def test_a_follow_up_is_booked_for_the_same_contact_and_person(desk: Planning) -> None:
    longer = {"endTime": at("11:30"), "ignoreFreeSlotValidation": True}
    booked = await desk.booked(at("10:00"), assignedUserId=KIM, **longer)
    write = await desk.write(
        said('do: book, to: {shift: 2w}, title: "Again with {{ assignee.name }}", notify: true'), booked
    )
    operation = write.operation
    assert isinstance(operation, CreateAppointment)
    assert (operation.start_time, operation.end_time) == ("2026-04-06T10:00:00+01:00", "2026-04-06T11:00:00+01:00")
    assert (operation.contact_id, operation.assigned_user_id, operation.to_notify) == (ADA, KIM, True)
    assert write.sentence == "book Monday 6 April 2026, 10:00 with kim; the client is told"
    made = await desk.read((await desk.api(operation)).id)
    assert (made.title, made.assignee, made.calendar_id) == ("Again with kim", KIM, CUTS)


async def test_a_follow_up_elsewhere_gets_the_person_only_where_they_are_on_the_team_and_have_time(
    desk: Planning,
) -> None:
    booked = await desk.booked(at("10:00"), assignedUserId=KIM)
    next_free = "do: book, to: next_free, notify: false"
    elsewhere = await desk.done(said(f"{next_free}, calendar: consultations"), booked)
    assert (elsewhere.calendar_id, elsewhere.assigned_user_id, elsewhere.start_time) == (
        CONSULTATIONS,
        DANA,
        at("11:00"),
    )
    assert (await desk.done(said(f"{next_free}, calendar: room"), booked)).assigned_user_id is None
    for clock in ("12:00", "13:00"):
        await desk.booked(f"2026-03-24T{clock}:00+00:00", assignedUserId=KIM)
    narrow = f"{next_free}, after: 1d, ahead: 4h, within: {{hours: '12:00-14:00'}}"
    assert (await desk.done(said(narrow), booked)).assigned_user_id == DANA
    left = await desk.left(said(f"{narrow}, same: person"), booked)
    assert left.otherwise


async def test_a_follow_up_comes_after_the_visit(desk: Planning) -> None:
    booked = await desk.booked(at("10:00"), assignedUserId=KIM)
    write = await desk.write(said("do: book, to: next_free, notify: false, lasts: 30m"), booked)
    operation = write.operation
    assert isinstance(operation, CreateAppointment)
    assert (operation.start_time, operation.end_time) == (at("11:00"), at("11:30"))
    assert operation.ignore_free_slot_validation is True
    reserved = write.meant["reserves"]
    assert (reserved["appointment"], reserved["user"]) == ("", KIM), "of none that there is yet"
    await desk.api(operation)


async def test_a_follow_up_is_looked_for_by_what_it_is_and_never_taken_from_another_step(desk: Planning) -> None:
    booked = await desk.booked(at("10:00"), assignedUserId=KIM)
    operation = (await desk.write(said("do: book, to: {shift: 1d}, notify: false"), booked)).operation
    assert isinstance(operation, CreateAppointment)
    assert await sight(desk, operation) == NotFoundYet()
    made = (await desk.api(operation)).id
    assert await sight(desk, operation) == Found(made)
    assert await sight(desk, operation, None, made) == NotFoundYet(), "another step made it"
    another = operation.model_copy(update={"contact_id": "cGrc7YwP2kVb9HsD4tQx"})
    assert await sight(desk, another) == NotFoundYet(), "somebody else's at the same time"
    desk.sandbox.clock.now += timedelta(hours=2)
    assert await sight(desk, operation) == NotFoundYet(), "it was there long before"
    desk.sandbox.clock.now += -timedelta(hours=2) + CLOCK_SKEW
    assert await sight(desk, operation) == Found(made), "clocks differ a little"
    await desk.sandbox.call("DELETE", f"/calendars/events/{made}", {})
    assert await sight(desk, operation) == Found(made), "whoever deleted it does not want another"


@pytest.mark.parametrize(
    "words", ["assign, to: kim, replace: anybody", 'retitle, prefix: "VIP:"', "set_status, to: new"]
)
async def test_whoever_says_notify_sets_off_the_accounts_own_automations(words: str) -> None:
    async with planning(told=True) as desk:
        booked = await desk.booked(at("10:00"), assignedUserId=DANA)
        assert await desk.sandbox.counts() == (1, 1)
        quietly = await desk.write(said(f"do: {words}"), booked)
        loudly = await desk.write(said(f"do: {words}, notify: true"), booked)
        assert [each.sentence.endswith("; the client is told") for each in (quietly, loudly)] == [False, True]
        for write in (quietly, loudly):
            assert isinstance(write.operation, EditAppointment)
            await desk.api(write.operation)
            if write is quietly:
                assert await desk.sandbox.counts() == (2, 1)
                await desk.api(EditAppointment(event_id=booked, **AS_IT_WAS))
        assert await desk.sandbox.counts() == (4, 2)


def test_what_moves_or_cancels_bookings_is_limited() -> None:
    assert [each.limited for each in (Reschedule, Cancel, Book)] == [True, True, True]
    assert not any(each.model_fields["notify"].default for each in (SetStatus, Assign, Retitle))


FAULTY = [
    (
        "{do: reschedule, to: nextfree, notify: true}",
        "26: next_free, {shift: 1d} or a moment (2027-03-26 17:00) expected, found 'nextfree'; "
        "did you mean 'next_free'?",
    ),
    (
        "{do: reschedule, to: 17:00, notify: true}",
        "26: a moment with its date such as 2027-03-26 17:00 expected, found '17:00'",
    ),
    ("{do: reschedule, to: {shft: 1d}, notify: true}", "27: 'shft' is not known here; did you mean 'shift'?"),
    ("{do: reschedule, to: {shift: 0d}, notify: true}", "34: a duration longer than nothing expected"),
    (
        "{do: reschedule, to: '{{ event.person }}', notify: true}",
        "26: event.person is text, and a moment is expected here",
    ),
    (
        "{do: reschedule, to: next_free, lasts: '{{ event.from }}', notify: true}",
        "44: event.from is a moment, and a duration is expected here",
    ),
    (
        "{do: reschedule, to: next_free, notify: true, within: {hours: mornins}}",
        "67: no hours named 'mornins'; did you mean 'mornings'?",
    ),
    (
        "{do: reschedule, to: next_free, notify: true, within: {except: bnk}}",
        "68: 'bnk' is no weekday, no date and not under `holidays`; "
        "known: mon, tue, wed, thu, fri, sat, sun, bank; did you mean 'bank'?",
    ),
    ("{do: reschedule, to: next_free, notify: true, ahead: 200d}", "51: 180d is the furthest that is looked"),
    (
        "{do: reschedule, to: {shift: 1d}, notify: true, ahead: 60d}",
        "53: ahead is how far next_free looks, and to is a time of its own",
    ),
    (
        "{do: reschedule, to: next_free, notify: true, same: person, prefer: person}",
        "65: person is under same already, where it must stay as it is",
    ),
    (
        "{do: reschedule, to: next_free, notify: true, same: [persn]}",
        "58: 'persn' is not known here; known: person, time_of_day; did you mean 'person'?",
    ),
    ("{do: reschedule, to: next_free, notify: true, lasts: 5w}", "51: a booking lasts 31d at most"),
    ("{do: cancel}", "5: cancel must say notify (true or false): a silent cancellation is a wasted trip"),
    ("{do: assign, to: kim, notify: 1}", "35: true or false expected, found the number 1"),
    (
        "{do: retitle, text: x, notify: if_start_changes}",
        "36: true or false expected: if_start_changes is for a booking that is moved",
    ),
    (
        "{do: cancel, notify: if_start_changes}",
        "26: true or false expected: if_start_changes is for a booking that is moved",
    ),
    ("{do: cancel, notify: 1}", "26: true or false expected, found the number 1"),
    (
        "{do: set_status, to: canceled}",
        "26: a booking is cancelled by do: cancel, which says whether the client is told",
    ),
    (
        "{do: set_status, to: active}",
        "26: 'active' is not a status that can be set; known: new, confirmed, showed, noshow, invalid, completed",
    ),
    ("{do: retitle}", "5: retitle must say either prefix or text"),
    ("{do: retitle, prefix: a, text: b}", "5: retitle must say either prefix or text"),
    ("{do: book, to: next_free}", "5: book must say notify (true or false): whether the client hears of it"),
    ("{do: book, notify: false}", "5: book must say to: next_free, {shift: 14d} or a moment"),
]


@pytest.mark.parametrize(("words", "message"), FAULTY)
def test_what_cannot_be_meant_is_told_where_it_stands(words: str, message: str) -> None:
    text = f"{FILE}rules:\n- name: one\n  when: external.sick\n  then:\n  - {words}\n"
    assert faults(text) == [f"rules.yaml:10:{message}"]


def test_a_time_may_be_what_an_event_says() -> None:
    move = action("{do: reschedule, to: '{{ booked }}', lasts: '{{ lead }}', notify: true}", FILE)
    assert move.facts == {"booked", "lead"}
    said_here = action("{do: reschedule, to: 2027-03-26 17:00, notify: true}", FILE).to
    assert said_here.isoformat() == "2027-03-26T17:00:00", "read on the location's clock when it is planned"
    assert action("{do: reschedule, to: 2027-03-26T17:00Z, notify: true}", FILE).to.tzinfo is UTC
