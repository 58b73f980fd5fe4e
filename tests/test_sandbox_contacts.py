"""The sandbox's contacts: read, found, given an owner, tagged, set tasks, put into workflows."""

import json
from typing import Any

from service.highlevel.contacts import (
    ContactAppointmentsReply,
    ContactEdited,
    ContactReply,
    TagsReply,
    TaskReply,
    WorkflowReply,
)
from tests.sandboxes import ADA, APPOINTMENTS, KIM, LOCATION, Sandbox, at, running, until, verify

PLACE = """
strict: true
locations:
  - id: lFk3vTj0cQxW8mPzR2bN
    timezone: Europe/London
    tokens: [pit-sandbox-demo]
    users:
      - {id: epfJBd0Kh8oOOL8dKLzd, name: Kim Example}
      - {id: aT4xQm7LrW2vYc9NhZ0s, name: Alex}
    contacts:
      - {id: ada, name: Ada Example, email: ada@example.com, phone: "+442071838750", tags: [vip, web]}
    calendars:
      - id: jc01T5GOBUSZGi6HWGK1
        name: Cuts
        team: [epfJBd0Kh8oOOL8dKLzd]
        slot_minutes: 60
        open_hours:
          - {days: [Mon, Tue, Wed, Thu, Fri, Sat, Sun], opens: 09:00, closes: 20:00}
  - id: oThErL0cAt1oNoFtEsTs
    timezone: Europe/Paris
    tokens: [pit-other]
    contacts:
      - {id: eve, name: Eve Elsewhere}
"""
ALL = {
    "id": "ada",
    "locationId": LOCATION,
    "type": "lead",
    "dnd": False,
    "tags": ["vip", "web"],
    "customFields": [],
    "firstName": "Ada",
    "lastName": "Example",
    "name": "Ada Example",
    "email": "ada@example.com",
    "phone": "+442071838750",
    "dateAdded": "2026-03-23T08:00:00.000Z",
    "dateUpdated": "2026-03-23T08:00:00.000Z",
}


async def read(sandbox: Sandbox) -> Any:
    return (await sandbox.call("GET", "/contacts/ada"))["contact"]


async def test_a_contact_is_read_whole_and_those_of_others_are_not_found() -> None:
    async with running(told=False, seed=PLACE) as sandbox:
        answer = await sandbox.call("GET", "/contacts/ada")
        assert answer["contact"] == ALL
        assert ContactReply.model_validate(answer).contact.tags == ("vip", "web")
        for method, path, body in (
            ("GET", "/contacts/eve", None),
            ("GET", "/contacts/eve/appointments", None),
            ("PUT", "/contacts/eve", {"assignedTo": None}),
            ("POST", "/contacts/eve/tags", {"tags": ["a"]}),
            ("DELETE", "/contacts/eve/tags", {"tags": ["a"]}),
            ("POST", "/contacts/eve/tasks", {"title": "a", "dueDate": at("10:00"), "completed": False}),
            ("POST", "/contacts/eve/workflow/w", {}),
            ("GET", "/contacts/eve/tasks", None),
            ("DELETE", "/contacts/eve/workflow/w", {}),
        ):
            assert (await sandbox.call(method, path, body, status=404))["message"] == "The contact is not found."


async def test_a_contact_gets_an_owner_who_is_a_user_or_none() -> None:
    async with running(told=False, seed=PLACE) as sandbox:
        answer = await sandbox.call("PUT", "/contacts/ada", {"assignedTo": KIM})
        assert ContactEdited.model_validate(answer).succeeded
        assert answer["succeded"] is True  # HighLevel's spelling
        assert answer["contact"] == await read(sandbox) == {**ALL, "assignedTo": KIM}
        answer = await sandbox.call("PUT", "/contacts/ada", {"assignedTo": "nobody"}, status=400)
        assert answer["message"] == "The user id is not valid."
        await sandbox.call("PUT", "/contacts/ada", {}, status=422)
        await sandbox.call("PUT", "/contacts/ada", {"assignedTo": KIM, "colour": 1}, status=422)
        assert (await read(sandbox))["assignedTo"] == KIM
        await sandbox.call("PUT", "/contacts/ada", {"assignedTo": None})
        assert (await read(sandbox))["assignedTo"] is None


async def test_tags_are_added_and_taken_away_each_once_in_order_and_in_small_letters() -> None:
    async with running(told=False, seed=PLACE) as sandbox:
        answer = await sandbox.call("POST", "/contacts/ada/tags", {"tags": ["New", "WEB", "new"]}, status=201)
        assert TagsReply.model_validate(answer).tags == ("vip", "web", "new")
        answer = await sandbox.call("DELETE", "/contacts/ada/tags", {"tags": ["Vip", "unknown"]})
        assert answer["tags"] == (await read(sandbox))["tags"] == ["web", "new"]
        for wrong in ({}, {"tags": "web"}, {"tags": [1]}, {"tags": [], "more": 1}):
            await sandbox.call("POST", "/contacts/ada/tags", wrong, status=422)
            await sandbox.call("DELETE", "/contacts/ada/tags", wrong, status=422)


async def test_what_changes_on_a_contact_is_announced_and_nothing_else_is() -> None:
    async with running(seed=PLACE) as sandbox:
        await sandbox.call("POST", "/contacts/ada/tags", {"tags": ["web"]}, status=201)
        await sandbox.call("DELETE", "/contacts/ada/tags", {"tags": ["unknown"]})
        await sandbox.call("PUT", "/contacts/ada", {"assignedTo": None})
        await sandbox.call("PUT", "/contacts/ada", {"assignedTo": KIM})
        await sandbox.call("PUT", "/contacts/ada", {"assignedTo": KIM})
        await sandbox.call("POST", "/contacts/ada/tags", {"tags": ["New"]}, status=201)
        await sandbox.call("DELETE", "/contacts/ada/tags", {"tags": ["New", "vip"]})
        await until(lambda: len(sandbox.receiver.arrived) == 3)
        for body, headers, _ in sandbox.receiver.arrived:
            verify(sandbox, body, headers)
        owned, tagged, untagged = sandbox.receiver.bodies
        assert (await sandbox.call("GET", "/_sandbox/webhooks"))["waiting"] == 0
        assert json.dumps(owned) == json.dumps(  # in this order
            {
                "type": "ContactUpdate",
                "locationId": LOCATION,
                "versionId": "0123456789abcdef01234567",
                "appId": "0123456789abcdef01234567",
                "id": "ada",
                "address1": "",
                "city": "",
                "state": "",
                "companyName": "",
                "country": "",
                "source": "",
                "dateAdded": "2026-03-23T08:00:00.000Z",
                "dateOfBirth": "",
                "dnd": False,
                "email": "ada@example.com",
                "name": "Ada Example",
                "firstName": "Ada",
                "lastName": "Example",
                "phone": "+442071838750",
                "postalCode": "",
                "tags": ["vip", "web"],
                "website": "",
                "attachments": [],
                "assignedTo": KIM,
                "customFields": [],
                "timestamp": "2026-03-23T08:00:00.000Z",
                "webhookId": owned["webhookId"],
            }
        )
        assert tagged["type"] == untagged["type"] == "ContactTagUpdate"
        assert (tagged["tags"], untagged["tags"]) == (["vip", "web", "new"], ["web"])


async def test_a_task_is_set_and_listed() -> None:
    async with running(told=False, seed=PLACE) as sandbox:
        body = {"title": "Call", "dueDate": "2026-03-24T11:00:00+01:00", "completed": False, "assignedTo": KIM}
        answer = await sandbox.call("POST", "/contacts/ada/tasks", body, status=201)
        task = TaskReply.model_validate(answer).task
        assert len(task.id) == 20
        assert answer["task"] == {
            **body,
            "id": task.id,
            "contactId": "ada",
            "dueDate": "2026-03-24T10:00:00.000Z",
        }
        await sandbox.call("POST", "/contacts/ada/tasks", {**body, "assignedTo": "nobody"}, status=400)
        assert (await sandbox.call("GET", "/contacts/ada/tasks"))["tasks"] == [answer["task"]]
        for wrong in ({"dueDate": "soon"}, {"title": 1}, {"completed": None}):
            await sandbox.call("POST", "/contacts/ada/tasks", {**body, **wrong}, status=422)


async def test_a_contact_enters_a_workflow_and_leaves_it() -> None:
    async with running(told=False, seed=PLACE) as sandbox:
        path, body = "/contacts/ada/workflow/win", {"eventStartTime": at("10:00")}
        assert WorkflowReply.model_validate(await sandbox.call("POST", path, body)).succeeded
        for _ in range(2):  # who is in none leaves none, and that is well
            assert (await sandbox.call("DELETE", path, {}))["succeded"] is True
        await sandbox.call("POST", path, {"eventStartTime": "soon"}, status=422)


async def test_the_appointments_of_a_contact_have_times_without_a_zone() -> None:
    async with running(told=False, seed=PLACE) as sandbox:
        # In the night to the 29th London's clocks go forward.
        times = ("2026-03-30T10:00:00+01:00", "2026-03-23T10:00:00+00:00", "2026-03-24T10:00:00+00:00")
        late, early, gone = [await sandbox.book(time, contactId="ada", title=time) for time in times]
        await sandbox.call("DELETE", f"/calendars/events/{gone['id']}")
        answer = await sandbox.call("GET", "/contacts/ada/appointments")
        assert ContactAppointmentsReply.model_validate(answer).events[0].assigned_user_id == KIM
        assert [(event["id"], event["startTime"], event["endTime"]) for event in answer["events"]] == [
            (early["id"], "2026-03-23 10:00:00", "2026-03-23 11:00:00"),
            (late["id"], "2026-03-30 10:00:00", "2026-03-30 11:00:00"),
        ]
        await sandbox.call("PUT", f"{APPOINTMENTS}/{early['id']}", {"appointmentStatus": "cancelled"})
        events = (await sandbox.call("GET", "/contacts/ada/appointments"))["events"]
        assert [event["appointmentStatus"] for event in events] == ["cancelled", "confirmed"]


async def test_where_nobody_need_be_declared_any_contact_is_known_and_keeps_what_it_is_given() -> None:
    seed = f"strict: false\nlocations: [{{id: {LOCATION}, timezone: UTC, tokens: [pit-sandbox-demo]}}]"
    async with running(told=False, seed=seed) as sandbox:
        assert (await sandbox.call("GET", f"/contacts/{ADA}"))["contact"]["id"] == ADA
        await sandbox.call("PUT", f"/contacts/{ADA}", {"assignedTo": "anybody"})
        await sandbox.call("POST", f"/contacts/{ADA}/tags", {"tags": ["new"]}, status=201)
        contact = (await sandbox.call("GET", f"/contacts/{ADA}"))["contact"]
        assert (contact["assignedTo"], contact["tags"]) == ("anybody", ["new"])
