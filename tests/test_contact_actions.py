"""Actions on contacts: what a rule may say of tags, owners, tasks and workflows, and what comes of it."""

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest

from service.highlevel.contacts import AddContactToWorkflow
from service.highlevel.contacts import CreateTask as SetTask
from service.highlevel.operation import Operation, ReplyT
from service.store.appointments import LastSeen
from service.store.blocks import Known
from service.trigger import Booking
from tests.house import House, in_days
from tests.rule_files import NAMES, action, faults
from tests.sandboxes import ADA, CUTS, DANA, KIM, LOCATION
from tests.test_apply import rule
from workers.actions.action import ActionContext, CannotAct, LeftAlone, Plan
from workers.facts import Answer, Facts
from workers.names import Named, Names

REMINDERS = "78559bb3-b920-461e-b010-7b2a2816d2a9"
DECLARED = NAMES + f"workflows: {{reminders: {REMINDERS}}}\n"
LONDON = ZoneInfo("Europe/London")
NOW = datetime(2027, 3, 26, 12, 30, 5, 250_000, tzinfo=UTC)
"""Two days before the clocks go forward in London."""

BOOKED = Booking(
    id="book001x0000000000",
    location_id=LOCATION,
    calendar_id=CUTS,
    contact_id=ADA,
    status="confirmed",
    assignee=KIM,
    title="A cut",
    starts=datetime(2027, 3, 30, 17, tzinfo=UTC),
    ends=datetime(2027, 3, 30, 18, tzinfo=UTC),
)


async def nobody_asks(operation: Operation[ReplyT], /) -> ReplyT:
    raise AssertionError(f"{type(operation).__name__} was asked for")


async def none_needed(*_: object) -> Any:
    raise AssertionError("neither turns nor reservations are asked for")


async def nothing_blocked(*_: object) -> Known:
    return Known()


def at(booking: Booking | None = BOOKED, *, now: datetime = NOW, contact: str | None = None) -> ActionContext:
    """What an action plans with that asks HighLevel nothing."""
    facts: dict[str, Answer] = {
        "starts": BOOKED.starts.astimezone(LONDON),
        "calendar": Named(CUTS, "cuts"),
        "assignee.name": "kim",
    }
    return ActionContext(
        api=nobody_asks,
        rule="told",
        delivery_id=uuid4(),
        location_id=LOCATION,
        zone=LONDON,
        now=now,
        last_seen=LastSeen.first(booking) if booking else None,
        facts=Facts.given(facts, LONDON),
        names=Names(people={"dana": DANA, "kim": KIM}),
        turns=none_needed,
        reserved=none_needed,
        blocked=nothing_blocked,
        bound=none_needed,
        event_contact=contact,
    )


def written(plan: Plan | LeftAlone) -> tuple[Any, str]:
    """The operation of a plan of one write, and its sentence."""
    assert isinstance(plan, Plan), plan
    [write] = plan.writes
    return write.operation, write.sentence


@pytest.mark.parametrize(
    ("then", "fault"),
    [
        ("{do: tag_contact}", "11:5: tag_contact must say add or remove: which tags, as in add: [vip]"),
        ("{do: tag_contact, add: []}", "11:28: it must not be empty"),
        ("{do: tag_contact, add: [vip], remove: [new, VIP]}", "11:49: 'VIP' stands under add as well"),
        (
            "{do: tag_contact, tags: [vip]}",
            "11:23: 'tags' is not known in tag_contact; known: do, if, otherwise, on_error, scope, add, remove",
        ),
        ("{do: set_owner}", "11:5: set_owner must say to: a person, assignee or nobody"),
        ("{do: set_owner, to: asignee}", "11:25: no person named 'asignee'; did you mean 'assignee'?"),
        ("{do: set_owner, to: contact_owner}", "11:25: a person, assignee or nobody expected, found 'contact_owner'"),
        ("{do: set_owner, to: '{{ starts }}'}", "11:25: starts is a moment, and a person is expected here"),
        ("{do: create_task, title: Call, for: kmi}", "11:41: no person named 'kmi'; did you mean 'kim'?"),
        (
            "{do: create_task, title: Call}",
            "11:5: create_task must say for: a person, assignee, contact_owner or nobody",
        ),
        (
            "{do: create_task, title: Call, for: kim, due: tomorrow}",
            "11:51: a duration (1d), a clock time (09:00) or a moment (2027-03-26 17:00) expected, found 'tomorrow'",
        ),
        ("{do: create_task, title: Call, for: kim, due: '25:00'}", "11:51: '25:00' is not a clock time such as 17:00"),
        (
            "{do: start_workflow}",
            "11:5: start_workflow must say workflow: one that the file names under workflows, or an id",
        ),
        (
            "{do: stop_workflow, workflow: reminder}",
            "11:35: no workflow named 'reminder'; did you mean 'reminders'?",
        ),
    ],
)
def test_a_fault_says_what_was_found_and_what_is_expected(then: str, fault: str) -> None:
    text = f"{DECLARED}rules:\n- name: one\n  when: appointment.created\n  then: \n  - {then}\n"
    found = faults(text)
    assert f"rules.yaml:{fault}" in found


@pytest.mark.parametrize(
    ("due", "sent", "told"),
    [
        ("", "2027-03-27T12:30:05Z", "Saturday 27 March 2027, 12:30"),
        ("due: 2h", "2027-03-26T14:30:05Z", "Friday 26 March 2027, 14:30"),
        ("due: '13:00'", "2027-03-26T13:00:00Z", "Friday 26 March 2027, 13:00"),
        ("due: '09:00'", "2027-03-27T09:00:00Z", "Saturday 27 March 2027, 09:00"),
        ("due: 2027-04-01 09:00", "2027-04-01T08:00:00Z", "Thursday 1 April 2027, 09:00"),
        ("due: '{{ starts }}'", "2027-03-30T17:00:00Z", "Tuesday 30 March 2027, 18:00"),
    ],
)
async def test_a_task_is_due_after_a_while_at_the_next_such_time_or_at_a_moment(due: str, sent: str, told: str) -> None:
    task = action(f"{{do: create_task, title: Call back, for: dana, {due}}}")
    operation, sentence = written(await task.plan(at()))
    wanted = SetTask(contact_id=ADA, title="Call back", due_date=sent, completed=False, assigned_to=DANA)
    assert operation == wanted
    assert sentence == f"set the task “Call back” for dana, due {told}"


@pytest.mark.parametrize(
    ("clock", "now", "sent"),
    [
        ("09:00", datetime(2027, 3, 27, 9, 0, tzinfo=UTC), "2027-03-28T08:00:00Z"),
        ("12:30", datetime(2027, 3, 27, 12, 30, tzinfo=UTC), "2027-03-28T11:30:00Z"),
        ("23:30", datetime(2027, 6, 30, 22, 45, tzinfo=UTC), "2027-07-01T22:30:00Z"),
    ],
)
async def test_the_next_time_is_by_the_locations_clock_and_never_now(clock: str, now: datetime, sent: str) -> None:
    task = action(f"{{do: create_task, title: Call back, for: nobody, due: '{clock}'}}")
    operation, sentence = written(await task.plan(at(now=now)))
    assert (operation.due_date, operation.assigned_to) == (sent, None)
    assert " for nobody, due " in sentence


async def test_a_task_may_be_for_whoever_has_the_booking_and_say_more() -> None:
    words = "title: 'Bill {{ calendar }}', for: assignee, text: 'By {{ assignee.name }}.'"
    operation, sentence = written(await action(f"{{do: create_task, {words}}}").plan(at()))
    assert (operation.assigned_to, operation.body) == (KIM, "By kim.")
    assert sentence.startswith("set the task “Bill cuts” for kim, due ")


async def test_a_workflow_is_told_when_the_booking_starts_where_there_is_one() -> None:
    start = action("{do: start_workflow, workflow: reminders}", DECLARED)
    operation, sentence = written(await start.plan(at()))
    starts = "2027-03-30T18:00:00+01:00"
    assert operation == AddContactToWorkflow(contact_id=ADA, workflow_id=REMINDERS, event_start_time=starts)
    assert sentence == "put the contact into the workflow reminders"
    operation, _ = written(await start.plan(at(None, contact="somebody")))
    assert operation == AddContactToWorkflow(contact_id="somebody", workflow_id=REMINDERS)
    stop = action(f"{{do: stop_workflow, workflow: {REMINDERS}}}", DECLARED)
    operation, sentence = written(await stop.plan(at()))
    assert (operation.workflow_id, sentence) == (REMINDERS, "take the contact out of the workflow reminders")


EVERY = (
    "{do: tag_contact, add: vip}",
    "{do: set_owner, to: dana}",
    "{do: create_task, title: Call, for: nobody}",
    "{do: start_workflow, workflow: reminders}",
    "{do: stop_workflow, workflow: reminders}",
)


@pytest.mark.parametrize("then", EVERY)
async def test_without_a_contact_nothing_is_done_and_that_is_said(then: str) -> None:
    nobodys = BOOKED.model_copy(update={"contact_id": None})
    one = action(then, DECLARED)
    assert await one.plan(at(nobodys)) == LeftAlone("the booking has no contact", otherwise=True)
    assert await one.plan(at(None)) == LeftAlone("the event is about no contact", otherwise=True)


@pytest.mark.parametrize("then", ["{do: set_owner, to: assignee}", "{do: create_task, title: Call, for: assignee}"])
async def test_an_assignee_that_there_is_not_leaves_it_alone(then: str) -> None:
    unassigned = BOOKED.model_copy(update={"assignee": None})
    assert await action(then).plan(at(unassigned)) == LeftAlone("nobody has the booking", otherwise=True)
    without = "the event is about no booking, so it has no assignee"
    assert await action(then).plan(at(None, contact=ADA)) == LeftAlone(without, otherwise=True)


async def test_a_tag_that_comes_out_on_both_sides_is_an_error_and_not_a_matter_of_order() -> None:
    with pytest.raises(CannotAct, match="the tag cuts would be added and removed"):
        await action("{do: tag_contact, add: '{{ calendar }}', remove: Cuts}").plan(at())


async def told(house: House, booked: str) -> list[tuple[str, str]]:
    """State of each step, and its reason or, where it has none, its sentence."""
    return [(step["state"], step["reason"] or step["sentence"]) for step in await house.steps(booked)]


async def book(house: House, days: int = 3) -> str:
    booked = await house.book(in_days(days, "12:00"), assignedUserId=KIM)
    await house.settled()
    return booked


async def contact(house: House) -> Any:
    return (await house.call("GET", f"/contacts/{ADA}"))["contact"]


async def test_tags_are_added_and_removed_only_where_that_changes_something(house: House) -> None:
    await house.call("POST", f"/contacts/{ADA}/tags", {"tags": ["lead", "cuts"]}, status=201)
    tags = "add: [VIP, '{{ calendar.name }}', regular], remove: [Lead, unknown]"
    await house.rules(rule("tag", "appointment.created", f"do: tag_contact, {tags}"))
    assert await told(house, await book(house)) == [
        ("done", "add the tags VIP and regular"),
        ("done", "remove the tag lead"),
    ]
    assert (await contact(house))["tags"][-3:] == ["cuts", "vip", "regular"]
    already = "the contact has the tags VIP, cuts and regular already and does not have the tags Lead and unknown"
    assert await told(house, await book(house, 10)) == [("unchanged", already)]
    assert await house.writes("AddContactTags") == 2, "the test's, and the rule's"


async def test_a_contact_is_given_to_a_person_or_whoever_has_the_booking_once(house: House) -> None:
    await house.rules(
        rule(
            "own",
            "appointment.created",
            "do: set_owner, to: assignee",
            "do: create_task, title: Hi, for: contact_owner",
        )
        + rule("leave", "appointment.cancelled", "do: set_owner, to: nobody", "do: set_owner, to: nobody")
    )
    booked = await book(house)
    assert (await contact(house))["assignedTo"] == KIM
    given, task = await told(house, booked)
    assert given == ("done", "give the contact to kim")
    assert task[1].startswith("set the task “Hi” for kim, due ")
    [set_] = (await house.call("GET", f"/contacts/{ADA}/tasks"))["tasks"]
    assert (set_["title"], set_["assignedTo"], set_["completed"]) == ("Hi", KIM, False)
    assert (await house.steps(booked))[1]["written_id"] == set_["id"]
    assert (await told(house, await book(house, 10)))[0] == ("unchanged", "kim owns the contact already")
    await house.edit(booked, appointmentStatus="cancelled")
    await house.settled()
    assert (await told(house, booked))[2:] == [
        ("done", "take the contact from its owner"),
        ("unchanged", "nobody owns the contact as it is"),
    ]
    assert (await contact(house))["assignedTo"] is None
