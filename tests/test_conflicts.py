"""Looking before a write, reading back after it: nobody's change is written over, what became of ours is known."""

from datetime import timedelta
from typing import Any

import pytest

from tests.house import House, in_days
from tests.sandboxes import ALEX, CONSULTATIONS, DANA, KIM
from tests.test_apply import rule
from tests.workshop import fault, meddle

GIVE = rule("give", "appointment.created", "do: assign, to: kim, replace: anybody")
NOTE = rule("note", "appointment.created", "do: add_note, text: hello")
BOTH_SIDES = rule("block", "appointment.created", "do: block_slot, before: 15m, after: 15m")
STARTS = in_days(3, "12:00")
LATER: dict[str, Any] = {
    "startTime": in_days(3, "15:00"),
    "endTime": in_days(3, "16:00"),
    "ignoreFreeSlotValidation": True,
}


class Somebody:
    """Who changes one booking, once its id is known."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.booked = ""

    async def find(self) -> str:
        if not self.booked:
            rows = await self.house.pool.fetch("SELECT appointment_id FROM deliveries ORDER BY arrival LIMIT 1")
            self.booked = rows[0]["appointment_id"]
        return self.booked

    def edits(self, **fields: Any) -> Any:
        async def edit() -> None:
            await self.house.edit(await self.find(), **fields)

        return edit

    async def deletes(self) -> None:
        await self.house.call("DELETE", f"/calendars/events/{await self.find()}")


async def only_step(house: House, booked: str) -> tuple[str, str | None]:
    [step] = await house.steps(booked)
    return step["state"], step["reason"]


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"assignedUserId": ALEX}, "assignee"),
        ({"assignedUserId": DANA, **LATER}, "end and start"),
        ({"appointmentStatus": "cancelled"}, "status"),
    ],
)
async def test_an_edit_leaves_alone_what_somebody_changed_since_it_was_decided(
    house: House, monkeypatch: pytest.MonkeyPatch, fields: dict[str, Any], words: str
) -> None:
    # The first reading is the decision's, the second is made right before the write.
    made = meddle(monkeypatch, {("GetAppointment", 2): Somebody(house).edits(**fields)})
    await house.rules(GIVE)
    booked = await house.book(STARTS, assignedUserId=DANA)
    await house.settled()
    state, reason = await only_step(house, booked)
    assert (state, made["EditAppointment"]) == ("unchanged", 0)
    assert reason == f"a conflict: somebody else changed its {words} since: left alone"


async def test_an_edit_leaves_alone_what_somebody_deleted(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    made = meddle(monkeypatch, {("GetAppointment", 2): Somebody(house).deletes})
    await house.rules(GIVE)
    booked = await house.book(STARTS, assignedUserId=DANA)
    await house.settled()
    assert await only_step(house, booked) == ("unchanged", "a conflict: the appointment was deleted: left alone")
    assert made["EditAppointment"] == 0


async def test_an_edit_is_read_back_once_and_no_more(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    made = meddle(monkeypatch, {})
    await house.rules(GIVE)
    booked = await house.book(STARTS, assignedUserId=DANA)
    await house.settled()
    assert await only_step(house, booked) == ("done", None)
    assert made["GetAppointment"] == 3, "to decide, before the write, after it"


async def test_what_does_not_show_at_once_is_looked_for_once_more(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    somebody = Somebody(house)
    plans = {
        ("GetAppointment", 3): somebody.edits(assignedUserId=DANA),
        ("GetAppointment", 4): somebody.edits(assignedUserId=KIM),
    }
    meddle(monkeypatch, plans)
    await house.rules(GIVE)
    booked = await house.book(STARTS, assignedUserId=DANA)
    await house.settled()
    assert await only_step(house, booked) == ("done", None)
    first, *_ = await house.deliveries(booked)
    asked = [call["operation"] for call in first["calls"] if call["operation"] in ("GetAppointment", "EditAppointment")]
    assert asked == ["GetAppointment", "GetAppointment", "EditAppointment", "GetAppointment", "GetAppointment"]


async def test_what_looks_as_before_after_its_answer_is_unknown_with_both_possibilities(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    undo = Somebody(house).edits(assignedUserId=DANA)
    made = meddle(monkeypatch, {("GetAppointment", 3): undo})
    await house.rules(GIVE)
    booked = await house.book(STARTS, assignedUserId=DANA)
    await house.settled()
    both = "either somebody undid it at once, or HighLevel did not do what it said"
    assert await only_step(house, booked) == ("unknown", f"answered, and it looks as before: {both}")
    assert made["EditAppointment"] == 1, "never sent again"
    assert (await house.appointment(booked))["assignedUserId"] == DANA


async def test_what_somebody_changes_right_after_is_done_and_says_so(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    meddle(monkeypatch, {("GetAppointment", 3): Somebody(house).edits(assignedUserId=ALEX)})
    await house.rules(GIVE)
    booked = await house.book(STARTS, assignedUserId=DANA)
    await house.settled()
    state, reason = await only_step(house, booked)
    assert (state, reason) == ("done", "somebody else changed its assignee since, right after it was done")
    assert (await house.appointment(booked))["assignedUserId"] == ALEX, "theirs stands"


async def test_what_was_answered_and_cannot_be_read_back_is_done_and_says_so(house: House) -> None:
    await house.rules(GIVE)
    await fault(house, "GetAppointment:delay=0.001*2")
    await fault(house, "GetAppointment:403")
    booked = await house.book(STARTS, assignedUserId=DANA)
    await house.settled()
    state, reason = await only_step(house, booked)
    assert state == "done"
    assert reason is not None
    assert reason.startswith("answered, and not read back: GetAppointment answered 403")
    assert (await house.appointment(booked))["assignedUserId"] == KIM


async def test_nothing_is_created_on_a_booking_that_somebody_changed_since(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = meddle(monkeypatch, {("GetAppointment", 1): Somebody(house).edits(appointmentStatus="cancelled")})
    await house.rules(NOTE)
    booked = await house.book(STARTS, assignedUserId=DANA)
    await house.settled()
    conflict = "a conflict: somebody else changed its status since: left alone"
    assert await only_step(house, booked) == ("unchanged", conflict)
    assert made["CreateNote"] == 0


async def test_a_reading_of_this_moment_serves_the_creation_too_until_something_is_written(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = meddle(monkeypatch, {})
    await house.rules(BOTH_SIDES)
    booked = await house.book(STARTS, assignedUserId=DANA)
    await house.settled()
    assert [step["state"] for step in await house.steps(booked)] == ["done", "done"]
    assert made["CreateBlockSlot"] == 2
    assert made["GetAppointment"] == 2, "one to decide and for the first, one after the first was written"


async def test_a_reading_of_a_while_ago_does_not(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workers.obstacles.FRESH", -1.0)
    made = meddle(monkeypatch, {("GetAppointment", 2): Somebody(house).edits(**LATER)})
    await house.rules(rule("block", "appointment.created", "do: block_slot, after: 15m"))
    booked = await house.book(STARTS, assignedUserId=DANA)
    await house.settled()
    state, reason = await only_step(house, booked)
    assert (state, made["CreateBlockSlot"]) == ("unchanged", 0)
    assert reason == "a conflict: somebody else changed its end and start since: left alone"


async def test_a_creation_that_waited_is_looked_at_again(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    await fault(house, "CreateNote:429,retry_after=0")
    made = meddle(monkeypatch, {("GetAppointment", 2): Somebody(house).edits(assignedUserId=ALEX)})
    await house.rules(NOTE)
    booked = await house.book(STARTS, assignedUserId=DANA)
    await house.settled()
    assert await only_step(house, booked) == (
        "unchanged",
        "a conflict: somebody else changed its assignee since: left alone",
    )
    assert made["CreateNote"] == 1


async def test_steps_before_in_the_same_rule_are_no_conflict(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    made = meddle(monkeypatch, {})
    three = ("do: assign, to: kim, replace: anybody", "do: block_slot, after: 15m", "do: add_note, text: hello")
    await house.rules(rule("three", "appointment.created", *three))
    booked = await house.book(STARTS, assignedUserId=DANA)
    await house.settled()
    assert [step["state"] for step in await house.steps(booked)] == ["done", "done", "done"]
    assert len(await house.blocks(KIM)) == 1
    assert made["CreateNote"] == 1


async def test_a_bound_block_goes_with_a_booking_that_others_change_meanwhile(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A follow asks no leave of the booking: it is brought along once more by the change's own delivery."""
    await house.rules(rule("block", "appointment.created", "do: block_slot, after: 15m, follow: true"))
    booked = await house.book(STARTS, assignedUserId=DANA)
    await house.settled()
    await house.edit(booked, **LATER)
    await house.edit(booked, assignedUserId=KIM)
    await house.settled()
    assert await house.blocks(DANA) == []
    [(starts, ends)] = await house.blocks(KIM)
    assert (starts.isoformat(), ends - starts) == (LATER["endTime"], timedelta(minutes=15))


async def test_an_edit_leaves_alone_what_somebody_moved_to_another_calendar(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    somebody = Somebody(house)

    async def moves() -> None:
        booked = await somebody.find()
        moved = {**await house.appointment(booked), "calendarId": CONSULTATIONS}
        await house.call("PUT", f"/_sandbox/appointments/{booked}", moved)

    made = meddle(monkeypatch, {("GetAppointment", 2): moves})
    await house.rules(GIVE)
    booked = await house.book(STARTS, assignedUserId=DANA)
    await house.settled()
    conflict = "a conflict: somebody else changed its calendar since: left alone"
    assert await only_step(house, booked) == ("unchanged", conflict)
    assert made["EditAppointment"] == 0
