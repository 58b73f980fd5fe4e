"""Rooms and equipment: what goes over the wire, what is refused before, what is read."""

from typing import Any

import pytest
from pydantic import ValidationError

from service.highlevel.operation import Operation
from service.highlevel.resources import (
    CreateResource,
    DeleteResource,
    EditResource,
    GetResource,
    ListResources,
    Resource,
    ResourceDeleted,
    ResourcesReply,
)

NEW: dict[str, Any] = {
    "location_id": "place",
    "name": "Yoga room",
    "description": "First floor",
    "quantity": 2,
    "out_of_service": 0,
    "capacity": 85,
    "calendar_ids": ("one", "two"),
}
SENT: dict[str, Any] = {
    "locationId": "place",
    "name": "Yoga room",
    "description": "First floor",
    "quantity": 2,
    "outOfService": 0,
    "capacity": 85,
    "calendarIds": ["one", "two"],
}
KEPT: dict[str, Any] = {**SENT, "resourceType": "rooms", "isActive": True}


@pytest.mark.parametrize(
    ("operation", "sent"),
    [
        (
            ListResources(resource_type="rooms", location_id="place", limit=20, skip=40),
            ("GET", "/calendars/resources/rooms?locationId=place&limit=20&skip=40", None),
        ),
        (CreateResource(resource_type="rooms", **NEW), ("POST", "/calendars/resources/rooms", SENT)),
        (
            GetResource(resource_type="equipments", resource_id="mat"),
            ("GET", "/calendars/resources/equipments/mat", None),
        ),
        (
            EditResource(resource_type="equipments", resource_id="mat", is_active=False, calendar_ids=("one",)),
            ("PUT", "/calendars/resources/equipments/mat", {"isActive": False, "calendarIds": ["one"]}),
        ),
        (DeleteResource(resource_type="rooms", resource_id="one"), ("DELETE", "/calendars/resources/rooms/one", None)),
    ],
    ids=lambda given: type(given).__name__,
)
def test_a_call_goes_out_as_published(operation: Operation[Any], sent: tuple[str, str, Any]) -> None:
    wire = operation.wire()
    assert (wire.method, wire.target, wire.body) == sent
    assert Operation.restored(operation.stored()).wire() == wire


@pytest.mark.parametrize(
    "fields",
    [
        {"resource_type": "cars"},
        {"resource_type": "equipments"},
        {"calendar_ids": ("one",) * 101},
        {"capacity": None},
        {"quantity": float("nan")},
        {"color": "red"},
    ],
    ids=lambda fields: "-".join(fields),
)
def test_a_resource_that_cannot_be_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        CreateResource(**{"resource_type": "rooms", **NEW, **fields})


def test_equipment_goes_with_one_calendar_also_when_it_is_edited() -> None:
    with pytest.raises(ValidationError, match="calendar_ids"):
        EditResource(resource_type="equipments", resource_id="mat", calendar_ids=("one", "two"))
    EditResource(resource_type="rooms", resource_id="one", calendar_ids=("one", "two"))


@pytest.mark.parametrize(("told", "read"), [({"id": "one"}, "one"), ({"_id": "one"}, "one"), ({}, None)])
def test_the_id_is_read_by_either_name_and_may_be_missing(told: dict[str, Any], read: str | None) -> None:
    assert Resource.read({**KEPT, **told}).id == read


def test_a_list_is_a_bare_array_and_unknown_fields_stay() -> None:
    reply = ResourcesReply.read_json(
        b'[{"id":"one","locationId":"place","name":"Mat","resourceType":"equipments","x":1}]'
    )
    assert reply.resources[0].model_extra == {"x": 1}
    assert reply.resources[0].calendar_ids is None
    assert ResourcesReply.read([]).resources == ()


def test_quantities_are_whole_where_they_were_said_so() -> None:
    read = Resource.read({**KEPT, "quantity": 1.5})
    assert (read.quantity, read.capacity, type(read.capacity)) == (1.5, 85, int)


def test_a_deletion_says_whether_it_was_done() -> None:
    assert not ResourceDeleted.read({"success": False}).success
