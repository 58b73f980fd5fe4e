"""Notifications of calendars in the sandbox."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from service.highlevel.notifications import Notification, NotificationsReply
from service.sandbox.seeds.seed import packaged_seed
from tests.sandboxes import CUTS, ROOM, Sandbox, running

PATH = f"/calendars/{CUTS}/notifications"
BOOKED: dict[str, Any] = {"receiverType": "contact", "channel": "sms", "notificationType": "booked"}
REMINDER: dict[str, Any] = {
    "receiverType": "business",
    "channel": "email",
    "notificationType": "reminder",
    "isActive": False,
    "subject": "Soon",
    "beforeTime": [{"timeOffset": 1, "unit": "hours"}],
    "selectedUsers": ["sub_account_admin"],
}
EMPTY: dict[str, Any] = {
    "additionalEmailIds": [],
    "additionalPhoneNumbers": [],
    "additionalWhatsappNumbers": [],
    "selectedUsers": [],
    "afterTime": [],
    "beforeTime": [],
    "isActive": True,
    "deleted": False,
}


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with running(told=False) as running_sandbox:
        yield running_sandbox


async def listed(sandbox: Sandbox, **query: Any) -> list[str | None]:
    answer = await sandbox.call("GET", PATH, **query)
    return [notification.id for notification in NotificationsReply.read(answer).notifications]


async def test_notifications_come_as_an_array_and_go_as_one(sandbox: Sandbox) -> None:
    made = await sandbox.call("POST", PATH, [BOOKED | {"fromName": "Front desk", "subject": None}, REMINDER])
    ids = [notification["_id"] for notification in made]
    assert len(set(ids)) == 2
    assert made == [{**EMPTY, **BOOKED, "_id": ids[0]}, {**EMPTY, **REMINDER, "_id": ids[1]}]
    assert await sandbox.call("GET", PATH) == made
    read = await sandbox.call("GET", f"{PATH}/{ids[1]}")
    assert read == made[1] | {"traceId": read["traceId"]}
    assert Notification.read(read).before_time[0].unit == "hours"
    assert await sandbox.call("POST", PATH, []) == []


async def test_a_change_is_answered_in_words(sandbox: Sandbox) -> None:
    [made] = await sandbox.call("POST", PATH, [REMINDER])
    each = f"{PATH}/{made['_id']}"
    changes = {"channel": "whatsapp", "isActive": True, "selectedUsers": [], "additionalPhoneNumbers": ["+15550100"]}
    answer = await sandbox.call("PUT", each, {**changes, "subject": None, "receiverType": None, "deleted": None})
    assert answer == {"message": "notification updated", "traceId": answer["traceId"]}
    read = await sandbox.call("GET", each)
    del made["subject"]
    assert read == {**made, **changes, "traceId": read["traceId"]}


async def test_a_deleted_notification_is_read_by_its_id_and_listed_when_asked_for(sandbox: Sandbox) -> None:
    first, second = [each["_id"] for each in await sandbox.call("POST", PATH, [BOOKED, REMINDER])]
    for _ in range(2):
        answer = await sandbox.call("DELETE", f"{PATH}/{first}")
        assert answer == {"message": "notification deleted", "traceId": answer["traceId"]}
    assert (await sandbox.call("GET", f"{PATH}/{first}"))["deleted"] is True
    assert await listed(sandbox) == [second] == await listed(sandbox, deleted="false")
    assert await listed(sandbox, deleted="true") == [first]
    await sandbox.call("PUT", f"{PATH}/{second}", {"deleted": True})
    await sandbox.call("PUT", f"{PATH}/{first}", {"deleted": False})
    assert await listed(sandbox) == [first]


async def test_a_list_can_be_of_those_that_are_on_and_comes_in_pages_of_a_hundred(sandbox: Sandbox) -> None:
    made = await sandbox.call("POST", PATH, [REMINDER, *[BOOKED] * 101])
    ids = [notification["_id"] for notification in made]
    assert await listed(sandbox) == ids[:100]
    assert await listed(sandbox, skip=100) == ids[100:]
    assert await listed(sandbox, isActive="true", limit=2) == ids[1:3]
    assert await listed(sandbox, isActive="false") == ids[:1]
    assert (await sandbox.call("GET", PATH, limit=0, status=422))["message"] == ["limit must not be less than 1"]
    assert (await sandbox.call("GET", PATH, skip=-1, status=422))["message"] == ["skip must not be less than 0"]


async def test_a_notification_that_cannot_be_is_refused(sandbox: Sandbox) -> None:
    answer = await sandbox.call("POST", PATH, [BOOKED, BOOKED | {"channel": "fax"}], status=422)
    assert answer["message"] == ["notifications.1.channel must be a valid enum value"]
    assert (await sandbox.call("POST", PATH, BOOKED, status=400))["message"] == "The body is no JSON array"
    await sandbox.call("POST", PATH, [{"channel": "sms"}], status=422)
    assert await listed(sandbox) == []


async def test_notifications_are_one_calendars() -> None:
    other = "\n  - {id: OtherLocati0nOfTests, timezone: UTC, calendars: [{id: EL5E, name: Else, type: event}]}"
    async with running(told=False, seed=packaged_seed("demo").rstrip() + other) as sandbox:
        [made] = await sandbox.call("POST", PATH, [BOOKED])
        answer = await sandbox.call("GET", f"/calendars/{ROOM}/notifications/{made['_id']}", status=404)
        assert answer["message"] == "The notification is not found."
        await sandbox.call("PUT", f"/calendars/{ROOM}/notifications/{made['_id']}", {}, status=404)
        await sandbox.call("DELETE", f"{PATH}/other", status=404)
        assert await sandbox.call("GET", f"/calendars/{ROOM}/notifications") == []
        await sandbox.call("GET", "/calendars/EL5E/notifications", status=404)
        await sandbox.call("POST", "/calendars/EL5E/notifications", [BOOKED], status=404)
