"""What was done to a contact when its answer was lost: found, sent again, or unknown; never done twice."""

from datetime import timedelta

import pytest

from service.highlevel.operation import Operation
from tests.house import House, in_days
from tests.sandboxes import ADA, DANA, HEADERS, KIM
from tests.test_apply import rule
from tests.workshop import calls, fault, hasten, meddle
from workers.workplace import Workplace

WORKFLOW = "78559bb3-b920-461e-b010-7b2a2816d2a9"
DONE = {
    "AddContactTags": "do: tag_contact, add: Regular",
    "RemoveContactTags": "do: tag_contact, remove: LEAD",
    "ChangeContactOwner": "do: set_owner, to: dana",
    "CreateTask": "do: create_task, title: ' Call back ', for: kim, text: soon",
    "RemoveContactFromWorkflow": f"do: stop_workflow, workflow: {WORKFLOW}",
}
"""By the operation that does it."""


async def led(house: House) -> None:
    """Ada is a lead, and in the workflow."""
    await house.call("POST", f"/contacts/{ADA}/tags", {"tags": ["lead"]}, status=201)
    await house.call("POST", f"/contacts/{ADA}/workflow/{WORKFLOW}", {})
    await house.call("DELETE", "/_sandbox/calls", status=204)


async def seen(house: House) -> tuple[list[str], str | None, list[str], bool]:
    """Her tags and her owner, the titles of her tasks, and whether she is in the workflow."""
    contact = (await house.call("GET", f"/contacts/{ADA}"))["contact"]
    tasks = (await house.call("GET", f"/contacts/{ADA}/tasks"))["tasks"]
    tags = [tag for tag in contact["tags"] if tag in ("lead", "regular")]
    enrolled = house.world.enrolments.find(ADA, WORKFLOW) is not None
    return tags, contact.get("assignedTo"), [task["title"] for task in tasks], enrolled


async def carried_out(house: House) -> dict[str, int]:
    """How often each of them took, whatever was answered."""
    return {name: sum(call["carried_out"] for call in await calls(house, name)) for name in DONE}


@pytest.mark.parametrize(("what", "attempts"), [("drop_after", 1), ("drop", 2)])
async def test_what_no_answer_came_to_is_done_once_whether_it_was_lost_before_or_after(
    house: House, monkeypatch: pytest.MonkeyPatch, what: str, attempts: int
) -> None:
    hasten(monkeypatch, breakers=False)
    await led(house)
    await house.rules("".join(rule(name.lower(), "appointment.created", then) for name, then in DONE.items()))
    for name in DONE:
        await fault(house, f"{name}:{what}")
    booked = await house.book(in_days(3, "12:00"), assignedUserId=KIM)
    await house.settled()
    steps = {step["operation"]["operation"]: step for step in await house.steps(booked)}
    assert {name: step["state"] for name, step in steps.items()} == dict.fromkeys(DONE, "done")
    # Nobody can see who is in a workflow. Who is taken out of it twice is out of it once.
    again = {"RemoveContactFromWorkflow": 2}
    assert {name: step["attempts"] for name, step in steps.items()} == {**dict.fromkeys(DONE, attempts), **again}
    assert await seen(house) == (["regular"], DANA, ["Call back"], False)
    twice = {"RemoveContactFromWorkflow": 2} if what == "drop_after" else {}
    assert await carried_out(house) == {**dict.fromkeys(DONE, 1), **twice}


@pytest.mark.parametrize(("what", "done"), [("drop_after", 1), ("drop", 0)])
async def test_nobody_is_put_into_a_workflow_twice(
    house: House, monkeypatch: pytest.MonkeyPatch, what: str, done: int
) -> None:
    hasten(monkeypatch, breakers=False)
    start = f"do: start_workflow, workflow: {WORKFLOW}"
    await house.rules(rule("start", "appointment.created", start, "do: add_note, text: started"))
    await fault(house, f"AddContactToWorkflow:{what}")
    booked = await house.book(in_days(3, "12:00"), assignedUserId=KIM)
    await house.settled()
    start_, note = await house.steps(booked)
    why = "HighLevel tells nobody who is in a workflow, and a contact put into it twice would get its messages twice"
    assert (start_["state"], start_["attempts"]) == ("unknown", 1)
    assert start_["reason"] == f"it was sent, and whether it came true cannot be seen: {why}"
    assert note["reason"] == "not reached: a step before it failed"
    asked = await calls(house, "AddContactToWorkflow")
    assert (len(asked), sum(call["carried_out"] for call in asked)) == (1, done)


async def test_what_was_refused_for_now_is_no_doubt_even_of_a_workflow(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    hasten(monkeypatch, breakers=False)
    await house.rules(rule("start", "appointment.created", f"do: start_workflow, workflow: {WORKFLOW}"))
    await fault(house, "AddContactToWorkflow:429,retry_after=0")
    booked = await house.book(in_days(3, "12:00"), assignedUserId=KIM)
    await house.settled()
    [step] = await house.steps(booked)
    assert (step["state"], step["attempts"]) == ("done", 2)
    assert house.world.enrolments.find(ADA, WORKFLOW) is not None


async def test_an_owner_whom_somebody_gave_the_contact_meanwhile_keeps_it(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def given() -> None:
        await house.call("PUT", f"/contacts/{ADA}", {"assignedTo": KIM})

    # One reading to decide, one before the write.
    made = meddle(monkeypatch, {("GetContact", 2): given})
    await house.rules(rule("give", "appointment.created", "do: set_owner, to: dana"))
    booked = await house.book(in_days(3, "12:00"))
    await house.settled()
    [step] = await house.steps(booked)
    conflict = "a conflict: somebody else changed the contact's owner since: left alone"
    assert (step["state"], step["reason"], made["ChangeContactOwner"]) == ("unchanged", conflict, 0)


async def test_the_task_of_another_step_is_not_taken_for_ones_own(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    hasten(monkeypatch, breakers=False)
    same = "do: create_task, title: Call back, for: kim, due: '2031-03-26 17:00'"
    await house.rules(rule("one", "appointment.created", same) + rule("two", "appointment.created", same))
    await fault(house, "CreateTask:500*1")
    booked = await house.book(in_days(3, "12:00"))
    await house.settled()
    await fault(house, "CreateTask:drop")
    other = await house.book(in_days(10, "12:00"))
    await house.settled()
    steps = [*await house.steps(booked), *await house.steps(other)]
    assert [step["state"] for step in steps] == ["done"] * 4
    assert len({step["written_id"] for step in steps}) == 4
    assert len((await house.call("GET", f"/contacts/{ADA}/tasks"))["tasks"]) == 4


async def test_a_task_that_comes_true_while_it_is_looked_for_is_not_set_again(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    hasten(monkeypatch, breakers=False)
    monkeypatch.setattr(Workplace, "settle_after", property(lambda _: timedelta()))
    await house.rules(rule("it", "appointment.created", "do: create_task, title: Call back, for: kim"))
    await fault(house, "CreateTask:drop")

    async def comes_true() -> None:
        stored = await house.pool.fetchval("SELECT operation FROM steps")
        wire = Operation.restored(stored).wire()
        async with house.api.request(wire.method, wire.path, json=wire.body, headers=HEADERS) as answer:
            assert answer.status == 201

    made = meddle(monkeypatch, {("ListTasks", 2): comes_true})
    booked = await house.book(in_days(3, "12:00"))
    await house.settled()
    [step] = await house.steps(booked)
    assert (step["state"], made["CreateTask"], made["ListTasks"]) == ("done", 1, 2)
