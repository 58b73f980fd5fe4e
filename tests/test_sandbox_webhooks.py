"""The sandbox's webhooks, its faults and its levers."""

import asyncio
import json
import time
from itertools import pairwise
from typing import Any

import aiohttp
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from service.sandbox.webhooks.outbox import Patience
from tests.sandboxes import (
    ADA,
    APPOINTMENTS,
    CUTS,
    FOREVER,
    HEADERS,
    KIM,
    LOCATION,
    Sandbox,
    at,
    running,
    until,
    verify,
)

NOTES = "/calendars/appointments/{appointment_id}/notes"
HELD = {"method": "POST", "path": NOTES, "hold": 30, "times": 1}


async def counted(sandbox: Sandbox, **expected: int) -> None:
    """A webhook counts a moment after its receiver has answered."""
    async with asyncio.timeout(5):
        while not expected.items() <= (await sandbox.call("GET", "/_sandbox/webhooks")).items():
            await asyncio.sleep(0.005)


async def test_each_change_is_announced_signed_in_the_published_order_of_keys() -> None:
    async with running() as sandbox:
        booked = await sandbox.book(at("10:00"), assignedUserId=KIM, title="Ada – früh")
        await sandbox.call("PUT", f"{APPOINTMENTS}/{booked['id']}", {"appointmentStatus": "cancelled"})
        await sandbox.call("DELETE", f"/calendars/events/{booked['id']}")
        await until(lambda: len(sandbox.receiver.arrived) == 3)
        for body, headers, _ in sandbox.receiver.arrived:
            verify(sandbox, body, headers)
            assert headers["Content-Type"] == "application/json"
            assert list(json.loads(body)) == [
                *("type", "locationId", "versionId", "appId", "appointment", "timestamp", "webhookId")
            ]
            assert body == json.dumps(json.loads(body), ensure_ascii=False, separators=(",", ":")).encode()
        created, updated, deleted = sandbox.receiver.bodies
        assert [body["type"] for body in sandbox.receiver.bodies] == [
            "AppointmentCreate",
            "AppointmentUpdate",
            "AppointmentDelete",
        ]
        assert len({body["webhookId"] for body in sandbox.receiver.bodies}) == 3
        assert created["appointment"] == {
            "id": booked["id"],
            "address": "",
            "title": "Ada – früh",
            "calendarId": CUTS,
            "contactId": ADA,
            "groupId": "",
            "appointmentStatus": "confirmed",
            "assignedUserId": KIM,
            "users": [],
            "notes": "",
            "source": "third_party",
            "startTime": at("10:00"),
            "endTime": at("11:00"),
            "dateAdded": "2026-03-23T08:00:00.000Z",
            "dateUpdated": "2026-03-23T08:00:00.000Z",
        }
        assert list(created["appointment"]) == [
            *("id", "address", "title", "calendarId", "contactId", "groupId", "appointmentStatus", "assignedUserId"),
            *("users", "notes", "source", "startTime", "endTime", "dateAdded", "dateUpdated"),
        ]
        assert updated["appointment"]["dateUpdated"] > created["appointment"]["dateUpdated"]
        assert deleted["appointment"] == updated["appointment"]
        key = load_pem_public_key((await sandbox.call("GET", "/_sandbox/webhook-key"))["publicKey"].encode())
        assert key == sandbox.key.public_key()


async def test_a_webhook_is_tried_again_until_taken_and_the_next_of_its_appointment_waits() -> None:
    async with running() as sandbox:
        sandbox.receiver.answers = [500, 302, 404]
        booked = await sandbox.book(at("10:00"))
        await sandbox.call("PUT", f"{APPOINTMENTS}/{booked['id']}", {"title": "Second"})
        await until(lambda: len(sandbox.receiver.arrived) == 5)
        bodies = [body for body, _, _ in sandbox.receiver.arrived]
        assert len(set(bodies[:4])) == 1
        assert sandbox.receiver.bodies[4]["type"] == "AppointmentUpdate"
        moments = [moment for _, _, moment in sandbox.receiver.arrived]
        gaps = [later - earlier for earlier, later in pairwise(moments)]
        assert gaps[0] >= 0.01
        assert gaps[2] >= 0.04
        await counted(sandbox, waiting=0, delivered=2, given_up=0)


async def test_one_appointment_in_trouble_does_not_hold_up_another() -> None:
    async with running(patience=Patience(first_delay=60)) as sandbox:
        sandbox.receiver.answers = [500]
        await sandbox.book(at("10:00"))
        await until(lambda: len(sandbox.receiver.arrived) == 1)
        second = await sandbox.book(at("12:00"))
        await until(lambda: len(sandbox.receiver.arrived) == 2)
        assert sandbox.receiver.bodies[1]["appointment"]["id"] == second["id"]
        await counted(sandbox, waiting=1, delivered=1, given_up=0)


async def test_a_webhook_nobody_takes_is_given_up() -> None:
    async with running(patience=Patience(first_delay=0.001, retries=3)) as sandbox:
        sandbox.receiver.answers = [429] * 4
        await sandbox.book(at("10:00"))
        await counted(sandbox, waiting=0, delivered=0, given_up=1)
        assert len(sandbox.receiver.arrived) == 4


async def test_a_receiver_that_names_a_time_is_left_alone_until_then() -> None:
    async with running(patience=Patience(first_delay=0.001)) as sandbox:
        sandbox.receiver.answers, sandbox.receiver.headers = [429], {"Retry-After": "1"}
        await sandbox.book(at("10:00"))
        await until(lambda: len(sandbox.receiver.arrived) == 2)
        (_, _, first), (_, _, second) = sandbox.receiver.arrived
        assert second - first >= 1


async def test_a_webhook_can_be_posted_as_one_likes() -> None:
    async with running() as sandbox:
        answer = await sandbox.call("POST", "/_sandbox/webhooks", {"body": {"type": "X", "b": "ä"}})
        assert answer == {"status": 200, "answer": {"kept": True}}
        sandbox.receiver.answers = [401, 401]
        answer = await sandbox.call("POST", "/_sandbox/webhooks", {"raw": "{ no", "signature": "forged"})
        assert answer == {"status": 401, "answer": {"kept": False}}
        await sandbox.call("POST", "/_sandbox/webhooks", {"raw": "", "signature": "none"})
        (good, forged, bare) = sandbox.receiver.arrived
        assert good[0] == '{"type":"X","b":"ä"}'.encode()
        verify(sandbox, *good[:2])
        with pytest.raises(InvalidSignature):
            verify(sandbox, *forged[:2])
        assert "X-GHL-Signature" not in bare[1]
        refused: list[Any] = [
            {},
            {"raw": "", "body": {}},
            {"raw": "", "signature": "odd"},
            {"raw": "", "colour": 1},
            [],
        ]
        for wrong in refused:
            await sandbox.call("POST", "/_sandbox/webhooks", wrong, status=422)


async def test_without_an_address_nobody_is_told() -> None:
    async with running(told=False) as sandbox:
        await sandbox.book(at("10:00"))
        assert (await sandbox.call("GET", "/_sandbox/webhooks"))["waiting"] == 0
        await sandbox.call("POST", "/_sandbox/webhooks", {"raw": "{}"}, status=409)


async def test_a_write_whose_answer_is_held_is_done_once() -> None:
    async with running(told=False) as sandbox:
        booked = await sandbox.book(at("10:00"))
        await sandbox.call("POST", "/_sandbox/faults", HELD, status=201)
        path = NOTES.replace("{appointment_id}", booked["id"])
        with pytest.raises(TimeoutError):
            await sandbox.client.post(
                path, json={"body": "once"}, headers=HEADERS, timeout=aiohttp.ClientTimeout(total=0.1)
            )
        listed = await sandbox.call("GET", path, limit=20, offset=0)
        assert [note["body"] for note in listed["notes"]] == ["once"]
        assert await sandbox.writes("CreateNote") == 1
        started = time.monotonic()
        await sandbox.call("POST", path, {"body": "twice"}, status=201)  # the fault is used up
        assert time.monotonic() - started < 5
    assert time.monotonic() - started < 5  # and nothing waited for the held answer at the end


async def test_held_answers_go_when_the_faults_do() -> None:
    async with running(told=False) as sandbox:
        booked = await sandbox.book(at("10:00"))
        await sandbox.call("POST", "/_sandbox/faults", {**HELD, "path": NOTES.replace("_i", "I")}, status=201)
        held = asyncio.create_task(
            sandbox.call("POST", NOTES.replace("{appointment_id}", booked["id"]), {"body": "held"}, status=201)
        )
        async with asyncio.timeout(5):
            while not await sandbox.writes("CreateNote"):
                await asyncio.sleep(0.005)
            assert not held.done()
            await sandbox.call("DELETE", "/_sandbox/faults", status=204)
            assert (await held)["note"]["body"] == "held"


async def test_a_status_on_order_comes_before_or_after_the_write() -> None:
    async with running(told=False) as sandbox:

        async def order(**fault: Any) -> None:
            await sandbox.call(
                "POST", "/_sandbox/faults", {"method": "POST", "path": APPOINTMENTS, **fault}, status=201
            )

        await order(status=429, retry_after=1, times=2)
        for _ in range(2):
            async with sandbox.client.post(APPOINTMENTS, json={}, headers=HEADERS) as response:
                assert (response.status, response.headers["Retry-After"]) == (429, "1")
                assert await response.json() == {"statusCode": 429, "message": "Too Many Requests"}
        before = await _booked(sandbox)
        await order(status=500)
        await sandbox.book(at("10:00"), status=500)
        assert await _booked(sandbox) == before
        await order(status=502, after_write=True)
        await sandbox.book(at("10:00"), status=502)
        assert await _booked(sandbox) == before + 1
        await sandbox.book(at("10:00"))
        calls = await sandbox.call("GET", "/_sandbox/calls")
        assert [call["status"] for call in calls if call["method"] == "POST"] == [429, 429, 500, 502, 200]
        for wrong in ({"method": "POST", "path": "/nowhere", "hold": 1}, {"method": "POST", "path": APPOINTMENTS}):
            await sandbox.call("POST", "/_sandbox/faults", wrong, status=422)


async def _booked(sandbox: Sandbox) -> int:
    return len((await sandbox.call("GET", "/calendars/events", calendarId=CUTS, **FOREVER))["events"])


async def test_an_appointment_can_be_placed_as_it_is() -> None:
    async with running() as sandbox:
        published = {
            "id": "0007BWpSzSwfiuSl0tR2",
            "address": "https://example.com/meeting",
            "title": "Appointment",
            "calendarId": "BqTwX8QFwXzpegMve9EQ",
            "contactId": "9NkT25Vor1v4aQatFsv2",
            "groupId": "9NkT25Vor1v4aQatFsv2",
            "appointmentStatus": "confirmed",
            "assignedUserId": "YlWd2wuCAZQzh2cH1fVZ",
            "users": ["YlWd2wuCAZQzh2cH1fVZ", "9NkT25Vor1v4aQatFsv2"],
            "notes": "Some dummy note",
            "source": "booking_widget",
            "startTime": "2023-09-25T16:00:00+05:30",
            "endTime": "2023-09-25T16:00:00+05:30",
            "dateAdded": "2023-09-25T16:00:00+05:30",
            "dateUpdated": "2023-09-25T16:00:00+05:30",
        }
        path = f"/_sandbox/appointments/{published['id']}"
        await sandbox.call("PUT", path, published)
        read = await sandbox.read("0007BWpSzSwfiuSl0tR2")
        assert read["createdBy"]["source"] == "booking_widget"
        assert (read["startTime"], read["endTime"]) == ("2023-09-25T11:30:00+01:00",) * 2
        assert (read["users"], read["notes"]) == (published["users"], "Some dummy note")
        listed = await sandbox.call(
            "GET",
            "/calendars/events",
            locationId=LOCATION,
            startTime=1695637800000,
            endTime=1695637800001,
            groupId="9NkT25Vor1v4aQatFsv2",
        )
        assert [event["id"] for event in listed["events"]] == [published["id"]]
        await sandbox.call("PUT", path, {**read, "deleted": True})  # an answer goes back, too
        assert (await sandbox.read("0007BWpSzSwfiuSl0tR2"))["deleted"] is True
        await sandbox.call("PUT", path, {**published, "colour": 1}, status=422)
        await sandbox.call("PUT", path, {**published, "id": "other"}, status=422)
        await sandbox.call("PUT", path, {**published, "locationId": "other"}, status=422)
        await sandbox.call("PUT", path, {**published, "endTime": "2023-09-25T15:00:00+05:30"}, status=422)
        assert sandbox.receiver.arrived == []
        await sandbox.call("PUT", path, published)
        await sandbox.call("PUT", f"{APPOINTMENTS}/{published['id']}", {"title": "Changed"})
        await until(lambda: len(sandbox.receiver.arrived) == 1)
        assert sandbox.receiver.bodies[0]["appointment"]["title"] == "Changed"


async def test_calls_that_nobody_knows_are_recorded_and_the_levers_are_not() -> None:
    async with running(told=False) as sandbox:
        await sandbox.call("GET", "/nowhere", status=404)
        await sandbox.call("GET", "/_sandbox/nowhere", status=404)
        assert await sandbox.call("GET", "/_sandbox/calls") == [
            {
                "method": "GET",
                "path": "/nowhere",
                "status": 404,
                "at": "2026-03-23T08:00:00.000Z",
                "operation": None,
                "carried_out": False,
            }
        ]
