"""Actions on a whole series: what they change, and what stays of its own."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

import pytest

from service.highlevel.appointments import EditAppointment, GetAppointment
from service.highlevel.errors import NotFound
from service.highlevel.operation import Api, Operation
from service.trigger import series_of
from tests.planning import Planning, planning
from tests.rule_files import of_action
from tests.sandboxes import ALEX, CUTS, DANA, FOREVER, KIM, at
from workers.actions.action import LeftAlone, Plan
from workers.outcomes import Found, NotFoundYet, Outcome, Overtaken, look

SERIES: dict[str, Any] = {"ignoreFreeSlotValidation": True, "rrule": "RRULE:FREQ=DAILY;COUNT=3"}


@pytest.fixture
async def desk() -> AsyncIterator[Planning]:
    async with planning() as planned:
        yield planned


async def series(desk: Planning, **fields: Any) -> tuple[str, list[str]]:
    """Dana's, of three days from this one: the id that stands for it, and those of the single ones."""
    master = await desk.booked(at("10:00"), assignedUserId=DANA, title="Care", **SERIES, **fields)
    listed = await desk.sandbox.call("GET", "/calendars/events", **FOREVER, calendarId=CUTS)
    return master, [each["id"] for each in listed["events"] if series_of(each["id"]) == master]


def silent(api: Api, master: str) -> Api:
    """As if nobody could read what stands for the series."""

    async def call(operation: Operation[Any]) -> Any:
        if operation == GetAppointment(event_id=master):
            raise NotFound("GetAppointment", "no such appointment", status=404)
        return await api(operation)

    return call


async def sight(api: Api, plan: Plan, planned_at: datetime) -> Outcome:
    [write] = plan.writes
    assert isinstance(write.operation, EditAppointment)

    async def taken(ids: object) -> frozenset[str]:
        return frozenset()

    return await look(api, write.operation, planned_at=planned_at, meant=write.meant, taken=taken)


ALL = "scope: series"

WORDS = [
    (
        f"{{do: assign, to: kim, replace: anybody, {ALL}}}",
        "assignedUserId",
        KIM,
        "assign kim to the whole series, by the time of this one alone: ",
    ),
    (
        f"{{do: assign, to: alex, replace: anybody, notify: true, {ALL}}}",
        "assignedUserId",
        ALEX,
        "assign alex to the whole series, by the time of this one alone: as the rule says; the client is told",
    ),
    (
        f"{{do: cancel, notify: false, {ALL}}}",
        "appointmentStatus",
        "cancelled",
        "cancel the whole series; nobody is told",
    ),
    (
        f"{{do: set_status, to: new, {ALL}}}",
        "appointmentStatus",
        "new",
        "set the whole series' status from confirmed to new; nobody is told",
    ),
    (f'{{do: retitle, prefix: "VIP:", {ALL}}}', "title", "VIP: Care", "call the whole series “VIP: Care”"),
    (
        f"{{do: retitle, text: All, notify: true, {ALL}}}",
        "title",
        "All",
        "call the whole series “All”; the client is told",
    ),
]


@pytest.mark.parametrize("shown", [True, False])
async def test_a_step_changes_the_whole_series_of_the_booking_that_it_is_about(desk: Planning, shown: bool) -> None:
    for words, name, value, sentence in WORDS:
        master, [first, second, third] = await series(desk)
        if not shown:
            desk.api = silent(desk.api, master)
        plan = await desk.decided(words, second)
        assert isinstance(plan, Plan), plan
        [write] = plan.writes
        assert isinstance(write.operation, EditAppointment)
        assert write.operation.event_id == master
        assert write.sentence.startswith(sentence), write.sentence
        assert await sight(desk.api, plan, desk.sandbox.clock()) == NotFoundYet()
        await desk.api(write.operation)
        found = await sight(desk.api, plan, desk.sandbox.clock())
        assert isinstance(found, Found)
        assert found.single is not None
        assert found.single.id == second
        assert [(await desk.sandbox.read(each))[name] for each in (first, second, third)] == [value] * 3, words
        left = await desk.left(words, second)
        assert "already" in left.reason, left.reason
        await desk.sandbox.call("DELETE", f"/calendars/events/{master}", {})


async def test_what_is_no_series_is_changed_as_if_nothing_was_said_of_one(desk: Planning) -> None:
    booked = await desk.booked(at("10:00"), assignedUserId=DANA)
    write = await desk.write("{do: cancel, notify: false, scope: series}", booked)
    assert write == await desk.write("{do: cancel, notify: false}", booked)
    master, [first, *_] = await series(desk)
    alone = await desk.write("{do: cancel, notify: false}", first)
    assert (alone.operation, alone.sentence) == (
        EditAppointment(event_id=first, appointment_status="cancelled", to_notify=False),
        "cancel it; nobody is told",
    )
    whole = await desk.write("{do: cancel, notify: false, scope: series}", master)
    assert whole.sentence == "cancel the whole series; nobody is told"


async def test_the_status_of_one_is_not_sent_along_to_all(desk: Planning) -> None:
    """Of whoever did not come the others may be given to somebody else, and are no less confirmed for that."""
    master, [first, *others] = await series(desk)
    await desk.sandbox.call("PUT", f"/calendars/events/appointments/{first}", {"appointmentStatus": "noshow"})
    sent = await desk.done("{do: assign, to: kim, replace: anybody, scope: series}", first)
    assert (sent.event_id, sent.appointment_status) == (master, "confirmed")
    now = [await desk.read(each) for each in (first, *others)]
    assert [(each.assignee, each.status) for each in now] == [(KIM, "noshow"), (KIM, "confirmed"), (KIM, "confirmed")]


async def test_a_series_is_cancelled_of_which_the_one_has_ended_otherwise(desk: Planning) -> None:
    _, [first, second, _] = await series(desk)
    await desk.sandbox.call("PUT", f"/calendars/events/appointments/{first}", {"appointmentStatus": "noshow"})
    plan = await desk.decided("{do: cancel, notify: false, scope: series}", first)
    assert isinstance(plan, Plan)
    [write] = plan.writes
    assert isinstance(write.operation, EditAppointment)
    await desk.api(write.operation)
    assert isinstance(await sight(desk.api, plan, desk.sandbox.clock()), Found)
    assert [(await desk.read(each)).status for each in (first, second)] == ["noshow", "cancelled"]


async def test_whoever_changed_the_one_or_its_series_meanwhile_is_left_alone(desk: Planning) -> None:
    master, [first, second, _] = await series(desk)
    seen = await desk.read(first)
    assign = "{do: assign, to: kim, replace: anybody, scope: series}"
    plan = await desk.decided(assign, first)
    assert isinstance(plan, Plan)
    await desk.sandbox.call(
        "PUT",
        f"/calendars/events/appointments/{first}",
        {"appointmentStatus": "confirmed", "assignedUserId": ALEX},
    )
    found = await sight(desk.api, plan, desk.sandbox.clock())
    assert isinstance(found, Overtaken)
    assert found.reason == "somebody else changed its assignee since"
    left = await desk.decided(assign, first, seen)
    assert isinstance(left, LeftAlone)
    assert left.reason.startswith("somebody else changed its assignee meanwhile")
    seen = await desk.read(second)
    await desk.sandbox.call("DELETE", f"/calendars/events/{master}", {})
    assert (await desk.left(assign, second)).reason != "", "it is gone with its series"


@pytest.mark.parametrize(
    "words", ["do: reschedule, to: {shift: 1d}, notify: false", "do: add_note, text: x", "do: block_slot, after: 5m"]
)
def test_what_knows_no_series_is_refused_when_it_is_read(words: str) -> None:
    [found] = of_action(f"{{{words}, scope: series}}")
    assert found.endswith(f"{words[4:].partition(',')[0]} acts on one booking, and knows no series")
