"""The sandbox's second channel: what a workflow about appointments posts."""

import json
from typing import Any

from service.event import read_workflow
from service.sandbox.webhooks.outbox import Patience
from tests.salons import open_salon, path_of
from tests.sandboxes import ADA, APPOINTMENTS, CUTS, KIM, LOCATION, at, running, until

FIRST = "2026-03-30T10:00:00+01:00"
"""On the Monday after the clocks went forward in London."""


async def test_a_booking_sets_off_a_flat_unsigned_body_with_the_headers_that_were_asked_for() -> None:
    async with running(workflow=True) as sandbox:
        await sandbox.call("POST", f"/contacts/{ADA}/tags", {"tags": ["vip", "web"]}, status=201)
        booked = await sandbox.book(FIRST, assignedUserId=KIM, title="Früh", address="1 Main St")
        await until(lambda: len(sandbox.workflow.arrived) == 1)
        [(raw, headers, _)] = sandbox.workflow.arrived
        body = json.loads(raw)
        assert headers["Content-Type"] == "application/json"
        assert headers["X-Slotwright-Secret"] == "a-secret-of-the-workflow"
        assert "X-GHL-Signature" not in headers
        contact = {name: value for name, value in body.items() if isinstance(value, str)}
        assert (contact["contact_id"], contact["full_name"], contact["tags"]) == (ADA, "Ada Example", "vip,web")
        assert set(contact) == {
            *("contact_id", "first_name", "last_name", "full_name", "email", "phone", "tags", "country", "timezone"),
            *("date_created", "website", "contact_source", "full_address", "contact_type"),
        }
        assert (body["location"]["id"], body["location"]["name"]) == (LOCATION, "Leeds Salon")
        assert body["calendar"] == {
            "title": "Früh",
            "selectedTimezone": "Europe/London",
            "appointmentId": booked["id"],
            "startTime": "2026-03-30T10:00:00",
            "endTime": "2026-03-30T11:00:00",
            "status": "booked",
            "appoinmentStatus": "confirmed",
            "address": "1 Main St",
            "notes": "",
            "date_created": "2026-03-23T08:00:00.000Z",
            "created_by": "Ada Example",
            "created_by_user_id": "",
            "created_by_meta": {"source": "third_party"},
            "last_updated_by_meta": {"source": "third_party", "channel": "web_app"},
            "id": CUTS,
            "calendarName": "Cuts",
        }
        assert body["user"]["firstName"] == "Kim"
        assert body["workflow"].keys() == {"id", "name"}
        assert (body["triggerData"], body["customData"]) == ({}, {})
        event = read_workflow(raw)  # as the receiver reads it
        assert event.not_understood is None
        ids = (event.location_id, event.appointment_id, event.contact_id, event.calendar_id)
        assert ids == (LOCATION, booked["id"], ADA, CUTS)


async def test_a_change_sets_it_off_again_and_a_quiet_one_a_deletion_or_a_series_do_not() -> None:
    async with running(workflow=True) as sandbox:
        path = f"{APPOINTMENTS}/{(await sandbox.book(FIRST))['id']}"
        await sandbox.call("PUT", path, {"appointmentStatus": "cancelled", "toNotify": True})
        assert await sandbox.counts() == (2, 2)
        assert [body["calendar"]["appoinmentStatus"] for body in sandbox.workflow.bodies] == ["confirmed", "cancelled"]
        await sandbox.call("PUT", path, {"title": "Quiet", "toNotify": False})
        await sandbox.book("2026-03-30T14:00:00+01:00", toNotify=False)
        await sandbox.call("DELETE", f"/calendars/events/{path.rpartition('/')[2]}")
        assert await sandbox.counts() == (5, 2)
        daily: dict[str, Any] = {
            "rrule": "RRULE:FREQ=DAILY;COUNT=2",
            "ignoreFreeSlotValidation": True,
            "assignedUserId": KIM,
        }
        series = await sandbox.book(at("12:00"), **daily)
        await sandbox.call("PUT", f"{APPOINTMENTS}/{series['id']}", {"title": "All"})
        events = (await sandbox.call("GET", f"/contacts/{ADA}/appointments"))["events"]
        single = next(event["id"] for event in events if event["id"].startswith(f"{series['id']}_"))
        await sandbox.call("PUT", f"{APPOINTMENTS}/{single}", {"title": "One"})
        assert await sandbox.counts() == (8, 2)


async def test_it_is_tried_again_in_a_lane_of_its_own() -> None:
    async with running(workflow=True, patience=Patience(first_delay=0.02)) as sandbox:
        sandbox.workflow.answers = [500, 404]
        path = f"{APPOINTMENTS}/{(await sandbox.book(FIRST))['id']}"
        await sandbox.call("PUT", path, {"title": "Second"})
        # The app's are through while the workflow's first is still refused.
        await until(lambda: len(sandbox.receiver.arrived) == 2)
        assert len(sandbox.workflow.arrived) < 3
        assert await sandbox.counts() == (2, 4)
        assert len({raw for raw, _, _ in sandbox.workflow.arrived[:3]}) == 1
        assert sandbox.workflow.bodies[3]["calendar"]["title"] == "Second"
        answer = await sandbox.call("GET", "/_sandbox/webhooks")
        assert (answer["waiting"], answer["delivered"], answer["given_up"]) == (0, 4, 0)


async def test_a_service_booking_sets_it_off_once_made_or_changed_and_a_deletion_does_not() -> None:
    async with open_salon(workflow=True) as salon:
        booked = await salon.book()
        await salon.edit(booked, title="Roots")
        await salon.sandbox.call("DELETE", path_of(booked))
        assert await salon.sandbox.counts() == (0, 2)
        for raw, _, _ in salon.sandbox.workflow.arrived:
            event = read_workflow(raw)
            assert event.of_service_booking
            assert event.not_understood is None
            assert (event.location_id, event.appointment_id, event.contact_id) == (LOCATION, booked["bookingId"], ADA)
            assert "calendar" not in event.body


async def test_without_an_address_no_workflow_posts() -> None:
    async with running() as sandbox:
        await sandbox.book(FIRST)
        assert await sandbox.counts() == (1, 0)
