"""Rooms and equipment in the sandbox."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from service.highlevel.resources import Resource, ResourcesReply
from tests.sandboxes import CUTS, DANA, LOCATION, Sandbox, running

ROOMS, EQUIPMENTS = "/calendars/resources/rooms", "/calendars/resources/equipments"

SEED = f"""
locations:
  - id: {LOCATION}
    timezone: Europe/London
    tokens: [pit-sandbox-demo]
    users: [{{id: {DANA}, name: Dana}}]
    calendars: [{{id: {CUTS}, name: Cuts, team: [{DANA}]}}]
"""


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with running(told=False, seed=SEED) as running_sandbox:
        yield running_sandbox


def wanted(*calendars: str, **fields: Any) -> dict[str, Any]:
    counts = {"quantity": 2, "outOfService": 0, "capacity": 8}
    texts = {"locationId": LOCATION, "name": "Studio", "description": "First floor"}
    return {**texts, **counts, "calendarIds": list(calendars), **fields}


async def service_calendar(sandbox: Sandbox) -> str:
    body = {
        "locationId": LOCATION,
        "name": "Yoga",
        "calendarType": "service_booking",
        "teamMembers": [{"userId": DANA}],
    }
    return str((await sandbox.call("POST", "/calendars/", body))["calendar"]["id"])


@pytest.mark.parametrize("path", [ROOMS, EQUIPMENTS])
async def test_a_resource_is_made_read_changed_and_deleted(sandbox: Sandbox, path: str) -> None:
    calendar = await service_calendar(sandbox)
    made = await sandbox.call("POST", path, wanted(calendar), status=201)
    resource_id = Resource.read(made).id or ""
    assert len(resource_id) == 20
    kept = {
        **wanted(calendar),
        "_id": resource_id,
        "id": resource_id,
        "resourceType": path.rpartition("/")[2],
        "isActive": True,
    }
    assert made == {**kept, "traceId": made["traceId"]}
    each = f"{path}/{resource_id}"
    read = await sandbox.call("GET", each)
    assert read == {**kept, "traceId": read["traceId"]}
    changes = {"name": "Loft", "isActive": False, "capacity": 9}
    changed = await sandbox.call("PUT", each, {**changes, "description": None, "locationId": LOCATION})
    del kept["calendarIds"]
    assert changed == {**kept, **changes, "traceId": changed["traceId"]}
    assert (await sandbox.call("GET", each))["calendarIds"] == [calendar]
    await sandbox.call("PUT", each, {"calendarIds": []})
    assert (await sandbox.call("GET", each))["calendarIds"] == []
    assert (await sandbox.call("DELETE", each))["success"] is True
    for method in ("GET", "PUT", "DELETE"):
        answer = await sandbox.call(method, each, {} if method == "PUT" else None, status=404)
        assert answer["message"] == "The resource is not found."


async def test_resources_are_listed_by_their_kind_a_page_at_a_time(sandbox: Sandbox) -> None:
    for name in "ABC":
        await sandbox.call("POST", ROOMS, wanted(name=name), status=201)
    await sandbox.call("POST", EQUIPMENTS, wanted(name="Mat"), status=201)

    async def names(path: str, limit: int, skip: int) -> list[str]:
        answer = await sandbox.call("GET", path, locationId=LOCATION, limit=limit, skip=skip)
        return [resource.name for resource in ResourcesReply.read(answer).resources]

    assert await names(ROOMS, 2, 0) == ["A", "B"]
    assert await names(ROOMS, 2, 2) == ["C"]
    assert await names(ROOMS, 2, 3) == []
    assert await names(EQUIPMENTS, 10, 0) == ["Mat"]
    for wrong, words in (
        ({"limit": 0, "skip": 0}, "limit must not be less than 1"),
        ({"limit": 1, "skip": -1}, "skip must not be less than 0"),
    ):
        assert (await sandbox.call("GET", ROOMS, locationId=LOCATION, status=422, **wrong))["message"] == [words]
    answer = await sandbox.call("GET", ROOMS, locationId=LOCATION, status=422)
    assert answer["message"] == ["limit should not be empty", "skip should not be empty"]


async def test_a_room_is_no_equipment(sandbox: Sandbox) -> None:
    made = await sandbox.call("POST", ROOMS, wanted(), status=201)
    for method in ("GET", "PUT", "DELETE"):
        await sandbox.call(method, f"{EQUIPMENTS}/{made['id']}", {} if method == "PUT" else None, status=404)
    await sandbox.call("GET", f"/calendars/resources/cars/{made['id']}", status=422)


async def test_resources_are_for_service_calendars_of_the_location(sandbox: Sandbox) -> None:
    first, second = await service_calendar(sandbox), await service_calendar(sandbox)
    made = await sandbox.call("POST", ROOMS, wanted(first, second, first), status=201)
    assert made["calendarIds"] == [first, second]
    for calendar, words in (
        ("nowhere", "The calendar id is not valid."),
        (CUTS, "The calendar is not a service calendar."),
    ):
        assert (await sandbox.call("POST", ROOMS, wanted(calendar), status=400))["message"] == words
        each, body = f"{ROOMS}/{made['id']}", {"calendarIds": [calendar]}
        assert (await sandbox.call("PUT", each, body, status=400))["message"] == words
    await sandbox.call("POST", EQUIPMENTS, wanted(first, second), status=422)
    mat = await sandbox.call("POST", EQUIPMENTS, wanted(first), status=201)
    await sandbox.call("PUT", f"{EQUIPMENTS}/{mat['id']}", {"calendarIds": [first, second]}, status=422)
    await sandbox.call("PUT", f"{EQUIPMENTS}/{mat['id']}", {"calendarIds": [second]})


async def test_a_resource_that_cannot_be_is_refused(sandbox: Sandbox) -> None:
    answer = await sandbox.call("POST", ROOMS, wanted(quantity=-1, name=""), status=422)
    assert answer["message"] == ["quantity must not be less than 0", "name should not be empty"]
    body = {name: value for name, value in wanted().items() if name != "capacity"}
    assert (await sandbox.call("POST", ROOMS, body, status=422))["message"] == ["capacity should not be empty"]
    await sandbox.call("POST", ROOMS, wanted(*["x"] * 101), status=422)
    for elsewhere in ({"locationId": "other"}, {"locationId": ""}):
        await sandbox.call("POST", ROOMS, wanted(**elsewhere), status=403)
    made = await sandbox.call("POST", ROOMS, wanted(), status=201)
    await sandbox.call("PUT", f"{ROOMS}/{made['id']}", {"locationId": "other"}, status=403)
    await sandbox.call("GET", ROOMS, locationId="other", limit=1, skip=0, status=403)
